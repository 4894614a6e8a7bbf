//! Two versions of a media playlist: only lawful edits, and in time.

use super::Finding;

/// A playlist as it was at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    /// Its text.
    pub text: &'a str,
    /// When the look began that found it first, monotonic seconds.
    pub seen_at_s: f64,
    /// When the last look began that did not find it yet: it came between then and `seen_at_s`. The same as
    /// `seen_at_s` when there was none.
    pub not_before_s: f64,
}

/// Holds a version to the one before it. With the same text twice, `after` is the last look at it: it asks only whether
/// a new version is overdue.
#[must_use]
pub fn check_update(_name: &str, _before: &Version<'_>, _after: &Version<'_>) -> Vec<Finding> {
    Vec::new()
}
