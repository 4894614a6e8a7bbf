//! Retention: segments that have left the playlist stay on disk for their grace, then go.
//!
//! In: names with deadlines. Out: deletions. The list is pure and is told the time; `delete` is the thin part, and runs on
//! the watcher's thread. The list dies with the program; at the next start it is made again from the directory.

use livedir_layout::directory::Directory;
use livedir_time::ticks;
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    io,
    path::Path,
    time::{Duration, Instant, SystemTime},
};
use tracing::{debug, warn};

/// How soon a deletion that failed is tried again: a second.
const RETRY_90K: u64 = ticks::of_seconds(1);

/// Which files go when.
#[derive(Debug, Default)]
pub(crate) struct Retention {
    deadlines: BinaryHeap<Reverse<(Instant, Box<str>)>>,
    /// Only this deadline counts. A file that was written again under the same name has none here, and stays.
    by_name: HashMap<Box<str>, Instant>,
    /// Whether something could not be deleted, and that was told.
    fails: bool,
}

impl Retention {
    /// The file of this name stays for `grace_90k` after `removed_at`, when the playlist without it was written.
    ///
    /// RFC 8216 6.2.2: MUST remain available for its duration plus that of the longest playlist that contained it.
    pub(crate) fn keep(&mut self, name: &str, removed_at: Instant, grace_90k: u64) {
        let grace = ticks::duration(grace_90k);
        // A deadline that the clock cannot represent never comes.
        if let Some(deadline) = removed_at.checked_add(grace) {
            self.by_name.insert(name.into(), deadline);
            self.deadlines.push(Reverse((deadline, name.into())));
        }
    }

    /// The file stays after all. Says whether it was to go.
    pub(crate) fn forget(&mut self, name: &str) -> bool {
        self.by_name.remove(name).is_some()
    }

    /// Whether the file of this name is to go.
    #[must_use]
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The names of the files that are to go.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(|name| &**name)
    }

    /// The file of this name stays as long as that of another one, if that is to go. Says whether it is.
    pub(crate) fn keep_with(&mut self, name: &str, first: &str) -> bool {
        let Some(&deadline) = self.by_name.get(first) else { return false };
        self.keep(name, deadline, 0);
        true
    }

    /// Takes the names out whose deadline has come.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Box<str>> {
        let mut due = Vec::new();
        while self.next_deadline().is_some_and(|deadline| deadline <= now) {
            let Some(Reverse((deadline, name))) = self.deadlines.pop() else { break };
            if self.by_name.get(&name) == Some(&deadline) {
                self.by_name.remove(&name);
                due.push(name);
            }
        }
        due
    }

    /// Deletes what is due of the live directory. What cannot be deleted, or is still listed somewhere, is tried again.
    pub(crate) fn sweep(
        &mut self,
        directory: &dyn Directory,
        live: &Path,
        now: Instant,
        is_listed: impl Fn(&str) -> bool,
    ) {
        let (listed, due): (Vec<_>, Vec<_>) = self.due(now).into_iter().partition(|name| is_listed(name));
        for name in listed {
            self.keep(&name, now, RETRY_90K);
        }
        let kept = delete(directory, live, &due);
        match kept.first() {
            Some(name) if !std::mem::replace(&mut self.fails, true) => {
                warn!(name, "segment cannot be deleted; make live/ writable, it is tried again");
            }
            None if !due.is_empty() => self.fails = false,
            _ => {}
        }
        for name in kept {
            self.keep(name, now, RETRY_90K);
        }
    }

    /// When there is something to delete next.
    #[must_use]
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.peek().map(|Reverse((deadline, _))| *deadline)
    }
}

/// `long_ago` on the clock that deadlines are kept by. A time in the future, which a clock set back leaves behind, is now.
#[must_use]
pub(crate) fn instant_of(long_ago: SystemTime, now: Instant, now_on_the_wall: SystemTime) -> Instant {
    let age = now_on_the_wall.duration_since(long_ago).unwrap_or(Duration::ZERO);
    // If the clock cannot represent a time so long ago, the deadline is later than it should be, never earlier.
    now.checked_sub(age).unwrap_or(now)
}

