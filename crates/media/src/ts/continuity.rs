//! Continuity counters: four bits in every packet that carries payload, one up per packet of its PID.

use mpeg2ts_reader::packet::{Packet, Pid};

/// The counter of one PID through a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// The PID.
    pub pid: u16,
    /// Counter of its first packet with payload.
    pub first: u8,
    /// Counter of its last packet with payload.
    pub last: u8,
    /// Times that the counter did not run on in between.
    pub breaks: u32,
}

/// What one packet's counter says of its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload {
    /// New.
    Fresh,
    /// None, or the same packet once more.
    Skip,
}

/// Follows the counters of all PIDs.
pub(crate) struct Continuity {
    /// PID → place in `counters` plus one; 0 where the PID has not come yet.
    places: Vec<u16>,
    counters: Vec<Counter>,
    repeated: Vec<bool>,
}

impl Continuity {
    pub(crate) fn new() -> Self {
        Self { places: vec![0; Pid::PID_COUNT], counters: Vec::new(), repeated: Vec::new() }
    }

    pub(crate) fn push(&mut self, packet: &Packet<'_>) -> Payload {
        // ISO 13818-1 2.4.3.3: the counter stands still on packets without payload, and is undefined on null packets.
        if !packet.adaptation_control().has_payload() || packet.pid() == Pid::STUFFING {
            return Payload::Skip;
        }
        let (pid, count) = (packet.pid(), packet.continuity_counter().count());
        let place = self.places[usize::from(pid)];
        if place == 0 {
            self.counters.push(Counter { pid: pid.into(), first: count, last: count, breaks: 0 });
            self.repeated.push(false);
            self.places[usize::from(pid)] = self.counters.len() as u16;
            return Payload::Fresh;
        }
        let counter = &mut self.counters[usize::from(place) - 1];
        let repeated = &mut self.repeated[usize::from(place) - 1];
        // A packet may be sent twice, and no more than twice.
        if count == counter.last && !*repeated {
            *repeated = true;
            return Payload::Skip;
        }
        *repeated = false;
        if !runs_on(counter.last, count) {
            counter.breaks += 1;
        }
        counter.last = count;
        Payload::Fresh
    }

    pub(crate) fn has_seen(&self, pid: u16) -> bool {
        self.places.get(usize::from(pid)).is_some_and(|&place| place > 0)
    }

    /// Times that the counter of this PID did not run on so far.
    pub(crate) fn breaks_of(&self, pid: u16) -> u32 {
        let place = self.places.get(usize::from(pid)).copied().unwrap_or(0);
        usize::from(place).checked_sub(1).map_or(0, |index| self.counters[index].breaks)
    }

    pub(crate) fn finish(self) -> Vec<Counter> {
        self.counters
    }
}

/// Whether `next` is the counter after `last`.
pub(crate) fn runs_on(last: u8, next: u8) -> bool {
    next == (last + 1) & 0x0f
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(pid: u16, count: u8, has_payload: bool) -> [u8; Packet::SIZE] {
        let mut bytes = [0xff; Packet::SIZE];
        bytes[0] = Packet::SYNC_BYTE;
        bytes[1] = (pid >> 8) as u8;
        bytes[2] = pid as u8;
        bytes[3] = if has_payload { 0x10 } else { 0x20 } | count;
        bytes[4] = 183;
        bytes
    }

    #[track_caller]
    fn check(counts: &[(u8, bool)], expected: Counter) {
        let mut continuity = Continuity::new();
        for &(count, has_payload) in counts {
            continuity.push(&Packet::new(&packet(256, count, has_payload)));
        }
        assert_eq!(continuity.finish(), [expected]);
    }

    #[test]
    fn a_counter_runs_on_over_its_wrap() {
        check(&[(14, true), (15, true), (0, true)], Counter { pid: 256, first: 14, last: 0, breaks: 0 });
    }

    #[test]
    fn packets_without_payload_do_not_count() {
        check(&[(3, true), (3, false), (4, true)], Counter { pid: 256, first: 3, last: 4, breaks: 0 });
    }

    #[test]
    fn a_packet_may_come_twice_but_not_three_times() {
        check(&[(3, true), (3, true), (4, true)], Counter { pid: 256, first: 3, last: 4, breaks: 0 });
        check(&[(3, true), (3, true), (3, true)], Counter { pid: 256, first: 3, last: 3, breaks: 1 });
    }

    #[test]
    fn a_lost_packet_is_a_break() {
        check(&[(3, true), (5, true)], Counter { pid: 256, first: 3, last: 5, breaks: 1 });
    }
}
