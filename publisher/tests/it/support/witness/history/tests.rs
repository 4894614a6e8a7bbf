//! Each rule is broken once, and must be told.

use std::ops::RangeInclusive;

use livedir_playlist::render;

use super::*;

/// Segments of 1 s, with a target of as much, one after the other.
fn segments(numbers: RangeInclusive<u64>) -> MediaPlaylist {
    let segment = |number| Segment {
        uri: uri(number),
        duration_90k: TICKS_PER_S,
        program_date_time: jiff::Timestamp::from_second(1_795_000_000 + number as i64).ok(),
        discontinuity: false,
        gap: false,
    };
    MediaPlaylist {
        version: 3,
        target_duration_s: 1,
        media_sequence: *numbers.start(),
        discontinuity_sequence: 0,
        independent_segments: true,
        segments: numbers.map(segment).collect(),
        ended: false,
    }
}

fn with(numbers: RangeInclusive<u64>, change: impl FnOnce(&mut MediaPlaylist)) -> String {
    let mut playlist = segments(numbers);
    change(&mut playlist);
    render(&playlist)
}

/// The text of such a playlist.
pub fn playlist(numbers: RangeInclusive<u64>) -> String {
    render(&segments(numbers))
}

fn discontinuity_at(index: usize) -> impl FnOnce(&mut MediaPlaylist) {
    move |playlist| playlist.segments[index].discontinuity = true
}

fn end(playlist: &mut MediaPlaylist) {
    playlist.ended = true;
}

/// The presentation after an ended one.
fn anew(playlist: &mut MediaPlaylist) {
    playlist.segments[0].discontinuity = true;
}

fn broken(versions: &[&str]) -> Vec<String> {
    let mut history = History::new(20);
    versions.iter().flat_map(|text| history.sees(text, Instant::now())).collect()
}

#[track_caller]
fn check_good(versions: &[&str]) {
    assert_eq!(broken(versions), [""; 0]);
}

#[track_caller]
fn check(versions: &[&str], expected: &str) {
    let (last, before) = versions.split_last().unwrap();
    assert_eq!(broken(before), [""; 0], "only the last version is bad");
    let broken = broken(versions);
    assert!(broken.iter().any(|rule| rule.contains(expected)), "{expected:?} is not in {broken:?}\n{last}");
}

#[test]
fn good_streams_break_no_rule() {
    check_good(&[&playlist(1..=1), &playlist(1..=3), &playlist(1..=4), &playlist(2..=5)]);
    // Versions may be missed.
    check_good(&[&playlist(1..=3), &playlist(3..=6), &playlist(10..=13)]);
    let seam = with(2..=5, discontinuity_at(2));
    let seam_has_left = with(5..=7, |it| it.discontinuity_sequence = 1);
    check_good(&[
        &playlist(1..=3),
        &seam,
        &seam_has_left,
        &with(5..=7, |it| (it.discontinuity_sequence, it.ended) = (1, true)),
    ]);
    check_good(&[&playlist(1..=3), &with(1..=4, end), &with(5..=5, anew), &with(5..=6, anew)]);
}

#[test]
fn text_that_is_cut_is_told() {
    let text = playlist(1..=3);
    check(&[&text[..text.len() - 1]], "the last line is cut");
    check(&[&text[..text.len() - "live/seg-00000003.ts\n".len()]], "no URI");
    check(&[""], "playlist line 1");
}

#[test]
fn headers_that_are_missing_doubled_or_changed_are_told() {
    let text = playlist(1..=3);
    check(
        &[&text.replace("#EXT-X-DISCONTINUITY-SEQUENCE:0\n", "")],
        "DISCONTINUITY-SEQUENCE: stands there 0 times",
    );
    check(&[&text.replace("#EXT-X-INDEPENDENT-SEGMENTS\n", "")], "INDEPENDENT-SEGMENTS stands there 0 times");
    check(&[&text.replace("#EXT-X-VERSION:3", "#EXT-X-VERSION:6")], "VERSION:3 stands there 0 times");
    check(&[&text.replace("#EXT-X-MEDIA-SEQUENCE:1\n", "")], "MEDIA-SEQUENCE: stands there 0 times");
    check(
        &[&text, &with(1..=3, |it| it.target_duration_s = 2)],
        "the target duration changed from 1 s to 2 s",
    );
}

#[test]
fn numbers_that_go_back_are_told() {
    check(&[&playlist(5..=8), &playlist(4..=8)], "media sequence went back from 5 to 4");
    check(&[&playlist(5..=8), &playlist(1..=1)], "media sequence went back from 5 to 1");
    check(&[&playlist(1..=5), &playlist(1..=4)], "next number went back from 6 to 5");
    let later = with(1..=3, |it| it.discontinuity_sequence = 2);
    check(
        &[&later, &with(2..=4, |it| it.discontinuity_sequence = 1)],
        "discontinuity sequence went back from 2 to 1",
    );
    check(&[&playlist(1..=3), &with(1..=3, end), &with(1..=1, anew)], "next number went back from 4 to 2");
}

