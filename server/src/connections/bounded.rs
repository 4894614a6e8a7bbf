//! A TCP stream under TLS, of which only so much is read until something comes of it.
//!
//! TLS puts a message of up to 64 KiB together before it looks at it, in the handshake and after it: whoever never sends the end of
//! one holds as much memory. A real client sends less than this at a time, whatever its key shares.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The whole handshake of a client, and what it sends at once with its end. A browser's first flight has 1 to 2 KiB, a key share
/// after quantum computers included; certificates of clients are not asked for.
const HANDSHAKE_BYTES: usize = 16 * 1024;

/// Until the next bytes of a request: RFC 8446 5.2, a record has 16 KiB and 261 bytes at the most, and as much as is read at once
/// may come before it.
const RECORD_BYTES: usize = 24 * 1024;

#[derive(Debug)]
pub(super) struct Bounded {
    stream: TcpStream,
    room_bytes: usize,
}

impl Bounded {
    /// For a handshake.
    pub(super) fn new(stream: TcpStream) -> Bounded {
        Bounded { stream, room_bytes: HANDSHAKE_BYTES }
    }

    /// To be called when something has come of what was read.
    pub(super) fn refill(&mut self) {
        self.room_bytes = RECORD_BYTES;
    }

    pub(super) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_read_ready(cx)
    }
}

impl AsyncRead for Bounded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.room_bytes == 0 {
            return Poll::Ready(Err(io::Error::new(ErrorKind::InvalidData, "a message without an end")));
        }
        let most_bytes = buffer.remaining().min(this.room_bytes);
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most_bytes));
        ready!(Pin::new(&mut this.stream).poll_read(cx, &mut part))?;
        let read_bytes = part.filled().len();
        buffer.advance(read_bytes);
        this.room_bytes -= read_bytes;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Reads until there is no room; how much that was.
    async fn read_all(stream: &mut Bounded) -> usize {
        let mut bytes = vec![0; 5000];
        let mut sum = 0;
        loop {
            match stream.read(&mut bytes).await {
                Ok(count) => sum += count,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::InvalidData);
                    return sum;
                }
            }
        }
    }

    #[tokio::test]
    async fn no_more_is_read_than_there_is_room_for_until_something_came_of_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let sending = tokio::spawn(async move { client.write_all(&vec![22; 1 << 20]).await });
        let mut stream = Bounded::new(server);
        assert_eq!(read_all(&mut stream).await, HANDSHAKE_BYTES);
        for _ in 0..2 {
            stream.refill();
            assert_eq!(read_all(&mut stream).await, RECORD_BYTES);
        }
        sending.abort();
    }
}
