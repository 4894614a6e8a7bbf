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

use axum::http::StatusCode;
use axum::http::header::{CONNECTION, HeaderValue};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpStream, UnixStream};

use super::activity::Command;
use super::context::Connection;
use super::limits::{MAX_HEAD_BYTES, TLS_BYTES};
use super::request::{self, Pending, Prepared};
use super::transport::{Carrier, Transport};
use super::{head, http1, http2, lingering_close, tls};
use crate::http::refusal::last_bytes;
use crate::listen::Scheme;
use crate::operator::access_log::Refused;
use crate::operator::metrics::Malformed;

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
) -> impl Future<Output = ()> + Send + Unpin + 'static {
    let mut state = State::Greeting(Box::pin(greet(connection.clone(), stream, scheme)));
    let mut is_last = false;
    poll_fn(move |cx| {
        loop {
            let next = match &mut state {
                State::Greeting(greeting) => {
                    if is_cut(&connection, &mut is_last, cx) {
                        return Poll::Ready(());
                    }
                    match ready!(greeting.as_mut().poll(cx)) {
                        Greeted::Left => None,
                        Greeted::Http2(transport) => {
                            connection.activity.is_http2.store(true, Relaxed);
                            Some(State::Http2(Box::pin(http2::speak(connection.clone(), transport))))
                        }
                        Greeted::Http1(transport) => {
                            // What came with the end of the handshake makes no sound again.
                            let mut resting = Some(transport);
                            let Poll::Ready(next) = hear(&connection, &mut resting, cx) else {
                                state = State::Rest(resting);
                                return Poll::Pending;
                            };
                            next
                        }
                    }
                }
                State::Rest(resting) => {
                    if is_cut(&connection, &mut is_last, cx) {
                        return Poll::Ready(());
                    }
                    let Some(transport) = resting else { return Poll::Ready(()) };
                    let is_heard = transport.poll_heard(cx).is_ready();
                    let Poll::Ready(next) =
                        (if is_heard { hear(&connection, resting, cx) } else { Poll::Pending })
                    else {
                        // Whoever has just come will ask; whoever has been answered asks somebody else.
                        let is_over = is_last && connection.activity.requests.load(Relaxed) > 0;
                        return if is_over { Poll::Ready(()) } else { Poll::Pending };
                    };
                    next
                }
                State::Waiting(waiting) => {
                    let Some(Waiting { transport, pending, is_last, listens }) = waiting.as_deref_mut()
                    else {
                        return Poll::Ready(());
                    };
                    while let Poll::Ready(command) = connection.activity.poll_command(cx) {
                        match command {
                            Command::Rest => {}
                            Command::Finish => *is_last = true,
                            Command::Cut => return Poll::Ready(()),
                        }
                    }
                    let Poll::Ready(mut answer) = Pin::new(pending).poll(cx) else {
                        if *listens {
                            match ready!(transport.poll_said_all(cx, MAX_EARLY_BYTES)) {
                                Ok(()) => *listens = false,
                                Err(_) => return Poll::Ready(()),
                            }
                        }
                        return Poll::Pending;
                    };
                    if *is_last {
                        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                    }
                    let request = head::read(transport.early());
                    let prepared = request.map(|request| Prepared { request, answer });
                    waiting.take().map(|waiting| speaking(&connection, waiting.transport, prepared))
                }
                State::Http1(http1) => ready!(http1.as_mut().poll(cx)).map(|it| State::Rest(Some(it))),
                State::Http2(http2) => return http2.as_mut().poll(cx),
                State::Closing(closing) => return closing.as_mut().poll(cx),
            };
            match next {
                Some(next) => state = next,
                None => return Poll::Ready(()),
            }
            if is_last {
                // It finishes what it hears now, and says so.
                connection.activity.tell(Command::Finish);
            }
        }
    })
}

/// Whether a connection that answers nothing is to end now. One that is to finish may have a request on its way.
fn is_cut(connection: &Connection, is_last: &mut bool, cx: &mut Context<'_>) -> bool {
    while let Poll::Ready(command) = connection.activity.poll_command(cx) {
        match command {
            Command::Rest => {}
            Command::Finish => *is_last = true,
            Command::Cut => return true,
        }
    }
    false
}

