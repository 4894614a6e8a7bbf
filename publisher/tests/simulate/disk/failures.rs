//! Failures: what refuses a change, and whose.

use super::{Disk, error};
use std::{io, path::Path};

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

impl Disk {
    /// Whether this change is refused.
    pub(super) fn admit(&mut self, path: &Path, who: Who, troubles: &[Trouble]) -> io::Result<()> {
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

    pub(super) fn admit_bytes(&mut self, path: &Path, who: Who) -> io::Result<()> {
        if who != Who::Program {
            self.admit(path, who, &[Trouble::Full])
        } else if self.failures.is_empty() {
            Ok(())
        } else {
            // The file and its bytes are one change of the program.
            self.admit(path, Who::Encoder, &[Trouble::Full])
        }
    }
}
