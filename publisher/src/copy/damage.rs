//! Damage: what is damaged or missing in a stream that is copied, counted and told in one line, and again after growing times. Pure.
//!
//! Nothing is decoded, so damage is known by what the container says, by packets that are missing, and by frames whose NAL units
//! do not fit into them.

use std::time::{Duration, Instant};

/// One burst of damage is over by then, and is told with its count.
const FIRST: Duration = Duration::from_secs(2);
/// Each time to the next line is so many times longer.
const GROWTH: u32 = 8;

/// Counts damage of one source.
#[derive(Debug, Default)]
pub(crate) struct Damage {
    places: u64,
    told: u64,
    /// When the next line may come.
    tell_at: Option<Instant>,
    wait: Option<Duration>,
}

impl Damage {
    /// So many places are damaged, or something is missing there.
    pub(crate) fn note(&mut self, places: u64, now: Instant) {
        if places > 0 {
            self.places += places;
            self.tell_at.get_or_insert(now + FIRST);
        }
    }

    /// How much there is to be told, if it is time. `is_over`: nothing follows.
    pub(crate) fn due(&mut self, now: Instant, is_over: bool) -> Option<u64> {
        if self.places == self.told || !(is_over || self.tell_at.is_some_and(|at| at <= now)) {
            return None;
        }
        self.told = self.places;
        let wait = self.wait.map_or(FIRST, |wait| wait.saturating_mul(GROWTH));
        self.wait = Some(wait);
        self.tell_at = now.checked_add(wait.saturating_mul(GROWTH));
        Some(self.places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told_once_and_again_after_growing_times() {
        let start = Instant::now();
        let mut damage = Damage::default();
        let mut told = Vec::new();
        for second in 0..3_600 {
            let now = start + Duration::from_secs(second);
            if second > 0 {
                damage.note(1, now);
            }
            told.extend(damage.due(now, false).map(|places| (second, places)));
        }
        assert_eq!(told, [(3, 3), (19, 19), (147, 147), (1_171, 1_171)]);
        assert_eq!(damage.due(start, true), Some(3_599));
        assert_eq!(damage.due(start, true), None);
    }

    #[test]
    fn a_whole_source_has_nothing_to_tell() {
        let mut damage = Damage::default();
        damage.note(0, Instant::now());
        assert_eq!(damage.due(Instant::now(), true), None);
    }
}
