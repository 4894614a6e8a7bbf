//! Remains: what a run before has left in the webroot, and what a crash left unfinished.
//!
//! In: the webroot. Out: [`Remains`], before anything is decided. Runs on the watcher's thread.

use crate::error::WatchError;
use crate::events::present::{Listing, list, list_all, numbers_of};
use crate::resume::parts_on_disk::{self, PartsOnDisk};
use crate::resume::rejoin;
use crate::resume::{numbers, remove_before};
use crate::settings::ChannelSettings;
use crate::settings::Naming;
use crate::world::World;
use livedir_layout::directory::{Contents, Directory, EntryKind};
use livedir_layout::files::{self, LOW_LATENCY_PLAYLIST, OnDisk, PLAYLIST, STATUS, left_over_prefix};
use livedir_layout::names::{LEFT_OVER_PREFIX, part_of_name};
use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};
use tracing::{debug, warn};

/// What a run before has left of one stream.
pub(crate) struct Remains {
    pub(crate) settings: ChannelSettings,
    pub(crate) live: PathBuf,
    pub(crate) on_disk: OnDisk,
    pub(crate) told: PartsOnDisk,
    /// Numbers of segments of which there are parts, or were.
    in_parts: BTreeSet<u64>,
}

impl Remains {
    /// Looks, and makes the directories; nothing else is changed but that what a crash left unfinished is swept.
    pub(crate) fn find(world: &World, settings: ChannelSettings) -> Result<Self, WatchError> {
        let directory = &*world.directory;
        let live = settings.home.directory(&settings.webroot);
        let of_live = |source| WatchError::Live { path: live.clone(), source };
        directory.make(&live).map_err(of_live)?;
        sweep_webroot(directory, &settings.webroot, &live, settings.naming).map_err(of_live)?;
        let mut on_disk = files::read(directory, &settings.webroot)
            .map_err(|source| WatchError::Playlist { path: settings.webroot.join(PLAYLIST), source })?;
        let mut told = parts_on_disk::on_disk(directory, &settings);
        let mut in_parts = BTreeSet::new();
        if settings.naming == Naming::Numbered {
            try_to_write(directory, &live).map_err(of_live)?;
        }
        if settings.naming == Naming::Numbered || told.tells() {
            let Listing { segments, parts, .. } = list_all(directory, &live).map_err(of_live)?;
            let of_parts = parts.iter().filter_map(|name| part_of_name(name)).map(|(number, _)| number);
            let of_parts: BTreeSet<u64> = of_parts.collect();
            let mut near = numbers_of(&segments);
            near.extend(&of_parts);
            let last = match settings.naming {
                Naming::Numbered => numbers::told(&on_disk),
                // Numbers of others begin anywhere: those of the list itself tell.
                Naming::Any => {
                    near.extend(told.in_segments());
                    None
                }
            };
            told.retain(|number| numbers::is_backed(number, &near, last));
            if settings.naming == Naming::Numbered {
                in_parts.extend(of_parts);
                in_parts.extend(told.in_parts());
            }
        }
        if let (OnDisk::Playlist { playlist, .. }, Some((begins_at, _))) = (&mut on_disk, told.begins_at) {
            remove_before(playlist, begins_at);
        }
        Ok(Self { settings, live, on_disk, told, in_parts })
    }

    /// The last number that its playlist tells of, where numbers are ours.
    pub(crate) fn last_told(&self) -> Option<u64> {
        numbers::told(&self.on_disk).max(self.told.last_number())
    }

    /// The numbers of segments, and of those of which there are parts, or were: ours and those of strangers. None where names have
    /// no numbers of ours.
    pub(crate) fn numbers(&self, directory: &dyn Directory) -> Result<BTreeSet<u64>, WatchError> {
        if self.settings.naming == Naming::Any {
            return Ok(BTreeSet::new());
        }
        let of_live = |source| WatchError::Live { path: self.live.clone(), source };
        let in_segments = numbers_of(&list(directory, &self.live).map_err(of_live)?);
        Ok(in_segments.union(&self.in_parts).copied().collect())
    }

    /// Makes the segment of this number, in which a run before was interrupted, of its parts.
    pub(crate) fn rejoin(&self, directory: &dyn Directory, number: u64) {
        // A segment that is listed and not there any more is not made anew: its bytes would be others. Of one whose parts alone are
        // listed nobody has any.
        let listed = numbers::told(&self.on_disk).max(self.told.last_segment());
        if listed.is_none_or(|listed| number > listed) {
            rejoin::rejoin(directory, &self.live, number);
        }
    }

    /// The last number of which there are parts, or were, if it is ours.
    pub(crate) fn last_in_parts(&self, last_of_ours: u64) -> Option<u64> {
        self.in_parts.range(..=last_of_ours).next_back().copied()
    }
}

/// Told now, in one line, and not by the first segment.
fn try_to_write(directory: &dyn Directory, live: &Path) -> io::Result<()> {
    let nothing = Contents { bytes: b"", modified_at: None, mode: 0o600 };
    let written =
        directory.write(live, LEFT_OVER_PREFIX, &nothing).map_err(|error| io::Error::from(error.kind()))?;
    directory.remove(&written)
}

/// Deletes the dot files that a crash left behind. The lock on webroot says that nobody else is writing them.
fn sweep(directory: &dyn Directory, path: &Path, prefixes: &[&str]) -> io::Result<()> {
    for entry in directory.list(path)? {
        let Some(name) = entry.name.filter(|_| entry.kind == EntryKind::File) else { continue };
        if prefixes.iter().any(|prefix| name.starts_with(prefix)) {
            let path = path.join(name);
            match directory.remove(&path) {
                Ok(()) => debug!(path = %path.display(), "left-over file swept"),
                Err(error) => {
                    warn!(path = %path.display(), %error, "left-over file cannot be deleted; delete it by hand");
                }
            }
        }
    }
    Ok(())
}

/// Sweeps both directories.
fn sweep_webroot(directory: &dyn Directory, webroot: &Path, live: &Path, naming: Naming) -> io::Result<()> {
    // Dot files of other encoders are theirs.
    if naming == Naming::Numbered {
        sweep(directory, live, &[LEFT_OVER_PREFIX])?;
    }
    let prefixes = [PLAYLIST, LOW_LATENCY_PLAYLIST, STATUS].map(left_over_prefix);
    sweep(directory, webroot, &prefixes.each_ref().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;
    use livedir_layout::directory::disk::Disk;
    use std::fs;

    #[test]
    fn sweeping_takes_our_dot_files_and_nothing_else() {
        let webroot = tempfile::tempdir().expect("temp dir");
        let live = webroot.path().join("live");
        fs::create_dir(&live).expect("live");
        let swept = [
            live.join(".seg-00000001.ts.x"),
            webroot.path().join(".stream.m3u8.x"),
            webroot.path().join(".status.json.x"),
        ];
        let kept = [
            live.join("seg-00000001.ts"),
            live.join(".other"),
            webroot.path().join(".livedir.lock"),
            webroot.path().join(".seg-1"),
        ];
        for path in swept.iter().chain(&kept) {
            fs::write(path, b"x").expect("written");
        }
        sweep_webroot(&Disk::without_events(), webroot.path(), &live, Naming::Numbered).expect("swept");
        assert!(swept.iter().all(|path| !path.exists()));
        assert!(kept.iter().all(|path| path.exists()));
    }
}
