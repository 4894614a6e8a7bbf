//! Tally: what all threads of a check have found so far.
//!
//! In: findings, problems, counts, from any thread. Out: a [`Report`], and figures for the status line.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use livedir_playlist::Finding;

use super::report::{Findings, LookedAt, Report};

/// More lines than this say nothing new.
const KEPT_PROBLEMS: usize = 100;

/// Shared by the threads of a check.
#[derive(Debug)]
pub struct Tally {
    started_at: Instant,
    findings: Mutex<Findings>,
    problems: Mutex<Vec<String>>,
    /// The newest text of each media playlist, by its name.
    newest: Mutex<BTreeMap<String, String>>,
    playlists: AtomicU64,
    versions: AtomicU64,
    segments: AtomicU64,
}

impl Tally {
    /// Nothing so far; the clock begins.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started_at: Instant::now(),
            findings: Mutex::default(),
            problems: Mutex::default(),
            newest: Mutex::default(),
            playlists: AtomicU64::new(0),
            versions: AtomicU64::new(0),
            segments: AtomicU64::new(0),
        }
    }

    /// Seconds since the start: the one clock of a check.
    #[must_use]
    pub fn now_s(&self) -> f64 {
        self.started_at.elapsed().as_secs_f64()
    }

    /// Rules are broken.
    pub fn find(&self, found: Vec<Finding>) {
        let mut findings = lock(&self.findings);
        for finding in found {
            findings.add(finding);
        }
    }

    /// Something could not be looked at.
    pub fn problem(&self, problem: String) {
        let mut problems = lock(&self.problems);
        if problems.len() < KEPT_PROBLEMS && !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    /// One more playlist.
    pub fn count_playlist(&self) {
        self.playlists.fetch_add(1, Ordering::Relaxed);
    }

    /// One more version of the playlist of this name.
    pub fn count_version(&self, name: &str, text: &str) {
        self.versions.fetch_add(1, Ordering::Relaxed);
        lock(&self.newest).insert(name.to_owned(), text.to_owned());
    }

    /// One more segment.
    pub fn count_segment(&self) {
        self.segments.fetch_add(1, Ordering::Relaxed);
    }

    /// The newest texts of the media playlists, by name.
    #[must_use]
    pub fn newest(&self) -> BTreeMap<String, String> {
        lock(&self.newest).clone()
    }

    /// How much has been looked at.
    #[must_use]
    pub fn looked_at(&self) -> LookedAt {
        LookedAt {
            playlists: self.playlists.load(Ordering::Relaxed),
            versions: self.versions.load(Ordering::Relaxed),
            segments: self.segments.load(Ordering::Relaxed),
            seconds: self.now_s(),
        }
    }

    /// The end.
    #[must_use]
    pub fn report(self, subject: String) -> Report {
        let looked_at = self.looked_at();
        let findings = self.findings.into_inner().unwrap_or_else(PoisonError::into_inner);
        let problems = self.problems.into_inner().unwrap_or_else(PoisonError::into_inner);
        Report::new(subject, findings, problems, looked_at)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
