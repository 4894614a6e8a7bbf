//! Each rule has a stream that breaks it and nothing else; what breaks nothing is found clean.

mod answers;
mod bandwidth;
mod clean;
mod clean_low_latency;
mod low_latency;
mod multivariant;
mod one_playlist;
mod renditions;
mod robust;
mod segments;
mod updates;

use std::collections::BTreeSet;

use livedir_check::rules::{
    Asked, Finding, HttpAnswer, MeasuredRendition, Named, RULES, Removal, RenditionClock, RenditionText,
    SegmentFacts, Version, check_bandwidth, check_clocks, check_delta, check_http, check_missing,
    check_parts, check_playlist, check_reload, check_removal, check_renditions, check_segments, check_update,
};
use livedir_playlist::{BitRate, render};

use crate::support::{TEN_OF_2_S, window_after};

/// What can be held to the rules.
#[derive(Debug)]
enum Case {
    Playlist(String),
    Update {
        before: String,
        after: String,
        passed_s: f64,
    },
    Segments(String, Vec<SegmentFacts>),
    Parts(String, Vec<SegmentFacts>),
    /// A whole playlist, and what came for `_HLS_skip=YES`.
    Delta {
        whole: String,
        delta: String,
    },
    /// Request, status, and the playlist that came.
    Reload(Asked, Option<u16>, String),
    /// Media playlists in the order in which they were read, a second apart.
    Renditions {
        multivariant: String,
        media: Vec<String>,
    },
    /// Bit rates by URI.
    Bandwidth {
        multivariant: String,
        measured: Vec<(&'static str, BitRate)>,
    },
    Missing(Named),
    /// Discontinuity sequence number, date, time stamp.
    Clocks(Vec<(u64, &'static str, u64)>),
    Answer(HttpAnswer),
    Removal(Removal),
}

impl Case {
    /// By every rule that can be asked of it: those of a single playlist are asked of each.
    fn findings(&self) -> Vec<Finding> {
        match self {
            Case::Playlist(text) => check_playlist("stream.m3u8", text),
            Case::Update { before, after, passed_s } => {
                let old = Version { text: before, seen_at_s: 100.0, not_before_s: 99.5 };
                let new =
                    Version { text: after, seen_at_s: 100.2 + passed_s, not_before_s: 100.0 + passed_s };
                let mut findings = check_playlist("before.m3u8", before);
                findings.extend(check_playlist("after.m3u8", after));
                findings.extend(check_update("stream.m3u8", &old, &new));
                findings
            }
            Case::Segments(text, facts) => {
                let mut findings = check_playlist("stream.m3u8", text);
                findings.extend(check_segments("stream.m3u8", text, facts));
                findings
            }
            Case::Parts(text, facts) => {
                let mut findings = check_playlist("ll.m3u8", text);
                findings.extend(check_parts("ll.m3u8", text, facts));
                findings
            }
            Case::Delta { whole, delta } => {
                let mut findings = check_playlist("ll.m3u8", whole);
                findings.extend(check_delta("ll.m3u8", whole, delta));
                findings
            }
            Case::Reload(asked, status, text) => check_reload("ll.m3u8", asked, *status, text),
            Case::Renditions { multivariant, media } => {
                let mut findings = check_playlist("main.m3u8", multivariant);
                findings.extend(media.iter().flat_map(|text| check_playlist("media.m3u8", text)));
                let texts: Vec<_> = media
                    .iter()
                    .zip(0_u8..)
                    .map(|(text, index)| RenditionText {
                        name: ["media.m3u8", "other.m3u8"][usize::from(index.min(1))],
                        text,
                        seen_at_s: 100.0 + f64::from(index),
                        looked_at_s: 100.0 + f64::from(index),
                    })
                    .collect();
                findings.extend(check_renditions("main.m3u8", multivariant, &texts));
                findings
            }
            Case::Bandwidth { multivariant, measured } => {
                let mut findings = check_playlist("main.m3u8", multivariant);
                let measured: Vec<_> =
                    measured.iter().map(|&(uri, bit_rate)| MeasuredRendition { uri, bit_rate }).collect();
                findings.extend(check_bandwidth("main.m3u8", multivariant, &measured));
                findings
            }
            Case::Clocks(clocks) => {
                let clock = |&(discontinuity_sequence, date, start_90k): &(u64, &str, u64)| RenditionClock {
                    name: "media.m3u8",
                    discontinuity_sequence,
                    date: date.parse().unwrap(),
                    start_90k,
                };
                check_clocks("main.m3u8", &clocks.iter().map(clock).collect::<Vec<_>>())
            }
            Case::Missing(named) => check_missing("main.m3u8", *named, "low.m3u8", "it does not exist"),
            Case::Answer(answer) => check_http(answer),
            Case::Removal(removal) => check_removal(removal),
        }
    }

    #[track_caller]
    fn assert_clean(&self) {
        assert_eq!(self.findings(), [], "{self:?}");
    }
}

/// Rule and stream. A rule may have several.
fn broken() -> Vec<(&'static str, Case)> {
    let mut cases = one_playlist::broken();
    cases.extend(updates::broken());
    cases.extend(segments::broken());
    cases.extend(multivariant::broken());
    cases.extend(renditions::broken());
    cases.extend(bandwidth::broken());
    cases.extend([
        ("playlist-not-there", Case::Missing(Named::Playlist)),
        ("map-not-there", Case::Missing(Named::Map)),
        ("key-not-there", Case::Missing(Named::Key)),
    ]);
    cases.extend(answers::broken());
    cases.extend(low_latency::broken());
    cases
}

/// A window of ten, as `live` writes it: segments 3 to 12, filmed from 12:00:04 on.
fn live() -> String {
    render(window_after(TEN_OF_2_S, 12).playlist())
}

/// `text` with one thing changed, which must be in it.
#[track_caller]
fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in {text:?}");
    text.replacen(from, to, 1)
}

/// `text` without its dates.
fn undated(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.contains("DATE")).collect()
}

#[test]
fn each_stream_breaks_its_rule_and_no_other() {
    let found = |case: &Case| case.findings().iter().map(|it| it.rule.id).collect::<BTreeSet<_>>();
    let wrong: Vec<_> = broken()
        .into_iter()
        .map(|(id, case)| (id, found(&case), case))
        .filter(|(id, found, _)| *found != BTreeSet::from([*id]))
        .collect();
    assert!(wrong.is_empty(), "rule, what was found instead, stream: {wrong:#?}");
}

#[test]
fn each_rule_has_a_stream_that_breaks_it() {
    let known: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    let broken: BTreeSet<&str> = broken().into_iter().map(|(id, _)| id).collect();
    assert_eq!(broken, known);
    assert_eq!(known.len(), RULES.len(), "two rules have the same id");
}

#[test]
fn each_rule_says_what_it_asks_and_where_it_is_from() {
    for rule in RULES {
        let is_kebab = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        assert!(rule.id.bytes().all(is_kebab), "{rule:?}");
        assert!(rule.sentence.ends_with('.') && rule.sentence.len() < 130, "{rule:?}");
        let sources = ["RFC 8216 ", "RFC 9111 ", "bis-22 ", "Apple ", "Fetch, "];
        assert!(sources.iter().any(|source| rule.section.starts_with(source)), "{rule:?}");
    }
}

#[test]
fn a_finding_is_one_line_with_all_there_is_to_say() {
    let text = with(&live(), "EXTINF:2.000000", "EXTINF:2.750000");
    let findings = check_playlist("stream.m3u8", &text);
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        ["MUST extinf-over-target (RFC 8216 4.3.3.1) stream.m3u8: live/seg-00000003.ts: \
          EXTINF of 2.750 s in line 8; expected less than 2.5 s"]
    );
}
