//! Parts as they come, and what the list says: `7[7.0 7.1]` is a segment with its parts, `8.0` a part of an open one.

use crate::samples::finished_90k;
use crate::timeline::low_latency::*;
use livedir_layout::names::segment_uri;
use livedir_playlist::Segment;

const PART_90K: u64 = 18_000;
const PATIENCE: Duration = Duration::from_millis(500);

struct PartStage {
    list: LowLatencyList,
    playlist: MediaPlaylist,
    start: Instant,
}

impl PartStage {
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
            let mut finished = finished_90k(PART_90K);
            finished.facts.start_90k = part.parse::<u64>().unwrap() * PART_90K;
            self.list.arrived(&name, finished);
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

    /// A segment of so many parts is listed as a gap.
    fn gap(&mut self, number: u64, parts: u64) -> &mut Self {
        self.playlist.segments.push(Segment {
            uri: segment_uri(number),
            duration_90k: parts * PART_90K,
            program_date_time: None,
            discontinuity: false,
            gap: true,
        });
        self.list.left_out(number, self.playlist.next_media_sequence() - 1, parts * PART_90K);
        self.advance(Duration::ZERO)
    }

    fn advance(&mut self, after: Duration) -> &mut Self {
        loop {
            if self.list.first_part().is_some() {
                let lost = self.list.first_part().map_or(0, |first| u64::from(first.lost));
                let lost_90k = lost * self.list.part_target_90k();
                self.list.begin(Beginning { filmed_at: None, discontinuity: false }, lost_90k);
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
        let mut is_gap = false;
        for line in self.list.text(&self.playlist).lines() {
            let name = |uri: &str| uri.trim_start_matches("live/").to_owned();
            if let Some((_, uri)) = line.split_once("URI=\"") {
                let (number, part) = part_of_name(&name(uri.split('"').next().unwrap())).unwrap();
                if line.starts_with("#EXT-X-PRELOAD-HINT") {
                    words.append(&mut parts);
                    words.push(format!("then {number}.{part}"));
                } else {
                    let lost = if line.contains("GAP=YES") { "-" } else { "" };
                    parts.push(format!("{lost}{number}.{part}"));
                }
            } else if line == "#EXT-X-GAP" {
                is_gap = true;
            } else if line.starts_with("live/") {
                let name = name(line);
                let number = name.trim_matches(|it: char| !it.is_ascii_digit()).trim_start_matches('0');
                let number =
                    if std::mem::take(&mut is_gap) { format!("({number})") } else { number.to_owned() };
                words.push(format!("{number}[{}]", parts.join(" ")));
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
    PartStage::new()
        .check("then 1.0 (not yet)")
        .parts("1.0")
        .check("1.0, then 1.1")
        .parts("1.1")
        .check("1.0, 1.1, then 1.2");
}

#[test]
fn the_end_of_a_segment_is_shown_with_its_last_part() {
    let mut stage = PartStage::new();
    stage.parts("1.0").segment(1, 2).check("1[], 1.0, then 1.1 (not yet)");
    stage.parts("1.1").check("1[1.0 1.1], then 2.0");
    stage.parts("2.0").check("1[1.0 1.1], 2.0, then 2.1");
}

#[test]
fn a_segment_that_closes_drives_no_parts_out_early() {
    let names = |number: u64, parts: std::ops::Range<u64>| -> String {
        parts.map(|part| format!("{number}.{part}")).collect::<Vec<_>>().join(" ")
    };
    let mut stage = PartStage::new();
    for number in 1..=3 {
        stage.parts(&names(number, 0..10)).segment(number, 10);
    }
    // What comes after the parts of 1 lasts six seconds then: three target durations, and no more.
    stage.parts(&names(4, 0..9)).segment(4, 10).parts("4.9");
    let lists = |stage: &PartStage| stage.list.text(&stage.playlist).contains("seg-00000001.p00.ts");
    assert!(lists(&stage));
    stage.parts("5.0");
    assert!(!lists(&stage));
}

#[test]
fn a_part_of_the_next_segment_waits_for_the_end_of_this_one() {
    let mut stage = PartStage::new();
    stage.parts("1.0 2.0").check("1.0, then 1.1").segment(1, 2).parts("1.1");
    stage.check("1[1.0 1.1], 2.0, then 2.1");
}

#[test]
fn a_part_is_lost_when_a_later_one_has_come() {
    let mut stage = PartStage::new();
    stage.parts("1.0 1.2").check("1.0, -1.1, 1.2, then 1.3").segment(1, 3).check("1[1.0 -1.1 1.2], then 2.0");
    stage.parts("1.1").check("1[1.0 -1.1 1.2], then 2.0");
}

#[test]
fn the_first_parts_of_a_segment_may_be_lost() {
    let mut stage = PartStage::new();
    stage
        .parts("1.2")
        .check("-1.0, -1.1, 1.2, then 1.3")
        .segment(1, 3)
        .parts("2.1")
        .check("1[-1.0 -1.1 1.2], -2.0, 2.1, then 2.2");
}

#[test]
fn the_last_parts_are_lost_when_they_do_not_follow_their_segment() {
    let mut stage = PartStage::new();
    stage.parts("1.0").segment(1, 3).check("1[], 1.0, then 1.1 (not yet)");
    stage.advance(PATIENCE).check("1[1.0 -1.1 -1.2], then 2.0");
    stage
        .parts("2.0")
        .segment(2, 2)
        .parts("3.0 3.1")
        .check("1[1.0 -1.1 -1.2], 2[2.0 -2.1], 3.0, 3.1, then 3.2");
}

#[test]
fn all_parts_of_a_segment_may_be_lost() {
    PartStage::new()
        .parts("1.0")
        .segment(1, 1)
        .segment(2, 2)
        .check("1[1.0], 2[], then 3.0")
        .parts("3.0")
        .check("1[1.0], 2[], 3.0, then 3.1");
}

#[test]
fn lost_parts_are_as_long_as_the_timeline_says() {
    let mut stage = PartStage::new();
    stage.parts("1.0");
    let mut finished = finished_90k(PART_90K);
    finished.facts.start_90k = PART_90K + 2 * 7_000;
    stage.list.arrived(&part_name(1, 3), finished);
    stage.advance(Duration::ZERO).check("1.0, -1.1, -1.2, 1.3, then 1.4");
    let text = stage.list.text(&stage.playlist);
    assert_eq!(text.matches("DURATION=0.077778").count(), 2, "{text}");
}

#[test]
fn a_segment_that_is_lost_is_given_up_and_does_not_hold_up_the_next() {
    let mut stage = PartStage::new();
    stage.parts("1.0 1.1 2.0").check("1.0, 1.1, then 1.2");
    assert_eq!(stage.list.given_up(), None, "its file may come behind the first part of the next");
    stage.parts("2.1");
    assert_eq!(stage.list.given_up(), Some(1));
    assert_eq!(stage.list.whole_until(), Some((2, 2 * PART_90K)));
    stage.gap(1, 4).check("(1)[1.0 1.1 -1.2 -1.3], 2.0, 2.1, then 2.2");
}

#[test]
fn a_part_that_comes_too_late_is_not_listed() {
    let mut stage = PartStage::new();
    stage.parts("1.0").segment(1, 1).check("1[1.0], then 2.0");
    assert!(!stage.list.arrived(&part_name(1, 1), finished_90k(PART_90K)));
    assert!(!stage.list.arrived("holiday.ts", finished_90k(PART_90K)));
}

#[test]
fn an_estimate_that_is_a_little_too_long_is_cut_to_the_target_and_a_longer_part_is_refused() {
    let mut stage = PartStage::new();
    stage.list.arrived(&part_name(1, 0), finished_90k(PART_90K + ROUNDING_90K));
    stage.advance(Duration::ZERO).check("1.0, then 1.1");
    stage.list.arrived(&part_name(1, 1), finished_90k(PART_90K + ROUNDING_90K + 1));
    stage.advance(Duration::ZERO).check("1.0, -1.1, then 1.2");
}

#[test]
fn an_encoder_that_makes_no_parts_gets_a_list_without() {
    let mut stage = PartStage::of(Encoder::Foreign);
    assert!(!stage.list.is_whole(&stage.playlist), "what lies there is taken up first");
    stage.list.settle(1);
    stage.segment(1, 2).check("1[]").segment(2, 2).check("1[], 2[]");
    let text = stage.list.text(&stage.playlist);
    assert!(text.contains("CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL") && !text.contains("PART-INF"), "{text}");
    stage.parts("3.0").check("1[], 2[], 3.0, then 3.1");
}

#[test]
fn an_encoder_that_makes_no_parts_any_more_does_not_hold_up_the_list() {
    let mut stage = PartStage::of(Encoder::Foreign);
    stage.segment(1, 1);
    stage.list.restore(
        1,
        (ToldParts::default(), BTreeMap::from([(0, finished_90k(PART_90K))])),
        (1, PART_90K),
    );
    stage.list.settle(2);
    stage.check("1[1.0], then 2.0").segment(2, 1).check("1[1.0], 2[], then 3.0");
}

#[test]
fn what_a_run_before_has_left_is_told_with_the_first_part_of_this_one() {
    let mut stage = PartStage::new();
    stage.playlist.segments.push(Segment {
        uri: segment_uri(1),
        duration_90k: 2 * PART_90K,
        program_date_time: None,
        discontinuity: false,
        gap: false,
    });
    let parts = BTreeMap::from([(0, finished_90k(PART_90K)), (1, finished_90k(PART_90K))]);
    stage.list.restore(1, (ToldParts::default(), parts), (1, 2 * PART_90K));
    stage.list.settle(2);
    stage.check("1[1.0 1.1], then 2.0 (not yet)").parts("2.0").check("1[1.0 1.1], 2.0, then 2.1");
}

#[test]
fn a_part_that_is_told_of_twice_is_not_one_that_came_too_late() {
    let mut stage = PartStage::new();
    stage.parts("1.0").segment(1, 2).parts("1.1");
    assert!(stage.list.arrived(&part_name(1, 1), finished_90k(PART_90K)), "it is listed, and has to stay");
    stage.check("1[1.0 1.1], then 2.0");
    assert!(!stage.list.arrived(&part_name(1, 2), finished_90k(PART_90K)), "this one came too late");
}

#[test]
fn an_encoder_that_was_started_again_and_counts_from_1_again_is_followed() {
    let mut stage = PartStage::of(Encoder::Foreign);
    stage.list.settle(1);
    stage.parts("98.0").segment(98, 1).check("98[98.0], then 99.0");
    stage.segment(1, 1).check("98[98.0], 1[], then 2.0").parts("2.0").check("98[98.0], 1[], 2.0, then 2.1");
}
