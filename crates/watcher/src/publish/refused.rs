//! Refused: the files that were complained of and are still there, so that each of them is told and counted once, however
//! often events tell of it. Pure.
//!
//! In: names, and stamps as files are refused. Out: whether that is news. Memory is bounded: beyond that, files are told again.

use livedir_layout::directory::stamp::Stamp;
use std::{collections::BTreeMap, time::Duration};

/// An encoder of nothing but refused files has the oldest of them in its window still.
const MOST_NAMES: usize = 1_000;

/// A writer that closes its file and goes on with it does so within this time. After it, an encoder has come round to the
/// same name again.
const GOES_ON_WITHIN: Duration = Duration::from_secs(10);

/// Files that were refused.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    as_they_were: BTreeMap<String, Stamp>,
}

impl Refused {
    /// Whether the file of this name was refused.
    pub(crate) fn has(&self, name: &str) -> bool {
        !self.as_they_were.is_empty() && self.as_they_were.contains_key(name)
    }

    /// Whether the file of this name was refused with these very bytes.
    pub(crate) fn has_as(&self, name: &str, stamp: &Stamp) -> bool {
        !self.as_they_were.is_empty()
            && self.as_they_were.get(name).is_some_and(|before| !stamp.is_rewritten_since(before))
    }

    /// Whether a file was refused with these very bytes, under whatever name.
    pub(crate) fn has_contents(&self, stamp: &Stamp) -> bool {
        self.as_they_were.values().any(|before| !stamp.is_rewritten_since(before))
    }

    /// A file is refused. Says whether it is another one than was refused under its name before.
    pub(crate) fn take(&mut self, name: &str, stamp: Stamp) -> bool {
        if let Some(before) = self.as_they_were.get_mut(name) {
            let goes_on = stamp.is_continued_since(before)
                && stamp
                    .modified_at
                    .duration_since(before.modified_at)
                    .is_ok_and(|passed| passed <= GOES_ON_WITHIN);
            *before = stamp;
            return !goes_on;
        }
        if self.as_they_were.len() < MOST_NAMES {
            self.as_they_were.insert(name.to_owned(), stamp);
        }
        true
    }

    /// The file is gone, or is listed after all.
    pub(crate) fn forget(&mut self, name: &str) {
        if !self.as_they_were.is_empty() {
            self.as_they_were.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::stamp;

    #[test]
    fn a_file_is_told_once_also_when_it_grows() {
        let mut refused = Refused::default();
        assert!(!refused.has_as("a.ts", &stamp(100, 1, 1)));
        assert!(refused.take("a.ts", stamp(100, 1, 1)));
        assert!(refused.has_as("a.ts", &stamp(100, 1, 9)), "it was renamed or linked");
        assert!(!refused.has_as("a.ts", &stamp(200, 2, 2)), "it may be good now");
        assert!(!refused.take("a.ts", stamp(200, 2, 2)));
        assert!(refused.take("b.ts", stamp(100, 1, 1)));
    }

    #[test]
    fn another_file_under_the_same_name_is_told_anew() {
        let mut refused = Refused::default();
        assert!(refused.take("a.ts", stamp(100, 1, 1)));
        assert!(refused.take("a.ts", stamp(50, 2, 2)), "it is shorter");
        assert!(refused.take("a.ts", stamp(60, 30, 30)), "it comes much later");
        refused.forget("a.ts");
        assert!(refused.take("a.ts", stamp(60, 30, 30)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut refused = Refused::default();
        for number in 0..3 * MOST_NAMES {
            assert!(refused.take(&format!("{number}.ts"), stamp(100, 1, 1)));
        }
        assert_eq!(refused.as_they_were.len(), MOST_NAMES);
    }
}