/// Deletes these files of the live directory. Those that someone else has deleted are fine. Gives those back that stay.
fn delete<'a>(directory: &dyn Directory, live: &Path, names: &'a [Box<str>]) -> Vec<&'a str> {
    let mut kept = Vec::new();
    for name in names {
        let path = live.join(&**name);
        match directory.remove(&path) {
            Ok(()) => debug!(name, "segment deleted after its retention time"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                debug!(path = %path.display(), %error, "segment cannot be deleted");
                kept.push(&**name);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [Box<str>; 0] = [];
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn files_go_when_their_grace_is_over_and_not_before() {
        let start = Instant::now();
        let mut retention = Retention::default();
        retention.keep("b.ts", start + SECOND, 2 * 90_000);
        retention.keep("a.ts", start, 10 * 90_000);
        assert_eq!(retention.next_deadline(), Some(start + 3 * SECOND));
        assert_eq!(retention.due(start + Duration::from_millis(2_999)), NONE);
        assert_eq!(retention.due(start + 3 * SECOND), ["b.ts".into()]);
        assert_eq!(retention.next_deadline(), Some(start + 10 * SECOND));
        assert_eq!(retention.due(start + 60 * SECOND), ["a.ts".into()]);
        assert_eq!(retention.next_deadline(), None);
    }

    #[test]
    fn a_name_that_came_anew_stays_until_it_leaves_again() {
        let start = Instant::now();
        let mut retention = Retention::default();
        retention.keep("a.ts", start, 90_000);
        assert!(retention.forget("a.ts"));
        retention.keep("a.ts", start + SECOND, 90_000);
        assert_eq!(retention.due(start + SECOND), NONE);
        assert_eq!(retention.due(start + 2 * SECOND), ["a.ts".into()]);
        assert!(!retention.holds("a.ts"));
    }

    #[test]
    fn a_grace_beyond_all_clocks_never_ends() {
        let start = Instant::now();
        let mut retention = Retention::default();
        retention.keep("a.ts", start, u64::MAX);
        assert_eq!(retention.due(start + 1_000_000 * SECOND), NONE);
    }

    #[test]
    fn a_removal_long_ago_counts_from_then_and_one_in_the_future_from_now() {
        let (then, wall) = (Instant::now(), SystemTime::now());
        let now = then + 5 * SECOND;
        assert_eq!(instant_of(wall - 5 * SECOND, now, wall), then);
        assert_eq!(instant_of(wall + 5 * SECOND, now, wall), now);
    }

    #[test]
    fn deleting_passes_over_files_that_are_gone_and_tries_again_what_stays() {
        let live = tempfile::tempdir().expect("temp dir");
        for name in ["a.ts", "c.ts"] {
            std::fs::write(live.path().join(name), b"x").expect("written");
        }
        // A directory cannot be deleted as a file.
        std::fs::create_dir(live.path().join("d.ts")).expect("made");
        let (disk, start) = (livedir_layout::directory::disk::Disk::without_events(), Instant::now());
        let mut retention = Retention::default();
        for name in ["a.ts", "b.ts", "d.ts"] {
            retention.keep(name, start, 90_000);
        }
        retention.sweep(&disk, live.path(), start + SECOND, |_| false);
        assert!(!live.path().join("a.ts").exists());
        assert!(live.path().join("c.ts").exists());
        assert_eq!(retention.next_deadline(), Some(start + 2 * SECOND));
        std::fs::remove_dir(live.path().join("d.ts")).expect("removed");
        retention.sweep(&disk, live.path(), start + 2 * SECOND, |name| name == "d.ts");
        assert!(retention.holds("d.ts"), "it is listed");
        retention.sweep(&disk, live.path(), start + 3 * SECOND, |_| false);
        assert_eq!(retention.next_deadline(), None);
    }
}
