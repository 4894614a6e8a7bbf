//! Spacing: what pictures of one rate brought is given to grid times of another.
//!
//! In: the captions that have come by a grid time. Out: the `cc_data()` of that grid time. Each rendition has one, on its thread; as all
//! are given the same, all give the same. Nothing is written before a source has captions, and nothing after they have ended.
//!
//! A caption channel holds 9600 bit/s: 600 constructs a second (CEA-708 4.4). Those of CEA-608 come first, a pair for each of the 59.94
//! fields a second of its line 21, field 1 and field 2 in turn. Where a pair has its time and none waits, there is padding.

use super::carried::{Break, Captions, Construct, Field};
use super::dtvcc::Dtvcc;
use super::line21::{Line21, PADDING};

/// Constructs a second.
const CONSTRUCTS_PER_S: u64 = 600;

/// Five bits count the constructs of a picture.
const MOST_IN_A_PICTURE: u64 = 31;

/// Pairs of a field: 30000 in 1001 seconds.
const PAIRS: u64 = 30_000;
const SECONDS_OF_PAIRS: u64 = 1_001;

/// How much of a second a control code waits for what follows it: two pictures of the slowest film that has captions.
const HOLD_PART: u64 = 10;

/// `cc_valid` and `cc_type` of CEA-708 table 5, with the five marker bits.
const FIELD_1: u8 = 0xfc;
const FIELD_2: u8 = 0xfd;

/// Ends a packet, and is padding.
const PACKET_END: [u8; 3] = [0xfa, 0, 0];

/// The captions of one rendition.
#[derive(Debug)]
pub struct Spacing {
    fps: u64,
    fields: [Line21; 2],
    packets: Dtvcc,
    /// Since when the first pair of each field waits for what follows it, as a grid time.
    held_since: [Option<u64>; 2],
    /// Fields that have had a pair since the last break.
    is_field_in_use: [bool; 2],
    /// A packet was written, and nothing behind it.
    is_packet_open: bool,
}

impl Spacing {
    /// For a grid of `fps`.
    #[must_use]
    pub fn new(fps: u32) -> Self {
        Self {
            fps: u64::from(fps.max(1)),
            fields: [Line21::new(Field::One), Line21::new(Field::Two)],
            packets: Dtvcc::default(),
            held_since: [None; 2],
            is_field_in_use: [false; 2],
            is_packet_open: false,
        }
    }

    /// Takes what came with a picture. `false`: some was dropped whole, for there was more than can be sent in time.
    #[must_use]
    pub fn take(&mut self, captions: &Captions) -> bool {
        let mut has_room = true;
        for construct in captions.iter() {
            has_room &= match construct {
                Construct::Pair(field, pair) => {
                    let queue = &mut self.fields[index(field)];
                    let before = queue.waiting();
                    let has_room = queue.take(pair);
                    self.is_field_in_use[index(field)] |= queue.waiting() > before;
                    has_room
                }
                Construct::PacketStart(bytes) => self.packets.start(bytes),
                Construct::PacketData(bytes) => self.packets.data(bytes),
                Construct::PacketEnd => self.packets.close(),
                Construct::Break(why) => {
                    self.end();
                    why == Break::Another
                }
            };
        }
        has_room
    }

    /// The source is away, or another one begins: nothing of what was said stays on the screen.
    pub fn end(&mut self) {
        self.fields.iter_mut().for_each(Line21::end);
        self.packets.end();
        self.is_field_in_use = [false; 2];
    }

    /// The `cc_data()` constructs of grid time `n`; `None` where there is nothing to say.
    pub fn next(&mut self, n: u64) -> Option<Vec<[u8; 3]>> {
        let room = due(n, CONSTRUCTS_PER_S, self.fps).min(MOST_IN_A_PICTURE) as usize;
        let mut cc_data = Vec::new();
        let turns = [self.pairs_due(n, Field::One), self.pairs_due(n, Field::Two)];
        for turn in 0..turns[0].max(turns[1]) {
            for field in [Field::One, Field::Two] {
                if turn < turns[index(field)] && cc_data.len() < room {
                    cc_data.extend(self.pair(n, field));
                }
            }
        }
        while cc_data.len() < room {
            match self.packets.pop() {
                Some(construct) => {
                    self.is_packet_open = true;
                    cc_data.push(construct);
                }
                None if self.is_packet_open => {
                    self.is_packet_open = false;
                    cc_data.push(PACKET_END);
                }
                None => break,
            }
        }
        (!cc_data.is_empty()).then_some(cc_data)
    }

