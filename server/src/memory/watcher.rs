//! Hints: events of the file system → entries that are to be checked again. An event only says where; the file
//! is the truth, and one that nobody tells of is checked all the same.
//!
//! In: notify's events, on notify's own thread, for the directories of the playlists that are asked for. The thread ends
//! when the `Watcher` is dropped.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use notify::{Config, Event, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher as _};
use tracing::warn;

use super::clock::Clock;
use super::entries::Entries;
use crate::http::paths;

/// Each takes a little of the kernel's memory; a thousand channels are served from one machine.
const MOST_WATCHED: usize = 4_096;

/// The one watch, on all directories.
#[derive(Debug)]
pub(super) struct Watcher {
    notify: RecommendedWatcher,
    watched: HashMap<PathBuf, Directory>,
    has_warned: bool,
}

/// Tells a directory from another one that has come in its place.
#[derive(Debug, PartialEq, Eq)]
struct Directory {
    inode: u64,
    /// Inodes are used again at once.
    made_at: Option<SystemTime>,
}

/// `None` when the system has no more watches to give: the files are checked instead.
pub(super) fn start(webroot: &Path, entries: Arc<Entries>, clock: Clock) -> Option<Watcher> {
    let webroot = webroot.to_owned();
    let on_event = move |event: notify::Result<Event>| match event {
        Ok(event) if !event.need_rescan() => {
            for path in event.paths {
                let Some(target) = relative(&webroot, &path).and_then(|path| paths::resolve_plain(&path))
                else {
                    continue;
                };
                entries.with(&target.uri_path(), |entry| entry.changed(clock.now_ns()));
            }
        }
        // Something may have been missed.
        _ => entries.changed(clock.now_ns()),
    };
    // Not those of readers: a file that a viewer opens is no news.
    let events = EventKindMask::CREATE
        | EventKindMask::REMOVE
        | EventKindMask::MODIFY_DATA
        | EventKindMask::MODIFY_NAME;
    let notify = RecommendedWatcher::new(on_event, Config::default().with_event_kinds(events));
    match notify {
        Ok(notify) => Some(Watcher { notify, watched: HashMap::new(), has_warned: false }),
        Err(error) => {
            warn!(%error, "no change events; playlists are read ten times a second instead");
            None
        }
    }
}

fn relative(webroot: &Path, path: &Path) -> Option<String> {
    path.strip_prefix(webroot).ok()?.to_str().map(str::to_owned)
}

/// Watches the directory of a file, as it is now. Never waits for another that does so: a hint more or less is no harm.
pub(super) fn watch(watcher: &Mutex<Watcher>, webroot: &Path, path: &str) {
    let directory = webroot.join(path).parent().map(Path::to_owned).unwrap_or_default();
    let Ok(metadata) = fs::metadata(&directory) else { return };
    let identity = Directory { inode: metadata.ino(), made_at: metadata.created().ok() };
    let Ok(mut watcher) = watcher.try_lock() else { return };
    let Watcher { notify, watched, has_warned } = &mut *watcher;
    if watched.get(&directory) == Some(&identity) {
        return;
    }
    // One that is gone may still be watched under this name; and of too many, any may go.
    let is_full = watched.len() >= MOST_WATCHED;
    let gone = if is_full { watched.keys().next().cloned() } else { None };
    for gone in gone.as_ref().into_iter().chain([&directory]) {
        if watched.remove(gone).is_some() {
            let _ = notify.unwatch(gone);
        }
    }
    match notify.watch(&directory, RecursiveMode::NonRecursive) {
        Ok(()) => drop(watched.insert(directory, identity)),
        Err(error) if !*has_warned => {
            *has_warned = true;
            warn!(%error, "no change events; a higher fs.inotify.max_user_watches may help");
        }
        Err(_) => {}
    }
}
