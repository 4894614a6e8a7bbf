//! Collector: what all threads of a check have found so far.
//!
//! In: findings, problems, counts, from any thread. Out: a [`Report`], and figures for the status line.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::report::content::{CountedFindings, LookedAt, NotJudged, Report};
use crate::rules::Finding;

/// More lines than this say nothing new.
const KEPT_PROBLEMS: usize = 100;

/// Takes findings from any thread.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    findings: Mutex<CountedFindings>,
    problems: Mutex<Vec<String>>,
    not_judged: Mutex<Vec<NotJudged>>,
    playlists: AtomicU64,
    versions: AtomicU64,
    segments: AtomicU64,
}

impl Collector {
    /// Rules are broken.
    pub(crate) fn find(&self, found: Vec<Finding>) {
        let mut findings = lock(&self.findings);
        for finding in found {
            findings.add(finding);
        }
    }

    /// Something could not be looked at.
    pub(crate) fn problem(&self, problem: String) {
        let mut problems = lock(&self.problems);
        if problems.len() < KEPT_PROBLEMS && !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    /// A rule may be broken at this place. Nobody can tell: this machine was absent for so long.
    pub(crate) fn not_judged(&self, rule_id: &'static str, at: &str, absent_s: f64) {
        let mut not_judged = lock(&self.not_judged);
        if let Some(known) = not_judged.iter_mut().find(|it| it.rule_id == rule_id && it.at == at) {
            known.count += 1;
            known.absent_s = known.absent_s.max(absent_s);
        } else if not_judged.len() < KEPT_PROBLEMS {
            not_judged.push(NotJudged { rule_id, at: at.to_owned(), absent_s, count: 1 });
        }
    }

    /// One more playlist.
    pub(crate) fn count_playlist(&self) {
        self.playlists.fetch_add(1, Ordering::Relaxed);
    }

    /// One more version of a media playlist.
    pub(crate) fn count_version(&self) {
        self.versions.fetch_add(1, Ordering::Relaxed);
    }

    /// One more segment.
    pub(crate) fn count_segment(&self) {
        self.segments.fetch_add(1, Ordering::Relaxed);
    }

    /// How much has been looked at, within so many seconds.
    #[must_use]
    pub(crate) fn looked_at(&self, seconds: f64) -> LookedAt {
        LookedAt {
            playlists: self.playlists.load(Ordering::Relaxed),
            versions: self.versions.load(Ordering::Relaxed),
            segments: self.segments.load(Ordering::Relaxed),
            seconds,
        }
    }

    /// The end, after so many seconds.
    #[must_use]
    pub(crate) fn report(self, subject: String, seconds: f64) -> Report {
        let looked_at = self.looked_at(seconds);
        let findings = self.findings.into_inner().unwrap_or_else(PoisonError::into_inner);
        let problems = self.problems.into_inner().unwrap_or_else(PoisonError::into_inner);
        let not_judged = self.not_judged.into_inner().unwrap_or_else(PoisonError::into_inner);
        Report::new(subject, findings, problems, looked_at).with_not_judged(not_judged)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
