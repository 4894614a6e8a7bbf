//! Limits: how long segments, parts and windows can be. What they are for stands at each.

use std::time::Duration;

/// Segments shorter than this are more trouble than they are worth: a request each, and hardly a frame in them.
#[cfg(feature = "capture")]
pub(crate) const SHORTEST_SEGMENT: Duration = Duration::from_millis(500);

/// Segments longer than this make viewers wait half a minute for the first frame.
pub(crate) const LONGEST_SEGMENT: Duration = Duration::from_secs(10);

/// Parts shorter than this are a request for every frame.
pub(crate) const SHORTEST_PART: Duration = Duration::from_millis(50);

/// Parts longer than this are as late as short segments.
#[cfg(feature = "capture")]
pub(crate) const LONGEST_PART: Duration = Duration::from_secs(1);

/// A source that is given less than this is shown as gone between two of its pictures: the grid itself waits for a picture that long.
#[cfg(feature = "capture")]
pub(crate) const SHORTEST_ABSENCE: Duration = Duration::from_millis(200);

/// A source that is given more than this is better not watched.
#[cfg(feature = "capture")]
pub(crate) const LONGEST_ABSENCE: Duration = Duration::from_secs(60 * 60);

/// RFC 8216 6.2.2 asks for at least three target durations.
pub(crate) const SMALLEST_WINDOW: usize = 3;

/// A day of 2 s segments: larger playlists are too much to load every few seconds.
pub(crate) const LARGEST_WINDOW: usize = 43_200;

/// As people write it: 2s, 1.5s, 500ms.
pub(crate) fn length(duration: &Duration) -> String {
    let seconds = duration.as_secs_f64();
    if *duration >= Duration::from_secs(1) || duration.is_zero() {
        format!("{seconds}s")
    } else {
        format!("{}ms", seconds * 1e3)
    }
}
