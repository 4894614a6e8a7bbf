//! A playlist and the facts of its segments.

use livedir_check::rules::{Container, CounterFacts, SegmentFacts};

use super::{Case, live, with};

const CLOCK_BEGINS_90K: u64 = (1 << 33) - 500_000;

/// Of segments 3 to 12 of a steady stream, 25 pictures a second, over a wrap of the clock.
fn facts() -> Vec<SegmentFacts> {
    (3..=12)
        .map(|number: u64| {
            let start_90k = (CLOCK_BEGINS_90K + (number - 3) * 180_000) % (1 << 33);
            let first = (number * 7 % 16) as u8;
            SegmentFacts {
                uri: format!("live/seg-{number:08}.ts"),
                bytes: 188_000,
                container: Container::Ts,
                starts_with_pat_pmt: true,
                starts_with_idr: Some(true),
                starts_with_parameter_sets: Some(true),
                video_duration_s: Some(2.0),
                frame_s: Some(0.04),
                start_90k: Some(start_90k),
                end_90k: Some((start_90k + 180_000) % (1 << 33)),
                continuity_ok_inside: true,
                counters: vec![CounterFacts { pid: 256, first, last: (first + 6) % 16 }],
                streams_key: "256 avc1.42c01e 640x480".to_owned(),
                audio_streams: 1,
                keyframes: Some(1),
                video_stream_type: Some(0x1b),
                problem: None,
            }
        })
        .collect()
}

/// With segment 9 changed.
fn changed(change: impl FnOnce(&mut SegmentFacts)) -> Vec<SegmentFacts> {
    let mut facts = facts();
    change(&mut facts[6]);
    facts
}

/// With segment 9 and all after it changed.
fn changed_from_9(change: impl Fn(&mut SegmentFacts)) -> Vec<SegmentFacts> {
    let mut facts = facts();
    facts[6..].iter_mut().for_each(change);
    facts
}

fn later(facts: &mut SegmentFacts, by_90k: u64) {
    for at in [&mut facts.start_90k, &mut facts.end_90k] {
        *at = at.map(|at| (at + by_90k) % (1 << 33));
    }
}

fn fragmented(facts: &mut SegmentFacts) {
    facts.container = Container::Fmp4;
    facts.counters.clear();
}

fn with_discontinuity(text: &str) -> String {
    let date = "#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:16.000Z\n";
    with(text, date, &format!("#EXT-X-DISCONTINUITY\n{date}"))
}

pub(super) fn broken() -> Vec<(&'static str, Case)> {
    let not_promised = with(&live(), "#EXT-X-INDEPENDENT-SEGMENTS\n", "");
    let all_fragmented = facts().into_iter().map(|mut it| {
        fragmented(&mut it);
        it
    });
    let of_live = |id, facts| (id, Case::Segments(live(), facts));
    let mut cases = vec![
        of_live("segment-unreadable", changed(|it| it.problem = Some("it is empty".to_owned()))),
        of_live("tables-not-first", changed(|it| it.starts_with_pat_pmt = false)),
        of_live("independent-segments-untrue", changed(|it| it.starts_with_idr = Some(false))),
        ("keyframe-not-first", Case::Segments(not_promised, changed(|it| it.starts_with_idr = Some(false)))),
        of_live("counter-break-inside", changed(|it| it.continuity_ok_inside = false)),
        of_live("counter-break-between", changed_from_9(|it| it.counters[0] = next_but_one(it.counters[0]))),
        of_live("timeline-break", changed_from_9(|it| later(it, 5_500))),
        of_live("timeline-break", changed_from_9(|it| later(it, (1 << 33) - 900_000))),
        of_live(
            "streams-change",
            changed_from_9(|it| "256 avc1.64001f 1280x720".clone_into(&mut it.streams_key)),
        ),
        ("discontinuity-needless", Case::Segments(with_discontinuity(&live()), facts())),
        of_live("several-audio-streams", changed(|it| it.audio_streams = 2)),
        of_live("hevc-in-ts", changed(|it| it.video_stream_type = Some(0x24))),
        ("keyframes-far-apart", seconds_of_a_segment(4)),
        of_live("extinf-off", changed(|it| it.video_duration_s = Some(1.95))),
        of_live("map-missing", all_fragmented.collect()),
    ];
    cases.extend([("extinf-drifts", drifting_extinf()), ("date-drifts", drifting_dates())]);
    cases
}

