//! Video: when its frames are shown, which of them can be decoded on their own, and what they look like.
//!
//! In: PES starts and the bytes behind them, as they come. Of each frame only the bytes before its first slice are looked at.

use super::pes::StreamScan;
use crate::codec::picture::Picture;
use crate::codec::picture_head::PictureHead;
use crate::codec::{Slice, VideoCodec};
use crate::last_picture::{LastPicture, last_picture, median};
use livedir_time::clock_33_bit::{distance_90k, later_90k};

/// The video of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoFacts {
    /// Codec of its video.
    pub codec: VideoCodec,
    /// When the first frame in order of presentation is shown, 33 bits.
    pub start_90k: u64,
    /// From there to the end of the last frame.
    pub duration_90k: u64,
    /// How long one frame is shown: the median interval; of a single frame what its SPS says, or 0.
    pub frame_interval_90k: u64,
    /// How long the last frame is shown.
    pub last_picture: LastPicture,
    /// Its times in decoding order; `None` where frames are shown in the order in which they are decoded.
    pub decoding: Option<Decoding>,
    /// Frames.
    pub frames: u64,
    /// Frames that can be decoded by themselves.
    pub keyframes: u64,
    /// Whether decoding can begin here: the first frame is a keyframe with its parameter sets, and none behind it needs one
    /// before it.
    pub starts_with_keyframe: bool,
    /// Whether the first frame carries its parameter sets: a decoder that begins here knows how to read it.
    pub starts_with_parameter_sets: bool,
    /// Whether closed captions come with its frames that say something.
    pub has_captions: bool,
    /// What the first SPS says of the frames; `None` without a readable one.
    pub picture: Option<Picture>,
    /// The size of a later frame, where it is another one than that of the first.
    pub changes_to: Option<(u32, u32)>,
    /// The first SPS, byte by byte: frames that need another decoder set-up have another one.
    pub sps: Vec<u8>,
}

/// When frames are decoded that are shown in another order (B-frames). A part of a segment holds frames that follow each other in this
/// order, and may be shown with frames of other parts between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoding {
    /// When the first frame is decoded, 33 bits.
    pub start_90k: u64,
    /// From there to when the frame behind the last one is decoded.
    pub duration_90k: u64,
    /// From one frame to the next.
    pub frame_interval_90k: u64,
    /// From the last frame to the one behind it.
    pub last_picture: LastPicture,
}

pub(crate) struct VideoScan {
    codec: VideoCodec,
    pts_90k: Vec<u64>,
    /// Of the same frames.
    dts_90k: Vec<u64>,
    keyframes: u64,
    began_inside_a_picture: bool,
    first: Option<Slice>,
    first_is_key: bool,
    first_has_sets: bool,
    /// Pictures with captions.
    captioned: u64,
    sps: Option<Vec<u8>>,
    changes_to: Option<(u32, u32)>,
    picture: PictureHead,
}

impl StreamScan for VideoScan {
    fn start(&mut self, pts_90k: Option<u64>) {
        // A PES packet without a time goes on with the frame before it (long frames take several).
        if let Some(pts_90k) = pts_90k {
            self.end_picture();
            self.pts_90k.push(pts_90k);
            self.dts_90k.push(pts_90k);
        }
    }

