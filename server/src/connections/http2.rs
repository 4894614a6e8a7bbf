//! HTTP/2 on one connection, until it ends.

use std::error::Error as _;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tracing::debug;

use super::activity::Command;
use super::context::Connection;
use super::limits::MAX_HEAD_BYTES;
use super::request;
use super::transport::Transport;
use crate::operator::access_log::Refused;
use crate::operator::metrics::Malformed;

/// At a time on one connection. Players ask for two or three files at a time.
const STREAMS: u32 = 64;

/// RFC 9113 6.9.2. We take no bodies, so the window of what clients may send is as small as may be.
const WINDOW_BYTES: u32 = 65_535;

/// Of an answer on its way, for each stream.
const STREAM_BUFFER_BYTES: usize = 128 * 1024;

/// Streams that were reset before we came to them, and those that we had to reset: CVE-2023-44487 and CVE-2025-8671.
const PENDING_RESETS: usize = 20;
const OWN_RESETS: usize = 128;

/// Until the connection ends.
pub(super) async fn speak(connection: Arc<Connection>, transport: Transport) {
    let activity = connection.activity.clone();
    let service = request::service(connection.clone(), None);
    let mut http2 = http2::Builder::new(TokioExecutor::new());
    let http2 = http2
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_send_buf_size(STREAM_BUFFER_BYTES)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(OWN_RESETS)
        .serve_connection(TokioIo::new(transport), service);
    let mut http2 = pin!(http2);
    poll_fn(|cx| {
        if let Poll::Ready(ended) = http2.as_mut().poll(cx) {
            if let Err(error) = ended {
                debug!(%error, "connection ended early");
                if let Some(reason) = broken_rule(&error) {
                    let reason = format!("HTTP/2: {reason}");
                    let refused = Refused { sent: b"", status: None, reason: &reason };
                    connection.malformed(Malformed::Http2, Some(&refused));
                }
            }
            return Poll::Ready(());
        }
        while let Poll::Ready(command) = activity.poll_command(cx) {
            match command {
                Command::Rest => {}
                Command::Cut => return Poll::Ready(()),
                Command::Finish => {
                    http2.as_mut().graceful_shutdown();
                    if http2.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(());
                    }
                }
            }
        }
        Poll::Pending
    })
    .await;
}

/// What the client did that RFC 9113 forbids; `None` where it just left.
fn broken_rule(error: &hyper::Error) -> Option<h2::Reason> {
    let h2 = error.source()?.downcast_ref::<h2::Error>()?;
    h2.reason().filter(|reason| h2.is_library() && *reason != h2::Reason::NO_ERROR)
}
