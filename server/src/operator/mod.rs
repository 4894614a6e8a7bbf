//! What the operator asks for, on a port of its own: `/metrics` for Prometheus, `/healthz` for whoever restarts things.

pub mod access_log;
mod health;
pub(crate) mod metrics;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::task::spawn_blocking;
use tower::ServiceExt;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use crate::accounts::Accounts;
use crate::site::Site;
use health::Health;
use metrics::Metrics;

/// For a disk that does not answer: that is what the operator wants to know then. Prometheus waits for ten seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the answers are made of.
pub(crate) struct Sources {
    pub(crate) webroot: PathBuf,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) site: Site,
    /// How many connections there are.
    pub(crate) open: Box<dyn Fn() -> usize + Send + Sync>,
    pub(crate) accounts: Arc<Accounts>,
}

/// Answers the operator.
pub(crate) struct Operator(Router);

impl Operator {
    pub(crate) fn new(sources: Sources) -> Operator {
        let router = Router::new()
            .route("/metrics", get(metrics_page))
            .route("/healthz", get(health_page))
            .fallback(|| async { (StatusCode::NOT_FOUND, "not found; there is /metrics and /healthz\n") })
            .method_not_allowed_fallback(|| async {
                (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")], "method not allowed\n")
            })
            .with_state(Arc::new(sources));
        Operator(guarded(router))
    }

    pub(crate) async fn answer(&self, request: Request<()>) -> Response {
        let Ok(response) = self.0.clone().oneshot(request.map(|()| Body::empty())).await;
        response
    }
}

/// What holds of all answers: they come in time, and nobody keeps them.
fn guarded(router: Router) -> Router {
    router
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, PATIENCE))
        .layer(SetResponseHeaderLayer::overriding(CACHE_CONTROL, HeaderValue::from_static("no-store")))
}

async fn metrics_page(State(sources): State<Arc<Sources>>) -> Response {
    let patience_s = sources.health().await.patience_s;
    let Sources { metrics, site, open, accounts, .. } = &*sources;
    let all =
        metrics::render(metrics, (open(), accounts.ended()), site.cache_counts(), site.waiting(), patience_s);
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], all).into_response()
}

async fn health_page(State(sources): State<Arc<Sources>>) -> Response {
    let Health { is_well, why, .. } = sources.health().await;
    let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, format!("{why}\n")).into_response()
}

impl Sources {
    async fn health(&self) -> Health {
        let webroot = self.webroot.clone();
        spawn_blocking(move || health::check_webroot(&webroot)).await.unwrap_or_else(|error| Health {
            is_well: false,
            why: format!("stream.m3u8 cannot be looked at: {error}"),
            patience_s: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_hangs_is_a_503_in_time() {
        let router = guarded(Router::new().route("/healthz", get(pending::<()>)));
        let request = Request::get("/healthz").body(Body::empty()).unwrap();
        let Ok(response) = router.oneshot(request).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }
}
