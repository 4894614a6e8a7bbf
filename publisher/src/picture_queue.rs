//! Picture queue: from the grid to the encoder of one rung, so that a slow encoder holds up nobody but itself.
//!
//! Every grid time goes through, in order; what is shed when the encoder falls behind are the new pictures: it is told
//! to show the one before once more, which costs it next to nothing, and all rungs keep the same grid. Bounded; closes
//! from either end.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use ffmpeg_next as ffmpeg;

use crate::meters::Meters;
use crate::slate::SlateText;

/// New pictures that may wait. They are large (3 MB for full HD), and each is a grid time late already.
const PICTURES: usize = 4;

/// Grid times that may wait, in seconds of the grid: an encoder that is further behind cannot even repeat pictures in
/// time, and the grid waits for it.
const SECONDS: usize = 2;

/// How often it is told that pictures are shed.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What is to be seen at one grid time.
#[derive(Clone)]
pub struct Shown {
    /// The grid time.
    pub n: u64,
    /// A segment begins with it: when it was taken, by the wall clock.
    pub keyframe_filmed_at: Option<SystemTime>,
    /// What is seen.
    pub picture: Picture,
}

/// A picture, in the size of the source.
#[derive(Clone)]
pub enum Picture {
    /// A new one, and when it was taken.
    New(Arc<ffmpeg::frame::Video>, SystemTime),
    /// The one before once more.
    Same,
    /// That there is none.
    Slate(Arc<SlateText>),
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Shown>,
    is_closed: bool,
    /// Pictures shed since that was told, and when it was.
    shed: u64,
    told_at: Option<Instant>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    limit: usize,
    /// Of the rung, for people.
    name: String,
    meters: Arc<Meters>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shed(&self, state: &mut State) {
        self.meters.pictures_shed.add(1);
        state.shed += 1;
        if state.told_at.is_none_or(|told_at| told_at.elapsed() >= TELL_EVERY) {
            let (size, pictures) = (&self.name, std::mem::take(&mut state.shed));
            tracing::warn!(
                size,
                pictures,
                "the encoder falls behind and repeats pictures; choose fewer or smaller sizes, or a lower --fps"
            );
            state.told_at = Some(Instant::now());
        }
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }
}

/// The grid's end. Dropping it closes the queue; what waits is still handed out.
pub struct PictureSender(Arc<Shared>);

/// The encoder's end. Dropping it closes the queue.
pub struct PictureReceiver(Arc<Shared>);

/// A new queue for a grid of `fps` and the rung of this name; pictures that are shed are counted in `meters`.
#[must_use]
pub fn channel(fps: u32, name: &str, meters: Arc<Meters>) -> (PictureSender, PictureReceiver) {
    let limit = SECONDS * fps.max(1) as usize;
    let name = name.to_owned();
    let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), limit, name, meters });
    (PictureSender(shared.clone()), PictureReceiver(shared))
}

impl PictureSender {
    /// Puts a grid time in. Says whether there is still an encoder.
    pub fn send(&self, mut shown: Shown) -> bool {
        let mut state = self.0.lock();
        while state.waiting.len() >= self.0.limit && !state.is_closed {
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let is_new = |shown: &Shown| matches!(shown.picture, Picture::New(..));
        if is_new(&shown) && state.waiting.iter().filter(|waiting| is_new(waiting)).count() >= PICTURES {
            shown.picture = Picture::Same;
            self.0.shed(&mut state);
        }
        state.waiting.push_back(shown);
        let is_heard = !state.is_closed;
        drop(state);
        self.0.changed.notify_all();
        is_heard
    }
}

impl Drop for PictureSender {
    fn drop(&mut self) {
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

    fn new(n: u64) -> Shown {
        let picture = Picture::New(Arc::new(ffmpeg::frame::Video::empty()), SystemTime::UNIX_EPOCH);
        Shown { n, keyframe_filmed_at: None, picture }
    }

    #[test]
    fn a_slow_encoder_gets_every_grid_time_and_not_every_picture() {
        let meters = Arc::new(Meters::default());
        let (sender, receiver) = channel(20, "720p", meters.clone());
        for n in 0..10 {
            assert!(sender.send(new(n)));
        }
        drop(sender);
        let got: Vec<_> = std::iter::from_fn(|| receiver.next()).collect();
        assert_eq!(got.iter().map(|shown| shown.n).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        let pictures = got.iter().filter(|shown| matches!(shown.picture, Picture::New(..))).count();
        assert_eq!((pictures, meters.pictures_shed.get()), (PICTURES, 10 - PICTURES as u64));
    }

    #[test]
    fn the_grid_waits_for_an_encoder_that_is_seconds_behind() {
        let (sender, receiver) = channel(1, "720p", Arc::default());
        std::thread::scope(|scope| {
            scope.spawn(move || (0..100).all(|n| sender.send(new(n))).then_some(()).unwrap());
            let mut last = None;
            while let Some(shown) = receiver.next() {
                assert!(receiver.0.lock().waiting.len() <= SECONDS);
                last = Some(shown.n);
            }
            assert_eq!(last, Some(99));
        });
    }

    #[test]
    fn an_encoder_that_is_gone_is_told() {
        let (sender, receiver) = channel(20, "720p", Arc::default());
        drop(receiver);
        assert!(!sender.send(new(0)));
    }
}
