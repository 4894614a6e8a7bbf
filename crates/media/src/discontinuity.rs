//! Whether one segment goes on where the other ended. Judged from the bytes of both, by nothing else.

use crate::facts::Facts;
use crate::ts::continuity;
use livedir_time::clock_33_bit::distance_90k;
use livedir_time::ticks::exact_signed_seconds;
use std::fmt;

/// Why a segment does not go on where the one before it ended: it needs EXT-X-DISCONTINUITY.
///
/// RFC 8216 4.3.2.3: MUST on a change of file format, of number, type and identifiers of tracks, or of the timestamp
/// sequence; SHOULD on a change of encoding parameters or sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discontinuity {
    /// The timeline jumps by this much; negative: back.
    Timeline {
        /// From the end of the one to the start of the other.
        jump_90k: i64,
    },
    /// Other streams, or the same ones on other PIDs.
    Streams,
    /// Video that needs another decoder set-up.
    Video,
    /// Audio that needs another decoder set-up.
    Audio,
    /// The continuity counter of this PID does not run on (RFC 8216 3: a client may take it for lost packets).
    Counter {
        /// The PID.
        pid: u16,
    },
}

impl fmt::Display for Discontinuity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeline { jump_90k } => {
                write!(out, "the timeline jumps by {:.3} s", exact_signed_seconds(*jump_90k))
            }
            Self::Streams => out.write_str("other streams"),
            Self::Video => out.write_str("another video format"),
            Self::Audio => out.write_str("another audio format"),
            Self::Counter { pid } => write!(out, "the continuity counter of PID {pid} does not run on"),
        }
    }
}

/// A frame's length where a segment does not tell one: 20 frames a second.
const FALLBACK_INTERVAL_90K: u64 = 4_500;

/// The first reason that `next` does not go on where `previous` ended; `None` when it does.
#[must_use]
pub fn discontinuity(previous: &Facts, next: &Facts) -> Option<Discontinuity> {
    if previous.streams != next.streams {
        return Some(Discontinuity::Streams);
    }
    if let (Some(previous), Some(next)) = (&previous.video, &next.video)
        && previous.sps != next.sps
    {
        return Some(Discontinuity::Video);
    }
    // One of them may be short of audio for want of a whole frame; that is no change of format.
    if let (Some(previous), Some(next)) = (&previous.audio, &next.audio)
        && previous.codec != next.codec
    {
        return Some(Discontinuity::Audio);
    }
    let jump_90k = distance_90k(previous.end_90k(), next.start_90k);
    if jump_90k.unsigned_abs() >= smallest_break_90k(previous) {
        return Some(Discontinuity::Timeline { jump_90k });
    }
    next.counters.iter().find_map(|counter| {
        let before = previous.counters.iter().find(|before| before.pid == counter.pid)?;
        let pid = counter.pid;
        (!continuity::runs_on(before.last, counter.first)).then_some(Discontinuity::Counter { pid })
    })
}

/// The smallest jump of the timeline behind `previous` that is a break: a frame and a half. That is more than rounding and a
/// rate of, say, 29.97 can do, and less than a frame that is missing.
#[must_use]
pub fn smallest_break_90k(previous: &Facts) -> u64 {
    let longest_90k = previous.video.as_ref().map_or(0, |video| video.last_picture.longest_90k);
    let interval_90k = match previous.frame_interval_90k.max(longest_90k) {
        0 => FALLBACK_INTERVAL_90K,
        interval_90k => interval_90k,
    };
    interval_90k * 3 / 2 + 1
}

#[cfg(test)]
mod tests {
    use super::super::{
        AudioCodec, AudioFacts, Counter, ElementaryStream, LastPicture, VideoCodec, VideoFacts,
    };
    use super::*;

    fn facts(start_90k: u64, first: u8, last: u8) -> Facts {
        let video = VideoFacts {
            codec: VideoCodec::H264,
            start_90k,
            duration_90k: 180_000,
            frame_interval_90k: 4_500,
            last_picture: LastPicture::default(),
            decoding: None,
            frames: 40,
            keyframes: 1,
            starts_with_keyframe: true,
            starts_with_parameter_sets: true,
            has_captions: false,
            picture: None,
            changes_to: None,
            sps: vec![0x67, 1],
        };
        let codec = AudioCodec::Aac { sample_rate_hz: 48_000, channels: 2 };
        Facts {
            start_90k,
            duration_90k: 180_000,
            frame_interval_90k: 4_500,
            video: Some(video),
            audio: Some(AudioFacts { start_90k, end_90k: start_90k, codec }),
            programs: 1,
            streams: vec![ElementaryStream { pid: 256, stream_type: 0x1b, format: None }],
            counters: vec![Counter { pid: 256, first, last, breaks: 0 }],
            tables_first: true,
            trailing_bytes: 0,
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Facts), expected: Option<Discontinuity>) {
        let mut next = facts(270_000, 4, 9);
        change(&mut next);
        assert_eq!(discontinuity(&facts(90_000, 0, 3), &next), expected);
    }

    #[test]
    fn a_segment_that_begins_where_the_other_ended_goes_on() {
        check(|_| {}, None);
        check(|next| next.start_90k += 4_500, None);
        check(|next| next.start_90k -= 4_500, None);
    }

    #[test]
    fn a_timeline_may_wrap_but_not_jump() {
        check(|next| next.start_90k += 9_000, Some(Discontinuity::Timeline { jump_90k: 9_000 }));
        check(|next| next.start_90k = 90_000, Some(Discontinuity::Timeline { jump_90k: -180_000 }));
        let wrap = 1 << 33;
        assert_eq!(discontinuity(&facts(wrap - 90_000, 0, 3), &facts(90_000, 4, 9)), None);
    }

    #[test]
    fn other_streams_and_formats_break_it() {
        check(|next| next.streams.clear(), Some(Discontinuity::Streams));
        check(|next| next.video.as_mut().expect("video").sps.push(1), Some(Discontinuity::Video));
        let other = AudioCodec::Aac { sample_rate_hz: 44_100, channels: 2 };
        check(|next| next.audio.as_mut().expect("audio").codec = other, Some(Discontinuity::Audio));
    }

    #[test]
    fn a_segment_without_a_whole_audio_frame_goes_on() {
        check(|next| next.audio = None, None);
    }

    #[test]
    fn counters_run_on_and_a_pid_that_was_not_there_does_not_matter() {
        check(|next| next.counters[0].first = 5, Some(Discontinuity::Counter { pid: 256 }));
        check(|next| next.counters.push(Counter { pid: 17, first: 9, last: 9, breaks: 0 }), None);
    }
}
