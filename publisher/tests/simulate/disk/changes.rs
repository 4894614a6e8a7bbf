//! Changes: what is made, written, renamed, linked and removed, one thing at a time.

use super::{Disk, Inode, Node, Trouble, Who, error};
use crate::media::Contents;
use notify::{
    EventKind,
    event::{AccessKind, AccessMode, CreateKind, DataChange, ModifyKind, RemoveKind, RenameMode},
};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
    time::SystemTime,
};

impl Disk {
    pub(super) fn add(&mut self, node: Node) -> usize {
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

    pub(super) fn enter(&mut self, parent: usize, name: &str, inode: usize) {
        let now = self.time();
        self.inodes[inode].links += 1;
        self.inodes[inode].changed_at = now;
        self.inodes[parent].modified_at = now;
        let Node::Directory(entries) = &mut self.inodes[parent].node else { return };
        if let Some(before) = entries.insert(name.into(), inode) {
            self.drop_link(before);
        }
    }

    pub(super) fn leave(&mut self, parent: usize, name: &str) -> Option<usize> {
        let now = self.time();
        self.inodes[parent].modified_at = now;
        let Node::Directory(entries) = &mut self.inodes[parent].node else { return None };
        entries.remove(name)
    }

    pub(super) fn drop_link(&mut self, inode: usize) {
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
    pub(super) fn make_file(
        &mut self,
        path: &Path,
        (parent, name): (usize, &str),
        who: Who,
    ) -> io::Result<usize> {
        self.admit(path, who, &[Trouble::ReadOnly, Trouble::NoInodes])?;
        let inode = self.add(Node::File { bytes: Arc::default(), contents: None });
        self.enter(parent, name, inode);
        self.tell(parent, name, EventKind::Create(CreateKind::File));
        Ok(inode)
    }

    pub fn append(&mut self, path: &Path, more: &[u8], who: Who) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        let inode = self.entry(parent, name)?;
        self.admit_bytes(path, who)?;
        self.extend((parent, name), inode, more)
    }

    pub(super) fn extend(
        &mut self,
        (parent, name): (usize, &str),
        inode: usize,
        more: &[u8],
    ) -> io::Result<()> {
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
        self.trace_written(to, who);
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
        self.trace_deleted(path, who);
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
}
