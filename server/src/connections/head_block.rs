//! The header blocks that a client sends, compressed by HPACK: pieces of HEADERS and CONTINUATION frames in, insertions into
//! `Table` out. Pure.
//!
//! Nothing is decoded but numbers. Where h2 would end the connection, what follows is not read or does not matter.

use super::table::Table;

/// RFC 9113 6.2, 6.6 and 6.10. A client may not send `PUSH_PROMISE`; h2 ends the connection when it has read its block.
pub(super) const HEADERS: u8 = 1;
const PUSH_PROMISE: u8 = 5;
pub(super) const CONTINUATION: u8 = 9;

/// RFC 9113 6.2.
const PADDED: u8 = 0x08;
const PRIORITY: u8 = 0x20;
const PRIORITY_BYTES: u8 = 5;
const PROMISED_STREAM_BYTES: u8 = 4;

/// RFC 7541 4.1: what an entry takes besides name and value.
const ENTRY_BYTES: u32 = 32;

/// RFC 7541 appendix A: `:authority`, `:path` and `:scheme`. Methods are copied.
const AUTHORITY: u32 = 1;
const FIRST_PATH: u32 = 4;
const LAST_SCHEME: u32 = 7;

/// RFC 7541 2.3.3: from here on, names of the dynamic table.
const FIRST_DYNAMIC: u32 = 62;

/// RFC 7541 appendix B: ':' is seven bits.
const COLON_IN_HUFFMAN: u8 = 0b101_1100;

/// RFC 7541 appendix B: the longest code.
const MOST_BITS: u64 = 30;

/// h2 takes numbers of at most so many bytes after the first one.
const MOST_MORE_BYTES: u8 = 4;

/// What the next byte of a block belongs to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// RFC 7541 6: what it is, and a number.
    #[default]
    Field,
    NameLength,
    Name,
    ValueLength,
    Value,
    /// Of a block that h2 does not take.
    Lost,
}

/// RFC 7541 6.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Field {
    /// Without name and value: an entry of the table, or its new size.
    #[default]
    Number,
    Inserted,
    NotInserted,
}

/// A number (RFC 7541 5.1) of which the first byte says that more follow.
#[derive(Debug, Clone, Copy)]
struct Number {
    value: u32,
    more_bytes: u8,
}

/// Where in a header block we are.
#[derive(Debug, Default)]
pub(super) struct HeadBlock {
    /// The first byte of the frame is the length of its padding.
    has_padding: bool,
    /// What else stands before the block in this frame.
    before_bytes: u8,
    /// The rest of the block in this frame.
    block_bytes: u32,
    part: Part,
    number: Option<Number>,
    /// Of the string that is read.
    left_bytes: u32,
    is_huffman: bool,
    field: Field,
    /// `None` before the first letter of its name.
    is_pseudo: Option<bool>,
    entry_bytes: u32,
}

impl HeadBlock {
    /// A frame begins; false if it holds no header block.
    pub(super) fn begin(&mut self, kind: u8, flags: u8, frame_bytes: u32) -> bool {
        let (has_padding, before_bytes) = match kind {
            HEADERS => (flags & PADDED != 0, if flags & PRIORITY == 0 { 0 } else { PRIORITY_BYTES }),
            PUSH_PROMISE => (flags & PADDED != 0, PROMISED_STREAM_BYTES),
            CONTINUATION => (false, 0),
            _ => return false,
        };
        if kind != CONTINUATION {
            *self = HeadBlock::default();
        }
        (self.has_padding, self.before_bytes, self.block_bytes) = (has_padding, before_bytes, frame_bytes);
        true
    }

    /// Reads the next bytes of the frame.
    pub(super) fn read(&mut self, mut bytes: &[u8], table: &mut Table) {
        if self.has_padding
            && let Some((padding_bytes, rest)) = bytes.split_first()
        {
            self.block_bytes = self.block_bytes.saturating_sub(1 + u32::from(*padding_bytes));
            self.has_padding = false;
            bytes = rest;
        }
        let before = bytes.len().min(usize::from(self.before_bytes));
        self.before_bytes -= before as u8;
        self.block_bytes = self.block_bytes.saturating_sub(before as u32);
        bytes = &bytes[before..];
        let block = bytes.len().min(self.block_bytes as usize);
        self.block_bytes -= block as u32;
        self.read_fields(&bytes[..block], table);
    }

