//! Excused: what an invariant passes over, when, and why. Nothing else is passed over without being counted.
//!
//! In: an invariant meets one of these narrow conditions. Out: a count of each, for the report.

use crate::{events::KINDS, schedule::Mode};
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
        "watch: it came after the one behind it was listed",
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
    USED.iter().chain(&MET).for_each(|count| count.store(0, Ordering::Relaxed));
}

/// Each with how often it was used.
pub fn used() -> Vec<(u64, &'static Entry)> {
    let count = |entry: &'static Entry| (USED[entry.excuse as usize].load(Ordering::Relaxed), entry);
    EXCUSES.iter().map(count).collect()
}

/// What has happened in a schedule so far.
pub struct Circumstances<'a> {
    pub mode: Mode,
    pub has_parts: bool,
    pub lives: u32,
    /// How often each kind has happened.
    pub counts: &'a [u64],
}

impl Circumstances<'_> {
    fn has_seen(&self, words: &[&str]) -> bool {
        let kinds = KINDS.iter().zip(self.counts).filter(|(_, count)| **count > 0);
        kinds.into_iter().any(|(kind, _)| words.iter().any(|word| kind.name.contains(word)))
    }

    fn is_foreign(&self) -> bool {
        matches!(self.mode, Mode::Watch | Mode::Channels)
    }

    fn has_hand(&self) -> bool {
        self.has_seen(&["by hand", "away", "a copy", "a pipe", "a directory", "huge number", "the playlist"])
    }

    fn has_failure(&self) -> bool {
        self.has_seen(&["writes fail", "read-only", "cannot be written"])
    }

    fn has_disorder(&self) -> bool {
        self.has_seen(&["late", "out of order", "never", "twice", "gives up", "hole"])
    }
}

fn has_hand(it: &Circumstances<'_>) -> bool {
    it.has_hand()
}

