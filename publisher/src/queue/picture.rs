//! Frame queue: from the grid to the encoder of one rendition. A slow encoder delays no other encoder.
//!
//! Grid times pass in order. When the encoder is too slow, new frames are dropped, and the encoder repeats the previous
//! frame, which costs it little. If an encoder in a ladder has no time even for that, it leaves out the rest of its segment
//! and continues with the newest one, so that all renditions keep the same boundaries. For a single encoder the grid
//! waits. Bounded; can be closed from either end.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::captions::carried::Captions;
use crate::packet::SegmentBoundary;
use crate::picture::shared::SharedPicture;
use crate::picture::slate::Slate;
use livedir_layout::meters::Meters;
use livedir_time::overload::{Episode, Overload, Told};

/// New frames that may wait. They are large (3 MB for full HD), and each one that waits adds a grid time of delay.
const PICTURES: usize = 4;

/// Grid times that may wait, in seconds of the grid. If the only encoder is further behind, it cannot even repeat
/// frames in time, and the grid waits for it.
const SECONDS: usize = 2;

/// How far an encoder may be behind when a segment begins, in quarters of a segment. With one more quarter its segment would be
/// published when the other renditions list the next one, and would be listed as a gap in any case.
const QUARTERS_LATE: u32 = 3;

/// What happens when an encoder is too far behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenLate {
    /// The grid waits.
    Wait,
    /// It leaves out grid times that are late, up to the start of a later segment.
    LeaveOut {
        /// Frames of a segment.
        segment_frames: u64,
    },
}

/// What is shown at one grid time.
#[derive(Clone)]
pub struct Shown {
    /// The grid time.
    pub n: u64,
    /// A segment begins with it.
    pub boundary: Option<SegmentBoundary>,
    /// What is seen.
    pub picture: Picture,
    /// The captions that have come since the grid time before.
    pub captions: Option<Arc<Captions>>,
}

/// A frame, in the size of the source.
#[derive(Clone)]
pub enum Picture {
    /// A new one, and when it was taken.
    New(Arc<SharedPicture>, SystemTime),
    /// The previous one again.
    Same,
    /// There is none: the slate.
    Slate(Arc<Slate>),
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Shown>,
    /// Since when each of them has been waiting.
    since: VecDeque<Instant>,
    is_closed: bool,
    behind: Overload,
}

impl State {
    /// Drops all grid times that wait, and returns how many segments will be incomplete because of it. Marks the next boundary
    /// if the segment that is being encoded is one of them.
    fn leave_out(&mut self, next: &mut SegmentBoundary) -> u64 {
        let first = self.waiting.front().map(|shown| shown.boundary);
        let is_at_one = first.is_some_and(|boundary| boundary.is_none());
        // If the encoder never reached a boundary that was marked, the mark moves to the next one.
        next.is_leapt_to = is_at_one || first.flatten().is_some_and(|boundary| boundary.is_leapt_to);
        let begun = self.waiting.iter().filter(|shown| shown.boundary.is_some()).count() as u64;
        self.waiting.clear();
        self.since.clear();
        begun + u64::from(is_at_one)
    }
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// For a single encoder: the grid waits when this many grid times wait.
    limit: Option<usize>,
    /// In a ladder: an encoder is too late when a segment begins and a grid time has waited for this long. Many grid times that
    /// come at once, after the machine was suspended, have not waited.
    too_late: Duration,
    /// The name of the rendition, for the log.
    name: String,
    meters: Arc<Meters>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_too_late(&self, state: &State, now: Instant) -> bool {
        let has_waited = state.since.front().map(|since| now.saturating_duration_since(*since));
        self.limit.is_none() && has_waited.is_some_and(|waited| waited >= self.too_late)
    }

    fn tell(&self, told: Option<Told>) {
        let size = &self.name;
        match told {
            Some(Told::Repeats) => tracing::warn!(
                size,
                "overload: the encoder repeats frames; use fewer or smaller renditions, or a lower --fps"
            ),
            Some(Told::LeavesOut) => tracing::warn!(
                size,
                "overload: the encoder leaves out segments of this rendition; use fewer or smaller renditions, or a lower --fps"
            ),
            Some(Told::KeepsUp(episode)) => self.tell_cost(&episode, "overload ended"),
            None => {}
        }
    }

    fn tell_cost(&self, episode: &Episode, what: &str) {
        let Episode { pictures, segments, lasted } = *episode;
        tracing::info!(size = self.name, pictures, segments, lasted_s = lasted.as_secs_f64(), "{what}");
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }
}

/// The grid's end. Dropping it closes the queue; grid times that wait are still handed out, except for segments that are late.
pub struct PictureSender(Arc<Shared>);

/// The encoder's end. Dropping it closes the queue.
pub struct PictureReceiver(Arc<Shared>);

