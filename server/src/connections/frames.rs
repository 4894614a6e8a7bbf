//! The frames that a client of HTTP/2 sends: bytes in, the number of those out that ask for nothing, and what h2 keeps of the
//! others. Pure.
//!
//! PING, SETTINGS, PRIORITY, `WINDOW_UPDATE` and frames of unknown types cost the client nothing and us an answer or a look. h2
//! takes as many as come; so they are counted before it sees them.

use super::head_block::{CONTINUATION, HEADERS, HeadBlock};
use super::table::Table;

/// RFC 9113 4.1: three bytes length, one byte type, flags, stream.
const HEAD_BYTES: usize = 9;

/// RFC 9113 3.4: what comes before the first frame.
const PREFACE_BYTES: usize = 24;

/// One for each request ends it; h2 takes more without a word.
const RST_STREAM: u8 = 3;

/// At a time; a browser sends a dozen when it begins.
const MOST_IDLE_FRAMES: u32 = 1000;

/// So many of them are forgotten each second. A client that measures the time to us sends one.
const IDLE_FRAMES_A_SECOND: u32 = 100;

/// For each so many bytes that were sent in this second, one `WINDOW_UPDATE` more: the client
/// of a slow line opens the window in small steps.
const BYTES_FOR_EACH: u64 = 512;

/// A CONTINUATION counts as so many. A head that we take has room in one frame, so only tests of servers send any. For each of
/// them h2 may keep 8 KiB in the table of HPACK, however short it is: more in a moment than the accounts can get back.
const FOR_CONTINUATION: u32 = 64;

/// How many frames are forgotten after a second in which so many bytes were sent.
pub(super) fn forgotten(sent_bytes: u64) -> u32 {
    IDLE_FRAMES_A_SECOND.saturating_add(u32::try_from(sent_bytes / BYTES_FOR_EACH).unwrap_or(u32::MAX))
}

/// Whether so many frames are more than a client has reason to send that was sent so many bytes in this second.
pub(super) fn is_flood(idle_frames: u32, sent_bytes: u64) -> bool {
    u64::from(idle_frames) > u64::from(MOST_IDLE_FRAMES) + sent_bytes / BYTES_FOR_EACH
}

/// Where in the frames of a connection we are.
#[derive(Debug)]
pub(super) struct Frames {
    head: [u8; HEAD_BYTES],
    head_bytes: usize,
    /// The rest of the frame.
    content_bytes: usize,
    /// Whether that holds a header block.
    is_block: bool,
    block: HeadBlock,
    table: Table,
    /// Requests that no reset has followed.
    standing: u32,
}

impl Default for Frames {
    fn default() -> Frames {
        Frames {
            head: [0; HEAD_BYTES],
            head_bytes: 0,
            content_bytes: PREFACE_BYTES,
            is_block: false,
            block: HeadBlock::default(),
            table: Table::default(),
            standing: 0,
        }
    }
}

impl Frames {
    /// How many frames that ask for nothing begin in the next bytes.
    pub(super) fn count_idle(&mut self, mut bytes: &[u8]) -> u32 {
        let mut idle = 0;
        loop {
            let content = bytes.len().min(self.content_bytes);
            self.content_bytes -= content;
            if self.is_block {
                self.block.read(&bytes[..content], &mut self.table);
            }
            bytes = &bytes[content..];
            let more = bytes.len().min(HEAD_BYTES - self.head_bytes);
            if more == 0 {
                return idle;
            }
            self.head[self.head_bytes..self.head_bytes + more].copy_from_slice(&bytes[..more]);
            self.head_bytes += more;
            bytes = &bytes[more..];
            if self.head_bytes == HEAD_BYTES {
                self.head_bytes = 0;
                idle += self.begin();
            }
        }
    }

    /// What h2 keeps of them for the table of HPACK.
    pub(super) fn kept_bytes(&self) -> u64 {
        self.table.kept_bytes()
    }

    /// Begins the frame of this head; as how many frames it counts that ask for nothing.
    fn begin(&mut self) -> u32 {
        let [high, middle, low, kind, flags, ..] = self.head;
        let content_bytes = u32::from_be_bytes([0, high, middle, low]);
        self.content_bytes = content_bytes as usize;
        self.table.note_frame(content_bytes + HEAD_BYTES as u32, kind == CONTINUATION);
        self.is_block = self.block.begin(kind, flags, content_bytes);
        self.idle_frames(kind)
    }

    /// HEADERS is counted as a request.
    fn idle_frames(&mut self, kind: u8) -> u32 {
        match kind {
            HEADERS => self.standing = self.standing.saturating_add(1),
            CONTINUATION => return FOR_CONTINUATION,
            RST_STREAM if self.standing > 0 => self.standing -= 1,
            _ => return 1,
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, length: usize) -> Vec<u8> {
        let [_, high, middle, low] = (length as u32).to_be_bytes();
        [&[high, middle, low, kind, 0, 0, 0, 0, 0][..], &vec![0xff; length]].concat()
    }

    #[test]
    fn frames_are_counted_however_they_are_cut() {
        let sent = [
            vec![b'P'; 24],
            frame(4, 6),
            frame(1, 40),
            frame(6, 8),
            frame(9, 0),
            frame(0xfe, 300),
            frame(8, 4),
        ]
        .concat();
        for size in 1..sent.len() {
            let mut frames = Frames::default();
            let idle: u32 = sent.chunks(size).map(|piece| frames.count_idle(piece)).sum();
            assert_eq!(idle, 4 + FOR_CONTINUATION, "in pieces of {size}");
        }
    }

    #[test]
    fn a_request_may_be_reset_once() {
        let sent =
            [vec![b'P'; 24], frame(1, 4), frame(3, 4), frame(3, 4), frame(1, 4), frame(1, 4), frame(3, 4)];
        assert_eq!(Frames::default().count_idle(&sent.concat()), 1);
    }

    #[test]
    fn windows_may_be_opened_for_what_is_sent() {
        assert!(!is_flood(1000, 0));
        assert!(is_flood(1001, 0));
        assert!(!is_flood(3000, 1 << 20));
        assert_eq!(forgotten(1 << 20), 2148);
    }
}
