//! The flags of `watch`.

use super::values::{parse_duration, parse_seconds, parse_switch, parse_whole, parse_window};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// The flags of `watch`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct WatchArgs {
    /// Directory that the web server serves: files in live/ within it are listed in stream.m3u8. With --channels the
    /// directory of many such directories
    #[arg(value_name = "WEBROOT", default_value = "webroot", env = "LIVEDIR_WEBROOT")]
    pub webroot: PathBuf,

    /// Keep WEBROOT/NAME/stream.m3u8 for every WEBROOT/NAME/live/; channels may come and go
    #[arg(long, env = "LIVEDIR_CHANNELS", value_parser = parse_switch)]
    pub channels: bool,

    /// What viewers see of the stream in status.json. With --channels the name of the channel goes before it, like
    /// --title 'north=Harbour', once for each; one without a name is for all others. By default the channel's name
    #[arg(long, value_name = "[CHANNEL=]TEXT", env = "LIVEDIR_TITLE")]
    pub title: Vec<String>,

    /// Longest segment, in whole seconds; longer ones are refused, and it never changes while the stream lives. By
    /// default that of the playlist on disk, or the length of the first files, rounded up
    #[arg(long, value_name = "SECONDS", value_parser = parse_target_duration, env = "LIVEDIR_TARGET_DURATION")]
    pub target_duration: Option<u32>,

    /// Also keep ll.m3u8, the low-latency playlist: it lists parts of segments, seg-00000042.p03.ts and so on, where the
    /// encoder drops such. It needs livedir-server, which holds requests for what is not there yet
    #[arg(long, env = "LIVEDIR_LOW_LATENCY", value_parser = parse_switch)]
    pub low_latency: bool,

    /// Longest part, with --low-latency; longer ones are not listed
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = parse_duration, env = "LIVEDIR_PART_DURATION")]
    pub part_duration: Duration,

    /// Segments that the playlist lists; viewers can go back so far
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = parse_window, env = "LIVEDIR_WINDOW")]
    pub window: usize,

    /// Delete nothing: segments that have left the playlist stay on disk
    #[arg(long, env = "LIVEDIR_KEEP", value_parser = parse_switch)]
    pub keep: bool,

    /// Look at the directory instead of waiting for the system to tell of files: for NFS and for mounts of containers
    #[arg(long, env = "LIVEDIR_POLL", value_parser = parse_switch)]
    pub poll: bool,

    /// Write EXT-X-ENDLIST when no segment has come for this long, like 30s; the next one begins the stream anew
    #[arg(long, value_name = "TIME", value_parser = parse_seconds, env = "LIVEDIR_END_AFTER")]
    pub end_after: Option<Duration>,
}

fn parse_target_duration(text: &str) -> Result<u32, String> {
    parse_whole(text, "whole seconds", &(1..=60), "--target-duration 6")
}
