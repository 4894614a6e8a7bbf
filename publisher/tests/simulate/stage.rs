//! Stage: all that is not the program. What happens next, who writes files, what notify tells, and who judges.
//!
//! In: a schedule, and the time. Out: changes of the disk, and wakes. It is told of all that the program writes and removes.

use crate::{
    disk::{Disk, Who},
    encoders::Encoders,
    events::{self, KINDS},
    invariants::Judge,
    schedule::{Plan, Schedule},
    statistics::Statistics,
    time::Time,
    world::held,
};
use fastrand::Rng;
use livedir_layout::guard::Guard;
use livedir_layout::numbers::Numbers;
use livedir_playlist::{Listing, read_listing};
use livedir_watcher::{Wake, events::hints};
use std::{
    cmp::Ordering,
    collections::BinaryHeap,
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc::Sender},
};

/// Where all of it lies.
pub const WEBROOT: &str = "/w";

/// A rule that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub invariant: &'static str,
    pub words: String,
    pub at_us: u64,
}

type Deed = Box<dyn FnOnce(&mut Stage) + Send>;

struct Due {
    at_us: u64,
    order: u64,
    deed: Deed,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    /// The heap gives the greatest first: the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at_us, other.order).cmp(&(self.at_us, self.order))
    }
}

/// What happens to events of the file system on their way.
#[derive(Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the unit")]
pub struct Ears {
    /// Until when they are lost.
    pub loses_us: u64,
    /// Until when they come twice.
    pub doubles_us: u64,
    /// Until when they come in any order.
    pub shuffles_us: u64,
}

/// One run of the program.
#[derive(Debug, Default)]
pub struct Life {
    /// From 1.
    pub number: u32,
    pub began_us: u64,
    /// When its start was over.
    pub on_air_us: Option<u64>,
    pub is_up: bool,
    /// When it was told to end.
    pub stopped_us: Option<u64>,
    /// For how long it is down after its end.
    pub down_us: u64,
}

pub struct Stage {
    pub plan: Plan,
    /// That of the next run of the program.
    pub next_plan: Plan,
    schedule: Arc<Schedule>,
    next_event: usize,
    pub time: Arc<Time>,
    pub disk: Arc<Mutex<Disk>>,
    due: BinaryHeap<Due>,
    order: u64,
    pub encoders: Encoders,
    pub judge: Judge,
    pub ears: Ears,
    pub life: Life,
    wakes: Option<Sender<Wake>>,
    translator: hints::Events,
    /// For what notify and the system do by chance.
    pub chance: Rng,
    pub broken: Option<Broken>,
    pub statistics: Statistics,
    /// What happened, where somebody wants to read it.
    pub words: Option<String>,
    pub end_us: u64,
    /// Until when the machine is slow.
    pub slow_until_us: u64,
}

impl Stage {
    pub fn new(schedule: &Arc<Schedule>, is_told: bool) -> Self {
        let time = Arc::<Time>::default();
        let disk = Arc::new(Mutex::new(Disk::new(time.clone())));
        held(&disk).make_all(Path::new(WEBROOT), Who::Hand).unwrap_or_default();
        held(&disk).has_watches = schedule.plan.has_watches;
        held(&disk).is_polled = schedule.plan.polls;
        let plan = schedule.plan.clone();
        let mut stage = Self {
            encoders: Encoders::new(&plan, &disk),
            judge: Judge::new(&plan),
            next_plan: plan.clone(),
            plan,
            next_event: 0,
            time,
            disk,
            due: BinaryHeap::new(),
            order: 0,
            ears: Ears::default(),
            life: Life::default(),
            wakes: None,
            translator: hints::Events::default(),
            chance: Rng::with_seed(schedule.seed ^ 0x5eed),
            broken: None,
            statistics: Statistics::new(),
            words: is_told.then(String::new),
            end_us: schedule.end_us(),
            slow_until_us: 0,
            schedule: schedule.clone(),
        };
        stage.at(stage.end_us, |stage| {
            events::stop(stage, 0);
        });
        stage
    }

