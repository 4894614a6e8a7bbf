//! Packet states: what the packets of a stream say of their own state as they are read: in the clear, scrambled, or behind a loss. Pure.
//!
//! In: the bytes of a Transport Stream, cut anywhere. Out: counts for each PID. What is no packet is passed over.

use super::continuity::runs_on;
use std::collections::{BTreeMap, VecDeque};

const PACKET_BYTES: usize = 188;
const SYNC_BYTE: u8 = 0x47;
/// ISO 13818-1 table 2-3: null packets, whose counter is undefined.
const NULL_PID: u16 = 0x1fff;

/// What the packets of one PID have said so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PidState {
    /// Packets whose payload can be read.
    pub clear: u64,
    /// Packets whose payload is scrambled.
    pub scrambled: u64,
    /// Scrambled packets behind the last one in the clear.
    pub scrambled_since_clear: u64,
    last_counter: Option<u8>,
}

/// So many places are remembered of all PIDs together, 512 KiB; of more, the first are.
const MOST_PLACES: usize = 65_536;

/// Follows the packets of all PIDs.
#[derive(Debug, Default)]
pub struct PacketStates {
    pids: BTreeMap<u16, PidState>,
    /// By PID, the bytes from the start to each place where packets are missing, damaged or begin to be scrambled.
    losses: BTreeMap<u16, VecDeque<u64>>,
    /// How many of these there are.
    places: usize,
    /// From the start to what comes next.
    at: u64,
    /// The beginning of a packet whose end has not come.
    rest: Vec<u8>,
}

