//! What pictures carry of captions on their way from the source to the encoders.
//!
//! In: the `cc_data()` of a picture. Out: its constructs in order, to be joined with those of other pictures: captions of a picture
//! that is dropped go on with the next one. Bounded; what is too much goes whole, and is named.

/// What a picture may carry, with all that was joined to it: five seconds of everything that a caption channel holds (600 constructs
/// a second, CEA-708 4.4). Text that is later than that belongs to other pictures.
pub const MOST_CONSTRUCTS: usize = 3_000;

/// The two fields of line 21 of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// CC1, CC2 and the first text services.
    One,
    /// CC3, CC4, the other text services, and XDS.
    Two,
}

/// One of the constructs of three bytes that `cc_data()` consists of (CEA-708 table 5), or a break between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Construct {
    /// Two bytes of CEA-608, with their parity bits.
    Pair(Field, [u8; 2]),
    /// The first two bytes of a packet of CEA-708.
    PacketStart([u8; 2]),
    /// Two more of its bytes.
    PacketData([u8; 2]),
    /// The packet is over.
    PacketEnd,
    /// What follows does not go on with what came before.
    Break(Break),
}

/// Why captions do not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// Another film, or a source that was away.
    Another,
    /// There was more than can be sent in time, and it was dropped.
    Overflow,
}

/// Captions of one picture, or of several in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captions(Vec<Construct>);

impl Captions {
    /// From the constructs of `cc_data()`, three bytes each.
    #[must_use]
    pub fn read(cc_data: &[u8]) -> Self {
        let mut captions = Self::default();
        captions.extend(cc_data.as_chunks::<3>().0.iter().copied().filter_map(construct));
        captions
    }

    /// These, as the first of another film or after a time without the source.
    #[must_use]
    pub fn after_a_break(mut self) -> Self {
        self.0.insert(0, Construct::Break(Break::Another));
        self
    }

    /// Those of the next picture follow.
    pub fn append(&mut self, next: Self) {
        if self.0.is_empty() {
            self.0 = next.0;
        } else {
            self.extend(next.0);
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = Construct> {
        self.0.iter().copied()
    }

    fn extend(&mut self, constructs: impl IntoIterator<Item = Construct>) {
        for construct in constructs {
            if self.0.len() >= MOST_CONSTRUCTS {
                self.0.clear();
                self.0.push(Construct::Break(Break::Overflow));
            }
            self.0.push(construct);
        }
    }
}

/// CEA-708 table 5: five marker bits, `cc_valid` and `cc_type`.
fn construct([head, first, second]: [u8; 3]) -> Option<Construct> {
    let (is_valid, bytes) = (head & 0b100 != 0, [first, second]);
    match (head & 0b11, is_valid) {
        (0b00, true) => Some(Construct::Pair(Field::One, bytes)),
        (0b01, true) => Some(Construct::Pair(Field::Two, bytes)),
        (0b11, true) => Some(Construct::PacketStart(bytes)),
        (0b10, true) => Some(Construct::PacketData(bytes)),
        (0b10 | 0b11, false) => Some(Construct::PacketEnd),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: Construct = Construct::Pair(Field::One, [0xc8, 0x45]);

    #[test]
    fn constructs_are_told_apart_and_what_is_invalid_or_cut_is_left_out() {
        let read = Captions::read(&[
            0xfc, 1, 2, 0xfd, 3, 4, 0xf8, 5, 6, 0xff, 7, 8, 0xfe, 9, 10, 0xfa, 0, 0, 0xfb, 0, 0, 0xfc, 1,
        ]);
        assert_eq!(
            read.iter().collect::<Vec<_>>(),
            [
                Construct::Pair(Field::One, [1, 2]),
                Construct::Pair(Field::Two, [3, 4]),
                Construct::PacketStart([7, 8]),
                Construct::PacketData([9, 10]),
                Construct::PacketEnd,
                Construct::PacketEnd,
            ]
        );
    }

    #[test]
    fn captions_that_are_joined_stay_in_order() {
        let mut first = Captions::read(&[0xfc, 1, 2]);
        first.append(Captions::read(&[0xfc, 3, 4]).after_a_break());
        let pair = |bytes| Construct::Pair(Field::One, bytes);
        let expected = [pair([1, 2]), Construct::Break(Break::Another), pair([3, 4])];
        assert_eq!(first.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_too_much_goes_whole_and_is_named() {
        let mut all = Captions::default();
        for _ in 0..MOST_CONSTRUCTS {
            all.append(Captions(vec![PAIR]));
        }
        assert_eq!(all.0.len(), MOST_CONSTRUCTS);
        all.append(Captions(vec![PAIR]));
        assert_eq!(all.0, [Construct::Break(Break::Overflow), PAIR]);
    }
}
