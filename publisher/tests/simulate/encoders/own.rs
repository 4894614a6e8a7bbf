//! Our own writer: the lines of a run, and what each has open.

use super::How;
use crate::{
    media::{Medium, Stream},
    schedule::{Mode, Plan},
    stage::Stage,
    world::held,
};
use livedir_layout::names::{part_name, segment_name};
use livedir_publisher::package::segment_writer::{ClosedSegment, SegmentFiles};
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// A segment that is being made.
pub(super) struct Open {
    pub(super) number: Option<u64>,
    pub(super) start_90k: u64,
    pub(super) end_90k: u64,
    /// What has been written of it.
    pub(super) until_90k: u64,
    pub(super) part: u32,
    pub(super) bytes: Vec<u8>,
    pub(super) started_us: u64,
    pub(super) filmed_at: SystemTime,
    pub(super) how: How,
}

/// One rendition of our own publisher.
pub(super) struct Line {
    pub(super) stream: Stream,
    pub(super) live: PathBuf,
    pub(super) number: u64,
    pub(super) open: VecDeque<Open>,
    pub(super) held: Option<(ClosedSegment, u64)>,
    pub(super) files: SegmentFiles,
    pub(super) busy_until_us: u64,
}

/// No part is longer than PART-TARGET: of sound it has as many frames as fit.
fn part_90k(plan: &Plan, stream: &Stream) -> Option<u64> {
    let unit_90k = stream.unit_90k();
    plan.part_90k().map(|part_90k| part_90k / unit_90k * unit_90k)
}

fn ticks(duration_90k: u64) -> Duration {
    Duration::from_micros(duration_90k * 100 / 9)
}

/// A segment of our own begins. Says whether anybody makes it.
pub fn own_segment(stage: &mut Stage, how: How) -> bool {
    if stage.life.on_air_us.is_none() || !stage.life.is_up || stage.life.stopped_us.is_some() {
        return false;
    }
    let (run, now_us, filmed_at) = (stage.life.number, stage.now_us(), stage.time.wall());
    let plan = stage.plan.clone();
    let is_ladder = plan.mode == Mode::Ladder;
    let it = &mut stage.encoders;
    let number = is_ladder.then_some(it.first_number + it.border);
    let start_90k = it.position_90k;
    let end_90k = start_90k + plan.segment_90k();
    it.position_90k = if how.hole { end_90k + plan.segment_90k() } else { end_90k };
    it.border += 1;
    for line in 0..it.lines.len() {
        let jitter_us = stage.chance.u64(0..4_000);
        let is_it = !is_ladder || how.line % stage.encoders.lines.len() == line;
        let how = if is_it { how } else { How::default() };
        stage.encoders.lines[line].open.push_back(Open {
            number,
            start_90k,
            end_90k,
            until_90k: start_90k,
            part: 0,
            bytes: Vec::new(),
            started_us: now_us,
            filmed_at,
            how,
        });
        if let Some(part_90k) = part_90k(&plan, &stage.encoders.lines[line].stream) {
            for part in 1..plan.segment_90k().div_ceil(part_90k) {
                let at_us = now_us + part * part_90k * 100 / 9 + jitter_us;
                in_line(stage, line, at_us, move |stage| own_part(stage, run, line));
            }
        }
        let at_us = now_us + plan.segment_us + jitter_us + how.late_us;
        in_line(stage, line, at_us, move |stage| own_close(stage, run, line));
    }
    true
}

/// What one thread does comes one after the other.
fn in_line(stage: &mut Stage, line: usize, at_us: u64, deed: impl FnOnce(&mut Stage) + Send + 'static) {
    let busy_until_us = &mut stage.encoders.lines[line].busy_until_us;
    *busy_until_us = at_us.max(*busy_until_us);
    let at_us = *busy_until_us;
    stage.at(at_us, deed);
}

fn is_alive(stage: &Stage, run: u32) -> bool {
    stage.life.is_up && stage.life.number == run && stage.life.stopped_us.is_none()
}

