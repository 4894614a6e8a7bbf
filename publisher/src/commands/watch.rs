//! `watch`: the playlist for files of other encoders. What was typed becomes what was meant, and the watcher gets its thread.
//!
//! In: the flags, and the wish to stop. Out: playlists that are kept until then. No other thread is started here; at the
//! end the playlists stay open, as the encoders go on.

use crate::cli::args::WatchArgs;
use crate::cli::settings::{LONGEST_SEGMENT, SHORTEST_PART, SettingsError};
use crate::live::run::RunError;
use livedir_layout::meters::Meters;
use livedir_time::stop::Stop;
use livedir_watcher::titles::Titles;
use livedir_watcher::{Wake, WatchSettings, Watcher};
use std::{
    panic::resume_unwind,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

/// How often the status line is brought up to date, and a stop is seen.
const STATUS_EVERY: Duration = Duration::from_millis(250);

/// Checks what was typed.
pub fn settings(args: WatchArgs) -> Result<WatchSettings, SettingsError> {
    if !(SHORTEST_PART..=LONGEST_SEGMENT).contains(&args.part_duration) {
        return Err(SettingsError::ForeignPart(args.part_duration));
    }
    Ok(WatchSettings {
        webroot: args.webroot,
        titles: Titles::new(args.title, args.channels),
        channels: args.channels,
        target_duration_s: args.target_duration,
        window_segments: args.window,
        part_target_90k: args
            .low_latency
            .then(|| (args.part_duration.as_secs_f64() * 90_000.0).round() as u64),
        keep: args.keep,
        poll: args.poll,
        end_after: args.end_after,
    })
}

/// Keeps the playlists until the stop is requested. `on_status` is called from time to time, on the caller's thread.
pub fn run(
    settings: &WatchSettings,
    stop: &Stop,
    meters: &Arc<Meters>,
    mut on_status: impl FnMut(&Meters),
) -> Result<(), RunError> {
    if settings.channels {
        allow_many_files();
    }
    meters.set_title(settings.titles.of_stream());
    let watcher = Watcher::watch(settings, Arc::clone(meters))?;
    let waker = watcher.waker();
    tracing::info!(?settings, "watching");
    let (ended_tx, ended_rx) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let watch = thread::Builder::new()
            .name("watcher".to_owned())
            .spawn_scoped(scope, move || {
                let _ended = ended_tx;
                watcher.run()
            })
            .map_err(RunError::Thread)?;
        while let Err(mpsc::TryRecvError::Empty) = ended_rx.try_recv() {
            on_status(meters);
            if stop.wait(STATUS_EVERY) {
                // A watcher that has ended tells why itself.
                let _ = waker.send(Wake::Finish);
                break;
            }
        }
        watch.join().unwrap_or_else(|panic| resume_unwind(panic)).map_err(RunError::from)
    })
}

/// Every channel holds a lock, and with it a file; the usual limit is 1,024 of them.
#[cfg(target_os = "linux")]
fn allow_many_files() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

#[cfg(not(target_os = "linux"))]
fn allow_many_files() {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Command, CommandLine};
    use clap::Parser as _;

    fn typed(words: &str) -> Result<WatchSettings, SettingsError> {
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
        assert_eq!(typed(""), Ok(expected));
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
        assert_eq!(typed(words), Ok(expected));
    }

    #[test]
    fn parts_that_players_cannot_use_are_refused() {
        for length in ["0", "11s"] {
            let error = typed(&format!("--low-latency --part-duration {length}")).unwrap_err().to_string();
            assert!(error.contains("like --part-duration 200ms"), "{error}");
        }
    }
}
