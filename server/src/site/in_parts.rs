//! A body of several parts of a file: each is opened when it is its turn, so an answer has one open file at a time.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use crate::http::multipart::Piece;

/// The body of a part; `None` when the file has become another one in between.
pub(super) type Opening = Pin<Box<dyn Future<Output = Option<Body>> + Send>>;

/// Ends early, in an error, when the file has become another one in between.
pub(super) struct InParts {
    open: Box<dyn Fn(Range<u64>) -> Opening + Send>,
    pieces: VecDeque<Piece>,
    left_bytes: u64,
    part: State,
}

enum State {
    Between,
    Opening(Opening),
    Sending(Body),
}

impl InParts {
    pub(super) fn new(
        pieces: Vec<Piece>,
        length: u64,
        open: impl Fn(Range<u64>) -> Opening + Send + 'static,
    ) -> InParts {
        InParts { open: Box::new(open), pieces: pieces.into(), left_bytes: length, part: State::Between }
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        loop {
            self.part = match &mut self.part {
                State::Between => match self.pieces.pop_front() {
                    None => return Poll::Ready(None),
                    Some(Piece::Text(text)) => return Poll::Ready(Some(Ok(text))),
                    Some(Piece::Part(part)) => State::Opening((self.open)(part)),
                },
                State::Opening(opening) => match ready!(opening.as_mut().poll(cx)) {
                    Some(body) => State::Sending(body),
                    None => {
                        return Poll::Ready(Some(Err(axum::Error::new(io::Error::other("file changed")))));
                    }
                },
                State::Sending(body) => match ready!(Pin::new(body).poll_frame(cx)?) {
                    Some(frame) => match frame.into_data() {
                        Ok(bytes) => return Poll::Ready(Some(Ok(bytes))),
                        Err(_) => continue,
                    },
                    None => State::Between,
                },
            }
        }
    }
}

impl HttpBody for InParts {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = self.poll_bytes(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &polled {
            self.left_bytes = self.left_bytes.saturating_sub(bytes.len() as u64);
        }
        polled.map(|next| next.map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left_bytes == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left_bytes)
    }
}
