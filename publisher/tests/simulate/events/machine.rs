//! The machine: its clock, its speed, and other programs on it.

use super::{ALL, Kind, OURS, fault, hands::taken_away, playlists::forget};
use crate::{
    disk::Who,
    excused::Excuse,
    schedule::Mode,
    stage::{Stage, WEBROOT},
    world::held,
};
use std::path::Path;

/// These kinds.
pub(super) static KINDS: &[Kind] = &[
    fault("the clock is set", 5, ALL, |stage, _, rng| {
        let most_ms: u64 = [50, 2_000, 60_000, 86_400_000][rng.usize(0..4)];
        let by_ms = rng.u64(1..most_ms) as i64 * if rng.bool() { 1 } else { -1 };
        stage.say(|| format!("the clock on the wall is set by {by_ms} ms"));
        stage.time.set_wall(by_ms * 1_000);
        let now_us = stage.now_us();
        stage.judge.clock_was_set(now_us);
        true
    }),
    fault("a second program", 4, ALL, |stage, of, _| second(stage, of)),
    fault("the webroot is moved away, and a second program", 3, OURS, |stage, of, rng| {
        let after_us = rng.u64(2 * stage.plan.target_us()..4 * stage.plan.target_us());
        stage.say(|| "the webroot is moved away, and made anew".to_owned());
        for of in 0..stage.judge.count() {
            taken_away(stage, of);
            forget(stage, of);
        }
        let deaf_until_us = stage.now_us() + 2 * stage.plan.target_us();
        stage.judge.note_deaf_until(deaf_until_us);
        let mut disk = held(&stage.disk);
        let _ = disk.remove_directory(Path::new("/old"), true, Who::Hand);
        let _ = disk.rename(Path::new(WEBROOT), Path::new("/old"), Who::Hand);
        let _ = disk.make_all(Path::new(WEBROOT), Who::Hand);
        drop(disk);
        stage.after(after_us, move |stage| {
            second(stage, of);
        });
        true
    }),
    fault("the machine is slow", 3, ALL, |stage, _, rng| {
        let for_us = rng.u64(100_000..3_000_000);
        let slow_us = rng.u64(1_000..30_000);
        stage.say(|| format!("each call takes {} ms for {} ms", slow_us / 1_000, for_us / 1_000));
        held(&stage.disk).slow_us = slow_us;
        stage.slow_until_us = stage.now_us() + for_us;
        stage.judge.slow_until_us = stage.slow_until_us;
        stage.after(for_us, |stage| held(&stage.disk).slow_us = 0);
        true
    }),
];

/// What the event of a change takes, with room.
const UNSEEN_US: u64 = 100_000;

/// Another program wants to write to the same directory.
fn second(stage: &mut Stage, of: usize) -> bool {
    if stage.life.on_air_us.is_none() || !stage.life.is_up {
        return false;
    }
    let live = stage.directory(of);
    if stage.plan.mode == Mode::Channels && held(&stage.disk).entries(&live).is_err() {
        // A channel without a directory is nobody's.
        return false;
    }
    stage.say(|| "a second program begins".to_owned());
    let webroot = if stage.plan.mode == Mode::Channels {
        live.parent().map(Path::to_owned).unwrap_or_default()
    } else {
        WEBROOT.into()
    };
    // Of a directory that is moved with the one that holds it no event tells; a look comes after one and a quarter target durations.
    let unseen_us = stage.plan.target_us() * 5 / 4 + UNSEEN_US;
    let disturbed_us = stage.judge.channel(of).disturbed_us;
    if disturbed_us > 0 && stage.now_us() < disturbed_us + unseen_us {
        return false;
    }
    let locked = held(&stage.disk).lock(&webroot);
    if let Ok(Some(_)) = locked {
        let on_air_us = stage.life.on_air_us.unwrap_or(0);
        let made_us = on_air_us.max(stage.judge.channel(of).spoilt_us.unwrap_or(0));
        let failing_until_us = crate::invariants::failing_until_us(&held(&stage.disk));
        let could_not_us = failing_until_us + 2 * stage.plan.target_us();
        if made_us < failing_until_us && stage.now_us() < could_not_us && Excuse::LockNotWritten.is_used() {
            return true;
        }
        stage.breaks("lock", format!("a second program is let in to {}", webroot.display()));
    }
    true
}
