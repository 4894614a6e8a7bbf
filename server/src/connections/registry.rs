//! The connections of one thread, and the scan of all of them once a second. Ends those that `limits` has had enough of,
//! and finds one to end when a new one needs its place.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slab::Slab;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::activity::{Activity, Command};
use super::limits::{Limits, Verdict, Watch};
use crate::listen::Duty;
use crate::operator::metrics::Reached;

/// How many connections are looked at to find one that is idle: enough to avoid the busy ones.
const SAMPLE: usize = 16;

/// All connections of a thread.
#[derive(Default)]
pub(super) struct Registry {
    entries: Mutex<Slab<Entry>>,
    now_s: AtomicU64,
    became_empty: Notify,
}

struct Entry {
    duty: Duty,
    activity: Arc<Activity>,
    watch: Watch,
    task: Option<AbortHandle>,
    /// Has been told to end.
    ending: bool,
}

/// A connection's entry in the registry; removed when dropped.
pub(super) struct Entered {
    registry: Arc<Registry>,
    key: usize,
}

impl Registry {
    pub(super) fn enter(self: &Arc<Registry>, activity: Arc<Activity>, duty: Duty) -> Entered {
        let watch = Watch::new(self.now_s.load(Relaxed));
        let key = self.entries().insert(Entry { duty, activity, watch, task: None, ending: false });
        Entered { registry: self.clone(), key }
    }

    pub(super) fn set_task(&self, key: usize, task: AbortHandle) {
        if let Some(entry) = self.entries().get_mut(key) {
            entry.task = Some(task);
        }
    }

    /// The second of the last scan.
    pub(super) fn now_s(&self) -> u64 {
        self.now_s.load(Relaxed)
    }

    pub(super) fn len(&self) -> usize {
        self.entries().len()
    }

    /// Looks at all connections; `reached` hears why one was cut.
    pub(super) fn scan(&self, now_s: u64, limits: &Limits, mut reached: impl FnMut(Reached)) {
        self.now_s.store(now_s, Relaxed);
        let mut cut = Vec::new();
        for (_, entry) in self.entries().iter_mut() {
            entry.activity.pass_second();
            match entry.watch.judge(now_s, &entry.activity.done(), limits) {
                Verdict::Fine => {}
                Verdict::Rest => entry.activity.tell(Command::Rest),
                Verdict::Cut(why) if !entry.ending => {
                    entry.ending = true;
                    reached(why);
                    if why == Reached::Idle {
                        // HTTP/2 sends GOAWAY; whoever does not heed it is cut the next time.
                        entry.activity.tell(Command::Finish);
                    } else {
                        cut.extend(entry.task.clone());
                    }
                }
                Verdict::Cut(_) => cut.extend(entry.task.clone()),
            }
        }
        cut.iter().for_each(AbortHandle::abort);
    }

    /// Ends the connection that has been silent for longest among some of this duty; false when all of these are busy.
    pub(super) fn make_room(&self, duty: Duty, from: usize) -> bool {
        let mut entries = self.entries();
        let count = entries.capacity().max(1);
        let longest = (0..count)
            .map(|step| (from.wrapping_add(step)) % count)
            .filter_map(|key| {
                Some((key, entries.get(key).filter(|entry| entry.duty == duty && !entry.ending)?))
            })
            .take(SAMPLE)
            .filter_map(|(key, entry)| Some((entry.watch.still_since_s()?, key, entry)))
            .filter(|(_, _, entry)| entry.activity.is_still())
            .min_by_key(|(still_since_s, ..)| *still_since_s)
            .map(|(_, key, _)| key);
        let Some(entry) = longest.and_then(|key| entries.get_mut(key)) else { return false };
        entry.ending = true;
        let task = entry.task.clone();
        drop(entries);
        if let Some(task) = task {
            task.abort();
        }
        true
    }

    /// Tells all connections to finish.
    pub(super) fn finish(&self) {
        for (_, entry) in self.entries().iter() {
            entry.activity.tell(Command::Finish);
        }
    }

    /// Ends those that have never asked for anything.
    pub(super) fn cut_without_request(&self) {
        for (_, entry) in self.entries().iter() {
            if entry.activity.requests.load(Relaxed) == 0 {
                entry.activity.tell(Command::Cut);
            }
        }
    }

    /// Until there is none.
    pub(super) async fn wait_until_empty(&self) {
        while self.len() > 0 {
            self.became_empty.notified().await;
        }
    }

    fn entries(&self) -> MutexGuard<'_, Slab<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entered {
    pub(super) fn key(&self) -> usize {
        self.key
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut entries = self.registry.entries();
        entries.try_remove(self.key);
        if entries.is_empty() {
            entries.shrink_to_fit();
            self.registry.became_empty.notify_one();
        }
    }
}
