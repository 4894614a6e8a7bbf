//! Loads files: opens one beneath webroot, and reads it if it is another one than before. All I/O of this folder is here,
//! on threads for blocking work; at most one load of an entry runs at a time.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};
use std::{iter, thread};

use tracing::warn;

use super::clock::Clock;
use super::entries::{Entries, FileEntry, LoadResult, Outcome};
use super::version::{self, Representation, Version};
use super::watcher::Watcher;
use super::{listed, watcher};
use crate::accounts::Accounts;
use crate::budget::{Budget, Charge};
use crate::http::paths::ResourceKind;
use crate::webroot::identity::Identity;
use crate::webroot::open_regular;

/// A playlist of a whole day has two megabytes; what is larger is none, or no live one.
const LARGEST_PLAYLIST_BYTES: u64 = 8 << 20;

/// Of playlists and the status, with those that slow readers still hold. A hundred channels have a tenth of it.
const PLAYLISTS_BYTES: u64 = 64 << 20;

/// What an entry, its headers and one listed path take besides content, rounded up.
const OVERHEAD_BYTES: u64 = 4096;
const LISTED_BYTES: u64 = 512;

/// Nobody is at that place of the stream any more.
const FORGOTTEN_AFTER_S: u64 = 60;
const FORGET_EVERY_NS: u64 = 5_000_000_000;

/// What was asked for more recently is what memory is for: never pushed out by what is asked for now.
const IN_USE_S: u64 = 2;

/// Of what is pushed out, in parts of the limit: each time is a walk through all entries.
const PUSHED_OUT: u64 = 16;

/// Connections that end for one playlist, and how long it takes until one has.
const MOST_ENDED: usize = 4;
const END_STEP: Duration = Duration::from_millis(5);
const END_STEPS: usize = 10;

/// What to keep in memory, and of what.
#[derive(Debug, Clone)]
pub(crate) struct CacheSettings {
    pub(crate) webroot: PathBuf,
    /// Of segments; 0 for none.
    pub(crate) size_bytes: u64,
    /// What caches are told.
    pub(crate) segment_max_age_s: u32,
    /// Do not wait to be told of changes, only check.
    pub(crate) poll: bool,
}

/// Loads files into the entries.
#[derive(Debug)]
pub(super) struct Loader {
    pub(super) entries: Arc<Entries>,
    /// What slow readers of segments hold must not keep the next playlist out.
    playlists: Arc<Budget>,
    segments: Arc<Budget>,
    accounts: Arc<Accounts>,
    clock: Clock,
    webroot: PathBuf,
    segment_max_age_s: u32,
    watcher: Option<Mutex<Watcher>>,
    forgot_at_ns: AtomicU64,
}

impl Loader {
    pub(super) fn new(settings: &CacheSettings, accounts: Arc<Accounts>, clock: Clock) -> Arc<Loader> {
        let entries = Arc::new(Entries::default());
        let watcher = (!settings.poll).then(|| watcher::start(&settings.webroot, entries.clone(), clock));
        Arc::new(Loader {
            entries,
            playlists: Budget::new(PLAYLISTS_BYTES),
            segments: Budget::new(settings.size_bytes),
            accounts,
            clock,
            webroot: settings.webroot.clone(),
            segment_max_age_s: settings.segment_max_age_s,
            watcher: watcher.flatten().map(Mutex::new),
            forgot_at_ns: AtomicU64::new(0),
        })
    }

