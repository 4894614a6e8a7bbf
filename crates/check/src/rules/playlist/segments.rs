//! A media playlist and its segments: whether it says of them what is true.

use std::collections::HashMap;

use super::continuity::{Interruption, Run, break_between};
use super::foreign::check_foreign;
use crate::rules::facts::SegmentFacts;
use crate::rules::finding::{Finding, Findings};
use crate::rules::rule::{Rule, must, should};
use crate::rules::tolerances::{FALLBACK_FRAME_S, ROUNDING_S};
use livedir_media::Container;
use livedir_media::VideoCodec;
use livedir_playlist::{ListedSegment, Listing, MediaListing, read_listing};

pub(crate) static SEGMENT_UNREADABLE: Rule = must(
    "segment-unreadable",
    "RFC 8216 6.2.1",
    "A segment is there, complete and playable, from the moment it is listed.",
);
pub(crate) static MAP_MISSING: Rule =
    must("map-missing", "RFC 8216 3.3", "Fragmented MP4 has EXT-X-MAP with what a decoder needs first.");
pub(crate) static TABLES_NOT_FIRST: Rule = should(
    "tables-not-first",
    "RFC 8216 3.2",
    "PAT and PMT are the first packets of an MPEG-TS segment without EXT-X-MAP.",
);
pub(crate) static INDEPENDENT_SEGMENTS_UNTRUE: Rule = must(
    "independent-segments-untrue",
    "RFC 8216 4.3.5.1",
    "With EXT-X-INDEPENDENT-SEGMENTS each segment can be decoded without any other.",
);
pub(crate) static KEYFRAME_NOT_FIRST: Rule =
    must("keyframe-not-first", "Apple 7.4", "The video of a segment begins with an IDR picture.");
pub(crate) static COUNTER_BREAK_INSIDE: Rule = must(
    "counter-break-inside",
    "RFC 8216 3",
    "Continuity counters run on within a segment: a player takes a break for lost packets.",
);
pub(crate) static COUNTER_BREAK_BETWEEN: Rule = should(
    "counter-break-between",
    "RFC 8216 3",
    "Continuity counters run on from segment to segment; players cope with those that begin again at a border.",
);
pub(crate) static TIMELINE_BREAK: Rule = must(
    "timeline-break",
    "RFC 8216 4.3.2.3",
    "Time stamps run on from segment to segment, or EXT-X-DISCONTINUITY stands between.",
);
pub(crate) static STREAMS_CHANGE: Rule = must(
    "streams-change",
    "RFC 8216 4.3.2.3",
    "File format, tracks and coding stay the same, or EXT-X-DISCONTINUITY stands between.",
);
pub(crate) static DISCONTINUITY_NEEDLESS: Rule = should(
    "discontinuity-needless",
    "RFC 8216 4.3.2.3",
    "EXT-X-DISCONTINUITY, which has players set up their decoders anew, stands only where something changes.",
);
pub(crate) static SEVERAL_AUDIO_STREAMS: Rule =
    must("several-audio-streams", "Apple 2.17", "A segment has at most one stream of sound.");
pub(crate) static KEYFRAMES_FAR_APART: Rule =
    should("keyframes-far-apart", "Apple 1.13", "Video has a keyframe every two seconds.");
pub(crate) static HEVC_IN_TS: Rule =
    must("hevc-in-ts", "Apple 1.5", "HEVC video comes in fragmented MP4, not in MPEG-TS.");
pub(crate) static EXTINF_OFF: Rule =
    must("extinf-off", "Apple 8.1", "EXTINF is the length of the segment, to within a picture.");
pub(crate) static SOUND_LENGTH_OFF: Rule = should(
    "sound-length-off",
    "RFC 8216 4.3.2.1",
    "The sound of a segment lasts as long as EXTINF says, to within a target duration: players wait for what is missing.",
);
pub(crate) static SIZE_CHANGE_INSIDE: Rule = must(
    "size-change-inside",
    "RFC 8216 4.3.2.3",
    "Pictures of another size begin a segment behind EXT-X-DISCONTINUITY, and none changes its size on the way.",
);
/// Apple 1.13.
const KEYFRAME_EVERY_S: f64 = 2.0;

/// Holds a media playlist to the facts of its segments, in any order; listed segments without facts are passed over,
/// and so are byte ranges.
#[must_use]
pub fn check_segments(name: &str, text: &str, facts: &[SegmentFacts]) -> Vec<Finding> {
    let mut findings = Findings::new(name);
    let Listing::Media(listing) = read_listing(text) else { return findings.found };
    let facts: HashMap<&str, &SegmentFacts> = facts.iter().map(|it| (it.uri.as_str(), it)).collect();
    let mut run: Option<Run<'_>> = None;
    for segment in &listing.segments {
        let known = facts.get(segment.uri.as_str()).filter(|_| !segment.gap && segment.byterange.is_none());
        let Some(&facts) = known else {
            run = None;
            continue;
        };
        if let Some(problem) = &facts.problem {
            findings.segment(&SEGMENT_UNREADABLE, &segment.uri, problem, "a complete segment");
            run = None;
            continue;
        }
        check_alone(&mut findings, &listing, segment, facts);
        let is_extinf_off = check_duration(&mut findings, segment, facts);
        check_sound(&mut findings, &listing, segment, facts);
        run = match run.take() {
            Some(before) if goes_on(&mut findings, &before, segment, facts) => {
                Some(before.on_to(&mut findings, segment, facts, is_extinf_off))
            }
            _ => Some(Run::new(segment, facts, is_extinf_off)),
        };
    }
    findings.found
}

