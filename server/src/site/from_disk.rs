//! A request in, its answer out: method, path, file, headers, in this order. All decisions are in `paths`, `content` and `headers`.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, LAST_MODIFIED, RANGE,
};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tower_http::services::ServeDir;
use tower_http::services::fs::DefaultServeDirFallback;
use tracing::warn;

use super::in_parts::InParts;
use crate::http::content::{self, Content, Facts};
use crate::http::headers;
use crate::http::multipart::{content_range, multipart};
use crate::http::paths::{self, Target};
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
        // `paths` has decided on index.html and against redirects.
        let files = ServeDir::with_backend("", Webroot::new(webroot))
            .append_index_html_on_directories(false)
            .redirect_to_trailing_slash(false);
        Arc::new(Files { files, segment_max_age_s })
    }

    async fn file(self: &Arc<Files>, request: &Parts) -> Response {
        let Some(target) = paths::resolve(request.uri.path()) else {
            return refusal(StatusCode::NOT_FOUND);
        };
        let mut response = self.open(&target, &request.method, None).await;
        if response.status() != StatusCode::OK {
            return refusal(response.status());
        }
        let content_type = headers::content_type(&target.path);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let length = length(&response);
        match content::decide(facts(&target, &response, length), &request.method, &request.headers) {
            Content::Whole => {}
            Content::Parts(parts) => response = self.partial(&target, response, length, &parts).await,
            Content::NotModified => response = not_modified(response),
            Content::Failed => return refusal(StatusCode::PRECONDITION_FAILED),
            Content::BeyondTheEnd => {
                let mut response = refusal(StatusCode::RANGE_NOT_SATISFIABLE);
                // RFC 9110 15.5.17: tells the client how long the file is
                let content_range = HeaderValue::try_from(format!("bytes */{length}")).ok();
                response.headers_mut().extend(content_range.map(|value| (CONTENT_RANGE, value)));
                return response;
            }
        }
        let caching = headers::caching(target.kind, response.status(), self.segment_max_age_s);
        headers::set_caching(response.headers_mut(), caching);
        response
    }

    /// Some of a file, of the version that `whole` is; all of it when there is another one by now.
    async fn partial(
        self: &Arc<Files>,
        target: &Target,
        mut whole: Response,
        length: u64,
        parts: &[Range<u64>],
    ) -> Response {
        let tag = whole.headers().get(ETAG).cloned();
        if let [part] = parts {
            let Some(body) = self.part(target, tag.as_ref(), part).await else { return whole };
            let content_range = HeaderValue::try_from(content_range(part, length)).ok();
            whole.headers_mut().extend(content_range.map(|value| (CONTENT_RANGE, value)));
            whole.headers_mut().insert(CONTENT_LENGTH, (part.end - part.start).into());
            *whole.body_mut() = body;
        } else {
            let content_type = headers::content_type(&target.path);
            let boundary = tag.as_ref().map_or(&b"part"[..], HeaderValue::as_bytes);
            let Some(made) = multipart(boundary, content_type, length, parts) else { return whole };
            whole.headers_mut().insert(CONTENT_TYPE, made.content_type.clone());
            whole.headers_mut().insert(CONTENT_LENGTH, made.length.into());
            let version = Arc::new((self.clone(), target.clone(), tag));
            *whole.body_mut() = Body::new(InParts::new(made.pieces, made.length, move |part| {
                let version = version.clone();
                Box::pin(async move {
                    let (files, target, tag) = &*version;
                    files.part(target, tag.as_ref(), &part).await
                })
            }));
        }
        *whole.status_mut() = StatusCode::PARTIAL_CONTENT;
        whole
    }

    /// These bytes; `None` when the file is another one than `tag` says.
    async fn part(&self, target: &Target, tag: Option<&HeaderValue>, part: &Range<u64>) -> Option<Body> {
        let range = HeaderValue::try_from(format!("bytes={}-{}", part.start, part.end - 1)).ok()?;
        let response = self.open(target, &Method::GET, Some(range)).await;
        let is_same = response.status() == StatusCode::PARTIAL_CONTENT && response.headers().get(ETAG) == tag;
        is_same.then(|| response.into_body())
    }

    /// Asks `ServeDir` for the plain path.
    async fn open(&self, target: &Target, method: &Method, range: Option<HeaderValue>) -> Response {
        let mut plain = Request::new(Body::empty());
        plain.method_mut().clone_from(method);
        let Ok(uri) = target.uri_path().parse() else {
            return refusal(StatusCode::NOT_FOUND);
        };
        *plain.uri_mut() = uri;
        plain.headers_mut().extend(range.map(|range| (RANGE, range)));
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

fn length(whole: &Response) -> u64 {
    let length = whole.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    length.unwrap_or_default()
}

fn facts<'a>(target: &Target, whole: &'a Response, length: u64) -> Facts<'a> {
    let last_modified = whole.headers().get(LAST_MODIFIED);
    Facts {
        kind: target.kind,
        length,
        tag: whole.headers().get(ETAG),
        modified: last_modified.and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok()),
        last_modified,
        is_in_memory: false,
    }
}

/// RFC 9110 15.4.5: what a cache needs to go on with what it has, and nothing of the content.
fn not_modified(mut whole: Response) -> Response {
    for name in [CONTENT_TYPE, CONTENT_LENGTH, ACCEPT_RANGES] {
        whole.headers_mut().remove(name);
    }
    *whole.status_mut() = StatusCode::NOT_MODIFIED;
    whole.map(|_| Body::empty())
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
