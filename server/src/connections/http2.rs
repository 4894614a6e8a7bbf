//! HTTP/2 on one connection, until it ends: h2 speaks, and each request that is not answered at once has a task of its own (`stream`).

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};

use axum::body::Bytes;
use axum::http::header::RANGE;
use axum::http::uri::{Authority, Parts, PathAndQuery};
use axum::http::{HeaderValue, Request, Uri};
use h2::server::{self, Builder, SendResponse};
use h2::{Reason, RecvStream};
use tracing::debug;

use super::activity::Command;
use super::context::Connection;
use super::in_turn::InTurn;
use super::limits::{HTTP2_BYTES, MAX_HEAD_BYTES, STREAM_BYTES, STREAM_PLACE_BYTES};
use super::stream;
use super::transport::Transport;
use crate::accounts::Held;
use crate::http::ranges::MOST_PARTS;
use crate::operator::access_log::Refused;
use crate::operator::metrics::Malformed;

/// At a time on one connection. Players ask for two or three files at a time.
const STREAMS: u32 = 64;

/// What each of several ranges takes that are asked for at once: its part of the answer, and what stands before it.
const RANGE_BYTES: usize = 512;

/// What a field of a head takes besides its value.
const FIELD_BYTES: usize = 128;

/// RFC 9113 6.9.2. We take no bodies, so the window of what clients may send is as small as may be.
const WINDOW_BYTES: u32 = 65_535;

/// Streams that were reset before we came to them, and those that we had to reset: CVE-2023-44487 and CVE-2025-8671.
const PENDING_RESETS: usize = 20;
const OWN_RESETS: usize = 128;

/// Until the connection ends.
pub(super) async fn speak(connection: Arc<Connection>, mut transport: Transport) {
    let _held = connection.place.hold(HTTP2_BYTES);
    transport.count_frames();
    let mut greeting = pin!(
        Builder::new()
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(MAX_HEAD_BYTES as u32)
            .initial_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_send_buffer_size(stream::BUFFER_BYTES)
            .max_pending_accept_reset_streams(PENDING_RESETS)
            .max_local_error_reset_streams(Some(OWN_RESETS))
            .handshake::<_, Bytes>(transport)
    );
    let mut is_finishing = false;
    let greeted = poll_fn(|cx| {
        while let Poll::Ready(command) = connection.activity.poll_command(cx) {
            match command {
                Command::Rest => {}
                Command::Finish => is_finishing = true,
                Command::Cut => return Poll::Ready(None),
            }
        }
        Poll::Ready(Some(ready!(greeting.as_mut().poll(cx))))
    });
    let mut http2 = match greeted.await {
        Some(Ok(http2)) => http2,
        Some(Err(error)) => return ended_early(&connection, &error),
        None => return,
    };
    if is_finishing {
        http2.graceful_shutdown();
    }
    let mut streams = Streams {
        connection,
        running: Arc::default(),
        unsent: Vec::new(),
        spare: Vec::new(),
        done: 0,
        places: Vec::new(),
    };
    poll_fn(|cx| streams.poll(&mut http2, cx)).await;
}

/// The streams of a connection.
struct Streams {
    connection: Arc<Connection>,
    /// A clone for each of them that is running.
    running: Arc<()>,
    /// What those hold that were answered.
    unsent: Vec<Held>,
    /// What those held that are sent, for the next: an account is shared with other threads, and each look at it costs.
    spare: Vec<Held>,
    /// How many were refused, or answered at once, and are not sent as far as we know.
    done: usize,
    /// As many as have ever been running at the same time.
    places: Vec<Held>,
}

impl Streams {
    /// Takes requests, until the connection is over.
    fn poll(&mut self, http2: &mut server::Connection<Transport, Bytes>, cx: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(command) = self.connection.activity.poll_command(cx) {
            match command {
                Command::Rest => self.spare.clear(),
                Command::Finish => http2.graceful_shutdown(),
                Command::Cut => return Poll::Ready(()),
            }
        }
        // What was handed to h2 has gone, unless the kernel takes no more.
        if !self.connection.activity.send_blocked.load(Relaxed) {
            self.spare.extend(self.unsent.drain(..).filter(|held| held.size_bytes() == STREAM_BYTES));
            self.done = 0;
        }
        loop {
            match ready!(http2.poll_accept(cx)) {
                Some(Ok((mut request, respond))) => {
                    if let Some(copied) = copied(request.uri()) {
                        *request.uri_mut() = copied;
                    }
                    self.begin(request, respond);
                }
                Some(Err(error)) => {
                    ended_early(&self.connection, &error);
                    return Poll::Ready(());
                }
                None => return Poll::Ready(()),
            }
        }
    }

