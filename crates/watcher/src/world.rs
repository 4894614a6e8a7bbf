//! World: the directory and the clock that a watcher runs in, and its wakes. All of them can be made up.

use crate::clock::{Clock, SystemClock};
use crate::events::hints::Hints;
use crate::events::wake::Wake;
use jiff::{Timestamp, Unit};
use livedir_layout::directory::Directory;
use livedir_layout::directory::disk::Disk;
use std::{
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    time::{Instant, SystemTime},
};

/// Where a watcher runs.
#[derive(Debug, Clone)]
pub struct World {
    /// Its files.
    pub directory: Arc<dyn Directory>,
    /// Its time.
    pub clock: Arc<dyn Clock>,
}

/// What wakes a watcher.
#[derive(Debug)]
pub struct Wakes {
    /// For those who wake it.
    pub sender: Sender<Wake>,
    /// For the watcher.
    pub receiver: Receiver<Wake>,
}

impl Wakes {
    /// Of a new watcher.
    #[must_use]
    pub fn new() -> Self {
        let (sender, receiver) = mpsc::channel();
        Self { sender, receiver }
    }
}

impl Default for Wakes {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// This machine. `wakes`: where events of the file system go; `None`: the directories are looked at instead.
    #[must_use]
    pub fn real(wakes: Option<&Wakes>) -> Self {
        let directory = match wakes {
            Some(wakes) => Disk::with_events(Box::new(Hints::new(wakes.sender.clone()))),
            None => Disk::without_events(),
        };
        Self { directory: Arc::new(directory), clock: Arc::new(SystemClock) }
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(crate) fn wall(&self) -> SystemTime {
        self.clock.wall()
    }

    /// The time of the calendar, to the millisecond: playlists tell no more.
    pub(crate) fn date(&self) -> Timestamp {
        let now = Timestamp::try_from(self.wall()).unwrap_or(Timestamp::UNIX_EPOCH);
        now.round(Unit::Millisecond).unwrap_or(now)
    }
}