    pub fn now_us(&self) -> u64 {
        self.time.us()
    }

    /// When something happens next.
    pub fn next_us(&self) -> u64 {
        let event = self.schedule.events.get(self.next_event).map_or(u64::MAX, |event| event.at_us);
        self.due.peek().map_or(event, |due| due.at_us.min(event))
    }

    /// All that is due.
    pub fn happen(&mut self) {
        while self.next_us() <= self.now_us() && self.broken.is_none() {
            let event = self.schedule.events.get(self.next_event).copied();
            match (event, self.due.peek().map(|due| due.at_us)) {
                (Some(event), due_us) if due_us.is_none_or(|due_us| event.at_us < due_us) => {
                    self.next_event += 1;
                    let kind = &KINDS[event.kind];
                    let length = self.words.as_ref().map_or(0, String::len);
                    let has_happened = (kind.act)(self, event.of, &mut Rng::with_seed(event.detail));
                    if has_happened {
                        self.statistics.happened(event.kind, self.now_us(), self.plan.target_us());
                    } else if let Some(words) = &mut self.words {
                        words.truncate(length);
                    }
                }
                (_, Some(_)) => {
                    if let Some(due) = self.due.pop() {
                        (due.deed)(self);
                    }
                }
                (_, None) => return,
            }
            if held(&self.disk).is_dead {
                return;
            }
        }
    }

    /// Does something later.
    pub fn after(&mut self, us: u64, deed: impl FnOnce(&mut Self) + Send + 'static) {
        self.at(self.now_us() + us, deed);
    }

    pub fn at(&mut self, at_us: u64, deed: impl FnOnce(&mut Self) + Send + 'static) {
        self.order += 1;
        self.due.push(Due { at_us, order: self.order, deed: Box::new(deed) });
    }

    /// Tells a reader of the schedule.
    pub fn say(&mut self, words: impl FnOnce() -> String) {
        let now_us = self.time.us();
        if let Some(told) = &mut self.words {
            let _ = writeln!(told, "  {:>9.3} s  {}", now_us as f64 / 1e6, words());
        }
    }

    pub fn breaks(&mut self, invariant: &'static str, words: String) {
        if self.broken.is_none() {
            self.say(|| format!("BROKEN {invariant}: {words}"));
            self.broken = Some(Broken { invariant, words, at_us: self.time.us() });
        }
    }

    /// Hands the watcher what notify tells.
    pub fn tell(&mut self) {
        loop {
            let told = std::mem::take(&mut held(&self.disk).told);
            if told.is_empty() {
                return;
            }
            for event in told {
                let now_us = self.now_us();
                if now_us < self.ears.loses_us {
                    continue;
                }
                if now_us < self.ears.doubles_us {
                    let again = event.clone();
                    let later_us = self.chance.u64(0..20_000);
                    self.after(later_us, |stage| stage.translate(&Ok(again)));
                }
                if now_us < self.ears.shuffles_us {
                    let later_us = self.chance.u64(0..30_000);
                    self.after(later_us, move |stage| stage.translate(&Ok(event)));
                } else {
                    self.translate(&Ok(event));
                }
            }
        }
    }

    pub fn translate(&mut self, event: &notify::Result<notify::Event>) {
        let disk = &self.disk;
        let is_watched = |path: &Path| held(disk).is_watched(path);
        let wakes = self.translator.wakes(event, is_watched, self.time.now());
        for wake in wakes {
            self.wake(wake);
        }
    }

    pub fn wake(&mut self, wake: Wake) {
        if let Some(wakes) = &self.wakes {
            // A program that has ended hears nothing.
            let _ = wakes.send(wake);
        }
    }

