//! Timeline: the timestamps of a file or stream become one media time that never breaks.
//!
//! In: presentation times as the container has them, stream by stream. Out: media time in microseconds from the first
//! frame on. Pure: no clock, no I/O. Jumps are spliced, wraps unrolled, missing times guessed, rounds of a loop laid end to end.

use livedir_time::clock_33_bit::WRAP_90K;
use livedir_time::ticks::microseconds;
use std::time::Instant;

/// A lane is one of the two streams that are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// The video.
    Picture = 0,
    /// The sound.
    Sound = 1,
}

impl Lane {
    /// Both, the video first.
    pub(crate) const ALL: [Lane; 2] = [Lane::Picture, Lane::Sound];
}

/// MPEG timestamps are 33 bits of 90 kHz (ISO 13818-1 2.4.3.7): after 26.5 hours they begin again.
const WRAP_US: i64 = microseconds(WRAP_90K as i64);
/// A longer hole than this is not a pause but another timeline: a splice, an encoder that was restarted.
const FORWARD_JUMP_US: i64 = 10_000_000;
/// A live source whose timestamps leave out more than this (and twice the usual step) without a pause has jumped: shown as a
/// hole it would freeze, and be late by it from then on.
const LIVE_JUMP_US: i64 = 300_000;
/// A lane is that much nearer to the splice of the other than to its own past, and then it crosses it too.
const FOLLOWS_US: i64 = 100_000;
/// Timestamps that step back by less are the jitter of careless muxers.
const BACKWARD_JUMP_US: i64 = 500_000;
/// Video and sound cross a splice within this of each other; so near, they are taken to be on one timeline again.
const SAME_SPLICE_US: i64 = 1_000_000;
/// A slide may stand for minutes; a longer duration is a broken field.
const LONGEST_PIECE_US: i64 = 300_000_000;
/// No true timestamp is further from zero: 2000 years.
const FARTHEST_US: i64 = 1 << 56;

/// What was read of the other lane before a packet stands at most this far from it in a file.
const INTERLEAVED_US: i64 = 5_000_000;
/// The other lane runs without a hole if it does so from here on, after its last piece.
const RUNS_ON_US: i64 = 3_000_000;

/// What the other lane does beside a hole in this one: a picture that stands still while sound goes on is no jump.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Beside {
    /// Nobody looked.
    #[default]
    Unknown,
    /// There is no other lane, and the container's timestamps do not jump.
    Alone,
    /// When the packet was read, the other lane had been read from here to there without a hole, in container time.
    Run {
        /// Where it began.
        since_us: i64,
        /// The newest packet.
        newest_us: i64,
    },
}

/// A piece before it has its place.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Unplaced {
    /// As the container has it.
    pub(crate) pts_us: Option<i64>,
    pub(crate) duration_us: i64,
    /// When it came, of a source that sends in real time: what came without a pause holds none.
    pub(crate) arrived: Option<Instant>,
    pub(crate) beside: Beside,
}

/// Places timestamps of a source on one continuous timeline.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    lanes: [LaneClock; 2],
    /// From container time to media time, for a lane that has no own past in this round, or crosses a splice second.
    offset_us: i64,
    round_start_us: i64,
}

#[derive(Debug, Default)]
struct LaneClock {
    offset_us: i64,
    last: Option<Placed>,
    arrived: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_field_names, reason = "the unit belongs into each name")]
struct Placed {
    start_us: i64,
    end_us: i64,
    /// From the start of the frame before to that of this one.
    step_us: i64,
    /// The shorter of the newest two steps: one hole is not usual.
    usual_us: i64,
}

impl Placed {
    fn goes_on_at(self, media_us: i64) -> bool {
        !self.is_before(media_us) && media_us <= self.end_us + FORWARD_JUMP_US
    }

    fn is_before(self, media_us: i64) -> bool {
        media_us < self.start_us - BACKWARD_JUMP_US
    }
}

impl Beside {
    /// Whether a hole up to a packet at `pts_us` is one of the lane `own` alone; `other` is the lane beside it, which is on the same
    /// timeline, or has crossed a splice.
    fn shows_hole(self, hole_us: i64, pts_us: i64, own: &LaneClock, other: &LaneClock) -> bool {
        match self {
            Beside::Unknown => false,
            Beside::Alone => hole_us <= LONGEST_PIECE_US,
            Beside::Run { since_us, newest_us } => other.last.is_some_and(|last| {
                let end_us = last.end_us - other.offset_us;
                other.offset_us == own.offset_us
                    && since_us <= end_us.saturating_add(RUNS_ON_US)
                    && newest_us.saturating_sub(pts_us).saturating_abs() <= INTERLEAVED_US
            }),
        }
    }
}

