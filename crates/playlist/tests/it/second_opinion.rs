//! What independent parsers make of our playlists: m3u8-rs, and hls-parser (JavaScript) in strict mode.
//!
//! Both read every golden and a batch of random playlists and must see what our own parser sees.

mod low_latency;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::Timestamp;
use livedir_playlist::{MediaPlaylist, parse, render};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::Value;

use crate::support::golden;
use crate::support::random::lawful_playlist;

/// Enough to meet every combination of tags; both parsers together take well under a second.
const RANDOM_PLAYLISTS: usize = 300;

fn texts() -> Vec<String> {
    let mut texts: Vec<_> = golden::all().into_iter().map(|(_, text)| text).collect();
    assert!(texts.len() >= 8, "goldens are missing");
    let mut runner = TestRunner::deterministic();
    texts.extend((0..RANDOM_PLAYLISTS).map(|_| {
        let playlist = lawful_playlist().new_tree(&mut runner).unwrap().current();
        render(&playlist)
    }));
    texts
}

#[test]
fn m3u8_rs_sees_the_same() {
    for text in texts() {
        let ours = parse(&text).unwrap();
        let theirs = m3u8_rs::parse_media_playlist_res(text.as_bytes()).unwrap();
        assert_eq!(theirs.version, Some(usize::from(ours.version)));
        assert_eq!(theirs.target_duration, u64::from(ours.target_duration_s));
        assert_eq!(theirs.media_sequence, ours.media_sequence);
        assert_eq!(theirs.discontinuity_sequence, ours.discontinuity_sequence);
        assert_eq!(theirs.independent_segments, ours.independent_segments);
        assert_eq!(theirs.end_list, ours.ended);
        assert_eq!(theirs.unknown_tags, []);
        assert_eq!(theirs.segments.len(), ours.segments.len());
        for (theirs, ours) in theirs.segments.iter().zip(&ours.segments) {
            assert_eq!(theirs.uri, ours.uri);
            let difference_s = f64::from(theirs.duration) - ours.duration_90k as f64 / 90_000.0;
            // It keeps 24 bits of a duration.
            assert!(difference_s.abs() <= f64::from(theirs.duration) / 1e7 + 1e-6);
            assert_eq!(theirs.discontinuity, ours.discontinuity);
            assert_eq!(
                theirs.program_date_time.map(|date| date.timestamp_millis()),
                ours.program_date_time.map(Timestamp::as_millisecond),
            );
            assert_eq!(theirs.unknown_tags, []);
        }
    }
}

#[test]
fn hls_parser_sees_the_same() {
    let texts = texts();
    let answers = ask_hls_parser(&texts);
    assert_eq!(answers.len(), texts.len());
    for (text, theirs) in texts.iter().zip(&answers) {
        assert_eq!(theirs, &in_json(&parse(text).unwrap()), "{text}");
    }
}

#[test]
fn hls_parser_refuses_what_breaks_the_rules() {
    let text = &golden::all()[0].1;
    let broken = [
        text.replace("#EXT-X-TARGETDURATION:2", "#EXT-X-TARGETDURATION:1"),
        text.replace("#EXT-X-VERSION:3\n", "#EXT-X-VERSION:3\n#EXT-X-VERSION:3\n"),
        text.replace("#EXTM3U\n", ""),
    ];
    for answer in ask_hls_parser(&broken) {
        assert!(answer["refused"].is_string(), "{answer}");
    }
}

/// One process reads them all: a line of JSON for each text, a line of JSON for each answer.
fn ask_hls_parser(texts: &[String]) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/second_opinion");
    assert!(
        folder.join("node_modules/hls-parser").is_dir(),
        "hls-parser is not installed in {}; run `just setup`",
        folder.display()
    );
    let mut node = Command::new("node")
        .arg(folder.join("read.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node does not start; run `just setup`");
    let mut questions = node.stdin.take().unwrap();
    let lines: String = texts.iter().map(|text| Value::from(text.as_str()).to_string() + "\n").collect();
    let writer = std::thread::spawn(move || questions.write_all(lines.as_bytes()));
    let output = node.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "read.mjs: {}", output.status);
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Our reading in the words of `read.mjs`, with the numbers that a player derives for each segment.
fn in_json(playlist: &MediaPlaylist) -> Value {
    let mut discontinuity_sequence = playlist.discontinuity_sequence;
    let segments: Vec<_> = (playlist.media_sequence..)
        .zip(&playlist.segments)
        .map(|(media_sequence, segment)| {
            discontinuity_sequence += u64::from(segment.discontinuity);
            serde_json::json!({
                "uri": segment.uri,
                "duration_us": (segment.duration_90k * 200 + 9) / 18,
                "unix_ms": segment.program_date_time.map(Timestamp::as_millisecond),
                "discontinuity": segment.discontinuity,
                "media_sequence": media_sequence,
                "discontinuity_sequence": discontinuity_sequence,
            })
        })
        .collect();
    serde_json::json!({
        "version": playlist.version,
        "target_duration_s": playlist.target_duration_s,
        "media_sequence": playlist.media_sequence,
        "discontinuity_sequence": playlist.discontinuity_sequence,
        "independent_segments": playlist.independent_segments,
        "ended": playlist.ended,
        "segments": segments,
    })
}
