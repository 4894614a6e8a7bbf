//! Disk: a file system in memory. Inodes, links, times that tick, watches that tell, locks, and failures.
//!
//! In: what the program, encoders and hands do, one thing at a time. Out: its result, and events as notify tells them. It knows
//! nothing of playlists.

use crate::{media::Contents, time::Time};
use livedir_publisher::directory::{Entry, Found, Identity, Kind, stamp::Stamp};
use notify::{
    Event, EventKind,
    event::{AccessKind, AccessMode, CreateKind, DataChange, ModifyKind, RemoveKind, RenameMode},
};
use std::{
    collections::{BTreeMap, HashSet},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// Times of files tick this often on Linux.
pub const TICK_US: u64 = 4_000;

/// Whose deed it is: a program that was killed does no more, and nobody refuses a hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Program,
    Encoder,
    Hand,
}

/// What refuses writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing can be made, renamed or removed.
    ReadOnly,
    /// No bytes can be written.
    Full,
    /// No file can be made.
    NoInodes,
}

#[derive(Debug, Clone)]
pub struct Failure {
    pub trouble: Trouble,
    /// Paths that have this in them.
    pub of: String,
    pub until_us: u64,
}

#[derive(Debug)]
pub enum Node {
    File { bytes: Arc<[u8]>, contents: Option<Contents> },
    Directory(BTreeMap<Box<str>, usize>),
    Pipe,
}

#[derive(Debug)]
pub struct Inode {
    pub node: Node,
    pub modified_at: SystemTime,
    pub changed_at: SystemTime,
    pub made_at: SystemTime,
    pub links: u64,
}

