//! A disk of a test's own, in memory: it can be small, full or read-only, also for root.

use std::path::Path;

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tempfile::TempDir;

/// A mounted disk. It is gone with the test.
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts one with the options of a tmpfs, such as `size=1m`.
    #[track_caller]
    pub fn mount(options: &str, flags: MountFlags) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = std::ffi::CString::new(options).unwrap();
        mount("livedir-test", directory.path(), "tmpfs", flags, options.as_c_str())
            .unwrap_or_else(|error| panic!("cannot mount a small disk: {error}; run this test as root"));
        Self(directory)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Also while a program still has files open there.
        let _ = unmount(self.path(), UnmountFlags::DETACH);
    }
}
