//! What holds of the rules whatever they are given. The fuzzer runs it, and a plain test over the seeds.
//!
//! The input is one playlist, or two versions of it with a NUL between. Facts and answers are made up from its lines.

use livedir_check::rules::{
    Asked, Finding, HttpAnswer, RULES, Removal, RenditionText, Requested, SegmentFacts, Version, check_delta,
    check_http, check_parts, check_playlist, check_reload, check_removal, check_renditions, check_segments,
    check_update,
};
use livedir_media::Container;
use livedir_media::{Counter, ElementaryStream, Facts, Foreign, LastPicture, VideoCodec, VideoFacts};
use livedir_playlist::{Directives, Listing, delta_update, read_listing};

const NAME: &str = "stream.m3u8";

pub fn check(bytes: &[u8]) {
    let text = &String::from_utf8_lossy(bytes);
    let (before, after) = text.split_once('\0').unwrap_or((text, text));
    // Times that go back, stand still and are none at all: the caller's clock may be broken.
    let seconds = |index: usize| match bytes.get(index) {
        None | Some(0) => f64::NAN,
        Some(1) => f64::INFINITY,
        Some(&byte) => f64::from(byte) / 8.0 - 4.0,
    };
    let version = |text, index| Version { text, seen_at_s: seconds(index), not_before_s: seconds(index + 1) };

    for text in [before, after] {
        hold(&check_playlist(NAME, text), text);
        hold(&check_segments(NAME, text, &facts(text, bytes)), text);
        hold(&check_parts(NAME, text, &facts(text, bytes)), text);
        hold(&check_parts(NAME, text, &[]), text);
        if let Some(delta) = delta_update(text) {
            hold(&check_delta(NAME, text, &delta), text);
        }
        let directives = Directives { media_sequence: Some(bytes.len() as u64), part: Some(1), skip: false };
        for asked in
            [Asked::Next(directives), Asked::PartAlone, Asked::FarAhead(9), Asked::Hint(text.to_owned())]
        {
            let status = [None, Some(200), Some(400), Some(404)][bytes.len() % 4];
            hold(&check_reload(NAME, &asked, status, text), text);
        }
    }
    hold(&check_delta(NAME, before, after), text);
    hold(&check_update(NAME, &version(before, 0), &version(after, 2)), text);
    let rendition = |name, text, index| RenditionText {
        name,
        text,
        seen_at_s: seconds(index),
        looked_at_s: seconds(index + 1),
    };
    let renditions = [rendition("a", before, 0), rendition("b", after, 1)];
    hold(&check_renditions(NAME, before, &renditions), text);
    hold(&check_renditions(NAME, after, &renditions), text);
    for kind in [
        Requested::Playlist { live_target_duration_s: None },
        Requested::Playlist { live_target_duration_s: Some(bytes.len() as u64) },
        Requested::Segment,
        Requested::Removed { since_removed_s: seconds(4), must_stay_s: seconds(5) },
    ] {
        hold(&check_http(&answer(kind, text)), text);
    }
    let removal = Removal {
        at: before.to_owned(),
        since_removed_s: seconds(4),
        must_stay_s: seconds(5),
        is_available: bytes.len().is_multiple_of(2),
    };
    hold(&check_removal(&removal), text);
}

/// Findings name a rule that there is, and are no longer than lines for people.
fn hold(findings: &[Finding], text: &str) {
    for finding in findings {
        assert!(RULES.iter().any(|rule| rule.id == finding.rule.id), "{finding:?}");
    }
    // More than a few for each line would be work that grows faster than the text.
    assert!(findings.len() <= 64 + 64 * text.len(), "{} findings of {} bytes", findings.len(), text.len());
}

fn facts(text: &str, bytes: &[u8]) -> Vec<SegmentFacts> {
    let Listing::Media(listing) = read_listing(text) else { return Vec::new() };
    let byte = |index: usize| bytes[index * 31 % bytes.len().max(1)];
    let facts = |(index, uri): (usize, &str)| {
        let odd = byte(index);
        let start_90k = u64::from(byte(index + 1)) << 25;
        let video = VideoFacts {
            codec: [VideoCodec::H264, VideoCodec::Hevc][usize::from(odd % 2)],
            start_90k,
            duration_90k: 180_000,
            frame_interval_90k: 4_500,
            last_picture: LastPicture::default(),
            decoding: None,
            frames: 40,
            keyframes: u64::from(odd % 3),
            starts_with_keyframe: odd / 3 % 3 > 0,
            starts_with_parameter_sets: odd / 9 % 3 > 0,
            has_captions: false,
            picture: None,
            changes_to: None,
            sps: vec![odd % 13],
        };
        let stream = |stream_type| ElementaryStream { pid: 256, stream_type, format: None };
        let media = Facts {
            start_90k,
            duration_90k: [0, 180_000, u64::from(odd) * 90_000][usize::from(odd / 9 % 3)],
            frame_interval_90k: [0, 4_500][usize::from(odd / 36 % 2)],
            video: (odd % 7 > 0).then_some(video),
            audio: None,
            programs: usize::from(odd % 3),
            streams: [0x1b, 0x0f, 0x0f].map(stream).into_iter().take(usize::from(odd % 4)).collect(),
            counters: vec![Counter {
                pid: 256,
                first: odd & 15,
                last: odd >> 4,
                breaks: u32::from(odd % 11),
            }],
            tables_first: odd & 1 == 0,
            trailing_bytes: 0,
        };
        SegmentFacts {
            uri: uri.to_owned(),
            bytes: u64::from(odd) << (odd % 60),
            container: [Container::Ts, Container::Fmp4, Container::Other][usize::from(odd % 3)],
            media: (odd % 5 > 0).then_some(media),
            foreign: (odd % 19 == 0).then_some(Foreign::Scrambled).into_iter().collect(),
            problem: (odd % 17 == 0).then(|| "it is missing".to_owned()),
        }
    };
    let uris =
        listing.segments.iter().map(|segment| &segment.uri).chain(listing.parts().map(|part| &part.uri));
    uris.map(String::as_str).enumerate().map(facts).collect()
}

/// The lines of the text as headers.
fn answer(kind: Requested, text: &str) -> HttpAnswer {
    let header = |line: &str| {
        let (name, value) = line.trim_start_matches('#').split_once(':')?;
        Some((name.to_lowercase(), value.to_owned()))
    };
    HttpAnswer {
        url: text.lines().next().unwrap_or_default().to_owned(),
        kind,
        status: if text.len().is_multiple_of(3) { 404 } else { 200 },
        headers: text.lines().filter_map(header).collect(),
        bytes: text.len() as u64,
        was_gzip: text.len().is_multiple_of(2),
        redirects: (text.len() % 3) as u32,
    }
}
