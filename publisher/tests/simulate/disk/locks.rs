//! Locks: one holder at a time.

use super::Disk;
use std::{
    collections::HashSet,
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

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

impl Disk {
    /// `None`: somebody else has it.
    pub fn lock(&mut self, path: &Path) -> io::Result<Option<Lock>> {
        let inode = self.find(path)?;
        let mut locked = self.locked.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(locked.insert(inode).then(|| Lock { inode, locked: self.locked.clone() }))
    }
}