fn check_alone(
    findings: &mut Findings<'_>,
    listing: &MediaListing,
    segment: &ListedSegment,
    facts: &SegmentFacts,
) {
    let uri = &segment.uri;
    check_foreign(findings, uri, facts);
    if facts.container == Container::Fmp4 && segment.map.is_none() {
        findings.segment(&MAP_MISSING, uri, "fragmented MP4 without EXT-X-MAP", "EXT-X-MAP before it");
    }
    if facts.container == Container::Ts && segment.map.is_none() && !facts.starts_with_tables() {
        findings.segment(&TABLES_NOT_FIRST, uri, "other packets before PAT and PMT", "PAT and PMT first");
    }
    if facts.video().is_some_and(|video| !video.starts_with_keyframe) {
        let rule =
            if listing.independent_segments { &INDEPENDENT_SEGMENTS_UNTRUE } else { &KEYFRAME_NOT_FIRST };
        findings.segment(rule, uri, "video that does not begin with an IDR picture", "an IDR picture first");
    }
    if let Some((width, height)) = facts.video().and_then(|video| video.changes_to) {
        let seen = format!("pictures that change to {width}x{height}");
        findings.segment(
            &SIZE_CHANGE_INSIDE,
            uri,
            seen,
            "a segment of their own, behind EXT-X-DISCONTINUITY",
        );
    }
    if facts.has_counter_breaks() {
        findings.segment(&COUNTER_BREAK_INSIDE, uri, "continuity counters with a break", "each one up by 1");
    }
    if facts.video().is_some_and(|video| video.codec == VideoCodec::Hevc) {
        findings.segment(&HEVC_IN_TS, uri, "HEVC in MPEG-TS", "H.264, or fragmented MP4");
    }
    if let (Some(duration_s), Some(keyframes @ 1..)) = (facts.duration_s(), facts.keyframes()) {
        // If all were equally far apart; in truth some are farther.
        let apart_s = duration_s / keyframes as f64;
        if apart_s > KEYFRAME_EVERY_S + facts.frame_s().unwrap_or(FALLBACK_FRAME_S) + ROUNDING_S {
            let seen = format!("{keyframes} in {duration_s:.3} s");
            findings.segment(&KEYFRAMES_FAR_APART, uri, seen, format!("one every {KEYFRAME_EVERY_S} s"));
        }
    }
    let audio_streams = facts.audio_streams();
    if audio_streams > 1 {
        let seen = format!("{audio_streams} streams of sound");
        findings.segment(&SEVERAL_AUDIO_STREAMS, uri, seen, "one, and others as renditions of their own");
    }
}

/// Says whether EXTINF is wrong.
fn check_duration(findings: &mut Findings<'_>, segment: &ListedSegment, facts: &SegmentFacts) -> bool {
    let (Some(extinf_s), Some(real_s)) = (segment.duration_s, facts.duration_s()) else { return false };
    let tolerance_s = facts.frame_s().unwrap_or(FALLBACK_FRAME_S) + ROUNDING_S;
    let is_off = (extinf_s - real_s).abs() > tolerance_s;
    if is_off {
        let seen = format!("EXTINF of {extinf_s:.3} s");
        findings.segment(&EXTINF_OFF, &segment.uri, seen, format!("{real_s:.3} s"));
    }
    is_off
}

/// Sound beside video: where there is none, EXTINF is held to the sound itself.
fn check_sound(
    findings: &mut Findings<'_>,
    listing: &MediaListing,
    segment: &ListedSegment,
    facts: &SegmentFacts,
) {
    let (Some(extinf_s), Some(target_s)) = (segment.duration_s, listing.target_duration_s) else { return };
    let Some(sound_s) = facts.video().and(facts.sound_s()) else { return };
    // Sound comes in frames: the last one may reach over.
    if (sound_s - extinf_s).abs() > target_s as f64 + FALLBACK_FRAME_S + ROUNDING_S {
        let seen = format!("sound of {sound_s:.3} s");
        findings.segment(&SOUND_LENGTH_OFF, &segment.uri, seen, format!("{extinf_s:.3} s, as EXTINF says"));
    }
}

/// Whether the segment goes on where the one before it ended, and is not marked otherwise.
fn goes_on(
    findings: &mut Findings<'_>,
    run: &Run<'_>,
    segment: &ListedSegment,
    facts: &SegmentFacts,
) -> bool {
    let uri = &segment.uri;
    let found = break_between(run.last, facts);
    if segment.discontinuity {
        let is_known = |it: &SegmentFacts| it.end_90k().is_some() && it.decoder_set_up().is_some();
        if found.is_none() && is_known(run.last) && is_known(facts) {
            let seen = "EXT-X-DISCONTINUITY, and time stamps, counters and streams that run on";
            findings.segment(&DISCONTINUITY_NEEDLESS, uri, seen, "no EXT-X-DISCONTINUITY");
        }
        return false;
    }
    let Some(found) = found else { return true };
    let expected = "EXT-X-DISCONTINUITY before it";
    let is_counter = matches!(found, Interruption::Counter { .. });
    match found {
        Interruption::Streams => {
            findings.segment(&STREAMS_CHANGE, uri, "other streams than before", expected);
        }
        Interruption::Timeline { jump_s } => {
            findings.segment(
                &TIMELINE_BREAK,
                uri,
                format!("time stamps that jump by {jump_s:.3} s"),
                expected,
            );
        }
        Interruption::Counter { pid } => {
            let seen = format!("a continuity counter that does not run on, of PID {pid}");
            findings.segment(&COUNTER_BREAK_BETWEEN, uri, seen, "it up by 1");
        }
    }
    // The film itself goes on.
    is_counter
}
