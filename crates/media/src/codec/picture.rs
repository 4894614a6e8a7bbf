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

/// An hour: even a slide show goes on sooner, and times are told apart up to 13 hours.
pub(crate) const LONGEST_INTERVAL_90K: u64 = of_seconds(3_600);