impl Timeline {
    /// A round starts: container time `origin_us` is where the later of the two lanes ended in the round before.
    pub(crate) fn begin_round(&mut self, origin_us: i64) {
        self.round_start_us = self.end_us();
        self.offset_us = self.round_start_us - origin_us.clamp(-FARTHEST_US, FARTHEST_US);
        self.lanes = Default::default();
    }

    /// Media time of the next frame of a lane. Frames of one lane come in the order in which they are presented.
    pub(crate) fn place(&mut self, lane: Lane, piece: Unplaced) -> i64 {
        let Unplaced { pts_us, duration_us, arrived, beside } = piece;
        let [picture, sound] = &mut self.lanes;
        let (clock, other) = match lane {
            Lane::Picture => (picture, &*sound),
            Lane::Sound => (sound, &*picture),
        };
        let waited_us = arrived
            .zip(clock.arrived)
            .map(|(now, before)| now.saturating_duration_since(before).as_micros() as i64);
        clock.arrived = arrived;
        let pts_us = pts_us.filter(|pts_us| (-FARTHEST_US..=FARTHEST_US).contains(pts_us));
        let start_us = match (pts_us, clock.last) {
            (None, None) => self.round_start_us,
            (None, Some(last)) => last.end_us,
            (Some(pts_us), None) => {
                clock.offset_us = self.offset_us;
                pts_us + clock.offset_us
            }
            (Some(pts_us), Some(last)) => {
                let own_us = pts_us + clock.offset_us;
                let hole_us = own_us - last.end_us;
                // Where the other lane is already, as it took the hole for none, this one goes too.
                let is_led = arrived.is_some()
                    && other.last.is_some_and(|led| {
                        other.offset_us == clock.offset_us && (own_us - led.end_us).abs() < hole_us.abs() / 2
                    });
                let longest_us = last.usual_us * 2 + LIVE_JUMP_US;
                let is_too_long = match waited_us {
                    Some(waited_us) => hole_us > waited_us.saturating_add(longest_us),
                    None => hole_us > FORWARD_JUMP_US && !beside.shows_hole(hole_us, pts_us, clock, other),
                };
                let is_jump = last.is_before(own_us) || is_too_long;
                // The other lane has crossed a splice: where that is nearer, this one crosses it too.
                let from_end_us = |offset_us: i64| (pts_us + offset_us - last.end_us).abs();
                let follows = arrived.is_some()
                    && from_end_us(self.offset_us) + FOLLOWS_US < from_end_us(clock.offset_us);
                if (is_jump && !is_led) || follows {
                    clock.offset_us = if last.goes_on_at(pts_us + clock.offset_us + WRAP_US) {
                        clock.offset_us + WRAP_US
                    } else if clock.offset_us != self.offset_us
                        && from_end_us(self.offset_us) <= SAME_SPLICE_US
                    {
                        self.offset_us
                    } else {
                        last.end_us - pts_us
                    };
                    self.offset_us = clock.offset_us;
                }
                pts_us + clock.offset_us
            }
        };
        let unknown = (i64::MAX / 4, i64::MAX / 4);
        let (step_us, usual_us) = clock.last.map_or(unknown, |last| {
            let step_us = (start_us - last.start_us).clamp(0, LONGEST_PIECE_US);
            (step_us, step_us.min(last.step_us))
        });
        let end_us = start_us + duration_us.clamp(0, LONGEST_PIECE_US);
        clock.last = Some(Placed { start_us, end_us, step_us, usual_us });
        start_us
    }

    /// Where the later of the two lanes ends.
    fn end_us(&self) -> i64 {
        let ends = self.lanes.iter().filter_map(|clock| clock.last).map(|last| last.end_us);
        ends.max().unwrap_or(self.round_start_us)
    }
}

#[cfg(test)]
mod tests {
    use super::Lane::{Picture, Sound};
    use super::*;

    const SECOND: i64 = 1_000_000;
    const FRAME: i64 = 40_000;

    fn place(timeline: &mut Timeline, lane: Lane, pts_us: Option<i64>, duration_us: i64) -> i64 {
        timeline.place(lane, Unplaced { pts_us, duration_us, ..Unplaced::default() })
    }

