//! The byte pairs of one field of CEA-608, between the picture that brought them and the one that takes them along.
//!
//! In: pairs as they come, padding included. Out: the pairs that say something, in order. Padding is not queued: whoever takes pairs
//! at a steady rate puts new padding where there is none. Two things are kept through this:
//!
//! - A control code is sent twice, for line 21 of analogue television was noisy, and a decoder ignores the second one where it follows at
//!   once (CEA-608 8.3). With padding between the two, decoders disagree. So the first waits until what follows is known.
//! - After a break a decoder still has what came before it. It is told to erase that, and gets nothing of a caption whose start is missing.

use std::collections::VecDeque;

use super::carried::Field;

/// Both bytes are null, with their parity bits.
pub const PADDING: [u8; 2] = [0x80, 0x80];

/// Pairs that may wait: five seconds of them, as in [`super::carried`].
const MOST_PAIRS: usize = 150;

/// Two caption channels share a field.
const CHANNELS: usize = 2;

/// Codes of CEA-608 table 52, behind the first byte that says the channel.
const ERASE_DISPLAYED: u8 = 0x2c;
const ERASE_NON_DISPLAYED: u8 = 0x2e;
const TEXT_RESTART: u8 = 0x2a;

/// The queue of one field.
#[derive(Debug)]
pub struct Line21 {
    field: Field,
    waiting: VecDeque<[u8; 2]>,
    /// The pair that was queued last; `None` at the start and after a break.
    last: Option<Last>,
    /// What the next characters belong to.
    speaker: Speaker,
    /// After a break: channels that are heard again. Before the first break all are.
    is_gated: bool,
    is_heard: [bool; CHANNELS],
    is_xds_heard: bool,
    /// Channels that something has come for since the last break, as captions and as text.
    has_captions: [bool; CHANNELS],
    has_text: [bool; CHANNELS],
}

/// The pair that was queued last. It may have been handed out since.
#[derive(Debug, Clone, Copy)]
struct Last {
    pair: [u8; 2],
    /// It is a control code, and nothing has followed it yet.
    is_open: bool,
    /// It is the second one of a doubled code.
    is_second: bool,
    /// Padding came behind it.
    has_padding: bool,
}

/// Whose characters follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    Unknown,
    Channel(usize),
    /// Extended data services, in field 2 alone (CEA-608 9).
    Xds,
}

/// What a pair is, without its parity bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Padding,
    /// Begins or resumes a packet of XDS.
    XdsStart {
        is_resumed: bool,
    },
    XdsEnd,
    Control {
        channel: usize,
        sets: Sets,
    },
    Characters,
}

/// What a control code decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sets {
    /// From here on these are captions: pop-on, roll-up or paint-on.
    Captions,
    /// From here on this is text.
    Text,
    /// Nothing of this kind.
    Nothing,
}

impl Line21 {
    /// An empty queue, which takes what comes first as it is.
    #[must_use]
    pub fn new(field: Field) -> Self {
        Self {
            field,
            waiting: VecDeque::new(),
            last: None,
            speaker: Speaker::Unknown,
            is_gated: false,
            is_heard: [false; CHANNELS],
            is_xds_heard: false,
            has_captions: [false; CHANNELS],
            has_text: [false; CHANNELS],
        }
    }

    /// Takes the next pair. `false`: there was no room; all that waited is gone, and the queue is as after a break.
    #[must_use]
    pub fn take(&mut self, pair: [u8; 2]) -> bool {
        let kind = self.kind(pair);
        if let Some(last) = &mut self.last {
            last.is_open = false;
            last.has_padding |= kind == Kind::Padding;
        }
        if !self.listen(kind) {
            return true;
        }
        if self.waiting.len() >= MOST_PAIRS {
            self.waiting.clear();
            self.end();
            return false;
        }
        let is_control = matches!(kind, Kind::Control { .. });
        let repeated = self.last.filter(|last| is_control && last.pair == pair && !last.is_second);
        // With padding between them the second was meant as another one. Without it a decoder would ignore it.
        let is_another = repeated.is_some_and(|last| last.has_padding);
        if is_another {
            self.waiting.push_back(PADDING);
        }
        let is_second = repeated.is_some() && !is_another;
        self.last = Some(Last { pair, is_open: is_control && !is_second, is_second, has_padding: false });
        self.waiting.push_back(pair);
        true
    }

