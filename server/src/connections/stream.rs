//! One request of HTTP/2 and its answer, of which nothing is read before the client lets us send it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::{Bytes, HttpBody};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, DATE, HeaderValue, TRANSFER_ENCODING};
use axum::http::{Method, Request, Response};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use tokio::time::{Instant, Sleep, sleep};
use tracing::debug;

use super::body::Answer;
use super::context::Connection;
use super::limits::PROGRESS_BYTES;
use super::request::{self, Reply};
use crate::accounts::Share;
use crate::http::headers;
use crate::operator::metrics::Reached;

/// Of an answer, handed to h2 at a time. Of what is in memory anyway, so that one waking is enough for a segment; of what has to
/// be read first, so that it does not reserve the window of other streams.
pub(super) const BUFFER_BYTES: usize = 4 << 20;
const READ_BYTES: usize = 128 * 1024;

/// Why an answer is not sent to its end.
enum Broken {
    /// The client or the connection has ended it.
    Ended,
    /// It did not take what was there to send.
    TooSlow,
    /// The file could not be read.
    Unreadable,
}

impl From<h2::Error> for Broken {
    fn from(error: h2::Error) -> Broken {
        debug!(%error, "stream ended early");
        Broken::Ended
    }
}

/// What is left to do for a request; `None` when its answer is with h2 already, as it is for most.
pub(super) fn begin(
    connection: Arc<Connection>,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
    let share = Share::new(connection.place.clone());
    let has_body = !request.body().is_end_stream();
    let is_head = request.method() == Method::HEAD;
    let mut reply = match request::answer(connection.clone(), request.map(drop), has_body, &share) {
        Reply::Now(response) => {
            let mut sending = Sending::begin(connection, share, response?, is_head, &mut respond)?;
            // Whoever has to wait is asked again by a task of its own.
            let sent = sending.poll(&mut Context::from_waker(Waker::noop()));
            return sent.is_pending().then(|| Box::pin(poll_fn(move |cx| sending.poll(cx))) as Pin<Box<_>>);
        }
        Reply::Later(pending) => pending,
    };
    Some(Box::pin(async move {
        let replied = poll_fn(|cx| match Pin::new(&mut reply).poll(cx) {
            Poll::Ready(response) => Poll::Ready(Some(response)),
            // Nobody waits for it any more.
            Poll::Pending => respond.poll_reset(cx).map(|_| None),
        });
        let Some(response) = replied.await else { return };
        drop(reply);
        let sending = Sending::begin(connection, share, response, is_head, &mut respond);
        let Some(mut sending) = sending else { return };
        poll_fn(|cx| sending.poll(cx)).await;
    }))
}

/// As hyper does it for HTTP/1.1.
fn head(response: Response<Answer>) -> (Response<()>, Answer) {
    let (mut parts, body) = response.into_parts();
    // RFC 9113 8.2.2: MUST NOT generate
    parts.headers.remove(CONNECTION);
    parts.headers.remove(TRANSFER_ENCODING);
    // RFC 9110 6.6.1: an origin server with a clock MUST generate
    parts.headers.insert(DATE, date());
    if !body.is_end_stream()
        && let Some(length) = body.size_hint().exact()
    {
        parts.headers.entry(CONTENT_LENGTH).or_insert_with(|| length.into());
    }
    (Response::from_parts(parts, ()), body)
}

/// Now, written once a second on each thread.
fn date() -> HeaderValue {
    thread_local! {
        static WRITTEN: RefCell<(u64, HeaderValue)> = const { RefCell::new((0, HeaderValue::from_static(""))) };
    }
    let now = SystemTime::now();
    let now_s = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    WRITTEN.with_borrow_mut(|(written_s, date)| {
        if *written_s != now_s
            && let Ok(written) = HeaderValue::try_from(httpdate::fmt_http_date(now))
        {
            (*written_s, *date) = (now_s, written);
        }
        date.clone()
    })
}

/// A body on its way.
struct Sending {
    connection: Arc<Connection>,
    stream: SendStream<Bytes>,
    body: Answer,
    share: Arc<Share>,
    /// Read, and not yet handed to h2.
    rest: Bytes,
    patience: Patience,
}

