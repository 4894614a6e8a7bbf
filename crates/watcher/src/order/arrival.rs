//! The order of segments of other encoders: a file that goes on where the last one ended is next, at once; files that
//! arrive together go by their timestamps where these join up, and else by the natural order of their names.

use crate::events::finished_file::Finished;
use crate::order::{Candidate, Turn, break_between};
use livedir_layout::natural_order::Natural;
use livedir_media::Facts;
use livedir_time::clock_33_bit::distance_90k;
use livedir_time::ticks::of_seconds;
use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

/// Files that come within this time of one another have come together: `cp` of a directory goes through it in any order.
const TOGETHER: Duration = Duration::from_millis(200);

/// Holes in the timeline that are remembered.
const MOST_HOLES: usize = 16;

/// A longer one is no hole, but another timeline.
const LONGEST_HOLE_90K: i64 = of_seconds(60) as i64;

/// A part of the timeline without a published file: none had come in time.
#[derive(Debug, Clone, Copy)]
struct Hole {
    start_90k: u64,
    duration_90k: i64,
}

impl Hole {
    /// Between two files that were published one after the other.
    fn between(last: &Facts, next: &Facts) -> Option<Self> {
        let duration_90k = distance_90k(last.end_90k(), next.start_90k);
        let is_hole = last.streams == next.streams
            && break_between(last, next).is_some()
            && (1..LONGEST_HOLE_90K).contains(&duration_90k);
        is_hole.then_some(Self { start_90k: last.end_90k(), duration_90k })
    }

    fn holds(&self, facts: &Facts) -> bool {
        // A frame or two.
        const ROOM_90K: i64 = 9_000;
        distance_90k(self.start_90k, facts.start_90k) >= -ROOM_90K
            && distance_90k(self.start_90k, facts.end_90k()) <= self.duration_90k + ROOM_90K
    }
}

/// What lies between the last published file and the next one on the timeline.
#[derive(Debug, Default)]
enum Passes {
    #[default]
    Nothing,
    Over(Hole),
    ToAnotherTimeline,
}

impl Passes {
    fn between(last: Option<&Facts>, next: &Facts) -> Self {
        let Some(last) = last.filter(|last| last.streams == next.streams) else {
            return Self::ToAnotherTimeline;
        };
        match Hole::between(last, next) {
            Some(hole) => Self::Over(hole),
            None if break_between(last, next).is_some() => Self::ToAnotherTimeline,
            None => Self::Nothing,
        }
    }
}

/// Files that have arrived and are not published.
#[derive(Debug, Default)]
pub(crate) struct Arrival {
    /// The last ones.
    holes: VecDeque<Hole>,
    /// Of the file that was taken out last.
    passes: Passes,
    waiting: BTreeMap<Natural, Candidate>,
    first_came_at: Option<Instant>,
    last_came_at: Option<Instant>,
    /// Parts of a segment are listed, and the segment is not complete: until this time more of it may come.
    pub(crate) filmed_until: Option<Instant>,
}

impl Arrival {
    /// A file is there; it takes the place of one of the same name.
    pub(crate) fn arrived(&mut self, candidate: Candidate, now: Instant) {
        self.first_came_at.get_or_insert(now);
        self.last_came_at = Some(now);
        self.waiting.insert(Natural(candidate.name.clone()), candidate);
    }

    /// The file that waits under this name.
    pub(crate) fn waiting(&self, name: &str) -> Option<&Candidate> {
        // A name of a few bytes: cheaper than a second way to look into the map.
        self.waiting.get(&Natural(name.to_owned()))
    }

