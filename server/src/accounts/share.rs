//! What one answer may read ahead of its client: one piece at a time, the next one when it has gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;
use bytes::Bytes;

use super::place::{Held, Place};

/// A piece of a file has one of these sizes. The largest is what the kernel takes at once, mostly; the least is for an address that
/// holds all it may, and still enough to come forward. Few sizes, so that the memory of one piece is of use to the next.
const PIECES_BYTES: [usize; 4] = [64 * 1024, 16 * 1024, 4 * 1024, 1024];

/// The share of one answer, or of all answers of a connection that gives one at a time.
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

    /// A number for the account that this is of, which no other has meanwhile.
    pub(crate) fn who(&self) -> usize {
        self.place.account_number()
    }

    pub(crate) fn set_window(&self, bytes: usize) {
        self.window_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Ready when the piece before has gone: with room for the next, of at most `left_bytes`.
    pub(crate) fn poll_piece(self: &Arc<Share>, cx: &mut Context<'_>, left_bytes: u64) -> Poll<Piece> {
        self.reader.register(cx.waker());
        if self.is_on_its_way.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        let left_bytes = usize::try_from(left_bytes).unwrap_or(usize::MAX);
        let wanted_bytes = left_bytes.min(self.window_bytes.load(Ordering::Relaxed));
        let size_bytes = size_bytes(wanted_bytes, self.place.room_bytes());
        let mut content = Vec::with_capacity(size_bytes);
        content.resize(wanted_bytes.min(size_bytes), 0);
        Poll::Ready(Piece { content, share: None, _held: self.place.add(size_bytes as u64) })
    }

    /// The bytes of a piece that was read. They are on their way until the last of them is dropped.
    pub(crate) fn keep(self: &Arc<Share>, mut piece: Piece) -> Bytes {
        self.is_on_its_way.store(true, Ordering::Release);
        piece.share = Some(self.clone());
        Bytes::from_owner(piece)
    }
}

/// The smallest that is enough, if there is so much room.
fn size_bytes(wanted_bytes: usize, room_bytes: u64) -> usize {
    let [.., least] = PIECES_BYTES;
    let mut fitting = PIECES_BYTES.into_iter().filter(|size_bytes| *size_bytes as u64 <= room_bytes);
    let largest = fitting.clone().next().unwrap_or(least);
    fitting.rfind(|size_bytes| *size_bytes >= wanted_bytes).unwrap_or(largest)
}

/// A piece of a file, or room for one.
pub(crate) struct Piece {
    pub(crate) content: Vec<u8>,
    share: Option<Arc<Share>>,
    _held: Held,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.content
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(share) = &self.share {
            share.is_on_its_way.store(false, Ordering::Release);
            share.reader.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_as_large_as_is_of_use_and_as_there_is_room_for() {
        assert_eq!(size_bytes(usize::MAX, u64::MAX), 65_536);
        assert_eq!(size_bytes(5000, u64::MAX), 16_384);
        assert_eq!(size_bytes(1, u64::MAX), 1024);
        assert_eq!(size_bytes(usize::MAX, 5000), 4096);
        assert_eq!(size_bytes(usize::MAX, 0), 1024);
    }
}