    /// The next pair of a field, or padding. A source that uses field 2 alone gets padding in field 1, too.
    fn pair(&mut self, n: u64, field: Field) -> Option<[u8; 3]> {
        let at = index(field);
        let is_late = self.fields[at].is_held() && {
            let since = *self.held_since[at].get_or_insert(n);
            n.saturating_sub(since) > self.fps / HOLD_PART
        };
        if !self.fields[at].is_held() {
            self.held_since[at] = None;
        }
        let [first, second] = match self.fields[at].next(is_late) {
            Some(pair) => pair,
            None if self.is_field_in_use[at] || (self.is_field_in_use[1] && field == Field::One) => PADDING,
            None => return None,
        };
        Some([if field == Field::One { FIELD_1 } else { FIELD_2 }, first, second])
    }

    /// How many pairs of a field have their time at grid time `n`.
    fn pairs_due(&self, n: u64, field: Field) -> u64 {
        let steps = SECONDS_OF_PAIRS * self.fps;
        // The second field of a picture is shown half a picture after the first.
        let offset = if field == Field::One { 0 } else { steps / 2 };
        let until = |n: u64| (u128::from(n) * u128::from(PAIRS) + u128::from(offset)) / u128::from(steps);
        (until(n + 1) - until(n)) as u64
    }
}

/// How many of `per_s` things a second have their time at grid time `n`.
fn due(n: u64, per_s: u64, fps: u64) -> u64 {
    let until = |n: u64| u128::from(n) * u128::from(per_s) / u128::from(fps);
    (until(n + 1) - until(n)) as u64
}

