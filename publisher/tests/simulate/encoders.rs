//! Encoders: who makes the segments. Our own publisher's writer, which dies with the watcher, and those of others, which do not.
//!
//! In: a segment is to be made, and how. Out: files, as they come in the course of it. Files of our own are written by
//! [`SegmentFiles`], in the order of the packager.

use crate::{
    disk::{Disk, Who},
    media::{Medium, Stream},
    schedule::{Mode, Naming, Plan},
    stage::{Stage, WEBROOT},
    world::{WriterDirectory, held},
};
use livedir_publisher::{
    guard::Guard,
    numbers::Numbers,
    segment_file::{ClosedSegment, SegmentFiles},
    segment_name::{part_name, segment_name},
};
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

/// How a file comes to its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Rename,
    Copy,
    Slowly,
    /// Its first name stays for a while.
    Link,
    /// Its first name goes at once.
    LinkAndUnlink,
}

/// How a segment is made.
#[derive(Debug, Clone, Copy)]
pub struct How {
    pub way: Way,
    pub late_us: u64,
    /// Of a ladder: the line that is late or gives up.
    pub line: usize,
    /// Nothing comes of it.
    pub never: bool,
    /// The part that never comes.
    pub without_part: Option<u32>,
    /// It is written once more.
    pub twice: bool,
    /// The timeline breaks behind it.
    pub hole: bool,
}

impl Default for How {
    fn default() -> Self {
        Self {
            way: Way::Rename,
            late_us: 0,
            line: 0,
            never: false,
            without_part: None,
            twice: false,
            hole: false,
        }
    }
}

/// A segment that is being made.
struct Open {
    number: Option<u64>,
    start_90k: u64,
    end_90k: u64,
    /// What has been written of it.
    until_90k: u64,
    part: u32,
    bytes: Vec<u8>,
    started_us: u64,
    filmed_at: SystemTime,
    how: How,
}

/// One rendition of our own publisher.
struct Line {
    stream: Stream,
    live: PathBuf,
    number: u64,
    open: VecDeque<Open>,
    held: Option<(ClosedSegment, u64)>,
    files: SegmentFiles,
    busy_until_us: u64,
}

struct Foreign {
    stream: Stream,
    position_90k: u64,
    count: u64,
}

/// All of them.
pub struct Encoders {
    lines: Vec<Line>,
    first_number: u64,
    border: u64,
    position_90k: u64,
    foreign: Vec<Foreign>,
}

/// The directories of the renditions of a plan within `live/`, and what they hold.
pub fn renditions(plan: &Plan) -> Vec<(Option<String>, Medium)> {
    if plan.mode != Mode::Ladder {
        return vec![(None, Medium::Pictures)];
    }
    let sizes = ["240p", "120p", "60p"]
        .iter()
        .take(plan.rungs)
        .map(|size| (Some((*size).to_owned()), Medium::Pictures));
    sizes.chain(plan.has_sound.then(|| (Some("audio".to_owned()), Medium::Sound))).collect()
}

/// The live directories of a plan.
pub fn live_directories(plan: &Plan) -> Vec<PathBuf> {
    let webroot = Path::new(WEBROOT);
    if plan.mode == Mode::Channels {
        return (0..plan.channels).map(|of| webroot.join(format!("c{of}")).join("live")).collect();
    }
    let live = webroot.join("live");
    let names = renditions(plan).into_iter().map(|(name, _)| name);
    names.map(|name| name.map_or(live.clone(), |name| live.join(name))).collect()
}

/// A source for every run of every encoder.
fn source(run: u32, line: usize) -> u32 {
    run * 100 + line as u32
}

impl Encoders {
    pub fn new(plan: &Plan, disk: &Mutex<Disk>) -> Self {
        let mut encoders =
            Self { lines: Vec::new(), first_number: 1, border: 0, position_90k: 0, foreign: Vec::new() };
        if plan.is_ours() {
            return encoders;
        }
        for (of, live) in live_directories(plan).iter().enumerate() {
            held(disk).make_all(live, Who::Hand).unwrap_or_default();
            let stream = Stream::new(Medium::Pictures, source(0, of), plan.picture_90k(), plan.begins_at_90k);
            encoders.foreign.push(Foreign { stream, position_90k: 0, count: 1 });
        }
        encoders
    }