#[derive(Debug)]
struct Watch {
    inode: usize,
    path: PathBuf,
}

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

    fn kind(&self, inode: usize) -> Kind {
        match self.inodes[inode].node {
            Node::File { .. } => Kind::File,
            Node::Directory(_) => Kind::Directory,
            Node::Pipe => Kind::Other,
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

    pub fn look_up(&self, path: &Path) -> io::Result<Found> {
        let inode = self.find(path)?;
        let identity =
            Identity { device_and_inode: Some((1, inode as u64)), made_at: Some(self.inodes[inode].made_at) };
        Ok(Found { kind: self.kind(inode), stamp: self.stamp(inode), identity })
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

    /// Whether this change is refused.
    fn admit(&mut self, path: &Path, who: Who, troubles: &[Trouble]) -> io::Result<()> {
        if who == Who::Program {
            if let Some(left) = &mut self.dies_after {
                if *left == 0 {
                    self.is_dead = true;
                } else {
                    *left -= 1;
                }
            }
            if self.is_dead {
                return error(io::ErrorKind::Interrupted);
            }
        }
        if who == Who::Hand || self.failures.is_empty() {
            return Ok(());
        }
        let path = path.to_str().unwrap_or_default();
        let now_us = self.time.us();
        let failure = self
            .failures
            .iter()
            .find(|it| it.until_us > now_us && troubles.contains(&it.trouble) && path.contains(&*it.of));
        match failure.map(|failure| failure.trouble) {
            None => Ok(()),
            Some(Trouble::ReadOnly) => error(io::ErrorKind::PermissionDenied),
            Some(Trouble::Full | Trouble::NoInodes) => error(io::ErrorKind::StorageFull),
        }
    }

    fn add(&mut self, node: Node) -> usize {
        let now = self.time();
        let inode = Inode { node, modified_at: now, changed_at: now, made_at: self.time.wall(), links: 0 };
        if let Some(free) = self.free.pop() {
            self.inodes[free] = inode;
            free
        } else {
            self.inodes.push(inode);
            self.inodes.len() - 1
        }
    }

    fn enter(&mut self, parent: usize, name: &str, inode: usize) {
        let now = self.time();
        self.inodes[inode].links += 1;
        self.inodes[inode].changed_at = now;
        self.inodes[parent].modified_at = now;
        let Node::Directory(entries) = &mut self.inodes[parent].node else { return };
        if let Some(before) = entries.insert(name.into(), inode) {
            self.drop_link(before);
        }
    }

    fn leave(&mut self, parent: usize, name: &str) -> Option<usize> {
        let now = self.time();
        self.inodes[parent].modified_at = now;
        let Node::Directory(entries) = &mut self.inodes[parent].node else { return None };
        entries.remove(name)
    }

    fn drop_link(&mut self, inode: usize) {
        self.inodes[inode].links -= 1;
        self.inodes[inode].changed_at = self.time();
        if self.inodes[inode].links > 0 {
            return;
        }
        self.watches.retain(|watch| watch.inode != inode);
        let node = std::mem::replace(&mut self.inodes[inode].node, Node::Pipe);
        // One that is open is used again later.
        if !self.locked.lock().unwrap_or_else(PoisonError::into_inner).contains(&inode) {
            self.free.push(inode);
        }
        if let Node::Directory(entries) = node {
            for entry in entries.into_values() {
                self.drop_link(entry);
            }
        }
    }

    fn tell(&mut self, parent: usize, name: &str, kind: EventKind) {
        self.changes += u64::from(!name.contains(".m3u8") && !name.contains("status.json"));
        let paths = self.watches.iter().filter(|watch| watch.inode == parent).map(|it| it.path.join(name));
        let events: Vec<_> = paths.map(|path| Event::new(kind).add_path(path)).collect();
        self.told.extend(events);
    }

    fn tell_of_itself(&mut self, inode: usize, kind: EventKind) {
        let paths = self.watches.iter().filter(|watch| watch.inode == inode).map(|it| it.path.clone());
        let events: Vec<_> = paths.map(|path| Event::new(kind).add_path(path)).collect();
        self.told.extend(events);
    }

    pub fn make_all(&mut self, path: &Path, who: Who) -> io::Result<()> {
        let mut made = PathBuf::new();
        for component in path.components() {
            made.push(component);
            match self.find(&made) {
                Ok(inode) if matches!(self.inodes[inode].node, Node::Directory(_)) => {}
                Ok(_) => return error(io::ErrorKind::NotADirectory),
                Err(_) => {
                    self.admit(&made, who, &[Trouble::ReadOnly, Trouble::NoInodes])?;
                    let (parent, name) = self.parent(&made)?;
                    let inode = self.add(Node::Directory(BTreeMap::new()));
                    self.enter(parent, name, inode);
                    self.tell(parent, name, EventKind::Create(CreateKind::Folder));
                }
            }
        }
        Ok(())
    }

    /// A new file under a name of its own.
    pub fn write(
        &mut self,
        directory: &Path,
        prefix: &str,
        bytes: &[u8],
        modified_at: Option<SystemTime>,
        who: Who,
    ) -> io::Result<PathBuf> {
        self.temporary += 1;
        let path = directory.join(format!("{prefix}{:06}", self.temporary));
        let (parent, name) = self.parent(&path)?;
        let inode = self.make_file(&path, (parent, name), who)?;
        if let Err(error) = self.admit_bytes(&path, who) {
            self.remove(&path, Who::Hand)?;
            return Err(error);
        }
        self.extend((parent, name), inode, bytes)?;
        if let Some(modified_at) = modified_at {
            self.inodes[inode].modified_at = modified_at;
        }
        Ok(path)
    }

    /// Opens a file to be written: a new one, or what is there is cut to nothing.
    pub fn begin(&mut self, path: &Path, who: Who) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        if let Ok(inode) = self.entry(parent, name) {
            let now = self.time();
            let it = &mut self.inodes[inode];
            if !matches!(it.node, Node::File { .. }) {
                return error(io::ErrorKind::InvalidInput);
            }
            it.node = Node::File { bytes: Arc::default(), contents: None };
            (it.modified_at, it.changed_at) = (now, now);
            self.tell(parent, name, EventKind::Modify(ModifyKind::Data(DataChange::Any)));
            return Ok(());
        }
        self.make_file(path, (parent, name), who).map(drop)
    }

    /// An empty one.
    fn make_file(&mut self, path: &Path, (parent, name): (usize, &str), who: Who) -> io::Result<usize> {
        self.admit(path, who, &[Trouble::ReadOnly, Trouble::NoInodes])?;
        let inode = self.add(Node::File { bytes: Arc::default(), contents: None });
        self.enter(parent, name, inode);
        self.tell(parent, name, EventKind::Create(CreateKind::File));
        Ok(inode)
    }

    fn admit_bytes(&mut self, path: &Path, who: Who) -> io::Result<()> {
        if who != Who::Program {
            self.admit(path, who, &[Trouble::Full])
        } else if self.failures.is_empty() {
            Ok(())
        } else {
            // The file and its bytes are one change of the program.
            self.admit(path, Who::Encoder, &[Trouble::Full])
        }
    }

    pub fn append(&mut self, path: &Path, more: &[u8], who: Who) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        let inode = self.entry(parent, name)?;
        self.admit_bytes(path, who)?;
        self.extend((parent, name), inode, more)
    }

    fn extend(&mut self, (parent, name): (usize, &str), inode: usize, more: &[u8]) -> io::Result<()> {
        let now = self.time();
        let it = &mut self.inodes[inode];
        let Node::File { bytes, contents } = &mut it.node else { return error(io::ErrorKind::InvalidInput) };
        *bytes = if bytes.is_empty() { more.into() } else { [bytes, more].concat().into() };
        *contents = Contents::of(bytes);
        (it.modified_at, it.changed_at) = (now, now);
        self.tell(parent, name, EventKind::Modify(ModifyKind::Data(DataChange::Any)));
        Ok(())
    }

    /// Its writer closes a file.
    pub fn close(&mut self, path: &Path) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        self.find(path)?;
        self.tell(parent, name, EventKind::Access(AccessKind::Close(AccessMode::Write)));
        Ok(())
    }

    pub fn make_pipe(&mut self, path: &Path) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        let inode = self.add(Node::Pipe);
        self.enter(parent, name, inode);
        self.tell(parent, name, EventKind::Create(CreateKind::Other));
        Ok(())
    }

    pub fn rename(&mut self, from: &Path, to: &Path, who: Who) -> io::Result<()> {
        self.admit(to, who, &[Trouble::ReadOnly])?;
        let (from_parent, from_name) = self.parent(from)?;
        let (to_parent, to_name) = self.parent(to)?;
        let inode = self.entry(from_parent, from_name)?;
        if let Ok(there) = self.entry(to_parent, to_name) {
            let are_directories = [inode, there].map(|it| matches!(self.inodes[it].node, Node::Directory(_)));
            match are_directories {
                _ if there == inode => return Ok(()),
                [false, true] => return error(io::ErrorKind::IsADirectory),
                [true, false] => return error(io::ErrorKind::NotADirectory),
                _ => {}
            }
        }
        self.leave(from_parent, from_name);
        self.enter(to_parent, to_name, inode);
        self.inodes[inode].links -= 1;
        self.tell(from_parent, from_name, EventKind::Modify(ModifyKind::Name(RenameMode::From)));
        self.tell(to_parent, to_name, EventKind::Modify(ModifyKind::Name(RenameMode::To)));
        self.tell_of_itself(inode, EventKind::Modify(ModifyKind::Name(RenameMode::From)));
        Ok(())
    }

    pub fn link(&mut self, from: &Path, to: &Path, who: Who) -> io::Result<()> {
        self.admit(to, who, &[Trouble::ReadOnly])?;
        let (parent, name) = self.parent(to)?;
        let inode = self.find(from)?;
        if self.entry(parent, name).is_ok() {
            return error(io::ErrorKind::AlreadyExists);
        }
        self.enter(parent, name, inode);
        self.tell(parent, name, EventKind::Create(CreateKind::File));
        Ok(())
    }

    pub fn remove(&mut self, path: &Path, who: Who) -> io::Result<()> {
        self.admit(path, who, &[Trouble::ReadOnly])?;
        let (parent, name) = self.parent(path)?;
        let inode = self.entry(parent, name)?;
        if matches!(self.inodes[inode].node, Node::Directory(_)) {
            return error(io::ErrorKind::IsADirectory);
        }
        self.leave(parent, name);
        self.drop_link(inode);
        self.tell(parent, name, EventKind::Remove(RemoveKind::File));
        Ok(())
    }

    /// With all that is in it, or only when there is nothing.
    pub fn remove_directory(&mut self, path: &Path, with_all: bool, who: Who) -> io::Result<()> {
        self.admit(path, who, &[Trouble::ReadOnly])?;
        let (parent, name) = self.parent(path)?;
        let inode = self.find(path)?;
        let names: Vec<_> = self.entries(path)?.keys().cloned().collect();
        if !names.is_empty() && !with_all {
            return error(io::ErrorKind::DirectoryNotEmpty);
        }
        for name in names {
            let path = path.join(&*name);
            match self.at(&path).map(|it| &it.node) {
                Some(Node::Directory(_)) => self.remove_directory(&path, true, who)?,
                _ => self.remove(&path, who)?,
            }
        }
        self.leave(parent, name);
        self.tell_of_itself(inode, EventKind::Remove(RemoveKind::Folder));
        self.drop_link(inode);
        self.tell(parent, name, EventKind::Remove(RemoveKind::Folder));
        Ok(())
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

    /// `None`: somebody else has it.
    pub fn lock(&mut self, path: &Path) -> io::Result<Option<Lock>> {
        let inode = self.find(path)?;
        let mut locked = self.locked.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(locked.insert(inode).then(|| Lock { inode, locked: self.locked.clone() }))
    }
}

/// Held as long as it lives.
#[derive(Debug)]
pub struct Lock {
    inode: usize,
    locked: Arc<Mutex<HashSet<usize>>>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.inode);
    }
}
