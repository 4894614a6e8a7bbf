//! Parts of other encoders, which may have any numbers: they go by the timeline. Pure; times are arguments.
//!
//! In: parts that wait. Out: which of them comes next, and whether what is being written is waited for.

use crate::events::finished_file::Finished;
use crate::timeline::low_latency::{Encoder, LowLatencyList, ROUNDING_90K, SAME_TIMELINE_90K};
use livedir_time::clock_33_bit::distance_90k;
use livedir_time::ticks;
use std::time::{Duration, Instant};

impl LowLatencyList {
    /// Where what is listed ends on its timeline.
    pub(crate) fn goes_on_from(&mut self, listed_until_90k: Option<u64>) {
        if self.encoder == Encoder::Ours || self.listed_until_90k == listed_until_90k {
            return;
        }
        self.listed_until_90k = listed_until_90k;
        let Some(until_90k) = listed_until_90k else { return };
        let current = [self.open, self.closing.map(|closing| closing.number)];
        let is_before = |it: &Finished| {
            (-SAME_TIMELINE_90K..=ROUNDING_90K as i64).contains(&distance_90k(until_90k, it.facts.end_90k()))
        };
        let passed: Vec<_> = self
            .waiting
            .iter()
            .filter(|((number, _), it)| !current.contains(&Some(*number)) && is_before(it))
            .map(|(part, _)| *part)
            .collect();
        self.pass(|part| passed.contains(&part));
    }

    /// Whether a part lies behind all that is listed, on the same timeline.
    pub(super) fn is_behind(&self, part: &Finished) -> bool {
        let until_90k = self.open.and(self.ends_at_90k).or(self.listed_until_90k);
        until_90k.is_none_or(|until_90k| {
            let behind_90k = distance_90k(until_90k, part.facts.start_90k);
            (-(ROUNDING_90K as i64)..SAME_TIMELINE_90K).contains(&behind_90k)
        })
    }

    /// The part that waits and comes first on the timeline; one that begins another timeline comes after those.
    pub(super) fn earliest(&self) -> Option<(&(u64, u32), &Finished)> {
        let others = || self.waiting.iter().filter(|((number, _), _)| Some(*number) != self.open);
        let behind = others().filter(|(_, it)| self.is_behind(it)).reduce(|first, next| {
            let is_later = distance_90k(first.1.facts.start_90k, next.1.facts.start_90k) >= 0;
            if is_later { first } else { next }
        });
        behind.or_else(|| others().find(|((_, part), _)| *part == 0))
    }

    /// Takes note of how long parts have waited while none was listed.
    pub(super) fn watch_what_waits(&mut self, has_listed: bool, patience: Duration, now: Instant) {
        let waits = self.encoder == Encoder::Foreign && self.earliest().is_some();
        self.stands_since = self.stands_since.filter(|_| waits && !has_listed).or(waits.then_some(now));
        self.stands_still = self
            .stands_since
            .is_some_and(|since| now.saturating_duration_since(since) >= self.hold(patience));
    }

    pub(super) fn hold(&self, patience: Duration) -> Duration {
        patience.max(ticks::duration_of_microseconds(self.part_target_90k()) * 5 / 2)
    }

    /// Until when the segment that others are filming may get its next part, if there is one.
    pub(crate) fn filmed_until(&self, patience: Duration) -> Option<Instant> {
        match self.closing {
            Some(closing) => closing.since.checked_add(patience),
            None => self.open.and(self.listed_at)?.checked_add(self.hold(patience)),
        }
    }
}
