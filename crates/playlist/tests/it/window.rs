//! What a window keeps, lets go and refuses, case by case.

use livedir_playlist::{Evicted, PushError, Window, WindowSettings};

use crate::THREE_OF_2_S;
use crate::support::{TEN_OF_2_S, after_a_break, segment, window_after};

fn numbers(evicted: &[Evicted]) -> Vec<u64> {
    evicted.iter().map(|evicted| evicted.media_sequence).collect()
}

#[test]
fn oldest_leaves_when_the_window_is_full() {
    let mut window = window_after(TEN_OF_2_S, 9);
    assert_eq!(window.push(segment(10, 180_000)), Ok(vec![]));
    let evicted = window.push(segment(11, 180_000)).unwrap();
    let expected =
        Evicted { segment: segment(1, 180_000), media_sequence: 1, grace_90k: 180_000 + 10 * 180_000 };
    assert_eq!(evicted, [expected]);
    assert_eq!(window.playlist().media_sequence, 2);
    assert_eq!(window.next_media_sequence(), 12);
}

#[test]
fn window_never_falls_below_three_targets() {
    let mut window = Window::new(THREE_OF_2_S, 1);
    for media_sequence in 1..=6 {
        assert_eq!(window.push(segment(media_sequence, 90_000)), Ok(vec![]));
    }
    // Seven of 1 s: six remain, exactly 6 s.
    assert_eq!(numbers(&window.push(segment(7, 90_000)).unwrap()), [1]);
    // With 2 s more, 6 s remain without the two oldest, and a tick less would not do.
    assert_eq!(numbers(&window.push(segment(8, 179_999)).unwrap()), [2]);
    assert_eq!(numbers(&window.push(segment(9, 180_000)).unwrap()), [3, 4]);
}

#[test]
fn window_of_one_still_lists_three() {
    let settings = WindowSettings { target_duration_s: 2, segments: 1 };
    // Up to half a second over the target is allowed, so that two would be nearly 5 s of the 6.
    let mut window = Window::new(settings, 1);
    for media_sequence in 1..=20 {
        window.push(segment(media_sequence, 224_999)).unwrap();
    }
    assert_eq!(window.playlist().segments.len(), 3);
}

#[test]
fn target_duration_of_nothing_becomes_a_second() {
    let settings = WindowSettings { target_duration_s: 0, segments: 3 };
    let mut window = Window::new(settings, 1);
    window.push(segment(1, 90_000)).unwrap();
    assert_eq!(window.playlist().target_duration_s, 1);
}

#[test]
fn grace_counts_the_longest_playlist_and_not_the_last() {
    let mut window = Window::new(THREE_OF_2_S, 1);
    for media_sequence in 1..=3 {
        window.push(segment(media_sequence, 220_000)).unwrap();
    }
    for media_sequence in 4..=6 {
        window.push(segment(media_sequence, 180_000)).unwrap();
    }
    assert_eq!(window.playlist().duration_90k(), 540_000);
    assert_eq!(window.longest_duration_90k(), 660_000);
    let evicted = window.push(segment(7, 180_000)).unwrap();
    assert_eq!(evicted[0].grace_90k, 180_000 + 660_000);
}

#[test]
fn discontinuity_is_counted_when_the_segment_it_stands_before_leaves() {
    let mut window = Window::new(THREE_OF_2_S, 1);
    let mut seen = Vec::new();
    for media_sequence in 1..=6 {
        let next = segment(media_sequence, 180_000);
        let next = if media_sequence == 2 { after_a_break(next) } else { next };
        window.push(next).unwrap();
        let playlist = window.playlist();
        seen.push((playlist.media_sequence, playlist.discontinuity_sequence));
    }
    assert_eq!(seen, [(1, 0), (1, 0), (1, 0), (2, 0), (3, 1), (4, 1)]);
}

#[test]
fn segment_that_rounds_above_the_target_is_refused_and_changes_nothing() {
    let mut window = window_after(TEN_OF_2_S, 4);
    let before = window.playlist().clone();
    let error = window.push(segment(5, 225_000)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "segment live/seg-00000005.ts runs 2.500 s, over the target duration of 2 s; \
         let the encoder make a keyframe at least every 2 s"
    );
    assert_eq!(window.playlist(), &before);
    assert_eq!(window.push(segment(5, 224_999)), Ok(vec![]));
}

#[test]
fn segment_that_cannot_be_listed_is_refused() {
    #[track_caller]
    fn check(uri: &str, duration_90k: u64, expected: &str) {
        let mut window = window_after(TEN_OF_2_S, 12);
        let before = window.playlist().clone();
        let mut refused = segment(13, duration_90k);
        uri.clone_into(&mut refused.uri);
        assert_eq!(window.push(refused).unwrap_err().to_string(), expected);
        assert_eq!(window.playlist(), &before);
    }
    check("live/a.ts", 0, "segment live/a.ts has no duration; it needs at least one frame");
    check(
        "live/seg-00000005.ts",
        180_000,
        "segment live/seg-00000005.ts is already listed, as number 5; give each file a new name",
    );
    check(
        "live/a\n.ts",
        180_000,
        "\"live/a\\n.ts\" cannot stand in a playlist; rename the file without control characters, \
         a # in front or space around it",
    );
}

#[test]
fn ended_window_takes_no_more() {
    let mut window = window_after(TEN_OF_2_S, 2);
    window.end();
    let ended = window.playlist().clone();
    assert!(ended.ended);
    assert_eq!(window.push(segment(3, 180_000)), Err(PushError::Ended));
    assert_eq!(window.playlist(), &ended);
}

