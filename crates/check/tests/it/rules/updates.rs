//! A version and the next one.

use livedir_playlist::{Window, WindowSettings, render};

use super::{Case, with};
use crate::support::{TEN_OF_2_S, after_a_break, segment, window_after};

fn text(pushes: u64) -> String {
    render(window_after(TEN_OF_2_S, pushes).playlist())
}

fn update(before: String, after: String) -> Case {
    Case::Update { before, after, passed_s: 2.0 }
}

/// A window of six with a break before segment 5, after more segments.
fn with_a_break(pushes_after: u64) -> String {
    let six = WindowSettings { target_duration_s: 2, segments: 6 };
    let mut window = window_after(six, 4);
    window.push(after_a_break(segment(5, 180_000))).unwrap();
    for media_sequence in 6..6 + pushes_after {
        window.push(segment(media_sequence, 180_000)).unwrap();
    }
    render(window.playlist())
}

fn ended(pushes: u64) -> String {
    let mut window = window_after(TEN_OF_2_S, pushes);
    window.end();
    render(window.playlist())
}

/// The entry of a segment.
fn entry(media_sequence: u64) -> String {
    let at_s = (media_sequence - 1) * 2;
    format!(
        "#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:{at_s:02}.000Z\n#EXTINF:2.000000,\nlive/seg-{media_sequence:08}.ts\n"
    )
}

pub(super) fn broken() -> Vec<(&'static str, Case)> {
    let mut cases = of_the_header();
    cases.extend(of_the_list());
    cases.extend(of_removal());
    cases
}

fn of_the_header() -> Vec<(&'static str, Case)> {
    let (before, after) = (text(12), text(13));
    let event =
        |text: &str| with(text, "#EXT-X-INDEPENDENT", "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-INDEPENDENT");
    let vod = |text: &str| format!("{}#EXT-X-ENDLIST\n", event(text).replace("EVENT", "VOD"));
    vec![
        ("target-duration-changed", update(before.clone(), with(&after, "DURATION:2", "DURATION:3"))),
        ("header-changed", update(before.clone(), with(&after, "#EXT-X-INDEPENDENT-SEGMENTS\n", ""))),
        ("header-changed", update(before.clone(), event(&after))),
        ("playlist-type-broken", update(event(&before), event(&after))),
        ("playlist-type-broken", update(vod(&text(8)), vod(&text(9)))),
        ("changed-after-end", update(ended(12), ended(13))),
        ("changed-after-end", update(ended(12), text(13))),
        ("update-late", Case::Update { before: before.clone(), after, passed_s: 3.1 }),
        ("update-late", Case::Update { before: before.clone(), after: before, passed_s: 3.1 }),
    ]
}

fn of_the_list() -> Vec<(&'static str, Case)> {
    let (before, after) = (text(12), text(13));
    let uncounted = with(&after, "SEQUENCE:4", "SEQUENCE:3");
    let without_numbers =
        |text: &str, number: &str| with(text, &format!("#EXT-X-MEDIA-SEQUENCE:{number}\n"), "");
    vec![
        ("media-sequence-went-back", update(before.clone(), text(1))),
        ("media-sequence-went-back", update(before.clone(), text(11))),
        ("media-sequence-not-counted", update(before.clone(), uncounted)),
        ("media-sequence-not-counted", update(before.clone(), with(&after, "SEQUENCE:4", "SEQUENCE:5"))),
        ("media-sequence-not-counted", update(without_numbers(&before, "3"), without_numbers(&after, "4"))),
        ("segment-changed", update(before.clone(), with(&after, "seg-00000009", "seg-99999999"))),
        (
            "segment-changed",
            update(before.clone(), with(&after, &entry(9), &entry(9).replace("2.000000", "1.900000"))),
        ),
        ("segment-changed", update(before.clone(), with(&after, ":16.000Z", ":16.040Z"))),
        (
            "segment-changed",
            update(before.clone(), with(&after, &entry(9), &format!("#EXT-X-DISCONTINUITY\n{}", entry(9)))),
        ),
        ("segment-taken-from-the-end", update(before.clone(), with(&before, &entry(12), ""))),
    ]
}

