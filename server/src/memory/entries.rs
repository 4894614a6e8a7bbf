//! The places of the hot window: for each path what is known of its file, and when it was looked at. No I/O.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use tokio::sync::{Notify, watch};

use super::TRUST;
use super::version::Version;
use crate::http::paths::{Kind, Target};

/// What a look at a file found.
#[derive(Debug, Clone)]
pub(super) enum Found {
    Version(Arc<Version>),
    Missing,
    /// There, but not for memory: too large, being written, or no memory left.
    NotHot,
    /// The machine is in trouble.
    Failed,
}

/// A look that is finished.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    /// When it began: what was found is at least as new.
    pub(super) looked_at_ns: u64,
    pub(super) found: Found,
}

/// One file.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) target: Target,
    pub(super) version: ArcSwapOption<Version>,
    looked_at_ns: AtomicU64,
    changed_at_ns: AtomicU64,
    asked_at_s: AtomicU64,
    /// Somebody has said that the file is another one now.
    pub(super) change: Notify,
    look: Mutex<Option<watch::Receiver<Option<Outcome>>>>,
}

const NS_PER_S: u64 = 1_000_000_000;

impl Slot {
    fn new(target: Target) -> Slot {
        Slot {
            target,
            version: ArcSwapOption::empty(),
            looked_at_ns: AtomicU64::new(0),
            changed_at_ns: AtomicU64::new(0),
            asked_at_s: AtomicU64::new(0),
            change: Notify::new(),
            look: Mutex::new(None),
        }
    }

    /// Whether the version may be sent at `now_ns` without a look.
    pub(super) fn is_trusted(&self, now_ns: u64) -> bool {
        let looked_at_ns = self.looked_at_ns.load(Ordering::Acquire);
        looked_at_ns > self.changed_at_ns.load(Ordering::Acquire)
            && now_ns.saturating_sub(looked_at_ns) <= TRUST.as_nanos() as u64
    }

    /// Whether a look answers a request that began at `began_ns`.
    pub(super) fn is_new_enough(&self, looked_at_ns: u64, began_ns: u64) -> bool {
        looked_at_ns >= began_ns
            || looked_at_ns > self.changed_at_ns.load(Ordering::Acquire)
                && began_ns - looked_at_ns <= TRUST.as_nanos() as u64
    }

    /// To be called after the version of that look is in its place.
    pub(super) fn looked(&self, looked_at_ns: u64) {
        self.looked_at_ns.store(looked_at_ns, Ordering::Release);
    }

    /// Somebody has said that the file is another one now.
    pub(super) fn changed(&self, now_ns: u64) {
        self.changed_at_ns.fetch_max(now_ns, Ordering::Release);
        self.change.notify_waiters();
    }

    pub(super) fn asked(&self, now_ns: u64) {
        let second = now_ns / NS_PER_S;
        // Mostly a read: a write would take the cache line from the other cores.
        if self.asked_at_s.load(Ordering::Relaxed) != second {
            self.asked_at_s.store(second, Ordering::Relaxed);
        }
    }

    pub(super) fn unasked_for_s(&self, now_ns: u64) -> u64 {
        (now_ns / NS_PER_S).saturating_sub(self.asked_at_s.load(Ordering::Relaxed))
    }

    pub(super) fn is_looked_at(&self) -> bool {
        self.look.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(is_running)
    }

    /// The look that is under way, or a new one, which `begin` starts. The lock is held for no longer than that.
    pub(super) fn join_or_begin(
        &self,
        begin: impl FnOnce(watch::Sender<Option<Outcome>>),
    ) -> watch::Receiver<Option<Outcome>> {
        let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = look.as_ref().filter(|look| is_running(look)) {
            return running.clone();
        }
        let (result, running) = watch::channel(None);
        begin(result);
        *look = Some(running.clone());
        running
    }
}

