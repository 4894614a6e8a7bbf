//! Disk: a file system in memory. Inodes, links, times that tick, watches that tell, locks, and failures.
//!
//! In: what the program, encoders and hands do, one thing at a time. Out: its result, and events as notify tells them. It knows
//! nothing of playlists.

mod changes;
mod failures;
mod inode;
mod locks;
mod trace;
mod watches;

use crate::{media::Contents, time::Time};
pub use failures::{Failure, Trouble, Who};
pub use inode::{Inode, Node};
use livedir_layout::directory::stamp::Stamp;
use livedir_layout::directory::{Entry, EntryKind, Identity, LookedUp};
pub use locks::Lock;
use notify::Event;
use std::{
    collections::{BTreeMap, HashSet},
    io,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};
use trace::Trace;
use watches::Watch;

/// Times of files tick this often on Linux.
pub const TICK_US: u64 = 4_000;

#[derive(Debug)]
pub struct Disk {
    inodes: Vec<Inode>,
    /// Inodes are used again, the last one first.
    free: Vec<usize>,
    watches: Vec<Watch>,
    locked: Arc<Mutex<HashSet<usize>>>,
    pub failures: Vec<Failure>,
    /// Events that nobody has taken.
    pub told: Vec<Event>,
    /// Whether a directory can be watched.
    pub has_watches: bool,
    /// Nobody wants to be told: `watch --poll`.
    pub is_polled: bool,
    /// The program dies before so many more changes of its own.
    pub dies_after: Option<u32>,
    pub is_dead: bool,
    /// How long a call takes.
    pub slow_us: u64,
    /// How often a file that holds media was changed: what a watcher is told of, or would be if it could hear.
    pub changes: u64,
    /// What the program has written and deleted.
    pub trace: Trace,
    time: Arc<Time>,
    temporary: u32,
}

pub fn error<T>(kind: io::ErrorKind) -> io::Result<T> {
    Err(kind.into())
}

impl Disk {
    pub fn new(time: Arc<Time>) -> Self {
        let now = time.wall();
        let root = Inode {
            node: Node::Directory(BTreeMap::new()),
            modified_at: now,
            changed_at: now,
            made_at: now,
            links: 1,
        };
        Self {
            inodes: vec![root],
            free: Vec::new(),
            watches: Vec::new(),
            locked: Arc::default(),
            failures: Vec::new(),
            told: Vec::new(),
            has_watches: true,
            is_polled: false,
            dies_after: None,
            is_dead: false,
            slow_us: 0,
            changes: 0,
            trace: Trace::default(),
            time,
            temporary: 0,
        }
    }

    fn time(&self) -> SystemTime {
        let since =
            self.time.wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros() as u64;
        SystemTime::UNIX_EPOCH + Duration::from_micros(since - since % TICK_US)
    }

    pub fn find(&self, path: &Path) -> io::Result<usize> {
        self.find_text(path.to_str().ok_or(io::ErrorKind::InvalidInput)?)
    }

    fn find_text(&self, path: &str) -> io::Result<usize> {
        let mut inode = 0;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let Node::Directory(entries) = &self.inodes[inode].node else {
                return error(io::ErrorKind::NotADirectory);
            };
            inode = *entries.get(name).ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(inode)
    }

    pub fn at(&self, path: &Path) -> Option<&Inode> {
        self.find(path).ok().map(|inode| &self.inodes[inode])
    }

    /// What a regular file holds.
    pub fn contents(&self, path: &Path) -> Option<Contents> {
        match &self.at(path)?.node {
            Node::File { contents, .. } => *contents,
            _ => None,
        }
    }

    /// The same of a file in a directory that was looked up.
    pub fn contents_in(&self, entries: Option<&BTreeMap<Box<str>, usize>>, name: &str) -> Option<Contents> {
        match &self.inodes[*entries?.get(name)?].node {
            Node::File { contents, .. } => *contents,
            _ => None,
        }
    }

    pub fn bytes(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        match &self.inodes[self.find(path)?].node {
            Node::File { bytes, .. } => Ok(bytes.clone()),
            _ => error(io::ErrorKind::InvalidInput),
        }
    }

    pub fn entries(&self, path: &Path) -> io::Result<&BTreeMap<Box<str>, usize>> {
        match &self.inodes[self.find(path)?].node {
            Node::Directory(entries) => Ok(entries),
            _ => error(io::ErrorKind::NotADirectory),
        }
    }

    pub fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let names = self.entries(path)?.iter();
        Ok(names
            .map(|(name, inode)| Entry { name: Some(name.to_string()), kind: self.kind(*inode) })
            .collect())
    }

    fn kind(&self, inode: usize) -> EntryKind {
        match self.inodes[inode].node {
            Node::File { .. } => EntryKind::File,
            Node::Directory(_) => EntryKind::Directory,
            Node::Pipe => EntryKind::Other,
        }
    }

    pub fn stamp(&self, inode: usize) -> Stamp {
        let it = &self.inodes[inode];
        let bytes = match &it.node {
            Node::File { bytes, .. } => bytes.len() as u64,
            _ => 0,
        };
        Stamp {
            bytes,
            modified_at: it.modified_at,
            changed_at: it.changed_at,
            links: it.links,
            inode: inode as u64,
        }
    }

    pub fn look_up(&self, path: &Path) -> io::Result<LookedUp> {
        let inode = self.find(path)?;
        let identity =
            Identity { device_and_inode: Some((1, inode as u64)), made_at: Some(self.inodes[inode].made_at) };
        Ok(LookedUp { kind: self.kind(inode), stamp: self.stamp(inode), identity })
    }

    /// The directory of a path, and the last name.
    fn parent<'a>(&self, path: &'a Path) -> io::Result<(usize, &'a str)> {
        let path = path.to_str().ok_or(io::ErrorKind::InvalidInput)?;
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.is_empty() {
            return error(io::ErrorKind::InvalidInput);
        }
        let parent = self.find_text(parent)?;
        match self.inodes[parent].node {
            Node::Directory(_) => Ok((parent, name)),
            _ => error(io::ErrorKind::NotADirectory),
        }
    }

    fn entry(&self, parent: usize, name: &str) -> io::Result<usize> {
        match &self.inodes[parent].node {
            Node::Directory(entries) => Ok(*entries.get(name).ok_or(io::ErrorKind::NotFound)?),
            _ => error(io::ErrorKind::NotADirectory),
        }
    }
}