    fn live(pts_us: Option<i64>, duration_us: i64, arrived: Instant) -> Unplaced {
        Unplaced { pts_us, duration_us, arrived: Some(arrived), ..Unplaced::default() }
    }

    #[track_caller]
    fn check(origin_us: i64, pieces: &[(Lane, Option<i64>)], expected_us: &[i64]) {
        let mut timeline = Timeline::default();
        timeline.begin_round(origin_us);
        let placed: Vec<i64> =
            pieces.iter().map(|&(lane, pts_us)| place(&mut timeline, lane, pts_us, FRAME)).collect();
        assert_eq!(placed, expected_us);
    }

    #[test]
    fn pieces_keep_their_distances() {
        check(
            5 * SECOND,
            &[(Picture, Some(5 * SECOND)), (Sound, Some(5 * SECOND - 20)), (Picture, Some(6 * SECOND))],
            &[0, -20, SECOND],
        );
    }

    #[test]
    fn a_missing_time_is_the_end_of_the_piece_before() {
        check(
            0,
            &[(Picture, None), (Picture, None), (Picture, Some(3 * FRAME)), (Picture, None)],
            &[0, FRAME, 3 * FRAME, 4 * FRAME],
        );
    }

    #[test]
    fn a_pause_is_kept_but_a_jump_leaves_no_hole() {
        check(0, &[(Picture, Some(0)), (Picture, Some(9 * SECOND))], &[0, 9 * SECOND]);
        check(0, &[(Picture, Some(0)), (Picture, Some(11 * SECOND))], &[0, FRAME]);
        check(100 * SECOND, &[(Picture, Some(100 * SECOND)), (Picture, Some(0))], &[0, FRAME]);
    }

    /// Where a picture at 21 s is placed behind one at 5 s, with sound at 5 s; `beside` it.
    fn after_a_hole(beside: Beside) -> i64 {
        let mut timeline = Timeline::default();
        timeline.begin_round(0);
        place(&mut timeline, Picture, Some(5 * SECOND), FRAME);
        place(&mut timeline, Sound, Some(5 * SECOND), FRAME);
        let pts_us = Some(21 * SECOND);
        timeline.place(Picture, Unplaced { pts_us, duration_us: FRAME, arrived: None, beside })
    }

    #[test]
    fn a_picture_that_stands_still_while_sound_goes_on_is_no_jump() {
        let run = |since_s: i64, newest_s: i64| Beside::Run {
            since_us: since_s * SECOND,
            newest_us: newest_s * SECOND,
        };
        assert_eq!(after_a_hole(run(0, 21)), 21 * SECOND);
        assert_eq!(after_a_hole(run(6, 19)), 21 * SECOND);
        assert_eq!(after_a_hole(Beside::Alone), 21 * SECOND);
        let jump = 5 * SECOND + FRAME;
        assert_eq!(after_a_hole(run(0, 6)), jump, "sound was read up to 6 s only");
        assert_eq!(after_a_hole(run(20, 21)), jump, "sound has the hole, too");
        assert_eq!(after_a_hole(Beside::Unknown), jump);
    }

    #[test]
    fn the_second_lane_follows_the_first_across_a_jump_to_where_both_go_on() {
        let mut timeline = Timeline::default();
        timeline.begin_round(0);
        place(&mut timeline, Picture, Some(0), FRAME);
        place(&mut timeline, Sound, Some(0), FRAME);
        let run = Beside::Run { since_us: 500 * SECOND, newest_us: 500 * SECOND };
        let jumped = |lane, timeline: &mut Timeline| {
            let piece =
                Unplaced { pts_us: Some(500 * SECOND), duration_us: FRAME, arrived: None, beside: run };
            timeline.place(lane, piece)
        };
        assert_eq!(jumped(Picture, &mut timeline), FRAME);
        assert_eq!(jumped(Sound, &mut timeline), FRAME);
    }

    #[test]
    fn a_live_source_that_sends_nothing_for_long_has_a_hole_and_no_jump() {
        let start = Instant::now();
        let mut timeline = Timeline::default();
        timeline.begin_round(0);
        timeline.place(Picture, live(Some(-FRAME), FRAME, start));
        timeline.place(Picture, live(Some(0), FRAME, start));
        let later = start + std::time::Duration::from_secs(60);
        assert_eq!(timeline.place(Picture, live(Some(60 * SECOND), FRAME, later)), 60 * SECOND);
        assert_eq!(timeline.place(Picture, live(Some(80 * SECOND), FRAME, later)), 60 * SECOND + FRAME);
    }

