//! Silence: how long no segment has come, and when that is too long. Pure.
//!
//! In: when segments came, and the target duration. Out: when the encoder is silent, and when the stream has ended.

use std::time::{Duration, Instant};

/// An encoder is silent when nothing has come for so many target durations: players have nothing left to show then.
const SILENT_TARGETS: u32 = 3;

/// Since when no segment has come.
#[derive(Debug)]
pub(crate) struct Silence {
    since: Instant,
    end_after: Option<Duration>,
}

impl Silence {
    /// `end_after`: a stream that is silent for so long has ended.
    pub(crate) fn new(since: Instant, end_after: Option<Duration>) -> Self {
        Self { since, end_after }
    }

    /// The last segment came at this time.
    pub(crate) fn begin_at(&mut self, since: Instant) {
        self.since = since;
    }

    pub(crate) fn lasted(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    /// When the encoder will have been silent for too long.
    pub(crate) fn too_long_at(&self, target: Duration) -> Option<Instant> {
        self.since.checked_add(target * SILENT_TARGETS)
    }

    /// When the stream will have ended; `None`: never.
    pub(crate) fn ends_at(&self) -> Option<Instant> {
        self.end_after.and_then(|end_after| self.since.checked_add(end_after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_silent_after_three_target_durations_and_ends_when_it_was_told_to() {
        let began = Instant::now();
        let mut silence = Silence::new(began, Some(Duration::from_secs(60)));
        silence.begin_at(began + Duration::from_secs(10));
        let at = |seconds| Some(began + Duration::from_secs(seconds));
        assert_eq!(silence.too_long_at(Duration::from_secs(2)), at(16));
        assert_eq!(silence.ends_at(), at(70));
        assert_eq!(Silence::new(began, None).ends_at(), None);
        assert_eq!(silence.lasted(began), Duration::ZERO);
    }
}
