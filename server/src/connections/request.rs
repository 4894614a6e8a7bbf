//! One request and its answer: refuses bodies, asks the site, counts, and writes the line of the log when the last byte
//! has gone.
//!
//! With log and metrics off this costs a request a handful of plain additions.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use axum::http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::service::{HttpService, service_fn};

use super::body::{Answer, RunningRequest};
use super::caught::caught;
use super::context::Connection;
use super::limits::MAX_ADDRESS_BYTES;
use crate::accounts::Share;
use crate::blocking::BlockedFor;
use crate::http::refusal::{refusal, refusal_in_words};
use crate::http::{headers, host, security};
use crate::listen::Duty;
use crate::operator::metrics::{Asked, Malformed, Reached, RequestKind, kind_of};
use crate::site::{Answering, Later};

/// Answers the requests of one connection; `prepared` is the answer to the first one.
pub(super) fn service(
    connection: Arc<Connection>,
    prepared: Option<Prepared>,
) -> impl HttpService<Incoming, ResBody = Answer, Error = Infallible, Future = Reply> + Unpin {
    let prepared = Mutex::new(prepared.map(Box::new));
    // HTTP/1.1 gives one answer at a time.
    let share = Share::new(connection.place.clone());
    service_fn(move |request: Request<Incoming>| {
        let has_body = !request.body().is_end_stream();
        let request = request.map(drop);
        let prepared = prepared.lock().unwrap_or_else(PoisonError::into_inner).take();
        match prepared.filter(|it| it.is_for(&request)) {
            Some(prepared) => Reply::Now(Some(prepared.answer)),
            None => answer(connection.clone(), request, has_body, &share),
        }
    })
}

/// The answer to a request that was waited for before hyper has read it.
pub(super) struct Prepared {
    pub(super) request: Request<()>,
    pub(super) answer: Response<Answer>,
}

impl Prepared {
    /// Whether hyper has read the same request.
    fn is_for(&self, request: &Request<()>) -> bool {
        self.request.method() == request.method() && self.request.uri() == request.uri()
    }
}

/// An answer, or one to come.
pub(super) enum Reply {
    Now(Option<Response<Answer>>),
    Later(Pending),
}

impl Future for Reply {
    type Output = Result<Response<Answer>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Reply::Now(answer) => Poll::Ready(Ok(answer.take().expect("not polled after its end"))),
            Reply::Later(pending) => Pin::new(pending).poll(cx).map(Ok),
        }
    }
}

/// An answer to come; smaller than one that is there.
pub(super) struct Pending {
    later: Later,
    question: Option<Question>,
}

impl Future for Pending {
    type Output = Response<Answer>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<Answer>> {
        let response = ready!(self.later.as_mut().poll(cx));
        Poll::Ready(self.question.take().expect("not polled after its end").answered(response))
    }
}

/// The answer to a request that may have to wait for it; `None` for all others.
pub(super) fn blocking(connection: &Arc<Connection>, request: &Request<()>) -> Option<Pending> {
    if connection.duty != Duty::Viewers || refused(request).is_some() {
        return None;
    }
    let site = &connection.worker.serving.site;
    let later = site.blocking(request, || Share::new(connection.place.clone()), &connection.activity)?;
    let question = Some(Question::begin(connection.clone(), request, false));
    Some(Pending { later: caught(later), question })
}

/// Answers a request; what is read ahead of the client is read for `share`.
pub(super) fn answer(
    connection: Arc<Connection>,
    request: Request<()>,
    has_body: bool,
    share: &Arc<Share>,
) -> Reply {
    let question = Question::begin(connection, &request, has_body);
    let connection = &question.running.connection;
    if let Some((malformed, response)) = refused(&request) {
        connection.malformed(malformed, None);
        return Reply::Now(Some(question.answered(response)));
    }
    let answering = match connection.duty {
        _ if has_body && takes_no_body(request.method()) => {
            connection.worker.counters.reached(Reached::Body);
            Answering::Now(refuse_body())
        }
        Duty::Viewers => connection.worker.serving.site.answer(request, share, &connection.activity),
        Duty::Operator => {
            let worker = connection.worker.clone();
            Answering::Later(Box::pin(async move { worker.serving.operator.answer(request).await }))
        }
    };
    match answering {
        Answering::Now(response) => Reply::Now(Some(question.answered(response))),
        Answering::Later(later) => Reply::Later(Pending { later: caught(later), question: Some(question) }),
    }
}

