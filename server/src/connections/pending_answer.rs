//! The request of an HTTP/1.1 connection whose answer is not ready yet, outside of what speaks the protocol: so that it
//! can go on being waited for when all else of the connection, and its buffers above all, is taken apart.

use std::mem;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::http::header::CONNECTION;
use axum::http::{Method, Request, Response, Version};

use super::body::Answer;

/// An answer to come.
pub(super) type Pending = Pin<Box<dyn Future<Output = Response<Answer>> + Send>>;

/// Place for one answer.
#[derive(Default)]
pub(super) struct Desk(Mutex<Lying>);

#[derive(Default)]
enum Lying {
    #[default]
    Nothing,
    Pending(Pending, StandIn),
    Ready(Response<Answer>),
}

/// A head that says to the protocol what the one before said to it: of what method the request is, and whether another
/// one may follow. It stands in for that when the answer is there and the connection is put together again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StandIn {
    is_head: bool,
    is_last: bool,
}

impl StandIn {
    /// `None` for requests that are older than HTTP/1.1, or are no reading ones.
    pub(super) fn of<B>(request: &Request<B>) -> Option<StandIn> {
        let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
        let is_close = |value: &str| value.split(',').any(|it| it.trim().eq_ignore_ascii_case("close"));
        let mut lines = request.headers().get_all(CONNECTION).iter();
        let is_last = lines.any(|value| value.to_str().is_ok_and(is_close));
        let is_head = request.method() == Method::HEAD;
        (is_reading && request.version() == Version::HTTP_11).then_some(StandIn { is_head, is_last })
    }

    /// No request is to follow.
    pub(super) fn last(self) -> StandIn {
        StandIn { is_last: true, ..self }
    }

    pub(super) fn text(self) -> &'static str {
        match (self.is_head, self.is_last) {
            (false, false) => "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            (false, true) => "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            (true, false) => "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
            (true, true) => "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        }
    }
}

impl Desk {
    /// With the answer to the stand-in.
    pub(super) fn with(answer: Response<Answer>) -> Desk {
        Desk(Mutex::new(Lying::Ready(answer)))
    }

    pub(super) fn put(&self, pending: Pending, stand_in: StandIn) {
        *self.lying() = Lying::Pending(pending, stand_in);
    }

    /// Whether an answer is waited for here.
    pub(super) fn is_waited_at(&self) -> bool {
        matches!(*self.lying(), Lying::Pending(..))
    }

    /// Whether the answer to a stand-in lies here.
    pub(super) fn is_answered(&self) -> bool {
        matches!(*self.lying(), Lying::Ready(_))
    }

    /// What is waited for elsewhere from now on.
    pub(super) fn take_pending(&self) -> Option<(Pending, StandIn)> {
        let mut lying = self.lying();
        match mem::take(&mut *lying) {
            Lying::Pending(pending, stand_in) => Some((pending, stand_in)),
            other => {
                *lying = other;
                None
            }
        }
    }

    pub(super) fn take_ready(&self) -> Option<Response<Answer>> {
        let mut lying = self.lying();
        match mem::take(&mut *lying) {
            Lying::Ready(answer) => Some(answer),
            other => {
                *lying = other;
                None
            }
        }
    }

    /// The answer that lies here, when it is ready.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Response<Answer>> {
        let mut lying = self.lying();
        let Lying::Pending(pending, _) = &mut *lying else { return Poll::Pending };
        let polled = pending.as_mut().poll(cx);
        if polled.is_ready() {
            *lying = Lying::Nothing;
        }
        polled
    }

    fn lying(&self) -> MutexGuard<'_, Lying> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &str, version: Version, connection: &str, expected: Option<&str>) {
        let request = Request::builder().method(method).version(version).header(CONNECTION, connection);
        let stand_in = StandIn::of(&request.body(()).unwrap());
        let starts = stand_in.map(|it| it.text().split(' ').next().unwrap());
        assert_eq!(starts, expected, "{method} {version:?}");
        let is_last = connection.contains("close");
        assert!(stand_in.is_none_or(|it| it.text().contains("Connection: close") == is_last), "{connection}");
        assert!(stand_in.is_none_or(|it| it.last().text().contains("Connection: close")));
    }

    #[test]
    fn a_stand_in_says_what_the_request_said_to_the_protocol() {
        check("GET", Version::HTTP_11, "keep-alive", Some("GET"));
        check("HEAD", Version::HTTP_11, "keep-alive", Some("HEAD"));
        check("GET", Version::HTTP_11, "te, close", Some("GET"));
        check("HEAD", Version::HTTP_11, "close", Some("HEAD"));
        check("GET", Version::HTTP_10, "keep-alive", None);
        check("POST", Version::HTTP_11, "keep-alive", None);
    }
}
