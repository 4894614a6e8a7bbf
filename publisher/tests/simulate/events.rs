//! Events: every kind of thing that happens. A new one is an entry in the file of its group.
//!
//! In: the stage, which channel it is about, and numbers from which the details are drawn. Out: whether it happened; what
//! cannot happen now does nothing.

mod ears;
mod failures;
mod hands;
mod lives;
mod machine;
mod playlists;
mod renames;
mod segments;
mod strays;

use crate::{
    schedule::{Mode, Plan},
    stage::Stage,
};
use fastrand::Rng;
pub use lives::stop;
use std::sync::LazyLock;

/// What an event is to a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A segment is made, in one way or another.
    Segment,
    /// Something befalls the stream.
    Fault,
}

/// A kind of event.
#[derive(Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    /// How often it is drawn among those that fit.
    pub weight: u32,
    pub role: Role,
    pub fits: fn(&Plan) -> bool,
    pub act: fn(&mut Stage, usize, &mut Rng) -> bool,
}

pub(super) const ALL: fn(&Plan) -> bool = |_| true;

pub(super) const OURS: fn(&Plan) -> bool = Plan::is_ours;

pub(super) const LADDER: fn(&Plan) -> bool = |plan| plan.mode == Mode::Ladder;

pub(super) const FOREIGN: fn(&Plan) -> bool = |plan| !plan.is_ours();

pub(super) const FOREIGN_WITH_PARTS: fn(&Plan) -> bool =
    |plan| !plan.is_ours() && plan.part_pictures.is_some();

pub(super) const WITH_PARTS: fn(&Plan) -> bool = |plan| plan.part_pictures.is_some();
pub(super) const HEARS: fn(&Plan) -> bool = |plan| !plan.polls && plan.has_watches;

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

pub(super) const fn segment(
    name: &'static str,
    weight: u32,
    fits: fn(&Plan) -> bool,
    act: fn(&mut Stage, usize, &mut Rng) -> bool,
) -> Kind {
    Kind { name, weight, role: Role::Segment, fits, act }
}

pub(super) const fn fault(
    name: &'static str,
    weight: u32,
    fits: fn(&Plan) -> bool,
    act: fn(&mut Stage, usize, &mut Rng) -> bool,
) -> Kind {
    Kind { name, weight, role: Role::Fault, fits, act }
}

/// All kinds, in an order that stays: what a seed draws depends on it.
pub static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let groups = [
        segments::KINDS,
        lives::KINDS,
        failures::KINDS,
        hands::KINDS,
        strays::KINDS,
        playlists::KINDS,
        ears::KINDS,
        machine::KINDS,
        renames::KINDS,
    ];
    groups.concat()
});
