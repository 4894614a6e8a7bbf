//! Lives: the program is killed, stopped, and begun again.

use super::{ALL, Kind, OURS, fault};
use crate::{encoders, schedule::Mode, stage::Stage, world::held};
use fastrand::Rng;

/// These kinds.
pub(super) static KINDS: &[Kind] = &[
    fault("kill", 12, ALL, |stage, _, rng| {
        let (after, down_us) = (rng.u32(0..12), down_us(rng));
        kill(stage, after, down_us)
    }),
    fault("kill, and other settings", 4, ALL, |stage, _, rng| {
        let (after, down_us) = (rng.u32(0..12), down_us(rng));
        change(stage, rng);
        kill(stage, after, down_us)
    }),
    fault("crash loop", 2, ALL, |stage, _, rng| {
        let (count, every_us) = (rng.u64(3..8), rng.u64(200_000..2_000_000));
        for nth in 1..count {
            stage.after(nth * every_us, |stage| {
                kill(stage, 0, 50_000);
            });
        }
        kill(stage, 0, 50_000)
    }),
    fault("stop", 6, ALL, |stage, _, rng| {
        let down_us = down_us(rng);
        stop(stage, down_us)
    }),
    fault("stop, and other settings", 3, ALL, |stage, _, rng| {
        let down_us = down_us(rng);
        change(stage, rng);
        stop(stage, down_us)
    }),
    fault("stop within the first frame of a segment", 6, OURS, |stage, _, rng| {
        let (down_us, after_us) = (down_us(rng), rng.u64(0..60_000));
        let Some(border_us) = stage.encoders.next_border_us() else { return false };
        let life = stage.life.number;
        stage.at(border_us + after_us, move |stage| {
            if stage.life.number == life {
                stop(stage, down_us);
            }
        });
        stage.say(|| format!("a stop {after_us} µs after the next segment begins"));
        true
    }),
];

fn down_us(rng: &mut Rng) -> u64 {
    match rng.u32(0..4) {
        0 | 1 => rng.u64(10_000..300_000),
        2 => rng.u64(300_000..3_000_000),
        _ => rng.u64(3_000_000..15_000_000),
    }
}

pub(super) fn kill(stage: &mut Stage, after: u32, down_us: u64) -> bool {
    if !stage.life.is_up || stage.life.stopped_us.is_some() {
        return false;
    }
    stage.life.down_us = down_us;
    stage.say(|| format!("killed before {after} more changes, and down for {} ms", down_us / 1_000));
    let mut disk = held(&stage.disk);
    if after == 0 {
        disk.is_dead = true;
    }
    disk.dies_after = Some(after);
    drop(disk);
    let life = stage.life.number;
    // One that changes nothing dies, too.
    stage.after(300_000, move |stage| {
        if stage.life.number == life && stage.life.is_up {
            held(&stage.disk).is_dead = true;
        }
    });
    true
}

pub fn stop(stage: &mut Stage, down_us: u64) -> bool {
    if !stage.life.is_up || stage.life.stopped_us.is_some() {
        return false;
    }
    stage.life.down_us = down_us;
    stage.say(|| format!("stopped, and down for {} ms", down_us / 1_000));
    encoders::own_stop(stage);
    stage.life.stopped_us = Some(stage.now_us());
    if stage.life.on_air_us.is_some() {
        let (life, after_us) = (stage.life.number, stage.chance.u64(0..5_000));
        stage.after(after_us, move |stage| {
            if stage.life.number == life {
                stage.wake(livedir_watcher::Wake::Finish);
            }
        });
    }
    true
}

/// The next run has other settings.
fn change(stage: &mut Stage, rng: &mut Rng) {
    let plan = &mut stage.next_plan;
    match rng.u32(0..4) {
        0 => plan.window = [3, 6, 10][rng.usize(0..3)],
        1 => plan.end_list = !plan.end_list,
        2 if plan.is_ours() => {
            plan.part_pictures = if plan.part_pictures.is_some() { None } else { Some(1) };
        }
        3 if plan.mode == Mode::Ladder => {
            plan.rungs = 1 + rng.usize(0..3);
            plan.has_sound = rng.bool();
        }
        _ => plan.window = 5,
    }
    let plan = plan.clone();
    stage.say(|| {
        format!(
            "next time: window {}, parts {:?}, {} sizes, sound {}, end {}",
            plan.window, plan.part_pictures, plan.rungs, plan.has_sound, plan.end_list
        )
    });
}
