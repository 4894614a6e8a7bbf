//! Unfinished: files that are being written under their final names, and when they can be taken for complete where nobody
//! says so. Pure; time and stamps are arguments.
//!
//! In: names that have begun, and their stamps from time to time. Out: the names that are complete.

use livedir_layout::directory::stamp::Stamp;
use livedir_layout::natural_order::Natural;
use livedir_media::may_be_whole;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// A file that has not grown for this long, and ends with a whole packet, is complete. An encoder of 100 kb/s that writes
/// in blocks of 32 KB pauses longer, but one block in 47 alone ends with a whole packet.
const RESTED: Duration = Duration::from_secs(2);

/// A file that has not grown for this long is not written any more, whole or not.
const GIVEN_UP: Duration = Duration::from_secs(5);

/// What is known of a file that is being written.
#[derive(Debug, Clone)]
struct Growing {
    stamp: Stamp,
    unchanged_since: Instant,
    seen_since: Instant,
    /// The system will tell when its writer closes it.
    is_open: bool,
    /// Its writer is about to rename it.
    awaits_name: bool,
}

/// The files that are being written.
#[derive(Debug, Default)]
pub(crate) struct Unfinished {
    files: BTreeMap<Natural, Growing>,
}

impl Unfinished {
    /// A file has begun, or is there. `is_open`: the system will tell when it is closed, and it counts until then.
    pub(crate) fn begun(&mut self, name: &str, stamp: Stamp, is_open: bool, now: Instant) {
        let growing = Growing { stamp, unchanged_since: now, seen_since: now, is_open, awaits_name: false };
        self.files.entry(Natural(name.to_owned())).or_insert(growing);
    }

    /// A file lies there that nobody has written to since then.
    pub(crate) fn rests(&mut self, name: &str, stamp: Stamp, unchanged_since: Instant) {
        let growing = Growing {
            stamp,
            unchanged_since,
            seen_since: unchanged_since,
            is_open: false,
            awaits_name: false,
        };
        self.files.entry(Natural(name.to_owned())).or_insert(growing);
    }

    /// Events were lost: nobody may tell when those that are open are closed.
    pub(crate) fn nobody_tells(&mut self, now: Instant) {
        for file in self.files.values_mut().filter(|file| file.is_open) {
            (file.is_open, file.unchanged_since) = (false, now);
        }
    }

    /// The writer has closed it in the middle of a packet, or before the first: perhaps it goes on later.
    pub(crate) fn closed_early(&mut self, name: &str, stamp: Stamp, now: Instant) {
        let growing =
            Growing { stamp, unchanged_since: now, seen_since: now, is_open: false, awaits_name: false };
        self.files.insert(Natural(name.to_owned()), growing);
    }

    /// The writer has closed it, and has renamed what it closed under this name before.
    pub(crate) fn awaits_name(&mut self, name: &str, stamp: Stamp, now: Instant) {
        let growing =
            Growing { stamp, unchanged_since: now, seen_since: now, is_open: false, awaits_name: true };
        self.files.insert(Natural(name.to_owned()), growing);
    }

    pub(crate) fn forget(&mut self, name: &str) {
        if !self.files.is_empty() {
            self.files.remove(&Natural(name.to_owned()));
        }
    }

    pub(crate) fn holds(&self, name: &str) -> bool {
        !self.files.is_empty() && self.files.contains_key(&Natural(name.to_owned()))
    }

    /// Those to be looked at from time to time.
    pub(crate) fn to_look_at(&self) -> Vec<String> {
        self.files.iter().filter(|(_, file)| !file.is_open).map(|(name, _)| name.0.clone()).collect()
    }

    /// All of them, in natural order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.files.keys().map(|name| name.0.clone()).collect()
    }

    /// Those that are whole and were written before a file with this stamp: their writer has gone on to that one.
    pub(crate) fn overtaken_by(&self, next: &Stamp) -> Vec<String> {
        let is_overtaken = |file: &Growing| {
            !file.is_open && is_whole(&file.stamp) && file.stamp.modified_at < next.modified_at
        };
        self.files.iter().filter(|(_, file)| is_overtaken(file)).map(|(name, _)| name.0.clone()).collect()
    }

    /// Whether there is any to be looked at.
    pub(crate) fn is_waiting(&self) -> bool {
        self.files.values().any(|file| !file.is_open)
    }

    /// What a look at a file found.
    pub(crate) fn looked(&mut self, name: &str, stamp: Stamp, now: Instant) {
        if let Some(file) = self.files.get_mut(&Natural(name.to_owned()))
            && file.stamp != stamp
        {
            file.stamp = stamp;
            file.unchanged_since = now;
        }
    }

    /// Takes out what is complete, in natural order. Those that are given up are among them: their bytes say what is wrong.
    pub(crate) fn complete(&mut self, now: Instant) -> Vec<String> {
        let complete: Vec<_> = self
            .files
            .iter()
            .filter(|(name, file)| !file.is_open && self.is_complete(name, file, now))
            .map(|(name, _)| name.clone())
            .collect();
        for name in &complete {
            self.files.remove(name);
        }
        complete.into_iter().map(|name| name.0).collect()
    }

    fn is_complete(&self, name: &Natural, file: &Growing, now: Instant) -> bool {
        let rested = now.saturating_duration_since(file.unchanged_since);
        if !is_whole(&file.stamp) {
            return rested >= GIVEN_UP;
        }
        if file.awaits_name {
            return rested >= RESTED;
        }
        let next_has_begun = || {
            self.files.iter().any(|(other, it)| {
                other != name
                    && it.seen_since >= file.seen_since
                    && it.stamp.modified_at > file.stamp.modified_at
            })
        };
        // Seen twice with the same size: a writer may begin the next before the last block of this one is out.
        file.stamp.was_finished_off() || rested >= RESTED || (!rested.is_zero() && next_has_begun())
    }
}

