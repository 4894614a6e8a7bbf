//! HTTP/1.1 on one connection, until it ends, or rests or waits.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use tracing::debug;

use super::activity::Command;
use super::context::Connection;
use super::limits::MAX_HEAD_BYTES;
use super::pending_answer::{Desk, Pending, StandIn};
use super::request;
use super::transport::Transport;

/// Of an HTTP/1.1 connection, each way. A larger piece of a body goes past it.
const BUFFER_BYTES: usize = 64 * 1024;

/// For what a client still sends after the end, when it sends what nobody asked for.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 64 * 1024;

/// What is left of a connection that was taken apart: what carries it, and the request that it waits for.
pub(super) type Parted = (Transport, Option<(Pending, StandIn)>);

/// Until the connection ends, or rests or waits: then what is left of it comes back.
pub(super) async fn speak(connection: Arc<Connection>, transport: Transport, desk: Desk) -> Option<Parted> {
    let activity = connection.activity.clone();
    let has_waited = desk.is_answered();
    let desk = Arc::new(desk);
    let service = request::service(connection, Some(desk.clone()));
    let mut http1 = http1::Builder::new()
        .header_read_timeout(None) // `limits` looks after it
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(transport), service);
    // Whoever has said goodbye is not asked again.
    let mut finishing = false;
    let told = poll_fn(|cx| match Pin::new(&mut http1).poll(cx) {
        Poll::Ready(ended) => {
            if let Err(error) = ended {
                debug!(%error, "connection ended early");
            }
            Poll::Ready(Command::Cut)
        }
        Poll::Pending => loop {
            match activity.poll_command(cx) {
                Poll::Pending if !finishing && activity.only_waits() && desk.is_waited_at() => {
                    return Poll::Ready(Command::Rest);
                }
                // It is going to wait again, and thousands are answered at the same time.
                Poll::Pending if has_waited && activity.is_still() => return Poll::Ready(Command::Rest),
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Command::Rest) if activity.is_still() => return Poll::Ready(Command::Rest),
                Poll::Ready(Command::Rest) => {}
                Poll::Ready(Command::Cut) => return Poll::Ready(Command::Cut),
                Poll::Ready(Command::Finish) => {
                    finishing = true;
                    Pin::new(&mut http1).graceful_shutdown();
                    if Pin::new(&mut http1).poll(cx).is_ready() {
                        return Poll::Ready(Command::Cut);
                    }
                }
            }
        },
    })
    .await;
    if told != Command::Rest {
        if activity.has_body.load(Relaxed) {
            let _ = timeout(LINGER, drain(http1.into_parts().io.into_inner())).await;
        }
        return None;
    }
    let parts = http1.into_parts();
    let mut transport = parts.io.into_inner();
    if !parts.read_buf.is_empty() {
        // The beginning of a head. Its end will come, or `limits` will.
        activity.heard.store(true, Relaxed);
        transport.put_back(&parts.read_buf);
    }
    Some((transport, desk.take_pending()))
}

/// Reads what a client still sends. RFC 9112 9.6: closed with bytes unread, a connection is reset, and that can take our
/// last answer from the client before it has read it.
async fn drain(mut transport: Transport) {
    let (mut bytes, mut taken) = ([0; 1024], 0);
    while taken < LINGER_BYTES {
        match transport.read(&mut bytes).await {
            Ok(more) if more > 0 => taken += more,
            _ => return,
        }
    }
}
