//! An answer from memory: a version and a request's headers in, status, headers and pieces of the body out. Pure.

use std::collections::VecDeque;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use axum::body::{Body, HttpBody};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue,
    IF_RANGE, LAST_MODIFIED,
};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use super::encoding::takes_gzip;
use super::version::{Representation, Version};
use crate::http::conditions::{self, Precondition};
use crate::http::headers;
use crate::http::paths::ResourceKind;
use crate::http::ranges::{self, ByteRanges};
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
    let Representation { body, tag, headers } = gzip.filter(|_| takes_gzip(request)).unwrap_or(plain);
    let chosen =
        Chosen { kind: version.kind, length: body.len() as u64, tag, modified: version.modified, headers };
    let piece = |part: Range<u64>| Body::from(body.slice(part.start as usize..part.end as usize));
    chosen.answer(method, request, piece)
}

/// What would be sent to a request without conditions.
pub(crate) struct Chosen<'a> {
    pub(crate) kind: ResourceKind,
    pub(crate) length: u64,
    pub(crate) tag: &'a HeaderValue,
    pub(crate) modified: Option<SystemTime>,
    /// Of a 200.
    pub(crate) headers: &'a HeaderMap,
}

impl Chosen<'_> {
    /// The answer to a GET or HEAD; `piece` is asked for the parts of the content that it needs.
    pub(crate) fn answer(
        &self,
        method: &Method,
        request: &HeaderMap,
        piece: impl Fn(Range<u64>) -> Body,
    ) -> Response {
        match conditions::evaluate(request, self.tag, self.modified) {
            Precondition::Holds => {}
            Precondition::NotModified => return self.not_modified(),
            Precondition::Failed => return refused(StatusCode::PRECONDITION_FAILED, None),
        }
        if let Some(range) = ranges::requested(self.kind, method, request)
            && request.get(IF_RANGE).is_none_or(|validator| self.has_validator(validator))
        {
            match ranges::parts(&range, self.length) {
                ByteRanges::Whole => {}
                ByteRanges::None => return refused(StatusCode::RANGE_NOT_SATISFIABLE, Some(self.length)),
                ByteRanges::Some(parts) => return self.partial(&parts, piece),
            }
        }
        let is_head = method == Method::HEAD;
        let mut response = Response::new(if is_head { Body::empty() } else { piece(0..self.length) });
        response.headers_mut().clone_from(self.headers);
        if is_head {
            response.headers_mut().insert(CONTENT_LENGTH, self.length.into());
        }
        response
    }

    /// RFC 9110 13.1.5: to the byte, and strong.
    fn has_validator(&self, if_range: &HeaderValue) -> bool {
        let is_tag = if_range.as_bytes().starts_with(b"\"");
        if is_tag { if_range == self.tag } else { self.headers.get(LAST_MODIFIED) == Some(if_range) }
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
        let length = self.length;
        let content_range = |part: &Range<u64>| format!("bytes {}-{}/{length}", part.start, part.end - 1);
        let mut headers = self.headers.clone();
        let body = if let [part] = parts {
            headers
                .extend(HeaderValue::try_from(content_range(part)).ok().map(|value| (CONTENT_RANGE, value)));
            piece(part.clone())
        } else {
            // RFC 9110 14.6: a line that is in none of the parts, as the tag of the whole is not
            let boundary = self.tag.to_str().unwrap_or_default().trim_matches('"');
            let content_type = self.headers[CONTENT_TYPE].to_str().unwrap_or_default();
            let mut pieces = VecDeque::with_capacity(2 * parts.len() + 1);
            for part in parts {
                let head = format!(
                    "\r\n--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {}\r\n\r\n",
                    content_range(part)
                );
                pieces.push_back(Body::from(head));
                pieces.push_back(piece(part.clone()));
            }
            pieces.push_back(Body::from(format!("\r\n--{boundary}--\r\n")));
            let multipart = format!("multipart/byteranges; boundary={boundary}");
            if let Ok(multipart) = HeaderValue::try_from(multipart) {
                headers.insert(CONTENT_TYPE, multipart);
            }
            Body::new(Pieces(pieces))
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