    /// Our own writer begins with the program.
    pub fn begin(
        &mut self,
        plan: &Plan,
        run: u32,
        first_number: u64,
        disk: &Arc<Mutex<Disk>>,
        numbers: &Numbers,
        guard: Option<&Arc<Guard>>,
    ) {
        if !plan.is_ours() {
            return;
        }
        (self.first_number, self.border, self.position_90k) = (first_number, 0, 0);
        let directories = live_directories(plan);
        let media = renditions(plan).into_iter().map(|(_, medium)| medium);
        let line = |(line, (live, medium)): (usize, (PathBuf, Medium))| Line {
            stream: Stream::new(medium, source(run, line), plan.picture_90k(), plan.begins_at_90k),
            files: {
                let directory = Arc::new(WriterDirectory(disk.clone()));
                let files = SegmentFiles::new(directory, &live, numbers, Arc::default());
                match guard {
                    Some(guard) => files.guarded(guard.clone()),
                    None => files,
                }
            },
            live,
            number: first_number,
            open: VecDeque::new(),
            held: None,
            busy_until_us: 0,
        };
        self.lines = directories.into_iter().zip(media).enumerate().map(line).collect();
    }

    /// It ends with it, too.
    pub fn end(&mut self) {
        self.lines.clear();
    }

    /// When the next segment of our own begins, as long as all are in time.
    pub fn next_border_us(&self) -> Option<u64> {
        let open = self.lines.first()?.open.back()?;
        Some(open.started_us + (open.end_90k - open.start_90k) * 100 / 9)
    }

    /// The number of the segment that is being made.
    pub fn next_count(&self, of: usize) -> u64 {
        let own =
            self.lines.first().map(|line| line.open.front().and_then(|it| it.number).unwrap_or(line.number));
        own.or_else(|| self.foreign.get(of).map(|it| it.count)).unwrap_or(1)
    }
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
    stage.judge.has_come(of, name, contents, now_us, true);
}

fn name(plan: &Plan, count: u64) -> String {
    match plan.naming {
        Naming::Ours => segment_name(count),
        Naming::Counted => format!("cam-{count}.ts"),
        Naming::InTurn(names) => format!("{}.ts", count % u64::from(names)),
        Naming::Wild => format!("Ü 100% #{count}.ts"),
    }
}

/// A segment of another encoder begins. It comes with its end.
pub fn foreign_segment(stage: &mut Stage, of: usize, how: How) -> bool {
    let (plan, now_us) = (stage.plan.clone(), stage.now_us());
    let Some(it) = stage.encoders.foreign.get_mut(of) else { return false };
    let (start_90k, end_90k) = (it.position_90k, it.position_90k + plan.segment_90k());
    let count = it.count;
    it.count += 1;
    it.position_90k = if how.hole { end_90k + plan.segment_90k() } else { end_90k };
    let at_us = now_us + plan.segment_us + how.late_us;
    let Some(part_90k) = plan.part_90k() else {
        let units = it.stream.units(start_90k, end_90k);
        let bytes = it.stream.bytes(units, true);
        if !how.never {
            put(stage, of, name(&plan, count), bytes, how, at_us);
        }
        return true;
    };
    let mut segment = Vec::new();
    let parts = plan.segment_90k().div_ceil(part_90k) as u32;
    let mut last = None;
    for part in 0..parts {
        let it = &mut stage.encoders.foreign[of];
        let start_90k = start_90k + u64::from(part) * part_90k;
        let units = it.stream.units(start_90k, (start_90k + part_90k).min(end_90k));
        let bytes = it.stream.bytes(units, part == 0);
        segment.extend_from_slice(&bytes);
        let comes = how.without_part != Some(part);
        let name = part_name(count, part);
        if comes && part + 1 == parts {
            last = Some((name, bytes));
        } else if comes {
            let at_us = now_us + (u64::from(part) + 1) * part_90k * 100 / 9;
            put(stage, of, name, bytes, How::default(), at_us);
        }
    }
    if !how.never {
        let segment_name = name(&plan, count);
        put(stage, of, segment_name, segment, how, at_us);
        if let Some((name, bytes)) = last {
            put(stage, of, name, bytes, How::default(), at_us + 100);
        }
    }
    true
}

