//! The entries of memory: for each path what is known of its file, and when that was checked. No I/O.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use tokio::sync::{Notify, watch};

use super::clock::TRUST;
use super::version::Version;
use crate::http::paths::{ResourceKind, Target};

/// The result of loading a file.
#[derive(Debug, Clone)]
pub(super) enum LoadResult {
    Version(Arc<Version>),
    Missing,
    /// There, but too large, or no memory is left.
    NoMemory,
    /// There, but not finished.
    BeingWritten,
    /// The machine is in trouble.
    Failed,
}

/// A load that is finished.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    /// When it began: what was found is at least as new.
    pub(super) checked_at_ns: u64,
    pub(super) found: LoadResult,
}

/// One file.
#[derive(Debug)]
pub(super) struct FileEntry {
    pub(super) target: Target,
    pub(super) version: ArcSwapOption<Version>,
    checked_at_ns: AtomicU64,
    changed_at_ns: AtomicU64,
    asked_at_s: AtomicU64,
    /// Wakes those who wait for a change of the file.
    pub(super) change: Notify,
    load: Mutex<Option<watch::Receiver<Option<Outcome>>>>,
}

const NS_PER_S: u64 = 1_000_000_000;

impl FileEntry {
    fn new(target: Target) -> FileEntry {
        FileEntry {
            target,
            version: ArcSwapOption::empty(),
            checked_at_ns: AtomicU64::new(0),
            changed_at_ns: AtomicU64::new(0),
            asked_at_s: AtomicU64::new(0),
            change: Notify::new(),
            load: Mutex::new(None),
        }
    }

    /// Whether the version may be sent at `now_ns` without a check of the file.
    pub(super) fn is_trusted(&self, now_ns: u64) -> bool {
        let checked_at_ns = self.checked_at_ns.load(Ordering::Acquire);
        checked_at_ns > self.changed_at_ns.load(Ordering::Acquire)
            && now_ns.saturating_sub(checked_at_ns) <= TRUST.as_nanos() as u64
    }

    /// Whether a load answers a request that began at `began_ns`.
    pub(super) fn is_new_enough(&self, checked_at_ns: u64, began_ns: u64) -> bool {
        checked_at_ns >= began_ns
            || checked_at_ns > self.changed_at_ns.load(Ordering::Acquire)
                && began_ns - checked_at_ns <= TRUST.as_nanos() as u64
    }

    /// To be called after the version of that load is in its place.
    pub(super) fn checked(&self, checked_at_ns: u64) {
        self.checked_at_ns.store(checked_at_ns, Ordering::Release);
    }

    /// A change of the file was reported.
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

    pub(super) fn is_loading(&self) -> bool {
        self.load.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(is_running)
    }

    /// The load that is under way, or a new one, which `begin` starts. The lock is held for no longer than that.
    pub(super) fn join_or_begin(
        &self,
        begin: impl FnOnce(watch::Sender<Option<Outcome>>),
    ) -> watch::Receiver<Option<Outcome>> {
        let mut load = self.load.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = load.as_ref().filter(|load| is_running(load)) {
            return running.clone();
        }
        let (result, running) = watch::channel(None);
        begin(result);
        *load = Some(running.clone());
        running
    }
}

fn is_running(load: &watch::Receiver<Option<Outcome>>) -> bool {
    // A load that came to grief has dropped its sender.
    load.borrow().is_none() && load.has_changed().is_ok()
}

/// All entries by the path of their URI in its plainest spelling.
#[derive(Debug, Default)]
pub(super) struct Entries {
    by_path: papaya::HashMap<Arc<str>, Arc<FileEntry>>,
    /// How many playlists list a segment. Held while entries of segments come and go, never during I/O.
    listed: Mutex<HashMap<Arc<str>, u32>>,
}

impl Entries {
    /// Without a lock, and without a clone.
    pub(super) fn with<T>(&self, path: &str, read: impl FnOnce(&FileEntry) -> T) -> Option<T> {
        let entries = self.by_path.pin();
        entries.get(path).map(|entry| read(entry))
    }

    pub(super) fn get(&self, path: &str) -> Option<Arc<FileEntry>> {
        self.by_path.pin().get(path).cloned()
    }

    pub(super) fn has(&self, entry: &Arc<FileEntry>) -> bool {
        self.get(&entry.target.uri_path()).is_some_and(|present| Arc::ptr_eq(&present, entry))
    }

    pub(super) fn get_or_insert(&self, target: &Target) -> Arc<FileEntry> {
        let entries = self.by_path.pin();
        let path = target.uri_path();
        if let Some(entry) = entries.get(path.as_str()) {
            return entry.clone();
        }
        entries.get_or_insert_with(path.into(), || Arc::new(FileEntry::new(target.clone()))).clone()
    }

    /// A playlist lists `new` instead of `old`.
    pub(super) fn relist(&self, old: &[Arc<str>], new: &[Target]) -> Vec<Arc<str>> {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let new = new.iter().map(|target| {
            let path: Arc<str> = target.uri_path().into();
            self.get_or_insert(target);
            *listed.entry(path.clone()).or_insert(0) += 1;
            path
        });
        let new = new.collect();
        for path in old {
            let Entry::Occupied(mut count) = listed.entry(path.clone()) else { continue };
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
                // Players that lag behind still ask for what has left; an empty place is of no use to them.
                self.remove_if(path, |entry| entry.version.load().is_none());
            }
        }
        new
    }

    /// Forgets a file, and what it lists if it is a playlist.
    pub(super) fn remove(&self, entry: &Arc<FileEntry>) {
        let version = entry.version.swap(None);
        if let Some(version) = version {
            self.relist(&version.listed, &[]);
        }
        let path = entry.target.uri_path();
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if !listed.contains_key(path.as_str()) {
            self.remove_if(&path, |present| std::ptr::eq(present, &raw const **entry));
        }
    }

    fn remove_if(&self, path: &str, condition: impl Fn(&FileEntry) -> bool) {
        let _ = self.by_path.pin().remove_if(path, |_, entry| condition(entry));
    }

    /// Everything that has a version, what may be forgotten first in front: no longer listed, then longest not asked for.
    pub(super) fn by_use(&self, now_ns: u64) -> Vec<Arc<FileEntry>> {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = self.by_path.pin();
        let mut ranked: Vec<_> = entries
            .iter()
            .filter(|(_, entry)| entry.version.load().is_some())
            .map(|(path, entry)| {
                let is_wanted = entry.target.kind != ResourceKind::Segment || listed.contains_key(path);
                (is_wanted, std::cmp::Reverse(entry.unasked_for_s(now_ns)), entry.clone())
            })
            .collect();
        ranked.sort_by_key(|(is_wanted, unasked_for_s, _)| (*is_wanted, *unasked_for_s));
        ranked.into_iter().map(|(.., entry)| entry).collect()
    }

    /// All of them are to be checked again.
    pub(super) fn changed(&self, now_ns: u64) {
        let guard = self.by_path.guard();
        self.by_path.iter(&guard).for_each(|(_, entry)| entry.changed(now_ns));
        drop(guard);
    }
}
