//! Start: what the grid begins with.
//!
//! In: what a source captures first. Out: grid time 0, the sound that came before the first picture, and that picture.

use crate::captured::{Captured, CapturedPicture, CapturedSound};
use crate::queue::capture::{CaptureReceiver, Next};
use std::time::{Duration, Instant};

/// The first picture is waited for this long.
const FIRST_PICTURE: Duration = Duration::from_secs(1);

/// How many runs of sound from before the first picture are kept: those of [`FIRST_PICTURE`].
const LEAD_IN: usize = 512;

/// Sound that begins before the picture by less than this is left out: encoders begin with some of it.
const SHORT_LEAD: Duration = Duration::from_millis(100);

/// The first that was captured.
pub(crate) struct Start {
    /// Grid time 0.
    pub(crate) origin: Instant,
    /// In order.
    pub(crate) sound: Vec<CapturedSound>,
    /// `None` where none came in time.
    pub(crate) picture: Option<CapturedPicture>,
}

/// Waits for the first picture, or for the first sound where no picture is awaited; `None` where the source ended before it.
pub(crate) fn wait(captured: &CaptureReceiver, fps: u32, awaits_picture: bool) -> Option<Start> {
    let mut sound = Vec::new();
    let until = Instant::now() + FIRST_PICTURE;
    let picture = loop {
        match captured.next(until) {
            Next::Captured(Captured::Picture(picture)) => break Some(picture),
            Next::Captured(Captured::Sound(run)) if !awaits_picture => {
                sound.push(run);
                break None;
            }
            Next::Captured(Captured::Sound(run)) if sound.len() < LEAD_IN => sound.push(run),
            Next::Captured(Captured::Sound(_)) => {}
            Next::TimedOut => break None,
            Next::Closed => return None,
        }
    };
    let seen_at = picture.as_ref().map(|picture| picture.captured_at);
    let heard_at = sound.first().map(|run| run.captured_at);
    Some(Start { origin: origin(seen_at, heard_at, fps), sound, picture })
}

/// Grid time 0: when the first picture was captured. Sound that begins earlier is heard: the grid begins so many whole steps earlier.
/// Without a picture it begins with the sound.
fn origin(seen_at: Option<Instant>, heard_at: Option<Instant>, fps: u32) -> Instant {
    let Some(seen_at) = seen_at else { return heard_at.unwrap_or_else(Instant::now) };
    let lead = heard_at.map_or(Duration::ZERO, |heard_at| seen_at.saturating_duration_since(heard_at));
    if lead < SHORT_LEAD {
        return seen_at;
    }
    let steps = (lead.as_secs_f64() * f64::from(fps)).ceil();
    seen_at.checked_sub(Duration::from_secs_f64(steps / f64::from(fps))).unwrap_or(seen_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_begins_with_the_picture_or_whole_steps_before_it_where_sound_does() {
        let heard_at = Instant::now();
        let after = |ms| heard_at + Duration::from_millis(ms);
        let begins_ms = |seen_ms: u64| {
            let origin = origin(Some(after(seen_ms)), Some(heard_at), 20);
            (after(seen_ms) - origin).as_millis()
        };
        assert_eq!([0, 21, 99].map(begins_ms), [0, 0, 0], "what encoders begin with is left out");
        assert_eq!([100, 101, 730].map(begins_ms), [100, 150, 750]);
        assert_eq!(origin(None, Some(heard_at), 20), heard_at);
        assert_eq!(origin(Some(heard_at), None, 20), heard_at);
    }
}
