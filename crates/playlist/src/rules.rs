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
//!  check_parts         a low-latency playlist and the bytes of its parts
//!  check_delta         a delta update and the whole playlist
//!  check_reload        what a server makes of a blocking reload, and of a request for a hinted part
//!  check_renditions    a multivariant playlist and those that it lists
//!  check_clocks        dates and time stamps of those that a multivariant playlist lists
//!  check_bandwidth     a multivariant playlist and the bit rates of those that it lists
//!  check_missing       what a playlist names and is not there
//!  check_http          an answer of a server
//!  check_removal       a segment that has left the playlist
//! ```
//!
//! Severity is the word of the source; Apple's specification says MUST of more than the RFC does. Four rules ask less than
//! their source, as players cope and much that plays well would be failed: six segments (Apple 8.11), continuity counters that
//! begin again with a segment (RFC 8216 3), the pace of parts (bis-22 6.2.1), and parts of a segment with EXT-X-GAP that have
//! media (bis-22 6.2.1): those that were listed before it was lost have to stay as they are.
//!
//! Left out on purpose:
//! - what a stream of short segments breaks by design: segments of 6 s (Apple 7.5), a window of 15 minutes (Apple 8.12);
//! - what one variant alone breaks by being alone: two bit rates (Apple 9.9), I-frame playlists (Apple 6.1);
//! - a version that comes sooner than half a target duration after the one before (RFC 8216 6.2.1): bis-22 no longer
//!   forbids it, and a writer that catches up after an outage has to;
//! - EXTINF above the target duration by less than rounding in a version below 6: RFC 8216 4.3.3.1 rounds in all;
//! - what only the encoder knows: the same encoded sound in all variants (RFC 8216 6.2.4), a change of frame rate (Apple
//!   8.14) where pictures do not come evenly;
//! - that media sequence numbers agree between playlists: RFC 8216 4.3.3.2 has players not rely on it;
//! - Expires on segments (RFC 8216 6.2.2 SHOULD): it is of use to caches only, and a server that has its segments asked
//!   for anew each time does without;
//! - PART-TARGET against the round trip (Apple 14.2), a window of two minutes and more without delta updates (Apple 14.4 SHOULD):
//!   the one is the viewer's network, the other a matter of size.

mod alignment;
mod bandwidth;
mod clocks;
mod continuity;
mod date_ranges;
mod dates;
mod deltas;
mod facts;
mod http;
mod media;
mod missing;
mod multivariant;
mod part_segments;
mod part_updates;
mod parts;
mod playlist;
mod reloads;
mod renditions;
mod reports;
mod segments;
mod server_control;
mod tags;
mod update;
mod version;

use std::fmt;

pub use bandwidth::{MeasuredRendition, check_bandwidth};
pub use clocks::{RenditionClock, check_clocks};
pub use deltas::check_delta;
pub use facts::{Container, CounterFacts, SegmentFacts};
pub use http::{HttpAnswer, Kind, Removal, check_http, check_removal};
pub use missing::{Named, check_missing};
pub use part_segments::check_parts;
pub use playlist::{check_media_playlist, check_playlist};
pub use reloads::{Asked, check_reload};
pub use renditions::{RenditionText, check_renditions};
pub use segments::check_segments;
pub use update::{Version, check_edit, check_update};

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

/// Collects what is found in one playlist.
struct Findings<'a> {
    name: &'a str,
    found: Vec<Finding>,
}

impl<'a> Findings<'a> {
    fn new(name: &'a str) -> Self {
        Self { name, found: Vec::new() }
    }

    /// About the playlist as a whole.
    fn whole(&mut self, rule: &'static Rule, seen: impl Into<String>, expected: impl Into<String>) {
        self.push(rule, self.name.to_owned(), seen, expected);
    }

    /// About a line that stays where it is while the window slides.
    fn line(
        &mut self,
        rule: &'static Rule,
        line: usize,
        seen: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.push(rule, format!("{} line {line}", self.name), seen, expected);
    }

