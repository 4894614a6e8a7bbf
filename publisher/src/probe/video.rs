//! Video: when its pictures are shown, which of them can be decoded on their own, and what they look like.
//!
//! In: PES starts and the bytes behind them, as they come. Of each picture only the bytes before its first slice are looked at.

use super::{
    clock::{distance_90k, later_90k},
    last_picture::{LastPicture, last_picture, median},
    pes::StreamScan,
};
use h264_reader::{
    nal::sps::SeqParameterSet,
    rbsp::{BitReader, decode_nal},
};

/// The video of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoFacts {
    /// When the first picture in order of presentation is shown, 33 bits.
    pub start_90k: u64,
    /// From there to the end of the last picture.
    pub duration_90k: u64,
    /// How long one picture is shown: the median interval; of a single picture what its SPS says, or 0.
    pub frame_interval_90k: u64,
    /// How long the last picture is shown.
    pub last_picture: LastPicture,
    /// Pictures.
    pub frames: u64,
    /// Pictures that are IDR.
    pub keyframes: u64,
    /// Whether decoding can begin here: the first picture is IDR, with SPS and PPS.
    pub starts_with_keyframe: bool,
    /// What the first SPS says of the pictures; `None` without a readable one.
    pub picture: Option<Picture>,
    /// The first SPS, byte by byte: pictures that need another decoder set-up have another one.
    pub sps: Vec<u8>,
}

/// What an SPS says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels, cropped.
    pub width: u32,
    /// Height in pixels, cropped.
    pub height: u32,
    /// For example `avc1.64001e`: profile, constraints and level (RFC 6381).
    pub codec: String,
    frame_interval_90k: Option<u64>,
}

const SLICES: std::ops::RangeInclusive<u8> = 1..=5;
const IDR_SLICE: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;
/// An hour: even a slide show goes on sooner, and times are told apart up to 13 hours.
const LONGEST_INTERVAL_90K: u64 = 3_600 * 90_000;
/// An SPS of broadcast video takes some 30 bytes, with scaling lists and HRD a few hundred.
const LONGEST_SPS_BYTES: usize = 4_096;

#[derive(Default)]
pub(super) struct VideoScan {
    pts_90k: Vec<u64>,
    keyframes: u64,
    began_inside_a_picture: bool,
    first_is_key: bool,
    sps: Option<Vec<u8>>,
    picture: PictureHead,
}

/// The bytes of one picture up to its first slice.
#[derive(Default)]
pub(super) struct PictureHead {
    at: At,
    /// Zero bytes just before.
    zeros: u32,
    sps: Option<Vec<u8>>,
    has_pps: bool,
    is_idr: bool,
}

/// Where the next byte belongs.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum At {
    /// To something that does not matter here.
    #[default]
    Elsewhere,
    /// It is the first of a NAL unit.
    NalHeader,
    /// To the SPS.
    Sps,
    /// To the picture itself: nothing more to learn.
    Slice,
}

impl StreamScan for VideoScan {
    fn start(&mut self, pts_90k: Option<u64>) {
        // A PES packet without a time goes on with the picture before it (long pictures take several).
        if let Some(pts_90k) = pts_90k {
            self.end_picture();
            self.pts_90k.push(pts_90k);
            self.picture = PictureHead::default();
        }
    }

    fn push(&mut self, stream_bytes: &[u8]) {
        if self.pts_90k.is_empty() {
            self.began_inside_a_picture |= !stream_bytes.is_empty();
        } else {
            self.picture.push(stream_bytes);
        }
    }
}

impl VideoScan {
    fn end_picture(&mut self) {
        let Some(index) = self.pts_90k.len().checked_sub(1) else { return };
        let head = std::mem::take(&mut self.picture);
        self.keyframes += u64::from(head.is_idr);
        if index == 0 {
            self.first_is_key =
                head.is_idr && head.has_pps && head.sps.is_some() && !self.began_inside_a_picture;
        }
        if self.sps.is_none() {
            self.sps = head.sps;
        }
    }