impl Sending {
    /// Sends the head; `None` when that was all.
    fn begin(
        connection: Arc<Connection>,
        share: Arc<Share>,
        response: Response<Answer>,
        is_head: bool,
        respond: &mut SendResponse<Bytes>,
    ) -> Option<Sending> {
        let is_for_now = headers::is_for_now(response.headers());
        let (head, body) = head(response);
        // RFC 9110 9.3.2: a server MUST NOT send content in the response to a HEAD
        let is_empty = is_head || body.is_end_stream();
        let stream = match respond.send_response(head, is_empty) {
            Ok(stream) => stream,
            Err(error) => {
                debug!(%error, "no answer");
                respond.send_reset(Reason::INTERNAL_ERROR);
                return None;
            }
        };
        let patience_s = connection.worker.serving.viewers.limiter.limits().patience_s;
        let patience = Patience::new(patience_s, is_for_now);
        (!is_empty).then(|| Sending { connection, stream, body, share, rest: Bytes::new(), patience })
    }

    /// Ready when the answer is with h2, or has failed.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match ready!(self.poll_send(cx)) {
            Ok(()) | Err(Broken::Ended) => {}
            Err(Broken::TooSlow) => {
                self.connection.worker.counters.reached(Reached::SlowReader);
                self.stream.send_reset(Reason::CANCEL);
            }
            Err(Broken::Unreadable) => self.stream.send_reset(Reason::INTERNAL_ERROR),
        }
        Poll::Ready(())
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        loop {
            let window_bytes = ready!(self.poll_window(cx))?;
            if self.rest.is_empty() {
                self.share.set_window(window_bytes);
                match ready!(self.poll_read(cx))? {
                    Some(bytes) => self.rest = bytes,
                    None => return Poll::Ready(Ok(self.stream.send_data(Bytes::new(), true)?)),
                }
            }
            let piece = self.rest.split_to(window_bytes.min(self.rest.len()));
            self.patience.sent_bytes += piece.len() as u64;
            let is_last = self.rest.is_empty() && self.body.is_end_stream();
            self.stream.send_data(piece, is_last)?;
            if is_last {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// How much may be sent; waits until that is something.
    fn poll_window(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Broken>> {
        let stream = &mut self.stream;
        let wanted_bytes = if self.rest.is_empty() {
            let body_bytes = self.body.size_hint().exact().map_or(READ_BYTES, |bytes| bytes as usize);
            body_bytes.clamp(1, READ_BYTES)
        } else {
            self.rest.len().min(BUFFER_BYTES)
        };
        stream.reserve_capacity(wanted_bytes);
        while stream.capacity() == 0 {
            match stream.poll_capacity(cx) {
                Poll::Ready(Some(more)) => drop(more?),
                Poll::Ready(None) => return Poll::Ready(Err(Broken::Ended)),
                Poll::Pending => {
                    ready!(self.patience.poll_end(cx));
                    return Poll::Ready(Err(Broken::TooSlow));
                }
            }
        }
        Poll::Ready(Ok(stream.capacity()))
    }

    /// The next bytes of the body, unless the client has given up.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Broken>> {
        loop {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => return Poll::Ready(Ok(Some(bytes))),
                    _ => {}
                },
                Poll::Ready(Some(Err(error))) => {
                    debug!(%error, "body not read");
                    return Poll::Ready(Err(Broken::Unreadable));
                }
                Poll::Ready(None) => return Poll::Ready(Ok(None)),
                Poll::Pending => {
                    ready!(self.stream.poll_reset(cx))?;
                    return Poll::Ready(Err(Broken::Ended));
                }
            }
        }
    }
}

/// For a client that takes less than `PROGRESS_BYTES` in this time while bytes wait for it, or not the whole of what is true for a
/// moment only: old playlists must not fill the memory for new ones.
struct Patience {
    time: Duration,
    is_for_all: bool,
    end: Option<Pin<Box<Sleep>>>,
    sent_bytes: u64,
    sent_before_bytes: u64,
}

impl Patience {
    fn new(patience_s: u64, is_for_all: bool) -> Patience {
        Patience {
            time: Duration::from_secs(patience_s),
            is_for_all,
            end: None,
            sent_bytes: 0,
            sent_before_bytes: 0,
        }
    }

    /// To be called while bytes wait. Ready when it has come to its end.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let end = self.end.get_or_insert_with(|| {
            self.sent_before_bytes = self.sent_bytes;
            Box::pin(sleep(self.time))
        });
        loop {
            ready!(end.as_mut().poll(cx));
            if self.is_for_all || self.sent_bytes - self.sent_before_bytes < PROGRESS_BYTES {
                return Poll::Ready(());
            }
            self.sent_before_bytes = self.sent_bytes;
            end.as_mut().reset(Instant::now() + self.time);
        }
    }
}