fn is_running(look: &watch::Receiver<Option<Outcome>>) -> bool {
    // A look that came to grief has dropped its sender.
    look.borrow().is_none() && look.has_changed().is_ok()
}

/// All slots by the path of their URI in its plainest spelling.
#[derive(Debug, Default)]
pub(super) struct Slots {
    by_path: papaya::HashMap<Arc<str>, Arc<Slot>>,
    /// How many playlists list a segment. Held while slots of segments come and go, never during I/O.
    listed: Mutex<HashMap<Arc<str>, u32>>,
}

impl Slots {
    /// Without a lock, and without a clone.
    pub(super) fn with<T>(&self, path: &str, read: impl FnOnce(&Slot) -> T) -> Option<T> {
        let slots = self.by_path.pin();
        slots.get(path).map(|slot| read(slot))
    }

    pub(super) fn get(&self, path: &str) -> Option<Arc<Slot>> {
        self.by_path.pin().get(path).cloned()
    }

    pub(super) fn has(&self, slot: &Arc<Slot>) -> bool {
        self.get(&slot.target.uri_path()).is_some_and(|present| Arc::ptr_eq(&present, slot))
    }

    pub(super) fn get_or_insert(&self, target: &Target) -> Arc<Slot> {
        let slots = self.by_path.pin();
        let path = target.uri_path();
        if let Some(slot) = slots.get(path.as_str()) {
            return slot.clone();
        }
        slots.get_or_insert_with(path.into(), || Arc::new(Slot::new(target.clone()))).clone()
    }

    /// A playlist lists `new` instead of `old`.
    pub(super) fn relist(&self, old: &[Arc<str>], new: &[Target]) -> Vec<Arc<str>> {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let new = new.iter().map(|target| {
            let slot_path: Arc<str> = target.uri_path().into();
            self.get_or_insert(target);
            *listed.entry(slot_path.clone()).or_insert(0) += 1;
            slot_path
        });
        let new = new.collect();
        for path in old {
            let Entry::Occupied(mut count) = listed.entry(path.clone()) else { continue };
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
                // Players that lag behind still ask for what has left; an empty place is of no use to them.
                self.remove_if(path, |slot| slot.version.load().is_none());
            }
        }
        new
    }

    /// Forgets a file, and what it lists if it is a playlist.
    pub(super) fn remove(&self, slot: &Arc<Slot>) {
        let version = slot.version.swap(None);
        if let Some(version) = version {
            self.relist(&version.listed, &[]);
        }
        let path = slot.target.uri_path();
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if !listed.contains_key(path.as_str()) {
            self.remove_if(&path, |present| std::ptr::eq(present, &raw const **slot));
        }
    }

    fn remove_if(&self, path: &str, condition: impl Fn(&Slot) -> bool) {
        let _ = self.by_path.pin().remove_if(path, |_, slot| condition(slot));
    }

    /// Everything that has a version, what may be forgotten first in front: no longer listed, then longest not asked for.
    pub(super) fn by_use(&self, now_ns: u64) -> Vec<Arc<Slot>> {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let slots = self.by_path.pin();
        let mut ranked: Vec<_> = slots
            .iter()
            .filter(|(_, slot)| slot.version.load().is_some())
            .map(|(path, slot)| {
                let is_wanted = slot.target.kind != Kind::Segment || listed.contains_key(path);
                (is_wanted, std::cmp::Reverse(slot.unasked_for_s(now_ns)), slot.clone())
            })
            .collect();
        ranked.sort_by_key(|(is_wanted, unasked_for_s, _)| (*is_wanted, *unasked_for_s));
        ranked.into_iter().map(|(.., slot)| slot).collect()
    }

    /// All of them are to be looked at again.
    pub(super) fn changed(&self, now_ns: u64) {
        let guard = self.by_path.guard();
        self.by_path.iter(&guard).for_each(|(_, slot)| slot.changed(now_ns));
        drop(guard);
    }
}