    /// Puts into the entry what the file is now.
    pub(super) fn load(&self, entry: &Arc<FileEntry>) -> Outcome {
        let checked_at_ns = self.clock.now_ns();
        entry.asked(checked_at_ns);
        let found = match self.version(entry) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => LoadResult::Missing,
            Err(error) => {
                warn!(path = entry.target.path, %error, "file not read");
                LoadResult::Failed
            }
        };
        match &found {
            // Forgotten meanwhile: nobody else would take back what it lists.
            LoadResult::Version(_) if !self.entries.has(entry) => self.entries.remove(entry),
            LoadResult::Version(_) => entry.checked(checked_at_ns),
            LoadResult::Missing | LoadResult::NoMemory | LoadResult::BeingWritten | LoadResult::Failed => {
                self.entries.remove(entry);
            }
        }
        self.forget(checked_at_ns);
        Outcome { checked_at_ns, found }
    }

    fn version(&self, entry: &Arc<FileEntry>) -> io::Result<LoadResult> {
        let seen_at = SystemTime::now();
        let mut file = open_regular(&self.webroot, Path::new(&entry.target.path))?;
        let identity = Identity::of(&file.metadata()?);
        let old = entry.version.load_full();
        if let Some(old) = &old
            && old.identity == identity
            && !old.is_ambiguous
        {
            return Ok(LoadResult::Version(old.clone()));
        }
        if entry.target.kind != ResourceKind::Segment {
            self.watch(entry);
        }
        let is_listing = entry.target.kind != ResourceKind::Segment;
        if is_listing && identity.size_bytes > LARGEST_PLAYLIST_BYTES {
            return Ok(LoadResult::NoMemory);
        }
        let Some(charge) = self.charge(entry.target.kind, identity.size_bytes + OVERHEAD_BYTES) else {
            return Ok(LoadResult::NoMemory);
        };
        let Some(content) = read(&mut file, &identity)? else { return Ok(LoadResult::BeingWritten) };
        let listed = match entry.target.kind {
            ResourceKind::Playlist => listed::segments(&entry.target, &content),
            _ => Vec::new(),
        };
        let listing_charge = self.charge(ResourceKind::Playlist, listed.len() as u64 * LISTED_BYTES);
        let is_ambiguous = identity.is_ambiguous(seen_at);
        let represented = self.represent(entry, content, charge, &identity)?;
        let Some(((plain, gzip), listing_charge)) = represented.zip(listing_charge) else {
            return Ok(LoadResult::NoMemory);
        };
        let old = old.as_ref().map_or(&[][..], |old| &old.listed);
        let version = Arc::new(Version {
            modified: identity.modified().filter(|_| entry.target.kind == ResourceKind::Segment),
            identity,
            is_ambiguous,
            kind: entry.target.kind,
            path: entry.target.path.clone(),
            plain,
            gzip,
            listed: self.entries.relist(old, &listed),
            _listing_charge: listing_charge,
            budget: self.playlists.clone(),
            edge: OnceLock::new(),
            hint_target: OnceLock::new(),
            delta: OnceLock::new(),
        });
        entry.version.store(Some(version.clone()));
        Ok(LoadResult::Version(version))
    }

    /// The content as it is, and packed if it is a playlist. `None` when there is no memory for both.
    fn represent(
        &self,
        entry: &FileEntry,
        content: Vec<u8>,
        charge: Charge,
        identity: &Identity,
    ) -> io::Result<Option<(Representation, Option<Representation>)>> {
        let target = &entry.target;
        let modified = identity.modified().filter(|_| target.kind == ResourceKind::Segment);
        let represent = |content: Vec<u8>, charge: Charge, is_gzip| {
            let tag = version::tag(&content, is_gzip);
            let body = charge.keep(content);
            Representation::new(target, body, tag, is_gzip, modified, self.segment_max_age_s)
        };
        let mut gzip = None;
        if target.kind == ResourceKind::Playlist {
            let packed = version::gzip(&content)?;
            let Some(charge) = self.charge(target.kind, packed.len() as u64) else { return Ok(None) };
            gzip = Some(represent(packed, charge, true));
        }
        Ok(Some((represent(content, charge, false), gzip)))
    }

    /// So much of the budget, if need be at the cost of what nobody asks for.
    fn charge(&self, kind: ResourceKind, size_bytes: u64) -> Option<Charge> {
        let budget = self.budget(kind);
        let limit_bytes = budget.limit_bytes();
        if let Some(charge) = budget.charge(size_bytes) {
            return Some(charge);
        }
        if size_bytes > limit_bytes {
            return None;
        }
        let now_ns = self.clock.now_ns();
        let enough_bytes = limit_bytes - size_bytes.max(limit_bytes / PUSHED_OUT);
        for entry in self.entries.by_use(now_ns) {
            if budget.used_bytes() <= enough_bytes {
                break;
            }
            if !Arc::ptr_eq(self.budget(entry.target.kind), budget) {
                continue;
            }
            if entry.unasked_for_s(now_ns) >= IN_USE_S && !entry.is_loading() {
                self.entries.remove(&entry);
            }
        }
        budget.charge(size_bytes).or_else(|| {
            let is_of_lists = Arc::ptr_eq(budget, &self.playlists);
            if is_of_lists { self.charge_of_lists(size_bytes) } else { None }
        })
    }

    /// The same for playlists, if need be at the cost of connections that do not take what they have asked for.
    fn charge_of_lists(&self, size_bytes: u64) -> Option<Charge> {
        (0..MOST_ENDED).take_while(|_| self.accounts.end_holder_of_lists()).find_map(|_| {
            let mut waits = iter::repeat_n(END_STEP, END_STEPS);
            iter::from_fn(|| waits.next().map(thread::sleep)).find_map(|()| self.playlists.charge(size_bytes))
        })
    }

    fn budget(&self, kind: ResourceKind) -> &Arc<Budget> {
        match kind {
            ResourceKind::Playlist | ResourceKind::Status => &self.playlists,
            ResourceKind::Segment | ResourceKind::Page => &self.segments,
        }
    }

    pub(super) fn used_bytes(&self) -> u64 {
        self.playlists.used_bytes() + self.segments.used_bytes()
    }

    /// Lets go of what nobody has asked for in a while.
    fn forget(&self, now_ns: u64) {
        let forgot_at_ns = self.forgot_at_ns.load(Ordering::Relaxed);
        let is_due = now_ns.saturating_sub(forgot_at_ns) >= FORGET_EVERY_NS;
        if !is_due
            || self
                .forgot_at_ns
                .compare_exchange(forgot_at_ns, now_ns, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        for entry in self.entries.by_use(now_ns) {
            if entry.unasked_for_s(now_ns) >= FORGOTTEN_AFTER_S && !entry.is_loading() {
                self.entries.remove(&entry);
            }
        }
    }

    /// Anew for each version: the directory may be another one under the same name.
    fn watch(&self, entry: &FileEntry) {
        if let Some(watcher) = &self.watcher {
            watcher::watch(watcher, &self.webroot, &entry.target.path);
        }
    }
}

