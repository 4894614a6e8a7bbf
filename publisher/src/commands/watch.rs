//! `watch`: the playlist for files of other encoders. What was typed becomes what was meant, and the watcher gets its thread.
//!
//! In: the flags, and the wish to stop. Out: playlists that are kept until then. No other thread is started here; at the
//! end the playlists stay open, as the encoders go on.

use crate::cli::args::WatchArgs;
use crate::cli::{LONGEST_SEGMENT, SHORTEST_PART, length};
use crate::commands::stop_on_signals;
use crate::commands::terminal::{Terminal, clock, plural};
use livedir_layout::meters::Meters;
use livedir_time::stop::Stop;
use livedir_time::ticks;
use livedir_watcher::titles::Titles;
use livedir_watcher::{Wake, WatchError, WatchSettings, Watcher};
use std::{
    io,
    panic::resume_unwind,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

/// How often the status line is brought up to date, and a stop is seen.
const STATUS_EVERY: Duration = Duration::from_millis(250);

/// Why nothing is watched, or no more.
#[derive(Debug, thiserror::Error)]
pub enum WatchCommandError {
    /// A part of another encoder's of this length is of no use.
    #[error("--part-duration must be between 50ms and 10s, like --part-duration 200ms; it is {}", length(.0))]
    Part(Duration),
    /// The watcher.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// The system has no thread to give.
    #[error("cannot start a thread: {0}; close other programs, or raise the limit of processes")]
    Thread(io::Error),
}

/// Keeps the playlists until Ctrl-C.
pub fn watch(args: WatchArgs) -> anyhow::Result<()> {
    let settings = settings(args)?;
    let terminal = Terminal::start();
    let stop = stop_on_signals()?;
    let meters = Arc::new(Meters::default());
    let ended = run(&settings, &stop, &meters, |meters| terminal.draw(|time| watch_line(time, meters)));
    terminal.clear();
    Ok(ended?)
}

/// Checks what was typed.
fn settings(args: WatchArgs) -> Result<WatchSettings, WatchCommandError> {
    if !(SHORTEST_PART..=LONGEST_SEGMENT).contains(&args.part_duration) {
        return Err(WatchCommandError::Part(args.part_duration));
    }
    Ok(WatchSettings {
        webroot: args.webroot,
        titles: Titles::new(args.title, args.channels),
        channels: args.channels,
        target_duration_s: args.target_duration,
        window_segments: args.window,
        part_target_90k: args.low_latency.then(|| ticks::of_duration(args.part_duration)),
        keep: args.keep,
        poll: args.poll,
        end_after: args.end_after,
    })
}

/// Keeps the playlists until the stop is requested. `on_status` is called from time to time, on the caller's thread.
fn run(
    settings: &WatchSettings,
    stop: &Stop,
    meters: &Arc<Meters>,
    mut on_status: impl FnMut(&Meters),
) -> Result<(), WatchCommandError> {
    if settings.channels {
        allow_many_files();
    }
    meters.set_title(settings.titles.of_stream());
    let watcher = Watcher::watch(settings, Arc::clone(meters))?;
    let waker = watcher.waker();
    tracing::debug!(?settings, "settings");
    tracing::info!(webroot = %settings.webroot.display(), window = settings.window_segments, "watching");
    let (ended_tx, ended_rx) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let watch = thread::Builder::new()
            .name("watcher".to_owned())
            .spawn_scoped(scope, move || {
                let _ended = ended_tx;
                watcher.run()
            })
            .map_err(WatchCommandError::Thread)?;
        while let Err(mpsc::TryRecvError::Empty) = ended_rx.try_recv() {
            on_status(meters);
            if stop.wait(STATUS_EVERY) {
                // A watcher that has ended tells why itself.
                let _ = waker.send(Wake::Finish);
                break;
            }
        }
        watch.join().unwrap_or_else(|panic| resume_unwind(panic)).map_err(WatchCommandError::from)
    })
}

/// `WATCHING 00:12:34 · 372 segments · 1 refused`
fn watch_line(running: Duration, meters: &Meters) -> String {
    let mut parts =
        vec![format!("WATCHING {}", clock(running)), plural(meters.segments_published.get(), "segment")];
    if meters.segments_refused.get() > 0 {
        parts.push(format!("{} refused", meters.segments_refused.get()));
    }
    parts.join(" · ")
}

/// Every channel holds a lock, and with it a file; the usual limit is 1,024 of them.
#[cfg(target_os = "linux")]
fn allow_many_files() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::debug!(%error, "limit of open files not raised");
    }
}

#[cfg(not(target_os = "linux"))]
fn allow_many_files() {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Command, CommandLine};
    use clap::Parser as _;

    fn typed(words: &str) -> Result<WatchSettings, WatchCommandError> {
        let words = ["livedir-publisher", "watch"].into_iter().chain(words.split_whitespace());
        match CommandLine::parse_from(words).command {
            Command::Watch(args) => settings(args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn everything_has_a_default() {
        let expected = WatchSettings {
            webroot: "webroot".into(),
            titles: Titles::default(),
            channels: false,
            target_duration_s: None,
            window_segments: 10,
            part_target_90k: None,
            keep: false,
            poll: false,
            end_after: None,
        };
        assert_eq!(typed("").unwrap(), expected);
    }

    #[test]
    fn everything_can_be_said() {
        let expected = WatchSettings {
            webroot: "all".into(),
            titles: Titles::new(vec!["one=Harbour".to_owned()], true),
            channels: true,
            target_duration_s: Some(4),
            window_segments: 20,
            part_target_90k: Some(9_000),
            keep: true,
            poll: true,
            end_after: Some(Duration::from_secs(30)),
        };
        let words = "all --channels --target-duration 4 --window 20 --keep --poll --end-after 30s --low-latency --part-duration 100ms --title one=Harbour";
        assert_eq!(typed(words).unwrap(), expected);
    }

    #[test]
    fn a_part_is_as_long_as_was_typed_to_the_nearest_tick() {
        let settings = typed("--low-latency --part-duration 66.73333ms").unwrap();
        assert_eq!(settings.part_target_90k, Some(6_006));
    }

    #[test]
    fn parts_that_players_cannot_use_are_refused() {
        for length in ["0", "11s"] {
            let error = typed(&format!("--low-latency --part-duration {length}")).unwrap_err().to_string();
            assert!(error.contains("like --part-duration 200ms"), "{error}");
        }
    }
}
