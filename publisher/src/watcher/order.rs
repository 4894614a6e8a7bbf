//! Order: which of the segments that have arrived is published next. Pure; the time is an argument.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Segments that have arrived and are not published, and the number that is due.
#[derive(Debug)]
pub(super) struct Order {
    next: u64,
    waiting: BTreeSet<u64>,
    gap_since: Option<Instant>,
}

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Publish this one.
    Publish(u64),
    /// A number is missing before those that wait; it may still come until then.
    WaitUntil(Instant),
    /// Nothing waits.
    Idle,
}

impl Order {
    pub(super) fn new(next: u64) -> Self {
        Self { next, waiting: BTreeSet::new(), gap_since: None }
    }

    /// The number that is due: everything below is published, refused, or came too late.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Goes on to `next`, if that is ahead.
    pub(super) fn skip_to(&mut self, next: u64) {
        self.next = self.next.max(next);
    }

    /// A segment is there. False: a later one was published before, and a playlist only grows at its end.
    pub(super) fn arrived(&mut self, number: u64) -> bool {
        number >= self.next && {
            self.waiting.insert(number);
            true
        }
    }

    /// Takes the next one out. A number that is missing is waited for no longer than `patience`.
    pub(super) fn turn(&mut self, now: Instant, patience: Duration) -> Turn {
        let Some(&first) = self.waiting.first() else {
            self.gap_since = None;
            return Turn::Idle;
        };
        if first > self.next {
            let deadline = *self.gap_since.get_or_insert(now) + patience;
            if now < deadline {
                return Turn::WaitUntil(deadline);
            }
        }
        self.waiting.remove(&first);
        self.gap_since = None;
        self.next = first + 1;
        Turn::Publish(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(500);

    #[test]
    fn a_burst_is_published_by_number() {
        let (mut order, now) = (Order::new(5), Instant::now());
        for number in [7, 5, 6] {
            assert!(order.arrived(number));
        }
        let turns: Vec<_> = (0..4).map(|_| order.turn(now, PATIENCE)).collect();
        assert_eq!(turns, [Turn::Publish(5), Turn::Publish(6), Turn::Publish(7), Turn::Idle]);
        assert_eq!(order.next(), 8);
    }

    #[test]
    fn a_missing_number_is_waited_for_and_then_given_up() {
        let (mut order, now) = (Order::new(5), Instant::now());
        order.arrived(6);
        assert_eq!(order.turn(now, PATIENCE), Turn::WaitUntil(now + PATIENCE));
        assert_eq!(order.turn(now + PATIENCE / 2, PATIENCE), Turn::WaitUntil(now + PATIENCE));
        assert_eq!(order.turn(now + PATIENCE, PATIENCE), Turn::Publish(6));
        assert!(!order.arrived(5), "too late");
    }

    #[test]
    fn a_missing_number_that_comes_in_time_goes_first() {
        let (mut order, now) = (Order::new(5), Instant::now());
        order.arrived(6);
        order.turn(now, PATIENCE);
        order.arrived(5);
        assert_eq!(order.turn(now, PATIENCE), Turn::Publish(5));
        assert_eq!(order.turn(now, PATIENCE), Turn::Publish(6));
    }

    #[test]
    fn every_gap_is_waited_for_anew() {
        let (mut order, now) = (Order::new(5), Instant::now());
        order.arrived(6);
        order.arrived(8);
        order.turn(now, PATIENCE);
        assert_eq!(order.turn(now + PATIENCE, PATIENCE), Turn::Publish(6));
        assert_eq!(order.turn(now + PATIENCE, PATIENCE), Turn::WaitUntil(now + 2 * PATIENCE));
    }

    #[test]
    fn going_on_never_goes_back() {
        let mut order = Order::new(5);
        order.skip_to(9);
        order.skip_to(7);
        assert_eq!(order.next(), 9);
    }
}
