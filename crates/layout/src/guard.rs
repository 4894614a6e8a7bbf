//! Guard: the lock on a webroot, which is taken anew when somebody has moved the directory away and another one is in its place.
//!
//! In: the news that another directory lies under the path of the live directory. Out: a lock on it; or, if another program holds that
//! lock, a mark for all threads of this program that they must not write there any more.

use crate::{
    directory::{Directory, Identity},
    lock::LockError,
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tracing::warn;

/// Keeps others from writing to one webroot.
pub struct Guard {
    directory: Arc<dyn Directory>,
    webroot: PathBuf,
    held: Mutex<Held>,
    is_lost: AtomicBool,
}

struct Held {
    /// The directory that is locked.
    identity: Option<Identity>,
    lock: Option<Box<dyn Send>>,
    has_warned: bool,
}

impl Guard {
    /// Locks a webroot.
    pub fn take(directory: Arc<dyn Directory>, webroot: &Path) -> Result<Self, LockError> {
        let lock = directory.lock(webroot)?;
        Ok(Self::holding(directory, webroot, lock))
    }

    /// It is locked already.
    #[must_use]
    pub fn holding(directory: Arc<dyn Directory>, webroot: &Path, lock: Box<dyn Send>) -> Self {
        let held = Held { identity: directory.identity(webroot).ok(), lock: Some(lock), has_warned: false };
        let webroot = webroot.to_owned();
        Self { directory, webroot, held: Mutex::new(held), is_lost: AtomicBool::new(false) }
    }

    /// Whether somebody else writes there.
    pub fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::SeqCst)
    }

    /// Locks what lies under the path now. Says whether that is locked; it is to be tried again if not. An error means that somebody
    /// else writes there.
    pub fn renew(&self) -> Result<bool, LockError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_lost() {
            return Err(LockError::Taken(self.webroot.clone()));
        }
        let now = self.directory.identity(&self.webroot).ok();
        if now.is_some() && now == held.identity && held.lock.is_some() {
            return Ok(true);
        }
        // Of a directory that is elsewhere now.
        held.lock = None;
        match self.directory.lock(&self.webroot) {
            Ok(lock) => {
                let identity = self.directory.identity(&self.webroot).ok();
                *held = Held { identity, lock: Some(lock), has_warned: false };
                Ok(true)
            }
            Err(error @ LockError::Taken(_)) => {
                self.is_lost.store(true, Ordering::SeqCst);
                Err(error)
            }
            Err(error) => {
                if !std::mem::replace(&mut held.has_warned, true) {
                    warn!(%error, "the webroot cannot be locked");
                }
                Ok(false)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::disk::Disk;
    use std::fs;

    #[test]
    fn a_webroot_that_was_moved_away_is_locked_anew_unless_somebody_else_has_it() {
        let parent = tempfile::tempdir().expect("temp dir");
        let webroot = parent.path().join("webroot");
        let disk: Arc<dyn Directory> = Arc::new(Disk::without_events());
        let guard = Guard::take(Arc::clone(&disk), &webroot).expect("a lock");
        assert!(guard.renew().expect("it is there"));
        fs::rename(&webroot, parent.path().join("away")).expect("moved");
        assert!(guard.renew().expect("made"), "and locked");
        assert!(disk.lock(&webroot).is_err(), "a second one is refused");
        fs::rename(&webroot, parent.path().join("away too")).expect("moved");
        let _others = disk.lock(&webroot).expect("the second one is first");
        assert!(matches!(guard.renew(), Err(LockError::Taken(_))));
        assert!(guard.is_lost());
    }
}
