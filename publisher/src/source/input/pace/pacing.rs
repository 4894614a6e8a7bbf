//! Pacing: media time becomes the moment at which a frame is due. Here a run of samples is a frame, too, as in libav.
//!
//! In: media time, the moment a frame arrived, and now. Out: when it is due, and by what part of itself it lasts longer than it
//! says. Pure: the moments are arguments. One line maps media time to our clock, the same for video and sound. A live
//! source turns it: it is as steep as that source's clock is slow, and drawn gently to where frames come, so that the delay
//! of a stream that runs for weeks neither grows nor makes it drop. It is shifted in two cases only: when everything
//! is late for good (a source that stopped, a slow disk or pipe), and when everything of a live source comes early for good
//! (what it sent at the start). A frame that stays too late for the frame clock is due at the latest moment that the frame
//! clock accepts, so that it is always seen.

use super::timeline::Lane;
use crate::captured::MOST_STRETCH as FREE;
use crate::source::clock_rate::ClockRate;
use std::time::{Duration, Instant};

/// Later than this, a frame may be of no use to the frame clock: its patience, less a part of a grid step.
const LATE: Duration = Duration::from_millis(160);
/// When the line is shifted because everything is late, it is shifted by this much more, as room for jitter.
const ROOM_FOR_JITTER: Duration = Duration::from_millis(100);
/// If frames are later than [`LATE`] for this long and do not catch up, they are late for good.
const LATE_PATIENCE: Duration = Duration::from_millis(400);
/// What came at once after a stall of the network is handed out faster than this, each frame less late than the one before.
const CATCHES_UP_WITHIN: Duration = Duration::from_millis(60);
/// A smaller change of lateness is not counted as a change.
const CATCHING_UP: Duration = Duration::from_millis(10);
/// A source that is not live, such as a slow disk, may be late this often within [`STALLS_WITHIN`] before it is given more time.
const STALLS: usize = 3;
const STALLS_WITHIN: Duration = Duration::from_secs(60);
/// After a network stall, frames that arrive all at once have caught up within this time.
const PATIENCE: Duration = Duration::from_secs(2);
/// If even the slowest frame of a live source arrives earlier than this, its frames are delayed for nothing.
const EARLY: Duration = Duration::from_millis(100);
/// How much of that delay stays, to even out the network's jitter.
const JITTER: Duration = Duration::from_millis(30);

/// How fast an offset is corrected: seconds per second, for an offset of one second.
const PULL: f64 = 0.05;
/// A smaller offset is not corrected: sound that is in time is not resampled.
const WORTHWHILE_S: f64 = 0.003;
/// How exactly the rate is known in the end.
const SURE: f64 = 0.000_02;
/// Beyond [`FREE`] the line is as steep as the source's clock demands, and for each second of offset by this more.
const ROOM: f64 = 0.003;
/// But no more than this, however far it is off.
const MOST_ROOM: f64 = 0.0001;
/// The fastest frames may be at most this late.
const MOST_LATE_S: f64 = 0.02;

/// When a frame is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Due {
    /// The moment to write on it.
    pub(crate) at: Instant,
    /// By what part of itself it lasts longer by our clock (shorter: negative).
    pub(crate) stretch: f64,
}

/// Computes when a frame or a run of samples is due.
#[derive(Debug)]
pub(crate) struct Pacer {
    /// Whether the source itself sends in real time, so that its rate of arrival tells of its clock.
    live: bool,
    line: Option<Line>,
    rate: ClockRate,
    /// How much later than due the fastest frames should arrive.
    aim_s: Option<f64>,
    late: [Option<Late>; 2],
    /// When the latest stalls began, the newest last.
    stalls: [Option<Instant>; STALLS],
    early: Option<Early>,
}

/// From media time to our clock.
#[derive(Debug, Clone, Copy)]
struct Line {
    media_us: i64,
    moment: Instant,
    stretch: f64,
    /// From this moment seconds are counted.
    epoch: Instant,
}

impl Line {
    fn due(&self, media_us: i64) -> Instant {
        let after_us = media_us.saturating_sub(self.media_us);
        let longer_us = after_us as f64 * self.stretch;
        shift(self.moment, after_us.saturating_add(longer_us.round() as i64))
    }

