//! A look at a file: opens it beneath webroot, and reads it if it is another one than before. All I/O of the hot window
//! is here, on threads for blocking work; at most one look for a slot runs at a time.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use tracing::warn;

use super::Clock;
use super::budget::{Budget, Charge};
use super::slots::{Found, Outcome, Slot, Slots};
use super::version::{self, Representation, Version};
use super::watcher::Watcher;
use super::{listed, watcher};
use crate::paths::Kind;
use crate::settings::Settings;
use crate::webroot::open_regular;

/// A playlist of a whole day has two megabytes; what is larger is none, or no live one.
const LARGEST_PLAYLIST_BYTES: u64 = 8 << 20;

/// What a slot, its headers and one listed path take besides content, rounded up.
const OVERHEAD_BYTES: u64 = 4096;
const LISTED_BYTES: u64 = 512;

/// Longer than a step of the clock that files get their dates from (10 ms on the coarsest kernels).
const CLOCK_STEP: Duration = Duration::from_millis(20);

/// Nobody is at that place of the stream any more.
const FORGOTTEN_AFTER_S: u64 = 60;
const FORGET_EVERY_NS: u64 = 5_000_000_000;

/// What was asked for more recently is what memory is for: never pushed out by what is asked for now.
const IN_USE_S: u64 = 2;

/// Of what is pushed out, in parts of the limit: each time is a walk through all slots.
const PUSHED_OUT: u64 = 16;

/// Tells one version of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    device_and_inode: (u64, u64),
    size_bytes: u64,
    modified_s_ns: (i64, i64),
    changed_s_ns: (i64, i64),
}

