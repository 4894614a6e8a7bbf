//! A rule: what is asked of a stream, by whom, and how much.

use std::fmt;

/// How much a rule asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The source says MUST, REQUIRED or MUST NOT.
    Must,
    /// The source says SHOULD or SHOULD NOT.
    Should,
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Severity::Must => "MUST",
            Severity::Should => "SHOULD",
        })
    }
}

/// One thing that is asked of a stream.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Such as `extinf-over-target`.
    pub id: &'static str,
    /// Such as `RFC 8216 4.3.3.1`, `bis-22 6.2.2` or `Apple 8.4`.
    pub section: &'static str,
    /// How much it asks.
    pub severity: Severity,
    /// What it asks.
    pub sentence: &'static str,
}

pub(crate) const fn must(id: &'static str, section: &'static str, sentence: &'static str) -> Rule {
    Rule { id, section, severity: Severity::Must, sentence }
}

pub(crate) const fn should(id: &'static str, section: &'static str, sentence: &'static str) -> Rule {
    Rule { id, section, severity: Severity::Should, sentence }
}
