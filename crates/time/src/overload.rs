//! Overload: when the log tells that an encoder is too slow, and that it is fast enough again. Pure; the time is an argument.
//!
//! In: which frames were dropped and which were not. Out: one warning for each overload longer than a moment, one more if the overload
//! gets worse, and at its end how much was lost.

use std::time::{Duration, Instant};

/// An overload ends when no frame was dropped for this long. Scenes that are hard to encode mostly follow each other sooner, so a film
/// with many of them does not fill the log.
const KEEPS_UP_AFTER: Duration = Duration::from_secs(10);

/// If fewer frames were dropped, nothing is logged: the machine was busy with something else for a moment.
const WORTH_TELLING: u64 = 10;

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The encoder repeats frames.
    Repeats,
    /// The encoder leaves out segments.
    LeavesOut,
    /// The overload has ended.
    KeepsUp(Episode),
}

/// What one overload has cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Episode {
    /// New frames that were shed.
    pub pictures: u64,
    /// Segments that were left out.
    pub segments: u64,
    /// From the first to the last of these.
    pub lasted: Duration,
}

/// Follows one encoder.
#[derive(Debug, Default)]
pub struct Overload {
    episode: Option<(Instant, Instant, Episode)>,
}

impl Overload {
    /// A new frame was shed.
    pub fn shed(&mut self, now: Instant) -> Option<Told> {
        let episode = self.add(1, 0, now);
        (episode.pictures == WORTH_TELLING && episode.segments == 0).then_some(Told::Repeats)
    }

    /// So many segments were left out.
    pub fn left_out(&mut self, segments: u64, now: Instant) -> Option<Told> {
        let is_first = self.episode.is_none_or(|(_, _, episode)| episode.segments == 0);
        self.add(0, segments, now);
        is_first.then_some(Told::LeavesOut)
    }

    fn add(&mut self, pictures: u64, segments: u64, now: Instant) -> Episode {
        let none = Episode { pictures: 0, segments: 0, lasted: Duration::ZERO };
        let (since, last, episode) = self.episode.get_or_insert((now, now, none));
        *last = now;
        episode.pictures += pictures;
        episode.segments += segments;
        episode.lasted = now.saturating_duration_since(*since);
        *episode
    }

    /// Nothing was left out at this grid time.
    pub fn kept_up(&mut self, now: Instant) -> Option<Told> {
        let (_, last, _) = self.episode?;
        if now.saturating_duration_since(last) < KEEPS_UP_AFTER {
            return None;
        }
        self.end().map(Told::KeepsUp)
    }

    /// The stream has ended: what is not told yet.
    pub fn end(&mut self) -> Option<Episode> {
        let (_, _, episode) = self.episode.take()?;
        (episode.pictures >= WORTH_TELLING || episode.segments > 0).then_some(episode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_told_once_and_its_end_too() {
        let (mut behind, start) = (Overload::default(), Instant::now());
        let at = |s: u64| start + Duration::from_secs(s);
        for episode in 0..3 {
            let begun = episode * 100;
            assert_eq!(behind.kept_up(at(begun)), None);
            assert!((1..WORTH_TELLING).all(|_| behind.shed(at(begun)).is_none()));
            assert_eq!(behind.shed(at(begun)), Some(Told::Repeats));
            assert_eq!(behind.shed(at(begun + 1)), None);
            assert_eq!(behind.left_out(2, at(begun + 2)), Some(Told::LeavesOut), "it is worse than was told");
            assert_eq!(behind.shed(at(begun + 11)), None, "a pause of nine seconds ends nothing");
            assert_eq!(behind.left_out(1, at(begun + 12)), None);
            assert_eq!(behind.kept_up(at(begun + 21)), None);
            let cost = Episode { pictures: WORTH_TELLING + 2, segments: 3, lasted: Duration::from_secs(12) };
            assert_eq!(behind.kept_up(at(begun + 22)), Some(Told::KeepsUp(cost)));
            assert_eq!(behind.kept_up(at(begun + 40)), None);
        }
    }

    #[test]
    fn a_moment_is_not_worth_a_word() {
        let (mut behind, start) = (Overload::default(), Instant::now());
        assert_eq!((behind.shed(start), behind.shed(start)), (None, None));
        assert_eq!(behind.kept_up(start + KEEPS_UP_AFTER), None);
        assert_eq!(behind.shed(start + KEEPS_UP_AFTER), None);
        assert_eq!(behind.end(), None);
    }

    #[test]
    fn the_end_of_the_stream_tells_what_is_not_told() {
        let (mut behind, now) = (Overload::default(), Instant::now());
        assert_eq!(behind.end(), None);
        assert_eq!(behind.left_out(1, now), Some(Told::LeavesOut));
        let cost = Episode { pictures: 0, segments: 1, lasted: Duration::ZERO };
        assert_eq!((behind.end(), behind.end()), (Some(cost), None));
    }
}
