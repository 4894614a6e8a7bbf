//! Sabotage: what a faulty watcher would do. It lies between the watcher and its world, and proves each invariant.

use crate::world::World;
use livedir_publisher::watcher::Wake;
use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    time::Duration,
};

/// A fault, or none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sabotage {}

impl Sabotage {
    /// How long the watcher waits at the most.
    pub fn longest(&self, longest: Duration) -> Duration {
        longest
    }

    pub fn hears(&self, _: &Wake) -> bool {
        true
    }

    /// What it writes.
    pub fn written<'a>(&self, _prefix: &str, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        bytes.into()
    }

    pub fn removes_before(&self, _: &World, _from: &Path, _to: &Path) -> Vec<PathBuf> {
        Vec::new()
    }

    pub fn withholds(&self, _to: &Path) -> bool {
        false
    }

    pub fn forgets(&self, _path: &Path) -> bool {
        false
    }
}
