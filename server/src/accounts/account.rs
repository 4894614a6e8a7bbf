//! The account of one address: what its connections hold, and which of them is of least use.

use std::cmp::Reverse;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use slab::Slab;

use super::work::Work;
use crate::budget::Budget;

/// A connection, as its account sees it.
pub(crate) trait Holder: Send + Sync {
    /// What it holds, and whether it has to end.
    fn taken(&self) -> &Taken;

    /// What it has sent lately: what it is good for.
    fn recent_bytes(&self) -> u64;

    fn lists_held(&self) -> ListsHeld;

    /// Tells it to end at once.
    fn end(&self);
}

/// What a connection holds of playlists. Who holds more of two is who has held it for longer; of those that have just begun, who
/// holds more at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ListsHeld {
    /// Bytes, times the whole seconds in which it has not taken them.
    pub(crate) byte_seconds: u64,
    pub(crate) bytes: u64,
}

/// What one address holds.
pub(super) struct Account {
    pub(super) budget: Arc<Budget>,
    pub(super) work: Work,
    members: Mutex<Members>,
}

#[derive(Default)]
struct Members {
    all: Slab<Arc<dyn Holder>>,
    ended_at: Option<Instant>,
}

/// Between two times that connections have to end. Until then nobody is let in for whom there is no room: whoever comes again and
/// again, and more often than this, does not get at the places of others.
const END_EVERY: Duration = Duration::from_millis(100);

/// By one connection.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(super) bytes: AtomicU64,
    has_to_end: AtomicBool,
}

impl Taken {
    pub(super) fn has_to_end(&self) -> bool {
        self.has_to_end.load(Relaxed)
    }

    pub(super) fn set_has_to_end(&self) {
        self.has_to_end.store(true, Relaxed);
    }
}

impl Account {
    pub(super) fn new(limit_bytes: u64) -> Arc<Account> {
        let budget = Budget::new(limit_bytes);
        Arc::new(Account { budget, work: Work::default(), members: Mutex::default() })
    }

    pub(super) fn enter(&self, holder: Arc<dyn Holder>) -> usize {
        self.members().all.insert(holder)
    }

    pub(super) fn leave(&self, key: usize) {
        let members = &mut self.members().all;
        members.try_remove(key);
        if members.is_empty() {
            members.shrink_to_fit();
        }
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is left when those have ended that were told to.
    pub(super) fn remaining_bytes(&self) -> u64 {
        let members = self.members();
        let ending = members.all.iter().filter(|(_, holder)| holder.taken().has_to_end());
        let promised: u64 = ending.map(|(_, holder)| holder.taken().bytes.load(Relaxed)).sum();
        self.budget.used_bytes().saturating_sub(promised)
    }

    /// Whether even what will be given back soon is too much to wait for.
    pub(super) fn is_full(&self) -> bool {
        self.budget.used_bytes() > self.budget.limit_bytes() / 8 * 9
    }

    pub(super) fn make_room(&self, now: Instant) {
        let remaining_bytes = self.remaining_bytes();
        if remaining_bytes > self.budget.limit_bytes() {
            // For some more that come: each search looks at all connections.
            self.end_least_useful(remaining_bytes - self.budget.limit_bytes() / 16 * 15, now);
        }
    }

    /// The one that holds most of playlists.
    pub(super) fn holder_of_lists(&self) -> Option<(ListsHeld, Arc<dyn Holder>)> {
        let members = self.members();
        let standing = members.all.iter().filter(|(_, holder)| !holder.taken().has_to_end());
        let held = standing.map(|(_, holder)| (holder.lists_held(), holder));
        held.filter(|(held, _)| held.bytes > 0)
            .max_by_key(|(held, _)| *held)
            .map(|(held, holder)| (held, holder.clone()))
    }

    /// Ends connections that hold at least `bytes` together: those that have sent the least for what they hold; of equals those
    /// that hold most, of these the oldest.
    pub(super) fn end_least_useful(&self, bytes: u64, now: Instant) {
        let mut members = self.members();
        if members.ended_at.is_some_and(|ended_at| now.saturating_duration_since(ended_at) < END_EVERY) {
            return;
        }
        members.ended_at = Some(now);
        let standing = members.all.iter().filter(|(_, holder)| !holder.taken().has_to_end());
        let ranked = standing.map(|(key, holder)| {
            let held_bytes = holder.taken().bytes.load(Relaxed);
            (holder.recent_bytes() * 16 / held_bytes.max(1), Reverse(held_bytes), key)
        });
        let mut ranked: Vec<_> = ranked.collect();
        ranked.sort_unstable();
        let mut ended = Vec::new();
        let mut promised_bytes = 0;
        for (_, Reverse(held_bytes), key) in ranked {
            if promised_bytes >= bytes {
                break;
            }
            promised_bytes += held_bytes;
            members.all[key].taken().set_has_to_end();
            ended.push(members.all[key].clone());
        }
        drop(members);
        for holder in ended {
            holder.end();
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("budget", &self.budget).finish_non_exhaustive()
    }
}
