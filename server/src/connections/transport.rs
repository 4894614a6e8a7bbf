//! The bytes of one connection, whatever carries them, counted on their way into its `Activity`.

use std::io::{self, ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

use super::activity::{Command, add_u64};
use super::bounded::Bounded;
use super::context::Connection;
use super::frames::{self, Frames};
use super::limits::{LONG_HEAD_BYTES, SHORT_HEAD_BYTES, TLS_BACKLOG_BYTES};
use crate::accounts::Held;
use crate::operator::access_log::Refused;
use crate::operator::metrics::Reached;

/// What carries the bytes.
pub(super) enum Carrier {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// With what it takes.
    Tls(Box<TlsStream<Bounded>>, #[expect(dead_code)] Held),
}

/// A carrier, with what was read from it too early.
pub(super) struct Transport {
    carrier: Carrier,
    /// Read before the rest.
    early: Vec<u8>,
    connection: Arc<Connection>,
    /// What was read since a request began, and how many had begun then.
    read_bytes: u32,
    requests: u32,
    /// It has broken the rules of TLS, which was told.
    is_broken: bool,
    rare: Option<Box<Rare>>,
}

/// What most connections do not need.
#[derive(Default)]
struct Rare {
    /// What TLS has packed, while the kernel does not take it.
    backlog: Option<Held>,
    /// Of HTTP/2.
    frames: Option<Frames>,
    /// What h2 keeps for the table of HPACK.
    table: Option<Held>,
    /// What is read of a request takes, when it is much.
    reading: Option<Held>,
}

macro_rules! each {
    ($self:ident, $stream:ident => $call:expr) => {
        match &mut $self.carrier {
            Carrier::Tcp($stream) => $call,
            Carrier::Unix($stream) => $call,
            Carrier::Tls($stream, _) => $call,
        }
    };
}

impl Transport {
    pub(super) fn new(carrier: Carrier, connection: Arc<Connection>) -> Transport {
        Transport {
            carrier,
            early: Vec::new(),
            connection,
            read_bytes: 0,
            requests: 0,
            is_broken: false,
            rare: None,
        }
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// From now on it is HTTP/2.
    pub(super) fn count_frames(&mut self) {
        self.rare().frames = Some(Frames::default());
    }

    /// Notes that more was read.
    fn note_read(&mut self, bytes: usize) {
        if let Carrier::Tls(stream, _) = &mut self.carrier {
            stream.get_mut().0.refill();
        }
        self.connection.activity.note_read(bytes);
        let requests = self.connection.activity.requests.load(Relaxed);
        if requests != self.requests {
            (self.requests, self.read_bytes) = (requests, 0);
            self.let_go_of_reading();
        }
        self.read_bytes = self.read_bytes.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        if self.read_bytes > SHORT_HEAD_BYTES as u32
            && self.rare.as_ref().is_none_or(|rare| rare.reading.is_none())
        {
            self.rare().reading = Some(self.connection.place.hold(LONG_HEAD_BYTES));
        }
    }

    /// Tells of a client that breaks the rules of TLS after its handshake.
    fn note_broken(&mut self, polled: &Poll<io::Result<()>>) {
        if let (Carrier::Tls(..), Poll::Ready(Err(error)), false) = (&self.carrier, polled, self.is_broken) {
            self.is_broken = true;
            self.connection.broken_tls(error);
        }
    }

    /// Counts the frames in what is to be handed on. An error when these are too many: h2 must not see them, as it reads all that
    /// is there before the connection can be cut.
    fn hand_on(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(rare) = &mut self.rare else { return Ok(()) };
        let Some(frames) = &mut rare.frames else { return Ok(()) };
        let idle = frames.count_idle(bytes);
        let kept_bytes = frames.kept_bytes();
        if kept_bytes != rare.table.as_ref().map_or(0, Held::size_bytes) {
            rare.table = None;
            rare.table = (kept_bytes > 0).then(|| self.connection.place.hold(kept_bytes));
        }
        if idle == 0 {
            return Ok(());
        }
        let activity = &self.connection.activity;
        let sum = activity.idle_frames.load(Relaxed).saturating_add(idle);
        activity.idle_frames.store(sum, Relaxed);
        if frames::is_flood(sum, activity.sent_lately_bytes()) {
            self.connection.worker.counters.reached(Reached::Frames);
            let reason = "cut: too many frames of HTTP/2 that ask for nothing";
            self.connection.log_refused(&Refused { sent: b"", status: None, reason });
            activity.tell(Command::Cut);
            // Told once.
            rare.frames = None;
            return Err(ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    /// What was read, and not yet read again.
    pub(super) fn early(&self) -> &[u8] {
        &self.early
    }

    /// To be called when nothing will be read for a while.
    pub(super) fn shrink(&mut self) {
        self.early.shrink_to_fit();
        if self.early.len() <= SHORT_HEAD_BYTES {
            self.read_bytes = self.early.len() as u32;
            self.let_go_of_reading();
        }
    }

    fn let_go_of_reading(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.reading = None;
            if rare.backlog.is_none() && rare.frames.is_none() {
                self.rare = None;
            }
        }
    }

    /// Puts back what was read.
    pub(super) fn put_back(&mut self, bytes: &[u8]) {
        self.early.splice(0..0, bytes.iter().copied());
    }

    /// Ready when there is something to read, or the client has left, and when there was something already.
    pub(super) fn poll_heard(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.early.is_empty() {
            return Poll::Ready(());
        }
        let ready = match &self.carrier {
            Carrier::Tcp(stream) => stream.poll_read_ready(cx),
            Carrier::Unix(stream) => stream.poll_read_ready(cx),
            Carrier::Tls(stream, _) => stream.get_ref().0.poll_read_ready(cx),
        };
        ready.map(|_| ())
    }

    /// Ready when the client says no more: in order, and it may still listen, or because it has left. What it has sent before
    /// is put back, up to `most_bytes`.
    pub(super) fn poll_said_all(&mut self, cx: &mut Context<'_>, most_bytes: usize) -> Poll<io::Result<()>> {
        let mut bytes = [MaybeUninit::uninit(); 256];
        while self.early.len() < most_bytes {
            let mut buffer = ReadBuf::uninit(&mut bytes);
            let polled = each!(self, stream => Pin::new(stream).poll_read(cx, &mut buffer));
            self.note_broken(&polled);
            ready!(polled)?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.note_read(buffer.filled().len());
            self.early.extend_from_slice(buffer.filled());
        }
        Poll::Pending
    }

    fn sent(&mut self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &polled {
            add_u64(&self.connection.activity.sent_bytes, *bytes as u64);
            self.connection.worker.counters.sent(*bytes as u64);
        }
        self.set_blocked(polled.is_pending());
        polled
    }

    fn set_blocked(&mut self, is_blocked: bool) {
        self.connection.activity.send_blocked.store(is_blocked, Relaxed);
        let has_backlog = is_blocked && matches!(self.carrier, Carrier::Tls(..));
        if has_backlog != self.rare.as_ref().is_some_and(|rare| rare.backlog.is_some()) {
            self.rare().backlog = has_backlog.then(|| self.connection.place.hold(TLS_BACKLOG_BYTES as u64));
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.early.is_empty() {
            let count = self.early.len().min(buffer.remaining());
            let before = buffer.filled().len();
            buffer.put_slice(&self.early[..count]);
            self.hand_on(&buffer.filled()[before..])?;
            self.early.drain(..count);
            if self.early.is_empty() {
                self.early = Vec::new();
            }
            return Poll::Ready(Ok(()));
        }
        if self.connection.activity.has_read_enough() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let polled = each!(self, stream => Pin::new(stream).poll_read(cx, buffer));
        self.note_broken(&polled);
        if buffer.filled().len() > before {
            self.connection.activity.heard.store(true, Relaxed);
            self.note_read(buffer.filled().len() - before);
            self.hand_on(&buffer.filled()[before..])?;
        }
        polled
    }
}

impl AsyncWrite for Transport {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = each!(self, stream => Pin::new(stream).poll_write(cx, bytes));
        self.sent(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = each!(self, stream => Pin::new(stream).poll_write_vectored(cx, slices));
        self.sent(polled)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.carrier {
            Carrier::Tcp(stream) => stream.is_write_vectored(),
            Carrier::Unix(stream) => stream.is_write_vectored(),
            Carrier::Tls(stream, _) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = each!(self, stream => Pin::new(stream).poll_flush(cx));
        // TLS takes more than the kernel does; it is sent when flushed.
        self.set_blocked(polled.is_pending());
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}
