//! File detail: everything that is known of the one segment that was named: `detail` in what `--json` prints. Values alone.

use serde::{Deserialize, Serialize};

/// One segment, taken apart. Times are seconds from its start where nothing else is said.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FileDetail {
    /// Its first time, on the clock of the stream (33 bits of 1/90,000 s).
    pub start_90k: Option<u64>,
    /// When it ends, on that clock: where the next segment has to begin.
    pub end_90k: Option<u64>,
    /// Packets of 188 bytes.
    pub packets: u64,
    /// Every PID, in order of appearance.
    pub pids: Vec<PidDetail>,
    /// Profile and level of the frames, in words.
    pub video_profile: Option<String>,
    /// The shortest time for which a frame is shown, but for the last one.
    pub picture_shortest_s: Option<f64>,
    /// The longest such time.
    pub picture_longest_s: Option<f64>,
    /// How long the last frame is taken to be shown.
    pub picture_last_s: Option<f64>,
    /// Whether that is a guess.
    pub picture_last_in_doubt: bool,
    /// Whether closed captions (CEA-608 or CEA-708) come with the pictures.
    pub captions: bool,
    /// When keyframes (IDR) are shown.
    pub keyframes_s: Vec<f64>,
    /// The rate through the file, in slots of `rate_slot_s`, the last of which may be shorter: bits a second of all streams, by when they are presented.
    pub rate_bps: Vec<u64>,
    /// How long a slot is.
    pub rate_slot_s: f64,
    /// Where packets are missing.
    pub breaks: Vec<BreakDetail>,
}

/// One PID.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PidDetail {
    /// The PID.
    pub pid: u16,
    /// `h264`, `aac`, … or `PAT`, `PMT`, `SDT`, `stuffing`, `unknown`.
    pub carries: String,
    /// How many packets it has.
    pub packets: u64,
    /// Their bit rate.
    pub bitrate_bps: Option<u64>,
    /// Frames of video, or PES packets of audio.
    pub units: u64,
    /// When the first of them is presented.
    pub first_s: Option<f64>,
    /// When the last of them is.
    pub last_s: Option<f64>,
    /// How many breaks its continuity counter has.
    pub breaks: u64,
}

/// A place where packets are missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BreakDetail {
    /// The PID of the missing packets.
    pub pid: u16,
    /// The position of the next packet, in bytes from the start of the file.
    pub byte: u64,
    /// The approximate time of the place.
    pub at_s: Option<f64>,
}