/// `None` for a file that is being written, against the contract. That it has been replaced or deleted meanwhile is no harm.
fn read(file: &mut File, identity: &Identity) -> io::Result<Option<Vec<u8>>> {
    let mut content = Vec::with_capacity(identity.size_bytes as usize);
    let read_bytes = file.take(identity.size_bytes).read_to_end(&mut content)? as u64;
    let is_finished = read_bytes == identity.size_bytes
        && Identity::of(&file.metadata()?).modified_s_ns == identity.modified_s_ns;
    Ok(is_finished.then_some(content))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Instant;

    use tempfile::TempDir;

    use super::*;
    use crate::http::paths;

    const SEGMENT_BYTES: usize = 100_000;

    /// Webroot with a playlist of three segments.
    fn webroot() -> TempDir {
        let webroot = tempfile::tempdir().unwrap();
        fs::create_dir(webroot.path().join("live")).unwrap();
        for name in ["a", "b", "c"] {
            fs::write(webroot.path().join(format!("live/{name}.ts")), vec![b'G'; SEGMENT_BYTES]).unwrap();
        }
        fs::write(webroot.path().join("stream.m3u8"), "#EXTM3U\nlive/a.ts\nlive/b.ts\nlive/c.ts\n").unwrap();
        webroot
    }

    fn loader(webroot: &TempDir, cache_size_bytes: u64) -> Arc<Loader> {
        let settings = CacheSettings {
            webroot: webroot.path().to_owned(),
            size_bytes: cache_size_bytes,
            segment_max_age_s: 0,
            poll: true,
        };
        Loader::new(&settings, Accounts::new(10, 10), Clock(Instant::now()))
    }

    fn load(loader: &Loader, path: &str) -> LoadResult {
        loader.load(&loader.entries.get_or_insert(&paths::resolve(path).unwrap())).found
    }

    #[track_caller]
    fn version_in(found: &LoadResult) -> Arc<Version> {
        match found {
            LoadResult::Version(version) => version.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_playlist_lists_has_a_place_until_it_has_left() {
        let webroot = webroot();
        let loader = loader(&webroot, 1 << 20);
        load(&loader, "/stream.m3u8");
        assert!(loader.entries.get("/live/c.ts").is_some() && loader.entries.get("/live/d.ts").is_none());
        load(&loader, "/live/a.ts");
        fs::write(webroot.path().join("stream.m3u8"), "#EXTM3U\nlive/d.ts\n").unwrap();
        load(&loader, "/stream.m3u8");
        assert!(loader.entries.get("/live/d.ts").is_some() && loader.entries.get("/live/c.ts").is_none());
        assert!(loader.entries.get("/live/a.ts").is_some(), "players that lag behind ask for it");
        fs::remove_file(webroot.path().join("live/a.ts")).unwrap();
        assert!(matches!(load(&loader, "/live/a.ts"), LoadResult::Missing));
        assert!(loader.entries.get("/live/a.ts").is_none());
        fs::remove_file(webroot.path().join("stream.m3u8")).unwrap();
        assert!(matches!(load(&loader, "/stream.m3u8"), LoadResult::Missing));
        assert!(loader.entries.get("/live/d.ts").is_none(), "a playlist that is gone lists nothing");
        assert_eq!(loader.used_bytes(), 0);
    }

    #[test]
    fn memory_is_never_more_than_the_limit_and_what_is_in_use_stays() {
        let webroot = webroot();
        let limit_bytes = 2 * SEGMENT_BYTES as u64 + 30_000;
        let loader = loader(&webroot, limit_bytes);
        load(&loader, "/stream.m3u8");
        let kept = version_in(&load(&loader, "/live/a.ts"));
        load(&loader, "/live/b.ts");
        assert!(matches!(load(&loader, "/live/c.ts"), LoadResult::NoMemory), "both were asked for just now");
        assert!(loader.used_bytes() <= limit_bytes);

        // Long ago, as far as the entries know.
        let later_ns = 10_000_000_000;
        let longest_unasked = loader.entries.by_use(later_ns);
        assert!(longest_unasked.iter().all(|entry| entry.unasked_for_s(later_ns) >= IN_USE_S));
        loader.entries.remove(&loader.entries.get("/live/a.ts").unwrap());
        assert!(matches!(load(&loader, "/live/c.ts"), LoadResult::NoMemory), "a reader still holds a.ts");
        drop(kept);
        loader.entries.remove(&loader.entries.get("/live/b.ts").unwrap());
        version_in(&load(&loader, "/live/c.ts"));
    }

    #[test]
    fn a_file_that_stays_is_not_read_again() {
        let webroot = webroot();
        let loader = loader(&webroot, 1 << 20);
        let first = version_in(&load(&loader, "/stream.m3u8"));
        let deadline = Instant::now() + Duration::from_secs(30);
        while version_in(&load(&loader, "/stream.m3u8")).is_ambiguous {
            assert!(Instant::now() < deadline, "written to a moment ago for ever");
        }
        let settled = version_in(&load(&loader, "/stream.m3u8"));
        assert!(Arc::ptr_eq(&settled, &version_in(&load(&loader, "/stream.m3u8"))), "not read again");
        assert_eq!(settled.plain.tag, first.plain.tag, "the same content");
    }
}
