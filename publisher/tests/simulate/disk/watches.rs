//! Watches: who is told of which directory, as notify tells it.

use super::Disk;
use livedir_layout::directory::Identity;
use notify::{Event, EventKind};
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(super) struct Watch {
    pub(super) inode: usize,
    pub(super) path: PathBuf,
}

impl Disk {
    pub(super) fn tell(&mut self, parent: usize, name: &str, kind: EventKind) {
        self.changes += u64::from(!name.contains(".m3u8") && !name.contains("status.json"));
        let paths = self.watches.iter().filter(|watch| watch.inode == parent).map(|it| it.path.join(name));
        let events: Vec<_> = paths.map(|path| Event::new(kind).add_path(path)).collect();
        self.told.extend(events);
    }

    pub(super) fn tell_of_itself(&mut self, inode: usize, kind: EventKind) {
        let paths = self.watches.iter().filter(|watch| watch.inode == inode).map(|it| it.path.clone());
        let events: Vec<_> = paths.map(|path| Event::new(kind).add_path(path)).collect();
        self.told.extend(events);
    }

    pub fn watch(&mut self, path: &Path) -> Result<Identity, String> {
        if self.is_polled {
            return Err(String::new());
        }
        if !self.has_watches {
            return Err("no space left on device (os error 28)".to_owned());
        }
        self.unwatch(path);
        let found = self.look_up(path).map_err(|error| error.to_string())?;
        let inode = self.find(path).map_err(|error| error.to_string())?;
        self.watches.push(Watch { inode, path: path.to_owned() });
        Ok(found.identity)
    }

    pub fn unwatch(&mut self, path: &Path) {
        self.watches.retain(|watch| watch.path != path);
    }

    pub fn is_watched(&self, path: &Path) -> bool {
        self.watches.iter().any(|watch| watch.path == path)
    }

    /// The program has ended: its watches and its events with it.
    pub fn forget_watches(&mut self) {
        self.watches.clear();
        self.told.clear();
    }
}