impl Identity {
    fn of(metadata: &Metadata) -> Identity {
        Identity {
            device_and_inode: (metadata.dev(), metadata.ino()),
            size_bytes: metadata.size(),
            modified_s_ns: (metadata.mtime(), metadata.mtime_nsec()),
            changed_s_ns: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// `None` for dates before 1970.
    fn modified(&self) -> Option<SystemTime> {
        let (s, ns) = self.modified_s_ns;
        let since_1970 = Duration::new(u64::try_from(s).ok()?, u32::try_from(ns).ok()?);
        SystemTime::UNIX_EPOCH.checked_add(since_1970)
    }

    /// Whether a file that differs from this one may look the same: replaced or written to within one step of the clock,
    /// with the same size, the inode used again. `seen_at` is when this one was looked at.
    fn is_ambiguous(&self, seen_at: SystemTime) -> bool {
        let (s, ns) = self.changed_s_ns;
        let changed_at = Duration::new(u64::try_from(s).unwrap_or(0), u32::try_from(ns).unwrap_or(0));
        let since_1970 = seen_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        changed_at + CLOCK_STEP >= since_1970
    }
}

/// Looks at files, and keeps what they have in the slots.
#[derive(Debug)]
pub(super) struct Looker {
    pub(super) slots: Arc<Slots>,
    pub(super) budget: Arc<Budget>,
    clock: Clock,
    webroot: PathBuf,
    segment_max_age_s: u32,
    watcher: Option<Mutex<Watcher>>,
    forgot_at_ns: AtomicU64,
}

impl Looker {
    pub(super) fn new(settings: &Settings, clock: Clock) -> Arc<Looker> {
        let slots = Arc::new(Slots::default());
        let watcher = (!settings.poll).then(|| watcher::start(&settings.webroot, slots.clone(), clock));
        Arc::new(Looker {
            slots,
            budget: Budget::new(settings.cache_size_bytes),
            clock,
            webroot: settings.webroot.clone(),
            segment_max_age_s: settings.segment_max_age_s,
            watcher: watcher.flatten().map(Mutex::new),
            forgot_at_ns: AtomicU64::new(0),
        })
    }

    /// Puts into the slot what the file is now.
    pub(super) fn look(&self, slot: &Arc<Slot>) -> Outcome {
        let looked_at_ns = self.clock.now_ns();
        slot.asked(looked_at_ns);
        let found = match self.version(slot) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Missing,
            Err(error) => {
                warn!(path = slot.target.path, %error, "file not read");
                Found::Failed
            }
        };
        match &found {
            Found::Version(_) => slot.looked(looked_at_ns),
            Found::Missing | Found::NotHot | Found::Failed => self.slots.remove(slot),
        }
        self.forget(looked_at_ns);
        Outcome { looked_at_ns, found }
    }

    fn version(&self, slot: &Arc<Slot>) -> io::Result<Found> {
        let seen_at = SystemTime::now();
        let mut file = open_regular(&self.webroot, Path::new(&slot.target.path))?;
        let identity = Identity::of(&file.metadata()?);
        let old = slot.version.load_full();
        if let Some(old) = &old
            && old.identity == identity
            && !old.is_ambiguous
        {
            return Ok(Found::Version(old.clone()));
        }
        if slot.target.kind != Kind::Segment {
            self.watch(slot);
        }
        let Some((content, charge)) = self.read(&mut file, slot, identity.size_bytes)? else {
            return Ok(Found::NotHot);
        };
        if Identity::of(&file.metadata()?) != identity {
            return Ok(Found::NotHot);
        }
        let is_ambiguous = identity.is_ambiguous(seen_at);
        let Some(mut version) = self.prepare(slot, content, charge, identity)? else {
            return Ok(Found::NotHot);
        };
        version.is_ambiguous = is_ambiguous;
        if slot.target.kind == Kind::Playlist {
            let new = listed::segments(&slot.target, &version.plain.body);
            let old = old.as_ref().map_or(&[][..], |old| &old.listed);
            version.listed = self.slots.relist(old, &new);
        }
        let version = Arc::new(version);
        slot.version.store(Some(version.clone()));
        Ok(Found::Version(version))
    }

    /// `None` when that is no file for memory, or not one that is finished.
    fn read(&self, file: &mut File, slot: &Slot, size_bytes: u64) -> io::Result<Option<(Vec<u8>, Charge)>> {
        let is_listing = slot.target.kind != Kind::Segment;
        if is_listing && size_bytes > LARGEST_PLAYLIST_BYTES {
            return Ok(None);
        }
        let Some(charge) = self.charge(size_bytes + OVERHEAD_BYTES) else { return Ok(None) };
        let mut content = Vec::with_capacity(size_bytes as usize);
        let read_bytes = file.take(size_bytes).read_to_end(&mut content)?;
        Ok((read_bytes as u64 == size_bytes).then_some((content, charge)))
    }

    fn prepare(
        &self,
        slot: &Slot,
        content: Vec<u8>,
        charge: Charge,
        identity: Identity,
    ) -> io::Result<Option<Version>> {
        let target = &slot.target;
        let modified = (target.kind == Kind::Segment).then(|| identity.modified()).flatten();
        let represent = |content: Vec<u8>, tag, charge: Charge, is_gzip| {
            let body = charge.hold(content);
            Representation::new(target, body, tag, is_gzip, modified, self.segment_max_age_s)
        };
        let tag = version::tag(&content, false);
        let mut gzip = None;
        let mut listing_charge = None;
        if target.kind == Kind::Playlist {
            let packed = version::gzip(&content)?;
            let tag = version::tag(&content, true);
            let lines = content.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
            let charges = self.charge(packed.len() as u64).zip(self.charge(lines.min(1_000) * LISTED_BYTES));
            let Some((packed_charge, charge)) = charges else { return Ok(None) };
            gzip = Some(represent(packed, tag, packed_charge, true));
            listing_charge = Some(charge);
        }
        let plain = represent(content, tag, charge, false);
        Ok(Some(Version {
            identity,
            is_ambiguous: true,
            kind: target.kind,
            path: target.path.clone(),
            modified,
            plain,
            gzip,
            listed: Vec::new(),
            _listing_charge: listing_charge,
            edge: OnceLock::new(),
            delta: OnceLock::new(),
        }))
    }

    /// So much of the budget, if need be at the cost of what nobody asks for.
    fn charge(&self, size_bytes: u64) -> Option<Charge> {
        let limit_bytes = self.budget.limit_bytes();
        if let Some(charge) = self.budget.charge(size_bytes) {
            return Some(charge);
        }
        if size_bytes > limit_bytes {
            return None;
        }
        let now_ns = self.clock.now_ns();
        let enough_bytes = limit_bytes - size_bytes.max(limit_bytes / PUSHED_OUT);
        for slot in self.slots.by_use(now_ns) {
            if self.budget.used_bytes() <= enough_bytes {
                break;
            }
            if slot.unasked_for_s(now_ns) >= IN_USE_S && !slot.is_looked_at() {
                self.slots.remove(&slot);
            }
        }
        self.budget.charge(size_bytes)
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
        for slot in self.slots.by_use(now_ns) {
            if slot.unasked_for_s(now_ns) >= FORGOTTEN_AFTER_S && !slot.is_looked_at() {
                self.slots.remove(&slot);
            }
        }
    }

    /// Anew for each version: the directory may be another one under the same name.
    fn watch(&self, slot: &Slot) {
        if let Some(watcher) = &self.watcher {
            watcher::watch(watcher, &self.webroot, &slot.target.path);
        }
    }
}
