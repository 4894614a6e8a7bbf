//! Other names: the names that listed files have besides. A file is one segment, and goes as one. Pure.
//!
//! In: names that lead to one file. Out: what goes with a listed name.

use crate::publish::Publication;
use std::collections::{BTreeMap, BTreeSet};

/// The other names of files that are listed, or wait for their turn.
#[derive(Debug, Default)]
pub(crate) struct OtherNames(BTreeMap<String, BTreeSet<String>>);

impl OtherNames {
    /// `other` leads to the file that is listed as `first`, or waits as that.
    pub(crate) fn add(&mut self, first: &str, other: &str) {
        self.0.entry(first.to_owned()).or_default().insert(other.to_owned());
    }

    /// The names that a file had besides this one when they came.
    pub(crate) fn of(&self, first: &str) -> impl Iterator<Item = &String> {
        self.0.get(first).into_iter().flatten()
    }

    /// The file leaves this name. Gives its others.
    pub(crate) fn take(&mut self, first: &str) -> BTreeSet<String> {
        self.0.remove(first).unwrap_or_default()
    }

    /// This name leads to another file now, or to none.
    pub(crate) fn forget(&mut self, other: &str) {
        self.0.retain(|_, others| {
            others.remove(other);
            !others.is_empty()
        });
    }
}

impl Publication {
    /// `other` leads to the file that is listed as `first`, or was: it goes when that goes.
    pub(crate) fn note_other_name(&mut self, first: &str, other: &str) {
        if !self.retention.keep_with(other, first) {
            self.other_names.add(first, other);
        }
    }

    /// A file is no longer what was listed under this name. Its other names go as if it had left the playlist now.
    pub(crate) fn leave_other_names(&mut self, first: &str) {
        let others = self.other_names.take(first);
        if self.settings.keep {
            return;
        }
        let grace_90k = self.timeline.longest_duration_90k();
        for other in others {
            self.retention.keep(&other, self.world.now(), grace_90k);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &OtherNames, first: &str, expected: &[&str]) {
        assert_eq!(names.of(first).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn other_names_go_with_the_first_one() {
        let mut names = OtherNames::default();
        for (first, other) in [("a", "b"), ("a", "c"), ("a", "c"), ("x", "y")] {
            names.add(first, other);
        }
        check(&names, "a", &["b", "c"]);
        names.forget("b");
        names.forget("y");
        check(&names, "a", &["c"]);
        check(&names, "x", &[]);
        assert_eq!(names.take("a"), ["c".to_owned()].into());
        check(&names, "a", &[]);
    }
}