/// A fault of the watcher that is known, and not mended. A schedule that meets it ends there, and is counted.
pub struct Known {
    pub invariant: &'static str,
    /// What the words of the verdict have in them.
    words: &'static str,
    fits: fn(&Circumstances<'_>) -> bool,
    pub what: &'static str,
}

const fn known(
    invariant: &'static str,
    words: &'static str,
    fits: fn(&Circumstances<'_>) -> bool,
    what: &'static str,
) -> Known {
    Known { invariant, words, fits, what }
}

/// All of them.
pub static KNOWN: &[Known] = &[
    known(
        "renditions",
        "discontinuity sequence",
        |it| it.mode == Mode::Ladder && it.has_hand(),
        "a hand took the playlist or the directory of one size away: sizes count discontinuities differently",
    ),
    known(
        "renditions",
        "discontinuity sequence",
        |it| it.mode == Mode::Ladder && it.lives > 1 && it.has_seen(&["other settings"]),
        "a size joins after a restart with other settings: sizes count discontinuities differently",
    ),
    known(
        "grace",
        "removed while it is listed",
        |it| it.is_foreign() && it.has_parts && (it.lives > 1 || it.has_hand()),
        "watch with parts: a part is to be deleted before its segment is listed, and is then listed after all",
    ),
    known(
        "progress",
        "",
        |it| it.is_foreign() && (it.lives > 1 || it.has_hand()),
        "watch: a file that came out of order or over a restart is taken for one that was listed before",
    ),
    known(
        "order",
        "",
        |it| it.is_foreign() && (it.lives > 1 || it.has_hand() || it.has_disorder()),
        "watch: files that came out of order, over a restart or a spoilt list are listed as they came",
    ),
    known(
        "parts",
        "",
        |it| it.is_foreign() && it.has_parts && (it.lives > 1 || it.has_disorder()),
        "watch with parts: parts behind a segment that never came wait for a segment",
    ),
    known(
        "parts",
        "",
        |it| it.mode == Mode::Ladder && it.has_parts && it.lives > 1 && it.has_hand(),
        "ladder with parts: after a restart and a hand parts wait for the first segment",
    ),
    known(
        "rules",
        "parts-off-segment",
        |it| it.has_parts && (it.has_hand() || it.has_failure() || it.lives > 1 || it.has_disorder()),
        "parts of a gap or of a segment under another number do not sum up to its EXTINF",
    ),
    known(
        "rules",
        "part-left-early",
        |it| it.has_parts && it.lives > 1 && (it.has_disorder() || it.has_failure()),
        "parts of a segment that never came are forgotten at a restart",
    ),
    known(
        "progress",
        "",
        |it| it.mode == Mode::Ladder && it.has_seen(&["the playlist", "extreme"]),
        "ladder: the playlist of one size became that of another stream: the others fill up to its number with gaps",
    ),
    known(
        "progress",
        "",
        |it| it.mode == Mode::Live && (it.has_failure() || it.has_hand()),
        "live: after two segments that are gaps, or a stranger's number, one that is there is not listed",
    ),
    known(
        "lock",
        "",
        |it| it.has_failure() && it.has_hand(),
        "the webroot was made anew while nothing could be written: the lock is taken late",
    ),
    known(
        "existence",
        "is not there or not whole",
        has_hand,
        "a file that a hand took away or overwrote leaves the list late, mostly over a restart or where nothing tells",
    ),
    known(
        "existence",
        "with other bytes",
        has_hand,
        "a listed file that a hand wrote again stays listed when its event was missed",
    ),
    known(
        "existence",
        "lies elsewhere",
        |it| it.has_seen(&["the playlist"]),
        "a playlist that was cut within a name: the cut name is listed again",
    ),
    known(
        "grace",
        "before its grace is over",
        |it| it.lives > 1 && (it.has_parts || it.mode == Mode::Ladder),
        "over restarts and hands the grace of parts, and of segments of a ladder, may end too early",
    ),
    known(
        "deletion",
        "",
        |it| !it.is_foreign() && it.lives > 1,
        "live: over several restarts a file stays longer than twice the window",
    ),
    known(
        "lock",
        "",
        |it| it.mode == Mode::Channels && it.has_seen(&["live/ is"]),
        "watch --channels: a channel whose live/ was taken away is let go, and another program may take it",
    ),
    known(
        "renditions",
        "lasts",
        |it| {
            it.mode == Mode::Ladder && it.has_parts && (it.lives > 1 || it.has_failure() || it.has_disorder())
        },
        "ladder with parts: a segment that is made of its parts is shorter in one size",
    ),
    known(
        "rules",
        "date-ambiguous",
        |it| it.mode == Mode::Ladder && (it.lives > 1 || it.has_failure() || it.has_disorder()),
        "ladder: gaps and restarts give dates that run into each other",
    ),
    known(
        "rules",
        "part-far-from-end",
        |it| {
            it.mode == Mode::Ladder && it.has_parts && (it.lives > 1 || it.has_failure() || it.has_disorder())
        },
        "ladder with parts: parts stay longer than three target durations before the end",
    ),
    known(
        "rules",
        "window-below-three-targets",
        |it| it.mode == Mode::Ladder && (it.lives > 1 || it.has_disorder()),
        "ladder: sizes that come back together drop what the others do not have",
    ),
];

static MET: [AtomicU64; KNOWN.len()] = [const { AtomicU64::new(0) }; KNOWN.len()];

static IS_STRICT: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// From now on nothing is known: each known fault breaks its schedule.
pub fn be_strict() {
    IS_STRICT.store(true, Ordering::Relaxed);
}

/// Whether this is known. Counts it.
pub fn is_known(invariant: &str, words: &str, circumstances: &Circumstances<'_>) -> bool {
    let is_it = |known: &Known| {
        known.invariant == invariant && words.contains(known.words) && (known.fits)(circumstances)
    };
    let found = KNOWN.iter().position(is_it).filter(|_| !IS_STRICT.load(Ordering::Relaxed));
    if let Some(index) = found {
        MET[index].fetch_add(1, Ordering::Relaxed);
    }
    found.is_some()
}

/// Each with how many schedules have met it.
pub fn met() -> Vec<(u64, &'static Known)> {
    KNOWN.iter().zip(&MET).map(|(known, count)| (count.load(Ordering::Relaxed), known)).collect()
}