    /// All that wait, in natural order.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.waiting.values()
    }

    /// The file is gone before its turn came.
    pub(crate) fn gone(&mut self, name: &str) {
        self.waiting.remove(&Natural(name.to_owned()));
    }

    /// Whether a file is too late: files that follow it on the timeline were published already.
    pub(crate) fn is_late(&self, facts: &Facts) -> bool {
        self.holes.iter().any(|hole| hole.holds(facts))
    }

    /// Whether the one that is published next does not go on from `last`.
    pub(crate) fn next_breaks(&self, last: Option<&Facts>) -> bool {
        !self.waiting.is_empty() && last.is_none_or(|last| self.successor(last).is_none())
    }

    /// Whether a file with these facts ends where the one begins that is published next: its encoder has gone on to that one.
    pub(crate) fn leads_to_next(&self, facts: &Facts) -> bool {
        let next = self.beginning().and_then(|name| self.waiting.get(&name));
        next.is_some_and(|next| break_between(facts, &next.finished.facts).is_none())
    }

    /// Whether something is missing between `last` and the one that is published next.
    pub(crate) fn leaves_hole(&self, last: Option<&Facts>) -> bool {
        let next = self.beginning().and_then(|name| self.waiting.get(&name));
        next.zip(last).is_some_and(|(next, last)| Hole::between(last, &next.finished.facts).is_some())
    }

    /// The one that was taken out last is published: what lies before it is passed over.
    pub(crate) fn published(&mut self) {
        match std::mem::take(&mut self.passes) {
            Passes::Nothing => {}
            Passes::Over(hole) => {
                if self.holes.len() == MOST_HOLES {
                    self.holes.pop_front();
                }
                self.holes.push_back(hole);
            }
            // Its times may be those of the holes.
            Passes::ToAnotherTimeline => self.holes.clear(),
        }
    }

    /// Takes one out that is published behind `last`, if it is still there.
    fn take(&mut self, name: &Natural, last: Option<&Facts>) -> Turn {
        let Some(next) = self.waiting.remove(name) else { return Turn::Idle };
        self.passes = Passes::between(last, &next.finished.facts);
        Turn::Publish(Box::new(next))
    }

    /// What they hold.
    pub(super) fn all(&self) -> impl Iterator<Item = &Finished> + Clone {
        self.waiting.values().map(|candidate| &candidate.finished)
    }

    pub(super) fn turn(&mut self, last: Option<&Facts>, now: Instant, patience: Duration) -> Turn {
        if self.waiting.is_empty() {
            (self.first_came_at, self.last_came_at) = (None, None);
            return Turn::Idle;
        }
        let next = last.and_then(|last| self.successor(last));
        if let Some(next) = next {
            return self.take(&next, last);
        }
        let Some(next) = self.beginning() else { return Turn::Idle };
        let leaves_hole = self.leaves_hole(last);
        let longest = self.first_came_at.unwrap_or(now) + patience;
        let settles_at = self.last_came_at.unwrap_or(now) + TOGETHER.min(patience);
        // What lies in between may still come: it is late, or being written.
        let deadline = if leaves_hole { longest } else { settles_at.min(longest) };
        // What does not go on from the last one does not come before the one that is being written, either.
        let deadline =
            self.filmed_until.filter(|_| !patience.is_zero()).map_or(deadline, |at| at.max(deadline));
        if now < deadline {
            return Turn::WaitUntil(deadline);
        }
        self.take(&next, last)
    }

    /// The file that goes on where `facts` end.
    fn successor(&self, facts: &Facts) -> Option<Natural> {
        let goes_on = |candidate: &Candidate| break_between(facts, &candidate.finished.facts).is_none();
        self.waiting.iter().find(|(_, candidate)| goes_on(candidate)).map(|(name, _)| name.clone())
    }

    /// The first in natural order, or the beginning of what it goes on from: an encoder that uses its names in turn
    /// (`0.ts` after `9.ts`) has written its first name last.
    fn beginning(&self) -> Option<Natural> {
        let (mut name, mut first) = self.waiting.first_key_value()?;
        for _ in 0..self.waiting.len() {
            let goes_on_from = |(_, before): &(&Natural, &Candidate)| {
                before.name != first.name
                    && break_between(&before.finished.facts, &first.finished.facts).is_none()
            };
            let Some(before) = self.waiting.iter().find(goes_on_from) else { return Some(name.clone()) };
            (name, first) = before;
        }
        // They go on from one another in a circle.
        self.waiting.first_key_value().map(|(name, _)| name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::finished;

    const PATIENCE: Duration = Duration::from_secs(1);

    fn candidate(name: &str, start_s: u64) -> Candidate {
        let mut finished = finished(2);
        finished.facts.start_90k = start_s * of_seconds(1);
        Candidate { name: name.to_owned(), finished, seen_at: Instant::now() }
    }

    /// `"a.ts@4"`: a file of two seconds that begins at 4 s. Gives the order of publication when all come together.
    #[track_caller]
    fn check(last_start_s: Option<u64>, files: &str, expected: &str) {
        let (mut order, now) = (Arrival::default(), Instant::now());
        for file in files.split_whitespace() {
            let (name, start_s) = file.split_once('@').expect("name@start");
            order.arrived(candidate(name, start_s.parse().expect("seconds")), now);
        }
        let mut last = last_start_s.map(|start_s| candidate("last", start_s).finished.facts);
        let mut published = Vec::new();
        let mut later = now;
        loop {
            match order.turn(last.as_ref(), later, PATIENCE) {
                Turn::Publish(next) => {
                    order.published();
                    last = Some(next.finished.facts);
                    published.push(next.name);
                }
                Turn::WaitUntil(deadline) => later = deadline,
                Turn::Idle => break,
            }
        }
        assert_eq!(published.join(" "), expected);
    }

    #[test]
    fn files_that_come_together_go_in_natural_order() {
        check(None, "10@118 9@116 8@114", "8 9 10");
        check(None, "b@50 a@90 c@10", "a b c");
    }

    #[test]
    fn names_that_begin_again_go_by_their_time() {
        check(None, "0@20 1@22 8@16 9@18", "8 9 0 1");
        check(Some(16), "0@20 9@18", "9 0");
    }

    #[test]
    fn a_file_that_is_missing_is_waited_for_longer_and_is_late_afterwards() {
        let (mut order, now) = (Arrival::default(), Instant::now());
        let last = candidate("a", 0).finished.facts;
        order.arrived(candidate("c", 4), now);
        assert_eq!(order.turn(Some(&last), now, PATIENCE), Turn::WaitUntil(now + PATIENCE));
        assert!(matches!(order.turn(Some(&last), now + PATIENCE, PATIENCE), Turn::Publish(_)));
        assert!(!order.is_late(&candidate("b", 2).finished.facts), "c may have vanished");
        order.published();
        assert!(order.is_late(&candidate("b", 2).finished.facts));
        assert!(!order.is_late(&candidate("d", 6).finished.facts));
        // The encoder begins anew, with the times of the hole.
        order.arrived(candidate("e", 1_000), now);
        let last = candidate("c", 4).finished.facts;
        assert!(matches!(order.turn(Some(&last), now + PATIENCE, PATIENCE), Turn::Publish(_)));
        order.published();
        assert!(!order.is_late(&candidate("f", 2).finished.facts));
    }

    #[test]
    fn copies_of_one_file_go_in_natural_order() {
        check(Some(0), "b@10 a@10", "a b");
    }

    #[test]
    fn a_file_that_goes_on_is_published_at_once() {
        let (mut order, now) = (Arrival::default(), Instant::now());
        order.arrived(candidate("b", 2), now);
        let last = candidate("a", 0).finished.facts;
        assert!(matches!(order.turn(Some(&last), now, PATIENCE), Turn::Publish(_)));
        assert_eq!(order.turn(Some(&last), now, PATIENCE), Turn::Idle);
    }

    #[test]
    fn a_file_that_does_not_go_on_waits_for_others_but_not_for_ever() {
        let (mut order, now) = (Arrival::default(), Instant::now());
        order.arrived(candidate("b", 50), now);
        assert_eq!(order.turn(None, now, PATIENCE), Turn::WaitUntil(now + TOGETHER));
        for n in 1..10_u32 {
            let later = now + n * TOGETHER / 2;
            order.arrived(candidate(&format!("c{n}"), 100 * u64::from(n)), later);
        }
        assert_eq!(order.turn(None, now + 9 * TOGETHER / 2, PATIENCE), Turn::WaitUntil(now + PATIENCE));
        assert!(matches!(order.turn(None, now + PATIENCE, PATIENCE), Turn::Publish(_)));
    }
}
