//! The clocks of the playlists of a presentation: the same date and the same time stamp belong together in all.

use crate::rules::finding::{Finding, Findings};
use crate::rules::rule::{Rule, must};
use crate::rules::times::{distance_s, unix_s};
use crate::rules::tolerances::DATE_DRIFT_S;

use std::collections::HashMap;

use jiff::Timestamp;

pub(crate) static RENDITIONS_CLOCKS_DIFFER: Rule = must(
    "renditions-clocks-differ",
    "RFC 8216 6.2.4",
    "Dates and time stamps belong together in the same way in all playlists of a presentation.",
);

/// What one segment of a playlist says of the time.
#[derive(Debug, Clone, Copy)]
pub struct RenditionClock<'a> {
    /// Of the playlist, such as `low/stream.m3u8`.
    pub name: &'a str,
    /// Of the segment: time stamps begin anew with each.
    pub discontinuity_sequence: u64,
    /// Its EXT-X-PROGRAM-DATE-TIME.
    pub date: Timestamp,
    /// Its first time stamp, 33 bits.
    pub start_90k: u64,
}

/// Holds the clocks of playlists to one another: those that are at the same discontinuity.
#[must_use]
pub fn check_clocks(name: &str, clocks: &[RenditionClock<'_>]) -> Vec<Finding> {
    let mut findings = Findings::new(name);
    let mut firsts: HashMap<u64, &RenditionClock<'_>> = HashMap::new();
    for clock in clocks {
        let first = *firsts.entry(clock.discontinuity_sequence).or_insert(clock);
        let by_date_s = unix_s(clock.date) - unix_s(first.date);
        let apart_s = by_date_s - distance_s(first.start_90k, clock.start_90k);
        if apart_s.abs() >= DATE_DRIFT_S {
            let seen = format!("dates that are off by {apart_s:.3} s from those of {}", first.name);
            findings.push(&RENDITIONS_CLOCKS_DIFFER, clock.name.to_owned(), seen, "less than 1 s");
        }
    }
    findings.found
}
