//! Parts as they come, and what the list says: `7[7.0 7.1]` is a segment with its parts, `8.0` a part of an open one.

use super::*;
use crate::segment_name::segment_uri;
use crate::watcher::finished_file::tests::finished_90k;
use livedir_playlist::Segment;

const PART_90K: u64 = 18_000;
const PATIENCE: Duration = Duration::from_millis(500);

struct Stage {
    list: LowLatencyList,
    playlist: MediaPlaylist,
    start: Instant,
}

impl Stage {
    fn new() -> Self {
        Self::of(Encoder::Ours)
    }

    fn of(encoder: Encoder) -> Self {
        let playlist =
            livedir_playlist::parse("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n").unwrap();
        Self { list: LowLatencyList::new(PART_90K, encoder, Home::Live, 10), playlist, start: Instant::now() }
    }

    /// Parts come: `7.0` is the first of segment 7.
    fn parts(&mut self, names: &str) -> &mut Self {
        for name in names.split(' ') {
            let (number, part) = name.split_once('.').unwrap();
            let name = part_name(number.parse().unwrap(), part.parse().unwrap());
            self.list.arrived(&name, finished_90k(PART_90K));
            self.advance(Duration::ZERO);
        }
        self
    }

    /// A segment of so many parts is listed in the playlist.
    fn segment(&mut self, number: u64, parts: u64) -> &mut Self {
        let duration_90k = parts * PART_90K;
        let beginning = self.list.beginning_of(number);
        self.playlist.segments.push(Segment {
            uri: segment_uri(number),
            duration_90k,
            program_date_time: None,
            discontinuity: beginning.is_some_and(|it| it.discontinuity),
            gap: false,
        });
        let media_sequence = self.playlist.next_media_sequence() - 1;
        self.list.segment_listed(number, media_sequence, duration_90k, self.start);
        self.advance(Duration::ZERO)
    }

    fn advance(&mut self, after: Duration) -> &mut Self {
        loop {
            if self.list.first_part().is_some() {
                self.list.begin(Beginning { filmed_at: None, discontinuity: false });
            }
            self.list.advance(&self.playlist, PATIENCE, self.start + after);
            if self.list.first_part().is_none() {
                return self;
            }
        }
    }

    /// What the list says, in words: `7[0 1]` is segment 7 with two parts, `8:0` a part of an open segment.
    #[track_caller]
    fn check(&mut self, expected: &str) -> &mut Self {
        let mut words = Vec::new();
        let mut parts: Vec<String> = Vec::new();
        for line in self.list.text(&self.playlist).lines() {
            let name = |uri: &str| uri.trim_start_matches("live/").to_owned();
            if let Some((_, uri)) = line.split_once("URI=\"") {
                let (number, part) = part_of_name(&name(uri.split('"').next().unwrap())).unwrap();
                if line.starts_with("#EXT-X-PRELOAD-HINT") {
                    words.append(&mut parts);
                    words.push(format!("then {number}.{part}"));
                } else {
                    parts.push(format!("{number}.{part}"));
                }
            } else if line.starts_with("live/") {
                words.push(format!(
                    "{}[{}]",
                    name(line).trim_matches(|it: char| !it.is_ascii_digit()).trim_start_matches('0'),
                    parts.join(" ")
                ));
                parts.clear();
            }
        }
        let whole = if self.list.is_whole(&self.playlist) { "" } else { " (not yet)" };
        assert_eq!(format!("{}{whole}", words.join(", ")), expected);
        self
    }
}

#[test]
fn parts_are_listed_as_they_come_and_the_next_is_hinted_at() {
    Stage::new()
        .check("then 1.0 (not yet)")
        .parts("1.0")
        .check("1.0, then 1.1")
        .parts("1.1")
        .check("1.0, 1.1, then 1.2");
}

#[test]
fn the_end_of_a_segment_is_shown_with_its_last_part() {
    let mut stage = Stage::new();
    stage.parts("1.0").segment(1, 2).check("1[], 1.0, then 1.1 (not yet)");
    stage.parts("1.1").check("1[1.0 1.1], then 2.0");
    stage.parts("2.0").check("1[1.0 1.1], 2.0, then 2.1");
}

#[test]
fn a_segment_that_closes_drives_no_parts_out_early() {
    let names = |number: u64, parts: std::ops::Range<u64>| -> String {
        parts.map(|part| format!("{number}.{part}")).collect::<Vec<_>>().join(" ")
    };
    let mut stage = Stage::new();
    for number in 1..=3 {
        stage.parts(&names(number, 0..10)).segment(number, 10);
    }
    // What comes after the parts of 1 lasts six seconds then: three target durations, and no more.
    stage.parts(&names(4, 0..9)).segment(4, 10).parts("4.9");
    let lists = |stage: &Stage| stage.list.text(&stage.playlist).contains("seg-00000001.p00.ts");
    assert!(lists(&stage));
    stage.parts("5.0");
    assert!(!lists(&stage));
}

#[test]
fn a_part_of_the_next_segment_waits_for_the_end_of_this_one() {
    let mut stage = Stage::new();
    stage.parts("1.0 2.0").check("1.0, then 1.1").segment(1, 2).parts("1.1");
    stage.check("1[1.0 1.1], 2.0, then 2.1");
}