/// What is to be remembered of a request until it is answered.
struct Question {
    running: RunningRequest,
    counted: Option<Counted>,
    is_head: bool,
    /// The request has a body of HTTP/1. Where one ends that nobody reads is what smuggling is about, so nothing may follow it.
    is_last: bool,
}

struct Counted {
    start: Instant,
    kind: RequestKind,
    viewer: Option<u64>,
}

impl Question {
    fn begin<B>(connection: Arc<Connection>, request: &Request<B>, has_body: bool) -> Question {
        let running = RunningRequest::begin(connection, request, has_body);
        let connection = &running.connection;
        let counted =
            (connection.duty == Duty::Viewers && connection.worker.serving.metrics.is_on).then(|| {
                let kind = kind_of(request.method(), request.uri().path());
                Counted { start: Instant::now(), kind, viewer: viewer_key(connection, request) }
            });
        let is_last = has_body && request.version() < Version::HTTP_2;
        Question { running, counted, is_head: request.method() == Method::HEAD, is_last }
    }

    fn answered(self, mut response: Response<Body>) -> Response<Answer> {
        let Question { mut running, counted, is_head, is_last } = self;
        if is_last {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let worker = &running.connection.worker;
        security::protect(response.headers_mut(), worker.serving.page_policy.as_ref());
        let activity = &running.connection.activity;
        let is_for_now = headers::is_for_now(response.headers());
        if !activity.is_http2.load(Relaxed) {
            activity.is_for_now.store(is_for_now, Relaxed);
        }
        if is_for_now && !is_head {
            running.list_bytes = response.body().size_hint().exact().unwrap_or_default();
            activity.begin_list(running.list_bytes);
        }
        let status = response.status();
        let blocked_for =
            response.extensions().get().map_or(Duration::ZERO, |BlockedFor(blocked_for)| *blocked_for);
        if blocked_for > Duration::ZERO {
            activity.has_waited.store(true, Relaxed);
        }
        if let Some(Counted { start, kind, viewer }) = counted {
            // That the next part takes its time says nothing of this server.
            let took = start.elapsed().saturating_sub(blocked_for);
            worker.counters.answered(&Asked { kind, status, took }, viewer);
        }
        if let Some(line) = &mut running.line {
            line.status = status;
            line.blocked_for = blocked_for;
        }
        running.is_heard = is_head || response.body().is_end_stream();
        response.map(|body| Answer { body, running })
    }
}

/// What tells one player from another, for requests that count: of playlists.
fn viewer_key<B>(connection: &Connection, request: &Request<B>) -> Option<u64> {
    let metrics = &connection.worker.serving.metrics;
    (kind_of(request.method(), request.uri().path()) == RequestKind::Playlist).then(|| {
        let viewer = connection.peer.viewer(request.headers(), &connection.worker.serving.trusted);
        metrics.viewer_key(viewer, request.headers().get(USER_AGENT).map(HeaderValue::as_bytes))
    })
}

/// The answer to a head that hyper has understood, and that is not well-formed all the same.
fn refused<B>(request: &Request<B>) -> Option<(Malformed, Response<Body>)> {
    let address_bytes = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    let (malformed, mut response) = if address_bytes > MAX_ADDRESS_BYTES {
        (Malformed::Address, refusal(StatusCode::URI_TOO_LONG))
    } else if !host::is_named(request) {
        (Malformed::Host, refusal_in_words(StatusCode::BAD_REQUEST, host::EXPECTED))
    } else {
        return None;
    };
    headers::set_cors(response.headers_mut());
    if request.version() < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Some((malformed, response))
}

/// Other methods are refused as such.
fn takes_no_body(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// RFC 9110 9.3.1: content of a GET has no meaning, and may be an attempt to smuggle a request.
fn refuse_body() -> Response<Body> {
    let mut response = Response::new(Body::from("a body is not expected\n"));
    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
