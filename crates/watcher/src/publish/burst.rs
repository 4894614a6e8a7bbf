//! Burst: segments that come faster than anybody asks for playlists share one. So it is when a film is copied as fast as it
//! goes, or when a disk works again. Pure.
//!
//! In: when segments are listed and playlists written. Out: whether the next playlist waits, and for how long. At the usual
//! pace none waits: the first of a burst is always written at once.

use std::time::{Duration, Instant};

/// Players load a playlist twice a target duration at the most, and that is a second at the least.
const APART: Duration = Duration::from_millis(50);

/// Decides which versions of the playlist are written while segments come fast.
#[derive(Debug, Default)]
pub(crate) struct Burst {
    written_at: Option<Instant>,
    /// Segments that are listed in memory alone.
    waiting: usize,
}

impl Burst {
    /// A segment was listed. Says whether the playlist that lists it waits.
    pub(crate) fn postpones(&mut self, now: Instant) -> bool {
        let is_soon = self.deadline_of_next().is_some_and(|deadline| now < deadline);
        self.waiting += usize::from(is_soon);
        is_soon
    }

    /// Whether the playlist has to be written before another segment is listed, so that each of them is in one: it lists
    /// `window_segments`.
    pub(crate) fn is_full(&self, window_segments: usize) -> bool {
        self.waiting >= window_segments
    }

    /// When the playlist that waits is to be written.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline_of_next().filter(|_| self.waiting > 0)
    }

    /// A playlist was written.
    pub(crate) fn written(&mut self, now: Instant) {
        *self = Self { written_at: Some(now), waiting: 0 };
    }

    /// Nothing waits any more. Says whether something did.
    pub(crate) fn end(&mut self) -> bool {
        std::mem::take(&mut self.waiting) > 0
    }

    fn deadline_of_next(&self) -> Option<Instant> {
        self.written_at.map(|at| at + APART)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_usual_pace_no_playlist_waits() {
        let (mut burst, start) = (Burst::default(), Instant::now());
        for n in 0..10 {
            let now = start + Duration::from_millis(500) * n;
            assert!(!burst.postpones(now) && burst.deadline().is_none());
            burst.written(now);
        }
    }

    #[test]
    fn those_that_come_at_once_share_a_playlist_that_comes_soon() {
        let (mut burst, start) = (Burst::default(), Instant::now());
        assert!(!burst.postpones(start));
        burst.written(start);
        assert_eq!(burst.deadline(), None);
        assert!((0..3).all(|_| burst.postpones(start)));
        assert_eq!(burst.deadline(), Some(start + APART));
        assert!(!burst.postpones(start + APART));
    }

    #[test]
    fn no_more_wait_than_a_playlist_lists() {
        let (mut burst, start) = (Burst::default(), Instant::now());
        burst.written(start);
        assert!(burst.postpones(start) && !burst.is_full(2));
        assert!(burst.postpones(start) && burst.is_full(2));
        assert!(burst.end() && !burst.end());
        assert!(!burst.is_full(2) && burst.deadline().is_none());
    }
}
