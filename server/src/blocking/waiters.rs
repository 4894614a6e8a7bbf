//! Those who wait: counted for the operator, bounded, and known to the limits of their connections.
//!
//! In: a request that is to be blocked. Out: its count, taken back when it is dropped, however the waiting ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

/// A connection whose requests may be blocked.
pub(crate) trait Waiter: Send + Sync {
    /// How many of its requests are.
    fn blocked(&self) -> &AtomicU32;

    /// How many may be.
    fn most_blocked(&self) -> u32;
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

/// All requests that are blocked.
#[derive(Debug)]
pub(crate) struct BlockedRequests {
    most: usize,
    blocked: AtomicUsize,
    ends: [AtomicU64; End::ALL.len()],
}

impl BlockedRequests {
    pub(crate) fn new(most: usize) -> Arc<BlockedRequests> {
        Arc::new(BlockedRequests { most, blocked: AtomicUsize::new(0), ends: Default::default() })
    }

    /// How many are blocked now.
    pub(crate) fn blocked(&self) -> usize {
        self.blocked.load(Relaxed)
    }

    /// How often waiting has ended like this.
    pub(crate) fn ended(&self, end: End) -> u64 {
        self.ends[end as usize].load(Relaxed)
    }

    /// A place for one more; `None` when all, or those of its connection, are taken.
    pub(crate) fn begin(self: &Arc<BlockedRequests>, waiter: &Arc<dyn Waiter>) -> Option<BlockedRequest> {
        self.blocked.fetch_add(1, Relaxed);
        waiter.blocked().fetch_add(1, Relaxed);
        let mut blocked_request = BlockedRequest {
            waiting: self.clone(),
            waiter: waiter.clone(),
            began: Instant::now(),
            end: End::Left,
        };
        if self.blocked() > self.most || waiter.blocked().load(Relaxed) > waiter.most_blocked() {
            blocked_request.end = End::Refused;
            return None;
        }
        Some(blocked_request)
    }
}

/// The place of one who waits.
pub(crate) struct BlockedRequest {
    waiting: Arc<BlockedRequests>,
    waiter: Arc<dyn Waiter>,
    began: Instant,
    end: End,
}

impl BlockedRequest {
    /// Gives it back; how long it was taken.
    pub(crate) fn finish(mut self, end: End) -> Duration {
        self.end = end;
        self.began.elapsed()
    }
}

impl Drop for BlockedRequest {
    fn drop(&mut self) {
        self.waiting.blocked.fetch_sub(1, Relaxed);
        self.waiter.blocked().fetch_sub(1, Relaxed);
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
        fn blocked(&self) -> &AtomicU32 {
            &self.0
        }

        fn most_blocked(&self) -> u32 {
            2
        }
    }

    #[test]
    fn places_are_bounded_in_all_and_for_each_connection() {
        let waiting = BlockedRequests::new(3);
        let someone = || -> Arc<dyn Waiter> { Arc::new(Someone::default()) };
        let (one, two) = (someone(), someone());
        let first = waiting.begin(&one).unwrap();
        let _second = waiting.begin(&one).unwrap();
        assert!(waiting.begin(&one).is_none(), "of one connection");
        let _third = waiting.begin(&two).unwrap();
        assert!(waiting.begin(&two).is_none(), "in all");
        assert_eq!((waiting.blocked(), one.blocked().load(Relaxed), two.blocked().load(Relaxed)), (3, 2, 1));
        first.finish(End::Settled);
        drop(waiting.begin(&two).unwrap());
        let ended = End::ALL.map(|(end, _)| waiting.ended(end));
        assert_eq!((waiting.blocked(), ended), (2, [1, 0, 0, 1, 2]));
    }
}