/// A new queue for a grid of `fps` and the rendition of this name; dropped frames and segments are counted in `meters`.
#[must_use]
pub fn channel(
    fps: u32,
    when_late: WhenLate,
    name: &str,
    meters: Arc<Meters>,
) -> (PictureSender, PictureReceiver) {
    let fps = fps.max(1);
    let (limit, segment_frames) = match when_late {
        WhenLate::Wait => (Some(SECONDS * fps as usize), 0),
        WhenLate::LeaveOut { segment_frames } => (None, segment_frames),
    };
    // A very short segment is not worth leaving out.
    let segment = Duration::from_secs_f64(segment_frames.max(u64::from(fps)) as f64 / f64::from(fps));
    let too_late = segment * QUARTERS_LATE / 4;
    let name = name.to_owned();
    let shared =
        Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), limit, too_late, name, meters });
    (PictureSender(shared.clone()), PictureReceiver(shared))
}

impl PictureSender {
    /// Puts a grid time in. Says whether there is still an encoder.
    #[must_use]
    pub fn send(&self, shown: Shown) -> bool {
        self.send_at(shown, Instant::now())
    }

    fn send_at(&self, mut shown: Shown, now: Instant) -> bool {
        let shared = &*self.0;
        let mut state = shared.lock();
        while shared.limit.is_some_and(|limit| state.waiting.len() >= limit) && !state.is_closed {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let mut told = None;
        if shared.is_too_late(&state, now)
            && let Some(boundary) = &mut shown.boundary
        {
            let is_captioned = state.waiting.iter().any(|waiting| waiting.captions.is_some());
            let segments = state.leave_out(boundary);
            if is_captioned {
                let captions = shown.captions.take().map(|captions| (*captions).clone()).unwrap_or_default();
                shown.captions = Some(Arc::new(captions.after_a_break()));
            }
            shared.meters.segments_left_out.add(segments);
            told = state.behind.left_out(segments, now);
        }
        let is_new = |shown: &Shown| match &shown.picture {
            Picture::New(..) => true,
            Picture::Slate(shown) => shown.ground.is_some(),
            Picture::Same => false,
        };
        if is_new(&shown) && state.waiting.iter().filter(|waiting| is_new(waiting)).count() >= PICTURES {
            shown.picture = match (shown.picture, state.waiting.back().map(|before| &before.picture)) {
                // The last picture of the source is not to be seen in between.
                (Picture::Slate(_), Some(Picture::Slate(before))) => Picture::Slate(before.clone()),
                (only @ Picture::Slate(_), _) => only,
                _ => Picture::Same,
            };
            shared.meters.pictures_shed.add(1);
            told = told.or(state.behind.shed(now));
        }
        told = told.or_else(|| state.behind.kept_up(now));
        state.waiting.push_back(shown);
        state.since.push_back(now);
        let is_receiver_alive = !state.is_closed;
        drop(state);
        shared.changed.notify_all();
        shared.tell(told);
        is_receiver_alive
    }
}

impl Drop for PictureSender {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        // The end of the stream does not wait for segments that are late already.
        if self.0.is_too_late(&state, Instant::now())
            && let Some(boundary) = state.waiting.iter().position(|shown| shown.boundary.is_some())
        {
            state.waiting.truncate(boundary);
            state.since.truncate(boundary);
        }
        let episode = state.behind.end();
        drop(state);
        if let Some(episode) = episode {
            self.0.tell_cost(&episode, "overload lasted until the end");
        }
        self.0.close();
    }
}

