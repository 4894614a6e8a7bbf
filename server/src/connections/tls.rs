//! The beginning of TLS on one connection, and what comes instead of it.

use std::sync::Arc;

use axum::http::StatusCode;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::bounded::Bounded;
use super::context::Connection;
use super::limits::TLS_BACKLOG_BYTES;
use super::lingering_close;
use crate::http::refusal::last_bytes;
use crate::operator::access_log::Refused;
use crate::operator::metrics::Malformed;

const PLAIN: &str = "this port speaks HTTPS; the address begins with https://\n";

/// `None` when it was none, which the client has been told if it understands.
pub(super) async fn accept(connection: &Arc<Connection>, stream: TcpStream) -> Option<TlsStream<Bounded>> {
    let mut first = [0];
    let heard = stream.peek(&mut first).await.unwrap_or(0);
    // RFC 8446 5.1: a handshake begins with 22, and a method of HTTP with a letter.
    if heard > 0 && first[0].is_ascii_uppercase() {
        refuse_plain(connection, stream).await;
        return None;
    }
    let acceptor = connection.worker.serving.tls.as_ref()?;
    match acceptor.accept(Bounded::new(stream)).await {
        Ok(mut tls) => {
            let (stream, tls_state) = tls.get_mut();
            stream.refill();
            tls_state.set_buffer_limit(Some(TLS_BACKLOG_BYTES));
            Some(tls)
        }
        Err(error) => {
            connection.broken_tls(&error);
            None
        }
    }
}

/// A 400 in words to plain HTTP.
async fn refuse_plain(connection: &Connection, mut stream: TcpStream) {
    let (mut head, mut count) = ([0; 1024], 0);
    while count < head.len() && !head[..count].contains(&b'\n') {
        match stream.read(&mut head[count..]).await {
            Ok(more) if more > 0 => count += more,
            _ => break,
        }
    }
    let line = head[..count].split(|byte| *byte == b'\n').next().unwrap_or_default();
    let status = StatusCode::BAD_REQUEST;
    let refused =
        Refused { sent: line.trim_ascii_end(), status: Some(status), reason: "plain HTTP on a port of TLS" };
    connection.malformed(Malformed::PlainHttp, Some(&refused));
    lingering_close::send_last(stream, &last_bytes(status, PLAIN, None)).await;
}
