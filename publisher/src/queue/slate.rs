//! Slate queue: pictures and sound of the film that is the slate, from its player to the grid.
//!
//! The player plays while the grid shows the slate, and begins anew each time. Bounded: what the grid does not take is dropped, the
//! oldest first, and the player never waits for room.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::captured::{Captured, CapturedSound};
use crate::picture::shared::SharedPicture;

/// Pictures of the last half second, which the grid looks back at, at any rate up to 60.
const PICTURES: usize = 32;
/// Runs of sound: about two seconds of AAC-sized ones.
const SOUNDS: usize = 128;
/// A picture is shown at the nearest time of the grid: at most so many parts of the distance between two of them early.
const HALF: u32 = 2;

#[derive(Default)]
struct State {
    /// Which showing of the slate it is; `None` while it is not shown.
    showing: Option<u64>,
    showings: u64,
    pictures: VecDeque<(Instant, Arc<SharedPicture>)>,
    sounds: VecDeque<CapturedSound>,
    is_closed: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The player's end.
pub struct SlateSender {
    shared: Arc<Shared>,
    /// Between two pictures that are kept.
    step: Duration,
}

/// The grid's end. Dropping it ends the player.
pub struct SlateReceiver {
    shared: Arc<Shared>,
    step: Duration,
    is_shown: bool,
}

/// A new queue for a grid of `fps`.
#[must_use]
pub fn channel(fps: u32) -> (SlateSender, SlateReceiver) {
    let shared = Arc::new(Shared::default());
    let step = Duration::from_secs(1) / fps.max(1);
    (SlateSender { shared: shared.clone(), step }, SlateReceiver { shared, step, is_shown: false })
}

impl SlateSender {
    /// Waits until the slate is shown; says which showing it is, or nothing when there will be none.
    #[must_use]
    pub fn wait_for_showing(&self) -> Option<u64> {
        let mut state = self.shared.lock();
        loop {
            match state.showing {
                _ if state.is_closed => return None,
                Some(showing) => return Some(showing),
                None => state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Waits for as long as this showing lasts, but no longer than `span`.
    pub fn wait_during(&self, showing: u64, span: Duration) {
        let state = self.shared.lock();
        let lasts = |state: &mut State| state.showing == Some(showing) && !state.is_closed;
        drop(self.shared.changed.wait_timeout_while(state, span, lasts));
    }

    /// Hands on what was played in this showing; says whether it lasts.
    #[must_use]
    pub fn send(&self, showing: u64, captured: Option<Captured>) -> bool {
        let mut state = self.shared.lock();
        if state.showing != Some(showing) || state.is_closed {
            return false;
        }
        match captured {
            Some(Captured::Picture(picture)) => {
                // Of a film that is faster than the grid each picture that has a place is enough.
                let before = state.pictures.back().map(|(at, _)| *at);
                if before.is_some_and(|before| {
                    picture.captured_at.saturating_duration_since(before) < self.step / HALF
                }) {
                    return true;
                }
                if state.pictures.len() >= PICTURES {
                    state.pictures.pop_front();
                }
                state.pictures.push_back((picture.captured_at, Arc::new(picture.frame)));
            }
            Some(Captured::Sound(sound)) => {
                if state.sounds.len() >= SOUNDS {
                    state.sounds.pop_front();
                }
                state.sounds.push_back(sound);
            }
            None => {}
        }
        true
    }
}

impl SlateReceiver {
    /// The slate is shown: its film plays.
    pub fn show(&mut self) {
        if !self.is_shown {
            self.is_shown = true;
            let mut state = self.shared.lock();
            state.showings += 1;
            state.showing = Some(state.showings);
            self.shared.changed.notify_all();
        }
    }

    /// The slate is no longer shown: the film ends, and what was played of it is dropped.
    pub fn put_away(&mut self) {
        if self.is_shown {
            self.is_shown = false;
            let mut state = self.shared.lock();
            state.showing = None;
            state.pictures.clear();
            state.sounds.clear();
            self.shared.changed.notify_all();
        }
    }

    /// The picture that is seen at `moment`, as far as it has come.
    #[must_use]
    pub fn picture_at(&self, moment: Instant) -> Option<Arc<SharedPicture>> {
        let until = moment + self.step / HALF;
        let mut state = self.shared.lock();
        while state.pictures.get(1).is_some_and(|(at, _)| *at <= until) {
            state.pictures.pop_front();
        }
        state.pictures.front().filter(|(at, _)| *at <= until).map(|(_, picture)| picture.clone())
    }

    /// The sound that has come.
    #[must_use]
    pub fn take_sound(&self) -> Vec<CapturedSound> {
        self.shared.lock().sounds.drain(..).collect()
    }
}

impl Drop for SlateReceiver {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::captions::carried::Captions;
    use crate::captured::CapturedPicture;
    use crate::picture::canvas::Canvas;

    const STEP: Duration = Duration::from_millis(50);

    fn picture(captured_at: Instant) -> Captured {
        let frame = Canvas::new(16, 16).to_frame().into();
        Captured::Picture(CapturedPicture { frame, captured_at, captions: Captions::default() })
    }

    #[test]
    fn a_film_plays_while_the_slate_is_shown_and_begins_anew() {
        let (sender, mut receiver) = channel(20);
        let origin = Instant::now();
        assert!(!sender.send(1, Some(picture(origin))), "it is not shown");
        receiver.show();
        receiver.show();
        assert_eq!(sender.wait_for_showing(), Some(1));
        assert!(sender.send(1, Some(picture(origin))));
        assert!(receiver.picture_at(origin).is_some());
        receiver.put_away();
        assert!(!sender.send(1, Some(picture(origin))));
        receiver.show();
        assert!(!sender.send(1, Some(picture(origin))), "another showing has begun");
        assert!(receiver.picture_at(origin).is_none());
        assert_eq!(sender.wait_for_showing(), Some(2));
        drop(receiver);
        assert_eq!(sender.wait_for_showing(), None);
    }

    #[test]
    fn the_nearest_picture_is_seen_and_few_are_kept() {
        let (sender, mut receiver) = channel(20);
        receiver.show();
        let origin = Instant::now();
        for n in 0..1000 {
            assert!(sender.send(1, Some(picture(origin + STEP * n / 5))));
        }
        assert!(sender.shared.lock().pictures.len() <= PICTURES);
        let last = origin + STEP * 199;
        let first = receiver.picture_at(origin + STEP * 195).expect("of the last half second");
        assert!(Arc::ptr_eq(&first, &receiver.picture_at(origin + STEP * 195).unwrap()), "it stands");
        assert!(!Arc::ptr_eq(&first, &receiver.picture_at(last).unwrap()));
        assert!(receiver.picture_at(last + STEP * 100).is_some(), "the last one stands");
    }
}
