//! Closed captions in an SEI unit (ATSC A/72 6.4.2, CEA-708 4.4): whether they say anything. Pure; survives any bytes, and keeps a hundred
//! of them at most.

/// The country is the USA, the provider ATSC, the message `ATSC1_data`, and what it holds `cc_data()`.
const HEAD: [u8; 8] = [0xb5, 0x00, 0x31, b'G', b'A', b'9', b'4', 0x03];

/// A byte of flags and count, a reserved one, and 31 constructs of three bytes.
const LONGEST_MESSAGE: usize = 2 + 31 * 3;

/// Follows the bytes of SEI units, wherever packets cut them.
#[derive(Debug, Default)]
pub(super) struct CaptionMessage {
    /// So many bytes of [`HEAD`] were the last ones.
    matched: usize,
    /// What came behind it.
    message: Vec<u8>,
    /// Zero bytes just before.
    zeros: u32,
    says_something: bool,
}

impl CaptionMessage {
    /// The next byte of an SEI unit.
    pub(super) fn push(&mut self, byte: u8) {
        // ITU-T H.264 7.4.1: a 3 behind two zeros is no part of the message.
        let is_escape = byte == 3 && self.zeros >= 2;
        self.zeros = if byte == 0 { self.zeros.saturating_add(1) } else { 0 };
        if is_escape || self.says_something {
            return;
        }
        if self.matched == HEAD.len() {
            self.message.push(byte);
            self.judge();
        } else if byte == HEAD[self.matched] {
            self.matched += 1;
        } else {
            self.matched = usize::from(byte == HEAD[0]);
        }
    }

    /// Whether any message so far had captions that are more than padding.
    pub(super) fn says_something(&self) -> bool {
        self.says_something
    }

    fn judge(&mut self) {
        let Some((&flags, behind)) = self.message.split_first() else { return };
        let constructs = behind.get(1..).unwrap_or_default();
        let count = usize::from(flags & 0x1f);
        let newest = constructs.as_chunks::<3>().0.last().copied();
        self.says_something |= constructs.len().is_multiple_of(3) && newest.is_some_and(says_something);
        if constructs.len() >= 3 * count || self.message.len() >= LONGEST_MESSAGE {
            self.message.clear();
            self.matched = 0;
        }
    }
}

/// CEA-708 table 5: a pair of CEA-608 that is not null, or the start of a packet.
fn says_something([head, first, second]: [u8; 3]) -> bool {
    let is_valid = head & 0b100 != 0;
    is_valid
        && match head & 0b11 {
            0b00 | 0b01 => (first | second) & 0x7f != 0,
            kind => kind == 0b11,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cc_data: &[u8], expected: bool) {
        let count = (cc_data.len() / 3) as u8;
        let unit =
            [&[4, 8 + 3 + cc_data.len() as u8], &HEAD[..], &[0xc0 | count, 0xff], cc_data, &[0xff, 0x80]]
                .concat();
        let mut message = CaptionMessage::default();
        // Another message, and a head that breaks off, stand before it.
        [5, 1, 2, 0xb5, 0xb5, 0, 0x31].iter().chain(&unit).for_each(|byte| message.push(*byte));
        assert_eq!(message.says_something(), expected, "{cc_data:02x?}");
    }

    #[test]
    fn captions_are_told_from_padding() {
        check(&[], false);
        check(&[0xfc, 0x80, 0x80, 0xfd, 0x80, 0x80, 0xfa, 0, 0], false);
        check(&[0xf8, 0x94, 0x2c], false);
        check(&[0xfc, 0x80, 0x80, 0xfd, 0x15, 0x2c], true);
        check(&[0xfc, 0x80, 0x80, 0xfa, 0, 0, 3, 0xff, 0x42, 0x21], true);
        check(&[0xfe, 0x42, 0x21], false);
    }

    #[test]
    fn a_message_without_its_end_is_let_go() {
        let mut message = CaptionMessage::default();
        HEAD.into_iter().chain([0xdf; 10_000]).for_each(|byte| message.push(byte));
        assert!(message.message.len() <= LONGEST_MESSAGE);
    }
}
