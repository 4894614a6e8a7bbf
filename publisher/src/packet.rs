//! Packets of a stream, as encoders and copies hand them to the packager.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::Rational;
use ffmpeg_next::codec::Id;
use livedir_media::{Medium, VideoCodec};
use livedir_time::ticks::TICKS_PER_S;
use std::time::SystemTime;

/// The clock of MPEG-TS, as libav writes it.
pub(crate) const TICKS: Rational = Rational(1, TICKS_PER_S as i32);

/// A grid time at which a segment begins, the same in every rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentBoundary {
    /// When it was, by the wall clock.
    pub filmed_at: SystemTime,
    /// Which segment of the run begins, from 0.
    pub segment: u64,
    /// The encoder had no time for the end of what it had begun before: that will never be whole.
    pub is_leapt_to: bool,
}

/// One packet of the stream.
pub struct EncodedPacket {
    /// Video or sound.
    pub medium: Medium,
    /// Decode time in 90 kHz ticks; it runs on for the whole run and does not wrap.
    pub dts_90k: i64,
    /// How long it is shown or heard, in 90 kHz ticks.
    pub duration_90k: i64,
    /// An IDR frame, or sound that begins a segment: when it was taken, by the wall clock. `None` for every other packet.
    pub keyframe_filmed_at: Option<SystemTime>,
    /// The boundary of the grid that it begins a segment at; `None` for every other packet.
    pub boundary: Option<SegmentBoundary>,
    /// Payload and presentation time, in libav's own form with 90 kHz timestamps.
    pub packet: ffmpeg::Packet,
}

/// When the frames of a segment are shown: with B-frames in another order than they are decoded in. Pure.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shown {
    /// The first presentation time, and the end of the last, in 90 kHz ticks.
    bounds_90k: Option<(i64, i64)>,
}

impl Shown {
    /// The next frame.
    pub(crate) fn note(&mut self, pts_90k: i64, duration_90k: i64) {
        let (first_90k, end_90k) = self.bounds_90k.unwrap_or((pts_90k, pts_90k));
        self.bounds_90k = Some((first_90k.min(pts_90k), end_90k.max(pts_90k + duration_90k)));
    }

    /// From the first that is shown to the end of the last; 0 without any.
    pub(crate) fn lasts_90k(self) -> i64 {
        self.bounds_90k.map_or(0, |(first_90k, end_90k)| end_90k - first_90k)
    }
}

/// What a packager gets.
pub enum Encoded {
    /// Before the first packet of a stream: what the muxer has to know of it.
    Stream {
        /// Video or sound.
        medium: Medium,
        /// As libav has them.
        parameters: ffmpeg::codec::Parameters,
    },
    /// A packet; each stream's come in order.
    Packet(EncodedPacket),
    /// Many at once, of a source that is copied.
    Packets(Vec<EncodedPacket>),
}

/// libav's number of what a frame is coded in.
fn id_of(codec: VideoCodec) -> Id {
    match codec {
        VideoCodec::H264 => Id::H264,
        VideoCodec::Hevc => Id::HEVC,
    }
}

/// What a frame is coded in that libav calls so; `None` for what is passed on by nobody here.
#[must_use]
pub fn video_codec(id: Id) -> Option<VideoCodec> {
    VideoCodec::ALL.into_iter().find(|codec| id_of(*codec) == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_off_between_b_frames_lasts_until_its_last_frame_was_shown() {
        let mut shown = Shown::default();
        assert_eq!(shown.lasts_90k(), 0);
        // I0 P3 B1 B2 P7, of 25 frames a second, decoded one after the other.
        for at in [0, 3, 1, 2, 7] {
            shown.note(9_000 + at * 3_600, 3_600);
        }
        assert_eq!(shown.lasts_90k(), 8 * 3_600);
    }
}
