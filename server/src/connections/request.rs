//! One request and its answer: refuses bodies, asks the site, counts, and writes the line of the log when the last byte
//! has gone.
//!
//! With log and metrics off this costs a request a handful of plain additions.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use axum::http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::service::{HttpService, service_fn};

use super::body::{Answer, Exchange};
use super::context::Connection;
use super::pending_answer::{Desk, StandIn};
use crate::blocking::HeldFor;
use crate::http::security;
use crate::listen::Duty;
use crate::operator::metrics::{Asked, Kind, Reached, kind_of};
use crate::site::Answering;

/// Answers the requests of one connection. Those that are waited for lie on `desk`, if it has one.
pub(super) fn service(
    connection: Arc<Connection>,
    desk: Option<Arc<Desk>>,
) -> impl HttpService<
    Incoming,
    ResBody = Answer,
    Error = Infallible,
    Future = impl Future<Output = Result<Response<Answer>, Infallible>> + Send + 'static,
> + Unpin {
    service_fn(move |request| answer(connection.clone(), desk.clone(), request))
}

async fn answer(
    connection: Arc<Connection>,
    desk: Option<Arc<Desk>>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    if let Some(answer) = desk.as_ref().and_then(|desk| desk.take_ready()) {
        return Ok(answer);
    }
    let exchange = Exchange::begin(connection, &request);
    let connection = exchange.connection.clone();
    let serving = &connection.worker.serving;
    let counted = (connection.duty == Duty::Viewers && serving.metrics.is_on).then(|| {
        let path = request.uri().path();
        let kind = kind_of(request.method(), path);
        Counted { start: Instant::now(), kind, viewer: viewer_key(&connection, &request) }
    });
    let question = Question { exchange, counted, is_head: request.method() == Method::HEAD };
    let stand_in = StandIn::of(&request);
    let answering = match connection.duty {
        _ if !request.body().is_end_stream() && takes_no_body(request.method()) => {
            connection.worker.counters.reached(Reached::Body);
            Answering::Now(refuse_body(request.version()))
        }
        Duty::Viewers => serving.site.answer(request, &connection.activity),
        Duty::Operator => Answering::Now(serving.operator.answer(&request, serving.places.taken()).await),
    };
    Ok(match (answering, desk.zip(stand_in)) {
        (Answering::Now(response), _) => question.answered(response),
        (Answering::Later(later), None) => question.answered(later.await),
        (Answering::Later(later), Some((desk, stand_in))) => {
            desk.put(Box::pin(async { question.answered(later.await) }), stand_in);
            poll_fn(|cx| desk.poll(cx)).await
        }
    })
}

/// What is to be remembered of a request until it is answered.
struct Question {
    exchange: Exchange,
    counted: Option<Counted>,
    is_head: bool,
}

struct Counted {
    start: Instant,
    kind: Kind,
    viewer: Option<u64>,
}

impl Question {
    fn answered(self, mut response: Response<Body>) -> Response<Answer> {
        let Question { mut exchange, counted, is_head } = self;
        let worker = &exchange.connection.worker;
        security::protect(response.headers_mut(), worker.serving.page_policy.as_ref());
        let status = response.status();
        let held_for = response.extensions().get().map_or(Duration::ZERO, |HeldFor(held_for)| *held_for);
        if let Some(Counted { start, kind, viewer }) = counted {
            // That the next part takes its time says nothing of this server.
            let took = start.elapsed().saturating_sub(held_for);
            worker.counters.answered(&Asked { kind, status, took }, viewer);
        }
        if let Some(line) = &mut exchange.line {
            line.status = status;
            line.held_for = held_for;
        }
        exchange.is_heard = is_head || response.body().is_end_stream();
        response.map(|body| Answer { body, exchange })
    }
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
