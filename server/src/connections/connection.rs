//! The task of one connection: TLS first if the port speaks it, then HTTP/1.1 or HTTP/2, as the client likes.
//!
//! An HTTP/1.1 connection belongs to hyper only while there is something to answer. One that is silent for a second is taken
//! back from it: what remains is the socket and a waiting task, a tenth of what its buffers need. Ten thousand viewers between
//! two reloads are such connections. A request that has to wait is waited for before hyper has read it, and its connection is
//! taken back when the answer is sent: so are ten thousand that wait for the next part.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};

use axum::http::header::{CONNECTION, HeaderValue};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpStream, UnixStream};
use tracing::debug;

use super::activity::Command;
use super::context::Connection;
use super::limits::{MAX_HEAD_BYTES, TLS_BACKLOG_BYTES, TLS_BYTES};
use super::request::{self, Pending, Prepared};
use super::transport::{Carrier, Transport};
use super::{head, http1, http2};
use crate::listen::Scheme;

/// RFC 9113 3.4: what a client sends first that knows that we speak HTTP/2.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The head of a request that waits, and the beginning of what follows it: with nothing more read, nobody notices that a
/// client has left.
const MAX_EARLY_BYTES: usize = 2 * MAX_HEAD_BYTES;

/// A new connection.
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Serves all requests of a connection. Each state is a box of its own, so that one at rest is small.
pub(super) fn serve(
    connection: Arc<Connection>,
    stream: Stream,
    scheme: Scheme,
) -> impl Future<Output = ()> + Send + 'static {
    let mut state = State::Greeting(Box::pin(greet(connection.clone(), stream, scheme)));
    poll_fn(move |cx| {
        loop {
            let next = match &mut state {
                State::Greeting(greeting) => {
                    // Until the first request there is nothing to finish.
                    if let Poll::Ready(Command::Finish | Command::Cut) = connection.activity.poll_command(cx)
                    {
                        return Poll::Ready(());
                    }
                    match ready!(greeting.as_mut().poll(cx)) {
                        None => None,
                        Some((transport, true)) => {
                            connection.activity.is_http2.store(true, Relaxed);
                            Some(State::Http2(Box::pin(http2::speak(connection.clone(), transport))))
                        }
                        Some((transport, false)) => hear(&connection, transport, cx),
                    }
                }
                State::Rest(resting) => {
                    if let Poll::Ready(Command::Finish | Command::Cut) = connection.activity.poll_command(cx)
                    {
                        return Poll::Ready(());
                    }
                    let Some(transport) = resting else { return Poll::Ready(()) };
                    ready!(transport.poll_heard(cx));
                    resting.take().and_then(|transport| hear(&connection, transport, cx))
                }
                State::Waiting(waiting, pending, is_last) => {
                    let Some(transport) = waiting else { return Poll::Ready(()) };
                    while let Poll::Ready(command) = connection.activity.poll_command(cx) {
                        match command {
                            Command::Rest => {}
                            Command::Finish => *is_last = true,
                            Command::Cut => return Poll::Ready(()),
                        }
                    }
                    let Poll::Ready(mut answer) = Pin::new(pending).poll(cx) else {
                        return transport.poll_left(cx, MAX_EARLY_BYTES);
                    };
                    if *is_last {
                        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                    }
                    let request = head::read(transport.early());
                    let prepared = request.map(|request| Prepared { request, answer });
                    waiting.take().map(|transport| speaking(&connection, transport, prepared))
                }
                State::Http1(http1) => ready!(http1.as_mut().poll(cx)).map(|it| State::Rest(Some(it))),
                State::Http2(http2) => return http2.as_mut().poll(cx),
            };
            match next {
                Some(next) => state = next,
                None => return Poll::Ready(()),
            }
        }
    })
}

type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;

enum State {
    Greeting(Running<Option<(Transport, bool)>>),
    Rest(Option<Transport>),
    /// With whether no request may follow.
    Waiting(Option<Transport>, Pending, bool),
    Http1(Running<Option<Transport>>),
    Http2(Running<()>),
}

/// The state after something was heard; `None` when that was the end.
fn hear(connection: &Arc<Connection>, mut transport: Transport, cx: &mut Context<'_>) -> Option<State> {
    let has_left = transport.poll_left(cx, MAX_HEAD_BYTES).is_ready();
    if transport.early().is_empty() {
        return (!has_left).then(|| State::Rest(Some(transport)));
    }
    let request = if has_left { None } else { head::read(transport.early()) };
    if let Some(pending) = request.and_then(|request| request::blocking(connection, &request)) {
        transport.shrink();
        return Some(State::Waiting(Some(transport), pending, false));
    }
    // The beginning of a head at least. Its end will come, or `limits` will.
    connection.activity.heard.store(true, Relaxed);
    Some(speaking(connection, transport, None))
}

fn speaking(connection: &Arc<Connection>, transport: Transport, prepared: Option<Prepared>) -> State {
    State::Http1(Box::pin(http1::speak(connection.clone(), transport, prepared)))
}

/// TLS, and the first bytes that tell HTTP/2. `None` when the client leaves or talks nonsense.
async fn greet(connection: Arc<Connection>, stream: Stream, scheme: Scheme) -> Option<(Transport, bool)> {
    let mut agreed = None;
    let carrier = match (stream, scheme, &connection.worker.serving.tls) {
        (Stream::Unix(stream), ..) => Carrier::Unix(stream),
        (Stream::Tcp(stream), Scheme::Http, _) => Carrier::Tcp(stream),
        (Stream::Tcp(stream), Scheme::Https, acceptor) => {
            let held = connection.place.hold(TLS_BYTES);
            let accepted = Box::pin(acceptor.as_ref()?.accept(stream)).await;
            let mut tls = accepted.inspect_err(|error| debug!(%error, "no TLS")).ok()?;
            tls.get_mut().1.set_buffer_limit(Some(TLS_BACKLOG_BYTES));
            agreed = tls.get_ref().1.alpn_protocol().map(|protocol| protocol == b"h2");
            Carrier::Tls(Box::new(tls), held)
        }
    };
    let counters = connection.worker.counters.clone();
    let mut transport =
        Transport::new(carrier, connection.activity.clone(), counters, connection.place.clone());
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
