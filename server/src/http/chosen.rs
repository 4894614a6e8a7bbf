//! The answer to a GET or HEAD of what is there: a representation and a request's headers in, status, headers and pieces of the body
//! out; the same for what is in memory and what is on disk. Pure: where the bytes come from, others know.

use std::collections::VecDeque;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue,
    LAST_MODIFIED,
};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};

use super::content::{self, Content, Facts};
use super::headers;
use super::multipart::{Piece, content_range, multipart};
use super::paths::ResourceKind;
use super::refusal::refusal;

/// What would be sent to a request without conditions.
pub(crate) struct Chosen<'a> {
    pub(crate) kind: ResourceKind,
    pub(crate) length: u64,
    pub(crate) tag: &'a HeaderValue,
    /// Whether the tag is one of the content.
    pub(crate) is_in_memory: bool,
    pub(crate) modified: Option<SystemTime>,
    /// Of a 200.
    pub(crate) headers: &'a HeaderMap,
}

impl Chosen<'_> {
    /// `piece` is asked for the parts of the content that the answer needs.
    pub(crate) fn answer(
        &self,
        method: &Method,
        request: &HeaderMap,
        piece: impl Fn(Range<u64>) -> Body,
    ) -> Response {
        let facts = Facts {
            kind: self.kind,
            length: self.length,
            tag: self.tag,
            modified: self.modified,
            last_modified: self.headers.get(LAST_MODIFIED),
            is_in_memory: self.is_in_memory,
        };
        match content::decide(facts, method, request) {
            Content::Whole => {}
            Content::Parts(parts) => return self.partial(&parts, piece),
            Content::NotModified => return self.not_modified(),
            Content::Failed => return refused(StatusCode::PRECONDITION_FAILED, None),
            Content::BeyondTheEnd => return refused(StatusCode::RANGE_NOT_SATISFIABLE, Some(self.length)),
        }
        let is_head = method == Method::HEAD;
        let mut response = Response::new(if is_head { Body::empty() } else { piece(0..self.length) });
        response.headers_mut().clone_from(self.headers);
        if is_head {
            response.headers_mut().insert(CONTENT_LENGTH, self.length.into());
        }
        response
    }

    /// RFC 9110 15.4.5: what a cache needs to go on with what it has, and nothing of the content.
    fn not_modified(&self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().clone_from(self.headers);
        for name in [CONTENT_TYPE, CONTENT_ENCODING, ACCEPT_RANGES] {
            response.headers_mut().remove(name);
        }
        response
    }

    fn partial(&self, parts: &[Range<u64>], piece: impl Fn(Range<u64>) -> Body) -> Response {
        let mut headers = self.headers.clone();
        let body = if let [part] = parts {
            let content_range = HeaderValue::try_from(content_range(part, self.length)).ok();
            headers.extend(content_range.map(|value| (CONTENT_RANGE, value)));
            piece(part.clone())
        } else {
            let content_type = self.headers[CONTENT_TYPE].to_str().unwrap_or_default();
            let Some(made) = multipart(self.tag.as_bytes(), content_type, self.length, parts) else {
                return refused(StatusCode::INTERNAL_SERVER_ERROR, None);
            };
            headers.insert(CONTENT_TYPE, made.content_type);
            let pieces = made.pieces.into_iter().map(|it| match it {
                Piece::Text(text) => Body::from(text),
                Piece::Part(part) => piece(part),
            });
            Body::new(Pieces(pieces.collect()))
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        *response.headers_mut() = headers;
        response
    }
}

fn refused(status: StatusCode, length: Option<u64>) -> Response {
    let mut response = refusal(status);
    headers::set_cors(response.headers_mut());
    // RFC 9110 15.5.17: tells the client how long the file is
    let content_range = length.and_then(|length| HeaderValue::try_from(format!("bytes */{length}")).ok());
    response.headers_mut().extend(content_range.map(|value| (CONTENT_RANGE, value)));
    response
}

/// A body of several bodies, one after the other.
struct Pieces(VecDeque<Body>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        loop {
            let Some(first) = self.0.front_mut() else { return Poll::Ready(None) };
            let frame = ready!(Pin::new(&mut *first).poll_frame(cx));
            if frame.is_none() || first.is_end_stream() {
                self.0.pop_front();
            }
            if frame.is_some() {
                return Poll::Ready(frame);
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().filter_map(|piece| piece.size_hint().exact()).sum())
    }
}
