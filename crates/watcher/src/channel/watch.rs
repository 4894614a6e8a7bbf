//! Watch: whether the live directory is watched, and whether all that happened in it is known. Pure.
//!
//! In: what the file system says of the directory, and when events came. Out: whether it has to be listed.

use livedir_layout::directory::Identity;
use std::time::{Duration, SystemTime};

/// Times of files tick: a change this long before a listing may bear the same time as one after it. Two seconds is the
/// coarsest in use.
const COARSEST_TIMES: Duration = Duration::from_secs(2);

/// The state of the watch on one live directory.
#[derive(Debug)]
pub(crate) struct Watch {
    /// The directory that is there, watched or not.
    identity: Option<Identity>,
    /// Whether another one has come in its place, or was made there, and nobody has looked after the lock.
    is_exchanged: bool,
    /// The directory that is watched; `None` while it is not.
    watched: Option<Identity>,
    /// The time of the directory when it was listed last, and when that was.
    listed_as_of: Option<(SystemTime, SystemTime)>,
    last_event_at: SystemTime,
}

impl Watch {
    /// A directory that was listed `at`, when its own time was `listed_as_of`.
    pub(crate) fn begin(
        identity: Option<Identity>,
        watched: Option<Identity>,
        listed_as_of: Option<SystemTime>,
        at: SystemTime,
    ) -> Self {
        Self {
            identity,
            // Perhaps it was, while this looked.
            is_exchanged: true,
            watched,
            listed_as_of: listed_as_of.map(|as_of| (as_of, at)),
            last_event_at: at,
        }
    }

    /// Whether the system tells of changes.
    pub(crate) fn is_on(&self) -> bool {
        self.watched.is_some()
    }

    /// Whether this directory is the one that is watched.
    pub(crate) fn is_watched(&self, directory: &Identity) -> bool {
        self.watched.as_ref() == Some(directory)
    }

    /// The watched directory is not there any more, but this one, or none. Says whether the one that was there has gone.
    pub(crate) fn end(&mut self, now: Option<&Identity>) -> bool {
        self.watched = None;
        let has_gone = self.identity.is_some() && now != self.identity.as_ref();
        self.is_exchanged |= has_gone;
        has_gone
    }

    /// This directory is there now.
    pub(crate) fn note_identity(&mut self, now: Option<Identity>) {
        self.identity = now;
    }

    /// The system tells of changes in this directory from now on.
    pub(crate) fn begin_again(&mut self, watched: Identity) {
        self.watched = Some(watched);
    }

    /// Whether the lock has to be taken again, in another directory.
    pub(crate) fn is_exchanged(&self) -> bool {
        self.is_exchanged
    }

    /// Somebody has tried to take the lock in the directory that is there now.
    pub(crate) fn note_lock(&mut self, is_locked: bool) {
        self.is_exchanged = !is_locked;
    }

    /// An event has come: what changed in the directory until now is known, or will be.
    pub(crate) fn note_event(&mut self, at: SystemTime) {
        self.last_event_at = at;
    }

    /// The directory is listed. `changed_at`: its own time.
    pub(crate) fn note_listing(&mut self, changed_at: Option<SystemTime>, at: SystemTime) {
        self.listed_as_of = changed_at.map(|changed_at| (changed_at, at));
    }

    /// Something may have happened that no event told.
    pub(crate) fn knows_nothing(&mut self) {
        self.listed_as_of = None;
        self.last_event_at = SystemTime::UNIX_EPOCH;
    }

    /// Whether nothing has happened in the directory since it was listed, or nothing but what events told. `changed_at`: its own time.
    pub(crate) fn knows_all(&self, changed_at: SystemTime) -> bool {
        if self.watched.is_some() && changed_at <= self.last_event_at {
            return true;
        }
        self.listed_as_of.is_some_and(|(as_of, listed_at)| {
            as_of == changed_at && listed_at.duration_since(as_of).is_ok_and(|passed| passed > COARSEST_TIMES)
        })
    }
}
