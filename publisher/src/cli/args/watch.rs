//! The flags of `watch`.

use super::values::{parse_duration, parse_seconds, parse_switch, parse_whole, parse_window};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// The flags of `watch`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct WatchArgs {
    /// Directory that the web server serves: stream.m3u8 in it lists the segments in its live/
    ///
    /// With --channels it is a directory of many such directories
    #[arg(value_name = "WEBROOT", default_value = "webroot", env = "LIVEDIR_WEBROOT")]
    pub webroot: PathBuf,

    /// Write WEBROOT/NAME/stream.m3u8 for every WEBROOT/NAME/live/; channels may come and go
    #[arg(long, env = "LIVEDIR_CHANNELS", value_parser = parse_switch)]
    pub channels: bool,

    /// Title of the stream, in status.json [default: the name of the channel]
    ///
    /// With --channels write the name of the channel before it, like --title 'north=Harbour', once for each channel. A title without a
    /// name is for all other channels
    #[arg(long, value_name = "[CHANNEL=]TEXT", env = "LIVEDIR_TITLE")]
    pub title: Vec<String>,

    /// Target duration in whole seconds; longer segments are refused
    ///
    /// It never changes while the stream is live. By default it is that of the playlist on disk, or the duration of the first segments,
    /// rounded up
    #[arg(long, value_name = "SECONDS", value_parser = parse_target_duration, env = "LIVEDIR_TARGET_DURATION")]
    pub target_duration: Option<u32>,

    /// Also write ll.m3u8, the low-latency playlist
    ///
    /// It lists the parts of segments (seg-00000042.p03.ts and so on) that the encoder writes. It needs livedir-server, which answers a
    /// request for the next part when it is there
    #[arg(long, env = "LIVEDIR_LOW_LATENCY", value_parser = parse_switch)]
    pub low_latency: bool,

    /// With --low-latency: longest duration of a part; longer parts are not listed
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = parse_duration, env = "LIVEDIR_PART_DURATION")]
    pub part_duration: Duration,

    /// Number of segments in the playlist; viewers can seek back this far
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = parse_window, env = "LIVEDIR_WINDOW")]
    pub window: usize,

    /// Keep segments on disk after they have left the playlist
    #[arg(long, env = "LIVEDIR_KEEP", value_parser = parse_switch)]
    pub keep: bool,

    /// List the directory regularly, for file systems without change events (NFS, mounts of containers)
    #[arg(long, env = "LIVEDIR_POLL", value_parser = parse_switch)]
    pub poll: bool,

    /// Write EXT-X-ENDLIST when no segment has come for this long, like 30s; the next segment starts the stream again
    #[arg(long, value_name = "TIME", value_parser = parse_seconds, env = "LIVEDIR_END_AFTER")]
    pub end_after: Option<Duration>,
}

fn parse_target_duration(text: &str) -> Result<u32, String> {
    parse_whole(text, "a whole number of seconds", &(1..=60), "--target-duration 6")
}
