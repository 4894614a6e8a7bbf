//! What makes playlists for tests: of this crate, and of those that read or judge playlists.

#![allow(dead_code)] // each program uses some of it

pub mod damage;
pub mod golden;
pub mod live_edge;
pub mod low_latency;
pub mod random;

use jiff::{SignedDuration, Timestamp};
use livedir_playlist::{Segment, Window, WindowSettings};

/// A window of ten with a target of 2 s, as `livedir-publisher live` has by default.
pub const TEN_OF_2_S: WindowSettings = WindowSettings { target_duration_s: 2, segments: 10 };

/// The segment of a stream of even pieces that begins on 1 March 2026 at noon.
pub fn segment(media_sequence: u64, duration_90k: u64) -> Segment {
    let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    let since_noon = SignedDuration::from_micros((media_sequence - 1) as i64 * 2_000_000);
    Segment {
        uri: format!("live/seg-{media_sequence:08}.ts"),
        duration_90k,
        program_date_time: Some(noon + since_noon),
        discontinuity: false,
        gap: false,
    }
}

pub fn after_a_break(segment: Segment) -> Segment {
    Segment { discontinuity: true, ..segment }
}

/// A window into which the given number of segments of 2 s was pushed.
pub fn window_after(settings: WindowSettings, pushes: u64) -> Window {
    let mut window = Window::new(settings, 1);
    for media_sequence in 1..=pushes {
        window.push(segment(media_sequence, 180_000)).unwrap();
    }
    window
}
