//! One playlist alone: what its text says by itself.

use super::Finding;

/// Holds one playlist, media or multivariant, live or ended, to the rules. `name` is for the findings.
#[must_use]
pub fn check_playlist(_name: &str, _text: &str) -> Vec<Finding> {
    Vec::new()
}
