//! What the operator asks for, on a port of its own: `/metrics` for Prometheus, `/healthz` for whoever restarts things.

pub mod access_log;
mod health;
pub(crate) mod metrics;

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::http::{Method, Request, Response, StatusCode};
use tokio::task::spawn_blocking;

use crate::site::Site;
use health::Health;
use metrics::Metrics;

const TEXT: &str = "text/plain; charset=utf-8";

/// Answers the operator.
pub(crate) struct Operator {
    pub(crate) webroot: PathBuf,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) site: Site,
}

impl Operator {
    /// `open` is how many connections there are.
    pub(crate) async fn answer<B>(&self, request: &Request<B>, open: usize) -> Response<Body> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, TEXT, "method not allowed\n".to_owned());
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match request.uri().path() {
            "/metrics" => {
                let patience_s = self.health().await.patience_s;
                let cache = self.site.cache_counts();
                let all = metrics::render(&self.metrics, open, cache, self.site.waiting(), patience_s);
                text(StatusCode::OK, metrics::CONTENT_TYPE, all)
            }
            "/healthz" => {
                let Health { is_well, why, .. } = self.health().await;
                let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                text(status, TEXT, format!("{why}\n"))
            }
            _ => text(StatusCode::NOT_FOUND, TEXT, "not found; there is /metrics and /healthz\n".to_owned()),
        }
    }

    async fn health(&self) -> Health {
        let webroot = self.webroot.clone();
        spawn_blocking(move || health::check_webroot(&webroot)).await.unwrap_or_else(|error| Health {
            is_well: false,
            why: format!("stream.m3u8 cannot be looked at: {error}"),
            patience_s: 0,
        })
    }
}

fn text(status: StatusCode, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
