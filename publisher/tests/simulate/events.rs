//! Events: every kind of thing that happens. A new one is an entry here.
//!
//! In: the stage, which channel it is about, and numbers from which the details are drawn. Out: whether it happened; what
//! cannot happen now does nothing.

use crate::{
    disk::{Failure, Trouble, Who},
    encoders::{self, How, Way},
    schedule::{Mode, Naming, Plan},
    stage::{Stage, WEBROOT},
    world::{held, lock},
};
use fastrand::Rng;
use livedir_publisher::segment_name::{number_of_name, part_of_name, segment_name};
use std::path::{Path, PathBuf};

/// What an event is to a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A segment is made, in one way or another.
    Segment,
    /// Something befalls the stream.
    Fault,
}

/// A kind of event.
pub struct Kind {
    pub name: &'static str,
    /// How often it is drawn among those that fit.
    pub weight: u32,
    pub role: Role,
    pub fits: fn(&Plan) -> bool,
    pub act: fn(&mut Stage, usize, &mut Rng) -> bool,
}

const ALL: fn(&Plan) -> bool = |_| true;
const OURS: fn(&Plan) -> bool = Plan::is_ours;
const LADDER: fn(&Plan) -> bool = |plan| plan.mode == Mode::Ladder;
const FOREIGN: fn(&Plan) -> bool = |plan| !plan.is_ours();
const FOREIGN_WITH_PARTS: fn(&Plan) -> bool = |plan| !plan.is_ours() && plan.part_pictures.is_some();
const HEARS: fn(&Plan) -> bool = |plan| !plan.polls && plan.has_watches;

impl Kind {
    /// Whether there is a plan in which both occur.
    pub fn can_meet(&self, other: &Kind) -> bool {
        let modes = [Mode::Live, Mode::Ladder, Mode::Watch, Mode::Channels];
        modes.into_iter().any(|mode| {
            let plan = Plan { mode, ..Plan::sample() };
            (self.fits)(&plan) && (other.fits)(&plan)
        })
    }
}

const fn segment(
    name: &'static str,
    weight: u32,
    fits: fn(&Plan) -> bool,
    act: fn(&mut Stage, usize, &mut Rng) -> bool,
) -> Kind {
    Kind { name, weight, role: Role::Segment, fits, act }
}

const fn fault(
    name: &'static str,
    weight: u32,
    fits: fn(&Plan) -> bool,
    act: fn(&mut Stage, usize, &mut Rng) -> bool,
) -> Kind {
    Kind { name, weight, role: Role::Fault, fits, act }
}

/// All kinds.
pub static KINDS: &[Kind] = &[
    segment("segment of ours", 80, OURS, |stage, _, _| own(stage, How::default())),
    segment("segment of ours, late", 4, OURS, |stage, _, rng| {
        let late_us = rng.u64(50_000..2 * stage.plan.segment_us);
        own(stage, How { late_us, line: rng.usize(0..4), ..How::default() })
    }),
    segment("one size is late by more than a segment", 3, LADDER, |stage, _, rng| {
        let late_us = stage.plan.segment_us + rng.u64(0..2 * stage.plan.segment_us);
        own(stage, How { late_us, line: rng.usize(0..4), ..How::default() })
    }),
    segment("one size gives up a segment", 4, LADDER, |stage, _, rng| {
        own(stage, How { never: true, line: rng.usize(0..4), ..How::default() })
    }),
    segment("hole in our timeline", 3, |plan| plan.mode == Mode::Live, |stage, _, _| {
        own(stage, How { hole: true, ..How::default() })
    }),
    segment("segment by rename", 60, FOREIGN, |stage, of, _| foreign(stage, of, How::default())),
    segment("segment by copy", 10, FOREIGN, |stage, of, _| foreign(stage, of, How { way: Way::Copy, ..How::default() })),
    segment("segment by slow writing", 10, FOREIGN, |stage, of, _| {
        foreign(stage, of, How { way: Way::Slowly, ..How::default() })
    }),
    segment("segment by link", 6, FOREIGN, |stage, of, _| foreign(stage, of, How { way: Way::Link, ..How::default() })),
    segment("segment late", 4, FOREIGN, |stage, of, rng| {
        let late_us = rng.u64(50_000..stage.plan.segment_us);
        foreign(stage, of, How { late_us, ..How::default() })
    }),
    segment("segment out of order", 3, FOREIGN, |stage, of, rng| {
        let late_us = stage.plan.segment_us + rng.u64(0..stage.plan.segment_us);
        foreign(stage, of, How { late_us, ..How::default() })
    }),
    segment("segment never", 3, FOREIGN, |stage, of, _| foreign(stage, of, How { never: true, ..How::default() })),
    segment("segment twice", 3, FOREIGN, |stage, of, _| foreign(stage, of, How { twice: true, ..How::default() })),
    segment("part never", 8, FOREIGN_WITH_PARTS, |stage, of, rng| {
        foreign(stage, of, How { without_part: Some(rng.u32(0..4)), ..How::default() })
    }),
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
    fault("writes fail: read-only", 4, ALL, |stage, _, rng| fail_all(stage, Trouble::ReadOnly, rng)),
    fault("writes fail: full", 4, ALL, |stage, _, rng| fail_all(stage, Trouble::Full, rng)),
    fault("writes fail: no inodes", 3, ALL, |stage, _, rng| fail_all(stage, Trouble::NoInodes, rng)),
    fault("live/ is read-only", 4, ALL, |stage, _, rng| fail(stage, Trouble::ReadOnly, "/live/".to_owned(), rng)),
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

fn own(stage: &mut Stage, how: How) -> bool {
    let done = encoders::own_segment(stage, how);
    stage.say(|| format!("a segment of ours begins: {}", words(how)));
    done
}

fn foreign(stage: &mut Stage, of: usize, how: How) -> bool {
    let done = encoders::foreign_segment(stage, of, how);
    stage.say(|| format!("encoder {of} begins a segment: {}", words(how)));
    done
}

fn words(how: How) -> String {
    let mut words = format!("by {:?}", how.way).to_lowercase();
    if how.late_us > 0 {
        words += &format!(", {} ms late in line {}", how.late_us / 1_000, how.line);
    }
    if how.never {
        words += &format!(", and line {} never ends it", how.line);
    }
    if let Some(part) = how.without_part {
        words += &format!(", without part {part}");
    }
    if how.twice {
        words += ", twice";
    }
    if how.hole {
        words += ", and a hole behind it";
    }
    words
}

fn down_us(rng: &mut Rng) -> u64 {
    match rng.u32(0..4) {
        0 | 1 => rng.u64(10_000..300_000),
        2 => rng.u64(300_000..3_000_000),
        _ => rng.u64(3_000_000..15_000_000),
    }
}

fn kill(stage: &mut Stage, after: u32, down_us: u64) -> bool {
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
                stage.wake(livedir_publisher::watcher::Wake::Finish);
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
