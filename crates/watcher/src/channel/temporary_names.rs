//! Temporary names: those that a writer gives a file until it is complete. Pure.
//!
//! In: names that were given up for others. Out: whether a writer that closes a file under this name is about to rename it.

use std::collections::VecDeque;

/// A writer has one name for the file that it is at, or a few for those that it writes at once.
const MOST: usize = 16;

/// Names that were given up for others.
#[derive(Debug, Default)]
pub(crate) struct TemporaryNames(VecDeque<String>);

impl TemporaryNames {
    /// A file has lost this name for another one.
    pub(crate) fn note(&mut self, name: &str) {
        if self.has(name) {
            return;
        }
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(name.to_owned());
    }

    /// Whether a file has lost this name for another one before.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|it| it == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_names_are_remembered() {
        let mut names = TemporaryNames::default();
        for number in 0..=MOST {
            names.note(&number.to_string());
            names.note(&number.to_string());
        }
        assert!(!names.has("0"));
        assert!(names.has("1") && names.has(&MOST.to_string()));
    }
}
