//! Tally: what all threads of a check have found so far.
//!
//! In: findings, problems, counts, from any thread. Out: a [`Report`], and figures for the status line.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::rules::Finding;
use jiff::Timestamp;
use livedir_playlist::BitRate;

use crate::fetch::reader::ReadError;
use crate::follow::absences::Absences;
use crate::report::{Findings, LookedAt, NotJudged, Report};

/// More lines than this say nothing new.
const KEPT_PROBLEMS: usize = 100;

/// Shared by the threads of a check.
#[derive(Debug)]
pub(crate) struct Tally {
    started_at: Instant,
    findings: Mutex<Findings>,
    problems: Mutex<Vec<String>>,
    not_judged: Mutex<Vec<NotJudged>>,
    absences: Mutex<Absences>,
    /// Of each media playlist, by its name.
    newest: Mutex<BTreeMap<String, Newest>>,
    /// Of the newest segment of each media playlist, by its name.
    clocks: Mutex<BTreeMap<String, Clock>>,
    /// Of each media playlist, by its name.
    bit_rates: Mutex<BTreeMap<String, BitRate>>,
    playlists: AtomicU64,
    versions: AtomicU64,
    segments: AtomicU64,
}

/// The newest version of a media playlist.
#[derive(Debug, Clone)]
pub(crate) struct Newest {
    /// Its text.
    pub text: Arc<str>,
    /// When the look ended that found it first.
    pub seen_at_s: f64,
    /// When the last look began that found it.
    pub looked_at_s: f64,
}

/// What a segment says of the time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// Which timeline it belongs to.
    pub discontinuity_sequence: u64,
    /// Its date.
    pub date: Timestamp,
    /// Its first time stamp, 33 bits.
    pub start_90k: u64,
}

impl Tally {
    /// Nothing so far; the clock begins.
    #[must_use]
    pub(crate) fn start() -> Self {
        Self {
            started_at: Instant::now(),
            findings: Mutex::default(),
            problems: Mutex::default(),
            not_judged: Mutex::default(),
            absences: Mutex::default(),
            newest: Mutex::default(),
            clocks: Mutex::default(),
            bit_rates: Mutex::default(),
            playlists: AtomicU64::new(0),
            versions: AtomicU64::new(0),
            segments: AtomicU64::new(0),
        }
    }

    /// Seconds since the start: the one clock of a check.
    #[must_use]
    pub(crate) fn now_s(&self) -> f64 {
        self.started_at.elapsed().as_secs_f64()
    }

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

    /// The pulse has woken.
    pub(crate) fn pulse(&self) {
        lock(&self.absences).pulse(self.now_s());
    }

    /// A thread has woken that had meant to wake at this time.
    pub(crate) fn woke(&self, planned_s: f64) {
        lock(&self.absences).woke(planned_s, self.now_s());
    }

    /// For how long this machine was absent from `from_s` until now.
    #[must_use]
    pub(crate) fn absent_since_s(&self, from_s: f64) -> f64 {
        let absences = lock(&self.absences);
        let now_s = self.now_s();
        absences.within_s(from_s, now_s, now_s)
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

    /// Something could not be read that was asked for at `began_s`; the rule says that it can be.
    pub(crate) fn unread(&self, error: &ReadError, began_s: f64, rule_id: &'static str, at: &str) {
        let absent_s = self.absent_since_s(began_s);
        if error.is_of_the_way() && absent_s > 0.0 {
            self.not_judged(rule_id, at, absent_s);
        } else {
            self.problem(error.to_string());
        }
    }

    /// One more playlist.
    pub(crate) fn count_playlist(&self) {
        self.playlists.fetch_add(1, Ordering::Relaxed);
    }

    /// One more version of the playlist of this name, which a look found that began at this time.
    pub(crate) fn count_version(&self, name: &str, text: &str, looked_at_s: f64) {
        self.versions.fetch_add(1, Ordering::Relaxed);
        let newest = Newest { text: text.into(), seen_at_s: self.now_s(), looked_at_s };
        lock(&self.newest).insert(name.to_owned(), newest);
    }

    /// A look that began at this time found the same version.
    pub(crate) fn same_version(&self, name: &str, looked_at_s: f64) {
        if let Some(newest) = lock(&self.newest).get_mut(name) {
            newest.looked_at_s = looked_at_s;
        }
    }

    /// What has been measured of the playlist of this name.
    pub(crate) fn measured(&self, name: &str, bit_rate: BitRate) {
        lock(&self.bit_rates).insert(name.to_owned(), bit_rate);
    }

    /// What a segment of the playlist of this name says of the time.
    pub(crate) fn told_the_time(&self, name: &str, clock: Clock) {
        lock(&self.clocks).insert(name.to_owned(), clock);
    }

    /// The playlist of this name is no longer listed.
    pub(crate) fn forget(&self, name: &str) {
        lock(&self.newest).remove(name);
        lock(&self.clocks).remove(name);
        lock(&self.bit_rates).remove(name);
    }

    /// One more segment.
    pub(crate) fn count_segment(&self) {
        self.segments.fetch_add(1, Ordering::Relaxed);
    }

    /// The newest version of the media playlist of this name.
    #[must_use]
    pub(crate) fn newest(&self, name: &str) -> Option<Newest> {
        lock(&self.newest).get(name).cloned()
    }

    /// What has been measured of the media playlist of this name.
    #[must_use]
    pub(crate) fn bit_rate(&self, name: &str) -> Option<BitRate> {
        lock(&self.bit_rates).get(name).copied()
    }

    /// What the newest segment of the media playlist of this name says of the time.
    #[must_use]
    pub(crate) fn clock(&self, name: &str) -> Option<Clock> {
        lock(&self.clocks).get(name).copied()
    }

    /// How much has been looked at.
    #[must_use]
    pub(crate) fn looked_at(&self) -> LookedAt {
        LookedAt {
            playlists: self.playlists.load(Ordering::Relaxed),
            versions: self.versions.load(Ordering::Relaxed),
            segments: self.segments.load(Ordering::Relaxed),
            seconds: self.now_s(),
        }
    }

    /// The end.
    #[must_use]
    pub(crate) fn report(self, subject: String) -> Report {
        let looked_at = self.looked_at();
        let findings = self.findings.into_inner().unwrap_or_else(PoisonError::into_inner);
        let problems = self.problems.into_inner().unwrap_or_else(PoisonError::into_inner);
        let not_judged = self.not_judged.into_inner().unwrap_or_else(PoisonError::into_inner);
        Report::new(subject, findings, problems, looked_at).with_not_judged(not_judged)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
