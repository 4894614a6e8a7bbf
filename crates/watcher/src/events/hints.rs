//! Hints: events of the file system → [`Wake`]s. An event only says where to look; the directory is the truth.
//!
//! In: notify's events, on notify's own thread, for any number of directories. Out: wakes, into the watcher's channel. It
//! ends when it is dropped.

use crate::events::stranger::stranger;
use crate::events::wake::Wake;
use livedir_layout::directory::EntryKind;
use livedir_layout::directory::disk::EventSource;
use livedir_layout::formats::is_media;
use notify::{
    Config, Event, EventKind, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, CreateKind, ModifyKind, RemoveKind, RenameMode},
};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc::Sender},
    time::Instant,
};

/// Whether the system tells when a file that was written is closed.
pub(crate) const TELLS_OF_CLOSE: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// The one watch, on all directories.
#[derive(Debug)]
pub(crate) struct Hints {
    notify: Result<RecommendedWatcher, String>,
    watched: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Hints {
    /// Every change in the directories that are to be watched wakes the watcher.
    pub(crate) fn new(wakes: Sender<Wake>) -> Self {
        let watched = Arc::new(Mutex::new(HashSet::new()));
        let (directories, mut events) = (Arc::clone(&watched), Events::default());
        let on_event = move |event: notify::Result<Event>| {
            let is_watched = |path: &Path| {
                let directories: &Mutex<HashSet<PathBuf>> = &directories;
                directories.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
            };
            for wake in events.wakes(&event, is_watched, Instant::now()) {
                // The watcher has ended: nobody is left to wake.
                let _ = wakes.send(wake);
            }
        };
        // Not those of readers: a file that a viewer opens is no news.
        let kinds = EventKindMask::CREATE
            | EventKindMask::REMOVE
            | EventKindMask::MODIFY_DATA
            | EventKindMask::MODIFY_NAME
            | EventKindMask::ACCESS_CLOSE;
        let notify = RecommendedWatcher::new(on_event, Config::default().with_event_kinds(kinds));
        Self { notify: notify.map_err(|error| remedy(&error)), watched }
    }
}

impl EventSource for Hints {
    fn watch(&mut self, directory: &Path) -> Result<(), String> {
        let notify = self.notify.as_mut().map_err(|error| error.clone())?;
        // One that is gone may still be watched under this name.
        let _ = notify.unwatch(directory);
        notify.watch(directory, RecursiveMode::NonRecursive).map_err(|error| remedy(&error))?;
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).insert(directory.to_owned());
        Ok(())
    }

    fn unwatch(&mut self, directory: &Path) {
        if let Ok(notify) = &mut self.notify {
            let _ = notify.unwatch(directory);
        }
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).remove(directory);
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

/// Files that are being written at once; each of them wakes the watcher once, and not at every block.
const MOST_OPEN: usize = 100_000;

/// What events of the file system mean to a watcher.
#[derive(Debug, Default)]
pub struct Events {
    /// Files that were begun and not completed.
    open: HashSet<PathBuf>,
}

impl Events {
    /// What an event wakes the watcher for. `is_watched`: whether a path is that of a directory that is watched.
    pub fn wakes(
        &mut self,
        event: &notify::Result<Event>,
        is_watched: impl Fn(&Path) -> bool,
        seen_at: Instant,
    ) -> Vec<Wake> {
        wakes_of(event, is_watched, &mut self.open, seen_at)
    }
}

fn wakes_of(
    event: &notify::Result<Event>,
    is_watched: impl Fn(&Path) -> bool,
    open: &mut HashSet<PathBuf>,
    seen_at: Instant,
) -> Vec<Wake> {
    let event = match event {
        Ok(event) if event.need_rescan() => return vec![Wake::Rescan],
        Ok(event) => event,
        // Something may have been missed.
        Err(_) => return vec![Wake::Rescan],
    };
    let mut wakes = Vec::new();
    for path in &event.paths {
        if !path.file_name().and_then(|name| name.to_str()).is_some_and(is_media) {
            if is_stranger(event, path) {
                wakes.push(Wake::Stranger(path.clone()));
            }
            wakes.extend(concerns_directory(event, path, &is_watched).then(|| Wake::Directory(path.clone())));
            continue;
        }
        match event.kind {
            EventKind::Create(_) | EventKind::Modify(ModifyKind::Data(_)) => {
                if open.len() >= MOST_OPEN {
                    open.clear();
                }
                if open.insert(path.clone()) {
                    wakes.push(Wake::Begun(path.clone()));
                }
            }
            // A file is complete when its writer closes it, or gives it its name. A rename within the directory comes as From,
            // To and Both: the first two are enough.
            EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Any)) => {
                open.remove(path);
                wakes.push(Wake::Complete { path: path.clone(), seen_at });
            }
            EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
                open.remove(path);
                wakes.push(Wake::Renamed(path.clone()));
            }
            EventKind::Remove(_) => {
                open.remove(path);
                wakes.push(Wake::Gone(path.clone()));
            }
            _ => {}
        }
    }
    wakes
}

/// Whether a file has come that is not listed, though somebody may mean it to be.
fn is_stranger(event: &Event, path: &Path) -> bool {
    let has_come = matches!(
        event.kind,
        EventKind::Create(CreateKind::File | CreateKind::Any)
            | EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Any))
    );
    let name = path.file_name().and_then(|name| name.to_str());
    has_come && name.is_some_and(|name| stranger(Some(name), EntryKind::File).is_some())
}