    /// `None` when no picture came. The sound beside it lasts `sound_90k`.
    pub(super) fn finish(mut self, sound_90k: Option<u64>) -> Option<VideoFacts> {
        self.end_picture();
        let reference_90k = *self.pts_90k.first()?;
        let mut shown_90k: Vec<i64> =
            self.pts_90k.iter().map(|&pts_90k| distance_90k(reference_90k, pts_90k)).collect();
        shown_90k.sort_unstable();
        let (first, last) = (shown_90k[0], shown_90k[shown_90k.len() - 1]);

        let sps = self.sps.unwrap_or_default();
        let picture = read_sps(&sps);
        let told_90k = picture.as_ref().and_then(|picture| picture.frame_interval_90k);
        // The two fields of a frame may carry the same time.
        let intervals_90k: Vec<u64> = shown_90k
            .windows(2)
            .map(|pair| (pair[1] - pair[0]) as u64)
            .filter(|&interval_90k| interval_90k > 0)
            .collect();
        // The sound of a part is cut anywhere; only that of a whole segment ends where the pictures do.
        let sound_90k = sound_90k.filter(|_| self.first_is_key);
        let last_picture = last_picture(&intervals_90k, told_90k, sound_90k);
        Some(VideoFacts {
            start_90k: later_90k(reference_90k, first as u64),
            duration_90k: (last - first) as u64 + last_picture.believed_90k,
            frame_interval_90k: median(&intervals_90k).unwrap_or(last_picture.believed_90k),
            last_picture,
            frames: self.pts_90k.len() as u64,
            keyframes: self.keyframes,
            starts_with_keyframe: self.first_is_key,
            picture,
            sps,
        })
    }
}

impl PictureHead {
    /// Whether the picture can be decoded by itself.
    pub(super) fn is_idr(&self) -> bool {
        self.is_idr
    }

    /// More of its bytes.
    pub(super) fn push(&mut self, stream_bytes: &[u8]) {
        for &byte in stream_bytes {
            if self.at == At::NalHeader {
                self.at = self.start_nal(byte & 0x1f);
            }
            match (self.at, &mut self.sps) {
                (At::Slice, _) => return,
                (At::Sps, Some(sps)) if sps.len() < LONGEST_SPS_BYTES => sps.push(byte),
                _ => {}
            }
            match byte {
                0 => self.zeros = self.zeros.saturating_add(1),
                1 if self.zeros >= 2 => {
                    self.end_nal();
                    self.at = At::NalHeader;
                    self.zeros = 0;
                }
                _ => self.zeros = 0,
            }
        }
    }

    fn start_nal(&mut self, nal_type: u8) -> At {
        match nal_type {
            SPS if self.sps.is_none() => {
                self.sps = Some(Vec::new());
                At::Sps
            }
            PPS => {
                self.has_pps = true;
                At::Elsewhere
            }
            slice if SLICES.contains(&slice) => {
                self.is_idr = slice == IDR_SLICE;
                At::Slice
            }
            _ => At::Elsewhere,
        }
    }

    /// Takes the start code that ended the SPS off it again.
    fn end_nal(&mut self) {
        if let (At::Sps, Some(sps)) = (self.at, &mut self.sps) {
            sps.pop();
            while sps.last() == Some(&0) {
                sps.pop();
            }
        }
    }
}

