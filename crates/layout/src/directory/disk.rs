//! Disk: the file system of this machine, as a [`Directory`]. Thin: every method is a call of the system.
//!
//! Nothing is synced to the disk: a crash of the program loses nothing without it, and after a crash of the machine the directory
//! tells what a playlist does not. It would cost tens of milliseconds a segment.

use crate::{
    directory::{Contents, Directory, Entry, EntryKind, Identity, LookedUp, OpenFile, stamp::Stamp},
    lock::{LockError, WebrootLock},
};
use std::{
    fmt,
    fs::{self, File, FileType, Metadata},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Tells somebody of what changes in directories.
pub trait EventSource: Send + fmt::Debug {
    /// Every change in this directory, which has an absolute path, is told from here on. The error is for people; an empty one says
    /// that no events are wanted.
    fn watch(&mut self, directory: &Path) -> Result<(), String>;

    /// Changes in this directory are told no more.
    fn unwatch(&mut self, directory: &Path);
}

#[derive(Debug)]
struct NoEvents;

impl EventSource for NoEvents {
    fn watch(&mut self, _: &Path) -> Result<(), String> {
        Err(String::new())
    }

    fn unwatch(&mut self, _: &Path) {}
}

/// The file system of this machine.
#[derive(Debug)]
pub struct Disk {
    events: Mutex<Box<dyn EventSource>>,
}

impl Disk {
    /// Changes are told.
    #[must_use]
    pub fn with_events(events: Box<dyn EventSource>) -> Self {
        Self { events: Mutex::new(events) }
    }

    /// Nobody is told of events.
    #[must_use]
    pub fn without_events() -> Self {
        Self::with_events(Box::new(NoEvents))
    }
}

impl Directory for Disk {
    fn list(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            // One that vanishes meanwhile is nothing.
            let kind = entry.file_type().map_or(EntryKind::Other, kind_of);
            Ok(Entry { name: entry.file_name().into_string().ok(), kind })
        };
        fs::read_dir(directory)?.map(entry).collect()
    }

    fn look_up(&self, path: &Path) -> io::Result<LookedUp> {
        let metadata = fs::metadata(path)?;
        Ok(LookedUp {
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

    fn leads_out(&self, path: &Path, root: &Path) -> bool {
        let is_link = fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink());
        let Some(target) = is_link.then(|| fs::canonicalize(path).ok()).flatten() else { return false };
        let lies_beneath =
            |directory: &Path| fs::canonicalize(directory).is_ok_and(|it| target.starts_with(it));
        !lies_beneath(root) && !path.parent().is_some_and(lies_beneath)
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
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the watch: a directory that is exchanged in between then differs from what is watched.
        let identity = self.identity(directory);
        events.watch(directory)?;
        identity.map_err(|error| error.to_string())
    }

    fn unwatch(&self, directory: &Path) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).unwatch(directory);
    }
}

impl Disk {
    fn identity(&self, path: &Path) -> io::Result<Identity> {
        self.look_up(path).map(|found| found.identity)
    }
}

fn kind_of(file_type: FileType) -> EntryKind {
    if file_type.is_file() {
        EntryKind::File
    } else if file_type.is_dir() {
        EntryKind::Directory
    } else {
        EntryKind::Other
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
    fn links_that_lead_out_of_a_directory_are_told_from_those_that_stay() {
        use std::os::unix::fs::symlink;
        let parent = tempfile::tempdir().expect("temp dir");
        let at = |name: &str| parent.path().join(name);
        fs::create_dir_all(at("webroot/live")).expect("made");
        for file in ["outside.ts", "webroot/beside.ts", "webroot/live/plain.ts"] {
            fs::write(at(file), b"G").expect("written");
        }
        let links = [
            ("in.ts", "../beside.ts", false),
            ("here.ts", "plain.ts", false),
            ("out.ts", "../../outside.ts", true),
            ("over.ts", "out.ts", true),
            ("nowhere.ts", "../../nothing.ts", false),
            ("circle.ts", "circle.ts", false),
        ];
        // Also where the webroot itself is reached over a link, or its `live/` lies on another disk.
        symlink(at("webroot"), at("linked")).expect("linked");
        fs::create_dir(at("other")).expect("made");
        symlink(at("webroot/live"), at("other/live")).expect("linked");
        for (name, target, _) in links {
            symlink(target, at("webroot/live").join(name)).expect("linked");
        }
        for (name, expected) in
            links.map(|(name, _, expected)| (name, expected)).into_iter().chain([("plain.ts", false)])
        {
            let is_beside = name == "in.ts";
            for root in
                ["webroot", "linked", "other"].into_iter().filter(|root| *root != "other" || !is_beside)
            {
                let found = Disk::without_events().leads_out(&at(root).join("live").join(name), &at(root));
                assert_eq!(found, expected, "{root}: {name}");
            }
        }
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
