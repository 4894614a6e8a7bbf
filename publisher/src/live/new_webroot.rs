//! New webroot: a directory that is made for a stream, and taken away again where the stream does not begin.
//!
//! In: the path of the webroot. Out: the directory, locked. What could not be made is told by the lock.

use livedir_layout::directory::Directory;
use livedir_layout::directory::disk::Disk;
use livedir_layout::guard::Guard;
use livedir_layout::lock::LockError;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The disk, the webroot on it, and its lock: let go of in this order from the last to the first.
type Taken<'a> = (Arc<dyn Directory>, NewWebroot<'a>, Arc<Guard>);

/// Makes the webroot, if there is none, and locks it.
pub(crate) fn take(webroot: &Path) -> Result<Taken<'_>, LockError> {
    let directory: Arc<dyn Directory> = Arc::new(Disk::without_events());
    let new_webroot = NewWebroot::make(webroot);
    let guard = Guard::take(directory.clone(), webroot)?;
    Ok((directory, new_webroot, Arc::new(guard)))
}

/// Takes away what was made when it is dropped, unless it is kept.
pub(crate) struct NewWebroot<'a> {
    webroot: &'a Path,
    /// The directories that were made, the deepest first.
    made: Vec<PathBuf>,
}

impl<'a> NewWebroot<'a> {
    /// Makes the directory, if there is none.
    fn make(webroot: &'a Path) -> Self {
        let is_missing = |path: &&Path| !path.as_os_str().is_empty() && fs::symlink_metadata(path).is_err();
        let missing: Vec<PathBuf> =
            webroot.ancestors().take_while(is_missing).map(Path::to_path_buf).collect();
        let made = fs::create_dir_all(webroot).map(|()| missing).unwrap_or_default();
        Self { webroot, made }
    }

    /// The stream begins: the directory stays, and people are told of it unless they expect it.
    pub(crate) fn keep(&mut self, is_expected: bool) {
        if std::mem::take(&mut self.made).is_empty() || is_expected {
            return;
        }
        let absolute = std::path::absolute(self.webroot);
        livedir_layout::lock::tell_of_new_directory(absolute.as_deref().unwrap_or(self.webroot));
    }
}

impl Drop for NewWebroot<'_> {
    fn drop(&mut self) {
        // One that is not empty stays, and those above it.
        let _ = self.made.iter().try_for_each(fs::remove_dir);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_is_taken_away_again_unless_it_is_kept() {
        let parent = tempfile::tempdir().expect("a directory");
        let webroot = parent.path().join("new/webroot");
        drop(NewWebroot::make(&webroot));
        assert_eq!(fs::read_dir(parent.path()).expect("it stays").count(), 0);
        let mut kept = NewWebroot::make(&webroot);
        kept.keep(false);
        drop(kept);
        assert!(webroot.is_dir());
    }

    #[test]
    fn what_was_there_or_has_something_in_it_stays() {
        let parent = tempfile::tempdir().expect("a directory");
        drop(NewWebroot::make(parent.path()));
        assert!(parent.path().is_dir());
        let webroot = parent.path().join("new/webroot");
        let made = NewWebroot::make(&webroot);
        fs::write(parent.path().join("new/letter"), "").expect("room");
        drop(made);
        assert!(!webroot.exists() && parent.path().join("new/letter").exists());
    }
}
