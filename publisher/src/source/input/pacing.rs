//! Pacing: media time becomes the moment at which a piece is due.
//!
//! In: media time, the moment a piece arrived, and now. Out: when it is due. Pure: the moments are arguments.
//! One anchor ties media time to the clock. It moves in two cases only: when everything is late for good (a slow
//! disk or pipe), and when everything of a live source comes early for good (what it sent at the start, or its
//! clock is faster than ours), so that the delay of a stream that runs for weeks neither grows nor makes it drop.

use super::timeline::Lane;
use std::time::{Duration, Instant};

/// Later than this, and for [`PATIENCE`], a piece is of no use to the frame clock.
const LATE: Duration = Duration::from_millis(500);
/// A stalled network that sends everything at once afterwards catches up sooner than this.
const PATIENCE: Duration = Duration::from_secs(2);
/// A live source whose slowest piece comes earlier than this is being held back for nothing.
const EARLY: Duration = Duration::from_millis(250);
/// What is left of that to even out the network's jitter.
const JITTER: Duration = Duration::from_millis(50);

/// See the file's head.
#[derive(Debug)]
pub(super) struct Pacer {
    /// Whether the source itself sends in real time, so that its rate of arrival tells of its clock.
    live: bool,
    /// The moment of media time 0.
    anchor: Option<Instant>,
    late_since: [Option<Instant>; 2],
    early: Option<Early>,
}

/// How long before its time the slowest piece of the running [`PATIENCE`] came.
#[derive(Debug)]
struct Early {
    since: Instant,
    least: Duration,
}

impl Pacer {
    pub(super) fn new(live: bool) -> Self {
        Pacer { live, anchor: None, late_since: [None; 2], early: None }
    }

    /// When media time `media_us` is due; the first that is asked for is due at once.
    pub(super) fn due(&mut self, media_us: i64, now: Instant) -> Instant {
        shift(*self.anchor.get_or_insert_with(|| shift(now, -media_us)), media_us)
    }

    /// The piece is being handed out: the moment to write on it. `arrived` is when the source had sent all that it
    /// took to make the piece, or nothing if the source was kept waiting and so tells nothing about its clock.
    pub(super) fn hand_out(
        &mut self,
        lane: Lane,
        media_us: i64,
        arrived: Option<Instant>,
        now: Instant,
    ) -> Instant {
        let due = self.due(media_us, now);
        if self.is_late_for_good(lane, due, now) {
            self.anchor = Some(shift(now, -media_us));
            self.late_since = [None; 2];
            self.early = None;
            return now;
        }
        if self.live {
            let spare = arrived.and_then(|arrived| due.checked_duration_since(arrived));
            self.cut_delay(spare, now);
        }
        due
    }

    pub(super) fn stretch(&self) -> f64 {
        0.0
    }

    fn is_late_for_good(&mut self, lane: Lane, due: Instant, now: Instant) -> bool {
        let since = &mut self.late_since[lane as usize];
        if now.saturating_duration_since(due) <= LATE {
            *since = None;
            return false;
        }
        now.duration_since(*since.get_or_insert(now)) >= PATIENCE
    }

    fn cut_delay(&mut self, spare: Option<Duration>, now: Instant) {
        let (Some(spare), Some(anchor)) = (spare.filter(|spare| *spare > EARLY), self.anchor) else {
            self.early = None;
            return;
        };
        let early = self.early.get_or_insert(Early { since: now, least: spare });
        early.least = early.least.min(spare);
        if now.duration_since(early.since) >= PATIENCE {
            self.anchor = Some(shift(anchor, -(early.least.saturating_sub(JITTER).as_micros() as i64)));
            self.early = None;
        }
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
            due = pacer.hand_out(Lane::Picture, media_us, Some(arrived), now);
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
            ms(700)
        );
        // 500 ms are within what the frame clock can use.
        assert_eq!(
            play(&mut Pacer::new(false), start, 200, |frame| ms(if frame > 20 { 500 } else { 0 })),
            ms(0)
        );
    }

    #[test]
    fn late_pieces_keep_their_past_time() {
        let start = Instant::now();
        let mut pacer = Pacer::new(false);
        pacer.hand_out(Lane::Picture, 0, None, start);
        assert_eq!(pacer.hand_out(Lane::Picture, 1_000_000, None, start + ms(1900)), start + ms(1000));
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
        assert_eq!(pacer.due(0, start), start + ms(600));
    }

    #[test]
    fn the_first_burst_of_a_live_source_does_not_delay_it_for_ever() {
        // It sends 1.5 s at once, then in real time: without a cut all would be shown 1.5 s late.
        let delay = |frame: i64| ms(1500 - (frame as u64 * 40).min(1500));
        let live = play(&mut Pacer::new(true), Instant::now(), 300, delay);
        assert_eq!(live, ms(50));
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
            let due = pacer.hand_out(Lane::Picture, media_us, Some(arrived), now);
            assert!(due.saturating_duration_since(arrived) < ms(320), "frame {frame}");
        }
    }
}
