//! Capture queue: hands captured video frames and sound from the source thread to the grid thread.
//!
//! Bounded: when the grid thread is too slow, the oldest frames and samples are dropped and counted, and the source never waits.
//! The source thread closes the queue when it ends.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::captions::carried::Captions;
use crate::captured::{Captured, CapturedSound};
use livedir_layout::meters::Meters;

/// Frames that may wait. Raw frames are large (3 MB for full HD) and old ones are worth nothing.
const PICTURES: usize = 8;

/// Runs of sound that may wait: about ten seconds of AAC-sized runs.
const SOUNDS: usize = 512;

#[derive(Default)]
struct State {
    pieces: VecDeque<Captured>,
    /// When the source itself gave its newest sign beside its pictures.
    alive_at: Option<Instant>,
    closed_at: Option<Instant>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    meters: Arc<Meters>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The source's end. Dropping it closes the queue.
pub struct CaptureSender {
    shared: Arc<Shared>,
    takes_sound: bool,
}

/// The microphone's end, next to the source's end. Once the source has closed the queue, sound sent here is discarded.
#[derive(Clone)]
pub struct SoundSender(Arc<Shared>);

/// The grid thread's end.
pub struct CaptureReceiver(Arc<Shared>);

/// The answer of [`CaptureReceiver::next`].
pub enum Next {
    /// The oldest video frame or run of sound.
    Captured(Captured),
    /// Nothing came in time.
    TimedOut,
    /// The source is done and everything has been handed out.
    Closed,
}

/// A new queue; what it drops is counted in `meters`.
pub fn channel(meters: Arc<Meters>) -> (CaptureSender, CaptureReceiver) {
    let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), meters });
    (CaptureSender { shared: shared.clone(), takes_sound: true }, CaptureReceiver(shared))
}

impl CaptureSender {
    /// Puts a video frame or a run of sound in; drops the oldest of its kind when there is no room.
    pub fn send(&self, piece: Captured) {
        if matches!(piece, Captured::Sound(_)) {
            self.note_alive();
        }
        if self.takes_sound || matches!(piece, Captured::Picture(_)) {
            self.shared.put(piece);
        }
    }

    /// The source is well, though no picture came.
    pub fn note_alive(&self) {
        self.shared.lock().alive_at = Some(Instant::now());
    }

    /// A way in for sound from elsewhere.
    #[must_use]
    pub fn for_sound(&self) -> SoundSender {
        SoundSender(self.shared.clone())
    }

    /// From now on the source's own sound is left out.
    pub fn leave_out_sound(&mut self) {
        self.takes_sound = false;
    }
}

impl SoundSender {
    /// Puts a run of sound in; drops the oldest when there is no room.
    pub fn send(&self, sound: CapturedSound) {
        self.0.put(Captured::Sound(sound));
    }
}

impl Shared {
    fn put(&self, mut piece: Captured) {
        let mut state = self.lock();
        if state.closed_at.is_some() {
            return;
        }
        let is_picture = |piece: &Captured| matches!(piece, Captured::Picture(_));
        let of_pictures = is_picture(&piece);
        let limit = if of_pictures { PICTURES } else { SOUNDS };
        let of_its_kind = |waiting: &&Captured| is_picture(waiting) == of_pictures;
        if state.pieces.iter().filter(of_its_kind).count() >= limit
            && let Some(oldest) = state.pieces.iter().position(|waiting| of_its_kind(&waiting))
        {
            let dropped = state.pieces.remove(oldest);
            if let Some(Captured::Picture(dropped)) = dropped {
                self.meters.pictures_dropped.add(1);
                pass_on(dropped.captions, state.pieces.range_mut(oldest..).chain([&mut piece]));
            }
        }
        state.pieces.push_back(piece);
        drop(state);
        self.changed.notify_one();
    }
}

/// The captions of a picture that is dropped go with the next one: nobody would understand what is left of them.
fn pass_on<'a>(mut captions: Captions, mut behind: impl Iterator<Item = &'a mut Captured>) {
    let next = behind.find_map(|piece| match piece {
        Captured::Picture(picture) => Some(picture),
        Captured::Sound(_) => None,
    });
    if let Some(next) = next {
        captions.append(std::mem::take(&mut next.captions));
        next.captions = captions;
    }
}

impl CaptureSender {
    /// Nothing came after `moment`, and nothing will.
    fn close(&self, moment: Instant) {
        self.shared.lock().closed_at.get_or_insert(moment);
        self.shared.changed.notify_one();
    }

