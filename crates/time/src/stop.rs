//! Stop: the one request that reaches every stage, from Ctrl-C or from a stage that failed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A request to stop; clones share it. It can be made once and not taken back.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    flag: Arc<AtomicBool>,
    changed: Arc<(Mutex<()>, Condvar)>,
}

impl Stop {
    /// Requests the stop.
    pub fn request(&self) {
        let guard = self.changed.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.flag.store(true, Ordering::Release);
        drop(guard);
        self.changed.1.notify_all();
    }

    /// Whether the stop was requested.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }

    /// Waits for at most `time`; says whether the stop came.
    pub fn wait(&self, time: Duration) -> bool {
        let guard = self.changed.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_guard, _) = self
            .changed
            .1
            .wait_timeout_while(guard, time, |()| !self.is_requested())
            .unwrap_or_else(PoisonError::into_inner);
        self.is_requested()
    }

    /// For callbacks of libav, which know only a flag.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.flag.clone()
    }
}
