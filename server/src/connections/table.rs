//! The table of HPACK: insertions and frames in, the memory out that h2 keeps for it. Pure.
//!
//! h2 keeps the value of a pseudo-header (`:authority`, `:path`) as a piece of the buffer that it was read into, and with it the
//! whole buffer, until the entry has left the table. A client may insert a hundred of them, each in a buffer of its own. The values
//! of other headers are copied.
//!
//! Such clients cannot be refused. Chrome, Firefox and nghttp2 (curl, h2load) insert `:authority` alone, and again when it has
//! left the table. Go and Netty insert each `:path`, so their table is full of them. But their requests are short, and many
//! are read into one buffer. So what is kept is estimated in two ways, and the smaller number counts: a buffer for each insertion, and
//! what can have been allocated for the bytes that were sent since the first one.

use std::mem;

/// RFC 9113 6.5.2: the size of the table, unless we say otherwise. A client may make it smaller.
const TABLE_BYTES: u32 = 4096;

/// What h2 reads into, at least (tokio-util 0.7 `framed_impl`, `INITIAL_CAPACITY`).
const BUFFER_BYTES: u32 = 8 * 1024;

/// A buffer grows by doubling until the longest frame has room behind what was read before: to less than so many of these.
const FRAMES_IN_BUFFER: u32 = 4;

/// For each byte sent, so many are allocated at the most. A buffer is left when the next frame has no room, so two of them have no
/// more room than two times what is in them. A value in Huffman code is decoded into a buffer that needs two times its length,
/// and is left in the same way.
const ALLOCATED_FOR_BYTE: u32 = 2 + 2 * 2;

/// What insertions keep, and what was allocated since the first of them.
#[derive(Debug, Default, PartialEq)]
struct Generation {
    insertions: u32,
    allocated_bytes: u32,
}

/// Insertions in two generations. When the newer one has filled the table, nothing of the older one is in it any more.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Table {
    longest_frame_bytes: u32,
    inserted_bytes: u32,
    newer: Generation,
    older: Generation,
}

impl Table {
    /// A frame begins, of so many bytes with its head. `is_continued`: it is a CONTINUATION, for which h2 may take another buffer.
    pub(super) fn note_frame(&mut self, bytes: u32, is_continued: bool) {
        self.longest_frame_bytes = self.longest_frame_bytes.max(bytes);
        let more = bytes.saturating_mul(ALLOCATED_FOR_BYTE) + if is_continued { BUFFER_BYTES } else { 0 };
        let generation = if self.newer.insertions > 0 { &mut self.newer } else { &mut self.older };
        generation.allocated_bytes = generation.allocated_bytes.saturating_add(more);
    }

    /// An entry of at least so many bytes (RFC 7541 4.1) is inserted.
    pub(super) fn insert(&mut self, entry_bytes: u32, is_pseudo: bool) {
        if is_pseudo {
            if self.newer.insertions == 0 {
                // The buffer may have been full already.
                self.newer.allocated_bytes = self.longest_frame_bytes.saturating_mul(ALLOCATED_FOR_BYTE);
            }
            self.newer.insertions += 1;
        }
        self.inserted_bytes = self.inserted_bytes.saturating_add(entry_bytes);
        if self.inserted_bytes >= TABLE_BYTES {
            self.older = mem::take(&mut self.newer);
            self.inserted_bytes = 0;
        }
    }

    /// Whether the name of an entry may be that of a pseudo-header.
    pub(super) fn has_pseudo(&self) -> bool {
        self.newer.insertions + self.older.insertions > 0
    }

    /// What is kept at the most besides the buffer that is being read into: no whole buffer, or a power of two, so that it
    /// seldom changes.
    pub(super) fn kept_bytes(&self) -> u64 {
        let buffer_bytes = self.longest_frame_bytes.saturating_mul(FRAMES_IN_BUFFER).max(BUFFER_BYTES);
        let kept = [&self.newer, &self.older].map(|generation| {
            let of_insertions = u64::from(generation.insertions) * u64::from(buffer_bytes);
            of_insertions.min(u64::from(generation.allocated_bytes))
        });
        let sum_bytes = kept.iter().sum::<u64>();
        if sum_bytes < u64::from(BUFFER_BYTES) { 0 } else { sum_bytes.next_power_of_two() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1024;

    /// What is kept after so many requests of so many bytes, each of which inserts an entry of 60 bytes.
    fn kept_after(requests: u32, bytes: u32) -> u64 {
        let mut table = Table::default();
        for _ in 0..requests {
            table.note_frame(bytes, false);
            table.insert(60, true);
        }
        table.kept_bytes()
    }

    #[test]
    fn one_insertion_of_an_idle_client_costs_nothing() {
        assert_eq!(kept_after(1, 500), 0);
    }

    #[test]
    fn one_insertion_keeps_one_buffer_however_many_requests_follow() {
        let mut table = Table::default();
        table.note_frame(500, false);
        table.insert(60, true);
        (0..10_000).for_each(|_| table.note_frame(500, false));
        assert_eq!(table.kept_bytes(), 8 * KIB);
        table.insert(60, true);
        assert_eq!(table.kept_bytes(), 16 * KIB);
    }

    #[test]
    fn insertions_keep_no_more_than_was_read() {
        assert!(kept_after(10_000, 100) <= 128 * KIB, "as a client in Go does");
    }

    #[test]
    fn each_long_request_with_an_insertion_keeps_its_buffer() {
        for requests in [10, 68] {
            assert!(kept_after(requests, 15_000) >= u64::from(requests) * 15_000);
        }
    }

    #[test]
    fn each_continuation_may_keep_a_buffer() {
        let mut table = Table::default();
        for _ in 0..50 {
            table.note_frame(20, true);
            table.insert(42, true);
        }
        assert!(table.kept_bytes() >= 49 * 8 * KIB);
    }

    #[test]
    fn what_was_inserted_before_the_table_was_filled_twice_is_not_kept() {
        let mut table = Table::default();
        table.note_frame(15_000, false);
        table.insert(50, true);
        table.insert(4096, false);
        assert!(table.kept_bytes() > 0);
        table.insert(4096, false);
        assert_eq!((table.kept_bytes(), table.has_pseudo()), (0, false));
    }
}
