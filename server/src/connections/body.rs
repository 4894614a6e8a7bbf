//! A request from its first byte to the last byte of its answer: counted, logged, and over when it is dropped.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Request;
use hyper::body::{Frame, SizeHint};

use super::activity::{Command, add_u32};
use super::context::Connection;
use super::limits::is_flood;
use crate::listen::Duty;
use crate::operator::access_log::{Line, Refused};
use crate::operator::metrics::Reached;

/// A running request; ends when dropped, however that comes about.
pub(super) struct RunningRequest {
    pub(super) connection: Arc<Connection>,
    pub(super) line: Option<Box<Line>>,
    /// Whether the client let us say something, or nothing was to be said.
    pub(super) is_heard: bool,
    /// Of a playlist that is being sent.
    pub(super) list_bytes: u64,
}

impl RunningRequest {
    pub(super) fn begin<B>(
        connection: Arc<Connection>,
        request: &Request<B>,
        has_body: bool,
    ) -> RunningRequest {
        let activity = &connection.activity;
        add_u32(&activity.requests, 1);
        add_u32(&activity.answering, 1);
        activity.heard.store(false, Relaxed);
        if has_body {
            activity.has_body.store(true, Relaxed);
        }
        let serving = &connection.worker.serving;
        let line = match connection.duty {
            Duty::Viewers => {
                serving.log.begin(request, |headers| connection.peer.viewer(headers, &serving.trusted))
            }
            Duty::Operator => None,
        };
        RunningRequest { line, is_heard: false, list_bytes: 0, connection }
    }
}

impl Drop for RunningRequest {
    fn drop(&mut self) {
        let activity = &self.connection.activity;
        activity.answering.store(activity.answering.load(Relaxed).wrapping_sub(1), Relaxed);
        activity.end_list(self.list_bytes);
        if !self.is_heard && activity.is_http2.load(Relaxed) {
            add_u32(&activity.abandoned, 1);
            if is_flood(activity.requests.load(Relaxed), activity.abandoned.load(Relaxed)) {
                self.connection.worker.counters.reached(Reached::Resets);
                let reason = "cut: more requests were aborted than read";
                self.connection.log_refused(&Refused { sent: b"", status: None, reason });
                activity.tell(Command::Cut);
            }
        }
    }
}

/// The body of an answer, unchanged; keeps the request running until it has gone.
pub(super) struct Answer {
    pub(super) body: Body,
    pub(super) running: RunningRequest,
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
            self.running.is_heard = true;
        }
        if let Some(line) = &mut self.running.line
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
