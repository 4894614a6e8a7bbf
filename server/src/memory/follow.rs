//! Following a playlist: every version of it, as soon as it is there, for as long as somebody waits for one.
//!
//! In: a path. Out: its versions. A task for each playlist that is followed, on each thread where it is, checks the file when notify
//! tells of a change, and every `TRUST` all the same; it ends when nobody has followed for `IDLE`, and at the stop. Thousands
//! who wait are then woken by their own thread, without a word to another one for each.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::cache::{LOAD_TIMEOUT, Memory, Shared};
use super::clock::TRUST;
use super::entries::LoadResult;
use super::followed::Newest;
use crate::http::paths::Target;

/// Players that reload come back at once.
const IDLE: Duration = Duration::from_secs(5);

impl Memory {
    /// What a playlist is now. Whoever asks for one that is not there leaves nothing behind.
    pub(crate) async fn newest(&self, target: &Target) -> Newest {
        let now_ns = self.0.clock.now_ns();
        let known = self.0.loader.entries.with(&target.uri_path(), |entry| {
            entry.asked(now_ns);
            // In this order: a version is at least as new as the check that was read before it.
            let is_trusted = entry.is_trusted(now_ns);
            entry.version.load_full().filter(|_| is_trusted)
        });
        if let Some(version) = known.flatten() {
            return Newest::Version(version);
        }
        let entry = self.0.loader.entries.get_or_insert(target);
        let load = timeout(LOAD_TIMEOUT, self.load(&entry, now_ns));
        match load.await.map(|outcome| outcome.found) {
            Ok(LoadResult::Version(version)) => Newest::Version(version),
            Ok(LoadResult::Missing) => Newest::Missing,
            Ok(LoadResult::NoMemory) => Newest::NoMemory,
            Ok(LoadResult::BeingWritten | LoadResult::Failed) | Err(_) => Newest::Unknown,
        }
    }

    /// The versions of a playlist, from now on, for this thread. Closed at the stop, with the last one still in it.
    pub(crate) fn follow(&self, target: &Target) -> watch::Receiver<Newest> {
        let key = (thread::current().id(), target.path.clone());
        let mut followed = self.0.followed.by_path.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(versions) = followed.get(&key)
            && versions.has_changed().is_ok()
        {
            return versions.clone();
        }
        let (newest, versions) = watch::channel(Newest::Unknown);
        followed.insert(key.clone(), versions.clone());
        drop(followed);
        tokio::spawn(run(Arc::downgrade(&self.0), target.clone(), key, newest));
        versions
    }

    /// Tells everybody who follows what there is, and no more.
    pub(crate) fn stop_following(&self) {
        self.0.followed.is_over.store(true, Ordering::Release);
        self.0.loader.entries.changed(self.0.clock.now_ns());
    }
}

async fn run(shared: Weak<Shared>, target: Target, key: (ThreadId, String), newest: watch::Sender<Newest>) {
    let mut followed_at = Instant::now();
    while let Some(memory) = shared.upgrade().map(Memory) {
        let entry = memory.0.loader.entries.get_or_insert(&target);
        // Before the load: a change that comes while it runs is not missed.
        let changed = entry.change.notified();
        let now_ns = memory.0.clock.now_ns();
        // On another thread somebody may just have loaded it.
        let known = entry.version.load_full().filter(|_| entry.is_trusted(now_ns));
        let found = match known {
            Some(version) => LoadResult::Version(version),
            None => memory.load(&entry, now_ns).await.found,
        };
        tell(&newest, found);
        if newest.receiver_count() > 1 {
            followed_at = Instant::now();
        }
        let is_over = memory.0.followed.is_over.load(Ordering::Acquire);
        if is_over || followed_at.elapsed() > IDLE {
            let mut followed = memory.0.followed.by_path.lock().unwrap_or_else(PoisonError::into_inner);
            // Nobody can come to follow while the lock is held.
            if is_over || newest.receiver_count() <= 1 {
                followed.remove(&key);
                return;
            }
        }
        drop(memory);
        let _ = timeout(TRUST, changed).await;
    }
}

fn tell(newest: &watch::Sender<Newest>, found: LoadResult) {
    newest.send_if_modified(|current| {
        let next = match found {
            LoadResult::Version(version) => {
                if matches!(current, Newest::Version(old) if old.is_same_as(&version)) {
                    return false;
                }
                Newest::Version(version)
            }
            // A disk in trouble, or a file that is not finished: whoever waits goes on waiting.
            LoadResult::Failed | LoadResult::BeingWritten if !matches!(current, Newest::Unknown) => {
                return false;
            }
            LoadResult::Failed | LoadResult::BeingWritten | LoadResult::NoMemory => Newest::NoMemory,
            LoadResult::Missing => Newest::Missing,
        };
        let is_news = !matches!(
            (&*current, &next),
            (Newest::Missing, Newest::Missing) | (Newest::NoMemory, Newest::NoMemory)
        );
        *current = next;
        is_news
    });
}
