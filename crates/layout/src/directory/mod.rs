//! Directory: what livedir asks of a file system. The real one is [`Disk`](crate::directory::disk::Disk); the simulation has one in
//! memory.
//!
//! In: paths. Out: names, facts and bytes, and changes. Every method that changes something changes one thing, at once: a kill
//! may come between any two of them.

pub mod disk;
pub mod stamp;

use crate::lock::LockError;
use stamp::Stamp;
use std::{
    fmt,
    io::{self, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// What livedir asks of a file system.
pub trait Directory: Send + Sync + fmt::Debug {
    /// The entries of a directory, in any order. Links are not followed.
    fn list(&self, directory: &Path) -> io::Result<Vec<Entry>>;

    /// What lies under this path, looked at and not opened. Links are followed.
    fn look_up(&self, path: &Path) -> io::Result<LookedUp>;

    /// Opens a regular file. Nothing else is opened: a pipe would wait for its writer. The error is then of the kind
    /// [`io::ErrorKind::InvalidInput`].
    fn open(&self, path: &Path) -> io::Result<OpenFile>;

    /// Whether the path is that of a symbolic link to a file that lies neither beneath `root` nor beneath the directory of the link. One
    /// that leads nowhere is none.
    fn leads_out(&self, _path: &Path, _root: &Path) -> bool {
        false
    }

    /// Makes a directory, and those above it. One that is there already is fine.
    fn make(&self, directory: &Path) -> io::Result<()>;

    /// Writes a new file under a dot name of its own, which begins with `prefix`. Says which. A failure leaves nothing behind.
    fn write(&self, directory: &Path, prefix: &str, contents: &Contents<'_>) -> io::Result<PathBuf>;

    /// Gives a file another name, in the place of what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a second name, which nothing has yet.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a file's name away.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Takes an empty directory away.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;

    /// Keeps others from writing to this webroot for as long as what is returned lives.
    fn lock(&self, webroot: &Path) -> Result<Box<dyn Send>, LockError>;

    /// Every change in this directory, as it is now, is told from here on. The error is for people; an empty one says that no
    /// events are wanted.
    fn watch(&self, directory: &Path) -> Result<Identity, String>;

    /// Changes in this directory are told no more.
    fn unwatch(&self, directory: &Path);
}

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name; `None` where it is no text.
    pub name: Option<String>,
    /// What it is the name of.
    pub kind: EntryKind,
}

/// What a name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A pipe, a socket, a device, or in a listing a symbolic link.
    Other,
}

/// What lies under a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookedUp {
    /// What it is.
    pub kind: EntryKind,
    /// Its size and times.
    pub stamp: Stamp,
    /// Which one it is.
    pub identity: Identity,
}

/// Tells a directory from another one that has come in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Where there are such numbers.
    pub device_and_inode: Option<(u64, u64)>,
    /// Inodes are used again at once.
    pub made_at: Option<SystemTime>,
}

/// A regular file to be read.
pub struct OpenFile {
    /// What it was when it was opened.
    pub stamp: Stamp,
    /// Its bytes.
    pub bytes: Box<dyn Read>,
}

/// What is written into a new file.
#[derive(Debug, Clone, Copy)]
pub struct Contents<'a> {
    /// All of it.
    pub bytes: &'a [u8],
    /// The modification time; `None`: now.
    pub modified_at: Option<SystemTime>,
    /// Unix permissions, from which the umask takes.
    pub mode: u32,
}

impl dyn Directory + '_ {
    /// Puts a file under its name, in the place of what had it, at once for every reader. A failure leaves the old one, and no
    /// rest.
    pub fn put(&self, directory: &Path, name: &str, contents: &Contents<'_>) -> io::Result<()> {
        let written = self.write(directory, &format!(".{name}."), contents)?;
        self.rename(&written, &directory.join(name)).inspect_err(|_| {
            // One that stays is swept at the next start.
            let _ = self.remove(&written);
        })
    }

    /// Whether something lies under this path.
    pub fn has(&self, path: &Path) -> bool {
        self.look_up(path).is_ok()
    }

    /// Whether a directory lies under this path.
    pub fn has_directory(&self, path: &Path) -> bool {
        self.look_up(path).is_ok_and(|found| found.kind == EntryKind::Directory)
    }

    /// What the file system says of a file.
    pub fn stamp(&self, path: &Path) -> io::Result<Stamp> {
        self.look_up(path).map(|found| found.stamp)
    }

    /// Which directory lies under this path.
    pub fn identity(&self, path: &Path) -> io::Result<Identity> {
        self.look_up(path).map(|found| found.identity)
    }
}