    /// About a segment, wherever its line is by now.
    fn segment(
        &mut self,
        rule: &'static Rule,
        uri: &str,
        seen: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.push(rule, format!("{}: {uri}", self.name), seen, expected);
    }

    fn push(
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
fn excerpt(line: &str) -> String {
    line.chars().take(60).collect()
}

/// All rules; no two have the same id.
pub const RULES: &[&Rule] = &[
    &playlist::EXTM3U_FIRST,
    &playlist::FORBIDDEN_CHARACTER,
    &tags::BAD_VALUE,
    &tags::TAG_REPEATED,
    &tags::TAGS_MIXED,
    &tags::ATTRIBUTE_MISSING,
    &tags::ATTRIBUTE_REPEATED,
    &version::VERSION_TOO_LOW,
    &version::VERSION_TOO_HIGH,
    &media::TARGET_DURATION_MISSING,
    &media::EXTINF_OVER_TARGET,
    &media::EXTINF_MISSING,
    &media::EXTINF_WHOLE_SECONDS,
    &media::PLAYLIST_CUT,
    &media::MEDIA_SEQUENCE_LATE,
    &media::DISCONTINUITY_SEQUENCE_LATE,
    &media::DISCONTINUITY_SEQUENCE_MISSING,
    &media::BYTERANGE_NOWHERE,
    &media::START_AT_THE_LIVE_EDGE,
    &media::VOD_NOT_ENDED,
    &dates::DATE_MISSING,
    &dates::DATE_MISSING_AFTER_DISCONTINUITY,
    &dates::DATE_IMPRECISE,
    &dates::DATE_AMBIGUOUS,
    &dates::DATE_GAP,
    &date_ranges::DATE_RANGE_WITHOUT_DATES,
    &date_ranges::DATE_RANGE_CONTRADICTS,
    &date_ranges::DATE_RANGE_LEFT_EARLY,
    &date_ranges::DATE_RANGE_ID_REUSED,
    &multivariant::VARIANT_WITHOUT_URI,
    &multivariant::URI_WITHOUT_VARIANT,
    &multivariant::CODECS_MISSING,
    &multivariant::RESOLUTION_MISSING,
    &multivariant::FRAME_RATE_MISSING,
    &multivariant::AVERAGE_BANDWIDTH_MISSING,
    &multivariant::LANGUAGE_MISSING,
    &multivariant::GROUP_UNDEFINED,
    &multivariant::RENDITION_NAME_REPEATED,
    &multivariant::RENDITION_DEFAULT_REPEATED,
    &renditions::RENDITIONS_TARGET_DIFFERS,
    &renditions::RENDITIONS_TYPE_DIFFERS,
    &renditions::RENDITIONS_DATES_MISSING,
    &renditions::RENDITIONS_NOT_INDEPENDENT,
    &renditions::RENDITIONS_APART,
    &alignment::RENDITIONS_DISCONTINUITIES_DIFFER,
    &alignment::RENDITIONS_BORDERS_DIFFER,
    &clocks::RENDITIONS_CLOCKS_DIFFER,
    &bandwidth::BANDWIDTH_BELOW_PEAK,
    &bandwidth::PEAK_OVER_BANDWIDTH,
    &bandwidth::AVERAGE_BANDWIDTH_OFF,
    &bandwidth::AVERAGE_OVER_BANDWIDTH,
    &bandwidth::AVERAGE_OVER_BANDWIDTH_SO_FAR,
    &missing::PLAYLIST_NOT_THERE,
    &missing::MAP_NOT_THERE,
    &missing::KEY_NOT_THERE,
    &update::TARGET_DURATION_CHANGED,
    &update::HEADER_CHANGED,
    &update::MEDIA_SEQUENCE_WENT_BACK,
    &update::MEDIA_SEQUENCE_NOT_COUNTED,
    &update::SEGMENT_CHANGED,
    &update::SEGMENT_TAKEN_FROM_THE_END,
    &update::DISCONTINUITY_SEQUENCE_WENT_BACK,
    &update::DISCONTINUITY_SEQUENCE_NOT_COUNTED,
    &update::WINDOW_BELOW_THREE_TARGETS,
    &update::WINDOW_BELOW_SIX_SEGMENTS,
    &update::PLAYLIST_TYPE_BROKEN,
    &update::CHANGED_AFTER_END,
    &update::UPDATE_LATE,
    &segments::SEGMENT_UNREADABLE,
    &segments::MAP_MISSING,
    &segments::TABLES_NOT_FIRST,
    &segments::INDEPENDENT_SEGMENTS_UNTRUE,
    &segments::KEYFRAME_NOT_FIRST,
    &segments::COUNTER_BREAK_INSIDE,
    &segments::COUNTER_BREAK_BETWEEN,
    &segments::TIMELINE_BREAK,
    &segments::STREAMS_CHANGE,
    &segments::DISCONTINUITY_NEEDLESS,
    &segments::SEVERAL_AUDIO_STREAMS,
    &segments::KEYFRAMES_FAR_APART,
    &segments::HEVC_IN_TS,
    &segments::EXTINF_OFF,
    &segments::EXTINF_DRIFTS,
    &segments::DATE_DRIFTS,
    &parts::PART_TARGET_MISSING,
    &parts::PART_OVER_TARGET,
    &parts::PART_SHORT,
    &parts::PARTS_OFF_SEGMENT,
    &parts::PART_FAR_FROM_END,
    &parts::SEGMENT_TAG_BEHIND_PART,
    &parts::GAP_WITHOUT_NEED,
    &server_control::PART_HOLD_BACK_MISSING,
    &server_control::PART_HOLD_BACK_LOW,
    &server_control::PART_HOLD_BACK_BELOW_THREE,
    &server_control::HOLD_BACK_LOW,
    &server_control::SKIP_UNTIL_LOW,
    &server_control::BLOCKING_RELOAD_MISSING,
    &server_control::HINT_MISSING,
    &server_control::HINT_REPEATED,
    &server_control::HINT_AFTER_END,
    &server_control::SKIP_UNASKED,
    &part_updates::PART_TARGET_CHANGED,
    &part_updates::SERVER_CONTROL_CHANGED,
    &part_updates::PART_CHANGED,
    &part_updates::PART_LEFT_EARLY,
    &part_updates::HINT_UNTRUE,
    &part_updates::PART_LATE,
    &part_segments::PART_UNREADABLE,
    &part_segments::INDEPENDENT_UNTRUE,
    &part_segments::INDEPENDENT_UNSAID,
    &part_segments::PART_WITHOUT_SETUP,
    &part_segments::PARTS_NOT_THE_SEGMENT,
    &deltas::DELTA_MISSING,
    &deltas::DELTA_SKIPS_TOO_MUCH,
    &deltas::DELTA_DIFFERS,
    &reloads::RELOAD_NOT_HELD,
    &reloads::RELOAD_REFUSED,
    &reloads::PART_ALONE_ANSWERED,
    &reloads::FAR_AHEAD_ANSWERED,
    &reloads::HINT_REFUSED,
    &reports::REPORT_MISSING,
    &reports::REPORT_OFF,
    &reports::CONTROL_DIFFERS,
    &http::STATUS,
    &http::REDIRECTED,
    &http::PLAYLIST_UNIDENTIFIED,
    &http::PLAYLIST_TYPE,
    &http::SEGMENT_TYPE,
    &http::PLAYLIST_NOT_GZIP,
    &http::PLAYLIST_STALE_IN_CACHES,
    &http::PLAYLIST_KEPT_LONG,
    &http::CACHING_UNSAID,
    &http::LAST_MODIFIED_STALE,
    &http::CORS_MISSING,
    &http::REMOVED_TOO_EARLY,
];