fn of_removal() -> Vec<(&'static str, Case)> {
    // 5 is the first listed, then it leaves.
    let (head, left) = (with_a_break(5), with_a_break(6));
    let six_of_6_s = WindowSettings { target_duration_s: 6, segments: 6 };
    let short = |first, count: u64| {
        let mut window = Window::new(six_of_6_s, first);
        for media_sequence in first..first + count {
            window.push(segment(media_sequence, 180_000)).unwrap();
        }
        render(window.playlist())
    };
    let five = |pushes| {
        let five = WindowSettings { target_duration_s: 2, segments: 5 };
        render(window_after(five, pushes).playlist())
    };
    let range = "#EXT-X-DATERANGE:ID=\"ad\",START-DATE=\"2026-03-01T12:00:06.000Z\",DURATION=2.0\n";
    let with_range = with(&text(12), "#EXT-X-INDEPENDENT", &format!("{range}#EXT-X-INDEPENDENT"));
    let another = range.replace("12:00:06", "12:00:12");
    let with_another = with(&text(13), "#EXT-X-INDEPENDENT", &format!("{another}#EXT-X-INDEPENDENT"));
    vec![
        (
            "discontinuity-sequence-not-counted",
            update(head.clone(), with(&left, "TY-SEQUENCE:1", "TY-SEQUENCE:0")),
        ),
        (
            "discontinuity-sequence-not-counted",
            update(head.clone(), with(&left, "TY-SEQUENCE:1", "TY-SEQUENCE:2")),
        ),
        (
            "discontinuity-sequence-not-counted",
            update(with_a_break(3), with(&with_a_break(4), "TY-SEQUENCE:0", "TY-SEQUENCE:1")),
        ),
        (
            "discontinuity-sequence-went-back",
            update(left, with(&with_a_break(7), "TY-SEQUENCE:1", "TY-SEQUENCE:0")),
        ),
        ("window-below-three-targets", update(short(1, 6), short(2, 6))),
        ("window-below-six-segments", update(five(7), five(8))),
        ("date-range-left-early", update(with_range.clone(), text(13))),
        ("date-range-id-reused", update(with_range, with_another)),
    ]
}

#[test]
fn lawful_versions_are_not_found() {
    #[track_caller]
    fn check(before: String, after: String) {
        update(before, after).assert_clean();
    }
    check(text(1), text(2));
    check(text(12), text(13));
    // A viewer who was away for a while, and for longer than the window.
    check(text(12), text(18));
    check(text(12), text(30));
    check(text(12), ended(12));
    check(text(12), ended(13));
    // A discontinuity comes, reaches the head, and leaves.
    for pushes_after in 0..7 {
        check(with_a_break(pushes_after), with_a_break(pushes_after + 1));
    }
    // Some writers take the tag before the first segment out as soon as there is nothing before it.
    let head = with_a_break(5);
    let tag_gone = with(&head, "#EXT-X-DISCONTINUITY\n", "");
    check(with_a_break(4), with(&tag_gone, "TY-SEQUENCE:0", "TY-SEQUENCE:1"));
}

#[test]
fn a_finished_presentation_may_be_followed_by_another() {
    let previous = livedir_playlist::parse(&ended(12)).unwrap();
    let mut window = Window::resume(TEN_OF_2_S, previous).unwrap();
    window.push(segment(13, 180_000)).unwrap();
    update(ended(12), render(window.playlist())).assert_clean();
}

#[test]
fn a_version_is_late_only_when_it_was_looked_for_in_between() {
    #[track_caller]
    fn check(after: String, passed_s: f64) {
        Case::Update { before: text(12), after, passed_s }.assert_clean();
    }
    check(text(13), 3.0);
    check(text(12), 2.9);
    check(ended(12), 60.0);
    Case::Update { before: ended(12), after: ended(12), passed_s: 60.0 }.assert_clean();
}
