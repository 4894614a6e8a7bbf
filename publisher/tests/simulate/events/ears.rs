//! Ears: what becomes of the events of the file system.

use super::{HEARS, Kind, fault};
use crate::world::held;

/// These kinds.
pub(super) static KINDS: &[Kind] = &[
    fault("events are lost, and it is told", 4, HEARS, |stage, _, rng| {
        let for_us = rng.u64(100_000..2 * stage.plan.target_us());
        stage.say(|| format!("events are lost for {} ms, and it is told", for_us / 1_000));
        stage.ears.loses_us = stage.now_us() + for_us;
        let deaf_until_us = stage.now_us() + for_us;
        stage.judge.note_deaf_until(deaf_until_us);
        stage.after(for_us, |stage| {
            let lost = notify::Event::new(notify::EventKind::Other).set_flag(notify::event::Flag::Rescan);
            stage.translate(&Ok(lost));
        });
        true
    }),
    fault("events are lost without a word", 3, HEARS, |stage, _, rng| {
        let for_us = rng.u64(10_000..stage.plan.target_us());
        stage.say(|| format!("events are lost for {} ms, without a word", for_us / 1_000));
        let until_us = stage.now_us() + for_us;
        stage.ears.loses_us = until_us;
        stage.judge.hears_nothing_until(until_us);
        true
    }),
    fault("events come twice", 3, HEARS, |stage, _, rng| {
        let for_us = rng.u64(100_000..6 * stage.plan.target_us());
        stage.say(|| format!("events come twice for {} ms", for_us / 1_000));
        stage.ears.doubles_us = stage.now_us() + for_us;
        true
    }),
    fault("events come in any order", 3, HEARS, |stage, _, rng| {
        let for_us = rng.u64(100_000..6 * stage.plan.target_us());
        stage.say(|| format!("events come late and in any order for {} ms", for_us / 1_000));
        stage.ears.shuffles_us = stage.now_us() + for_us;
        true
    }),
    fault("no directory can be watched any more", 2, HEARS, |stage, _, rng| {
        let for_us = rng.u64(1_000_000..8_000_000);
        stage.say(|| format!("nothing can be watched for {} ms", for_us / 1_000));
        held(&stage.disk).has_watches = false;
        stage.judge.note_deaf_until(u64::MAX);
        stage.after(for_us, |stage| held(&stage.disk).has_watches = true);
        true
    }),
];
