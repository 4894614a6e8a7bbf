//! A playlist and the facts of its segments.

use livedir_check::rules::SegmentFacts;
use livedir_media::{Container, Counter, Foreign, Samples, VideoCodec};

use super::{Case, live, with};
use crate::media::{self, later, video_of};

const CLOCK_BEGINS_90K: u64 = (1 << 33) - 500_000;

/// Of segments 3 to 12 of a steady stream, 25 pictures a second, over a wrap of the clock.
fn facts() -> Vec<SegmentFacts> {
    (3..=12)
        .map(|number: u64| {
            let start_90k = CLOCK_BEGINS_90K + (number - 3) * 180_000;
            let first = (number * 7 % 16) as u8;
            let uri = format!("live/seg-{number:08}.ts");
            let mut facts = media::segment(uri, start_90k, 180_000, 3_600);
            media::of(&mut facts).counters = vec![media::counter(first, first + 6)];
            facts
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

fn fragmented(facts: &mut SegmentFacts) {
    facts.container = Container::Fmp4;
    facts.media = None;
}

/// Each of them holds this, and nothing can be said of what else is in it.
fn nothing_but(foreign: Foreign) -> Vec<SegmentFacts> {
    let mut facts = facts();
    for it in &mut facts {
        it.media = None;
        it.foreign.push(foreign);
    }
    facts
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
        of_live("tables-not-first", changed(|it| media::of(it).tables_first = false)),
        of_live("independent-segments-untrue", changed(|it| video_of(it).starts_with_keyframe = false)),
        (
            "keyframe-not-first",
            Case::Segments(not_promised, changed(|it| video_of(it).starts_with_keyframe = false)),
        ),
        of_live("counter-break-inside", changed(|it| media::of(it).counters[0].breaks = 1)),
        of_live("counter-break-between", changed_from_9(|it| skip_one(&mut media::of(it).counters[0]))),
        of_live("timeline-break", changed_from_9(|it| later(it, 5_500))),
        of_live("timeline-break", changed_from_9(|it| later(it, (1 << 33) - 900_000))),
        of_live("streams-change", changed_from_9(|it| video_of(it).sps[1] = 0x64)),
        ("discontinuity-needless", Case::Segments(with_discontinuity(&live()), facts())),
        of_live("several-audio-streams", with_more_sound()),
        of_live("packets-of-192-bytes", nothing_but(Foreign::M2ts)),
        of_live("scrambled", nothing_but(Foreign::Scrambled)),
        of_live("video-codec", nothing_but(Foreign::Video { stream_type: 2 })),
        of_live("opus-in-ts", nothing_but(Foreign::Opus)),
        of_live("opus-in-ts", changed(|it| it.foreign.push(Foreign::Opus))),
        of_live("several-programs", changed(|it| it.foreign.push(Foreign::Programs { programs: 2 }))),
        of_live(
            "h264-profile",
            changed(|it| it.foreign.push(Foreign::Samples(Samples { chroma: "4:2:2", bits: 8 }))),
        ),
        of_live("hevc-in-ts", changed(|it| video_of(it).codec = VideoCodec::Hevc)),
        ("keyframes-far-apart", seconds_of_a_segment(4)),
        of_live("extinf-off", changed(|it| media::of(it).duration_90k = 175_500)),
        of_live("sound-length-off", changed(|it| sound_lasts(it, 380_000))),
        ("sound-length-off", short_sound()),
        of_live("size-change-inside", changed(|it| video_of(it).changes_to = Some((640, 360)))),
        of_live("map-missing", all_fragmented.collect()),
    ];
    cases.extend([("extinf-drifts", drifting_extinf()), ("date-drifts", drifting_dates())]);
    cases
}

fn skip_one(counter: &mut Counter) {
    *counter = media::counter(counter.first + 1, counter.last + 1);
}

fn sound_lasts(facts: &mut SegmentFacts, sound_90k: u64) {
    let media = media::of(facts);
    let sound = media.audio.as_mut().expect("sound");
    sound.end_90k = (sound.start_90k + sound_90k) % (1 << 33);
}

/// EXTINF, which is rounded to whole seconds for the target duration, has room for more than one of it.
fn short_sound() -> Case {
    let text = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.400000,\nlive/seg-00000003.ts\n#EXT-X-ENDLIST\n";
    let mut facts = facts();
    facts.truncate(1);
    media::of(&mut facts[0]).duration_90k = 126_000;
    sound_lasts(&mut facts[0], 18_000);
    Case::Segments(text.to_owned(), facts)
}

#[test]
fn sound_that_is_off_by_less_than_a_target_duration_breaks_no_rule() {
    for sound_90k in [2_000, 359_000] {
        let facts = changed(|it| sound_lasts(it, sound_90k));
        let found = livedir_check::rules::check_segments("stream.m3u8", &live(), &facts);
        assert_eq!(found, [], "sound of {sound_90k} ticks");
    }
}

/// Each with another stream of sound.
fn with_more_sound() -> Vec<SegmentFacts> {
    let mut facts = facts();
    for it in &mut facts {
        media::of(it).streams.push(media::AUDIO);
    }
    facts
}

/// One segment of so many seconds, with one keyframe.
fn seconds_of_a_segment(seconds: u64) -> Case {
    let text = format!(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{seconds}\n#EXTINF:{seconds}.000000,\n\
         live/seg-00000003.ts\n#EXT-X-ENDLIST\n"
    );
    let mut facts = facts();
    facts.truncate(1);
    media::of(&mut facts[0]).duration_90k = seconds * 90_000;
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
    check(live(), changed(|it| it.media = None));
    // Less than a picture.
    check(live(), changed(|it| media::of(it).duration_90k = 183_600));
    check(live(), changed_from_9(|it| later(it, 3_000)));
    // A segment too short for a whole frame of sound.
    check(live(), changed(|it| media::of(it).counters.clear()));
    seconds_of_a_segment(2).assert_clean();
    // Each reason for a discontinuity.
    let broken = with_discontinuity(&live());
    check(broken.clone(), changed_from_9(|it| later(it, 900_000)));
    check(broken.clone(), changed_from_9(|it| skip_one(&mut media::of(it).counters[0])));
    check(broken.clone(), changed_from_9(|it| video_of(it).sps[1] = 0x64));
    // Perhaps the streams changed, perhaps not.
    check(broken.clone(), changed(|it| media::of(it).audio = None));
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
