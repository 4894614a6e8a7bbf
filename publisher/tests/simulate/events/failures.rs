//! Failures: writes are refused for a while.

use super::{ALL, Kind, fault};
use crate::{
    disk::{Failure, Trouble},
    stage::{Stage, WEBROOT},
    world::held,
};
use fastrand::Rng;
use livedir_layout::names::segment_name;

/// These kinds.
pub(super) static KINDS: &[Kind] = &[
    fault("writes fail: read-only", 4, ALL, |stage, _, rng| fail_all(stage, Trouble::ReadOnly, rng)),
    fault("writes fail: full", 4, ALL, |stage, _, rng| fail_all(stage, Trouble::Full, rng)),
    fault("writes fail: no inodes", 3, ALL, |stage, _, rng| fail_all(stage, Trouble::NoInodes, rng)),
    fault("live/ is read-only", 4, ALL, |stage, _, rng| {
        fail(stage, Trouble::ReadOnly, "/live/".to_owned(), rng)
    }),
    fault("one file cannot be written", 6, ALL, |stage, of, rng| {
        let next = stage.encoders.next_count(of) + rng.u64(0..2);
        let name = segment_name(next);
        let stem = name.trim_end_matches("ts");
        let of = match rng.u32(0..3) {
            0 => name,
            1 => format!("{stem}p0{}.", rng.u32(0..4)),
            _ => stem.to_owned(),
        };
        let trouble = [Trouble::ReadOnly, Trouble::Full, Trouble::NoInodes][rng.usize(0..3)];
        fail(stage, trouble, of, rng)
    }),
];

fn fail_all(stage: &mut Stage, trouble: Trouble, rng: &mut Rng) -> bool {
    fail(stage, trouble, WEBROOT.to_owned(), rng)
}

fn fail(stage: &mut Stage, trouble: Trouble, of: String, rng: &mut Rng) -> bool {
    let for_us = match rng.u32(0..3) {
        0 => rng.u64(10_000..200_000),
        1 => rng.u64(200_000..stage.plan.target_us()),
        _ => rng.u64(stage.plan.target_us()..6 * stage.plan.target_us()),
    };
    let until_us = stage.now_us() + for_us;
    stage.say(|| format!("{trouble:?} for {} ms: {of}", for_us / 1_000));
    held(&stage.disk).failures.push(Failure { trouble, of, until_us });
    true
}