fn put(stage: &mut Stage, of: usize, name: String, bytes: Vec<u8>, how: How, at_us: u64) {
    if how.way == Way::Slowly {
        // The last block comes at the end, the first when the segment begins.
        let chunk = (bytes.len() / 4 / 188 + 1) * 150;
        let blocks: Vec<Vec<u8>> = bytes.chunks(chunk).map(<[u8]>::to_vec).collect();
        let (count, now_us) = (blocks.len() as u64, stage.now_us());
        for (index, block) in blocks.into_iter().enumerate() {
            let name = name.clone();
            let block_us = now_us + (at_us - now_us) * (index as u64 + 1) / count;
            stage.at(block_us, move |stage| {
                let path = stage.directory(of).join(&name);
                let mut disk = held(&stage.disk);
                let _ = if index == 0 { disk.begin(&path, Who::Encoder) } else { Ok(()) }
                    .and_then(|()| disk.append(&path, &block, Who::Encoder));
                if index as u64 + 1 == count {
                    let _ = disk.close(&path);
                    drop(disk);
                    has_come(stage, of, &name, false);
                }
            });
        }
        return;
    }
    let again = how.twice.then(|| (name.clone(), bytes.clone()));
    stage.at(at_us, move |stage| put_now(stage, of, &name, &bytes, how.way));
    if let Some((name, bytes)) = again {
        stage.at(at_us + 100_000, move |stage| {
            put_now(stage, of, &name, &bytes, how.way);
            // The file that was listed is gone, and its entry with it.
            let now_us = stage.now_us();
            stage.judge.channel(of).touched.insert(name, now_us);
            stage.judge.is_disturbed(of, now_us);
        });
    }
}

fn put_now(stage: &mut Stage, of: usize, name: &str, bytes: &[u8], way: Way) {
    let live = stage.directory(of);
    let path = live.join(name);
    // It took so long to write it.
    let written_at = stage.time.wall() - Duration::from_millis(stage.chance.u64(15..80));
    let mut first_name = None;
    let mut disk = held(&stage.disk);
    let done = match way {
        Way::Copy | Way::Slowly => {
            let done = disk.begin(&path, Who::Encoder).and_then(|()| disk.append(&path, bytes, Who::Encoder));
            let _ = disk.close(&path);
            done
        }
        Way::Rename => disk
            .write(&live, ".part-", bytes, Some(written_at), Who::Encoder)
            .and_then(|written| disk.rename(&written, &path, Who::Encoder)),
        Way::Link | Way::LinkAndUnlink => {
            disk.write(&live, ".part-", bytes, Some(written_at), Who::Encoder).and_then(|written| {
                let _ = disk.remove(&path, Who::Encoder);
                disk.link(&written, &path, Who::Encoder)?;
                first_name = Some(written);
                Ok(())
            })
        }
    };
    drop(disk);
    if let Some(first_name) = first_name {
        let stays_us = if way == Way::Link { 1_000_000 } else { 0 };
        stage.after(stays_us, move |stage| {
            let _ = held(&stage.disk).remove(&first_name, Who::Encoder);
        });
    }
    if done.is_ok() {
        has_come(stage, of, name, way != Way::Copy);
    }
}

/// `says_complete`: the file itself says that it is complete, also to one who hears nothing.
fn has_come(stage: &mut Stage, of: usize, name: &str, says_complete: bool) {
    let live = stage.directory(of);
    let contents = held(&stage.disk).contents(&live.join(name));
    let Some(contents) = contents else { return };
    let now_us = stage.now_us();
    stage.judge.has_come(of, name, contents, now_us, says_complete);
}
