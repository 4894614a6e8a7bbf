//! What a source hands out, and what it says of it: the stages from the source to the encoders speak of this.

use crate::captions::carried::Captions;
use crate::picture::colour_space::ColourSpace;
use crate::picture::shared::SharedPicture;
use ffmpeg_next as ffmpeg;
use std::time::Instant;

/// Samples a second of every stream.
pub const RATE_HZ: u32 = 48_000;

/// The most that sound is stretched of whose source nothing is known: five times what poor crystals are off, a sixth of the
/// change of pitch that trained ears notice.
pub const MOST_STRETCH: f64 = 0.0005;

/// A frame as the source delivered it: any size, any pixel format.
pub struct CapturedPicture {
    /// The pixels, in libav's own description of them.
    pub frame: SharedPicture,
    /// When the frame was taken (for a file: when it is due to be shown).
    pub captured_at: Instant,
    /// The closed captions that came with it.
    pub captions: Captions,
}

/// A run of sound samples as the source delivered it: any rate, layout and sample format.
pub struct CapturedSound {
    /// The samples.
    pub frame: ffmpeg::frame::Audio,
    /// When the first sample was taken.
    pub captured_at: Instant,
    /// By what part of itself the run lasts longer by our clock than by that of its source (shorter: negative).
    pub stretch: f64,
}

/// What a source hands out.
pub enum Captured {
    /// One frame.
    Picture(CapturedPicture),
    /// One run of samples.
    Sound(CapturedSound),
}

/// What is seen beside the sound of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// Its pictures, at once or later.
    Pictures,
    /// The picture that the user gave, as it has none.
    Still,
    /// Nothing: the stream has sound alone.
    Nothing,
}

/// What a source promises once it is open; the encoders are set up from it.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceFormat {
    /// For people: `USB Camera, 640x480 YUYV at 30 fps`.
    pub description: String,
    /// Whether it has pictures.
    pub shows: Shows,
    /// Width of its frames in pixels, as they are to be shown (square pixels).
    pub width: u32,
    /// Height of its frames in pixels.
    pub height: u32,
    /// The colour space of its frames.
    pub colours: ColourSpace,
    /// Whether sound will come.
    pub has_sound: bool,
    /// Of packets that are passed on as they are; `None` for frames and samples.
    pub copied: Option<CopiedFormat>,
}

/// What the start of a stream that is copied has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopiedFormat {
    /// The longest time between two keyframes, in 90 kHz ticks.
    pub keyframes_90k: i64,
    /// How long a frame is shown, in 90 kHz ticks.
    pub picture_90k: i64,
    /// Bits a second: as the container says, or as its start has shown if that is more.
    pub bps: u64,
    /// Seconds of it that come at once; 0 in real time.
    pub at_once_s: u64,
    /// Frames are decoded in another order than they are shown.
    pub has_b_frames: bool,
    /// It is sent as it happens, and may be away for a time.
    pub is_live: bool,
}
