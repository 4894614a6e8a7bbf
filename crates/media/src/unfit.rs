//! What keeps a whole MPEG-TS file out of a playlist. The watcher refuses files by it, and `inspect` says why. Pure.

use crate::facts::Facts;
use livedir_time::ticks::{exact_seconds, nearest_second};

/// Why a segment cannot be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Its writer has not finished it.
    #[error(
        "it was cut: {trailing_bytes} bytes follow the last whole packet; write it under a dot name and rename it \
         when it is complete"
    )]
    Cut {
        /// Bytes behind the last whole packet.
        trailing_bytes: usize,
    },
    /// It cannot be decoded by itself.
    #[error(
        "it does not begin with a keyframe and its parameter sets, so a player cannot start with it; let the encoder cut \
         at IDR pictures (x265: open-gop=0)"
    )]
    NoKeyframe,
    /// It breaks the promise that holds for all segments.
    #[error(
        "it lasts {:.3} s, over the target duration of {target_duration_s} s; let the encoder make a keyframe at least every {target_duration_s} s",
        exact_seconds(*duration_90k)
    )]
    TooLong {
        /// Its duration.
        duration_90k: u64,
        /// EXT-X-TARGETDURATION.
        target_duration_s: u32,
    },
}

/// The first reason that the segment cannot be listed. Its length is judged where there is a promise.
#[must_use]
pub fn unfit(facts: &Facts, target_duration_s: Option<u32>) -> Option<Unfit> {
    if facts.trailing_bytes > 0 {
        return Some(Unfit::Cut { trailing_bytes: facts.trailing_bytes });
    }
    // EXT-X-INDEPENDENT-SEGMENTS, RFC 8216 4.3.5.1: decoded without information from other segments.
    if facts.video.as_ref().is_some_and(|video| !video.starts_with_keyframe) {
        return Some(Unfit::NoKeyframe);
    }
    // RFC 8216 4.3.3.1: EXTINF, when rounded to the nearest integer, MUST be at most the target duration.
    let rounded_s = nearest_second(facts.duration_90k);
    target_duration_s
        .filter(|target_duration_s| rounded_s > u64::from(*target_duration_s))
        .map(|target_duration_s| Unfit::TooLong { duration_90k: facts.duration_90k, target_duration_s })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        duration_90k: u64,
        trailing_bytes: usize,
        target_duration_s: Option<u32>,
        expected: Option<Unfit>,
    ) {
        let facts = Facts { duration_90k, trailing_bytes, ..Facts::default() };
        assert_eq!(unfit(&facts, target_duration_s), expected);
    }

    #[test]
    fn a_cut_file_is_unfit_before_all_else() {
        check(900_000, 5, Some(1), Some(Unfit::Cut { trailing_bytes: 5 }));
    }

    #[test]
    fn a_segment_may_be_longer_than_the_promise_by_rounding_alone() {
        check(224_999, 0, Some(2), None);
        let too_long = Unfit::TooLong { duration_90k: 225_000, target_duration_s: 2 };
        check(225_000, 0, Some(2), Some(too_long));
        check(225_000, 0, None, None);
    }
}
