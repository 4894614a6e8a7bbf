//! Encoders: who makes the segments. Our own publisher's writer, which dies with the watcher, and those of others, which do not.
//!
//! In: a segment is to be made, and how. Out: files, as they come in the course of it. Files of our own are written by
//! [`SegmentFiles`], in the order of the packager.

mod foreign;
mod own;

use crate::{
    disk::{Disk, Who},
    media::{Medium, Stream},
    schedule::{Mode, Plan},
    stage::WEBROOT,
    world::{WriterDirectory, held},
};
use foreign::Foreign;
pub use foreign::{foreign_segment, note_rename};
use livedir_layout::guard::Guard;
use livedir_layout::numbers::Numbers;
use livedir_publisher::package::segment_writer::SegmentFiles;
use own::Line;
pub use own::{own_segment, own_stop};
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
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

fn stream(plan: &Plan, medium: Medium, source: u32) -> Stream {
    let stream = Stream::new(medium, source, plan.picture_90k(), plan.begins_at_90k);
    if plan.has_b_frames { stream.with_b_frames(plan.pictures) } else { stream }
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
            let stream = stream(plan, Medium::Pictures, source(0, of));
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
            stream: stream(plan, medium, source(run, line)),
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
