//! Live files: the files of one stream's live directory, by their names.
//!
//! In: names. Out: what the file system says of them, and what they hold. Runs on the watcher's thread.

use crate::events::finished_file::{self, Finished, ReadBuffer};
use crate::events::present::{self, Listing};
use crate::events::refusal::Refusal;
use crate::resume::parts_on_disk::parts_in;
use crate::resume::rejoin;
use livedir_layout::directory::stamp::Stamp;
use livedir_layout::directory::{Directory, Identity};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

/// The live directory of one stream.
#[derive(Debug)]
pub(crate) struct LiveFiles {
    directory: Arc<dyn Directory>,
    /// An absolute path: events carry such.
    path: PathBuf,
}

impl LiveFiles {
    /// `path`: absolute.
    pub(crate) fn new(directory: Arc<dyn Directory>, path: PathBuf) -> Self {
        Self { directory, path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What the file system says of a file.
    pub(crate) fn stamp(&self, name: &str) -> io::Result<Stamp> {
        self.directory.stamp(&self.path.join(name))
    }

    /// Reads a segment.
    pub(crate) fn read(&self, name: &str, buffer: &mut ReadBuffer) -> Result<Finished, Refusal> {
        let path = self.path.join(name);
        if self.directory.leads_out(&path, self.path.parent().unwrap_or(&self.path)) {
            return Err(Refusal::Outside);
        }
        finished_file::read(&*self.directory, &path, buffer)
    }

    /// Reads a part of a segment.
    pub(crate) fn read_part(&self, name: &str, buffer: &mut ReadBuffer) -> Result<Finished, Refusal> {
        let finished = finished_file::read_part(&*self.directory, &self.path.join(name), buffer)?;
        Ok(Finished { facts: finished.facts.in_decoding_order(), ..finished })
    }

    /// The names of all segments.
    pub(crate) fn segments(&self) -> io::Result<Vec<String>> {
        present::list(&*self.directory, &self.path)
    }

    /// All names that are text.
    pub(crate) fn all_names(&self) -> io::Result<Vec<String>> {
        Ok(self.directory.list(&self.path)?.into_iter().filter_map(|entry| entry.name).collect())
    }

    /// The names of all segments, those of all parts, and what else lies there.
    pub(crate) fn all(&self) -> io::Result<Listing> {
        present::list_all(&*self.directory, &self.path)
    }

    /// All parts, by the number of their segment and their own.
    pub(crate) fn parts(&self) -> io::Result<BTreeMap<(u64, u32), Stamp>> {
        parts_in(&*self.directory, &self.path)
    }

    /// Makes a segment of its parts. Says whether it is there now.
    pub(crate) fn join(&self, name: &str, parts: impl Iterator<Item = String>) -> io::Result<bool> {
        rejoin::join(&*self.directory, &self.path, name, parts)
    }

    /// Gives a file a second name, which nothing has.
    pub(crate) fn link(&self, name: &str, second: &str) -> io::Result<()> {
        self.directory.link(&self.path.join(name), &self.path.join(second))
    }

    /// When the directory itself was changed.
    pub(crate) fn changed_at(&self) -> io::Result<SystemTime> {
        self.directory.stamp(&self.path).map(|stamp| stamp.modified_at)
    }

    /// Which directory has this path now; `None`: there is none.
    pub(crate) fn identity(&self) -> Option<Identity> {
        self.directory.identity(&self.path).ok()
    }

    /// Makes the directory again.
    pub(crate) fn make(&self) -> io::Result<()> {
        self.directory.make(&self.path)
    }

    /// Watches the directory, or says why it cannot be watched. An empty text: nobody asked for a watch.
    pub(crate) fn watch(&self) -> Result<Identity, String> {
        self.directory.watch(&self.path)
    }
}
