//! Foreign: what a file holds that players of HLS do not play, or that few of them do. Each is named for what it is, with what to do
//! about it. Pure.

use crate::codec::picture::Samples;
use crate::facts::Facts;
use crate::ts::tables::ElementaryStream;
use std::fmt;

/// What is foreign to HLS in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// MPEG-TS with four more bytes before each packet, as camcorders and Blu-ray discs write it.
    M2ts,
    /// MP4 under a name of MPEG-TS.
    Mp4,
    /// Its video or its sound is encrypted by a broadcaster, as the packets say.
    Scrambled,
    /// Video that is neither H.264 nor HEVC.
    Video {
        /// As the PMT says: ISO 13818-1 table 2-34.
        stream_type: u8,
    },
    /// Sound in Opus.
    Opus,
    /// More than one program.
    Programs {
        /// Those whose tables are in the file.
        programs: usize,
    },
    /// H.264 with more colour or finer steps than players decode.
    Samples(Samples),
}

impl Foreign {
    /// What it is.
    #[must_use]
    pub fn what(&self) -> String {
        match self {
            Self::M2ts => {
                "it is M2TS, with packets of 192 bytes, and not MPEG-TS, which has packets of 188".to_owned()
            }
            Self::Mp4 => "it is MP4, and not MPEG-TS".to_owned(),
            Self::Scrambled => {
                "it is scrambled, as pay television is, and no player of HLS has the key".to_owned()
            }
            Self::Video { stream_type } => format!(
                "its video is {} (stream type 0x{stream_type:02x}), and players of MPEG-TS take H.264, some of them HEVC",
                video_name(*stream_type)
            ),
            Self::Opus => "its sound is Opus, which players do not take in MPEG-TS".to_owned(),
            Self::Programs { programs } => {
                format!("it holds {programs} programs, and HLS allows one: players play the first, or none")
            }
            Self::Samples(Samples { chroma, bits }) => format!(
                "its H.264 video is {chroma} with {bits} bits, and most players decode nothing but 4:2:0 with 8 bits"
            ),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::M2ts => {
                "write plain MPEG-TS (ffmpeg: -mpegts_m2ts_mode 0, and a name that does not end in .m2ts)"
            }
            Self::Mp4 => "let the encoder write MPEG-TS (ffmpeg: -f segment -segment_format mpegts)",
            Self::Scrambled => "descramble it before it comes here",
            Self::Video { .. } => "encode to H.264",
            Self::Opus => "encode the sound to AAC (ffmpeg: -c:a aac)",
            Self::Programs { .. } => "write one program into each file (ffmpeg: -map 0:p:NUMBER)",
            Self::Samples(_) => "encode to 4:2:0 with 8 bits (ffmpeg: -pix_fmt yuv420p)",
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}; {}", self.what(), self.remedy())
    }
}

impl std::error::Error for Foreign {}

/// What is foreign in a file that can be listed all the same: some players play it, or some of it.
#[must_use]
pub fn foreign(facts: &Facts) -> Vec<Foreign> {
    let programs = (facts.programs > 1).then_some(Foreign::Programs { programs: facts.programs });
    let has_opus = facts.streams.iter().any(ElementaryStream::is_opus);
    let samples = facts.video.as_ref().and_then(|video| video.codec.samples(&video.sps));
    let samples = samples.filter(|it| it.bits > 8 || matches!(it.chroma, "4:2:2" | "4:4:4"));
    programs
        .into_iter()
        .chain(has_opus.then_some(Foreign::Opus))
        .chain(samples.map(Foreign::Samples))
        .collect()
}

/// ISO 13818-1 table 2-34, as people call them.
fn video_name(stream_type: u8) -> &'static str {
    match stream_type {
        0x01 => "MPEG-1 video",
        0x02 => "MPEG-2 video",
        0x10 => "MPEG-4 Part 2 video",
        0x42 => "AVS video",
        _ => "of another codec",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VideoCodec;
    use crate::ts::pes::StreamScan as _;
    use crate::ts::video::VideoScan;

    /// High 4:2:2 profile, level 1.1, 160x120, as x264 writes it for 8 bits.
    const SPS_422: &[u8] = &[
        0x67, 0x7a, 0x00, 0x0b, 0xbc, 0xd9, 0x42, 0x84, 0x7e, 0x27, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10,
        0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x42, 0x99, 0x60,
    ];
    /// High 10 profile, level 1.1, 160x120, as x264 writes it for 10 bits.
    const SPS_10_BITS: &[u8] = &[
        0x67, 0x6e, 0x00, 0x0b, 0xa6, 0xcd, 0x94, 0x28, 0x47, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04,
        0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x50, 0xa6, 0x58,
    ];

    /// High profile, level 3, 640x480.
    const SPS_HIGH: &[u8] = &[
        0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9, 0x40, 0xa0, 0x3d, 0xb0, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00,
        0x00, 0x03, 0x00, 0x28, 0x0f, 0x16, 0x2d, 0x96,
    ];

    #[track_caller]
    fn check_sps(sps: &[u8], expected: &[Foreign]) {
        let mut scan = VideoScan::new(VideoCodec::H264);
        scan.start(Some(0));
        scan.push(&[&[0, 0, 0, 1], sps, &[0, 0, 0, 1, 0x68, 0xeb, 0, 0, 1, 0x65, 1, 2]].concat());
        let facts = Facts { video: scan.finish(None), programs: 1, ..Facts::default() };
        assert_eq!(foreign(&facts), expected);
    }

    #[test]
    fn h264_that_most_players_do_not_decode_is_named() {
        check_sps(SPS_HIGH, &[]);
        check_sps(SPS_422, &[Foreign::Samples(Samples { chroma: "4:2:2", bits: 8 })]);
        check_sps(SPS_10_BITS, &[Foreign::Samples(Samples { chroma: "4:2:0", bits: 10 })]);
        check_sps(&[0x67, 0x7a], &[]);
    }

    #[test]
    fn programs_and_opus_are_named() {
        let stream = |format| ElementaryStream { pid: 256, stream_type: 0x06, format };
        let facts = |programs, format| Facts { programs, streams: vec![stream(format)], ..Facts::default() };
        assert_eq!(foreign(&facts(1, Some(*b"AC-3"))), []);
        assert_eq!(foreign(&facts(1, None)), []);
        let both = [Foreign::Programs { programs: 3 }, Foreign::Opus];
        assert_eq!(foreign(&facts(3, Some(*b"Opus"))), both);
    }

    #[test]
    fn each_says_what_it_is_and_what_to_do() {
        let video = Foreign::Video { stream_type: 2 }.to_string();
        assert!(
            video.starts_with("its video is MPEG-2 video (stream type 0x02)")
                && video.ends_with("; encode to H.264")
        );
    }
}
