//! Hints: events of the file system → [`Wake`]s. An event only says where to look; the directory is the truth.
//!
//! In: notify's events, on notify's own thread. Out: wakes, into the watcher's channel. It ends when it is dropped.

use super::Wake;
use crate::segment_name::looks_like_segment;
use notify::{
    Config, Event, EventKind, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, ModifyKind, RenameMode},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::Sender,
    },
    time::{Instant, SystemTime},
};

/// A watch on one directory, until the directory goes.
pub(super) struct DirectoryWatch {
    _notify: RecommendedWatcher,
    identity: Identity,
    is_gone: Arc<AtomicBool>,
}

/// Tells a directory from another one that has come in its place.
#[derive(PartialEq, Eq)]
struct Identity {
    #[cfg(unix)]
    device_and_inode: (u64, u64),
    /// Inodes are used again at once.
    made_at: Option<SystemTime>,
}

impl DirectoryWatch {
    /// Every change in `directory` from now on wakes the watcher.
    pub(super) fn set(directory: &Path, wakes: Sender<Wake>) -> Result<Self, String> {
        // Events carry absolute paths.
        let directory = &std::path::absolute(directory).map_err(|error| error.to_string())?;
        let is_gone = Arc::new(AtomicBool::new(false));
        let (watched, gone) = (directory.clone(), Arc::clone(&is_gone));
        let on_event = move |event: notify::Result<Event>| {
            if event.as_ref().is_ok_and(|event| takes_away(event, &watched)) {
                gone.store(true, Ordering::Relaxed);
            }
            for wake in wakes_of(&event, &watched, Instant::now()) {
                // The watcher has ended: nobody is left to wake.
                let _ = wakes.send(wake);
            }
        };
        // Not those of readers: a file that a viewer opens is no news.
        let events = EventKindMask::CREATE
            | EventKindMask::REMOVE
            | EventKindMask::MODIFY_NAME
            | EventKindMask::ACCESS_CLOSE;
        let config = Config::default().with_event_kinds(events);
        let mut notify = RecommendedWatcher::new(on_event, config).map_err(|error| remedy(&error))?;
        // Before the watch: a directory that is exchanged in between then differs from what is watched.
        let identity = Identity::of(directory).map_err(|error| error.to_string())?;
        notify.watch(directory, RecursiveMode::NonRecursive).map_err(|error| remedy(&error))?;
        Ok(Self { _notify: notify, identity, is_gone })
    }

    /// Whether `directory` is still the one that is watched.
    pub(super) fn holds(&self, directory: &Path) -> bool {
        !self.is_gone.load(Ordering::Relaxed)
            && Identity::of(directory).is_ok_and(|identity| identity == self.identity)
    }
}

impl Identity {
    fn of(directory: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(directory)?;
        Ok(Self {
            #[cfg(unix)]
            device_and_inode: {
                use std::os::unix::fs::MetadataExt as _;
                (metadata.dev(), metadata.ino())
            },
            made_at: metadata.created().ok(),
        })
    }
}

fn remedy(error: &notify::Error) -> String {
    let is_limit = matches!(error.kind, notify::ErrorKind::MaxFilesWatch)
        || matches!(&error.kind, notify::ErrorKind::Io(error) if error.raw_os_error() == Some(24 /* EMFILE */));
    if is_limit {
        format!(
            "{error}; raise fs.inotify.max_user_watches and fs.inotify.max_user_instances, or close other programs"
        )
    } else {
        error.to_string()
    }
}

/// The directory itself is deleted or renamed.
fn takes_away(event: &Event, watched: &Path) -> bool {
    let goes = matches!(
        event.kind,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From | RenameMode::Any))
    );
    goes && event.paths.iter().any(|path| path == watched)
}

fn wakes_of(event: &notify::Result<Event>, watched: &Path, seen_at: Instant) -> Vec<Wake> {
    let event = match event {
        Ok(event) if event.need_rescan() || takes_away(event, watched) => return vec![Wake::Rescan],
        Ok(event) => event,
        // Something may have been missed.
        Err(_) => return vec![Wake::Rescan],
    };
    // A file is complete when its writer closes it, or gives it its name. A rename within the directory comes as From, To and
    // Both: To is enough.
    let is_complete = matches!(
        event.kind,
        EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Any))
    );
    if !is_complete {
        return Vec::new();
    }
    event
        .paths
        .iter()
        .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(looks_like_segment))
        .map(|path| Wake::Hint { path: PathBuf::clone(path), seen_at })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, DataChange, Flag, RemoveKind};

    fn event(kind: EventKind, path: &str) -> Event {
        Event::new(kind).add_path(path.into())
    }

    #[track_caller]
    fn check(event: Event, expected: &str) {
        let wakes: Vec<_> = wakes_of(&Ok(event), Path::new("/w/live"), Instant::now())
            .into_iter()
            .map(|wake| match wake {
                Wake::Hint { path, .. } => path.display().to_string(),
                Wake::Rescan => "rescan".to_owned(),
                Wake::Finish => "finish".to_owned(),
            })
            .collect();
        assert_eq!(wakes.join(" "), expected);
    }

    const CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));
    const NAMED: EventKind = EventKind::Modify(ModifyKind::Name(RenameMode::To));

    #[test]
    fn closing_and_naming_a_segment_are_hints() {
        check(event(CLOSED, "/w/live/a.ts"), "/w/live/a.ts");
        check(event(NAMED, "/w/live/a.ts"), "/w/live/a.ts");
    }

    #[test]
    fn files_that_are_being_written_are_no_hints() {
        check(event(EventKind::Create(CreateKind::File), "/w/live/a.ts"), "");
        check(event(EventKind::Modify(ModifyKind::Data(DataChange::Any)), "/w/live/a.ts"), "");
        check(event(EventKind::Modify(ModifyKind::Name(RenameMode::From)), "/w/live/a.ts"), "");
        check(event(CLOSED, "/w/live/.seg-00000001.ts"), "");
        check(event(CLOSED, "/w/live/a.ts.tmp"), "");
    }

    #[test]
    fn a_lost_event_or_directory_asks_for_a_look() {
        check(Event::new(EventKind::Other).set_flag(Flag::Rescan), "rescan");
        check(event(EventKind::Remove(RemoveKind::Folder), "/w/live"), "rescan");
        check(event(EventKind::Remove(RemoveKind::File), "/w/live/a.ts"), "");
        let failed = wakes_of(&Err(notify::Error::generic("broken")), Path::new("/w/live"), Instant::now());
        assert!(matches!(failed[..], [Wake::Rescan]));
    }

    #[test]
    fn a_directory_that_is_made_again_is_another_one() {
        let webroot = tempfile::tempdir().expect("temp dir");
        let live = webroot.path().join("live");
        fs::create_dir(&live).expect("live");
        let (wakes, _received) = std::sync::mpsc::channel();
        let watch = DirectoryWatch::set(&live, wakes).expect("a watch");
        assert!(watch.holds(&live));
        fs::remove_dir(&live).expect("removed");
        assert!(!watch.holds(&live));
        fs::create_dir(&live).expect("live");
        assert!(!watch.holds(&live));
    }
}