/// Whether the event makes, takes away or renames a watched directory, or a directory in one.
fn concerns_directory(event: &Event, path: &Path, is_watched: impl Fn(&Path) -> bool) -> bool {
    match event.kind {
        EventKind::Create(CreateKind::Folder) | EventKind::Remove(RemoveKind::Folder) => true,
        // Of what is renamed it is not said whether it is a directory; those of our own files would be too many.
        EventKind::Modify(ModifyKind::Name(RenameMode::From | RenameMode::To | RenameMode::Any))
        | EventKind::Create(CreateKind::Any)
        | EventKind::Remove(RemoveKind::Any | RemoveKind::Other) => {
            is_watched(path) || path.extension().is_none()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Wakes;
    use livedir_layout::directory::Directory;
    use livedir_layout::directory::disk::Disk;
    use notify::event::{DataChange, Flag};
    use std::fs;

    fn event(kind: EventKind, path: &str) -> Event {
        Event::new(kind).add_path(path.into())
    }

    #[track_caller]
    fn check(events: &[Event], expected: &str) {
        let mut open = HashSet::new();
        let is_watched = |path: &Path| path == Path::new("/w/live");
        let wakes = events
            .iter()
            .flat_map(|event| wakes_of(&Ok(event.clone()), is_watched, &mut open, Instant::now()));
        let words: Vec<_> = wakes
            .map(|wake| match wake {
                Wake::Complete { path, .. } => format!("complete {}", path.display()),
                Wake::Begun(path) => format!("begun {}", path.display()),
                Wake::Gone(path) => format!("gone {}", path.display()),
                Wake::Renamed(path) => format!("renamed {}", path.display()),
                Wake::Directory(path) => format!("directory {}", path.display()),
                Wake::Stranger(path) => format!("stranger {}", path.display()),
                Wake::Rescan => "rescan".to_owned(),
                Wake::Finish | Wake::HandOver => "finish".to_owned(),
            })
            .collect();
        assert_eq!(words.join(", "), expected);
    }

    const CREATED: EventKind = EventKind::Create(CreateKind::File);
    const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    const CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));

    fn renamed(mode: RenameMode) -> EventKind {
        EventKind::Modify(ModifyKind::Name(mode))
    }

    #[test]
    fn a_directory_that_is_made_again_is_another_one() {
        let webroot = tempfile::tempdir().expect("temp dir");
        let live = webroot.path().join("live");
        fs::create_dir(&live).expect("live");
        let disk = Disk::with_events(Box::new(Hints::new(Wakes::new().sender)));
        let watched = disk.watch(&live).expect("a watch");
        let identity = || disk.look_up(&live).map(|found| found.identity);
        assert!(identity().is_ok_and(|now| now == watched));
        fs::remove_dir(&live).expect("removed");
        assert!(identity().is_err());
        fs::create_dir(&live).expect("live");
        assert!(identity().is_ok_and(|now| now != watched));
    }

    #[test]
    fn closing_and_naming_a_segment_complete_it() {
        check(&[event(CLOSED, "/w/live/a.ts")], "complete /w/live/a.ts");
        check(&[event(renamed(RenameMode::To), "/w/live/a.ts")], "complete /w/live/a.ts");
    }

    #[test]
    fn a_file_that_is_written_block_by_block_begins_once() {
        let events = [CREATED, WRITTEN, WRITTEN, CLOSED, WRITTEN].map(|kind| event(kind, "/w/live/a.ts"));
        check(&events, "begun /w/live/a.ts, complete /w/live/a.ts, begun /w/live/a.ts");
    }

    #[test]
    fn deleting_and_renaming_a_segment_take_it_away() {
        check(&[event(renamed(RenameMode::From), "/w/live/a.ts")], "renamed /w/live/a.ts");
        check(&[event(EventKind::Remove(RemoveKind::File), "/w/live/a.ts")], "gone /w/live/a.ts");
    }

    #[test]
    fn work_in_progress_and_other_files_are_nothing() {
        for name in ["/w/live/.seg-00000001.ts", "/w/live/a.ts.tmp", "/w/live/list.m3u8.tmp"] {
            for kind in [CREATED, WRITTEN, CLOSED, renamed(RenameMode::From), renamed(RenameMode::To)] {
                check(&[event(kind, name)], "");
            }
        }
    }

    #[test]
    fn a_file_of_another_format_is_a_stranger_when_it_comes() {
        let path = "/w/live/film.mp4";
        check(&[CREATED, WRITTEN, CLOSED].map(|kind| event(kind, path)), "stranger /w/live/film.mp4");
        check(&[event(renamed(RenameMode::To), path)], "stranger /w/live/film.mp4");
        check(
            &[renamed(RenameMode::From), EventKind::Remove(RemoveKind::File)].map(|kind| event(kind, path)),
            "",
        );
        check(&[event(CLOSED, "/w/live/a\nb.ts")], "");
        check(&[event(CREATED, "/w/live/a\nb.ts")], "stranger /w/live/a\nb.ts");
    }

    #[test]
    fn a_lost_event_asks_for_a_look() {
        check(&[Event::new(EventKind::Other).set_flag(Flag::Rescan)], "rescan");
        let broken = Err(notify::Error::generic("broken"));
        let wakes = wakes_of(&broken, |_| true, &mut HashSet::new(), Instant::now());
        assert!(matches!(wakes[..], [Wake::Rescan]));
    }

    #[test]
    fn directories_that_come_and_go_are_told() {
        check(&[event(EventKind::Remove(RemoveKind::Folder), "/w/live")], "directory /w/live");
        check(&[event(renamed(RenameMode::From), "/w/live")], "directory /w/live");
        check(&[event(EventKind::Create(CreateKind::Folder), "/w/two")], "directory /w/two");
    }
}
