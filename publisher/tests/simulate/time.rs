//! Time: the two clocks of the simulated world. One only goes forward, the other can be set.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

/// When all schedules begin, on the wall: 2026-01-01.
const BEGINS_S: u64 = 1_767_225_600;

/// The same in all schedules of a process.
fn base() -> Instant {
    static BASE: OnceLock<Instant> = OnceLock::new();
    *BASE.get_or_init(Instant::now)
}

/// What both clocks say.
#[derive(Debug, Default)]
pub struct Time {
    us: AtomicU64,
    /// By how much the wall clock was set.
    set_us: AtomicI64,
}

impl Time {
    pub fn us(&self) -> u64 {
        self.us.load(Ordering::Relaxed)
    }

    /// So much time passes. Says what time it is then.
    pub fn pass(&self, us: u64) -> u64 {
        self.us.fetch_add(us, Ordering::Relaxed) + us
    }

    pub fn pass_until(&self, us: u64) {
        self.us.fetch_max(us, Ordering::Relaxed);
    }

    pub fn now(&self) -> Instant {
        base() + Duration::from_micros(self.us())
    }

    pub fn set_wall(&self, by_us: i64) {
        self.set_us.fetch_add(by_us, Ordering::Relaxed);
    }

    pub fn wall(&self) -> SystemTime {
        let us = (BEGINS_S * 1_000_000 + self.us()) as i64 + self.set_us.load(Ordering::Relaxed);
        SystemTime::UNIX_EPOCH + Duration::from_micros(us as u64)
    }
}