    fn read_fields(&mut self, mut bytes: &[u8], table: &mut Table) {
        while let Some((&first, rest)) = bytes.split_first() {
            match self.part {
                Part::Lost => return,
                Part::Field | Part::NameLength | Part::ValueLength => {
                    bytes = rest;
                    if let Some(value) = self.read_number(first) {
                        self.take_number(value, table);
                    }
                }
                Part::Name | Part::Value => {
                    let count = bytes.len().min(self.left_bytes as usize);
                    self.left_bytes -= count as u32;
                    bytes = &bytes[count..];
                    self.take_string(first, table);
                }
            }
        }
    }

    /// The number, if this is its last byte. Its first one says more.
    fn read_number(&mut self, byte: u8) -> Option<u32> {
        let Some(Number { value, more_bytes }) = self.number else {
            let mask = if self.part == Part::Field { self.begin_field(byte) } else { 0x7f };
            self.is_huffman = byte & 0x80 != 0;
            let value = u32::from(byte & mask);
            if byte & mask == mask {
                self.number = Some(Number { value, more_bytes: 0 });
                return None;
            }
            return Some(value);
        };
        let value = value + (u32::from(byte & 0x7f) << (7 * more_bytes));
        let is_last = byte & 0x80 == 0;
        let more_bytes = more_bytes + 1;
        if !is_last && more_bytes == MOST_MORE_BYTES {
            self.part = Part::Lost;
        }
        self.number = (!is_last).then_some(Number { value, more_bytes });
        is_last.then_some(value)
    }

    /// RFC 7541 6: the bits that belong to the number.
    fn begin_field(&mut self, byte: u8) -> u8 {
        let (field, mask) = match byte {
            0x80.. => (Field::Number, 0x7f),
            0x40.. => (Field::Inserted, 0x3f),
            0x20.. => (Field::Number, 0x1f),
            _ => (Field::NotInserted, 0x0f),
        };
        (self.field, self.is_pseudo, self.entry_bytes) = (field, None, ENTRY_BYTES);
        mask
    }

    fn take_number(&mut self, value: u32, table: &mut Table) {
        match self.part {
            Part::Field if self.field == Field::Number => {}
            Part::Field if value == 0 => self.part = Part::NameLength,
            Part::Field => {
                self.is_pseudo = Some(match value {
                    AUTHORITY | FIRST_PATH..=LAST_SCHEME => true,
                    FIRST_DYNAMIC.. => table.has_pseudo(),
                    _ => false,
                });
                self.part = Part::ValueLength;
            }
            _ => {
                self.left_bytes = value;
                // RFC 7541 4.1: as long as it is when decoded.
                let least = if self.is_huffman { u64::from(value) * 8 / MOST_BITS } else { u64::from(value) };
                self.entry_bytes = self.entry_bytes.saturating_add(least as u32);
                self.part = if self.part == Part::NameLength { Part::Name } else { Part::Value };
                if value == 0 {
                    self.end_string(table);
                }
            }
        }
    }

    /// Some bytes of a string were read, of which this is the first.
    fn take_string(&mut self, first: u8, table: &mut Table) {
        if self.part == Part::Name {
            let is_colon = if self.is_huffman { first >> 1 == COLON_IN_HUFFMAN } else { first == b':' };
            self.is_pseudo.get_or_insert(is_colon);
        }
        if self.left_bytes == 0 {
            self.end_string(table);
        }
    }

