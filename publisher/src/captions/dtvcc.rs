//! The packets of CEA-708, between the pictures that brought them and those that take them along.
//!
//! In: their constructs as they come. Out: the same, a packet at a time. A packet begins only when the whole of it is there, for padding
//! within it would end it (CEA-708 4.4). Its bytes are not changed. After a break each service in use is reset, so that no window of
//! before stays open.

use std::collections::VecDeque;

/// Constructs that may wait: five seconds of what is left for packets beside CEA-608, as in [`super::carried`].
const MOST_CONSTRUCTS: usize = 2_700;

/// CEA-708 5: six bits of the header count pairs, and 0 is 64 of them.
const LONGEST_PACKET: usize = 128;

/// CEA-708 table 27: the command `RST` closes all windows of a service and forgets what it has.
const RESET: u8 = 0x8f;

/// `cc_valid` and `cc_type` of CEA-708 table 5, with the five marker bits.
const PACKET_START: u8 = 0xff;
const PACKET_DATA: u8 = 0xfe;

/// The queue of packets.
#[derive(Debug, Default)]
pub struct Dtvcc {
    waiting: VecDeque<[u8; 3]>,
    /// The packet that is coming in; empty between packets.
    packet: Vec<u8>,
    /// Numbers of services that something has come for since the last break, one bit each.
    services: u64,
    /// Of the last packet.
    sequence: u8,
}

impl Dtvcc {
    /// The start of a packet. `false`: there was no room; all that waited is gone, and the queue is as after a break.
    #[must_use]
    pub fn start(&mut self, bytes: [u8; 2]) -> bool {
        // A packet that is shorter than it says ends here.
        let has_room = self.close();
        self.packet.extend(bytes);
        self.close_if_whole() && has_room
    }

    /// Two more bytes of it. What comes without a start belongs to a packet that is lost.
    #[must_use]
    pub fn data(&mut self, bytes: [u8; 2]) -> bool {
        if self.packet.is_empty() {
            return true;
        }
        self.packet.extend(bytes);
        self.close_if_whole()
    }

    /// The packet is over.
    #[must_use]
    pub fn close(&mut self) -> bool {
        let packet = std::mem::take(&mut self.packet);
        let Some((start, rest)) = packet.split_first_chunk::<2>() else { return true };
        if self.waiting.len() + packet.len() / 2 > MOST_CONSTRUCTS {
            self.waiting.clear();
            self.end();
            return false;
        }
        self.sequence = start[0] >> 6;
        self.services |= services_of(&packet);
        self.waiting.push_back([PACKET_START, start[0], start[1]]);
        self.waiting.extend(rest.as_chunks::<2>().0.iter().map(|data| [PACKET_DATA, data[0], data[1]]));
        true
    }

    /// The next construct of `cc_data()`.
    pub fn pop(&mut self) -> Option<[u8; 3]> {
        self.waiting.pop_front()
    }

    /// How many constructs wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What comes next does not go on with what came before: decoders forget what they have.
    pub fn end(&mut self) {
        self.packet.clear();
        let services = std::mem::take(&mut self.services);
        for number in (1..u64::BITS as u8).filter(|number| services & (1 << number) != 0) {
            self.sequence = (self.sequence + 1) & 0b11;
            // CEA-708 6.2: three bits of number and five of size; numbers above 6 have a byte of their own behind a 7.
            let block: &[u8] =
                if number < 7 { &[number << 5 | 1, RESET] } else { &[7 << 5 | 1, number, RESET] };
            let mut bytes = vec![self.sequence << 6 | (1 + block.len()).div_ceil(2) as u8];
            bytes.extend(block);
            bytes.resize(bytes.len().next_multiple_of(2), 0);
            let pairs = bytes.as_chunks::<2>().0.iter().enumerate();
            self.waiting.extend(
                pairs.map(|(at, pair)| [if at == 0 { PACKET_START } else { PACKET_DATA }, pair[0], pair[1]]),
            );
        }
    }

    fn close_if_whole(&mut self) -> bool {
        let size = match self.packet.first().map(|header| usize::from(header & 0x3f)) {
            None => return true,
            Some(0) => LONGEST_PACKET,
            Some(pairs) => 2 * pairs,
        };
        self.packet.len() < size || self.close()
    }
}