type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;

enum State {
    Greeting(Running<Greeted>),
    Rest(Option<Transport>),
    Waiting(Option<Box<Waiting>>),
    Http1(Running<Option<Transport>>),
    Http2(Running<()>),
    Closing(Running<()>),
}

/// A request that is not answered yet.
struct Waiting {
    transport: Transport,
    pending: Pending,
    /// No request may follow.
    is_last: bool,
    /// Whether the client may have more to say. One that has said all is answered like any other: nobody can tell one that has
    /// closed the connection from one that still listens.
    listens: bool,
}

/// The state after something was heard; `None` when that was the end, pending when it is not enough to tell.
fn hear(
    connection: &Arc<Connection>,
    resting: &mut Option<Transport>,
    cx: &mut Context<'_>,
) -> Poll<Option<State>> {
    let Some(transport) = resting else { return Poll::Ready(None) };
    let said_all = transport.poll_said_all(cx, MAX_HEAD_BYTES);
    let early = transport.early();
    if early.is_empty() {
        return if said_all.is_ready() { Poll::Ready(None) } else { Poll::Pending };
    }
    // The beginning of a head at least. Its end will come, or `limits` will.
    connection.activity.heard.store(true, Relaxed);
    if said_all.is_pending() && head::is_only_begun(early) {
        if early.len() < MAX_HEAD_BYTES {
            return Poll::Pending;
        }
        let status = StatusCode::URI_TOO_LONG;
        let refused = Refused { sent: early, status: Some(status), reason: "address too long" };
        connection.malformed(Malformed::Address, Some(&refused));
        return Poll::Ready(resting.take().map(|it| State::Closing(Box::pin(refuse(it, status)))));
    }
    let request = if matches!(said_all, Poll::Ready(Err(_))) { None } else { head::read(early) };
    let pending = request.and_then(|request| request::blocking(connection, &request));
    Poll::Ready(resting.take().map(|mut transport| match pending {
        Some(pending) => {
            connection.activity.heard.store(false, Relaxed);
            transport.shrink();
            let listens = said_all.is_pending();
            State::Waiting(Some(Box::new(Waiting { transport, pending, is_last: false, listens })))
        }
        None => speaking(connection, transport, None),
    }))
}

async fn refuse(transport: Transport, status: StatusCode) {
    lingering_close::send_last(transport, &last_bytes(status, "address too long\n", None)).await;
}

fn speaking(connection: &Arc<Connection>, transport: Transport, prepared: Option<Prepared>) -> State {
    State::Http1(Box::pin(http1::speak(connection.clone(), transport, prepared)))
}

/// What the first bytes of a connection tell.
enum Greeted {
    Http1(Transport),
    Http2(Transport),
    /// The client has left, or talks nonsense.
    Left,
}

/// TLS, and the first bytes that tell HTTP/2.
async fn greet(connection: Arc<Connection>, stream: Stream, scheme: Scheme) -> Greeted {
    let mut agreed = None;
    let carrier = match (stream, scheme) {
        (Stream::Unix(stream), _) => Carrier::Unix(stream),
        (Stream::Tcp(stream), Scheme::Http) => Carrier::Tcp(stream),
        (Stream::Tcp(stream), Scheme::Https) => {
            let held = connection.place.hold(TLS_BYTES);
            let Some(tls) = Box::pin(tls::accept(&connection, stream)).await else { return Greeted::Left };
            agreed = tls.get_ref().1.alpn_protocol().map(|protocol| protocol == b"h2");
            Carrier::Tls(Box::new(tls), held)
        }
    };
    let mut transport = Transport::new(carrier, connection.clone());
    match agreed {
        Some(true) => return Greeted::Http2(transport),
        Some(false) => return Greeted::Http1(transport),
        None => {}
    }
    let (mut first, mut count) = ([0; PREFACE.len()], 0);
    while count < first.len() && first[..count] == PREFACE[..count] {
        match transport.read(&mut first[count..]).await {
            Ok(more) if more > 0 => count += more,
            _ => break,
        }
    }
    if count == 0 {
        return Greeted::Left;
    }
    transport.put_back(&first[..count]);
    if first == PREFACE { Greeted::Http2(transport) } else { Greeted::Http1(transport) }
}