    fn begin(&mut self, request: Request<RecvStream>, mut respond: SendResponse<Bytes>) {
        // With this one. Those that are refused have a place in h2, too, until that is sent.
        if Arc::strong_count(&self.running) + self.done > self.places.len() {
            self.places.push(self.connection.place.hold(STREAM_PLACE_BYTES));
        }
        // RFC 9113 8.7: it may be asked again, as nothing has been done for it.
        let size_bytes = STREAM_BYTES.max(head_bytes(&request));
        let spare = if size_bytes == STREAM_BYTES { self.spare.pop() } else { None };
        let Some(held) = spare.or_else(|| self.connection.place.try_hold(size_bytes)) else {
            self.done += 1;
            return respond.send_reset(Reason::REFUSED_STREAM);
        };
        if let Some(rest) = stream::begin(self.connection.clone(), request, respond) {
            let running = self.running.clone();
            let rest = InTurn::new(self.connection.clone(), rest);
            tokio::spawn(async move {
                rest.await;
                drop((running, held));
            });
        } else {
            self.done += 1;
            self.unsent.push(held);
        }
    }
}

/// The same address in memory of its own. That of h2 is a piece of the buffer that was read into, and keeps all of it: the rest of
/// the head, and what came with that. `None` if it cannot be written again.
fn copied(address: &Uri) -> Option<Uri> {
    let mut parts = Parts::default();
    parts.scheme = address.scheme().cloned();
    parts.authority = address.authority().map(|it| Authority::try_from(it.as_str())).transpose().ok()?;
    parts.path_and_query =
        address.path_and_query().map(|it| PathAndQuery::try_from(it.as_str())).transpose().ok()?;
    Uri::from_parts(parts).ok()
}

/// What a head takes, about.
fn head_bytes<B>(request: &Request<B>) -> u64 {
    let headers = request.headers();
    let of_values: usize = headers.values().map(HeaderValue::len).sum();
    // Twice: the name of a file is as long, while that is opened.
    let of_address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    let of_ranges: usize = headers.get_all(RANGE).iter().map(|value| ranges(value) * RANGE_BYTES).sum();
    (of_values + 2 * of_address + of_ranges + headers.len() * FIELD_BYTES) as u64
}

/// How many a header names at the most.
fn ranges(value: &HeaderValue) -> usize {
    value.as_bytes().split(|byte| *byte == b',').count().min(MOST_PARTS)
}

/// Tells of a connection that a client has ended by breaking a rule of RFC 9113, and not of one that just left.
fn ended_early(connection: &Connection, error: &h2::Error) {
    debug!(%error, "connection ended early");
    if let Some(reason) = error.reason().filter(|reason| error.is_library() && *reason != Reason::NO_ERROR) {
        let reason = format!("HTTP/2: {reason}");
        connection.malformed(Malformed::Http2, Some(&Refused { sent: b"", status: None, reason: &reason }));
    }
}

#[cfg(test)]
mod tests {
    use axum::http::uri::Scheme;

    use super::*;

    #[test]
    fn a_copied_address_is_the_same_and_keeps_nothing_of_what_was_read() {
        for (authority, path) in [("a:80", "/live/x.ts?a=b"), ("[::1]", "*")] {
            let read = Arc::new(format!("{authority}{path}").into_bytes());
            let all = Bytes::from_owner(Read(read.clone()));
            let mut parts = Parts::default();
            parts.scheme = Some(Scheme::HTTPS);
            parts.authority = Some(Authority::from_maybe_shared(all.slice(..authority.len())).unwrap());
            parts.path_and_query =
                Some(PathAndQuery::from_maybe_shared(all.slice(authority.len()..)).unwrap());
            drop(all);
            let address = Uri::from_parts(parts).unwrap();
            let copied = copied(&address).unwrap();
            assert_eq!(copied, address);
            assert_eq!(Arc::strong_count(&read), 2, "h2's address keeps it");
            drop(address);
            assert_eq!(Arc::strong_count(&read), 1);
        }
    }

    struct Read(Arc<Vec<u8>>);

    impl AsRef<[u8]> for Read {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
}