fn own_part(stage: &mut Stage, run: u32, line: usize) {
    if !is_alive(stage, run) {
        return;
    }
    let it = &mut stage.encoders.lines[line];
    let Some(part_90k) = part_90k(&stage.plan, &it.stream) else { return };
    let Some(open) = it.open.front_mut() else { return };
    let number = open.number.unwrap_or(it.number);
    let until_90k = (open.until_90k + part_90k).min(open.end_90k);
    let units = it.stream.units(open.until_90k, until_90k);
    let bytes = it.stream.bytes(units, open.part == 0 || it.stream.medium == Medium::Sound);
    let ended_at = open.filmed_at + ticks(until_90k - open.start_90k);
    open.bytes.extend_from_slice(&bytes);
    let (part, directory) = (open.part, it.live.clone());
    (open.part, open.until_90k) = (part + 1, until_90k);
    // Thirty seconds of failures by the real clock are never reached.
    let _ = it.files.put_part(number, part, &bytes, ended_at);
    expect(stage, line, &directory, &part_name(number, part));
    put_held(stage, line);
}

fn put_held(stage: &mut Stage, line: usize) {
    let it = &mut stage.encoders.lines[line];
    let Some((closed, number)) = it.held.take() else { return };
    put_closed(stage, line, &closed, number);
}

fn put_closed(stage: &mut Stage, line: usize, closed: &ClosedSegment, number: u64) {
    let it = &mut stage.encoders.lines[line];
    let directory = it.live.clone();
    let _ = it.files.put_closed(closed);
    expect(stage, line, &directory, &segment_name(number));
    if let Some((part, _)) = &closed.last_part {
        expect(stage, line, &directory, &part_name(number, *part));
    }
}

fn own_close(stage: &mut Stage, run: u32, line: usize) {
    if is_alive(stage, run) {
        close(stage, line);
    }
}

fn close(stage: &mut Stage, line: usize) {
    let it = &mut stage.encoders.lines[line];
    let Some(open) = it.open.pop_front() else { return };
    let units = it.stream.units(open.until_90k, open.end_90k);
    let is_first = open.part == 0 || it.stream.medium == Medium::Sound;
    let last = if units.is_empty() { Vec::new() } else { it.stream.bytes(units, is_first) };
    if open.how.never {
        // It will never be whole: its parts are all that there is of it.
        return put_held(stage, line);
    }
    if open.bytes.is_empty() && last.is_empty() {
        return;
    }
    let number = open.number.unwrap_or(it.number);
    let ended_at = open.filmed_at + ticks(open.end_90k - open.start_90k);
    let directory = it.live.clone();
    if stage.plan.part_pictures.is_none() {
        it.number += 1;
        let _ = it.files.put(number, &last, ended_at);
        return expect(stage, line, &directory, &segment_name(number));
    }
    it.number += 1;
    let mut bytes = open.bytes;
    bytes.extend_from_slice(&last);
    let last_part = (!last.is_empty()).then_some((open.part, last));
    let closed = ClosedSegment { number, bytes, last_part, ended_at };
    put_held(stage, line);
    if open.how.hole {
        stage.encoders.lines[line].held = Some((closed, number));
    } else {
        put_closed(stage, line, &closed, number);
    }
}

/// The source ends: what is being made is closed where it is. Sound and pictures end where each of them is.
pub fn own_stop(stage: &mut Stage) {
    let now_us = stage.now_us();
    for line in 0..stage.encoders.lines.len() {
        let picture_90k = stage.plan.picture_90k();
        let sound_ahead_90k = stage.chance.u64(0..4_000);
        let it = &mut stage.encoders.lines[line];
        let medium = it.stream.medium;
        for open in &mut it.open {
            let made_90k = (now_us - open.started_us) * 9 / 100;
            let made_90k = match medium {
                Medium::Pictures => made_90k - made_90k % picture_90k,
                Medium::Sound => made_90k + sound_ahead_90k,
            };
            open.end_90k = open.end_90k.min(open.start_90k + made_90k).max(open.until_90k);
        }
        while !stage.encoders.lines[line].open.is_empty() {
            close(stage, line);
        }
        put_held(stage, line);
    }
}

/// A file is in place, if it is.
fn expect(stage: &mut Stage, of: usize, live: &Path, name: &str) {
    let contents = held(&stage.disk).contents(&live.join(name));
    let Some(contents) = contents else { return };
    let now_us = stage.now_us();
    stage.judge.note_arrival(of, name, contents, now_us, true);
}
