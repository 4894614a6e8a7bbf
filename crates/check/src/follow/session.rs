//! Session: what the threads of one check share.
//!
//! In: what each thread has seen, and when it woke. Out: the one clock of a check, for how long this machine was absent, and the
//! newest that is known of each playlist. Findings go to its [`Collector`]. Used from any thread.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use livedir_playlist::BitRate;

use crate::fetch::fetcher::ReadError;
use crate::follow::absences::Absences;
use crate::report::collector::Collector;
use crate::report::{LookedAt, Report};

/// Shared by the threads of a check.
#[derive(Debug)]
pub(crate) struct Session {
    /// What has been found.
    pub(crate) collector: Collector,
    started_at: Instant,
    absences: Mutex<Absences>,
    /// Of each media playlist, by its name.
    newest: Mutex<BTreeMap<String, Newest>>,
    /// Of the newest segment of each media playlist, by its name.
    clocks: Mutex<BTreeMap<String, Clock>>,
    /// Of each media playlist, by its name.
    bit_rates: Mutex<BTreeMap<String, BitRate>>,
}

/// The newest version of a media playlist.
#[derive(Debug, Clone)]
pub(crate) struct Newest {
    /// Its text.
    pub text: Arc<str>,
    /// When the first fetch ended that returned it.
    pub seen_at_s: f64,
    /// When the last fetch began that returned it.
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

impl Session {
    /// Nothing so far; the clock begins.
    #[must_use]
    pub(crate) fn start() -> Self {
        Self {
            collector: Collector::default(),
            started_at: Instant::now(),
            absences: Mutex::default(),
            newest: Mutex::default(),
            clocks: Mutex::default(),
            bit_rates: Mutex::default(),
        }
    }

    /// Seconds since the start: the one clock of a check.
    #[must_use]
    pub(crate) fn now_s(&self) -> f64 {
        self.started_at.elapsed().as_secs_f64()
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

    /// A request that began at `began_s` failed, although the rule says that its answer is available.
    pub(crate) fn unread(&self, error: &ReadError, began_s: f64, rule_id: &'static str, at: &str) {
        let absent_s = self.absent_since_s(began_s);
        if error.is_of_the_way() && absent_s > 0.0 {
            self.collector.not_judged(rule_id, at, absent_s);
        } else {
            self.collector.problem(error.to_string());
        }
    }

    /// One more version of the playlist of this name, which a look found that began at this time.
    pub(crate) fn count_version(&self, name: &str, text: &str, looked_at_s: f64) {
        self.collector.count_version();
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
        self.collector.looked_at(self.now_s())
    }

    /// The end.
    #[must_use]
    pub(crate) fn report(self, subject: String) -> Report {
        let seconds = self.now_s();
        self.collector.report(subject, seconds)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
