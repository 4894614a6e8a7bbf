//! What a server answers: types, caching, gzip, CORS, and whether what has left a playlist stays for its grace.

use super::Finding;

/// An answer to GET, or to HEAD of a segment that has left the playlist.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpAnswer {
    /// As it was asked for, before any redirect.
    pub url: String,
    /// What was asked for.
    pub kind: Kind,
    /// Of the last answer.
    pub status: u16,
    /// Names in lower case; in order, repeated ones too.
    pub headers: Vec<(String, String)>,
    /// Size of the body as it was used, unpacked.
    pub bytes: u64,
    /// Whether the body came packed. The request must have allowed gzip.
    pub was_gzip: bool,
    /// How many redirects were followed.
    pub redirects: u32,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A playlist.
    Playlist {
        /// Of a live media playlist, its target duration, seconds; `None` for one that does not change.
        live_target_duration_s: Option<u64>,
    },
    /// A listed segment, or what EXT-X-MAP names.
    Segment,
    /// A segment that has left the playlist.
    Removed {
        /// Since the first version without it was seen, seconds.
        since_removed_s: f64,
        /// Its own duration and that of the longest playlist that contained it, seconds.
        must_stay_s: f64,
    },
}

/// A segment that has left the playlist, wherever it lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Removal {
    /// Such as `live/seg-00000042.ts` or `GET /live/seg-00000042.ts`.
    pub at: String,
    /// Since the first version without it was seen, seconds.
    pub since_removed_s: f64,
    /// Its own duration and that of the longest playlist that contained it, seconds.
    pub must_stay_s: f64,
    /// Whether it can still be had.
    pub is_available: bool,
}

/// Holds an answer to the rules.
#[must_use]
pub fn check_http(_answer: &HttpAnswer) -> Vec<Finding> {
    Vec::new()
}

/// Holds a segment that has left the playlist to its grace: on a disk, where there is no answer to look at.
#[must_use]
pub fn check_removal(_removal: &Removal) -> Vec<Finding> {
    Vec::new()
}