    pub fn begins(&mut self, wakes: Sender<Wake>) {
        self.life = Life {
            number: self.life.number + 1,
            began_us: self.now_us(),
            is_up: true,
            down_us: 1_000_000,
            ..Life::default()
        };
        self.plan = self.next_plan.clone();
        self.wakes = Some(wakes);
        self.translator = hints::Events::default();
        let mut disk = held(&self.disk);
        disk.is_dead = false;
        disk.dies_after = None;
        drop(disk);
        let number = self.life.number;
        self.say(|| format!("the program begins, for the time number {number}"));
        self.judge.begins(&self.life, &self.plan, &self.disk);
    }

    /// The watcher has started.
    pub fn note_on_air(&mut self, next_number: u64, numbers: &Numbers, guard: Option<&Arc<Guard>>) {
        self.life.on_air_us = Some(self.now_us());
        self.say(|| format!("on air; the next number is {next_number}"));
        self.encoders.begin(&self.plan, self.life.number, next_number, &self.disk, numbers, guard);
        self.judge.note_on_air(self.time.us(), &self.plan);
        if self.life.stopped_us.is_some() {
            self.wake(Wake::Finish);
        }
    }

    pub fn note_end(&mut self) {
        self.wakes = None;
        self.life.is_up = false;
        self.encoders.end();
        let mut disk = held(&self.disk);
        disk.forget_watches();
        disk.is_dead = false;
        disk.dies_after = None;
        drop(disk);
        self.judge.note_end();
    }

    pub fn is_over(&self) -> bool {
        self.now_us() >= self.end_us
    }

    pub fn directory(&self, of: usize) -> PathBuf {
        self.judge.live(of).to_owned()
    }

    pub fn playlist(&mut self, of: usize) -> PathBuf {
        self.judge.channel(of).directory.join("stream.m3u8")
    }

    /// The program has put a playlist in place.
    pub fn note_written(&mut self, path: &Path) {
        let disk = held(&self.disk);
        let broken = self.judge.note_written(&disk, self.time.us(), path);
        let written = self.words.is_some().then(|| disk.bytes(path)).and_then(Result::ok);
        drop(disk);
        if let Some(written) = written {
            self.say(|| format!("    {}: {}", path.display(), summary(&String::from_utf8_lossy(&written))));
        }
        self.take(broken);
    }

    /// The program has removed a file.
    pub fn note_removed(&mut self, path: &Path) {
        let broken = self.judge.note_removed(self.time.us(), path);
        self.take(broken);
    }

    /// The program waits for what comes.
    pub fn at_rest(&mut self, was_busy: bool) {
        let disk = held(&self.disk);
        let broken = self.judge.at_rest(&disk, self.time.us(), was_busy, &self.life);
        drop(disk);
        self.take(broken);
    }

    pub fn take(&mut self, broken: Result<(), (&'static str, String)>) {
        if let Err((invariant, words)) = broken {
            self.breaks(invariant, words);
        }
    }
}

/// A playlist in one line.
fn summary(text: &str) -> String {
    let Listing::Media(listing) = read_listing(text) else { return "of all".to_owned() };
    let mut words =
        format!("{} (!{}):", listing.first_media_sequence(), listing.discontinuity_sequence.unwrap_or(0));
    let short = |uri: &str| uri.trim_start_matches("live/").trim_end_matches(".ts").replace("seg-0000", "");
    for segment in &listing.segments {
        let breaks = if segment.discontinuity { "!" } else { "" };
        let gap = if segment.gap { "gap " } else { "" };
        let parts =
            if segment.parts.is_empty() { String::new() } else { format!("[{}]", segment.parts.len()) };
        let _ = write!(words, " {breaks}{gap}{}{parts}", short(&segment.uri));
    }
    for part in &listing.open_parts {
        let _ = write!(words, " +{}{}", short(&part.uri), if part.gap { " gap" } else { "" });
    }
    if let Some(hint) = listing.hinted_part() {
        let _ = write!(words, " ?{}", short(&hint.uri));
    }
    if listing.ended {
        words += " end";
    }
    words
}
