//! Text and values: there and back, and any text at all.

use livedir_playlist::{MediaPlaylist, Segment, parse, render};
use proptest::prelude::*;

use crate::support::damage::{damage, damaged};
use crate::support::random::any_playlist;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_read_back(playlist in any_playlist()) {
        prop_assert_eq!(parse(&render(&playlist)), Ok(playlist));
    }

    #[test]
    fn every_tick_is_read_back(duration_90k in any::<u64>(), nanosecond in any::<i64>()) {
        let mut playlist = one_segment(duration_90k);
        let date = jiff::Timestamp::from_nanosecond(nanosecond.into()).unwrap();
        playlist.segments[0].program_date_time = Some(date);
        let text = render(&playlist);
        let read = parse(&text).unwrap();
        prop_assert_eq!(read.segments[0].duration_90k, duration_90k);
        let read_date = read.segments[0].program_date_time.unwrap();
        prop_assert!((read_date.as_nanosecond() - date.as_nanosecond()).abs() <= 500_000);
        prop_assert_eq!(render(&read), text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(#EXTM3U\n)?([\\PC\n\r:#]|#EXTINF:|#EXT-X-[A-Z]{3,20}:?){0,60}") {
        if let Err(error) = parse(&text) {
            prop_assert!(error.line >= 1 && error.line <= text.lines().count().max(1));
        }
    }

    #[test]
    fn damaged_playlist_is_refused_or_can_be_written_and_read_again(
        playlist in any_playlist(),
        damages in prop::collection::vec(damage(), 1..4),
    ) {
        let text = damages.iter().fold(render(&playlist), |text, damage| {
            if text.is_empty() { text } else { damaged(&text, damage) }
        });
        if let Ok(read) = parse(&text) {
            prop_assert_eq!(parse(&render(&read)).map(|again| render(&again)), Ok(render(&read)));
        }
    }
}

fn one_segment(duration_90k: u64) -> MediaPlaylist {
    MediaPlaylist {
        version: 3,
        target_duration_s: 2,
        media_sequence: 1,
        discontinuity_sequence: 0,
        independent_segments: true,
        segments: vec![Segment {
            uri: "live/seg-00000001.ts".to_owned(),
            duration_90k,
            program_date_time: None,
            discontinuity: false,
            gap: false,
        }],
        ended: false,
    }
}

#[test]
fn durations_near_every_boundary_are_read_back() {
    for duration_90k in (0..=270_000).chain(u64::MAX - 1000..=u64::MAX) {
        let read = parse(&render(&one_segment(duration_90k))).unwrap();
        assert_eq!(read.segments[0].duration_90k, duration_90k);
    }
}

#[test]
fn playlist_cut_inside_a_segment_is_refused() {
    let text = render(&one_segment(180_000));
    let uri_begins = text.find("live/").unwrap();
    let extinf_begins = text.find("#EXTINF:").unwrap();
    for end in extinf_begins + "#EXTINF:2".len()..=uri_begins {
        assert!(parse(&text[..end]).is_err(), "{:?}", &text[..end]);
    }
}