/// The services that a packet has blocks for, one bit each.
fn services_of(packet: &[u8]) -> u64 {
    let mut services = 0;
    let mut rest = packet.get(1..).unwrap_or_default();
    while let [header, behind @ ..] = rest {
        let size = usize::from(header & 0x1f);
        let (number, block) = match (header >> 5, behind) {
            // No number, or no bytes: what is left fills the packet up.
            (0, _) => break,
            (7, [extended, block @ ..]) if size > 0 => (extended & 0x3f, block),
            (number, block) => (number, block),
        };
        if size > 0 {
            services |= 1 << number;
        }
        rest = block.get(size..).unwrap_or_default();
    }
    services
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(queue: &mut Dtvcc, packet: &[u8]) -> bool {
        let mut pairs = packet.as_chunks::<2>().0.iter();
        let start = pairs.next().expect("a packet");
        queue.start(*start) && pairs.all(|pair| queue.data(*pair))
    }

    fn all(queue: &mut Dtvcc) -> Vec<[u8; 3]> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    /// Service 1 says A.
    const SAYS_A: [u8; 4] = [0x42, 0x21, 0x41, 0];

    #[test]
    fn a_packet_goes_on_when_the_whole_of_it_is_there() {
        let mut queue = Dtvcc::default();
        assert!(queue.data([9, 9]), "it has no start");
        assert!(queue.start([0x42, 0x21]));
        assert_eq!(queue.pop(), None);
        assert!(queue.data([0x41, 0]));
        assert_eq!(all(&mut queue), [[0xff, 0x42, 0x21], [0xfe, 0x41, 0]]);
        assert!(queue.data([9, 9]), "it belongs to none");
        assert_eq!(queue.waiting(), 0);
    }

    #[test]
    fn one_that_is_shorter_than_it_says_goes_on_as_it_is() {
        let mut queue = Dtvcc::default();
        assert!(queue.start([0x04, 0x21]) && queue.data([0x41, 0]) && queue.close());
        assert!(put(&mut queue, &SAYS_A));
        assert_eq!(all(&mut queue), [[0xff, 4, 0x21], [0xfe, 0x41, 0], [0xff, 0x42, 0x21], [0xfe, 0x41, 0]]);
    }

    #[test]
    fn after_a_break_the_services_in_use_are_reset() {
        let mut queue = Dtvcc::default();
        // Services 1, 2 and 9; then a packet that is cut.
        assert!(put(&mut queue, &[0xc5, 0x21, 0x41, 0x41, 0x42, 0xe1, 9, 0x43, 0, 0]));
        assert!(queue.start([0x08, 0x61]));
        assert_eq!(all(&mut queue).len(), 5);
        queue.end();
        let expected: &[[u8; 3]] = &[
            [0xff, 0x02, 0x21],
            [0xfe, 0x8f, 0],
            [0xff, 0x42, 0x41],
            [0xfe, 0x8f, 0],
            [0xff, 0x82, 0xe1],
            [0xfe, 9, 0x8f],
        ];
        assert_eq!(all(&mut queue), expected);
        queue.end();
        assert!(queue.data([0x41, 0]) && queue.waiting() == 0, "the rest of the cut one is not a packet");
    }

    #[test]
    fn what_is_too_much_goes_whole() {
        let mut queue = Dtvcc::default();
        let taken = (0..10_000).take_while(|_| put(&mut queue, &SAYS_A)).count();
        assert_eq!(taken, MOST_CONSTRUCTS / 2);
        assert_eq!(all(&mut queue), [[0xff, 0x82, 0x21], [0xfe, 0x8f, 0]]);
    }

    #[test]
    fn no_packets_are_too_strange() {
        let mut queue = Dtvcc::default();
        for number in 0..=u16::MAX {
            let bytes = number.to_be_bytes();
            let _ = if number.is_multiple_of(5) { queue.start(bytes) } else { queue.data(bytes) };
            let _ = number.is_multiple_of(11) && queue.close();
            if number.is_multiple_of(1_003) {
                queue.end();
            }
            services_of(&[bytes[0], bytes[1], bytes[0], bytes[1]]);
            assert!(queue.waiting.len() <= MOST_CONSTRUCTS + 128 && queue.packet.len() <= LONGEST_PACKET);
        }
    }
}
