//! Stamp: what the file system says of a file. Enough to tell whether it is still the same, and when it came.
//!
//! In: metadata. Out: a [`Stamp`], a plain value that tests make up.

use std::{
    fs::Metadata,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::{Duration, SystemTime},
};

/// The clocks of file systems tick this often at the least: 100 times a second.
pub const COARSEST_TICK: Duration = Duration::from_millis(10);

/// What is known of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// How long it is.
    pub bytes: u64,
    /// When its bytes were written last, or what its writer says instead.
    pub modified_at: SystemTime,
    /// When it was written, renamed or linked last: nobody can set this. The time above where the system has no such.
    pub changed_at: SystemTime,
    /// Names that it has.
    pub links: u64,
    /// Which file it is, among those that are there at one time.
    pub inode: u64,
}

impl Stamp {
    /// As the system tells of a file.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        // A system without times of files has them all at once.
        let modified_at = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let (changed_at, links, inode) = inode_of(metadata, modified_at);
        Self { bytes: metadata.len(), modified_at, changed_at, links, inode }
    }

    /// Whether something was done to it after its last byte was written: it was renamed, linked, or given a time. Whoever
    /// does that is done with writing.
    #[must_use]
    pub fn was_finished_off(&self) -> bool {
        self.links > 1
            || self.changed_at.duration_since(self.modified_at).is_ok_and(|later| later > COARSEST_TICK)
    }

    /// Whether its writer has gone on with it, or its time was set.
    #[must_use]
    pub fn is_continued_since(&self, before: &Self) -> bool {
        self.inode == before.inode && self.bytes >= before.bytes
    }

    /// Whether the system says which file it is: two files of one size and time are one or two else.
    #[must_use]
    pub fn tells_files_apart(&self) -> bool {
        self.inode != 0
    }

    /// A number that two stamps share between which nothing was written.
    #[must_use]
    pub fn contents(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.bytes, self.modified_at, self.inode).hash(&mut hasher);
        hasher.finish()
    }

    /// Whether these are other bytes than those of `before`. A new name or link changes nothing.
    #[must_use]
    pub fn is_rewritten_since(&self, before: &Self) -> bool {
        (self.bytes, self.modified_at, self.inode) != (before.bytes, before.modified_at, before.inode)
    }
}

#[cfg(unix)]
fn inode_of(metadata: &Metadata, modified_at: SystemTime) -> (SystemTime, u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    let since_epoch =
        || Some(Duration::new(metadata.ctime().try_into().ok()?, metadata.ctime_nsec().try_into().ok()?));
    let changed_at = since_epoch().and_then(|time| SystemTime::UNIX_EPOCH.checked_add(time));
    (changed_at.unwrap_or(modified_at), metadata.nlink(), metadata.ino())
}

#[cfg(not(unix))]
fn inode_of(_: &Metadata, modified_at: SystemTime) -> (SystemTime, u64, u64) {
    (modified_at, 1, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that was written at one time and changed at another, in seconds.
    fn stamp(bytes: u64, modified_s: u64, changed_s: u64) -> Stamp {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        Stamp { bytes, modified_at: at(modified_s), changed_at: at(changed_s), links: 1, inode: 1 }
    }

    #[test]
    fn a_rename_and_a_link_finish_a_file_off() {
        let directory = tempfile::tempdir().expect("temp dir");
        let path = directory.path().join("a.ts");
        let now = || Stamp::of(&std::fs::metadata(&path).expect("metadata"));
        std::fs::write(&path, b"x").expect("written");
        let written = now();
        assert!(!written.was_finished_off());
        std::fs::hard_link(&path, directory.path().join("b.ts")).expect("linked");
        assert!(now().was_finished_off());
        assert!(!now().is_rewritten_since(&written));
        std::fs::write(&path, b"xy").expect("written");
        assert!(now().is_rewritten_since(&written));
        assert!(stamp(1, 5, 6).was_finished_off());
        assert!(!stamp(1, 6, 6).was_finished_off());
    }
}
