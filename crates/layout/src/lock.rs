//! Lock: one publisher a webroot. The lock is on the directory itself, so it leaves nothing behind, and the system takes
//! it back when the process ends, however it ends.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::remedy::remedy;

/// Held as long as it lives.
#[derive(Debug)]
pub struct WebrootLock {
    _directory: File,
}

/// Why the webroot cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else writes there.
    #[error("another livedir-publisher is writing to {}; stop it first, or name another directory", .0.display())]
    Taken(PathBuf),
    /// It cannot be made or opened.
    #[error("cannot use {} as webroot: {source}; {}", path.display(), remedy(source))]
    Unusable {
        /// The webroot.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl WebrootLock {
    /// Makes the webroot if need be, which it says, and locks it.
    pub fn take(webroot: &Path) -> Result<Self, LockError> {
        let unusable = |source| LockError::Unusable { path: webroot.to_owned(), source };
        make(webroot).map_err(unusable)?;
        let directory = File::open(webroot).map_err(unusable)?;
        match directory.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Taken(webroot.to_owned())),
            // Some network file systems know no locks: better no lock than no stream.
            Err(TryLockError::Error(error)) => tracing::warn!(%error, "webroot cannot be locked"),
        }
        // Told now, in one line, and not by the first segment.
        let probe = tempfile::Builder::new().prefix(".livedir-").tempfile_in(webroot);
        // The error names the probe's file, which is nobody's business; what is wrong says its kind.
        probe.map_err(|error| unusable(error.kind().into()))?;
        Ok(Self { _directory: directory })
    }
}

/// Says that a directory was made, with its whole path: whoever has misspelt the name of another one learns it by that.
pub fn tell_of_new_directory(absolute: &Path) {
    tracing::warn!(path = %absolute.display(), "directory created, because it did not exist; check its name");
}

fn make(webroot: &Path) -> io::Result<()> {
    let is_new = !webroot.try_exists()?;
    std::fs::create_dir_all(webroot)?;
    if is_new {
        tell_of_new_directory(&std::path::absolute(webroot)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_refused_until_the_first_is_gone() {
        let parent = tempfile::tempdir().unwrap();
        let webroot = parent.path().join("new").join("webroot");
        let first = WebrootLock::take(&webroot).unwrap();
        assert!(matches!(WebrootLock::take(&webroot), Err(LockError::Taken(_))));
        drop(first);
        WebrootLock::take(&webroot).unwrap();
        assert_eq!(std::fs::read_dir(&webroot).unwrap().count(), 0, "nothing is left behind");
    }

    #[test]
    fn a_file_in_its_place_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let webroot = parent.path().join("webroot");
        std::fs::write(&webroot, "").unwrap();
        let error = WebrootLock::take(&webroot).unwrap_err().to_string();
        assert!(error.contains("there is a file in its place; name a directory"), "{error}");
    }
}
