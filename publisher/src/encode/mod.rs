//! Encoders: video frames and sound become H.264 or HEVC and AAC packets with the times of the grid. There is one of each for the
//! whole run, so that their state runs on over every segment boundary. The threads that own them are [`crate::encode::rung`] and
//! [`crate::grid`].

pub mod choice;
mod hardware_frames;
pub mod ladder;
mod machine;
pub mod options;
pub mod refusal;
pub(crate) mod requirements;
pub mod rung;
pub(crate) mod short_film;
pub(crate) mod short_sound;
pub mod sound;
pub mod trial;
pub mod video;

use ffmpeg_next as ffmpeg;

use crate::captured::RATE_HZ;
use crate::picture::colour_space::ColourSpace;
use crate::picture::overlay::OverlaySettings;
use crate::picture::slate::SlateSettings;
use choice::EncoderChoice;
use livedir_media::VideoCodec;
use livedir_time::ticks;

/// The first timestamp of a run. Not 0, because the AAC encoder's lead-in has to come before it.
pub const START_90K: i64 = ticks::of_seconds(1) as i64;

/// What the encoders are to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeSettings {
    /// Width of the stream in pixels, even.
    pub width: u32,
    /// Height of the stream in pixels, even.
    pub height: u32,
    /// The colour space of the stream.
    pub colours: ColourSpace,
    /// Frames a second.
    pub fps: u32,
    /// Frames from one forced keyframe to the next: one segment.
    pub segment_frames: u64,
    /// Bits a second of the video.
    pub video_bps: u64,
    /// The encoder quantises no frame more finely, whatever room the bit rate leaves.
    pub smallest_quantiser: u8,
    /// What is written on the frames and on the slate.
    pub overlay: OverlaySettings,
    /// What the user wants of the slate.
    pub slate: SlateSettings,
    /// Codec of the video.
    pub codec: VideoCodec,
    /// Encoder of the video.
    pub encoder: EncoderChoice,
}

/// Why encoding ended early.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// No encoder would open.
    #[error(
        "no {codec} encoder of this FFmpeg could be opened ({refused}); install one with {} (Debian: libavcodec-extra)",
        choice::software(*codec)
    )]
    NoVideoEncoder {
        /// What they were to make.
        codec: VideoCodec,
        /// Their names, each with why.
        refused: String,
    },
    /// The encoder that was asked for cannot be used.
    #[error("--encoder {refused}; here can be used for {codec}: {others}")]
    NamedEncoder {
        /// What it was to make.
        codec: VideoCodec,
        /// Its name, and why.
        refused: String,
        /// Names of those that can.
        others: String,
    },
    /// The sound encoder would not open.
    #[error("the AAC encoder of this FFmpeg could not be opened: {0}")]
    NoAudioEncoder(ffmpeg::Error),
    /// A call of libav failed.
    #[error("encoding failed: {0}")]
    Libav(#[from] ffmpeg::Error),
}

/// Sample positions of the sound line as 90 kHz ticks of the stream.
fn samples_to_90k(samples: i64) -> i64 {
    START_90K + ticks::of_position(samples, RATE_HZ)
}
