//! The order of our own segments: by the number in the name.

use crate::order::{Candidate, Turn};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Segments that have arrived and are not published, and the number that is due.
#[derive(Debug)]
pub(crate) struct Numbered {
    next: u64,
    /// `None` has its turn, and is passed over: its file was refused.
    waiting: BTreeMap<u64, Option<Candidate>>,
    gap_since: Option<Instant>,
}

impl Numbered {
    pub(crate) fn new(next: u64) -> Self {
        Self { next, waiting: BTreeMap::new(), gap_since: None }
    }

    /// The number that is due: everything below is published, refused, or came too late.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Goes on to `next`, if that is ahead. What is below it comes too late.
    pub(crate) fn skip_to(&mut self, next: u64) {
        self.next = self.next.max(next);
        self.waiting = self.waiting.split_off(&self.next);
    }

    /// Whether the segment of this number has arrived and waits.
    pub(crate) fn is_waiting(&self, number: u64) -> bool {
        self.waiting.contains_key(&number)
    }

    /// A segment is there, which is not below [`Numbered::next`]; `None` when its file is refused.
    pub(crate) fn arrived(&mut self, number: u64, candidate: Option<Candidate>) {
        self.waiting.insert(number, candidate);
    }

    /// A number that is missing is waited for no longer than `patience`.
    pub(super) fn turn(&mut self, now: Instant, patience: Duration) -> Turn {
        while let Some((&first, _)) = self.waiting.first_key_value() {
            if first > self.next {
                let deadline = *self.gap_since.get_or_insert(now) + patience;
                if now < deadline {
                    return Turn::WaitUntil(deadline);
                }
            }
            self.gap_since = None;
            self.next = first + 1;
            if let Some(candidate) = self.waiting.remove(&first).flatten() {
                return Turn::Publish(Box::new(candidate));
            }
        }
        self.gap_since = None;
        Turn::Idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::finished;

    const PATIENCE: Duration = Duration::from_millis(500);

    fn arrived(order: &mut Numbered, number: u64) {
        let candidate =
            Candidate { name: number.to_string(), finished: finished(2), seen_at: Instant::now() };
        order.arrived(number, Some(candidate));
    }

    /// What it says, in words.
    fn turn(order: &mut Numbered, at: Instant, start: Instant) -> String {
        match order.turn(at, PATIENCE) {
            Turn::Publish(candidate) => candidate.name,
            Turn::WaitUntil(deadline) => format!("wait {} ms", (deadline - start).as_millis()),
            Turn::Idle => "idle".to_owned(),
        }
    }

    #[test]
    fn a_burst_is_published_by_number() {
        let (mut order, now) = (Numbered::new(5), Instant::now());
        for number in [7, 5, 6] {
            arrived(&mut order, number);
        }
        let turns: Vec<_> = (0..4).map(|_| turn(&mut order, now, now)).collect();
        assert_eq!(turns, ["5", "6", "7", "idle"]);
        assert_eq!(order.next(), 8);
    }

    #[test]
    fn a_missing_number_is_waited_for_and_then_given_up() {
        let (mut order, now) = (Numbered::new(5), Instant::now());
        arrived(&mut order, 6);
        assert_eq!(turn(&mut order, now, now), "wait 500 ms");
        assert_eq!(turn(&mut order, now + PATIENCE / 2, now), "wait 500 ms");
        assert_eq!(turn(&mut order, now + PATIENCE, now), "6");
        assert_eq!(order.next(), 7, "5 would come too late");
    }

    #[test]
    fn a_missing_number_that_comes_in_time_goes_first() {
        let (mut order, now) = (Numbered::new(5), Instant::now());
        arrived(&mut order, 6);
        turn(&mut order, now, now);
        arrived(&mut order, 5);
        assert_eq!(turn(&mut order, now, now), "5");
        assert_eq!(turn(&mut order, now, now), "6");
    }

    #[test]
    fn a_refused_number_is_not_waited_for() {
        let (mut order, now) = (Numbered::new(5), Instant::now());
        order.arrived(5, None);
        arrived(&mut order, 6);
        assert_eq!(turn(&mut order, now, now), "6");
    }

    #[test]
    fn every_gap_is_waited_for_anew() {
        let (mut order, now) = (Numbered::new(5), Instant::now());
        arrived(&mut order, 6);
        arrived(&mut order, 8);
        turn(&mut order, now, now);
        assert_eq!(turn(&mut order, now + PATIENCE, now), "6");
        assert_eq!(turn(&mut order, now + PATIENCE, now), "wait 1000 ms");
    }

    #[test]
    fn going_on_never_goes_back() {
        let (mut order, now) = (Numbered::new(5), Instant::now());
        arrived(&mut order, 8);
        arrived(&mut order, 10);
        order.skip_to(9);
        order.skip_to(7);
        assert_eq!(order.next(), 9);
        assert_eq!(turn(&mut order, now, now), "wait 500 ms", "8 is too late");
    }
}
