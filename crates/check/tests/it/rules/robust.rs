//! Any text at all: findings, and never a panic; and long ones in one pass.

use std::fmt::Write;

use livedir_check::rules::{
    Asked, RULES, RenditionText, SegmentFacts, Version, check_delta, check_parts, check_playlist,
    check_reload, check_renditions, check_segments, check_update,
};
use livedir_media::Container;
use livedir_playlist::{Directives, Listing, read_listing, render};
use proptest::prelude::*;

use super::live;
use crate::media;
use crate::support::damage::{damage, damaged};
use crate::support::random::any_playlist;

/// Lines that mean something, in no order.
const LINE: &str = "#EXTM3U|#EXTINF:[0-9.]{0,30},|#EXT-X-(ENDLIST|GAP|DISCONTINUITY|I-FRAMES-ONLY)\
    |#EXT-X-(VERSION|TARGETDURATION|MEDIA-SEQUENCE|DISCONTINUITY-SEQUENCE|BYTERANGE):[0-9.@-]{0,22}\
    |#EXT-X-PROGRAM-DATE-TIME:-?[0-9]{1,6}-0[1-9]-01T12:00:00(Z|\\.5\\+01:00)?\
    |#EXT-X-(MAP|KEY|START|DATERANGE|MEDIA|STREAM-INF|DEFINE|SKIP):((URI|ID|METHOD|TIME-OFFSET|TYPE)=\"?[a-zé0-9.-]{0,9}\"?,?){0,3}\
    |#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"20[0-9]{2}-01-01T00:00:00Z\",DURATION=[0-9]{1,20}\
    |#EXT-X-(PART|PART-INF|SERVER-CONTROL|PRELOAD-HINT|RENDITION-REPORT):((URI|DURATION|PART-TARGET|PART-HOLD-BACK|CAN-SKIP-UNTIL|TYPE|INDEPENDENT|GAP|CAN-BLOCK-RELOAD|LAST-MSN)=\"?([0-9.]{1,22}|YES|PART|[a-c]\\.ts)\"?,?){1,4}\
    |#EXT-X-SKIP:SKIPPED-SEGMENTS=[0-9]{1,20}|#EXT-X-PLAYLIST-TYPE:(EVENT|VOD|)|[a-c]\\.(ts|m3u8)|\\PC{0,20}|\r|\u{feff}";

fn any_text() -> impl Strategy<Value = String> {
    prop::collection::vec(LINE, 0..40).prop_map(|lines| lines.join("\n"))
}

fn any_facts() -> impl Strategy<Value = Vec<SegmentFacts>> {
    let one = (any::<[u64; 3]>(), any::<[bool; 3]>(), "[a-c]\\.ts");
    let one = one.prop_map(|([start_90k, duration_90k, frame_90k], [first, idr, is_known], uri)| {
        let (duration_90k, frame_90k) = (duration_90k >> 30, frame_90k >> 40);
        let mut facts = media::segment(uri, start_90k, duration_90k, frame_90k);
        media::of(&mut facts).tables_first = first;
        let video = media::video_of(&mut facts);
        (video.starts_with_keyframe, video.starts_with_parameter_sets, video.keyframes) = (idr, idr, 0);
        facts.container = if first { Container::Ts } else { Container::Fmp4 };
        facts.media = facts.media.filter(|_| is_known);
        facts
    });
    prop::collection::vec(one, 0..4)
}