    fn end_string(&mut self, table: &mut Table) {
        if self.part == Part::Name {
            self.part = Part::ValueLength;
            return;
        }
        if self.field == Field::Inserted {
            table.insert(self.entry_bytes, self.is_pseudo.unwrap_or_default());
        }
        self.part = Part::Field;
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Reads frames (kind, flags, content), each in pieces of `size` bytes.
    fn read(frames: &[(u8, u8, &[u8])], size: usize) -> Table {
        let mut table = Table::default();
        let mut block = HeadBlock::default();
        for (kind, flags, content) in frames {
            assert!(block.begin(*kind, *flags, content.len() as u32));
            content.chunks(size).for_each(|piece| block.read(piece, &mut table));
        }
        table
    }

    /// The entries (least bytes, whether of a pseudo-header) that these frames insert, however they are cut.
    #[track_caller]
    fn check_frames(frames: &[(u8, u8, &[u8])], entries: &[(u32, bool)]) {
        let mut expected = Table::default();
        for (bytes, is_pseudo) in entries {
            expected.insert(*bytes, *is_pseudo);
        }
        for size in 1..200 {
            assert_eq!(read(frames, size), expected, "in pieces of {size}");
        }
    }

    #[track_caller]
    fn check(block: &[u8], entries: &[(u32, bool)]) {
        check_frames(&[(HEADERS, 4, block)], entries);
    }

    #[test]
    fn pseudo_headers_are_told_from_others() {
        check(b"\x82\x87\x41\x03a:1\x44\x02/x\x7a\x01a", &[(35, true), (34, true), (33, false)]);
        check(b"\x42\x04HEAD", &[(36, false)]);
    }

    #[test]
    fn only_insertions_count() {
        check(b"\x01\x01a\x04\x02/x\x14\x02/x\x0f\x1a\x01a\x3f\xe1\x1f\x90\x80", &[]);
    }

    #[test]
    fn names_are_told_by_their_first_letter() {
        check(b"\x40\x05:path\x02/x", &[(39, true)]);
        check(b"\x40\x04path\x00", &[(36, false)]);
        // ":path" and "path" in Huffman code, of which four and three bytes are a letter or more, and none.
        check(b"\x40\x84\xb9\x58\xd3\x3f\x01x", &[(34, true)]);
        check(b"\x40\x83\xac\x69\x9f\x01x", &[(33, false)]);
    }

    #[test]
    fn names_of_the_table_may_be_of_pseudo_headers_once_there_is_one() {
        check(b"\x40\x01a\x01b\x7e\x01c", &[(34, false), (33, false)]);
        check(b"\x41\x01b\x7e\x01c", &[(33, true), (33, true)]);
    }

    #[test]
    fn the_end_of_rfc_7541_c_4_1_is_read() {
        check(b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff", &[(35, true)]);
    }

    #[test]
    fn long_strings_are_skipped() {
        let long = [b"\x0f\x1a\x7f\xa9\x01", &[0x41; 296][..], b"\x41\x01a"].concat();
        check(&long, &[(33, true)]);
    }

    #[test]
    fn padding_and_priority_are_left_out() {
        let padded = b"\x04\x41\x01\x41\x01\x41\x41\x01a\x41\x01a\x41";
        check_frames(&[(HEADERS, PADDED | PRIORITY, padded)], &[(33, true)]);
        check_frames(&[(PUSH_PROMISE, 0, b"\x41\x01a\x41\x41\x01a")], &[(33, true)]);
    }

    #[test]
    fn a_block_goes_on_in_the_next_frame_and_begins_anew_with_the_next_request() {
        let frames: &[(u8, u8, &[u8])] =
            &[(HEADERS, 0, b"\x82\x41"), (CONTINUATION, 0, b""), (CONTINUATION, 4, b"\x01a\x44")];
        check_frames(frames, &[(33, true)]);
        check_frames(&[frames, &[(HEADERS, 4, b"\x41\x01a")]].concat(), &[(33, true), (33, true)]);
    }

    #[test]
    fn what_h2_refuses_is_not_read() {
        check(b"\x7f\xff\xff\xff\xff\x01\x41\x01a", &[]);
        assert!(!HeadBlock::default().begin(0, 0, 10));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_the_same_however_they_are_cut(
            frames in vec((prop::sample::select(vec![HEADERS, CONTINUATION, PUSH_PROMISE]), any::<u8>(), vec(any::<u8>(), 0..200)), 1..8),
            size in 1_usize..50,
        ) {
            let frames: Vec<_> = frames.iter().map(|(kind, flags, content)| (*kind, *flags, &content[..])).collect();
            prop_assert_eq!(read(&frames, size), read(&frames, 200));
        }
    }
}
