//! Numbers: those that the publisher of this run has given to segments and parts. A file with another number is a stranger's,
//! whatever its name says.
//!
//! In: numbers, from the segment threads, each before its file appears. Out: whether a name is ours, for the watcher's thread.

use crate::names::{number_of_name, part_of_name};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// The numbers that were given in one live directory: of a ladder each size has its own, as one may be ahead of another.
#[derive(Debug, Clone)]
pub struct Numbers {
    all: Arc<All>,
    given: Arc<Given>,
}

#[derive(Debug)]
struct All {
    /// The number of the first segment of this run.
    begun_at: AtomicU64,
    by_live: Mutex<BTreeMap<PathBuf, Arc<Given>>>,
}

#[derive(Debug)]
struct Given {
    /// The first number that was not given to a segment yet.
    segments_until: AtomicU64,
    /// The same for parts, as [`key`] encodes it.
    parts_until: AtomicU64,
}

impl Given {
    fn until(next: u64) -> Self {
        Self { segments_until: AtomicU64::new(next), parts_until: AtomicU64::new(key(next, 0)) }
    }
}

impl Numbers {
    /// Every number is ours: before a run has given any, the directory tells.
    #[must_use]
    pub fn any() -> Self {
        let all = All { begun_at: AtomicU64::new(u64::MAX), by_live: Mutex::default() };
        Self { all: Arc::new(all), given: Arc::new(Given::until(u64::MAX)) }
    }

    /// Those of this live directory.
    #[must_use]
    pub fn of(&self, live: &Path) -> Self {
        let live = std::path::absolute(live).unwrap_or_else(|_| live.to_owned());
        let begun_at = self.all.begun_at.load(Ordering::SeqCst);
        let mut by_live = self.all.by_live.lock().unwrap_or_else(PoisonError::into_inner);
        let given = by_live.entry(live).or_insert_with(|| Arc::new(Given::until(begun_at))).clone();
        drop(by_live);
        Self { all: self.all.clone(), given }
    }

    /// A run begins, whose first segment will have this number, in all directories.
    pub fn begin(&self, next: u64) {
        self.all.begun_at.store(next, Ordering::SeqCst);
        let by_live = self.all.by_live.lock().unwrap_or_else(PoisonError::into_inner);
        for given in by_live.values().chain([&self.given]) {
            given.segments_until.store(next, Ordering::SeqCst);
            given.parts_until.store(key(next, 0), Ordering::SeqCst);
        }
    }

    /// A segment gets this number.
    pub fn give(&self, number: u64) {
        self.given.segments_until.fetch_max(number.saturating_add(1), Ordering::SeqCst);
    }

    /// A part of segment `number` gets this number.
    pub fn give_part(&self, number: u64, part: u32) {
        self.given.parts_until.fetch_max(key(number, part).saturating_add(1), Ordering::SeqCst);
    }

    /// Whether a name with such a number was given.
    #[must_use]
    pub fn has_given(&self, name: &str) -> bool {
        match (number_of_name(name), part_of_name(name)) {
            (Some(number), _) => number < self.given.segments_until.load(Ordering::SeqCst),
            (None, Some((number, part))) => key(number, part) < self.given.parts_until.load(Ordering::SeqCst),
            (None, None) => false,
        }
    }
}

/// Parts in the order in which they are given. Numbers of names have 50 bits, and a segment has some hundred parts.
fn key(number: u64, part: u32) -> u64 {
    const PART_BITS: u32 = 14;
    const LAST_PART: u64 = (1 << PART_BITS) - 1;
    (number << PART_BITS) | u64::from(part).min(LAST_PART)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{part_name, segment_name};

    #[test]
    fn what_was_given_is_ours_and_nothing_else_is() {
        let numbers = Numbers::any();
        assert!(numbers.has_given(&segment_name(999_999_999_999_999)));
        numbers.begin(5);
        assert!(numbers.has_given(&segment_name(4)) && !numbers.has_given(&segment_name(5)));
        assert!(numbers.has_given(&part_name(4, 99)) && !numbers.has_given(&part_name(5, 0)));
        numbers.give_part(5, 1);
        assert!(numbers.has_given(&part_name(5, 1)) && !numbers.has_given(&part_name(5, 2)));
        assert!(!numbers.has_given(&segment_name(5)), "it is being filmed");
        numbers.give(5);
        assert!(numbers.has_given(&segment_name(5)) && !numbers.has_given("film.ts"));
        assert!(!numbers.has_given(&part_name(999_999_999_999_999, 0)));
    }

    #[test]
    fn each_directory_has_numbers_of_its_own() {
        let numbers = Numbers::any();
        let [one, other] = ["live/240p", "live/audio"].map(|live| numbers.of(Path::new(live)));
        numbers.begin(5);
        one.give(5);
        assert!(one.has_given(&segment_name(5)) && !other.has_given(&segment_name(5)));
        assert!(numbers.of(Path::new("live/240p")).has_given(&segment_name(5)));
        assert!(!numbers.of(Path::new("live/120p")).has_given(&segment_name(5)), "it joins");
    }
}
