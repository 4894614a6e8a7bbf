//! Seat: the client that is on air, and whether another one with the key may take its place.
//!
//! In: what was heard of it, and when. Out: the answer. Pure.

use clap::ValueEnum;
use std::time::{Duration, Instant};

/// When a second encoder with the right key takes the place of the one that is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Takeover {
    /// When video or sound that the first one used to send has not come for 5 seconds
    #[default]
    Stalled,
    /// At once
    Always,
}

/// When a client was heard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    /// With any byte.
    pub(super) at: Instant,
    /// When it was let in.
    let_in_at: Instant,
    picture_at: Option<Instant>,
    sound_at: Option<Instant>,
}

impl Heard {
    pub(super) fn new(now: Instant) -> Self {
        Heard { at: now, let_in_at: now, picture_at: None, sound_at: None }
    }

    pub(super) fn let_in(&mut self, now: Instant) {
        self.let_in_at = now;
    }

    pub(super) fn note_picture(&mut self, now: Instant) {
        self.picture_at = Some(now);
    }

    pub(super) fn note_sound(&mut self, now: Instant) {
        self.sound_at = Some(now);
    }

    /// Whether something has not come for so long that came before, or nothing ever.
    fn has_stalled(&self, now: Instant, patience: Duration) -> bool {
        let is_late = |at: Instant| now.saturating_duration_since(at) >= patience;
        let has_sent_nothing = self.picture_at.is_none() && self.sound_at.is_none();
        is_late(self.at)
            || self.picture_at.is_some_and(is_late)
            || self.sound_at.is_some_and(is_late)
            || (has_sent_nothing && is_late(self.let_in_at))
    }
}

/// The client that is on air, or about to be.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) client: u64,
    pub(super) heard: Heard,
}

impl Seat {
    /// Whether another client may have it.
    pub(super) fn is_free_for_another(&self, takeover: Takeover, now: Instant, patience: Duration) -> bool {
        takeover == Takeover::Always || self.heard.has_stalled(now, patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    /// Whether a client stalls at so many seconds that was last heard, and sent its last picture and sound, at these.
    #[track_caller]
    fn check(at: u64, picture: Option<u64>, sound: Option<u64>, now: u64, expected: bool) {
        let start = Instant::now();
        let seconds = |seconds| start + Duration::from_secs(seconds);
        let mut heard = Heard::new(start);
        heard.at = seconds(at);
        picture.map(seconds).into_iter().for_each(|at| heard.note_picture(at));
        sound.map(seconds).into_iter().for_each(|at| heard.note_sound(at));
        let seat = Seat { client: 1, heard };
        assert_eq!(seat.is_free_for_another(Takeover::Stalled, seconds(now), PATIENCE), expected);
        assert!(seat.is_free_for_another(Takeover::Always, seconds(now), PATIENCE));
    }

    #[test]
    fn whoever_sends_what_it_used_to_send_keeps_its_place() {
        check(10, Some(10), Some(10), 14, false);
        check(10, Some(6), Some(9), 10, false);
        check(10, Some(10), None, 14, false);
        check(10, None, Some(10), 14, false);
    }

    #[test]
    fn whoever_has_ceased_to_send_something_does_not() {
        check(10, Some(10), Some(10), 15, true);
        check(10, Some(5), Some(10), 10, true);
        check(10, Some(10), Some(5), 10, true);
        check(4, None, None, 4, false);
        check(5, None, None, 5, true);
    }
}
