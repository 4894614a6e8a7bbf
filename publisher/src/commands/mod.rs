//! Commands: what `livedir-publisher` does when it is called, one file for each.
//!
//! In: arguments as they were typed. Out: text on the terminal, and the exit status. They run on the main thread.

#[cfg(feature = "capture")]
pub mod channels;
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
use std::time::{Duration, Instant};

/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// A person does not press Ctrl-C again so soon: `timeout` signals a program, and then its group, and so do programs that start others
/// and hand the terminal's signal on to them.
const ANOTHER_AFTER: Duration = Duration::from_millis(500);

/// Ctrl-C and its like.
pub(crate) fn stop_on_signals() -> anyhow::Result<Stop> {
    let stop = Stop::default();
    let on_signal = stop.clone();
    let mut first: Option<Instant> = None;
    ctrlc::set_handler(move || {
        // The second Ctrl-C does not wait for the last segment.
        if first.map_or_else(|| on_signal.is_requested(), |first| first.elapsed() >= ANOTHER_AFTER) {
            std::process::exit(INTERRUPTED);
        }
        first.get_or_insert_with(Instant::now);
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
