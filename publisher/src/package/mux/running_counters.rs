//! Running counters: the continuity counters of a run go on where those of the run before ended.
//!
//! In: the last counter of each PID of the run before, and the bytes of this run in order, whole packets all. Out: the same
//! bytes with other counters. libav's muxer begins at a number of its own and cannot be told another one. Pure; the segment
//! thread owns one for each rendition.

use livedir_media::Counter;

/// Bytes of a transport packet.
const TS_PACKET: usize = 188;

/// The counters of one rendition.
#[derive(Debug)]
pub struct RunningCounters {
    before: Vec<Counter>,
    /// What is added to the counters of each PID that has come in this run.
    shifts: Vec<(u16, u8)>,
}

impl RunningCounters {
    /// Goes on after these; a PID that is not among them begins as the muxer has it.
    #[must_use]
    pub fn after(before: Vec<Counter>) -> Self {
        Self { before, shifts: Vec::new() }
    }

    /// Puts the counters of the next bytes right.
    pub fn run_on(&mut self, bytes: &mut [u8]) {
        if self.before.is_empty() {
            return;
        }
        for packet in bytes.chunks_exact_mut(TS_PACKET) {
            let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
            // ISO 13818-1 2.4.3.3: the counter stands still on packets without payload.
            let step = u8::from(packet[3] & 0x10 != 0);
            let shifted = packet[3].wrapping_add(self.shift(pid, packet[3], step));
            packet[3] = (packet[3] & 0xf0) | (shifted & 0x0f);
        }
    }

    /// The same for all packets of a PID: what the muxer counts, and what it leaves out, stays as it is.
    fn shift(&mut self, pid: u16, first: u8, step: u8) -> u8 {
        if let Some((_, shift)) = self.shifts.iter().find(|(known, _)| *known == pid) {
            return *shift;
        }
        let before = self.before.iter().find(|before| before.pid == pid);
        let shift = before.map_or(0, |before| before.last.wrapping_add(step).wrapping_sub(first));
        self.shifts.push((pid, shift));
        shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets as (PID, counter, has payload) behind a run that ended with counter 14 on PID 256 and 3 on PID 0.
    #[track_caller]
    fn check(muxed: &[(u16, u8, bool)], expected: &[u8]) {
        let ended_at = |pid, last| Counter { pid, first: 0, last, breaks: 0 };
        let mut counters = RunningCounters::after(vec![ended_at(256, 14), ended_at(0, 3)]);
        let mut found = Vec::new();
        for &(pid, count, has_payload) in muxed {
            let mut packet = [0xff; TS_PACKET];
            let [high, low] = pid.to_be_bytes();
            packet[..4].copy_from_slice(&[0x47, 0x40 | high, low, 0x20 | count]);
            packet[3] |= u8::from(has_payload) << 4;
            let before = packet;
            counters.run_on(&mut packet);
            found.push(packet[3] & 0x0f);
            assert_eq!(
                (packet[3] & 0xf0, &packet[..3], &packet[4..]),
                (before[3] & 0xf0, &before[..3], &before[4..])
            );
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn counters_go_on_over_their_wrap() {
        check(&[(256, 0, true), (256, 1, true), (256, 2, true)], &[15, 0, 1]);
        check(&[(256, 5, true), (256, 6, true)], &[15, 0]);
    }

    #[test]
    fn each_pid_goes_on_by_itself_and_a_new_one_as_it_comes() {
        check(&[(0, 1, true), (256, 0, true), (257, 0, true), (0, 2, true)], &[4, 15, 0, 5]);
    }

    #[test]
    fn a_packet_without_payload_has_the_counter_before() {
        check(&[(256, 15, false), (256, 0, true), (256, 0, false)], &[14, 15, 15]);
    }

    #[test]
    fn what_the_muxer_leaves_out_stays_left_out() {
        check(&[(256, 0, true), (256, 4, true)], &[15, 3]);
    }

    #[test]
    fn bytes_that_are_no_whole_packet_are_left_alone() {
        let mut counters =
            RunningCounters::after(vec![Counter { pid: 0x0102, first: 0, last: 3, breaks: 0 }]);
        let mut bytes = [1, 2, 3];
        counters.run_on(&mut bytes);
        assert_eq!(bytes, [1, 2, 3]);
    }
}
