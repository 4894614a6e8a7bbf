//! Packet queue: what has been read ahead, one line per lane, so that the order in the file decides nothing.
//!
//! In: packets in the file's order. Out: packets in the order of each lane. Pure and bounded in time and bytes.

use crate::source::input::pace::timeline::{Beside, Lane};
use std::collections::VecDeque;

/// Enough to ride out a slow disk, little enough that a live source keeps its delay.
const ENOUGH_US: i64 = 2_000_000;
/// How far one lane may run ahead while the other is empty: files are interleaved no worse than this.
const WORST_SKEW_US: i64 = 10_000_000;
const MOST_BYTES: usize = 32 << 20;
/// Worth waking somebody for who wants many packets at once; little enough to be in the processor's cache still.
const PLENTY_BYTES: usize = 256 << 10;
/// Bounds the list itself where packets have neither size nor time.
const MOST_ITEMS: usize = 20_000;
/// A longer step between two packets is a jump of the timestamps and tells nothing about what is held.
const LONGEST_STEP_US: i64 = 1_000_000;

/// Packets follow each other without a hole if they are so far apart.
const RUN_STEPS_US: std::ops::RangeInclusive<i64> = -1_000_000..=3_000_000;

/// The size of a packet, in time and in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extent {
    pub(crate) bytes: usize,
    pub(crate) dts_us: Option<i64>,
    pub(crate) duration_us: i64,
}

/// Packets that were read ahead, one queue for each lane.
#[derive(Debug)]
pub(crate) struct PacketQueue<T> {
    lanes: [PacketLane<T>; 2],
    bytes: usize,
}

#[derive(Debug)]
struct PacketLane<T> {
    items: VecDeque<Held<T>>,
    span_us: i64,
    last_dts_us: Option<i64>,
    /// Where its packets began to follow each other without a hole.
    since_us: Option<i64>,
    in_use: bool,
}

#[derive(Debug)]
struct Held<T> {
    item: T,
    step_us: i64,
    bytes: usize,
}

impl<T> PacketQueue<T> {
    pub(crate) fn new() -> Self {
        let lane = || PacketLane {
            items: VecDeque::new(),
            span_us: 0,
            last_dts_us: None,
            since_us: None,
            in_use: true,
        };
        PacketQueue { lanes: [lane(), lane()], bytes: 0 }
    }

    /// Says whether packets are to be expected in a lane; an unused one is not waited for.
    pub(crate) fn set_in_use(&mut self, lane: Lane, in_use: bool) {
        self.lanes[lane as usize].in_use = in_use;
    }

    pub(crate) fn push(&mut self, lane: Lane, item: T, extent: Extent) {
        let lane = &mut self.lanes[lane as usize];
        let since_last =
            extent.dts_us.zip(lane.last_dts_us).map(|(dts_us, last)| dts_us.saturating_sub(last));
        if !since_last.is_some_and(|since_last| RUN_STEPS_US.contains(&since_last)) {
            lane.since_us = extent.dts_us;
        }
        let step_us = since_last.unwrap_or(extent.duration_us).clamp(0, LONGEST_STEP_US);
        lane.last_dts_us = extent.dts_us;
        lane.span_us += step_us;
        self.bytes += extent.bytes;
        lane.items.push_back(Held { item, step_us, bytes: extent.bytes });
    }

    pub(crate) fn pop(&mut self, lane: Lane) -> Option<T> {
        let lane = &mut self.lanes[lane as usize];
        let held = lane.items.pop_front()?;
        lane.span_us -= held.step_us;
        self.bytes -= held.bytes;
        Some(held.item)
    }

    /// How far the other lane was read without a hole.
    pub(crate) fn beside(&self, lane: Lane) -> Beside {
        let other = match lane {
            Lane::Picture => &self.lanes[Lane::Sound as usize],
            Lane::Sound => &self.lanes[Lane::Picture as usize],
        };
        let run = other.since_us.zip(other.last_dts_us);
        run.map_or(Beside::Unknown, |(since_us, newest_us)| Beside::Run { since_us, newest_us })
    }