    fn seconds(&self, moment: Instant) -> f64 {
        match moment.checked_duration_since(self.epoch) {
            Some(after) => after.as_secs_f64(),
            None => -(self.epoch - moment).as_secs_f64(),
        }
    }
}

/// How late the frames of one lane are that are too late.
#[derive(Debug, Clone, Copy)]
struct Late {
    /// When they were last seen to catch up.
    since: Instant,
    least: Duration,
}

/// How long before its time the slowest frame of the running [`PATIENCE`] came.
#[derive(Debug)]
struct Early {
    since: Instant,
    least: Duration,
}

impl Pacer {
    pub(crate) fn new(live: bool) -> Self {
        Pacer {
            live,
            line: None,
            rate: ClockRate::default(),
            aim_s: None,
            late: [None; 2],
            stalls: [None; STALLS],
            early: None,
        }
    }

    /// Whether the moment at which something arrives tells of the source's clock.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// When media time `media_us` is due; the first that is asked for is due at once.
    pub(crate) fn due(&mut self, media_us: i64, now: Instant) -> Instant {
        self.line.get_or_insert(Line { media_us, moment: now, stretch: 0.0, epoch: now }).due(media_us)
    }

    /// The frame is being handed out: the moment to write on it. `arrived` is when the source had sent all that it
    /// took to make the frame, or nothing if the source was kept waiting and so tells nothing about its clock.
    pub(crate) fn hand_out(
        &mut self,
        lane: Lane,
        media_us: i64,
        arrived: Option<Instant>,
        now: Instant,
    ) -> Due {
        let due = self.due(media_us, now);
        let at = self.not_too_late(lane, due, now);
        let stretch = self.line.map_or(0.0, |line| line.stretch);
        if self.live && at == due {
            let spare = arrived.and_then(|arrived| due.checked_duration_since(arrived));
            self.cut_delay(spare, now);
        }
        if self.live {
            self.listen(media_us, arrived);
        }
        Due { at, stretch }
    }

    /// The moment at which it is due, or a later one at which the frame clock still takes it.
    fn not_too_late(&mut self, lane: Lane, due: Instant, now: Instant) -> Instant {
        let by = now.saturating_duration_since(due);
        let is_first = self.late.iter().all(Option::is_none);
        let known = &mut self.late[lane as usize];
        if by <= LATE {
            *known = None;
            return due;
        }
        let Late { since, least } = known.unwrap_or(Late { since: now, least: by });
        let has_moved = by + CATCHING_UP <= least || by > least + LATE;
        let found =
            if has_moved { Late { since: now, least: by } } else { Late { since, least: least.min(by) } };
        *known = Some(found);
        let beyond = found.least.saturating_sub(LATE);
        let stalls_often = is_first && !self.live && self.note_stall(now);
        if stalls_often || now.duration_since(found.since) >= LATE_PATIENCE {
            self.shift((beyond + ROOM_FOR_JITTER).as_micros() as i64);
        }
        // As late as the frame clock takes it, and no step where that begins. What catches up keeps its own time.
        if now.duration_since(found.since) < CATCHES_UP_WITHIN { due } else { due + beyond }
    }

    /// A stall begins.
    fn note_stall(&mut self, now: Instant) -> bool {
        self.stalls.rotate_left(1);
        self.stalls[STALLS - 1] = Some(now);
        self.stalls[0].is_some_and(|first| now.duration_since(first) < STALLS_WITHIN)
    }

    /// Everything is due later (earlier: negative).
    fn shift(&mut self, by_us: i64) {
        if let Some(line) = &mut self.line {
            line.moment = shift(line.moment, by_us);
        }
        self.late = [None; 2];
        self.early = None;
        self.aim_s = None;
        self.rate.restart();
    }

    fn cut_delay(&mut self, spare: Option<Duration>, now: Instant) {
        let Some(spare) = spare.filter(|spare| *spare > EARLY) else {
            self.early = None;
            return;
        };
        let early = self.early.get_or_insert(Early { since: now, least: spare });
        early.least = early.least.min(spare);
        if now.duration_since(early.since) >= PATIENCE {
            let by = early.least.saturating_sub(JITTER);
            self.shift(-(by.as_micros() as i64));
        }
    }