fn index(field: Field) -> usize {
    match field {
        Field::One => 0,
        Field::Two => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source and grid rates, in pictures in so many seconds.
    const RATES: [(u64, u64); 6] = [(20, 1), (25, 1), (30_000, 1_001), (30, 1), (50, 1), (60, 1)];

    const GRIDS: [u32; 5] = [20, 25, 30, 50, 60];

    /// What a source of `pictures` in `seconds` brings with its picture `n`: pairs of field 1 that count, doubled control codes among
    /// them, pairs of field 2 that count otherwise, and packets of three constructs. Each fifth pair is padding.
    struct Source {
        pictures: u64,
        seconds: u64,
        pairs: [Vec<[u8; 2]>; 2],
        packets: Vec<[u8; 3]>,
    }

    impl Source {
        fn picture(&mut self, n: u64) -> Vec<u8> {
            let mut cc_data = Vec::new();
            let until = |n: u64| n * PAIRS * self.seconds / (SECONDS_OF_PAIRS * self.pictures);
            for at in until(n)..until(n + 1) {
                let said = [0x20 | (at >> 5) as u8 & 0x1f | 0x40, 0x20 | at as u8 & 0x1f];
                for field in 0..2 {
                    let pair = match at % 5 {
                        4 => PADDING,
                        // Resume caption loading, doubled.
                        1 | 2 if at % 10 < 3 => [0x14 | field as u8, 0x20],
                        _ => said,
                    };
                    cc_data.extend([FIELD_1 | field as u8, pair[0], pair[1]]);
                    self.pairs[field].extend((pair != PADDING).then_some(pair));
                }
            }
            let packet = [[0xff, (n as u8 & 3) << 6 | 3, 0x24], [0xfe, 0x41, n as u8], [0xfe, 0x42, 0x43]];
            cc_data.extend(packet.as_flattened());
            self.packets.extend(packet);
            cc_data
        }
    }

    /// Seconds of a source on a grid; gives what is written at each grid time.
    fn space(source: &mut Source, grid: u32, seconds: u64) -> Vec<Vec<[u8; 3]>> {
        let mut spacing = Spacing::new(grid);
        let mut next = 0;
        let grid_times = 0..seconds * u64::from(grid);
        let written = grid_times.map(|n| {
            // The pictures that have been shown by then.
            while next * source.seconds * u64::from(grid) <= n * source.pictures {
                assert!(spacing.take(&Captions::read(&source.picture(next))), "there is room");
                next += 1;
            }
            spacing.next(n).unwrap_or_default()
        });
        written.collect()
    }

    #[test]
    fn what_is_said_is_the_same_at_all_rates_and_no_limit_is_passed() {
        for (pictures, seconds) in RATES {
            for grid in GRIDS {
                let mut source = Source { pictures, seconds, pairs: [vec![], vec![]], packets: vec![] };
                let written = space(&mut source, grid, 20);
                let case = format!("{pictures}/{seconds} to {grid}");
                let all = written.concat();
                for (field, said) in source.pairs.iter().enumerate() {
                    let head = FIELD_1 | field as u8;
                    let pairs: Vec<[u8; 2]> =
                        all.iter().filter(|it| it[0] == head).map(|it| [it[1], it[2]]).collect();
                    let got: Vec<_> = pairs.iter().filter(|pair| **pair != PADDING).collect();
                    assert!(said.len() - got.len() <= 3, "{case}: {} of {} pairs", got.len(), said.len());
                    assert!(got.iter().zip(said).all(|(got, said)| *got == said), "{case}");
                    // No padding between the two of a doubled code.
                    for triple in pairs.windows(3).filter(|it| it[0][1] == 0x20 && it[0] == it[2]) {
                        assert_ne!(triple[1], PADDING, "{case}");
                    }
                }
                let packets: Vec<_> = all.iter().filter(|it| matches!(it[0], 0xff | 0xfe)).collect();
                assert!(packets.iter().zip(&source.packets).all(|(got, said)| *got == said), "{case}");
                assert!(source.packets.len() - packets.len() <= 9, "{case}: {} packets", packets.len());
                check_limits(&written, grid, &case);
            }
        }
    }

    #[track_caller]
    fn check_limits(written: &[Vec<[u8; 3]>], grid: u32, case: &str) {
        assert!(written.iter().all(|it| it.len() <= 31), "{case}");
        for second in written.windows(grid as usize) {
            let all = second.concat();
            assert!(all.len() <= 600 + 1, "{case}: {} constructs in a second", all.len());
            for head in [FIELD_1, FIELD_2] {
                let pairs = all.iter().filter(|it| it[0] == head).count();
                assert!(pairs <= 30, "{case}: {pairs} pairs in a second");
            }
        }
        let all = written.concat().iter().filter(|it| it[0] == FIELD_1).count() as u64;
        assert!(all * 1_001 <= written.len() as u64 * 30_000 / u64::from(grid) + 1_001, "{case}: {all}");
    }

    #[test]
    fn a_source_without_captions_and_one_with_padding_alone_get_nothing() {
        let mut spacing = Spacing::new(25);
        let padding = Captions::read(&[0xfc, 0x80, 0x80, 0xfd, 0x80, 0x80, 0xfa, 0, 0, 0xfa, 0, 0]);
        for n in 0..100 {
            assert!(spacing.take(&padding));
            assert_eq!(spacing.next(n), None);
        }
    }

    #[test]
    fn after_the_end_decoders_erase_what_they_have_and_then_nothing_comes() {
        let mut spacing = Spacing::new(30);
        assert!(spacing.take(&Captions::read(&[0xfc, 0x94, 0x25, 0xfc, 0x94, 0x25, 0xfc, 0xc8, 0x45])));
        assert!(spacing.take(&Captions::read(&[0xff, 0x42, 0x21, 0xfe, 0x41, 0, 0xfd, 0x15, 0x25])));
        let before: Vec<_> = (0..20).filter_map(|n| spacing.next(n)).flatten().collect();
        assert!(before.contains(&[0xfc, 0xc8, 0x45]) && before.contains(&[0xfe, 0x41, 0]), "{before:02x?}");
        assert!(spacing.next(20).is_some(), "padding goes on");
        for n in 21..100 {
            spacing.end();
            let expected = n < 30;
            assert!(spacing.next(n).is_none() || expected, "at {n}");
        }
    }

    #[test]
    fn a_control_code_that_stands_alone_goes_on_after_a_tenth_of_a_second() {
        for fps in [1, 5, 20, 60, 120] {
            let mut spacing = Spacing::new(fps);
            assert!(spacing.take(&Captions::read(&[0xfc, 0x94, 0x2c])));
            let written =
                (0..1_000).find(|n| spacing.next(*n).is_some_and(|it| it.contains(&[0xfc, 0x94, 0x2c])));
            // Pairs have their time each thirtieth of a second.
            assert!(written.expect("it is written") <= u64::from(fps) / 6 + 2, "{fps}: {written:?}");
        }
    }

    #[test]
    fn what_is_too_much_is_dropped_whole_and_told() {
        let mut spacing = Spacing::new(25);
        let mut pairs = vec![0xfc, 0x94, 0x25, 0xfc, 0x94, 0x25];
        for _ in 0..200 {
            pairs.extend([0xfc, 0xc1, 0xc1]);
        }
        assert!(!spacing.take(&Captions::read(&pairs)));
        let written: Vec<_> = (0..100).filter_map(|n| spacing.next(n)).flatten().collect();
        assert!(written.contains(&[0xfc, 0x94, 0x2c]), "the screen is erased");
        assert!(!written.contains(&[0xfc, 0xc1, 0xc1]), "half a caption is none");
    }
}