    fn decoded_at(&mut self, dts_90k: u64) {
        if let Some(last) = self.dts_90k.last_mut() {
            *last = dts_90k;
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
    pub(crate) fn new(codec: VideoCodec) -> Self {
        Self {
            codec,
            pts_90k: Vec::new(),
            dts_90k: Vec::new(),
            keyframes: 0,
            began_inside_a_picture: false,
            first: None,
            first_is_key: false,
            first_has_sets: false,
            captioned: 0,
            sps: None,
            changes_to: None,
            picture: PictureHead::new(codec),
        }
    }

    fn end_picture(&mut self) {
        let Some(index) = self.pts_90k.len().checked_sub(1) else { return };
        let head = std::mem::replace(&mut self.picture, PictureHead::new(self.codec));
        self.keyframes += u64::from(head.is_keyframe());
        self.captioned += u64::from(head.has_captions());
        if index == 0 {
            self.first = head.slice();
            self.first_has_sets = head.has_parameter_sets();
            self.first_is_key = head.is_keyframe() && self.first_has_sets && !self.began_inside_a_picture;
        } else if self.keyframes == 1
            && (self.first, head.slice()) == (Some(Slice::OpenGop), Some(Slice::AcrossOpenGop))
        {
            // ITU-T H.265 3: RASL pictures of the first CRA picture need those before it, which other segments hold.
            self.first_is_key = false;
        }
        let Some(sps) = head.into_sps() else { return };
        match &self.sps {
            None => self.sps = Some(sps),
            Some(first) if *first != sps && self.changes_to.is_none() => {
                let size =
                    |sps: &[u8]| self.codec.read_sps(sps).map(|picture| (picture.width, picture.height));
                self.changes_to = size(&sps).filter(|other| size(first).is_some_and(|first| first != *other));
            }
            Some(_) => {}
        }
    }

    /// `told_90k`: from one frame to the next, as the SPS says.
    fn decoding(&self, told_90k: Option<u64>) -> Option<Decoding> {
        let start_90k = *self.dts_90k.first().filter(|_| self.dts_90k != self.pts_90k)?;
        let steps = self.dts_90k.windows(2).map(|pair| distance_90k(pair[0], pair[1]));
        let intervals_90k: Vec<u64> = steps
            .filter_map(|step_90k| u64::try_from(step_90k).ok())
            .filter(|step_90k| *step_90k > 0)
            .collect();
        let last_picture = last_picture(&intervals_90k, told_90k, None);
        Some(Decoding {
            start_90k,
            duration_90k: intervals_90k.iter().sum::<u64>() + last_picture.believed_90k,
            frame_interval_90k: median(&intervals_90k).unwrap_or(last_picture.believed_90k),
            last_picture,
        })
    }

    /// `None` when no frame came. The sound beside it lasts `sound_90k`.
    pub(crate) fn finish(mut self, sound_90k: Option<u64>) -> Option<VideoFacts> {
        self.end_picture();
        let reference_90k = *self.pts_90k.first()?;
        let mut shown_90k: Vec<i64> =
            self.pts_90k.iter().map(|&pts_90k| distance_90k(reference_90k, pts_90k)).collect();
        shown_90k.sort_unstable();
        let (first, last) = (shown_90k[0], shown_90k[shown_90k.len() - 1]);

        let sps = self.sps.take().unwrap_or_default();
        let picture = self.codec.read_sps(&sps);
        let told_90k = picture.as_ref().and_then(|picture| picture.frame_interval_90k);
        // The two fields of a frame may carry the same time.
        let intervals_90k: Vec<u64> = shown_90k
            .windows(2)
            .map(|pair| (pair[1] - pair[0]) as u64)
            .filter(|&interval_90k| interval_90k > 0)
            .collect();
        // The sound of a part is cut anywhere; only that of a whole segment ends where the video does.
        let sound_90k = sound_90k.filter(|_| self.first_is_key);
        let decoding = self.decoding(told_90k);
        let last_picture = last_picture(&intervals_90k, told_90k, sound_90k);
        Some(VideoFacts {
            codec: self.codec,
            start_90k: later_90k(reference_90k, first as u64),
            duration_90k: (last - first) as u64 + last_picture.believed_90k,
            frame_interval_90k: median(&intervals_90k).unwrap_or(last_picture.believed_90k),
            last_picture,
            decoding,
            frames: self.pts_90k.len() as u64,
            keyframes: self.keyframes,
            starts_with_keyframe: self.first_is_key,
            starts_with_parameter_sets: self.first_has_sets,
            has_captions: self.captioned > 0,
            picture,
            changes_to: self.changes_to,
            sps,
        })
    }
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
        let mut scan = VideoScan::new(VideoCodec::H264);
        for (pts_90k, bytes) in pictures {
            scan.start(Some(*pts_90k));
            bytes.chunks(chunk_bytes).for_each(|chunk| scan.push(chunk));
        }
        scan.finish(None).expect("pictures")
    }

    #[test]
    fn a_part_of_reordered_frames_lasts_as_its_decoding_does() {
        // Of I0 B1 B2 P3 B4 B5 P6: the first five in decoding order, and the rest.
        let pts = [3, 6, 4, 5, 9, 7, 8].map(|at| at * 3_600);
        let scan = |frames: std::ops::Range<usize>| {
            let mut scan = VideoScan::new(VideoCodec::H264);
            for n in frames {
                scan.start(Some(pts[n]));
                scan.decoded_at((2 + n as u64) * 3_600);
                scan.push(OTHER);
            }
            scan.finish(None).expect("pictures")
        };
        let (first, rest) = (scan(0..5), scan(5..7));
        let decoding = first.decoding.expect("another order");
        assert_eq!((decoding.start_90k, decoding.duration_90k), (7_200, 18_000));
        // These two are shown when they are decoded.
        assert_eq!((rest.decoding, rest.start_90k, rest.frame_interval_90k), (None, 25_200, 3_600));
    }

    #[test]
    fn another_size_on_the_way_is_known() {
        // High 10 profile, level 1.1, 160x120.
        let small: &[u8] = &[
            0x67, 0x6e, 0x00, 0x0b, 0xa6, 0xcd, 0x94, 0x28, 0x47, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00,
            0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x50, 0xa6, 0x58,
        ];
        let start: &[u8] = &[0, 0, 0, 1];
        let other = [start, small, start, &[0x68, 0xeb], &[0, 0, 1], &[0x65, 1, 2]].concat();
        let size = VideoCodec::H264.read_sps(small).map(|it| (it.width, it.height));
        assert!(size.is_some_and(|size| size != (640, 480)), "{size:?}");
        let key = keyframe();
        assert_eq!(scan(&[(0, &key), (4_500, OTHER), (9_000, &other)], 50).changes_to, size);
        assert_eq!(scan(&[(0, &key), (4_500, OTHER), (9_000, &key)], 50).changes_to, None);
        // What cannot be read is no size.
        assert_eq!(
            scan(&[(0, &key), (4_500, &[0, 0, 1, 0x67, 0x42, 0, 0, 1, 0x65, 1])], 50).changes_to,
            None
        );
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
        let mut part = VideoScan::new(VideoCodec::H264);
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
        let mut torn = VideoScan::new(VideoCodec::H264);
        torn.push(&[1, 2, 3]);
        torn.start(Some(0));
        torn.push(&keyframe());
        assert!(!torn.finish(None).expect("a picture").starts_with_keyframe);
    }

    #[test]
    fn a_pes_packet_without_a_time_goes_on_with_its_picture() {
        let key = keyframe();
        let mut scan = VideoScan::new(VideoCodec::H264);
        scan.start(Some(0));
        scan.push(&key[..9]);
        scan.start(None);
        scan.push(&key[9..]);
        let facts = scan.finish(None).expect("a picture");
        assert!(facts.starts_with_keyframe);
        assert_eq!(facts.frames, 1);
    }

    /// Frames of HEVC with slices of these types, the first with its parameter sets.
    #[track_caller]
    fn check_hevc(slices: &[u8], keyframes: u64, starts_with_keyframe: bool) {
        let mut scan = VideoScan::new(VideoCodec::Hevc);
        for (n, slice) in (0..).zip(slices) {
            scan.start(Some(n * 3_600));
            let sets: &[u8] = if n == 0 { &[35, 32, 33, 34] } else { &[35] };
            for nal_type in sets.iter().chain([slice]) {
                scan.push(&[0, 0, 1, nal_type << 1, 1, 0x80]);
            }
        }
        let facts = scan.finish(None).expect("pictures");
        assert_eq!((facts.keyframes, facts.starts_with_keyframe), (keyframes, starts_with_keyframe));
    }

    #[test]
    fn decoding_of_hevc_can_begin_where_no_picture_looks_back_over_the_first() {
        check_hevc(&[19, 1, 0], 1, true);
        check_hevc(&[20, 1, 21, 8], 2, true);
        check_hevc(&[21, 1, 0], 1, true);
        check_hevc(&[21, 9, 1], 1, false);
        check_hevc(&[16, 1], 1, true);
        check_hevc(&[1, 19], 1, false);
    }
}
