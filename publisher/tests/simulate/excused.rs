//! Excused: what an invariant passes over, when, and why. Nothing else is passed over without being counted.
//!
//! In: an invariant meets one of these narrow conditions. Out: a count of each, for the report.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is passed over. Each is an entry of [`EXCUSES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excuse {
    CameBehindAListedOne,
    FirstPartsAfterTheEnd,
    HeaderAfterAStranger,
    LockNotWritten,
    LostWithoutAWord,
    ClockSetBehindTheList,
    PausedEncoder,
    SpoiltList,
    TakenAway,
    EndedListStands,
    DatesOfStrays,
    ShorterWindow,
}

pub struct Entry {
    pub excuse: Excuse,
    pub what: &'static str,
    pub when: &'static str,
    pub why: &'static str,
}

const fn entry(excuse: Excuse, what: &'static str, when: &'static str, why: &'static str) -> Entry {
    Entry { excuse, what, when, why }
}

/// All of them, in the order of [`Excuse`].
pub static EXCUSES: &[Entry] = &[
    entry(
        Excuse::CameBehindAListedOne,
        "progress: a segment is never listed",
        "watch: it came after the next one was listed",
        "meant: its place has passed, and a player would go back in time",
    ),
    entry(
        Excuse::FirstPartsAfterTheEnd,
        "parts: they come with the first segment",
        "the playlist of the run before is ended, and no segment of this run is listed",
        "meant: players see the end of the ended stream, and a new one begins with its first segment",
    ),
    entry(
        Excuse::HeaderAfterAStranger,
        "rules: header-changed, server-control-changed",
        "a hand has put another text in the place of the playlist, and nothing of ours is listed yet",
        "the tags of the stranger's text are kept until the first segment tells what is true",
    ),
    entry(
        Excuse::LockNotWritten,
        "lock: a second program is let in",
        "nothing can be written since the webroot was made anew, or since the channel was found",
        "a lock is a file, and it cannot be made",
    ),
    entry(
        Excuse::LostWithoutAWord,
        "progress, order, existence, parts: a change is not seen",
        "its event was lost, and no overflow was told",
        "the kernel always tells; nothing tells that there is something to look for",
    ),
    entry(
        Excuse::ClockSetBehindTheList,
        "rules: window-below-three-targets; order; existence",
        "the wall clock was set, and the program began again after that",
        "listed files are newer than the playlist that lists them, and are taken for others",
    ),
    entry(
        Excuse::PausedEncoder,
        "deletion: a file of others stays",
        "watch: it left before a restart",
        "after a restart files that were written long before the oldest listed one are not known to be ours",
    ),
    entry(
        Excuse::SpoiltList,
        "progress: a segment is never listed; rules: part-left-early; existence; discontinuity; grace after a restart",
        "it came, or a hand changed it, before a hand spoilt or deleted the playlist, or while the program was down after that",
        "nobody knows what was listed: what lies there may have been listed already",
    ),
    entry(
        Excuse::TakenAway,
        "rules: part-left-early, part-changed, window-below-three-targets; existence",
        "a hand has taken away or laid something on the files, within the last window",
        "what is not there cannot stay listed",
    ),
    entry(
        Excuse::EndedListStands,
        "existence: a listed file is not there",
        "the playlist was ended before, and a hand has taken the file away",
        "RFC 8216 6.2.1: an ended playlist does not change",
    ),
    entry(
        Excuse::DatesOfStrays,
        "rules: date-ambiguous",
        "files of others came out of order or by a hand, or the wall clock was set within ten seconds",
        "the dates are those of the files",
    ),
    entry(
        Excuse::ShorterWindow,
        "grace: a segment is removed before its grace is over",
        "ours: --window became smaller at a start, and the program began again after that",
        "how long the playlist was that listed it is not on disk any more",
    ),
];

static USED: [AtomicU64; EXCUSES.len()] = [const { AtomicU64::new(0) }; EXCUSES.len()];

impl Excuse {
    /// Counts it. Always true, so that it can stand at the end of a condition.
    pub fn is_used(self) -> bool {
        USED[self as usize].fetch_add(1, Ordering::Relaxed);
        true
    }
}

/// What was used so far is not counted: proofs use some, too.
pub fn forget() {
    for count in &USED {
        count.store(0, Ordering::Relaxed);
    }
}

/// Each with how often it was used.
pub fn used() -> Vec<(u64, &'static Entry)> {
    let count = |entry: &'static Entry| (USED[entry.excuse as usize].load(Ordering::Relaxed), entry);
    EXCUSES.iter().map(count).collect()
}
