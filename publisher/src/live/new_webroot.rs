//! New webroot: a directory that is made for a stream, and taken away again where the stream does not begin.
//!
//! In: the path of the webroot. Out: the directory. What could not be made is told by the lock, which is taken next.

use std::fs;
use std::path::{Path, PathBuf};

/// Takes away what was made when it is dropped, unless it is kept.
pub(crate) struct NewWebroot<'a> {
    webroot: &'a Path,
    /// The directories that were made, the deepest first.
    made: Vec<PathBuf>,
}

impl<'a> NewWebroot<'a> {
    /// Makes the directory, if there is none.
    pub(crate) fn make(webroot: &'a Path) -> Self {
        let is_missing = |path: &&Path| !path.as_os_str().is_empty() && fs::symlink_metadata(path).is_err();
        let missing: Vec<PathBuf> =
            webroot.ancestors().take_while(is_missing).map(Path::to_path_buf).collect();
        let made = fs::create_dir_all(webroot).map(|()| missing).unwrap_or_default();
        Self { webroot, made }
    }

    /// The stream begins: the directory stays, and people are told of it.
    pub(crate) fn keep(&mut self) {
        if std::mem::take(&mut self.made).is_empty() {
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
        kept.keep();
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