/// Whether it ends with a whole packet.
pub(crate) fn is_whole(stamp: &Stamp) -> bool {
    may_be_whole(stamp.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::stamp;

    const WHOLE: u64 = 100 * 188;
    const TICK: Duration = Duration::from_millis(200);

    #[test]
    fn a_file_that_grows_is_not_complete_and_one_that_rests_is() {
        let (mut files, start) = (Unfinished::default(), Instant::now());
        files.begun("a.ts", stamp(WHOLE, 1, 1), false, start);
        files.looked("a.ts", stamp(2 * WHOLE, 2, 2), start + RESTED / 2);
        assert_eq!(files.complete(start + RESTED), [""; 0]);
        assert_eq!(files.complete(start + RESTED / 2 + RESTED), ["a.ts"]);
        assert!(!files.holds("a.ts"));
    }

    #[test]
    fn a_file_that_rests_in_the_middle_of_a_packet_is_given_up_late() {
        let (mut files, start) = (Unfinished::default(), Instant::now());
        files.begun("a.ts", stamp(WHOLE + 1, 1, 1), false, start);
        files.begun("empty.ts", stamp(0, 1, 1), false, start);
        assert_eq!(files.complete(start + RESTED), [""; 0]);
        assert_eq!(files.complete(start + GIVEN_UP), ["a.ts", "empty.ts"]);
    }

    #[test]
    fn a_file_is_complete_when_the_next_one_has_begun() {
        let (mut files, start) = (Unfinished::default(), Instant::now());
        files.begun("a.ts", stamp(WHOLE, 1, 1), false, start);
        files.begun("b.ts", stamp(WHOLE, 2, 2), false, start + TICK);
        assert_eq!(files.complete(start + TICK), ["a.ts"]);
    }

    #[test]
    fn a_file_is_overtaken_by_one_that_was_written_later() {
        let (mut files, start) = (Unfinished::default(), Instant::now());
        files.begun("a.ts", stamp(WHOLE, 1, 1), false, start);
        files.begun("b.ts", stamp(WHOLE + 1, 1, 1), false, start);
        files.begun("c.ts", stamp(WHOLE, 1, 1), true, start);
        assert_eq!(files.overtaken_by(&stamp(WHOLE, 1, 1)), [""; 0]);
        assert_eq!(files.overtaken_by(&stamp(WHOLE, 2, 2)), ["a.ts"]);
    }

    #[test]
    fn a_file_that_was_renamed_is_complete_at_once() {
        let (mut files, start) = (Unfinished::default(), Instant::now());
        files.begun("a.ts", stamp(WHOLE, 1, 2), false, start);
        assert_eq!(files.complete(start), ["a.ts"]);
    }

    #[test]
    fn a_file_that_awaits_its_name_is_complete_when_it_has_rested_and_not_before() {
        let (mut files, start) = (Unfinished::default(), Instant::now());
        files.awaits_name("a.ts", stamp(WHOLE, 1, 2), start);
        files.begun("b.ts", stamp(WHOLE, 3, 3), true, start + TICK);
        assert_eq!(files.complete(start + TICK), [""; 0]);
        assert_eq!(files.complete(start + RESTED), ["a.ts"]);
    }

    #[test]
    fn an_open_file_waits_for_its_close_however_long() {
        let (mut files, start) = (Unfinished::default(), Instant::now());
        files.begun("a.ts", stamp(WHOLE, 1, 1), true, start);
        assert!(!files.is_waiting());
        assert_eq!(files.complete(start + 100 * GIVEN_UP), [""; 0]);
        files.closed_early("a.ts", stamp(WHOLE + 1, 2, 2), start + TICK);
        assert_eq!(files.to_look_at(), ["a.ts"]);
        assert_eq!(files.complete(start + TICK + GIVEN_UP), ["a.ts"]);
    }
}
