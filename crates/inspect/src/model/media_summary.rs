//! Media summary: video, sound and rates of what was looked into: `media` in what `--json` prints. Values alone.

use serde::{Deserialize, Serialize};

/// Video, sound and rates.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MediaSummary {
    /// Of the newest segment that has video.
    pub video: Option<VideoSummary>,
    /// Of the newest segment that has sound.
    pub audio: Option<AudioSummary>,
    /// Of all segments that were looked into, together.
    pub bitrate_average_bps: Option<u64>,
    /// Of the one with the highest.
    pub bitrate_peak_bps: Option<u64>,
}

/// Video.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VideoSummary {
    /// As in RFC 6381, such as `avc1.64001e` or `hvc1.1.6.L63.90`.
    pub codec: Option<String>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// Frames a second.
    pub fps: Option<f64>,
}

/// Sound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AudioSummary {
    /// `aac`, or the stream type.
    pub codec: String,
    /// Samples a second.
    pub sample_rate_hz: Option<u32>,
    /// Channels.
    pub channels: Option<u8>,
}