/// By every rule there is; what is found is in the list of rules and says something.
fn ask_everything(one: &str, other: &str, facts: &[SegmentFacts], moments_s: [f64; 2]) {
    let [seen_at_s, not_before_s] = moments_s;
    let version = |text| Version { text, seen_at_s, not_before_s };
    let mut findings = check_playlist("a", one);
    findings.extend(check_segments("a", one, facts));
    findings.extend(check_parts("a", one, facts));
    findings.extend(check_delta("a", one, other));
    let next = Directives { media_sequence: Some(2), part: Some(1), skip: false };
    findings.extend(check_reload("a", &Asked::Next(next), Some(200), one));
    let renditions = [(one, seen_at_s), (other, not_before_s)].map(|(text, at_s)| RenditionText {
        name: "b",
        text,
        seen_at_s: at_s,
        looked_at_s: -at_s,
    });
    findings.extend(check_renditions("a", one, &renditions));
    findings.extend(check_update("a", &version(one), &version(other)));
    findings.extend(check_update("a", &version(one), &version(one)));
    for finding in findings {
        assert!(RULES.contains(&finding.rule), "{finding:?}");
        assert!(!finding.at.is_empty() && !finding.seen.is_empty() && !finding.expected.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_can_be_held_to_the_rules(
        one in any_text(), other in any_text(), facts in any_facts(), moments_s in any::<[f64; 2]>(),
    ) {
        ask_everything(&one, &other, &facts, moments_s);
    }

    #[test]
    fn damaged_playlist_can_be_held_to_the_rules(
        playlist in any_playlist(), damages in prop::collection::vec(damage(), 1..4),
    ) {
        let whole = render(&playlist);
        let text = damages.iter().fold(whole.clone(), |text, damage| {
            if text.is_empty() { text } else { damaged(&text, damage) }
        });
        ask_everything(&whole, &text, &[], [1.0, 2.0]);
        ask_everything(&text, &whole, &[], [1.0, 2.0]);
    }

    #[test]
    fn what_is_strictly_read_is_leniently_read_the_same(playlist in any_playlist()) {
        let Listing::Media(listing) = read_listing(&render(&playlist)) else { panic!("no media playlist") };
        prop_assert_eq!(listing.media_sequence, Some(playlist.media_sequence));
        prop_assert_eq!(listing.discontinuity_sequence, Some(playlist.discontinuity_sequence));
        prop_assert_eq!(listing.target_duration_s, Some(playlist.target_duration_s.into()));
        prop_assert_eq!(listing.ended, playlist.ended);
        prop_assert_eq!(listing.segments.len(), playlist.segments.len());
        for (read, written) in listing.segments.iter().zip(&playlist.segments) {
            prop_assert_eq!(&read.uri, &written.uri);
            prop_assert_eq!(read.discontinuity, written.discontinuity);
            prop_assert_eq!(read.program_date_time, written.program_date_time);
        }
    }
}

/// If the work grew with the square of the length, this would take hours.
#[test]
fn long_playlists_are_held_to_the_rules_in_one_pass() {
    let header = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n";
    let long_uri = "m".repeat(100_000);
    let mut text = format!("{header}#EXT-X-MAP:URI=\"{long_uri}\"\n");
    let attributes = "A=1,".repeat(100_000);
    for id in ["x", "y", "x"] {
        writeln!(
            text,
            "#EXT-X-DATERANGE:ID=\"{id}\",START-DATE=\"2026-03-01T12:00:00.000Z\",{attributes}A=1"
        )
        .unwrap();
    }
    for _ in 0..100_000 {
        text.push_str("#EXTINF:2.0,\na.ts\n");
    }
    let shifted = text.replacen("SEQUENCE:1\n", "SEQUENCE:2\n", 1);
    ask_everything(&text, &shifted, &[], [0.0, 0.0]);
    let found = check_playlist("a", &text);
    assert_eq!(found.iter().filter(|it| it.rule.id == "attribute-repeated").count(), 3, "{found:#?}");
}

/// The same for parts, hints and reports.
#[test]
fn long_low_latency_playlists_are_held_to_the_rules_in_one_pass() {
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PART-INF:PART-TARGET=1\n\
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12\n#EXT-X-MEDIA-SEQUENCE:1\n"
        .to_owned();
    for number in 0..50_000 {
        let part = format!("#EXT-X-PART:DURATION=1,URI=\"{number}.p\"\n");
        write!(text, "{part}{part}#EXTINF:2,\n{number}.ts\n").unwrap();
        writeln!(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"h\"\n#EXT-X-RENDITION-REPORT:URI=\"b\"").unwrap();
    }
    let shifted = text.replacen("SEQUENCE:1\n", "SEQUENCE:2\n", 1);
    ask_everything(&text, &shifted, &[], [0.0, 0.0]);
    let found = check_playlist("a", &text);
    assert_eq!(found.iter().filter(|it| it.rule.id == "preload-hint-repeated").count(), 49_999);
}

#[test]
fn a_text_is_what_its_tags_say() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let read = match read_listing(text) {
            Listing::Media(_) => "media",
            Listing::Multivariant(_) => "multivariant",
            Listing::Neither => "neither",
        };
        assert_eq!(read, expected, "{text:?}");
    }
    check(&live(), "media");
    check("#EXTM3U\n", "media");
    check("#EXTINF:2,\na.ts\n", "media");
    check("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n", "multivariant");
    check("<html>", "neither");
    check("# EXTINF\n#Extinf\na.ts", "neither");
    check("", "neither");
}