    /// The next pair, unless what follows it has to be known first. `is_late`: it has been waited for long enough.
    pub fn next(&mut self, is_late: bool) -> Option<[u8; 2]> {
        if self.is_held() && !is_late {
            return None;
        }
        self.waiting.pop_front()
    }

    /// Whether the next pair waits for the one behind it.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.waiting.len() == 1 && self.last.is_some_and(|last| last.is_open)
    }

    /// How many pairs wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What comes next does not go on with what came before: decoders erase what they have.
    pub fn end(&mut self) {
        let has_spoken = self.speaker != Speaker::Unknown || !self.waiting.is_empty();
        for channel in 0..CHANNELS {
            if std::mem::take(&mut self.has_captions[channel]) {
                self.push_twice(channel, ERASE_NON_DISPLAYED);
                self.push_twice(channel, ERASE_DISPLAYED);
            }
            if std::mem::take(&mut self.has_text[channel]) {
                self.push_twice(channel, TEXT_RESTART);
            }
        }
        if has_spoken {
            self.is_gated = true;
            self.is_heard = [false; CHANNELS];
            self.is_xds_heard = false;
        }
        self.speaker = Speaker::Unknown;
        self.last = None;
    }

    /// Follows who speaks; says whether the pair is passed on.
    fn listen(&mut self, kind: Kind) -> bool {
        match kind {
            Kind::Padding => return false,
            Kind::XdsStart { is_resumed } => {
                self.speaker = Speaker::Xds;
                self.is_xds_heard |= !is_resumed;
            }
            Kind::Control { channel, sets } => {
                self.speaker = Speaker::Channel(channel);
                self.is_heard[channel] |= sets != Sets::Nothing;
                let is_passed = !self.is_gated || self.is_heard[channel];
                self.has_text[channel] |= sets == Sets::Text && is_passed;
                self.has_captions[channel] |= sets != Sets::Text && is_passed;
            }
            // Behind the end of a packet of XDS captions go on with a control code.
            Kind::XdsEnd | Kind::Characters => {}
        }
        if !self.is_gated {
            return true;
        }
        match self.speaker {
            Speaker::Unknown => false,
            Speaker::Channel(channel) => self.is_heard[channel],
            Speaker::Xds => self.is_xds_heard,
        }
    }

    fn kind(&self, pair: [u8; 2]) -> Kind {
        let [first, second] = pair.map(|byte| byte & 0x7f);
        match (first, second) {
            (0, 0) => Kind::Padding,
            (0x01..=0x0e, _) if self.field == Field::Two => {
                Kind::XdsStart { is_resumed: first.is_multiple_of(2) }
            }
            (0x0f, _) if self.field == Field::Two => Kind::XdsEnd,
            (0x10..=0x1f, _) => {
                // Table 52: 0x14 in field 1, 0x15 in field 2; the bit 0x08 is the second channel. Some encoders write 0x14 in both.
                let is_mode = matches!(first & !0x08, 0x14 | 0x15);
                let sets = match second {
                    0x20 | 0x25..=0x27 | 0x29 if is_mode => Sets::Captions,
                    0x2a | 0x2b if is_mode => Sets::Text,
                    _ => Sets::Nothing,
                };
                Kind::Control { channel: usize::from(first & 0x08 != 0), sets }
            }
            _ => Kind::Characters,
        }
    }

    fn push_twice(&mut self, channel: usize, code: u8) {
        let first = match self.field {
            Field::One => 0x14,
            Field::Two => 0x15,
        };
        let pair = [first | (channel as u8) << 3, code].map(with_parity);
        self.waiting.extend([pair, pair]);
    }
}