impl PictureReceiver {
    /// The next grid time; `None` when there will be no more.
    #[must_use]
    pub fn next(&self) -> Option<Shown> {
        let mut state = self.0.lock();
        loop {
            if let Some(shown) = state.waiting.pop_front() {
                state.since.pop_front();
                drop(state);
                self.0.changed.notify_all();
                return Some(shown);
            }
            if state.is_closed {
                return None;
            }
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for PictureReceiver {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(50);
    const LEAVE_OUT: WhenLate = WhenLate::LeaveOut { segment_frames: 40 };

    fn new(n: u64) -> Shown {
        let picture =
            Picture::New(Arc::new(ffmpeg_next::frame::Video::empty().into()), SystemTime::UNIX_EPOCH);
        let filmed_at = SystemTime::UNIX_EPOCH;
        let boundary = SegmentBoundary { filmed_at, segment: n / 40, is_leapt_to: false };
        Shown { n, boundary: n.is_multiple_of(40).then_some(boundary), picture, captions: None }
    }

    /// The grid times that are handed out when the encoder takes so many after each of them, as runs; those that begin a
    /// segment which was leapt to are marked.
    #[track_caller]
    fn check(grid_times: u64, takes: impl Fn(u64) -> usize, expected: &str) -> Arc<Meters> {
        let meters = Arc::new(Meters::default());
        let (sender, receiver) = channel(20, LEAVE_OUT, "720p", meters.clone());
        let mut got: Vec<Shown> = Vec::new();
        // So that the last was sent now.
        let start = Instant::now().checked_sub(STEP * grid_times as u32).expect("a machine that is up");
        for n in 0..grid_times {
            assert!(sender.send_at(new(n), start + STEP * n as u32));
            assert!(receiver.0.lock().waiting.len() <= 30 + 40, "it is bounded");
            let waiting = receiver.0.lock().waiting.len();
            got.extend((0..takes(n).min(waiting)).filter_map(|_| receiver.next()));
        }
        drop(sender);
        got.extend(std::iter::from_fn(|| receiver.next()));
        let mut runs: Vec<(u64, u64, bool)> = Vec::new();
        for shown in got {
            match runs.last_mut().filter(|(_, end, _)| *end == shown.n) {
                Some((_, end, _)) => *end += 1,
                None => runs.push((
                    shown.n,
                    shown.n + 1,
                    shown.boundary.expect("a run begins at a boundary").is_leapt_to,
                )),
            }
        }
        let words =
            runs.iter().map(|(from, to, leapt)| format!("{from}-{to}{}", if *leapt { "!" } else { "" }));
        assert_eq!(words.collect::<Vec<_>>().join(" "), expected);
        meters
    }

    #[test]
    fn an_encoder_that_keeps_up_gets_everything() {
        let meters = check(400, |_| 1, "0-400");
        assert_eq!((meters.pictures_shed.get(), meters.segments_left_out.get()), (0, 0));
    }

    #[test]
    fn one_that_is_late_for_less_than_a_segment_gets_every_grid_time_and_not_every_picture() {
        let meters = check(60, |n| if n < 29 { 0 } else { 2 }, "0-60");
        assert!(meters.pictures_shed.get() > 20);
        assert_eq!(meters.segments_left_out.get(), 0);
    }

    #[test]
    fn one_that_is_too_late_goes_on_with_the_newest_segment() {
        // It takes 5 of the first 40, and keeps up from then on.
        let meters = check(120, |n| if n < 40 { usize::from(n < 5) } else { 1 }, "0-5 40-120!");
        assert_eq!(meters.segments_left_out.get(), 1);
        // It has just ended the first when it stalls.
        let meters = check(120, |n| usize::from(!(40..80).contains(&n)), "0-40 80-120");
        assert_eq!(meters.segments_left_out.get(), 1);
    }

    #[test]
    fn captions_of_frames_that_are_repeated_go_on_and_those_of_segments_that_are_left_out_are_a_break() {
        let said = |n: u64| Captions::read(&[0xfc, n as u8, 0]);
        let captioned = |n| Shown { captions: Some(Arc::new(said(n))), ..new(n) };
        let (sender, receiver) = channel(20, LEAVE_OUT, "720p", Arc::default());
        let start = Instant::now();
        assert!((0..20).all(|n| sender.send_at(captioned(n), start)));
        let got = (0..20).filter_map(|_| receiver.next()?.captions);
        assert!(got.zip(0..).all(|(captions, n)| *captions == said(n)), "also where pictures are not new");
        assert!((20..81).all(|n| sender.send_at(captioned(n), start + STEP * n as u32)));
        let next = receiver.next().expect("a grid time");
        assert_eq!(next.n, 80);
        assert_eq!(*next.captions.expect("captions"), said(80).after_a_break());
    }

    #[test]
    fn what_comes_at_once_after_a_standstill_is_not_late() {
        let (sender, receiver) = channel(20, LEAVE_OUT, "720p", Arc::default());
        let now = Instant::now();
        assert!((0..100).all(|n| sender.send_at(new(n), now)));
        let got: Vec<_> = std::iter::from_fn(|| Some(receiver.next()?.n).filter(|n| *n < 99)).collect();
        assert_eq!(got, (0..99).collect::<Vec<_>>());
    }

    #[test]
    fn one_that_stands_still_holds_up_nobody_and_the_end_does_not_wait_for_it() {
        let meters = check(1_000, |n| usize::from(n == 0), "0-1");
        assert_eq!(meters.segments_left_out.get(), 24);
        let first_and_last = |n| usize::from(n == 0 || n > 980);
        check(985, first_and_last, "0-1 960-985!");
        // Within the first segment: what is late by then is its rest, and the segment after it.
        check(79, |n| usize::from(n < 20), "0-40");
    }

    #[test]
    fn the_grid_waits_for_an_encoder_that_is_alone() {
        let (sender, receiver) = channel(1, WhenLate::Wait, "720p", Arc::default());
        std::thread::scope(|scope| {
            scope.spawn(move || (0..100).all(|n| sender.send(new(n))).then_some(()).unwrap());
            let mut last = None;
            while let Some(shown) = receiver.next() {
                assert!(receiver.0.lock().waiting.len() <= SECONDS);
                assert!(shown.n == last.map_or(0, |last| last + 1), "all of them, in order");
                last = Some(shown.n);
            }
            assert_eq!(last, Some(99));
        });
    }

    #[test]
    fn an_encoder_that_is_gone_is_told() {
        let (sender, receiver) = channel(20, LEAVE_OUT, "720p", Arc::default());
        drop(receiver);
        assert!(!sender.send(new(0)));
    }
}