#[test]
fn a_part_that_is_lost_takes_those_of_its_segment_along() {
    let mut stage = Stage::new();
    stage.parts("1.0 1.2").check("1.0, then 1.1").segment(1, 3).check("1[], 1.0, then 1.1 (not yet)");
    stage.advance(PATIENCE).check("1[], then 2.0").parts("2.0").check("1[], 2.0, then 2.1");
}

#[test]
fn a_segment_that_is_lost_does_not_hold_up_the_next() {
    Stage::new().parts("1.0 1.1 2.0 3.0").check("2.0, then 2.1");
    let mut stage = Stage::new();
    stage.parts("1.0 1.1 2.0").segment(2, 2).check("2[], 2.0, then 2.1 (not yet)");
    stage.parts("2.1").check("2[2.0 2.1], then 3.0");
}

#[test]
fn a_part_that_comes_too_late_is_not_listed() {
    let mut stage = Stage::new();
    stage.parts("1.0").segment(1, 1).check("1[1.0], then 2.0");
    assert!(!stage.list.arrived(&part_name(1, 1), finished_90k(PART_90K)));
    assert!(!stage.list.arrived("holiday.ts", finished_90k(PART_90K)));
}

#[test]
fn an_estimate_that_is_a_little_too_long_is_cut_to_the_target_and_a_longer_part_is_refused() {
    let mut stage = Stage::new();
    stage.list.arrived(&part_name(1, 0), finished_90k(PART_90K + ROUNDING_90K));
    stage.advance(Duration::ZERO).check("1.0, then 1.1");
    stage.list.arrived(&part_name(1, 1), finished_90k(PART_90K + ROUNDING_90K + 1));
    stage.advance(Duration::ZERO).check("1.0, then 1.1");
}

#[test]
fn an_encoder_that_makes_no_parts_gets_a_list_without() {
    let mut stage = Stage::of(Encoder::Foreign);
    assert!(!stage.list.is_whole(&stage.playlist), "what lies there is taken up first");
    stage.list.settle(1);
    stage.segment(1, 2).check("1[]").segment(2, 2).check("1[], 2[]");
    let text = stage.list.text(&stage.playlist);
    assert!(text.contains("CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL") && !text.contains("PART-INF"), "{text}");
    stage.parts("3.0").check("1[], 2[], 3.0, then 3.1");
}

#[test]
fn an_encoder_that_makes_no_parts_any_more_does_not_hold_up_the_list() {
    let mut stage = Stage::of(Encoder::Foreign);
    stage.list.restore(&part_name(1, 0), &finished_90k(PART_90K)).unwrap();
    stage.segment(1, 1);
    stage.list.restored(1, PART_90K, &stage.playlist.clone());
    stage.list.settle(2);
    stage.check("1[1.0], then 2.0 (not yet)").segment(2, 1).check("1[1.0], 2[], then 3.0");
}

#[test]
fn what_a_run_before_has_left_is_told_with_the_first_part_of_this_one() {
    let mut stage = Stage::new();
    for part in 0..2 {
        stage.list.restore(&part_name(1, part), &finished_90k(PART_90K)).unwrap();
    }
    stage.playlist.segments.push(Segment {
        uri: segment_uri(1),
        duration_90k: 2 * PART_90K,
        program_date_time: None,
        discontinuity: false,
        gap: false,
    });
    stage.list.restored(1, 2 * PART_90K, &stage.playlist.clone());
    stage.list.settle(2);
    stage.check("1[1.0 1.1], then 2.0 (not yet)").parts("2.0").check("1[1.0 1.1], 2.0, then 2.1");
}

#[test]
fn a_part_that_is_told_of_twice_is_not_one_that_came_too_late() {
    let mut stage = Stage::new();
    stage.parts("1.0").segment(1, 2).parts("1.1");
    assert!(stage.list.arrived(&part_name(1, 1), finished_90k(PART_90K)), "it is listed, and has to stay");
    stage.check("1[1.0 1.1], then 2.0");
    assert!(!stage.list.arrived(&part_name(1, 2), finished_90k(PART_90K)), "this one came too late");
}

#[test]
fn a_segment_that_its_encoder_gave_up_is_known_by_the_second_part_of_the_next() {
    let mut list = LowLatencyList::new(PART_90K, Encoder::Ours, Home::Beside, 10);
    let arrives = |list: &mut LowLatencyList, number, part| {
        list.arrived(&part_name(number, part), finished_90k(PART_90K));
        if list.first_part().is_some() {
            list.begin(Beginning { filmed_at: None, discontinuity: false });
        }
        list.given_up()
    };
    assert_eq!(arrives(&mut list, 1, 0), None);
    assert_eq!(arrives(&mut list, 2, 0), None, "the segment may come behind the first part of the next");
    assert_eq!(arrives(&mut list, 2, 1), Some(1));
    list.left_out(1);
    assert_eq!(list.given_up(), None);
    assert_eq!(list.first_number(), Some(2));
}

#[test]
fn the_parts_of_a_gap_stay_listed() {
    let mut stage = Stage::new();
    stage.parts("1.0 1.1 2.0").check("1.0, 1.1, then 1.2");
    stage.list.left_out(1);
    stage.playlist.segments.push(Segment {
        uri: segment_uri(1),
        duration_90k: 3 * PART_90K,
        program_date_time: None,
        discontinuity: false,
        gap: true,
    });
    stage.advance(Duration::ZERO).check("1[1.0 1.1], 2.0, then 2.1");
    stage.list.left_out(1);
    stage.check("1[1.0 1.1], 2.0, then 2.1");
}
