//! Sabotage: what a faulty watcher would do. It lies between the watcher and its world, and proves that each invariant finds the
//! fault that it is for, and that no other one finds it first.
//!
//! In: what the watcher writes, removes, hears and asks. Out: the same, spoilt. A schedule of a proof is calm: nothing happens
//! in it but segments, and what its fault needs.

use crate::{
    run,
    schedule::{Mode, Plan, Schedule},
    world::{World, held},
};
use livedir_layout::files::{LOW_LATENCY_PLAYLIST, PLAYLIST};
use livedir_playlist::{Listing, read_listing};
use livedir_watcher::Wake;
use std::{
    borrow::Cow,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// What is wrong with the watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    ChangesTargetDuration,
    GivesNumbersAgain,
    MissesOneFile,
    DropsDiscontinuity,
    ListsWhatIsNotThere,
    NeverLinksBack,
    DeletesBeforeItWrites,
    ForgetsDeletion,
    HoldsPlaylistBack,
    HoldsPartsBack,
    HoldsEndsOfSegmentsBack,
    KeepsHint,
    ReportsAhead,
    ReportsBehind,
    CountsDiscontinuitiesTwice,
    Spins,
    NeverStops,
    FailsToStart,
    TakesNoLock,
    Panics,
}

/// A fault, the invariant that finds it, and the schedules in which it shows.
struct Proof {
    fault: Fault,
    invariant: &'static str,
    fits: fn(&Plan) -> bool,
    /// What else happens, by name.
    needs: &'static [&'static str],
}

const fn proof(
    fault: Fault,
    invariant: &'static str,
    fits: fn(&Plan) -> bool,
    needs: &'static [&'static str],
) -> Proof {
    Proof { fault, invariant, fits, needs }
}

const ANY: fn(&Plan) -> bool = |_| true;
const OURS: fn(&Plan) -> bool = |plan| plan.mode == Mode::Live;
const ENDS: fn(&Plan) -> bool =
    |plan| plan.mode == Mode::Live && plan.end_list && plan.part_pictures.is_none();
const WITHOUT_PARTS: fn(&Plan) -> bool = |plan| plan.part_pictures.is_none();
const WITH_PARTS: fn(&Plan) -> bool = |plan| plan.mode == Mode::Live && plan.part_pictures.is_some();
const LADDER: fn(&Plan) -> bool = |plan| plan.mode == Mode::Ladder && plan.rungs > 1;
const LADDER_WITH_PARTS: fn(&Plan) -> bool =
    |plan| plan.mode == Mode::Ladder && plan.rungs > 1 && plan.part_pictures.is_some();
const WATCHED: fn(&Plan) -> bool = |plan| {
    plan.mode == Mode::Watch && plan.has_watches && !plan.polls && WITHOUT_PARTS(plan) && HURRIES(plan)
};
/// The next segment comes before one that is missing is missed.
const HURRIES: fn(&Plan) -> bool = |plan| plan.segment_us < plan.target_us();
const SHORT: fn(&Plan) -> bool =
    |plan| plan.window <= 6 && plan.segment_us >= 1_000_000 && plan.part_pictures.is_none();

static PROOFS: &[Proof] = &[
    proof(Fault::ChangesTargetDuration, "rules", ANY, &[]),
    proof(Fault::GivesNumbersAgain, "numbers", ENDS, &["stop"]),
    proof(Fault::MissesOneFile, "order", WATCHED, &[]),
    proof(Fault::DropsDiscontinuity, "discontinuity", OURS, &["kill"]),
    proof(Fault::ListsWhatIsNotThere, "existence", OURS, &[]),
    proof(Fault::NeverLinksBack, "names", WATCHED, &["a listed segment is renamed"]),
    proof(Fault::DeletesBeforeItWrites, "grace", WITHOUT_PARTS, &[]),
    proof(Fault::ForgetsDeletion, "deletion", SHORT, &[]),
    proof(Fault::HoldsPlaylistBack, "progress", WITHOUT_PARTS, &[]),
    proof(Fault::HoldsPartsBack, "parts", WITH_PARTS, &[]),
    proof(Fault::HoldsEndsOfSegmentsBack, "lag", WITH_PARTS, &[]),
    proof(Fault::KeepsHint, "hint", WITH_PARTS, &[]),
    proof(Fault::ReportsAhead, "reports", LADDER_WITH_PARTS, &[]),
    proof(Fault::ReportsBehind, "reports", LADDER_WITH_PARTS, &[]),
    proof(Fault::CountsDiscontinuitiesTwice, "renditions", LADDER, &[]),
    proof(Fault::Spins, "starvation", ANY, &[]),
    proof(Fault::NeverStops, "stop", ANY, &[]),
    proof(Fault::FailsToStart, "start", OURS, &[]),
    proof(Fault::TakesNoLock, "lock", OURS, &["a second program"]),
    proof(Fault::Panics, "panic", ANY, &[]),
];

