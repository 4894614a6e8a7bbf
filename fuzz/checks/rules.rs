//! What holds of the rules whatever they are given. The fuzzer runs it, and a plain test over the seeds.
//!
//! The input is one playlist, or two versions of it with a NUL between. Facts and answers are made up from its lines.

use livedir_check::rules::{
    Asked, Container, CounterFacts, Finding, HttpAnswer, Kind, RULES, Removal, RenditionText, SegmentFacts,
    Version, check_delta, check_http, check_parts, check_playlist, check_reload, check_removal,
    check_renditions, check_segments, check_update,
};
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
        Kind::Playlist { live_target_duration_s: None },
        Kind::Playlist { live_target_duration_s: Some(bytes.len() as u64) },
        Kind::Segment,
        Kind::Removed { since_removed_s: seconds(4), must_stay_s: seconds(5) },
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
        SegmentFacts {
            uri: uri.to_owned(),
            bytes: u64::from(odd) << (odd % 60),
            container: [Container::Ts, Container::Fmp4, Container::Other][usize::from(odd % 3)],
            starts_with_pat_pmt: odd & 1 == 0,
            starts_with_idr: [None, Some(false), Some(true)][usize::from(odd / 3 % 3)],
            starts_with_parameter_sets: [None, Some(false), Some(true)][usize::from(odd / 9 % 3)],
            video_duration_s: [None, Some(f64::NAN), Some(2.0), Some(f64::from(odd))]
                [usize::from(odd / 9 % 4)],
            frame_s: [None, Some(0.05), Some(0.0)][usize::from(odd / 36 % 3)],
            start_90k: (odd % 5 > 0).then_some(start_90k),
            end_90k: (odd % 7 > 0).then_some(start_90k ^ 0x2_bf20),
            continuity_ok_inside: odd % 11 > 0,
            counters: vec![CounterFacts { pid: 256, first: odd & 15, last: odd >> 4 }],
            streams_key: if odd % 13 > 0 { "h264".to_owned() } else { String::new() },
            audio_streams: u32::from(odd % 4),
            keyframes: (odd % 19 > 0).then_some(u64::from(odd % 3)),
            video_stream_type: Some(odd),
            problem: (odd % 17 == 0).then(|| "it is missing".to_owned()),
        }
    };
    let uris =
        listing.segments.iter().map(|segment| &segment.uri).chain(listing.parts().map(|part| &part.uri));
    uris.map(String::as_str).enumerate().map(facts).collect()
}

/// The lines of the text as headers.
fn answer(kind: Kind, text: &str) -> HttpAnswer {
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