    /// As if it had been dropped at `moment`.
    #[cfg(test)]
    pub fn close_at(self, moment: Instant) {
        self.close(moment);
    }
}

impl Drop for CaptureSender {
    fn drop(&mut self) {
        self.close(Instant::now());
    }
}

impl CaptureReceiver {
    /// All sound that waits, the oldest first. Sound that is in the queue is not missing, even if the frames are late.
    #[must_use]
    pub fn drain_sound(&self) -> Vec<CapturedSound> {
        let mut state = self.0.lock();
        let waiting = std::mem::take(&mut state.pieces);
        let mut sounds = Vec::new();
        for piece in waiting {
            match piece {
                Captured::Sound(sound) => sounds.push(sound),
                Captured::Picture(_) => state.pieces.push_back(piece),
            }
        }
        sounds
    }

    /// When the source gave its newest sign beside its pictures. Sound of a microphone is none.
    #[must_use]
    pub fn alive_at(&self) -> Option<Instant> {
        self.0.lock().alive_at
    }

    /// Now, or the time when the source ended. After that time nothing counts as missing, however late the queue is emptied.
    #[must_use]
    pub fn present(&self) -> Instant {
        self.0.lock().closed_at.unwrap_or_else(Instant::now)
    }

    /// The oldest video frame or run of sound, or [`Next::TimedOut`] if none came by `deadline`.
    pub fn next(&self, deadline: Instant) -> Next {
        let mut state = self.0.lock();
        loop {
            if let Some(piece) = state.pieces.pop_front() {
                return Next::Captured(piece);
            }
            if state.closed_at.is_some() {
                return Next::Closed;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Next::TimedOut;
            }
            state = self.0.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::captured::{CapturedPicture, CapturedSound};
    use ffmpeg_next as ffmpeg;
    use std::time::Duration;

    fn picture(width: u32) -> Captured {
        let mut frame = ffmpeg::frame::Video::empty();
        frame.set_width(width);
        let captions = Captions::read(&[0xfc, width as u8, 0]);
        Captured::Picture(CapturedPicture { frame: frame.into(), captured_at: Instant::now(), captions })
    }

    fn sound() -> Captured {
        Captured::Sound(CapturedSound {
            frame: ffmpeg::frame::Audio::empty(),
            captured_at: Instant::now(),
            stretch: 0.0,
        })
    }

    #[test]
    fn the_oldest_pictures_go_first_when_the_encoder_is_slow_and_sound_stays() {
        let meters = Arc::new(Meters::default());
        let (sender, receiver) = channel(meters.clone());
        sender.send(sound());
        for width in 0..20 {
            sender.send(picture(width));
        }
        drop(sender);
        let (mut widths, mut sounds) = (Vec::new(), 0);
        let mut captions = Captions::default();
        loop {
            match receiver.next(Instant::now() + Duration::from_secs(10)) {
                Next::Captured(Captured::Picture(picture)) => {
                    widths.push(picture.frame.width());
                    captions.append(picture.captions);
                }
                Next::Captured(Captured::Sound(_)) => sounds += 1,
                Next::Closed => break,
                Next::TimedOut => panic!("the queue is closed"),
            }
        }
        assert_eq!((widths, sounds), ((12..20).collect(), 1));
        assert_eq!(meters.pictures_dropped.get(), 12);
        let all: Vec<u8> = (0..20).flat_map(|width| [0xfc, width, 0]).collect();
        assert_eq!(captions, Captions::read(&all), "what was said is not dropped with the pictures");
    }

    #[test]
    fn a_microphone_takes_the_place_of_the_source_s_own_sound_and_does_not_keep_the_queue_open() {
        let (mut sender, receiver) = channel(Arc::default());
        let microphone = sender.for_sound();
        sender.leave_out_sound();
        sender.send(sound());
        let alive_at = receiver.alive_at();
        assert!(alive_at.is_some(), "sound that is left out is a sign of the source, too");
        let Captured::Sound(run) = sound() else { unreachable!("it is sound") };
        microphone.send(run);
        assert_eq!(receiver.alive_at(), alive_at);
        drop(sender);
        let Captured::Sound(late) = sound() else { unreachable!("it is sound") };
        microphone.send(late);
        assert!(matches!(receiver.next(Instant::now()), Next::Captured(Captured::Sound(_))));
        assert!(matches!(receiver.next(Instant::now()), Next::Closed));
    }

    #[test]
    fn an_empty_queue_times_out() {
        let (_sender, receiver) = channel(Arc::default());
        assert!(matches!(receiver.next(Instant::now()), Next::TimedOut));
    }
}
