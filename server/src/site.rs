//! The whole site: a request in, its answer out, whatever connection it came over. Shared by all threads that serve.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tower_http::compression::CompressionLayer;

use crate::settings::Settings;
use crate::{answer, headers};

/// Answers any request.
#[derive(Clone)]
pub(crate) struct Site(Arc<TowerToHyperService<Router>>);

impl Site {
    pub(crate) fn new(settings: &Settings) -> Site {
        // The outermost layer comes last.
        let router = Router::new()
            .fallback(answer::answer)
            .with_state(answer::Site::new(settings))
            .layer(CompressionLayer::new().compress_when(headers::is_gzipped));
        Site(Arc::new(TowerToHyperService::new(router)))
    }

    pub(crate) fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Response<Body>> + Send {
        let answer = self.0.call(request);
        async {
            let Ok(mut response) = answer.await;
            if response.status() == StatusCode::NOT_MODIFIED {
                // RFC 9110 8.6: MUST NOT unless it is the length of the 200; axum writes the 0 of the empty body
                response.headers_mut().remove(CONTENT_LENGTH);
            }
            response
        }
    }
}