#[test]
fn live_playlist_is_gone_on_with() {
    let previous = window_after(TEN_OF_2_S, 25).playlist().clone();
    let mut window = Window::resume(TEN_OF_2_S, previous.clone()).unwrap();
    assert_eq!(window.playlist(), &previous);
    assert_eq!(window.next_media_sequence(), 26);
    let evicted = window.push(after_a_break(segment(26, 180_000))).unwrap();
    assert_eq!(numbers(&evicted), [16]);
    // Ten segments of just under 2.5 s may have been listed by an earlier run.
    assert_eq!(evicted[0].grace_90k, 180_000 + 10 * 225_000);
}

#[test]
fn smaller_window_after_a_restart_lets_several_go_at_once() {
    let previous = window_after(TEN_OF_2_S, 10).playlist().clone();
    let mut window = Window::resume(THREE_OF_2_S, previous).unwrap();
    let evicted = window.push(segment(11, 180_000)).unwrap();
    assert_eq!(numbers(&evicted), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(evicted.iter().all(|it| it.grace_90k >= 11 * 180_000));
}

#[test]
fn three_segments_stay_also_after_a_writer_that_broke_its_promise() {
    let mut previous = window_after(THREE_OF_2_S, 3).playlist().clone();
    for segment in &mut previous.segments {
        segment.duration_90k = 900_000;
    }
    let settings = WindowSettings { target_duration_s: 2, segments: 1 };
    let mut window = Window::resume(settings, previous).unwrap();
    let evicted = window.push(segment(4, 180_000)).unwrap();
    assert_eq!(numbers(&evicted), [1]);
    assert_eq!(evicted[0].grace_90k, 900_000 + 3 * 900_000);
}

#[test]
fn ended_playlist_leaves_whole_at_the_first_push_and_the_numbers_go_on() {
    let mut first = window_after(THREE_OF_2_S, 2);
    first.push(after_a_break(segment(3, 180_000))).unwrap();
    first.end();
    let settings = WindowSettings { target_duration_s: 4, segments: 3 };
    let mut window = Window::resume(settings, first.playlist().clone()).unwrap();
    assert_eq!(window.playlist(), first.playlist());
    assert_eq!(window.next_media_sequence(), 4);

    let evicted = window.push(segment(4, 360_000)).unwrap();
    assert_eq!(numbers(&evicted), [1, 2, 3]);
    assert!(evicted.iter().all(|it| it.grace_90k >= 180_000 + 540_000));
    let playlist = window.playlist();
    assert_eq!(playlist.media_sequence, 4);
    assert_eq!(playlist.discontinuity_sequence, 1);
    assert_eq!(playlist.target_duration_s, 4);
    assert!(!playlist.ended);
    assert_eq!(playlist.segments, [after_a_break(segment(4, 360_000))]);
    assert_eq!(window.longest_duration_90k(), 360_000);
}

#[test]
fn ended_playlist_stays_as_it_is_when_nothing_more_comes() {
    let mut first = window_after(TEN_OF_2_S, 2);
    first.end();
    let mut window = Window::resume(TEN_OF_2_S, first.playlist().clone()).unwrap();
    let refused = window.push(segment(3, 900_000));
    assert!(matches!(refused, Err(PushError::OverTarget { .. })));
    assert_eq!(window.playlist(), first.playlist());
    window.end();
    assert_eq!(window.playlist(), first.playlist());
    assert_eq!(window.push(segment(3, 180_000)), Err(PushError::Ended));
}

#[test]
fn target_duration_of_a_live_playlist_never_changes() {
    #[track_caller]
    fn check(wanted_s: u32, expected_s: u32) {
        let previous = window_after(TEN_OF_2_S, 2).playlist().clone();
        let settings = WindowSettings { target_duration_s: wanted_s, segments: 10 };
        let window = Window::resume(settings, previous).unwrap();
        assert_eq!(window.playlist().target_duration_s, expected_s);
    }
    check(1, 2);
    check(2, 2);
}

#[test]
fn target_duration_that_the_live_playlist_does_not_promise_is_refused() {
    let previous = window_after(TEN_OF_2_S, 2).playlist().clone();
    let settings = WindowSettings { target_duration_s: 3, segments: 10 };
    assert_eq!(
        Window::resume(settings, previous).unwrap_err().to_string(),
        "the live playlist on disk promises a target duration of 2 s, which may never change (RFC 8216 6.2.1), \
         and 3 s are asked for; ask for at most 2 s or move the playlist away"
    );
}

#[test]
fn live_playlist_that_lists_a_file_twice_is_not_gone_on_with() {
    let mut previous = window_after(TEN_OF_2_S, 3).playlist().clone();
    previous.segments[2].uri = "live/seg-00000001.ts".to_owned();
    let error = Window::resume(TEN_OF_2_S, previous.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the live playlist on disk lists live/seg-00000001.ts twice, so that neither can be deleted; \
         move the playlist away"
    );
    previous.ended = true;
    assert!(Window::resume(TEN_OF_2_S, previous).is_ok());
}

#[test]
fn numbers_never_wrap() {
    let mut window = Window::new(TEN_OF_2_S, u64::MAX - 2);
    window.push(segment(1, 180_000)).unwrap();
    window.push(segment(2, 180_000)).unwrap();
    assert_eq!(window.next_media_sequence(), u64::MAX);
    let refused = window.push(segment(3, 180_000));
    assert_eq!(refused, Err(PushError::NumbersUsedUp));

    let mut previous = window_after(TEN_OF_2_S, 3).playlist().clone();
    previous.discontinuity_sequence = u64::MAX;
    let mut window = Window::resume(TEN_OF_2_S, previous).unwrap();
    let refused = window.push(segment(4, 180_000));
    assert_eq!(refused, Err(PushError::NumbersUsedUp));
}
