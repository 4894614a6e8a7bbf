//! HTTP/1.1 on one connection, until it ends, or nothing is going on.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::HttpBody;
use axum::http::StatusCode;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::HttpService;
use hyper_util::rt::TokioIo;
use tracing::debug;

use super::activity::Command;
use super::context::Connection;
use super::limits::MAX_HEAD_BYTES;
use super::lingering_close;
use super::request::{self, Prepared};
use super::transport::Transport;
use crate::operator::access_log::Refused;
use crate::operator::metrics::Malformed;

/// Of an HTTP/1.1 connection, each way. A larger piece of a body goes past it.
const BUFFER_BYTES: usize = 32 * 1024;

/// How hyper's part ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// So does the connection; what is left to do is to hear the client out.
    Closed,
    /// Nothing is going on.
    Rest,
    Cut,
}

/// Until the connection ends, or nothing is going on: then it comes back. `prepared` is the answer to the first request.
pub(super) async fn speak(
    connection: Arc<Connection>,
    transport: Transport,
    prepared: Option<Prepared>,
) -> Option<Transport> {
    let activity = connection.activity.clone();
    // Before the first answer hyper does not give a connection back.
    let requests_before = activity.requests.load(Relaxed).wrapping_sub(u32::from(prepared.is_some()));
    activity.has_waited.store(prepared.is_some(), Relaxed);
    let service = request::service(connection.clone(), prepared);
    let mut http1 = http1::Builder::new()
        .header_read_timeout(None) // `limits` looks after it
        .half_close(true) // whoever has said all may still listen
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(transport), service);
    let mut refused = None;
    // What is shutting down is not shut down again.
    let mut is_finishing = false;
    let end = poll_fn(|cx| {
        if let Poll::Ready(ended) = Pin::new(&mut http1).poll(cx) {
            return Poll::Ready(closed(ended, &mut refused));
        }
        loop {
            match activity.poll_command(cx) {
                Poll::Ready(Command::Cut) => return Poll::Ready(End::Cut),
                Poll::Ready(Command::Finish) => {
                    is_finishing = true;
                    Pin::new(&mut http1).graceful_shutdown();
                    if let Poll::Ready(ended) = Pin::new(&mut http1).poll(cx) {
                        return Poll::Ready(closed(ended, &mut refused));
                    }
                    continue;
                }
                Poll::Ready(Command::Rest) => {}
                // It is going to wait again, and thousands are answered at the same time.
                Poll::Pending if activity.has_waited.load(Relaxed) => {}
                Poll::Pending => return Poll::Pending,
            }
            let has_answered = activity.requests.load(Relaxed) != requests_before;
            if is_finishing || !has_answered || !activity.is_still() {
                return Poll::Pending;
            }
            match poll_give_back(&mut http1, cx) {
                Poll::Ready(Ok(())) => return Poll::Ready(End::Rest),
                Poll::Ready(ended) => return Poll::Ready(closed(ended, &mut refused)),
                Poll::Pending => is_finishing = true,
            }
        }
    })
    .await;
    if end == End::Cut {
        return None;
    }
    let parts = http1.into_parts();
    let mut transport = parts.io.into_inner();
    if end == End::Closed {
        if let Some(status) = refused {
            let line = parts.read_buf.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let refused =
                Refused { sent: line.trim_ascii_end(), status: Some(status), reason: "no head of HTTP/1.1" };
            connection.malformed(Malformed::Head, Some(&refused));
        }
        if refused.is_some() || activity.has_body.load(Relaxed) {
            lingering_close::drain(transport).await;
        }
        return None;
    }
    // The beginning of the next head.
    transport.put_back(&parts.read_buf);
    transport.shrink();
    Some(transport)
}

/// Ends hyper's part where nothing is going on. The contract of `into_parts`: only after `poll_without_shutdown` is done, which
/// an idle connection is that was told to shut down. Pending when there is something to answer after all; then hyper ends the
/// connection after that.
fn poll_give_back<I, S, B>(
    http1: &mut http1::Connection<I, S>,
    cx: &mut Context<'_>,
) -> Poll<hyper::Result<()>>
where
    I: Read + Write + Unpin,
    S: HttpService<Incoming, ResBody = B, Future: Unpin, Error: Into<BoxError>> + Unpin,
    B: HttpBody<Error: Into<BoxError>> + 'static,
{
    Pin::new(&mut *http1).graceful_shutdown();
    http1.poll_without_shutdown(cx)
}

/// `refused`: the status that hyper has sent by itself.
fn closed(ended: hyper::Result<()>, refused: &mut Option<StatusCode>) -> End {
    if let Err(error) = ended {
        debug!(%error, "connection ended early");
        if error.is_parse_too_large() {
            *refused = Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        } else if error.is_parse() {
            *refused = Some(StatusCode::BAD_REQUEST);
        }
    }
    End::Closed
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{pending, ready};

    use axum::body::Body;
    use axum::http::{Request, Response};
    use hyper::service::service_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    /// Lets hyper serve what was sent, then asks for the connection.
    async fn give_back<S>(
        server: DuplexStream,
        service: S,
    ) -> (Poll<hyper::Result<()>>, DuplexStream, Vec<u8>)
    where
        S: HttpService<Incoming, ResBody = Body, Error = Infallible, Future: Unpin> + Unpin,
    {
        let mut http1 = http1::Builder::new().serve_connection(TokioIo::new(server), service);
        let given_back = poll_fn(|cx| {
            assert!(Pin::new(&mut http1).poll(cx).is_pending());
            Poll::Ready(poll_give_back(&mut http1, cx))
        })
        .await;
        let parts = http1.into_parts();
        (given_back, parts.io.into_inner(), parts.read_buf.to_vec())
    }

    async fn read(client: &mut DuplexStream) -> String {
        let mut bytes = [0; 1024];
        let count = client.read(&mut bytes).await.unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    #[tokio::test]
    async fn an_idle_connection_comes_back_open_and_with_the_beginning_of_the_next_head() {
        let (mut client, server) = duplex(1024);
        client.write_all(b"GET / HTTP/1.1\r\n\r\nGET /next").await.unwrap();
        let service = service_fn(|_: Request<Incoming>| ready(Ok(Response::new(Body::from("one")))));
        let (given_back, mut server, early) = give_back(server, service).await;
        assert!(matches!(given_back, Poll::Ready(Ok(()))), "{given_back:?}");
        assert_eq!(early, b"GET /next");
        let answer = read(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\none"), "{answer}");
        assert!(!answer.contains("connection: close"), "{answer}");
        server.write_all(b"two").await.unwrap();
        assert_eq!(read(&mut client).await, "two", "nothing was shut down");
    }

    #[tokio::test]
    async fn a_connection_with_a_request_that_is_not_answered_stays_with_hyper() {
        let (mut client, server) = duplex(1024);
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let service = service_fn(|_: Request<Incoming>| pending());
        assert!(give_back(server, service).await.0.is_pending());
    }
}
