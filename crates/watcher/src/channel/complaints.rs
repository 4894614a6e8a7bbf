//! Complaints: names and errors that the log has been told of, so that it is told once. Pure.

use std::collections::BTreeSet;

/// So many are remembered. Nothing is told after them.
const MOST: usize = 1_000;

/// What was complained of.
#[derive(Debug, Default)]
pub(crate) struct Complaints(BTreeSet<String>);

impl Complaints {
    /// Whether this was told.
    pub(crate) fn has(&self, of: &str) -> bool {
        self.0.contains(of)
    }

    /// Remembers a name or an error. Says whether it is new.
    pub(crate) fn note(&mut self, of: &str) -> bool {
        self.0.len() < MOST && self.0.insert(of.to_owned())
    }
}
