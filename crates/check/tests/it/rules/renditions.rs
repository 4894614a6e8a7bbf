//! A multivariant playlist with those that it lists.

use super::multivariant::{MAIN, VIDEO_ONLY};
use super::{Case, live, undated, with};
use crate::support::{TEN_OF_2_S, after_a_break, segment, window_after};
use livedir_playlist::render;

/// Read one after the other.
fn together(media: Vec<String>) -> Case {
    Case::Renditions { multivariant: MAIN.to_owned(), media }
}

/// As [`live`] is some segments later.
fn later(segments: u64) -> String {
    render(window_after(TEN_OF_2_S, 12 + segments).playlist())
}

/// As [`live`], with a break before segment 6.
fn with_a_break() -> String {
    let mut window = window_after(TEN_OF_2_S, 5);
    window.push(after_a_break(segment(6, 180_000))).unwrap();
    for media_sequence in 7..=12 {
        window.push(segment(media_sequence, 180_000)).unwrap();
    }
    render(window.playlist())
}

/// As [`live`], with every segment cut in two.
fn halved() -> String {
    let mut text = live().replace("EXTINF:2.000000", "EXTINF:1.000000");
    for number in 3..=12 {
        let uri = format!("live/seg-{number:08}.ts\n");
        text = with(&text, &uri, &format!("{uri}#EXTINF:1.000000,\nlive/half-{number}.ts\n"));
    }
    text
}

/// As [`live`], with every date later by this, which is less than a second.
fn dated_later(milliseconds: u32) -> String {
    live().replace(".000Z", &format!(".{milliseconds:03}Z"))
}

/// A segment of 12:00:02 with a time stamp of 0, just after the clock has wrapped, and one of another playlist.
fn clocks(discontinuity_sequence: u64, date: &'static str, start_90k: u64) -> Case {
    Case::Clocks(vec![(0, "2026-03-01T12:00:02Z", 0), (discontinuity_sequence, date, start_90k)])
}

pub(super) fn broken() -> Vec<(&'static str, Case)> {
    let renditions = |id, other| (id, together(vec![live(), other]));
    let ended = |text: String| format!("{text}#EXT-X-ENDLIST\n");
    let uncounted = with(&with_a_break(), "TY-SEQUENCE:0", "TY-SEQUENCE:1");
    vec![
        renditions("renditions-target-differs", with(&live(), "DURATION:2", "DURATION:3")),
        renditions(
            "renditions-type-differs",
            with(&live(), "#EXT-X-IND", "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-IND"),
        ),
        renditions("renditions-dates-missing", format!("{}#EXT-X-ENDLIST\n", undated(&live()))),
        (
            "renditions-not-independent",
            Case::Renditions { multivariant: VIDEO_ONLY.to_owned(), media: vec![live(), dependent()] },
        ),
        // Whoever was read later has had the time.
        ("renditions-apart", together(vec![later(2), live()])),
        ("renditions-apart", together(vec![ended(live()), ended(later(2))])),
        ("renditions-discontinuities-differ", together(vec![live(), with_a_break()])),
        ("renditions-discontinuities-differ", together(vec![with_a_break(), uncounted])),
        ("renditions-clocks-differ", clocks(0, "2026-03-01T12:00:05Z", 180_000)),
        ("renditions-clocks-differ", clocks(0, "2026-03-01T12:00:02Z", 270_000)),
        renditions("renditions-borders-differ", halved()),
        ("renditions-borders-differ", together(vec![halved(), live()])),
        renditions("renditions-borders-differ", dated_later(150)),
    ]
}

fn dependent() -> String {
    with(&live(), "#EXT-X-INDEPENDENT-SEGMENTS\n", "")
}

#[test]
fn lawful_presentations_are_not_found() {
    let said_above = with(VIDEO_ONLY, "#EXTM3U\n", "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    together(vec![live(), live()]).assert_clean();
    Case::Renditions { multivariant: said_above, media: vec![live(), dependent()] }.assert_clean();
    // One of them may be the sound.
    together(vec![live(), dependent()]).assert_clean();
    together(Vec::new()).assert_clean();
    // One of I-frames may have a target duration of its own.
    let i_frames = with(&live(), "DURATION:2\n", "DURATION:9\n#EXT-X-I-FRAMES-ONLY\n");
    let i_frames = with(&i_frames, "VERSION:3", "VERSION:4");
    together(vec![live(), i_frames]).assert_clean();
}

#[test]
fn playlists_that_were_read_at_different_times_are_not_apart() {
    // One that was read later may have gone on, and one that was read at once may be a segment behind.
    together(vec![live(), later(5)]).assert_clean();
    together(vec![later(1), live()]).assert_clean();
    together(vec![live(), later(30)]).assert_clean();
}

#[test]
fn clocks_that_agree_or_cannot_be_compared_are_not_found() {
    clocks(0, "2026-03-01T12:00:04.9Z", 180_000).assert_clean();
    clocks(0, "2026-03-01T12:00:00Z", (1 << 33) - 180_000).assert_clean();
    clocks(1, "2026-03-01T12:00:04Z", 0).assert_clean();
}

#[test]
fn playlists_with_the_same_breaks_and_almost_the_same_borders_are_not_found() {
    together(vec![with_a_break(), with_a_break()]).assert_clean();
    // Sound is cut where its frames end.
    together(vec![live(), dated_later(23)]).assert_clean();
    // Dates on the first segment alone tell all others.
    let first_date = "#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:04.000Z\n";
    let sparse = with(&undated(&live()), "#EXTINF", &format!("{first_date}#EXTINF"));
    together(vec![sparse, live()]).assert_clean();
}
