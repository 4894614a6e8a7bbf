//! What was typed, one file a command. [`crate::settings`] says what was meant.

mod check;
mod inspect;
mod live;
mod watch;

pub use check::CheckArgs;
pub use inspect::InspectArgs;
pub use live::{CopyWhen, DEFAULT_AUDIO_BITRATE, DEFAULT_BITRATE, DEFAULT_ENCODER, DEFAULT_FPS, LiveArgs};
pub use watch::WatchArgs;

use clap::{Parser, Subcommand};
use std::time::Duration;

/// Puts a camera, a file or a URL live on the web: H.264 segments and a playlist in a directory that any web server can
/// serve.
#[derive(Debug, Parser)]
#[command(name = "livedir-publisher", version, arg_required_else_help = true)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Stream a camera, a file, a URL or the test pattern
    Live(Box<LiveArgs>),
    /// Keep the playlist for .ts files that any encoder drops into webroot/live
    Watch(WatchArgs),
    /// Show what is on disk: the segments, a picture of the timeline, and what the playlist says of them
    Inspect(InspectArgs),
    /// Hold a stream, on disk or over HTTP, to the rules of HLS; exit status 1 when it breaks one
    Check(CheckArgs),
    /// List the cameras with the formats that they offer, and the encoders that work here
    Devices,
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is not a length of time; write it like 2s or 500ms");
    let (number, unit_s) = match text.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let seconds = number.parse::<f64>().map_err(|_| wrong())? * unit_s;
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        <CommandLine as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        assert_eq!(parse_duration("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("1.5"), Ok(Duration::from_millis(1500)));
    }

    #[test]
    fn lengths_of_time_that_make_no_sense_are_refused_with_the_remedy() {
        for text in ["-2s", "soon", "NaN"] {
            let error = parse_duration(text).unwrap_err();
            assert!(error.contains("like 2s"), "{error}");
        }
    }
}