/// A fault needs so many schedules to show itself, at the most.
const MOST_SCHEDULES: usize = 30;

/// In so many schedules the right invariant must find it.
const ENOUGH: usize = 3;

/// Proves every invariant. Says which are not proved, and why.
pub fn prove() -> Vec<String> {
    let mut problems = Vec::new();
    for invariant in crate::invariants::INVARIANTS {
        if !PROOFS.iter().any(|proof| proof.invariant == invariant.0) {
            problems.push(format!("{}: no fault proves it", invariant.0));
        }
    }
    problems.extend(PROOFS.iter().filter_map(|proof| prove_one(proof).err()));
    problems
}

fn prove_one(proof: &Proof) -> Result<(), String> {
    let mut found = 0;
    let mut tried = 0;
    for seed in 0.. {
        let schedule = Schedule::calm(seed, proof.needs);
        if !(proof.fits)(&schedule.plan) {
            continue;
        }
        tried += 1;
        let schedule = Arc::new(schedule);
        let by =
            |fault| run::run(&schedule, fault, false).broken.map(|broken| (broken.invariant, broken.words));
        // What is broken without the fault proves nothing.
        if by(None).is_none() {
            match by(Some(proof.fault)) {
                Some((invariant, _)) if invariant == proof.invariant => found += 1,
                Some((other, words)) => {
                    return Err(format!(
                        "{}: {:?} of seed {seed} is found by {other}: {words}",
                        proof.invariant, proof.fault
                    ));
                }
                None => {}
            }
        }
        if found >= ENOUGH {
            return Ok(());
        }
        if tried >= MOST_SCHEDULES {
            return Err(format!(
                "{}: {:?} was found {found} times in {tried} schedules",
                proof.invariant, proof.fault
            ));
        }
    }
    Ok(())
}

/// The fault at work in one schedule, and what it remembers.
#[derive(Debug, Default)]
pub struct Sabotage {
    fault: Option<Fault>,
    count: AtomicU64,
    is_done: AtomicBool,
}

