//! The task of one connection: TLS first if the port speaks it, then HTTP/1.1 or HTTP/2, as the client likes.
//!
//! An HTTP/1.1 connection that is silent for a second is taken apart: what remains of it is the socket and a waiting
//! task, a tenth of what its buffers need. Ten thousand viewers between two reloads are such connections. One whose request
//! is held is taken apart at once, put together when there is an answer, and taken apart again when that is sent: so are
//! ten thousand that wait for the next part.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Poll, ready};

use tokio::io::AsyncReadExt;
use tokio::net::{TcpStream, UnixStream};
use tracing::debug;

use super::activity::Command;
use super::context::Connection;
use super::http1::Parted;
use super::limits::MAX_HEAD_BYTES;
use super::pending_answer::{Desk, Pending, StandIn};
use super::transport::{Carrier, Transport};
use super::{http1, http2};
use crate::listen::Scheme;

/// RFC 9113 3.4: what a client sends first that knows that we speak HTTP/2.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

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
                            Stage::Http2(Box::pin(http2::speak(connection.clone(), transport)))
                        }
                        Some((transport, false)) => speaking(&connection, transport, Desk::default()),
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
                            Some(transport) => speaking(&connection, transport, Desk::with(answer)),
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
                        Some(transport) => speaking(&connection, transport, Desk::default()),
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

fn speaking(connection: &Arc<Connection>, transport: Transport, desk: Desk) -> Stage {
    Stage::Http1(Box::pin(http1::speak(connection.clone(), transport, desk)))
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
