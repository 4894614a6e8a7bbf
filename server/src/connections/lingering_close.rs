//! The end of a connection that a client does not expect: what is left to say, and what it still sends.
//!
//! RFC 9112 9.6: closed with bytes unread, a connection is reset, and that can take our last answer from the client before it
//! has read it.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// For what a client still sends after the end, when it sends what nobody asked for.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 64 * 1024;

/// Sends the last bytes, and reads what still comes.
pub(super) async fn send_last(mut stream: impl AsyncRead + AsyncWrite + Unpin, last_bytes: &[u8]) {
    let said = async {
        stream.write_all(last_bytes).await?;
        stream.shutdown().await
    };
    if matches!(timeout(LINGER, said).await, Ok(Ok(()))) {
        drain(stream).await;
    }
}

/// Reads what a client still sends.
pub(super) async fn drain(mut stream: impl AsyncRead + Unpin) {
    let drained = async {
        let (mut bytes, mut taken) = ([0; 1024], 0);
        while taken < LINGER_BYTES {
            match stream.read(&mut bytes).await {
                Ok(more) if more > 0 => taken += more,
                _ => return,
            }
        }
    };
    let _ = timeout(LINGER, drained).await;
}
