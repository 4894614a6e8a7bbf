//! Complaints: an error that comes back with every frame is reported once a minute, with a count.
//!
//! In: errors, as they happen. Out: log messages. The time is an argument.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// The same error is reported again after this long.
const AGAIN: Duration = Duration::from_secs(60);

/// What went wrong in one place, and how often.
#[derive(Debug)]
pub(crate) struct Complaint {
    message: &'static str,
    reported: Option<Reported>,
}

#[derive(Debug)]
struct Reported {
    error: String,
    at: Instant,
    /// How often it has happened since.
    since: u64,
}

impl Complaint {
    /// Of a place where `message` is what goes wrong.
    pub(crate) fn new(message: &'static str) -> Self {
        Self { message, reported: None }
    }

    /// It went wrong again. Gives the number of failures that a message was logged for, if one was.
    pub(crate) fn report(&mut self, error: &impl Display, now: Instant) -> Option<u64> {
        let error = error.to_string();
        let mut count = 1;
        if let Some(reported) = self.reported.as_mut().filter(|reported| reported.error == error) {
            reported.since += 1;
            if now.saturating_duration_since(reported.at) < AGAIN {
                return None;
            }
            count = reported.since;
        }
        tracing::warn!(error, count, "{}", self.message);
        self.reported = Some(Reported { error, at: now, since: 0 });
        Some(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_error_is_reported_once_a_minute_with_a_count_and_another_one_at_once() {
        let start = Instant::now();
        let mut complaint = Complaint::new("frames cannot be filtered");
        let reported: Vec<u64> = (0..3000)
            .filter_map(|n| complaint.report(&"no memory", start + Duration::from_millis(n * 21)))
            .collect();
        assert_eq!(reported, [1, 2858]);
        assert_eq!(complaint.report(&"another size", start), Some(1));
        assert_eq!(complaint.report(&"another size", start), None);
    }
}