impl PacketStates {
    /// The next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if !self.rest.is_empty() {
            let (begins, after) = bytes.split_at((PACKET_BYTES - self.rest.len()).min(bytes.len()));
            self.rest.extend_from_slice(begins);
            self.at += begins.len() as u64;
            if self.rest.len() < PACKET_BYTES {
                return;
            }
            let packet = std::mem::take(&mut self.rest);
            self.packet(&packet);
            bytes = after;
        }
        while let Some(at) = bytes.iter().position(|&byte| byte == SYNC_BYTE) {
            self.at += at as u64;
            bytes = &bytes[at..];
            let Some((packet, after)) = bytes.split_at_checked(PACKET_BYTES) else {
                self.at += bytes.len() as u64;
                self.rest = bytes.to_vec();
                return;
            };
            // A byte of this value within damage is no packet.
            let is_packet = after.first().is_none_or(|&byte| byte == SYNC_BYTE);
            let step = if is_packet { PACKET_BYTES } else { 1 };
            self.at += step as u64;
            if is_packet {
                self.packet(packet);
            }
            bytes = &bytes[step..];
        }
        self.at += bytes.len() as u64;
    }

    /// What the packets of this PID have said so far.
    #[must_use]
    pub fn of(&self, pid: u16) -> PidState {
        self.pids.get(&pid).copied().unwrap_or_default()
    }

    /// How many places there are before this byte where something of this PID is lost; each is given once.
    pub fn take_losses(&mut self, pid: u16, before: u64) -> u64 {
        let Some(losses) = self.losses.get_mut(&pid) else { return 0 };
        let taken = losses.partition_point(|&at| at < before);
        losses.drain(..taken);
        self.places -= taken;
        taken as u64
    }

    /// The one that ends at `self.at`. ISO 13818-1 2.4.3.2.
    fn packet(&mut self, packet: &[u8]) {
        let &[SYNC_BYTE, high, low, control, ref rest @ ..] = packet else { return };
        let pid = u16::from(high & 0x1f) << 8 | u16::from(low);
        let (has_field, has_payload) = (control & 0x20 != 0, control & 0x10 != 0);
        if !has_payload || pid == NULL_PID {
            return;
        }
        let may_break = has_field && matches!(rest, [1..=183, flags, ..] if flags & 0x80 != 0);
        let state = self.pids.entry(pid).or_default();
        let counter = control & 0x0f;
        let is_lost = state.last_counter.is_some_and(|last| last != counter && !runs_on(last, counter));
        let is_scrambled = control & 0xc0 != 0;
        let begins_scrambled = is_scrambled && state.scrambled_since_clear == 0;
        let losses = self.losses.entry(pid).or_default();
        let is_place = (is_lost && !may_break) || high & 0x80 != 0 || begins_scrambled;
        if is_place && self.places < MOST_PLACES {
            self.places += 1;
            losses.push_back(self.at.saturating_sub(PACKET_BYTES as u64));
        }
        state.last_counter = Some(counter);
        // Table 2-4.
        if is_scrambled {
            state.scrambled += 1;
            state.scrambled_since_clear += 1;
        } else {
            state.clear += 1;
            state.scrambled_since_clear = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(pid: u16, control: u8) -> Vec<u8> {
        let mut packet = vec![SYNC_BYTE, (pid >> 8) as u8, pid as u8, control];
        packet.resize(PACKET_BYTES, 0xaa);
        packet
    }

    /// In the clear, scrambled, scrambled since, and the losses.
    #[track_caller]
    fn check(bytes: &[u8], pid: u16, expected: [u64; 4]) {
        for piece in [1, 7, PACKET_BYTES, bytes.len().max(1)] {
            let mut states = PacketStates::default();
            bytes.chunks(piece).for_each(|piece| states.push(piece));
            let PidState { clear, scrambled, scrambled_since_clear, .. } = states.of(pid);
            let losses = states.take_losses(pid, u64::MAX);
            assert_eq!([clear, scrambled, scrambled_since_clear, losses], expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn scrambled_packets_are_counted_and_one_in_the_clear_ends_their_run() {
        let controls = [0x10, 0x91, 0xd2, 0x13, 0x94, 0xb5];
        let bytes = controls.map(|control| packet(256, control)).concat();
        check(&bytes, 256, [2, 4, 2, 2]);
        check(&bytes, 257, [0; 4]);
    }

    #[test]
    fn a_counter_that_does_not_run_on_is_a_loss_unless_it_says_that_it_may() {
        check(&[packet(256, 0x1f), packet(256, 0x10), packet(256, 0x10)].concat(), 256, [3, 0, 0, 0]);
        check(&[packet(256, 0x10), packet(256, 0x12)].concat(), 256, [2, 0, 0, 1]);
        let mut jump = packet(256, 0x39);
        (jump[4], jump[5]) = (1, 0x80);
        check(&[packet(256, 0x10), jump].concat(), 256, [2, 0, 0, 0]);
        let mut wrong = packet(256, 0x11);
        wrong[1] |= 0x80;
        check(&[packet(256, 0x10), wrong].concat(), 256, [2, 0, 0, 1]);
    }

    #[test]
    fn losses_are_known_by_their_places_and_given_once() {
        let controls = [0x10, 0x11, 0x13, 0x14, 0x95, 0x96, 0x17];
        let bytes = controls.map(|control| packet(256, control)).concat();
        for piece in [1, 100, bytes.len()] {
            let mut states = PacketStates::default();
            bytes.chunks(piece).for_each(|piece| states.push(piece));
            let takes = [2, 3, 4, 5, 7].map(|packets| states.take_losses(256, packets * 188));
            assert_eq!(takes, [0, 1, 0, 1, 0], "in pieces of {piece}");
        }
    }

    #[test]
    fn hostile_bytes_take_no_more_than_their_share_of_memory() {
        let mut states = PacketStates::default();
        for number in 0..3 * MOST_PLACES {
            states.push(&packet((number % 8_000) as u16, if number % 16_000 < 8_000 { 0x10 } else { 0x15 }));
        }
        assert_eq!(states.losses.values().map(VecDeque::len).sum::<usize>(), MOST_PLACES);
        let taken: u64 = (0..8_000).map(|pid| states.take_losses(pid, u64::MAX)).sum();
        assert_eq!((taken, states.places), (MOST_PLACES as u64, 0));
    }

    #[test]
    fn what_is_no_packet_is_passed_over() {
        let damage = [0x11, SYNC_BYTE, 0x12, 0x13];
        let [before, cut, behind, last] = [0x10, 0x11, 0x13, 0x14].map(|control| packet(256, control));
        let bytes = [&before[..], &cut, &damage, &behind, &last].concat();
        let mut states = PacketStates::default();
        states.push(&bytes);
        assert_eq!((states.of(256).clear, states.take_losses(256, u64::MAX)), (3, 1), "{states:?}");
        check(&[], 256, [0; 4]);
    }
}
