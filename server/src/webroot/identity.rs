//! What tells one version of a file from another: the facts of its inode in, whether they can be relied on out. Pure.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

/// Longer than a step of the clock that files get their dates from (10 ms on the coarsest kernels).
const CLOCK_STEP: Duration = Duration::from_millis(20);

/// Tells one version of a file from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Identity {
    device_and_inode: (u64, u64),
    pub(crate) size_bytes: u64,
    pub(crate) modified_s_ns: (i64, i64),
    changed_s_ns: (i64, i64),
}

impl Identity {
    pub(crate) fn of(metadata: &Metadata) -> Identity {
        Identity {
            device_and_inode: (metadata.dev(), metadata.ino()),
            size_bytes: metadata.size(),
            modified_s_ns: (metadata.mtime(), metadata.mtime_nsec()),
            changed_s_ns: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// `None` for dates before 1970.
    pub(crate) fn modified(&self) -> Option<SystemTime> {
        let (s, ns) = self.modified_s_ns;
        let since_1970 = Duration::new(u64::try_from(s).ok()?, u32::try_from(ns).ok()?);
        SystemTime::UNIX_EPOCH.checked_add(since_1970)
    }

    /// Whether a file that differs from this one may look the same: replaced or written to within one step of the clock,
    /// with the same size, the inode used again. `seen_at` is when this one was checked.
    pub(crate) fn is_ambiguous(&self, seen_at: SystemTime) -> bool {
        let (s, ns) = self.changed_s_ns;
        let changed_at = Duration::new(u64::try_from(s).unwrap_or(0), u32::try_from(ns).unwrap_or(0));
        let since_1970 = seen_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        changed_at + CLOCK_STEP >= since_1970
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_changed_within_a_step_of_the_clock_may_be_another_one() {
        let webroot = tempfile::tempdir().unwrap();
        let mut identity = Identity::of(&fs::metadata(webroot.path()).unwrap());
        identity.changed_s_ns = (1_000, 0);
        let at = |milliseconds| SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
        assert!(identity.is_ambiguous(at(1_000_000)) && identity.is_ambiguous(at(1_000_020)));
        assert!(!identity.is_ambiguous(at(1_000_021)));
        assert!(identity.is_ambiguous(at(900_000)), "the clock has been put back");
    }
}
