//! Numbers: those that the publisher of this run has given to segments and parts. A file with another number is a stranger's,
//! whatever its name says.
//!
//! In: numbers, from the segment threads, each before its file appears. Out: whether a name is ours, for the watcher's thread.

use crate::segment_name::{number_of_name, part_of_name};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// The numbers that were given. All renditions of a stream share them.
#[derive(Debug, Clone)]
pub struct Numbers(Arc<Given>);

#[derive(Debug)]
struct Given {
    /// Of no segment yet that has this number or a larger one.
    segments_until: AtomicU64,
    /// The same for parts, as [`key`] has it.
    parts_until: AtomicU64,
}

impl Numbers {
    /// Every number is ours: before a run has given any, the directory tells.
    #[must_use]
    pub fn any() -> Self {
        Self(Arc::new(Given {
            segments_until: AtomicU64::new(u64::MAX),
            parts_until: AtomicU64::new(u64::MAX),
        }))
    }

    /// A run begins, whose first segment will have this number.
    pub fn begin(&self, next: u64) {
        self.0.segments_until.store(next, Ordering::SeqCst);
        self.0.parts_until.store(key(next, 0), Ordering::SeqCst);
    }

    /// A segment gets this number.
    pub fn give(&self, number: u64) {
        self.0.segments_until.fetch_max(number.saturating_add(1), Ordering::SeqCst);
    }

    /// A part of segment `number` gets this number.
    pub fn give_part(&self, number: u64, part: u32) {
        self.0.parts_until.fetch_max(key(number, part).saturating_add(1), Ordering::SeqCst);
    }

    /// Whether a name with such a number was given.
    #[must_use]
    pub fn has_given(&self, name: &str) -> bool {
        match (number_of_name(name), part_of_name(name)) {
            (Some(number), _) => number < self.0.segments_until.load(Ordering::SeqCst),
            (None, Some((number, part))) => key(number, part) < self.0.parts_until.load(Ordering::SeqCst),
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
    use crate::segment_name::{part_name, segment_name};

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
}