    #[test]
    fn a_small_step_back_is_jitter() {
        check(0, &[(Picture, Some(SECOND)), (Picture, Some(SECOND - 3000))], &[SECOND, SECOND - 3000]);
    }

    #[test]
    fn picture_and_sound_stay_together_over_a_splice() {
        // The video crosses first and sets the splice; the sound, 15 ms behind it in the new timeline, follows.
        check(
            0,
            &[
                (Picture, Some(20 * SECOND)),
                (Sound, Some(20 * SECOND - 10_000)),
                (Picture, Some(SECOND)),
                (Sound, Some(SECOND + 15_000)),
            ],
            &[20 * SECOND, 20 * SECOND - 10_000, 20 * SECOND + FRAME, 20 * SECOND + FRAME + 15_000],
        );
    }

    /// A live source of 20 frames a second whose timestamps jump; how far sound and video are then apart, and how long the
    /// hole in each is, beyond what was waited.
    fn jump_live(by_us: i64) -> (i64, i64) {
        const RUN_US: i64 = 21_333;
        let start = Instant::now();
        let mut timeline = Timeline::default();
        timeline.begin_round(0);
        let (mut picture_off_us, mut sound_off_us, mut sounds) = (0, 0, 0);
        for picture in 0..60 {
            let now_us = picture * 50_000;
            let jumped_us = |at_us: i64| if at_us >= SECOND { by_us } else { 0 };
            while (sounds + 1) * RUN_US <= now_us {
                let (pts_us, sent_us) = (sounds * RUN_US, (sounds + 1) * RUN_US);
                let arrived = start + std::time::Duration::from_micros(sent_us as u64);
                let pts_us_now = Some(pts_us + jumped_us(pts_us));
                let placed_us = timeline.place(Sound, live(pts_us_now, RUN_US, arrived));
                sound_off_us = placed_us - pts_us;
                sounds += 1;
            }
            let arrived = start + std::time::Duration::from_micros(now_us as u64);
            let placed_us = timeline.place(Picture, live(Some(now_us + jumped_us(now_us)), 50_000, arrived));
            picture_off_us = placed_us - now_us;
        }
        (sound_off_us - picture_off_us, picture_off_us)
    }

    #[test]
    fn a_live_source_whose_timestamps_jump_leaves_no_hole_and_keeps_sound_with_picture() {
        for by_ms in (-1000..1000).step_by(7).chain([-20_000, 2_000, 5_000, 9_000, 20_000]) {
            let (apart_us, hole_us) = jump_live(by_ms * 1000);
            assert!(apart_us.abs() < 60_000, "{apart_us} us apart after a jump by {by_ms} ms");
            assert!(hole_us < 460_000, "a hole of {hole_us} us after a jump by {by_ms} ms");
        }
    }

    #[test]
    fn the_33_bit_wrap_is_no_jump() {
        let before = WRAP_US - SECOND;
        check(
            before,
            &[(Picture, Some(before)), (Picture, Some(SECOND)), (Sound, Some(SECOND + 5))],
            &[0, 2 * SECOND, 2 * SECOND + 5],
        );
    }

    #[test]
    fn a_round_begins_where_the_later_lane_ended() {
        let mut timeline = Timeline::default();
        timeline.begin_round(7);
        assert_eq!(place(&mut timeline, Picture, Some(7), 3 * SECOND), 0);
        assert_eq!(place(&mut timeline, Sound, Some(7 + SECOND), SECOND), SECOND);
        for round in 1..4 {
            timeline.begin_round(7);
            assert_eq!(place(&mut timeline, Picture, Some(7), 3 * SECOND), round * 3 * SECOND);
            assert_eq!(place(&mut timeline, Sound, Some(7 + SECOND), SECOND), round * 3 * SECOND + SECOND);
        }
    }

    #[test]
    fn no_timestamp_overflows() {
        let mut timeline = Timeline::default();
        timeline.begin_round(i64::MIN);
        for pts_us in [i64::MAX, i64::MIN, 0, FARTHEST_US, -FARTHEST_US, 1, i64::MAX - 1, FARTHEST_US] {
            for lane in Lane::ALL {
                place(&mut timeline, lane, Some(pts_us), i64::MAX);
                place(&mut timeline, lane, Some(pts_us), i64::MIN);
            }
            timeline.begin_round(pts_us);
        }
    }
}
