//! Disk: the file system of this machine, as a [`Directory`]. Thin: every method is a call of the system.
//!
//! Nothing is synced to the disk: a crash of the program loses nothing without it, and after a crash of the machine the directory
//! tells what a playlist does not. It would cost tens of milliseconds a segment.

use super::{Wake, hints::Hints};
use crate::{
    directory::{Contents, Directory, Entry, Found, Identity, Kind, OpenFile, stamp::Stamp},
    lock::{LockError, WebrootLock},
};
use std::{
    fs::{self, File, FileType, Metadata},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, mpsc::Sender},
};

/// The file system of this machine.
#[derive(Debug)]
pub struct Disk {
    hints: Mutex<Hints>,
}

impl Disk {
    /// Events go to `wakes`.
    pub(super) fn with_events(wakes: Sender<Wake>) -> Self {
        Self { hints: Mutex::new(Hints::new(wakes)) }
    }

    /// Nobody is told of events.
    #[must_use]
    pub fn without_events() -> Self {
        Self { hints: Mutex::new(Hints::none()) }
    }
}

impl Directory for Disk {
    fn list(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            // One that vanishes meanwhile is nothing.
            let kind = entry.file_type().map_or(Kind::Other, kind_of);
            Ok(Entry { name: entry.file_name().into_string().ok(), kind })
        };
        fs::read_dir(directory)?.map(entry).collect()
    }

    fn look_up(&self, path: &Path) -> io::Result<Found> {
        let metadata = fs::metadata(path)?;
        Ok(Found {
            kind: kind_of(metadata.file_type()),
            stamp: Stamp::of(&metadata),
            identity: identity_of(&metadata),
        })
    }

    fn open(&self, path: &Path) -> io::Result<OpenFile> {
        if !fs::metadata(path)?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let file = File::open(path)?;
        Ok(OpenFile { stamp: Stamp::of(&file.metadata()?), bytes: Box::new(file) })
    }

    fn make(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)
    }

    fn write(&self, directory: &Path, prefix: &str, contents: &Contents<'_>) -> io::Result<PathBuf> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(prefix).suffix("");
        // Temporary files are for their owner alone by default; these become a web server's to read.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(contents.mode));
        let mut file = builder.tempfile_in(directory)?;
        file.write_all(contents.bytes)?;
        if let Some(modified_at) = contents.modified_at {
            file.as_file().set_modified(modified_at)?;
        }
        let (_, path) = file.keep().map_err(|error| error.error)?;
        Ok(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn lock(&self, webroot: &Path) -> Result<Box<dyn Send>, LockError> {
        Ok(Box::new(WebrootLock::take(webroot)?))
    }

    fn watch(&self, directory: &Path) -> Result<Identity, String> {
        let mut hints = self.hints.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the watch: a directory that is exchanged in between then differs from what is watched.
        let identity = self.identity(directory);
        hints.watch(directory)?;
        identity.map_err(|error| error.to_string())
    }

    fn unwatch(&self, directory: &Path) {
        self.hints.lock().unwrap_or_else(PoisonError::into_inner).unwatch(directory);
    }
}

impl Disk {
    fn identity(&self, path: &Path) -> io::Result<Identity> {
        self.look_up(path).map(|found| found.identity)
    }
}

fn kind_of(file_type: FileType) -> Kind {
    if file_type.is_file() {
        Kind::File
    } else if file_type.is_dir() {
        Kind::Directory
    } else {
        Kind::Other
    }
}

fn identity_of(metadata: &Metadata) -> Identity {
    Identity {
        #[cfg(unix)]
        device_and_inode: {
            use std::os::unix::fs::MetadataExt as _;
            Some((metadata.dev(), metadata.ino()))
        },
        #[cfg(not(unix))]
        device_and_inode: None,
        made_at: metadata.created().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watcher::world::Wakes;

    #[test]
    fn a_directory_that_is_made_again_is_another_one() {
        let webroot = tempfile::tempdir().expect("temp dir");
        let live = webroot.path().join("live");
        fs::create_dir(&live).expect("live");
        let disk = Disk::with_events(Wakes::new().sender);
        let watched = disk.watch(&live).expect("a watch");
        assert!(disk.identity(&live).is_ok_and(|now| now == watched));
        fs::remove_dir(&live).expect("removed");
        assert!(disk.identity(&live).is_err());
        fs::create_dir(&live).expect("live");
        assert!(disk.identity(&live).is_ok_and(|now| now != watched));
    }

    #[test]
    fn a_failure_leaves_the_old_file_and_no_rest() {
        let webroot = tempfile::tempdir().expect("temp dir");
        fs::create_dir_all(webroot.path().join("a/in-the-way")).expect("made");
        let disk: &dyn Directory = &Disk::without_events();
        let contents = Contents { bytes: b"new", modified_at: None, mode: 0o644 };
        disk.put(webroot.path(), "a", &contents).expect_err("a directory is in the way");
        assert_eq!(disk.list(webroot.path()).expect("a list").len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_opened() {
        use std::os::unix::fs::FileTypeExt as _;
        let webroot = tempfile::tempdir().expect("temp dir");
        let pipe = webroot.path().join("a.ts");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
        assert!(made.success() && fs::metadata(&pipe).expect("a pipe").file_type().is_fifo());
        let opened = Disk::without_events().open(&pipe);
        assert!(opened.is_err_and(|error| error.kind() == io::ErrorKind::InvalidInput));
    }
}
