//! The clock that entries go by, and for how long they are trusted.

use std::time::{Duration, Instant};

/// For how long a file is taken to be what it was; a player that reloads once a second does not notice.
pub(super) const TRUST: Duration = Duration::from_millis(100);

/// Nanoseconds since the start, never 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(pub(super) Instant);

impl Clock {
    pub(super) fn now_ns(self) -> u64 {
        self.0.elapsed().as_nanos() as u64 + 1
    }
}
