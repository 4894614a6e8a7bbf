//! Order: which of the files that have arrived is published next. The one place where our own segments and those of other
//! encoders differ. Pure; the time is an argument.
//!
//! In: files that have been read. Out: a [`Turn`].

mod arrival;
mod numbered;
mod series;

pub(crate) use arrival::Arrival;
pub(crate) use numbered::Numbered;
pub(crate) use series::Series;

use crate::events::finished_file::Finished;
use livedir_media::{Discontinuity, Facts, discontinuity};
use std::time::{Duration, Instant};

/// A file that can be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) name: String,
    pub(crate) finished: Finished,
    /// When the event was seen, for the publish lag.
    pub(crate) seen_at: Instant,
}

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Publish this one.
    Publish(Box<Candidate>),
    /// An earlier one may still come until then.
    WaitUntil(Instant),
    /// Nothing waits.
    Idle,
}

/// How the order of segments is known.
#[derive(Debug)]
pub(crate) enum Order {
    /// By the numbers in their names.
    Numbered(Numbered),
    /// By their arrival.
    Arrival(Arrival),
}

impl Order {
    /// Takes the next one out. `last` is what was published before; none is held back for longer than `patience`.
    pub(crate) fn turn(&mut self, last: Option<&Facts>, now: Instant, patience: Duration) -> Turn {
        match self {
            Self::Numbered(order) => order.turn(now, patience),
            Self::Arrival(order) => order.turn(last, now, patience),
        }
    }

    /// Files that came together and wait, in natural order; none where numbers say what comes next.
    pub(crate) fn together(&self) -> impl Iterator<Item = &Finished> + Clone {
        let arrival = match self {
            Self::Numbered(_) => None,
            Self::Arrival(order) => Some(order),
        };
        arrival.into_iter().flat_map(Arrival::all)
    }
}

/// Why `next` does not go on from `previous`, for files of other encoders. Many of them (`ffmpeg -f segment`) open a new
/// multiplex for each file, so that the continuity counters begin again while the stream goes on: that is no reason to
/// have every player begin again too.
pub(crate) fn break_between(previous: &Facts, next: &Facts) -> Option<Discontinuity> {
    discontinuity(previous, next).filter(|reason| !matches!(reason, Discontinuity::Counter { .. }))
}
