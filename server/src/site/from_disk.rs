//! A request in, its answer out: method, path, file, headers, in this order. All decisions are in `http`.

use std::io;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::HeaderValue;
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::task::spawn_blocking;
use tracing::warn;

use super::file_body::FileBody;
use crate::accounts::Share;
use crate::http::chosen::Chosen;
use crate::http::headers;
use crate::http::paths::{self, Target};
use crate::http::refusal::refusal;
use crate::webroot::open_files::{OpenFiles, Reader};

/// What all requests share.
#[derive(Debug)]
pub(super) struct Files {
    files: Arc<OpenFiles>,
    segment_max_age_s: u32,
}

impl Files {
    pub(super) fn new(webroot: &Path, segment_max_age_s: u32) -> Files {
        Files { files: OpenFiles::new(webroot), segment_max_age_s }
    }

    /// Answers any request.
    pub(super) async fn answer(&self, request: &Request<()>, share: &Arc<Share>) -> Response {
        let mut response = match *request.method() {
            Method::GET | Method::HEAD => self.file(request, share).await,
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

    async fn file(&self, request: &Request<()>, share: &Arc<Share>) -> Response {
        let Some(target) = paths::resolve(request.uri().path()) else {
            return refusal(StatusCode::NOT_FOUND);
        };
        let (files, path, who) = (self.files.clone(), target.path.clone(), share.who());
        let opened = spawn_blocking(move || files.open(Path::new(&path), who)).await;
        self.opened(&target, opened.unwrap_or_else(|error| Err(io::Error::other(error))), request, share)
    }

    /// The answer to a GET or HEAD of a file that may not be there; with whether the other one is, as far as that matters then.
    /// One look at the disk for both.
    pub(super) async fn answer_or_look(
        &self,
        target: &Target,
        other: &Target,
        request: &Request<()>,
        share: &Arc<Share>,
    ) -> (Response, bool) {
        let (files, path, other) = (self.files.clone(), target.path.clone(), other.path.clone());
        let who = share.who();
        let looked = spawn_blocking(move || {
            let opened = files.open(Path::new(&path), who);
            let is_missing = matches!(&opened, Err(error) if error.kind() == io::ErrorKind::NotFound);
            let has_other = is_missing && files.has(Path::new(&other));
            (opened, has_other)
        });
        let (opened, has_other) = looked.await.unwrap_or_else(|error| (Err(io::Error::other(error)), false));
        let mut response = self.opened(target, opened, request, share);
        headers::set_cors(response.headers_mut());
        (response, has_other)
    }

    fn opened(
        &self,
        target: &Target,
        opened: io::Result<Reader>,
        request: &Request<()>,
        share: &Arc<Share>,
    ) -> Response {
        match opened {
            Ok(file) => self.found(target, &Arc::new(file), request, share),
            Err(error) if error.kind() == io::ErrorKind::NotFound => refusal(StatusCode::NOT_FOUND),
            Err(error) => {
                warn!(path = target.path, %error, "file not sent");
                refusal(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    fn found(
        &self,
        target: &Target,
        file: &Arc<Reader>,
        request: &Request<()>,
        share: &Arc<Share>,
    ) -> Response {
        let (length, modified) = (file.identity().size_bytes, file.identity().modified());
        let tag = tag(file);
        let chosen = Chosen {
            kind: target.kind,
            length,
            tag: &tag,
            is_in_memory: false,
            modified,
            headers: &headers::of_file(target, &tag, false, modified, self.segment_max_age_s),
        };
        let body = |part| Body::new(FileBody::new(file.clone(), share.clone(), part));
        let mut response = chosen.answer(request.method(), request.headers(), body);
        let caching = headers::caching(target.kind, response.status(), self.segment_max_age_s);
        headers::set_caching(response.headers_mut(), caching);
        response
    }
}

/// Of size and date: nobody reads a whole file to send a part of it.
fn tag(file: &Reader) -> HeaderValue {
    let (s, ns) = file.identity().modified_s_ns;
    HeaderValue::try_from(format!("\"{s:x}.{ns:08x}-{:x}\"", file.identity().size_bytes))
        .expect("hex digits are a header value")
}
