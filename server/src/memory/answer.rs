//! An answer from memory: a version and a request's headers in, status, headers and pieces of the body out. Pure.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue,
    LAST_MODIFIED,
};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use super::encoding::takes_gzip;
use super::version::{Representation, Version};
use crate::http::content::{self, Content, Facts};
use crate::http::headers;
use crate::http::multipart::{Piece, content_range, multipart};
use crate::http::refusal::refusal;

impl Version {
    /// The answer to a request for this version, or for its delta update.
    pub(crate) fn answer(&self, skip: bool, method: &Method, request: &HeaderMap) -> Response {
        let delta = if skip { self.delta.get_or_init(|| self.delta()).as_ref() } else { None };
        match delta {
            Some(delta) => of(&delta.plain, delta.gzip.as_ref(), self, method, request),
            None => answer(self, method, request),
        }
    }
}

pub(super) fn answer(version: &Version, method: &Method, request: &HeaderMap) -> Response {
    of(&version.plain, version.gzip.as_ref(), version, method, request)
}

/// The same for what is made of a version.
pub(super) fn of(
    plain: &Representation,
    gzip: Option<&Representation>,
    version: &Version,
    method: &Method,
    request: &HeaderMap,
) -> Response {
    let chosen = gzip.filter(|_| takes_gzip(request)).unwrap_or(plain);
    let length = chosen.body.len() as u64;
    let facts = Facts {
        kind: version.kind,
        length,
        tag: Some(&chosen.tag),
        modified: version.modified,
        last_modified: chosen.headers.get(LAST_MODIFIED),
        is_in_memory: true,
    };
    match content::decide(facts, method, request) {
        Content::Whole => {}
        Content::Parts(parts) => return partial(chosen, &parts),
        Content::NotModified => return not_modified(chosen),
        Content::Failed => return refused(StatusCode::PRECONDITION_FAILED, None),
        Content::BeyondTheEnd => return refused(StatusCode::RANGE_NOT_SATISFIABLE, Some(length)),
    }
    let is_head = method == Method::HEAD;
    let mut response = Response::new(if is_head { Body::empty() } else { Body::from(chosen.body.clone()) });
    response.headers_mut().clone_from(&chosen.headers);
    if is_head {
        response.headers_mut().insert(CONTENT_LENGTH, chosen.body.len().into());
    }
    response
}

/// RFC 9110 15.4.5: what a cache needs to go on with what it has, and nothing of the content.
fn not_modified(chosen: &Representation) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().clone_from(&chosen.headers);
    for name in [CONTENT_TYPE, CONTENT_ENCODING, ACCEPT_RANGES] {
        response.headers_mut().remove(name);
    }
    response
}

fn refused(status: StatusCode, length: Option<u64>) -> Response {
    let mut response = refusal(status);
    headers::set_cors(response.headers_mut());
    // RFC 9110 15.5.17: tells the client how long the file is
    let content_range = length.and_then(|length| HeaderValue::try_from(format!("bytes */{length}")).ok());
    response.headers_mut().extend(content_range.map(|value| (CONTENT_RANGE, value)));
    response
}

fn partial(chosen: &Representation, parts: &[Range<u64>]) -> Response {
    let length = chosen.body.len() as u64;
    let piece = |part: &Range<u64>| chosen.body.slice(part.start as usize..part.end as usize);
    let mut headers = chosen.headers.clone();
    let body = if let [part] = parts {
        let content_range = HeaderValue::try_from(content_range(part, length)).ok();
        headers.extend(content_range.map(|value| (CONTENT_RANGE, value)));
        Body::from(piece(part))
    } else {
        let content_type = chosen.headers[CONTENT_TYPE].to_str().unwrap_or_default();
        let Some(made) = multipart(chosen.tag.as_bytes(), content_type, length, parts) else {
            return refused(StatusCode::INTERNAL_SERVER_ERROR, None);
        };
        headers.insert(CONTENT_TYPE, made.content_type);
        let pieces = made.pieces.into_iter().map(|it| match it {
            Piece::Text(text) => text,
            Piece::Part(part) => piece(&part),
        });
        Body::new(Pieces(pieces.collect()))
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    *response.headers_mut() = headers;
    response
}

/// A body of several pieces, none of them copied.
struct Pieces(VecDeque<Bytes>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}
