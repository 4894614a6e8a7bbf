//! Those who wait: counted for the operator, bounded, and known to the limits of their connections.
//!
//! In: a request that is to be held. Out: its place, given back when it is dropped, however the waiting ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

/// A connection whose requests may be held.
pub(crate) trait Waiter: Send + Sync {
    /// How many of its requests are.
    fn held(&self) -> &AtomicU32;

    /// How many may be.
    fn most_held(&self) -> u32;
}

/// How waiting ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// What was waited for is there, or never will be.
    Settled,
    /// It took too long.
    TooLate,
    /// The server stops.
    Stopped,
    /// The client went away.
    Left,
    /// It never began: too many wait already.
    Refused,
}

impl End {
    pub(crate) const ALL: [(End, &str); 5] = [
        (End::Settled, "settled"),
        (End::TooLate, "too_late"),
        (End::Stopped, "stopped"),
        (End::Left, "left"),
        (End::Refused, "refused"),
    ];
}

/// All requests that are held.
#[derive(Debug)]
pub(crate) struct Waiting {
    most: usize,
    held: AtomicUsize,
    ends: [AtomicU64; End::ALL.len()],
}

impl Waiting {
    pub(crate) fn new(most: usize) -> Arc<Waiting> {
        Arc::new(Waiting { most, held: AtomicUsize::new(0), ends: Default::default() })
    }

    /// How many are held now.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Relaxed)
    }

    /// How often waiting has ended like this.
    pub(crate) fn ended(&self, end: End) -> u64 {
        self.ends[end as usize].load(Relaxed)
    }

    /// A place for one more; `None` when all, or those of its connection, are taken.
    pub(crate) fn begin(self: &Arc<Waiting>, waiter: &Arc<dyn Waiter>) -> Option<Place> {
        self.held.fetch_add(1, Relaxed);
        waiter.held().fetch_add(1, Relaxed);
        let mut place =
            Place { waiting: self.clone(), waiter: waiter.clone(), began: Instant::now(), end: End::Left };
        if self.held() > self.most || waiter.held().load(Relaxed) > waiter.most_held() {
            place.end = End::Refused;
            return None;
        }
        Some(place)
    }
}

/// The place of one who waits.
pub(crate) struct Place {
    waiting: Arc<Waiting>,
    waiter: Arc<dyn Waiter>,
    began: Instant,
    end: End,
}

impl Place {
    /// Gives it back; how long it was taken.
    pub(crate) fn give_back(mut self, end: End) -> Duration {
        self.end = end;
        self.began.elapsed()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.held.fetch_sub(1, Relaxed);
        self.waiter.held().fetch_sub(1, Relaxed);
        self.waiting.ends[self.end as usize].fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A connection of a test.
    #[derive(Default)]
    pub(crate) struct Someone(AtomicU32);

    impl Waiter for Someone {
        fn held(&self) -> &AtomicU32 {
            &self.0
        }

        fn most_held(&self) -> u32 {
            2
        }
    }

    #[test]
    fn places_are_bounded_in_all_and_for_each_connection() {
        let waiting = Waiting::new(3);
        let someone = || -> Arc<dyn Waiter> { Arc::new(Someone::default()) };
        let (one, two) = (someone(), someone());
        let first = waiting.begin(&one).unwrap();
        let _second = waiting.begin(&one).unwrap();
        assert!(waiting.begin(&one).is_none(), "of one connection");
        let _third = waiting.begin(&two).unwrap();
        assert!(waiting.begin(&two).is_none(), "in all");
        assert_eq!((waiting.held(), one.held().load(Relaxed), two.held().load(Relaxed)), (3, 2, 1));
        first.give_back(End::Settled);
        drop(waiting.begin(&two).unwrap());
        let ended = End::ALL.map(|(end, _)| waiting.ended(end));
        assert_eq!((waiting.held(), ended), (2, [1, 0, 0, 1, 2]));
    }
}
