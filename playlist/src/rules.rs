//! The rules of a live stream: what each asks, and what breaks it.
//!
//! In: texts of playlists, what is true of segments, answers of a server; all that has to do with files, sockets and
//! clocks is the caller's. Out: [`Finding`]s, in the order of the text. No thread. No input makes it fail, and work and
//! memory grow with the length of the input.
//!
//! ```text
//!  check_playlist      one playlist, media or multivariant, alone
//!  check_update        two versions of a media playlist, one after the other
//!  check_segments      a media playlist and the bytes of its segments
//!  check_renditions    a multivariant playlist and those that it lists
//!  check_http          an answer of a server
//!  check_removal       a segment that has left the playlist
//! ```
//!
//! Left out on purpose:
//! - what a stream of short segments breaks by design: segments of 6 s (Apple 7.5), a window of 15 minutes (Apple 8.12);
//! - what one variant alone breaks by being alone: two bit rates (Apple 9.9), I-frame playlists (Apple 6.1);
//! - a version that comes sooner than half a target duration after the one before (RFC 8216 6.2.1): bis-22 no longer
//!   forbids it, and a writer that catches up after an outage has to;
//! - EXTINF above the target duration by less than rounding in a version below 6: RFC 8216 4.3.3.1 rounds in all;
//! - Expires on segments (RFC 8216 6.2.2 SHOULD): it is of use to caches only, and a server that has its segments asked
//!   for anew each time does without.

mod facts;
mod http;
mod media;
mod multivariant;
mod playlist;
mod segments;
mod update;

use std::fmt;

pub use facts::{Container, CounterFacts, SegmentFacts};
pub use http::{HttpAnswer, Kind, Removal, check_http, check_removal};
pub use multivariant::{RenditionText, check_renditions};
pub use playlist::check_playlist;
pub use segments::check_segments;
pub use update::{Version, check_update};

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

const fn must(id: &'static str, section: &'static str, sentence: &'static str) -> Rule {
    Rule { id, section, severity: Severity::Must, sentence }
}

const fn should(id: &'static str, section: &'static str, sentence: &'static str) -> Rule {
    Rule { id, section, severity: Severity::Should, sentence }
}

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

/// All rules; no two have the same id.
pub const RULES: &[&Rule] = &[];
