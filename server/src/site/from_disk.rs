//! A request in, its answer out: method, path, file, headers, in this order. All decisions are in `paths` and `headers`.

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderValue, IF_RANGE, RANGE};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tower_http::services::ServeDir;
use tower_http::services::fs::DefaultServeDirFallback;
use tracing::warn;

use crate::http::headers;
use crate::http::paths::{self, Target};
use crate::http::ranges::{self, Verdict};
use crate::http::refusal::refusal;
use crate::webroot::Webroot;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Files {
    files: ServeDir<DefaultServeDirFallback, Webroot>,
    segment_max_age_s: u32,
}

impl Files {
    pub(crate) fn new(webroot: &Path, segment_max_age_s: u32) -> Arc<Files> {
        // `paths` has decided on index.html and against redirects. No player asks for several ranges at once, and an
        // answer in parts can be larger than the file: RFC 9110 14.2 allows to send the whole.
        let files = ServeDir::with_backend("", Webroot::new(webroot))
            .append_index_html_on_directories(false)
            .redirect_to_trailing_slash(false)
            .ignore_multi_range_requests(true);
        Arc::new(Files { files, segment_max_age_s })
    }

    async fn file(&self, request: &Parts) -> Response {
        let Some(target) = paths::resolve(request.uri.path()) else {
            return refusal(StatusCode::NOT_FOUND);
        };
        let range = ranges::requested(target.kind, &request.method, &request.headers);
        let mut response = self.open(&target, request, range.as_ref()).await;
        if let Some(range) = range {
            let if_range = request.headers.get(IF_RANGE);
            match ranges::judge(&range, if_range, response.status(), response.headers()) {
                Verdict::Right => {}
                Verdict::WholeInstead => response = self.open(&target, request, None).await,
                Verdict::EverythingInstead => {
                    response = self.open(&target, request, Some(&ranges::EVERYTHING)).await;
                }
            }
        }
        let status = response.status();
        if status.is_client_error() {
            let content_range = response.headers_mut().remove(CONTENT_RANGE);
            response = refusal(status);
            // RFC 9110 15.5.17: tells the client how long the file is
            response.headers_mut().extend(content_range.map(|value| (CONTENT_RANGE, value)));
            return response;
        }
        if status == StatusCode::OK || status == StatusCode::PARTIAL_CONTENT {
            let content_type = HeaderValue::from_static(headers::content_type(&target.path));
            response.headers_mut().insert(CONTENT_TYPE, content_type);
        }
        let caching = headers::caching(target.kind, status, self.segment_max_age_s);
        headers::set_caching(response.headers_mut(), caching);
        response
    }

    /// Asks `ServeDir` for the plain path with the heeded headers alone.
    async fn open(&self, target: &Target, request: &Parts, range: Option<&HeaderValue>) -> Response {
        let mut plain = Request::new(Body::empty());
        plain.method_mut().clone_from(&request.method);
        let Ok(uri) = target.uri_path().parse() else {
            return refusal(StatusCode::NOT_FOUND);
        };
        *plain.uri_mut() = uri;
        let conditions = headers::conditions(target.kind).iter();
        let conditions = conditions.filter_map(|name| Some((name, request.headers.get(name)?)));
        for (name, value) in conditions.chain(range.map(|range| (&RANGE, range))) {
            plain.headers_mut().insert(name, value.clone());
        }
        match self.files.clone().try_call(plain).await {
            Ok(response) => response.map(Body::new),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => refusal(StatusCode::NOT_FOUND),
            Err(error) => {
                warn!(path = target.path, %error, "file not sent");
                refusal(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

/// Answers any request.
pub(crate) async fn answer(State(files): State<Arc<Files>>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    let mut response = match request.method {
        Method::GET | Method::HEAD => files.file(&request).await,
        Method::OPTIONS => {
            let mut response = StatusCode::NO_CONTENT.into_response();
            headers::set_preflight(response.headers_mut());
            response
        }
        _ => refusal(StatusCode::METHOD_NOT_ALLOWED),
    };
    headers::set_cors(response.headers_mut());
    response
}