    pub(crate) fn is_plenty(&self) -> bool {
        self.bytes >= PLENTY_BYTES || self.is_full()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES
            || self.lanes.iter().any(|lane| lane.span_us >= WORST_SKEW_US || lane.items.len() >= MOST_ITEMS)
            || self.lanes.iter().all(|lane| lane.span_us >= ENOUGH_US || !lane.in_use)
    }
}

#[cfg(test)]
mod tests {
    use super::Lane::{Picture, Sound};
    use super::*;

    /// Pushes `count` packets 100 ms apart.
    fn fill(queue: &mut PacketQueue<i64>, lane: Lane, count: i64, bytes: usize) {
        for nr in 0..count {
            queue.push(lane, nr, Extent { bytes, dts_us: Some(nr * 100_000), duration_us: 0 });
        }
    }

    #[track_caller]
    fn check(pictures: i64, sounds: i64, bytes: usize, sound_in_use: bool, full: bool) {
        let mut queue = PacketQueue::new();
        queue.set_in_use(Sound, sound_in_use);
        fill(&mut queue, Picture, pictures, bytes);
        fill(&mut queue, Sound, sounds, bytes);
        assert_eq!(queue.is_full(), full);
    }

    #[test]
    fn two_seconds_in_both_lanes_are_enough() {
        check(21, 21, 1000, true, true);
        check(20, 21, 1000, true, false);
        check(21, 20, 1000, true, false);
        check(21, 0, 1000, false, true);
    }

    #[test]
    fn one_lane_may_run_ahead_of_an_empty_one_but_not_without_end() {
        check(100, 0, 1000, true, false);
        check(101, 0, 1000, true, true);
    }

    #[test]
    fn plenty_is_less_than_full() {
        let mut queue = PacketQueue::new();
        fill(&mut queue, Picture, 3, PLENTY_BYTES / 4);
        assert!(!queue.is_plenty());
        fill(&mut queue, Picture, 1, PLENTY_BYTES / 4);
        assert!(queue.is_plenty() && !queue.is_full());
    }

    #[test]
    fn bytes_and_numbers_are_bounded() {
        check(32, 0, 1 << 20, true, true);
        let mut queue = PacketQueue::new();
        (0..MOST_ITEMS).for_each(|_| queue.push(Picture, (), Extent::default()));
        assert!(queue.is_full());
    }

    #[test]
    fn each_lane_keeps_its_own_order_and_what_leaves_makes_room() {
        let mut queue = PacketQueue::new();
        fill(&mut queue, Picture, 21, 10);
        fill(&mut queue, Sound, 21, 10);
        assert!(queue.is_full());
        assert_eq!(queue.pop(Sound), Some(0));
        assert_eq!(queue.pop(Sound), Some(1));
        assert!(!queue.is_full());
        assert_eq!(queue.pop(Picture), Some(0));
        while queue.pop(Picture).is_some() {}
        while queue.pop(Sound).is_some() {}
        assert_eq!((queue.bytes, queue.lanes[0].span_us, queue.lanes[1].span_us), (0, 0, 0));
    }

    #[test]
    fn how_far_the_other_lane_was_read_without_a_hole_is_known_after_it_was_taken() {
        let mut queue = PacketQueue::new();
        assert_eq!(queue.beside(Picture), Beside::Unknown);
        fill(&mut queue, Sound, 21, 10);
        while queue.pop(Sound).is_some() {}
        assert_eq!(queue.beside(Picture), Beside::Run { since_us: 0, newest_us: 2_000_000 });
        assert_eq!(queue.beside(Sound), Beside::Unknown);
        queue.push(Sound, 0, Extent { bytes: 1, dts_us: Some(500_000_000), duration_us: 0 });
        assert_eq!(queue.beside(Picture), Beside::Run { since_us: 500_000_000, newest_us: 500_000_000 });
    }

    #[test]
    fn a_jump_of_timestamps_does_not_count_as_time_held() {
        let mut queue = PacketQueue::new();
        for dts_us in [0, i64::MAX, i64::MIN, 5_000_000_000_000] {
            queue.push(Picture, (), Extent { bytes: 1, dts_us: Some(dts_us), duration_us: i64::MAX });
        }
        assert!(!queue.is_full());
    }
}
