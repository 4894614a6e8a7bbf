//! Statistics: how often each kind of event has happened, and each pair of kinds within one target duration.

use crate::events::KINDS;

#[derive(Debug, Clone)]
pub struct Statistics {
    pub schedules: u64,
    /// Changes of files that hold media.
    pub changes: u64,
    /// The fewest events, and the fewest segments, that a schedule had in which nothing broke.
    pub fewest: Option<(u64, u64)>,
    pub counts: Vec<u64>,
    pairs: Vec<u64>,
    last_us: Vec<Option<u64>>,
}

impl Statistics {
    pub fn new() -> Self {
        let kinds = KINDS.len();
        Self {
            schedules: 0,
            changes: 0,
            fewest: None,
            counts: vec![0; kinds],
            pairs: vec![0; kinds * kinds],
            last_us: vec![None; kinds],
        }
    }

    pub fn happened(&mut self, kind: usize, now_us: u64, target_us: u64) {
        self.counts[kind] += 1;
        for (other, last_us) in self.last_us.iter().enumerate() {
            if last_us.is_some_and(|last_us| now_us - last_us <= target_us) {
                self.pairs[other * KINDS.len() + kind] += 1;
            }
        }
        self.last_us[kind] = Some(now_us);
    }

    /// Adds what another thread, or another schedule, has counted.
    pub fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.changes += other.changes;
        self.fewest = match (self.fewest, other.fewest) {
            (Some(mine), Some(others)) => Some((mine.0.min(others.0), mine.1.min(others.1))),
            (mine, others) => mine.or(others),
        };
        for (mine, others) in self.counts.iter_mut().zip(&other.counts) {
            *mine += others;
        }
        for (mine, others) in self.pairs.iter_mut().zip(&other.pairs) {
            *mine += others;
        }
    }

    /// Those that were drawn and have happened, and changes of files that they have led to.
    pub fn events(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.changes
    }

    /// Kinds that never happened.
    pub fn missing(&self) -> Vec<&'static str> {
        KINDS.iter().zip(&self.counts).filter(|(_, count)| **count == 0).map(|(kind, _)| kind.name).collect()
    }

    /// How often two kinds came within one target duration of each other, in either order; rarest first.
    pub fn pairs(&self) -> Vec<(u64, &'static str, &'static str)> {
        let mut pairs = Vec::new();
        for (first, one) in KINDS.iter().enumerate() {
            for (second, other) in
                KINDS.iter().enumerate().skip(first).filter(|(_, other)| one.can_meet(other))
            {
                let there = self.pairs[first * KINDS.len() + second];
                let back = if first == second { 0 } else { self.pairs[second * KINDS.len() + first] };
                pairs.push((there + back, one.name, other.name));
            }
        }
        pairs.sort_unstable();
        pairs
    }
}
