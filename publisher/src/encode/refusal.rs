//! Refusals: why an encoder is of no use here, for people.

use super::requirements::UnmetRequirement;
use ffmpeg_next as ffmpeg;
use livedir_media::VideoCodec;

/// Why an encoder is of no use here.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Libav does not have it.
    #[error("this FFmpeg was built without it")]
    Unknown,
    /// It makes the other codec, which has to be asked for by its name: it decides who can watch.
    #[error("it encodes {}; add --codec {}", .0, .0.typed())]
    OtherCodec(VideoCodec),
    /// It makes something that no player of MPEG-TS takes.
    #[error("it encodes neither H.264 nor HEVC")]
    ForeignCodec,
    /// It takes frames that livedir does not make.
    #[error("it takes neither yuv420p nor nv12 pictures, from main memory or over VA-API")]
    Format,
    /// Libav could not open it, or it failed at once.
    #[error("it cannot be opened ({0}), its hardware or driver may be missing")]
    Libav(#[from] ffmpeg::Error),
    /// It opened, and did not do what it was asked to.
    #[error(transparent)]
    Unmet(#[from] UnmetRequirement),
}