impl Sabotage {
    pub fn new(fault: Option<Fault>) -> Self {
        Self { fault, ..Self::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Counts, and says whether this is later than the first `first`.
    fn is_behind(&self, first: u64) -> bool {
        self.count.fetch_add(1, Ordering::Relaxed) >= first
    }

    /// How long the watcher waits at the most.
    pub fn longest(&self, longest: Duration) -> Duration {
        if self.is(Fault::Spins) && self.is_behind(50) { Duration::ZERO } else { longest }
    }

    pub fn hears(&self, wake: &Wake) -> bool {
        match wake {
            Wake::Finish | Wake::HandOver => !self.is(Fault::NeverStops),
            Wake::Complete { .. } | Wake::Begun(_) if self.is(Fault::MissesOneFile) => {
                self.count.fetch_add(1, Ordering::Relaxed) != 12
            }
            _ => true,
        }
    }

    /// What it writes.
    pub fn written<'a>(&self, prefix: &str, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let is = |name: &str| prefix.strip_prefix('.').and_then(|rest| rest.strip_prefix(name)) == Some(".");
        let Some(fault) = self.fault.filter(|_| is(PLAYLIST) || is(LOW_LATENCY_PLAYLIST)) else {
            return bytes.into();
        };
        let text = String::from_utf8_lossy(bytes);
        let Listing::Media(listing) = read_listing(&text) else { return bytes.into() };
        let spoilt = match fault {
            Fault::ChangesTargetDuration if self.is_behind(6) => {
                replace_line(&text, "#EXT-X-TARGETDURATION:", |_| "#EXT-X-TARGETDURATION:9".to_owned())
            }
            // An ended playlist says nothing of the numbers of the next.
            Fault::GivesNumbersAgain if self.count.load(Ordering::Relaxed) > 1 => {
                replace_line(&text, "#EXT-X-MEDIA-SEQUENCE:", |_| {
                    format!("#EXT-X-MEDIA-SEQUENCE:{}", listing.first_media_sequence().saturating_sub(3))
                })
            }
            Fault::DropsDiscontinuity => text.replace("#EXT-X-DISCONTINUITY\n", ""),
            Fault::ListsWhatIsNotThere if is(PLAYLIST) && self.is_behind(4) && !listing.ended => {
                let (uri, next) = listing
                    .segments
                    .last()
                    .map_or(("", 1), |last| (&*last.uri, listing.next_media_sequence()));
                let name = livedir_layout::names::segment_uri(next);
                let entry = text
                    .rfind("#EXT")
                    .map_or("", |_| "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T01:00:00.000Z\n#EXTINF:0.5,\n");
                if uri.is_empty() { text.into_owned() } else { format!("{text}{entry}{name}\n") }
            }
            Fault::KeepsHint if self.is_behind(20) && is(LOW_LATENCY_PLAYLIST) => {
                let first = "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"live/seg-00000001.p00.ts\"";
                replace_line(&text, "#EXT-X-PRELOAD-HINT:", |_| first.to_owned())
            }
            Fault::ReportsAhead if self.is_behind(20) => replace_reports(&text, |msn| msn + 1),
            Fault::ReportsBehind if self.is_behind(20) => replace_reports(&text, |msn| msn.saturating_sub(2)),
            Fault::CountsDiscontinuitiesTwice if self.count.load(Ordering::Relaxed) == 1 => {
                replace_line(&text, "#EXT-X-DISCONTINUITY-SEQUENCE:", |line| format!("{line}1"))
            }
            _ => return bytes.into(),
        };
        spoilt.into_bytes().into()
    }

    /// In which directory a playlist is about to be written.
    pub fn writes_in(&self, directory: &Path) {
        if self.is(Fault::CountsDiscontinuitiesTwice) {
            self.count.store(u64::from(directory.ends_with("120p")), Ordering::Relaxed);
        }
    }

    /// Files that it removes before it puts this in place.
    pub fn removes_before(&self, world: &World, from: &Path, to: &Path) -> Vec<PathBuf> {
        if !self.is(Fault::DeletesBeforeItWrites) || !to.ends_with(PLAYLIST) {
            return Vec::new();
        }
        let disk = held(&world.disk);
        let read = |path: &Path| {
            let bytes = disk.bytes(path).ok()?;
            match read_listing(&String::from_utf8_lossy(&bytes)) {
                Listing::Media(listing) => Some(listing.segments),
                _ => None,
            }
        };
        let (Some(before), Some(after)) = (read(to), read(from)) else { return Vec::new() };
        let directory = to.parent().unwrap_or(Path::new("/"));
        let left = before.into_iter().filter(|it| !after.iter().any(|listed| listed.uri == it.uri));
        left.map(|it| directory.join(it.uri)).filter(|path| disk.at(path).is_some()).collect()
    }

    /// Whether it does not put this in place.
    pub fn withholds(&self, world: &World, from: &Path, to: &Path) -> bool {
        match self.fault {
            Some(Fault::HoldsPlaylistBack) => to.ends_with(PLAYLIST) && self.is_behind(6),
            Some(Fault::HoldsPartsBack) => to.ends_with(LOW_LATENCY_PLAYLIST) && self.is_behind(20),
            Some(Fault::HoldsEndsOfSegmentsBack) if to.ends_with(LOW_LATENCY_PLAYLIST) => {
                let bytes = held(&world.disk).bytes(from).unwrap_or_default();
                let listing = read_listing(&String::from_utf8_lossy(&bytes));
                let ends = matches!(listing, Listing::Media(listing) if listing.open_parts.is_empty());
                let is_late = self.is_behind(20) && ends;
                self.is_done.fetch_or(is_late, Ordering::Relaxed) || is_late
            }
            _ => false,
        }
    }

    pub fn forgets(&self, path: &Path) -> bool {
        self.is(Fault::ForgetsDeletion) && path.extension().is_some_and(|extension| extension == "ts")
    }

    /// Whether it says that it has given a file a second name, and has not.
    pub fn only_says_that_it_links(&self) -> bool {
        self.is(Fault::NeverLinksBack)
    }

    /// What it says when it makes a directory.
    pub fn makes(&self) -> io::Result<()> {
        if self.is(Fault::FailsToStart) { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(()) }
    }

    pub fn locks(&self) -> bool {
        !self.is(Fault::TakesNoLock)
    }

    /// A run of it is on air.
    pub fn note_on_air(&self) {
        if self.is(Fault::GivesNumbersAgain) {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn looks_up(&self) {
        assert!(!(self.is(Fault::Panics) && self.is_behind(30)), "the watcher has a bug");
    }
}

/// Each report says another number, and its first part.
fn replace_reports(text: &str, number: impl Fn(u64) -> u64) -> String {
    replace_line(text, "#EXT-X-RENDITION-REPORT:", |line| {
        let (before, rest) = line.split_once("LAST-MSN=").unwrap_or((line, "0"));
        let told = rest.split(',').next().and_then(|msn| msn.parse().ok()).unwrap_or(0);
        format!("{before}LAST-MSN={},LAST-PART=0", number(told))
    })
}

fn replace_line(text: &str, begins: &str, line: impl Fn(&str) -> String) -> String {
    text.lines().map(|it| if it.starts_with(begins) { line(it) } else { it.to_owned() } + "\n").collect()
}