fn read_sps(sps: &[u8]) -> Option<Picture> {
    let &[_, profile, constraints, level, ..] = sps else { return None };
    let rbsp = decode_nal(sps).ok()?;
    let parsed = SeqParameterSet::from_bits(BitReader::new(&*rbsp)).ok()?;
    let (width, height) = parsed.pixel_dimensions().ok()?;
    let timing = parsed.vui_parameters.and_then(|vui| vui.timing_info);
    // H.264 E.2.1: a tick is a field, a frame takes two.
    let frame_interval_90k = timing
        .filter(|timing| timing.time_scale > 0)
        .map(|timing| 180_000 * u64::from(timing.num_units_in_tick) / u64::from(timing.time_scale))
        .filter(|interval_90k| (1..=LONGEST_INTERVAL_90K).contains(interval_90k));
    let codec = format!("avc1.{profile:02x}{constraints:02x}{level:02x}");
    Some(Picture { width, height, codec, frame_interval_90k })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// High profile, level 3, 640x480, 20 fps.
    const SPS_640X480: &[u8] = &[
        0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9, 0x40, 0xa0, 0x3d, 0xb0, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00,
        0x00, 0x03, 0x00, 0x28, 0x0f, 0x16, 0x2d, 0x96,
    ];

    fn keyframe() -> Vec<u8> {
        let start: &[u8] = &[0, 0, 0, 1];
        [&[0, 0, 0, 1, 9, 0xf0], start, SPS_640X480, start, &[0x68, 0xeb], &[0, 0, 1], &[0x65, 1, 2]].concat()
    }

    fn scan(pictures: &[(u64, &[u8])], chunk_bytes: usize) -> VideoFacts {
        let mut scan = VideoScan::default();
        for (pts_90k, bytes) in pictures {
            scan.start(Some(*pts_90k));
            bytes.chunks(chunk_bytes).for_each(|chunk| scan.push(chunk));
        }
        scan.finish(None).expect("pictures")
    }

    const OTHER: &[u8] = &[0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x41, 0xff];

    #[test]
    fn facts_do_not_depend_on_where_packets_are_cut() {
        let key = keyframe();
        let whole = scan(&[(9_000, &key), (13_500, OTHER)], 1_000);
        assert!(whole.starts_with_keyframe);
        assert_eq!((whole.frames, whole.keyframes, whole.duration_90k), (2, 1, 9_000));
        for chunk_bytes in 1..key.len() {
            assert_eq!(scan(&[(9_000, &key), (13_500, OTHER)], chunk_bytes), whole, "{chunk_bytes}");
        }
    }

    #[test]
    fn the_sps_tells_size_codec_and_rate() {
        let picture = scan(&[(0, &keyframe())], 50).picture.expect("an SPS");
        assert_eq!((picture.width, picture.height, picture.codec.as_str()), (640, 480, "avc1.64001e"));
        assert_eq!(picture.frame_interval_90k, Some(4_500));
    }

    #[test]
    fn a_single_picture_lasts_as_its_sps_says() {
        assert_eq!(scan(&[(0, &keyframe())], 50).duration_90k, 4_500);
        assert_eq!(scan(&[(0, OTHER)], 50).duration_90k, 0);
    }

    #[test]
    fn the_sound_of_a_part_does_not_stretch_its_last_picture() {
        let mut part = VideoScan::default();
        for pts_90k in [0, 4_500] {
            part.start(Some(pts_90k));
            part.push(OTHER);
        }
        assert_eq!(part.finish(Some(13_440)).expect("pictures").duration_90k, 9_000);
    }

    #[test]
    fn pictures_are_timed_in_order_of_presentation_over_the_wrap() {
        let wrap = 1 << 33;
        let facts =
            scan(&[(wrap - 6_000, &keyframe()), (3_000, OTHER), (wrap - 3_000, OTHER), (0, OTHER)], 50);
        assert_eq!(
            (facts.start_90k, facts.duration_90k, facts.frame_interval_90k),
            (wrap - 6_000, 12_000, 3_000)
        );
    }

    #[test]
    fn a_late_picture_does_not_stretch_the_last_one() {
        let facts = scan(&[(0, &keyframe()), (3_000, OTHER), (6_000, OTHER), (90_000, OTHER)], 50);
        assert_eq!(facts.duration_90k, 93_000);
    }

    #[test]
    fn decoding_cannot_begin_without_idr_or_parameter_sets_or_inside_a_picture() {
        assert!(!scan(&[(0, OTHER), (3_000, &keyframe())], 50).starts_with_keyframe);
        assert!(!scan(&[(0, &[0, 0, 1, 0x65, 1])], 50).starts_with_keyframe);
        let mut torn = VideoScan::default();
        torn.push(&[1, 2, 3]);
        torn.start(Some(0));
        torn.push(&keyframe());
        assert!(!torn.finish(None).expect("a picture").starts_with_keyframe);
    }

    #[test]
    fn a_pes_packet_without_a_time_goes_on_with_its_picture() {
        let key = keyframe();
        let mut scan = VideoScan::default();
        scan.start(Some(0));
        scan.push(&key[..9]);
        scan.start(None);
        scan.push(&key[9..]);
        let facts = scan.finish(None).expect("a picture");
        assert!(facts.starts_with_keyframe);
        assert_eq!(facts.frames, 1);
    }
}