fn next_but_one(counter: CounterFacts) -> CounterFacts {
    CounterFacts { first: (counter.first + 1) % 16, last: (counter.last + 1) % 16, ..counter }
}

/// One segment of so many seconds, with one keyframe.
fn seconds_of_a_segment(seconds: u64) -> Case {
    let text = format!(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{seconds}\n#EXTINF:{seconds}.000000,\n\
         live/seg-00000003.ts\n#EXT-X-ENDLIST\n"
    );
    let mut facts = facts();
    facts.truncate(1);
    facts[0].video_duration_s = Some(seconds as f64);
    Case::Segments(text, facts)
}

/// Each EXTINF is wrong by a quarter of a picture.
fn drifting_extinf() -> Case {
    Case::Segments(live().replace("EXTINF:2.000000", "EXTINF:2.010000"), facts())
}

/// Each date is later by 150 ms than the time stamps say.
fn drifting_dates() -> Case {
    let mut text = live();
    for number in 4..=12_u64 {
        let at_s = (number - 1) * 2;
        let drifted_ms = at_s * 1000 + (number - 3) * 150;
        let drifted = format!("12:00:{:02}.{:03}Z", drifted_ms / 1000, drifted_ms % 1000);
        text = with(&text, &format!("12:00:{at_s:02}.000Z"), &drifted);
    }
    Case::Segments(text, facts())
}

#[test]
fn what_the_playlist_says_truly_is_not_found() {
    #[track_caller]
    fn check(text: String, facts: Vec<SegmentFacts>) {
        Case::Segments(text, facts).assert_clean();
    }
    check(live(), facts());
    check(live(), Vec::new());
    check(live(), facts().into_iter().rev().collect());
    // Nothing is known of some.
    check(live(), facts().into_iter().step_by(2).collect());
    check(live(), changed(|it| (it.start_90k, it.end_90k, it.video_duration_s) = (None, None, None)));
    // Less than a picture.
    check(live(), changed(|it| it.video_duration_s = Some(2.04)));
    check(live(), changed_from_9(|it| later(it, 3_000)));
    // A segment too short for a whole frame of sound.
    check(live(), changed(|it| it.counters.clear()));
    seconds_of_a_segment(2).assert_clean();
    // Each reason for a discontinuity.
    let broken = with_discontinuity(&live());
    check(broken.clone(), changed_from_9(|it| later(it, 900_000)));
    check(broken.clone(), changed_from_9(|it| it.counters[0] = next_but_one(it.counters[0])));
    check(broken.clone(), changed_from_9(|it| "other".clone_into(&mut it.streams_key)));
    // Perhaps the streams changed, perhaps not.
    check(broken.clone(), changed(|it| it.streams_key.clear()));
    // The predecessor is gone: nobody can tell.
    check(broken, facts().split_off(6));
}

#[test]
fn fragmented_mp4_with_a_map_is_not_found() {
    let mut facts = facts();
    facts.iter_mut().for_each(fragmented);
    let text = with(&live(), "VERSION:3\n", "VERSION:6\n#EXT-X-MAP:URI=\"init.mp4\"\n");
    Case::Segments(text, facts).assert_clean();
}

#[test]
fn a_gap_asks_for_nothing_and_ends_the_run() {
    let missing = changed(|it| it.problem = Some("no such file".to_owned()));
    let uri = "#EXTINF:2.000000,\nlive/seg-00000009.ts";
    Case::Segments(with(&live(), uri, &format!("#EXT-X-GAP\n{uri}")), missing).assert_clean();
}
