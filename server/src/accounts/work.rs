//! How much of the threads' time an address has used lately. Pure, but for a count that all threads share.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Each second counts half as much as the next one. Ten viewers at the head of a live stream need less.
const MUCH_US: u64 = 10_000;

/// The time that an address has used: the second in which some was added last, and so many microseconds.
#[derive(Debug, Default)]
pub(super) struct Work(AtomicU64);

impl Work {
    pub(super) fn add(&self, time: Duration, now_s: u64) {
        let more_us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let _ = self.0.fetch_update(Relaxed, Relaxed, |before| {
            let sum_us = lately_us(before, now_s).saturating_add(more_us).min(u64::from(u32::MAX));
            Some((now_s << 32) | sum_us)
        });
    }

    /// Whether others should go first.
    pub(super) fn is_much(&self, now_s: u64) -> bool {
        lately_us(self.0.load(Relaxed), now_s) >= MUCH_US
    }
}

fn lately_us(work: u64, now_s: u64) -> u64 {
    let (then_s, us) = (work >> 32, work & u64::from(u32::MAX));
    // Threads do not begin a second at the same time.
    us >> now_s.saturating_sub(then_s).min(63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_is_forgotten_by_halves() {
        let work = Work::default();
        assert!(!work.is_much(0));
        work.add(Duration::from_millis(9), 5);
        assert!(!work.is_much(5));
        work.add(Duration::from_millis(11), 5);
        assert!(work.is_much(5) && work.is_much(6) && !work.is_much(7));
        assert!(!work.is_much(1_000_000) && work.is_much(4), "the clock of another thread may be behind");
        work.add(Duration::from_millis(5), 6);
        assert!(work.is_much(6), "10 of before and 5");
        work.add(Duration::MAX, 7);
        assert!(work.is_much(20) && !work.is_much(40));
    }
}
