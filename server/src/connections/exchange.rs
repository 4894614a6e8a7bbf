//! One request and its answer: refuses bodies, asks the site, counts, and writes the line of the log when the last byte
//! has gone.
//!
//! With log and metrics off this costs a request a handful of plain additions.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use axum::http::{Method, Request, Response, StatusCode, Version};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::{HttpService, service_fn};

use super::activity::{Command, add_u32};
use super::connection::Connection;
use crate::access_log::Line;
use crate::limits::{Reached, is_flood};
use crate::listen::Duty;
use crate::metrics::{Asked, Kind, kind_of};
use crate::security;

/// Answers the requests of one connection.
pub(super) fn service(
    connection: Arc<Connection>,
) -> impl HttpService<
    Incoming,
    ResBody = Answer,
    Error = Infallible,
    Future = impl Future<Output = Result<Response<Answer>, Infallible>> + Send + 'static,
> + Unpin {
    service_fn(move |request| answer(connection.clone(), request))
}

async fn answer(
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let mut exchange = Exchange::begin(connection, &request);
    let connection = exchange.connection.clone();
    let serving = &connection.worker.serving;
    let is_head = request.method() == Method::HEAD;
    let begun = (connection.duty == Duty::Viewers && serving.metrics.is_on).then(|| {
        let path = request.uri().path();
        (Instant::now(), kind_of(request.method(), path), viewer_key(&connection, &request))
    });
    let mut response = match connection.duty {
        _ if !request.body().is_end_stream() && takes_no_body(request.method()) => {
            connection.worker.counters.reached(Reached::Body);
            refuse_body(request.version())
        }
        Duty::Viewers => serving.site.answer(request).await,
        Duty::Operator => serving.operator.answer(&request).await,
    };
    security::protect(response.headers_mut(), serving.page_policy.as_ref());
    let status = response.status();
    if let Some((start, kind, viewer)) = begun {
        let asked = Asked { kind, status, took: start.elapsed() };
        connection.worker.counters.answered(&asked, viewer);
    }
    if let Some(line) = &mut exchange.line {
        line.status = status;
    }
    exchange.is_heard = is_head || response.body().is_end_stream();
    Ok(response.map(|body| Answer { body, exchange }))
}

/// What tells one player from another, for requests that count: of playlists.
fn viewer_key(connection: &Connection, request: &Request<Incoming>) -> Option<u64> {
    let metrics = &connection.worker.serving.metrics;
    (kind_of(request.method(), request.uri().path()) == Kind::Playlist).then(|| {
        let viewer = connection.peer.viewer(request.headers(), &connection.worker.serving.trusted);
        metrics.viewer_key(viewer, request.headers().get(USER_AGENT).map(HeaderValue::as_bytes))
    })
}

/// Other methods are refused as such.
fn takes_no_body(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// RFC 9110 9.3.1: content of a GET has no meaning, and may be an attempt to smuggle a request.
fn refuse_body(version: Version) -> Response<Body> {
    let mut response = Response::new(Body::from("a body is not expected\n"));
    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A running request; ends when dropped, however that comes about.
struct Exchange {
    connection: Arc<Connection>,
    line: Option<Box<Line>>,
    /// Whether the client let us say something, or nothing was to be said.
    is_heard: bool,
}

impl Exchange {
    fn begin(connection: Arc<Connection>, request: &Request<Incoming>) -> Exchange {
        let activity = &connection.activity;
        add_u32(&activity.requests, 1);
        add_u32(&activity.answering, 1);
        activity.heard.store(false, Relaxed);
        if !request.body().is_end_stream() {
            activity.has_body.store(true, Relaxed);
        }
        let serving = &connection.worker.serving;
        let line = match connection.duty {
            Duty::Viewers => {
                serving.log.begin(request, |headers| connection.peer.viewer(headers, &serving.trusted))
            }
            Duty::Operator => None,
        };
        Exchange { line, is_heard: false, connection }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let activity = &self.connection.activity;
        activity.answering.store(activity.answering.load(Relaxed).wrapping_sub(1), Relaxed);
        if !self.is_heard && activity.is_http2.load(Relaxed) {
            add_u32(&activity.abandoned, 1);
            if is_flood(activity.requests.load(Relaxed), activity.abandoned.load(Relaxed)) {
                self.connection.worker.counters.reached(Reached::Resets);
                activity.tell(Command::Cut);
            }
        }
    }
}

/// The body of an answer, unchanged; holds the exchange until it has gone.
pub(super) struct Answer {
    body: Body,
    exchange: Exchange,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_ready() {
            self.exchange.is_heard = true;
        }
        if let Some(line) = &mut self.exchange.line
            && let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(bytes) = frame.data_ref()
        {
            line.sent_bytes += bytes.len() as u64;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