#[test]
fn a_number_that_names_something_else_is_told() {
    let first = playlist(1..=4);
    check(&[&first, &with(1..=4, |it| it.segments[1].duration_90k = 89_000)], "number 2 named");
    check(&[&first, &with(1..=4, discontinuity_at(2))], "number 3 named");
    let other_date =
        |it: &mut MediaPlaylist| it.segments[3].program_date_time = jiff::Timestamp::from_second(9).ok();
    check(&[&first, &with(1..=4, other_date)], "number 4 named");
    check(&[&first, &with(1..=4, |it| it.segments[1].uri = uri(9))], "number 2 named");
    let hole = |it: &mut MediaPlaylist| drop(it.segments.remove(1));
    check(&[&first, &with(1..=5, hole)], "number 2 named");
}

#[test]
fn names_that_are_not_those_of_their_numbers_are_told() {
    check(&[&with(1..=4, |it| it.segments[3].uri = uri(5))], "number 4 names live/seg-00000005.ts");
    let dot = |it: &mut MediaPlaylist| it.segments[3].uri = "live/.seg-00000004.ts.x".into();
    check(&[&with(1..=4, dot)], "number 4 names live/.seg");
}

#[test]
fn timelines_that_are_wrong_are_told() {
    let seam = with(1..=4, discontinuity_at(1));
    check(&[&seam, &with(3..=5, |_| {})], "segment 3 moved from timeline 1 to 0");
    check(&[&seam, &with(3..=5, |it| it.discontinuity_sequence = 2)], "segment 3 moved from timeline 1 to 2");
    check(
        &[&playlist(1..=3), &with(4..=7, |it| it.discontinuity_sequence = 1)],
        "segment 4 is on timeline 1",
    );
    let two = with(1..=4, |it| it.discontinuity_sequence = 2);
    check(&[&two, &with(6..=9, |it| it.discontinuity_sequence = 1)], "segment 6 is on timeline 1");
}

#[test]
fn a_playlist_that_gets_too_short_is_told() {
    check(&[&playlist(1..=4), &playlist(3..=4)], "only 2s are left");
    check(&[&playlist(1..=3), &playlist(4..=4)], "only 1s are left");
}

#[test]
fn a_segment_over_the_target_is_told() {
    check(&[&with(1..=3, |it| it.segments[2].duration_90k = 90_009)], "over the target");
}

#[test]
fn dates_that_are_missing_or_jump_are_told() {
    #[track_caller]
    fn check_jump(ms: i64, expected: Option<&str>) {
        let jump = with(1..=3, |it| {
            let date = &mut it.segments[2].program_date_time;
            *date = date.map(|date| date + jiff::SignedDuration::from_millis(ms));
        });
        match expected {
            Some(expected) => check(&[&jump], expected),
            None => check_good(&[&jump]),
        }
    }
    check(&[&with(1..=3, |it| it.segments[2].program_date_time = None)], "seg-00000003.ts has no date");
    // A frame is 50 ms.
    check_jump(50, None);
    check_jump(-50, None);
    check_jump(60, Some("seg-00000003.ts is 60 ms off"));
    check_jump(-60, Some("seg-00000003.ts is -60 ms off"));
    // Past a break the dates begin anew.
    let seam = |it: &mut MediaPlaylist| {
        it.segments[2].discontinuity = true;
        it.segments[2].program_date_time = jiff::Timestamp::from_second(1_796_000_000).ok();
    };
    check_good(&[&with(1..=3, seam)]);
}

#[test]
fn a_change_after_the_end_is_told() {
    let ended = with(1..=4, end);
    check(&[&ended, &playlist(1..=4)], "changed after its end");
    check(&[&ended, &with(1..=5, end)], "changed after its end");
    check(&[&ended, &playlist(2..=5)], "changed after its end");
    check(&[&ended, &playlist(5..=5)], "seg-00000005.ts begins anew without");
}

#[test]
fn grace_is_the_duration_and_that_of_the_longest_playlist() {
    let mut history = History::new(20);
    for text in [playlist(1..=3), playlist(1..=6), playlist(3..=6)] {
        assert_eq!(history.sees(&text, Instant::now()), [""; 0]);
    }
    assert_eq!(history.segments[&1].grace(), Duration::from_secs(7));
    assert_eq!(history.segments[&6].grace(), Duration::from_secs(7));
}
