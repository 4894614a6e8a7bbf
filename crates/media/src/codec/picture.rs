//! What a sequence parameter set says of its pictures.

use livedir_time::ticks::of_seconds;

/// What an SPS says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels, cropped.
    pub width: u32,
    /// Height in pixels, cropped.
    pub height: u32,
    /// For example `avc1.64001e` or `hvc1.1.6.L63.90`: profile, constraints and level (RFC 6381).
    pub codec: String,
    pub(crate) frame_interval_90k: Option<u64>,
}

/// What an SPS says of the way in which its pictures are to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Declared {
    /// Width and height in pixels, as they are stored.
    pub size: Option<(u32, u32)>,
    /// Width and height of a pixel, to one another.
    pub sample_aspect: Option<(u32, u32)>,
    /// Whether it says which numbers are black and white.
    pub has_range: bool,
    /// Whether it says which colours the numbers stand for.
    pub has_colours: bool,
}

/// How the pixels of a picture are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Samples {
    /// `4:2:0`, `4:2:2`, `4:4:4`, or `4:0:0` where there is no colour.
    pub chroma: &'static str,
    /// Bits of a sample of brightness.
    pub bits: u8,
}

/// An hour: even a slide show goes on sooner, and times are told apart up to 13 hours.
pub(crate) const LONGEST_INTERVAL_90K: u64 = of_seconds(3_600);
