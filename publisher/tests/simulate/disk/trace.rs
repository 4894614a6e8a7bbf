//! Trace: a digest of all that the program wrote for others to read, and of all that it deleted, in that order.

use super::{Disk, Node, Who};
use std::path::Path;
use xxhash_rust::xxh3::Xxh3Default;

#[derive(Default)]
pub struct Trace(Xxh3Default);

impl std::fmt::Debug for Trace {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:016x}", self.digest())
    }
}

impl Trace {
    pub fn digest(&self) -> u64 {
        self.0.digest()
    }

    fn add(&mut self, deed: u8, path: &Path, bytes: &[u8]) {
        let path = path.as_os_str().as_encoded_bytes();
        for text in [&[deed][..], path, bytes] {
            self.0.update(&(text.len() as u64).to_le_bytes());
            self.0.update(text);
        }
    }
}

impl Disk {
    /// A playlist or a status document is in its place.
    pub(super) fn trace_written(&mut self, path: &Path, who: Who) {
        let is_for_others = path.extension().is_some_and(|it| it == "m3u8" || it == "json");
        if who != Who::Program || !is_for_others {
            return;
        }
        if let Ok(inode) = self.find(path)
            && let Node::File { bytes, .. } = &self.inodes[inode].node
        {
            self.trace.add(b'w', path, bytes);
        }
    }

    /// A file is gone. Those of work in progress have names of their own.
    pub(super) fn trace_deleted(&mut self, path: &Path, who: Who) {
        let is_hidden = path.file_name().is_some_and(|it| it.as_encoded_bytes().starts_with(b"."));
        if who == Who::Program && !is_hidden {
            self.trace.add(b'd', path, &[]);
        }
    }
}