    /// Learns of the source's clock, and turns the line.
    fn listen(&mut self, media_us: i64, arrived: Option<Instant>) {
        let (Some(line), Some(arrived)) = (&mut self.line, arrived) else {
            self.rate.interrupt();
            return;
        };
        let arrived_s = line.seconds(arrived);
        if !self.rate.note(arrived_s, arrived_s - media_us as f64 * 1e-6) {
            return;
        }
        let Some(delay_s) = self.rate.delay_s(arrived_s) else { return };
        let media_of_now_us = ((arrived_s - delay_s) * 1e6) as i64;
        let late_s = arrived_s - line.seconds(line.due(media_of_now_us));
        let aim_s = *self.aim_s.get_or_insert(late_s.min(MOST_LATE_S));
        let off_s = late_s - aim_s;
        let worthwhile_s = off_s - off_s.clamp(-WORTHWHILE_S, WORTHWHILE_S);
        let of_clock = self.rate.stretch();
        let beyond = of_clock.abs() - SURE;
        let most = if beyond > FREE { beyond + (ROOM * worthwhile_s.abs()).min(MOST_ROOM) } else { FREE };
        let stretch = (of_clock + PULL * worthwhile_s).clamp(-most, most);
        *line = Line { media_us, moment: line.due(media_us), stretch, ..*line };
    }
}

