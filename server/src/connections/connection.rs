//! The task of one connection: TLS first if the port speaks it, then HTTP/1.1 or HTTP/2, as the client likes.
//!
//! An HTTP/1.1 connection that is silent for a second is taken apart: what remains of it is the socket and a waiting
//! task, a tenth of what its buffers need. Ten thousand viewers between two reloads are such connections. One whose request
//! is held is taken apart at once, put together when there is an answer, and taken apart again when that is sent: so are
//! ten thousand that wait for the next part.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Poll, ready};
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tracing::debug;

use super::activity::Command;
use super::context::Connection;
use super::limits::MAX_HEAD_BYTES;
use super::pending_answer::{Desk, Pending, StandIn};
use super::request;
use super::transport::{Carrier, Transport};
use crate::listen::Scheme;

/// RFC 9113 3.4: what a client sends first that knows that we speak HTTP/2.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Of an HTTP/1.1 connection, each way. A larger piece of a body goes past it.
const BUFFER_BYTES: usize = 64 * 1024;

/// At a time on one connection. Players ask for two or three files at a time.
const STREAMS: u32 = 64;

/// RFC 9113 6.9.2. We take no bodies, so the window of what clients may send is as small as may be.
const WINDOW_BYTES: u32 = 65_535;

/// Of an answer on its way, for each stream.
const STREAM_BUFFER_BYTES: usize = 128 * 1024;

/// Streams that were reset before we came to them, and those that we had to reset: CVE-2023-44487 and CVE-2025-8671.
const PENDING_RESETS: usize = 20;
const OWN_RESETS: usize = 128;

/// For what a client still sends after the end, when it sends what nobody asked for.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 64 * 1024;

/// A new connection.
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Serves all requests of a connection. Each stage is a box of its own, so that one at rest is small.
pub(super) fn serve(
    connection: Arc<Connection>,
    stream: Stream,
    scheme: Scheme,
) -> impl Future<Output = ()> + Send + 'static {
    let mut stage = Stage::Greeting(Box::pin(greet(connection.clone(), stream, scheme)));
    poll_fn(move |cx| {
        loop {
            stage = match &mut stage {
                Stage::Greeting(greeting) => {
                    // Until the first request there is nothing to finish.
                    if let Poll::Ready(Command::Finish | Command::Cut) = connection.activity.poll_command(cx)
                    {
                        return Poll::Ready(());
                    }
                    match ready!(greeting.as_mut().poll(cx)) {
                        None => return Poll::Ready(()),
                        Some((transport, true)) => {
                            connection.activity.is_http2.store(true, Relaxed);
                            Stage::Http2(Box::pin(speak_http2(connection.clone(), transport)))
                        }
                        Some((transport, false)) => http1(&connection, transport, Desk::default()),
                    }
                }
                Stage::Http1(http1) => match ready!(http1.as_mut().poll(cx)) {
                    None => return Poll::Ready(()),
                    Some((transport, None)) => Stage::Rest(Some(transport)),
                    Some((transport, Some((pending, stand_in)))) => {
                        Stage::Waiting(Some(transport), pending, stand_in)
                    }
                },
                Stage::Waiting(waiting, pending, stand_in) => {
                    let Some(transport) = waiting else { return Poll::Ready(()) };
                    while let Poll::Ready(command) = connection.activity.poll_command(cx) {
                        match command {
                            Command::Rest => {}
                            Command::Finish => *stand_in = stand_in.last(),
                            Command::Cut => return Poll::Ready(()),
                        }
                    }
                    if let Poll::Ready(answer) = pending.as_mut().poll(cx) {
                        transport.put_back(stand_in.text().as_bytes());
                        match waiting.take() {
                            Some(transport) => http1(&connection, transport, Desk::with(answer)),
                            None => return Poll::Ready(()),
                        }
                    } else {
                        return transport.poll_left(cx, MAX_HEAD_BYTES);
                    }
                }
                Stage::Http2(http2) => return http2.as_mut().poll(cx),
                Stage::Rest(resting) => {
                    if let Poll::Ready(Command::Finish | Command::Cut) = connection.activity.poll_command(cx)
                    {
                        return Poll::Ready(());
                    }
                    let Some(transport) = resting else { return Poll::Ready(()) };
                    ready!(transport.poll_heard(cx));
                    match resting.take() {
                        Some(transport) => http1(&connection, transport, Desk::default()),
                        None => return Poll::Ready(()),
                    }
                }
            };
        }
    })
}

type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;

enum Stage {
    Greeting(Running<Option<(Transport, bool)>>),
    Http1(Running<Option<Parted>>),
    Waiting(Option<Transport>, Pending, StandIn),
    Http2(Running<()>),
    Rest(Option<Transport>),
}

/// What is left of a connection that was taken apart: what carries it, and the request that it waits for.
type Parted = (Transport, Option<(Pending, StandIn)>);

fn http1(connection: &Arc<Connection>, transport: Transport, desk: Desk) -> Stage {
    Stage::Http1(Box::pin(speak_http1(connection.clone(), transport, desk)))
}

/// TLS, and the first bytes that tell HTTP/2. `None` when the client leaves or talks nonsense.
async fn greet(connection: Arc<Connection>, stream: Stream, scheme: Scheme) -> Option<(Transport, bool)> {
    let mut agreed = None;
    let carrier = match (stream, scheme, &connection.worker.serving.tls) {
        (Stream::Unix(stream), ..) => Carrier::Unix(stream),
        (Stream::Tcp(stream), Scheme::Http, _) => Carrier::Tcp(stream),
        (Stream::Tcp(stream), Scheme::Https, acceptor) => {
            let accepted = Box::pin(acceptor.as_ref()?.accept(stream)).await;
            let tls = accepted.inspect_err(|error| debug!(%error, "no TLS")).ok()?;
            agreed = tls.get_ref().1.alpn_protocol().map(|protocol| protocol == b"h2");
            Carrier::Tls(Box::new(tls))
        }
    };
    let counters = connection.worker.counters.clone();
    let mut transport = Transport::new(carrier, connection.activity.clone(), counters);
    if let Some(is_http2) = agreed {
        return Some((transport, is_http2));
    }
    let (mut first, mut count) = ([0; PREFACE.len()], 0);
    while count < first.len() && first[..count] == PREFACE[..count] {
        match transport.read(&mut first[count..]).await {
            Ok(more) if more > 0 => count += more,
            _ => return None,
        }
    }
    transport.put_back(&first[..count]);
    Some((transport, first == PREFACE))
}

/// Until the connection ends, or rests or waits: then what is left of it comes back.
async fn speak_http1(connection: Arc<Connection>, transport: Transport, desk: Desk) -> Option<Parted> {
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

/// Until the connection ends.
async fn speak_http2(connection: Arc<Connection>, transport: Transport) {
    let activity = connection.activity.clone();
    let service = request::service(connection, None);
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
