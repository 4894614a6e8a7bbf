//! What one answer may read ahead of its client: one piece at a time, the next one when it has gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;
use bytes::Bytes;

use super::account::{Held, Place};

/// Of a file at a time. As large as what the kernel takes at once, mostly.
const LARGEST_PIECE_BYTES: u64 = 64 * 1024;

/// Where an address holds all that it may: still enough to come forward.
const LEAST_PIECE_BYTES: u64 = 1024;

/// The share of one answer, or of all answers of a connection that gives one at a time.
#[derive(Debug)]
pub(crate) struct Share {
    place: Arc<Place>,
    /// What the client lets us send now.
    window_bytes: AtomicUsize,
    is_on_its_way: AtomicBool,
    reader: AtomicWaker,
}

impl Share {
    pub(crate) fn new(place: Arc<Place>) -> Arc<Share> {
        Arc::new(Share {
            place,
            window_bytes: AtomicUsize::new(usize::MAX),
            is_on_its_way: AtomicBool::new(false),
            reader: AtomicWaker::new(),
        })
    }

    pub(crate) fn set_window(&self, bytes: usize) {
        self.window_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Ready when the piece before has gone: with so much as may be read, of at most `left_bytes`.
    pub(crate) fn poll_piece(&self, cx: &mut Context<'_>, left_bytes: u64) -> Poll<Held> {
        self.reader.register(cx.waker());
        if self.is_on_its_way.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        let most_bytes =
            LARGEST_PIECE_BYTES.min(left_bytes).min(self.window_bytes.load(Ordering::Relaxed) as u64);
        Poll::Ready(self.place.hold_some(LEAST_PIECE_BYTES.min(most_bytes), most_bytes))
    }

    /// The bytes of a piece that was read. They are on their way until the last of them is dropped.
    pub(crate) fn keep(self: &Arc<Share>, content: Vec<u8>, held: Held) -> Bytes {
        self.is_on_its_way.store(true, Ordering::Release);
        Bytes::from_owner(Piece { content, share: self.clone(), _held: held })
    }
}

struct Piece {
    content: Vec<u8>,
    share: Arc<Share>,
    _held: Held,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.content
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.share.is_on_its_way.store(false, Ordering::Release);
        self.share.reader.wake();
    }
}