fn shift(moment: Instant, by_us: i64) -> Instant {
    let by = Duration::from_micros(by_us.unsigned_abs());
    let shifted = if by_us < 0 { moment.checked_sub(by) } else { moment.checked_add(by) };
    // A clock that starts with the machine cannot show times long before that; nothing is late by so much.
    shifted.unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME_US: i64 = 40_000;

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    /// Plays `frames` at 25 per second; `delay` says how long after its media time a frame is there.
    /// Returns by how much the last frame's due time is behind its media time.
    fn play(pacer: &mut Pacer, start: Instant, frames: i64, delay: impl Fn(i64) -> Duration) -> Duration {
        let mut now = start;
        let mut due = start;
        for frame in 0..frames {
            let media_us = frame * FRAME_US;
            let arrived = shift(start, media_us) + delay(frame);
            now = now.max(arrived).max(pacer.due(media_us, arrived));
            due = pacer.hand_out(Lane::Picture, media_us, Some(arrived), now).at;
        }
        due.saturating_duration_since(shift(start, (frames - 1) * FRAME_US))
    }

    #[test]
    fn the_first_piece_is_due_at_once_and_the_rest_in_step() {
        let start = Instant::now();
        let mut pacer = Pacer::new(false);
        assert_eq!(pacer.due(5_000_000, start), start);
        assert_eq!(pacer.due(5_040_000, start + ms(7)), start + ms(40));
        assert_eq!(pacer.due(4_900_000, start + ms(7)) + ms(100), start);
    }

    #[test]
    fn a_stall_that_is_made_up_for_moves_nothing() {
        // Frames 100 to 150 come together, 2 s late at most.
        let delay = |frame: i64| ms(if (100..150).contains(&frame) { (150 - frame as u64) * 40 } else { 0 });
        assert_eq!(play(&mut Pacer::new(true), Instant::now(), 300, delay), ms(0));
    }

    #[test]
    fn what_stays_late_is_taken_as_the_new_time() {
        let start = Instant::now();
        assert_eq!(
            play(&mut Pacer::new(false), start, 200, |frame| ms(if frame > 20 { 700 } else { 0 })),
            ms(640)
        );
        // Of all that the frame clock can use nothing is made.
        assert_eq!(
            play(&mut Pacer::new(false), start, 200, |frame| ms(if frame > 20 { 160 } else { 0 })),
            ms(0)
        );
        for late_ms in [170, 210, 300, 420, 500] {
            for live in [true, false] {
                let delay = |frame| ms(if frame > 20 { late_ms } else { 0 });
                let shifted = play(&mut Pacer::new(live), start, 200, delay);
                // A live source is drawn to where it comes.
                let bound = ms(late_ms - 60)..=ms(late_ms - if live { 55 } else { 60 });
                assert!(bound.contains(&shifted), "{shifted:?} for {late_ms} ms, live: {live}");
            }
        }
    }

    #[test]
    fn pieces_that_are_a_little_late_keep_their_past_time_and_others_are_due_when_they_come() {
        let start = Instant::now();
        let mut pacer = Pacer::new(false);
        let mut at = |media_ms: i64, now_ms| {
            let now = start + ms(now_ms);
            pacer.hand_out(Lane::Picture, media_ms * 1000, None, now).at.saturating_duration_since(start)
        };
        assert_eq!((at(0, 0), at(1000, 1160)), (ms(0), ms(1000)));
        assert_eq!((at(1040, 1940), at(1080, 1940)), (ms(1040), ms(1080)), "catching up");
        assert_eq!(at(1900, 1950), ms(1900), "it has caught up");
        assert_eq!((at(3000, 3900), at(3040, 3940)), (ms(3000), ms(3040)), "nobody knows yet");
        assert_eq!(at(3080, 3980), ms(3820), "it stays late");
    }

    #[test]
    fn a_source_in_bursts_that_stalls_often_is_given_more_time() {
        let start = Instant::now();
        let mut pacer = Pacer::new(false);
        // Segments of 2 s that come 300 ms late, all at once.
        for segment in 0..6_i64 {
            for frame in 0..50 {
                let media_us = segment * 2_000_000 + frame * FRAME_US;
                let arrives = shift(start, segment * 2_000_000) + ms(if segment == 0 { 0 } else { 300 });
                let now = arrives.max(pacer.due(media_us, start));
                pacer.hand_out(Lane::Picture, media_us, Some(arrives), now);
            }
        }
        assert_eq!(pacer.due(0, start), start + ms(240));
    }

    #[test]
    fn late_sound_alone_is_enough_and_punctual_pictures_do_not_hide_it() {
        let start = Instant::now();
        let mut pacer = Pacer::new(false);
        for frame in 0..100 {
            let media_us = frame * FRAME_US;
            pacer.hand_out(Lane::Picture, media_us, None, shift(start, media_us));
            pacer.hand_out(Lane::Sound, media_us, None, shift(start, media_us) + ms(600));
        }
        assert_eq!(pacer.due(0, start), start + ms(540));
    }

    #[test]
    fn the_first_burst_of_a_live_source_does_not_delay_it_for_ever() {
        // It sends 1.5 s at once, then in real time: without a cut all would be shown 1.5 s late.
        let delay = |frame: i64| ms(1500 - (frame as u64 * 40).min(1500));
        let live = play(&mut Pacer::new(true), Instant::now(), 300, delay);
        assert_eq!(live, JITTER);
    }

    #[test]
    fn a_source_that_is_kept_waiting_is_not_hurried() {
        let start = Instant::now();
        let mut pacer = Pacer::new(true);
        for frame in 0..500 {
            let media_us = frame * FRAME_US;
            pacer.hand_out(Lane::Picture, media_us, None, shift(start, media_us));
        }
        assert_eq!(pacer.due(0, start), start);
    }

    #[test]
    fn a_file_that_is_read_ahead_is_not_hurried() {
        let start = Instant::now();
        let mut pacer = Pacer::new(false);
        for frame in 0..500 {
            let media_us = frame * FRAME_US;
            pacer.hand_out(Lane::Picture, media_us, Some(start), shift(start, media_us));
        }
        assert_eq!(pacer.due(0, start), start);
    }

    #[test]
    fn a_live_clock_that_runs_fast_or_slow_gathers_no_delay() {
        // One part in a hundred, for a minute and a half: 900 ms, if nothing followed it.
        let slow = play(&mut Pacer::new(true), Instant::now(), 2250, |frame| ms(frame as u64 * 4 / 10));
        assert!(slow >= ms(400), "{slow:?}");
        let start = Instant::now();
        let mut pacer = Pacer::new(true);
        for frame in 0..2250 {
            let media_us = frame * FRAME_US;
            let arrived = shift(start, media_us - media_us / 100);
            let now = arrived.max(pacer.due(media_us, arrived));
            let due = pacer.hand_out(Lane::Picture, media_us, Some(arrived), now).at;
            assert!(due.saturating_duration_since(arrived) < ms(320), "frame {frame}");
        }
    }
}
