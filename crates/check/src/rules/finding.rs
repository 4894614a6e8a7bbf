//! A finding: where a stream breaks a rule, what is there and what should be.

use std::fmt;

use crate::rules::rule::Rule;

/// A place where a rule is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// Such as `stream.m3u8 line 12`, `live/seg-00000042.ts` or `GET /stream.m3u8`.
    pub at: String,
    /// What is there.
    pub seen: String,
    /// What should be.
    pub expected: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rule { id, section, severity, .. } = self.rule;
        write!(out, "{severity} {id} ({section}) {}: {}; expected {}", self.at, self.seen, self.expected)
    }
}

/// Collects what is found in one playlist.
pub(crate) struct Findings<'a> {
    /// Of the playlist.
    pub(crate) name: &'a str,
    /// In the order of the text.
    pub(crate) found: Vec<Finding>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(name: &'a str) -> Self {
        Self { name, found: Vec::new() }
    }

    /// About the playlist as a whole.
    pub(crate) fn whole(
        &mut self,
        rule: &'static Rule,
        seen: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.push(rule, self.name.to_owned(), seen, expected);
    }

    /// About a line that stays where it is while the window slides.
    pub(crate) fn line(
        &mut self,
        rule: &'static Rule,
        line: usize,
        seen: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.push(rule, format!("{} line {line}", self.name), seen, expected);
    }

    /// About a segment, wherever its line is by now.
    pub(crate) fn segment(
        &mut self,
        rule: &'static Rule,
        uri: &str,
        seen: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.push(rule, format!("{}: {uri}", self.name), seen, expected);
    }

    pub(crate) fn push(
        &mut self,
        rule: &'static Rule,
        at: String,
        seen: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.found.push(Finding { rule, at, seen: seen.into(), expected: expected.into() });
    }
}

/// As much of a line as a message can take.
pub(crate) fn excerpt(line: &str) -> String {
    line.chars().take(60).collect()
}
