//! Commands: what `livedir-publisher` does when it is called, one file for each.
//!
//! In: arguments as they were typed. Out: text on the terminal, and the exit status. They run on the main thread.

pub mod check;
#[cfg(feature = "capture")]
pub mod devices;
pub mod help;
#[cfg(feature = "capture")]
pub mod live;
pub mod terminal;
pub mod watch;

use anyhow::anyhow;
use livedir_time::stop::Stop;
use std::io;

/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Ctrl-C and its like.
pub(crate) fn stop_on_signals() -> anyhow::Result<Stop> {
    let stop = Stop::default();
    let on_signal = stop.clone();
    ctrlc::set_handler(move || {
        // The second Ctrl-C does not wait for the last segment.
        if on_signal.is_requested() {
            std::process::exit(INTERRUPTED);
        }
        on_signal.request();
    })
    .map_err(|error| anyhow!("cannot listen for Ctrl-C: {error}"))?;
    Ok(stop)
}

/// What became of printing. A reader that has seen enough, like `head`, is no error.
pub(crate) fn printed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Starts the libraries that read, encode and write streams.
#[cfg(feature = "capture")]
pub(crate) fn start_libav() -> anyhow::Result<()> {
    ffmpeg_next::init().map_err(|error| anyhow!("FFmpeg failed to initialise: {error}"))?;
    ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Fatal);
    Ok(())
}
