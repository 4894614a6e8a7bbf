//! Shrink: the shortest schedule that still breaks the same rule. Delta debugging: pieces are left out, larger ones first.

use crate::{
    run::{Outcome, run},
    schedule::{Event, Schedule},
};
use std::sync::Arc;

/// Leaves out what is not needed. Says what came of the shortest.
pub fn shrink(schedule: &Schedule, outcome: Outcome) -> (Schedule, Outcome) {
    let mut shortest = (schedule.clone(), outcome);
    let Some(invariant) = shortest.1.broken.as_ref().map(|broken| broken.invariant) else { return shortest };
    let attempt = |events: Vec<Event>, shortest: &mut (Schedule, Outcome)| {
        let candidate = Schedule { events, ..schedule.clone() };
        let outcome = run(&Arc::new(candidate.clone()), None, true);
        let is_same = outcome.broken.as_ref().is_some_and(|broken| broken.invariant == invariant);
        if is_same {
            *shortest = (candidate, outcome);
        }
        is_same
    };
    let broken_us = shortest.1.broken.as_ref().map_or(u64::MAX, |broken| broken.at_us);
    let until = shortest.0.events.iter().take_while(|event| event.at_us <= broken_us).copied().collect();
    attempt(until, &mut shortest);
    let mut has_shrunk = true;
    while has_shrunk {
        has_shrunk = false;
        let mut size = shortest.0.events.len().div_ceil(2).max(1);
        loop {
            let mut at = 0;
            while at < shortest.0.events.len() {
                // With what comes later drawn forward, where segments are left out, and without.
                let end = (at + size).min(shortest.0.events.len());
                let found = [true, false].into_iter().any(|draws_forward| {
                    let events = without(&shortest.0, at..end, draws_forward);
                    attempt(events, &mut shortest)
                });
                has_shrunk |= found;
                if !found {
                    at = end;
                }
            }
            if size == 1 {
                break;
            }
            size = size.div_ceil(2);
        }
    }
    shortest
}

fn without(schedule: &Schedule, left_out: std::ops::Range<usize>, draws_forward: bool) -> Vec<Event> {
    let segments =
        schedule.events[left_out.clone()].iter().filter(|event| event.is_segment() && event.of == 0).count();
    let forward_us = if draws_forward { segments as u64 * schedule.plan.segment_us } else { 0 };
    let first_us = schedule.events[left_out.start].at_us;
    let (before, after) = (&schedule.events[..left_out.start], &schedule.events[left_out.end..]);
    let moved = after
        .iter()
        .map(|event| Event { at_us: event.at_us.saturating_sub(forward_us).max(first_us), ..*event });
    before.iter().copied().chain(moved).collect()
}
