//! Low-latency playlists and their delta updates: hls-parser sees the same parts, hint and promises; m3u8-rs, which does
//! not know them, the same segments.

use livedir_playlist::{ListedPart, Listing, delta_update, parse, read_listing};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::ask_hls_parser;
use crate::support::live_edge::{Stream, settings, steps};

const RANDOM_STREAMS: usize = 30;

/// Of each stream one version in so many.
const LOOKS: usize = 7;

fn texts() -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let mut texts = Vec::new();
    for _ in 0..RANDOM_STREAMS {
        let (settings, steps) = (settings(), steps()).new_tree(&mut runner).unwrap().current();
        let versions = Stream::after(settings, &steps).versions;
        texts.extend(versions.into_iter().step_by(LOOKS).map(|(text, _)| text));
    }
    texts
}

#[test]
fn hls_parser_sees_the_same_parts() {
    let mut texts = texts();
    let deltas: Vec<_> = texts.iter().filter_map(|text| delta_update(text)).collect();
    assert!(texts.len() >= 100 && deltas.len() >= 20, "{} and {}", texts.len(), deltas.len());
    texts.extend(deltas);
    let answers = ask_hls_parser(&texts);
    assert_eq!(answers.len(), texts.len());
    for (text, theirs) in texts.iter().zip(&answers) {
        assert_eq!(theirs, &in_json(text), "{text}");
    }
}

#[test]
fn m3u8_rs_sees_the_same_segments() {
    for text in texts() {
        let ours = parse(&text).unwrap();
        let theirs = m3u8_rs::parse_media_playlist_res(text.as_bytes()).unwrap();
        let numbers = (theirs.media_sequence, theirs.discontinuity_sequence);
        assert_eq!(numbers, (ours.media_sequence, ours.discontinuity_sequence), "{text}");
        let uris: Vec<_> =
            theirs.segments.iter().map(|segment| &segment.uri).filter(|uri| !uri.is_empty()).collect();
        assert_eq!(uris, ours.segments.iter().map(|segment| &segment.uri).collect::<Vec<_>>(), "{text}");
    }
}

/// Our reading in the words of `read.mjs`.
fn in_json(text: &str) -> Value {
    let Listing::Media(listing) = read_listing(text) else { panic!("no media playlist: {text}") };
    let control = listing.server_control.as_ref().unwrap();
    let first = listing.first_media_sequence() + listing.skipped_segments;
    let segments: Vec<_> = (first..)
        .zip(&listing.segments)
        .map(|(media_sequence, segment)| {
            json!({ "uri": segment.uri, "media_sequence": media_sequence, "parts": parts(&segment.parts) })
        })
        .collect();
    json!({
        "part_target_s": listing.part_target_s.map(number),
        "can_block_reload": control.can_block_reload,
        "part_hold_back_s": control.part_hold_back_s.map(number),
        "can_skip_until_s": control.can_skip_until_s.map(number),
        "skipped": listing.skipped_segments,
        "media_sequence": listing.first_media_sequence(),
        "segments": segments,
        "open_parts": parts(&listing.open_parts),
        "hints": listing.hints.iter().map(|hint| hint.uri.as_str()).collect::<Vec<_>>(),
    })
}

fn parts(parts: &[ListedPart]) -> Vec<Value> {
    let part = |part: &ListedPart| {
        let duration_us = (part.duration_s.unwrap() * 1e6).round() as u64;
        json!({ "uri": part.uri, "duration_us": duration_us, "independent": part.independent, "gap": part.gap })
    };
    parts.iter().map(part).collect()
}

/// As JavaScript prints it: whole ones without a fraction.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 { json!(value as u64) } else { json!(value) }
}
