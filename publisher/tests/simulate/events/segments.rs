//! Segments: the ways in which encoders make them.

use super::{FOREIGN, FOREIGN_WITH_PARTS, Kind, LADDER, OURS, segment};
use crate::{
    encoders::{self, How, Way},
    schedule::Mode,
    stage::Stage,
};
use std::fmt::Write as _;

/// These kinds.
pub(super) static KINDS: &[Kind] = &[
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
    segment(
        "hole in our timeline",
        3,
        |plan| plan.mode == Mode::Live,
        |stage, _, _| own(stage, How { hole: true, ..How::default() }),
    ),
    segment("segment by rename", 60, FOREIGN, |stage, of, _| foreign(stage, of, How::default())),
    segment("segment by copy", 10, FOREIGN, |stage, of, _| {
        foreign(stage, of, How { way: Way::Copy, ..How::default() })
    }),
    segment("segment by slow writing", 10, FOREIGN, |stage, of, _| {
        foreign(stage, of, How { way: Way::Slowly, ..How::default() })
    }),
    segment("segment by link", 6, FOREIGN, |stage, of, _| {
        foreign(stage, of, How { way: Way::Link, ..How::default() })
    }),
    segment("segment by link, and its first name goes", 3, FOREIGN, |stage, of, _| {
        foreign(stage, of, How { way: Way::LinkAndUnlink, ..How::default() })
    }),
    segment("segment late", 4, FOREIGN, |stage, of, rng| {
        let late_us = rng.u64(50_000..stage.plan.segment_us);
        foreign(stage, of, How { late_us, ..How::default() })
    }),
    segment("segment out of order", 3, FOREIGN, |stage, of, rng| {
        let late_us = stage.plan.segment_us + rng.u64(0..stage.plan.segment_us);
        foreign(stage, of, How { late_us, ..How::default() })
    }),
    segment("segment never", 3, FOREIGN, |stage, of, _| {
        foreign(stage, of, How { never: true, ..How::default() })
    }),
    segment("segment twice", 3, FOREIGN, |stage, of, _| {
        foreign(stage, of, How { twice: true, ..How::default() })
    }),
    segment("part never", 8, FOREIGN_WITH_PARTS, |stage, of, rng| {
        foreign(stage, of, How { without_part: Some(rng.u32(0..4)), ..How::default() })
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
        let _ = write!(words, ", {} ms late in line {}", how.late_us / 1_000, how.line);
    }
    if how.never {
        let _ = write!(words, ", and line {} never ends it", how.line);
    }
    if let Some(part) = how.without_part {
        let _ = write!(words, ", without part {part}");
    }
    if how.twice {
        words += ", twice";
    }
    if how.hole {
        words += ", and a hole behind it";
    }
    words
}
