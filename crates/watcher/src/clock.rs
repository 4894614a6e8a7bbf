//! Clock: what the watcher asks of time. The real one is [`SystemClock`]; the simulation has one that is told.

use crate::events::wake::Wake;
use std::{
    fmt,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant, SystemTime},
};

/// What the watcher asks of time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time that only goes forward.
    fn now(&self) -> Instant;

    /// The time of the calendar. It may be set, also back.
    fn wall(&self) -> SystemTime;

    /// The next wake, waited for no longer than `longest`.
    fn wait(&self, wakes: &Receiver<Wake>, longest: Duration) -> Result<Wake, RecvTimeoutError>;
}

/// The clocks of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn wait(&self, wakes: &Receiver<Wake>, longest: Duration) -> Result<Wake, RecvTimeoutError> {
        wakes.recv_timeout(longest)
    }
}