/// Each byte of CEA-608 has an odd number of ones (CEA-608 4.1).
fn with_parity(byte: u8) -> u8 {
    if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs of two bytes in hexadecimal, without parity; `.` is padding.
    fn pairs(text: &str) -> impl Iterator<Item = [u8; 2]> {
        text.split_whitespace().map(|word| {
            let word = if word == "." { "0000" } else { word };
            let number = u16::from_str_radix(word, 16).expect("a number");
            number.to_be_bytes().map(with_parity)
        })
    }

    fn text(pair: [u8; 2]) -> String {
        let [first, second] = pair.map(|byte| byte & 0x7f);
        if (first, second) == (0, 0) { ".".into() } else { format!("{first:02x}{second:02x}") }
    }

    /// Takes these, then gives all that can be had.
    #[track_caller]
    fn check(queue: &mut Line21, taken: &str, expected: &str) {
        assert!(pairs(taken).all(|pair| queue.take(pair)), "there is room");
        let given: Vec<_> = std::iter::from_fn(|| queue.next(false)).map(text).collect();
        assert_eq!(given.join(" "), expected);
    }

    #[test]
    fn pairs_stay_in_order_and_padding_is_not_queued() {
        let mut queue = Line21::new(Field::One);
        check(&mut queue, ". 4845 . . 4c4c 4f00 .", "4845 4c4c 4f00");
    }

    #[test]
    fn a_control_code_waits_for_what_follows_it() {
        let mut queue = Line21::new(Field::One);
        check(&mut queue, "1425", "");
        assert!(queue.is_held());
        check(&mut queue, "1425", "1425 1425");
        check(&mut queue, "4845 142d", "4845");
        check(&mut queue, ".", "142d");
        check(&mut queue, "142d", ".");
        assert_eq!(queue.next(true).map(text).as_deref(), Some("142d"), "it is late");
    }

    #[test]
    fn what_is_said_twice_stays_so_and_what_is_meant_twice_too() {
        let mut queue = Line21::new(Field::One);
        // Two backspaces, each doubled.
        check(&mut queue, "1421 1421 . 1421 1421 4100", "1421 1421 1421 1421 4100");
        // Two, neither of them doubled.
        check(&mut queue, "1421 . 1421 . 4100", "1421 . 1421 4100");
        // Two letters that are alike.
        check(&mut queue, "4c4c . 4c4c", "4c4c 4c4c");
    }

    #[test]
    fn after_a_break_nothing_half_said_remains() {
        let mut queue = Line21::new(Field::One);
        check(&mut queue, "1420 1420 4845", "1420 1420 4845");
        queue.end();
        check(&mut queue, "", "142e 142e 142c 142c");
        // The rest of a caption, then a whole one.
        check(&mut queue, "4c4c 142f 142f 1420 1420 4849 142f 142f", "1420 1420 4849 142f 142f");
        let mut second = Line21::new(Field::Two);
        check(&mut second, "1d25 1d25 4845 1d2d", "1d25 1d25 4845");
        second.end();
        check(&mut second, "", "1d2d 1d2e 1d2e 1d2c 1d2c");
        second.end();
        check(&mut second, "", "");
    }

    #[test]
    fn each_channel_is_heard_again_by_itself_and_so_is_xds() {
        let mut queue = Line21::new(Field::Two);
        check(&mut queue, "1525 1525 4141 1d2b 1d2b 4242", "1525 1525 4141 1d2b 1d2b 4242");
        queue.end();
        check(&mut queue, "", "152e 152e 152c 152c 1d2a 1d2a");
        check(&mut queue, "4343 0243 4444 0f55 0103 4545 0f56", "0103 4545 0f56");
        check(
            &mut queue,
            "152d 152d 4646 1d2a 1d2a 4747 152d 152d 4848 1525 1525 4949",
            "1d2a 1d2a 4747 1525 1525 4949",
        );
    }

    #[test]
    fn the_start_of_a_stream_is_taken_as_it_is_after_a_break_that_ends_nothing() {
        let mut queue = Line21::new(Field::One);
        queue.end();
        check(&mut queue, "4845 142d 142d", "4845 142d 142d");
    }

    #[test]
    fn what_is_too_much_goes_whole_and_the_next_caption_is_whole() {
        let mut queue = Line21::new(Field::One);
        assert!(pairs("1425 1425").all(|pair| queue.take(pair)));
        let letters = || pairs("4141").next().expect("one");
        let taken = (0..10_000).take_while(|_| queue.take(letters())).count();
        assert_eq!(taken, MOST_PAIRS - 2);
        check(&mut queue, "4242 142d 142d 1425 1425 4343", "142e 142e 142c 142c 1425 1425 4343");
    }

    #[test]
    fn no_pairs_are_too_strange() {
        for field in [Field::One, Field::Two] {
            let mut queue = Line21::new(field);
            for number in 0..=u16::MAX {
                let _ = queue.take(number.to_be_bytes());
                if number.is_multiple_of(7) {
                    queue.end();
                }
                assert!(queue.waiting.len() <= MOST_PAIRS + 12);
                queue.next(number.is_multiple_of(3));
            }
        }
    }
}
