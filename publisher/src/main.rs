//! The command `livedir-publisher`.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::anyhow;
use livedir_layout::meters::Meters;
use livedir_publisher::cli::args::{CheckArgs, Command, LiveArgs, WatchArgs};
use livedir_publisher::cli::config::{self, ConfigError};
use livedir_publisher::cli::settings::LiveSettings;
use livedir_publisher::cli::unseen;
use livedir_publisher::commands::devices;
use livedir_publisher::commands::terminal::Terminal;
use livedir_publisher::{commands, encode};
use livedir_time::stop::Stop;

/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let understood = config::read(words.iter().cloned());
    if let Ok(understood) = &understood {
        unseen::go_on_unseen(&understood.command, &words);
    }
    for line in config::unknown_variables() {
        eprintln!("livedir-publisher: {line}");
    }
    let understood = match understood {
        Ok(understood) => understood,
        Err(ConfigError::Typed(error)) => error.exit(),
        Err(error) => {
            eprintln!("livedir-publisher: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = match understood.command {
        Command::Live(args) => live(*args, understood.printed),
        Command::Watch(args) => watch(args),
        Command::Inspect(args) => livedir_inspect::run(&args.into()).map_err(Into::into),
        Command::Check(args) => return check(&args),
        Command::Devices => list_devices(),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("livedir-publisher: {error}");
            ExitCode::FAILURE
        }
    }
}

fn live(args: LiveArgs, printed: Option<String>) -> anyhow::Result<()> {
    let settings = LiveSettings::try_from(args)?;
    if let Some(file) = printed {
        io::stdout().write_all(file.as_bytes())?;
        return Ok(());
    }
    start_libav()?;
    let terminal = Terminal::start();
    let stop = stop_on_signals()?;
    let meters = Arc::new(Meters::default());
    let ended =
        livedir_publisher::run(&settings, &stop, &meters, |stream, meters| terminal.draw(stream, meters));
    terminal.finish(ended.is_ok().then_some(&*meters));
    Ok(ended?)
}

fn watch(args: WatchArgs) -> anyhow::Result<()> {
    let settings = livedir_publisher::commands::watch::settings(args)?;
    let terminal = Terminal::start();
    let stop = stop_on_signals()?;
    let meters = Arc::new(Meters::default());
    let ended = livedir_publisher::commands::watch::run(&settings, &stop, &meters, |meters| {
        terminal.draw_watch(meters);
    });
    terminal.clear();
    Ok(ended?)
}

/// Exit status: 0 clean, 1 a MUST is broken, 2 could not check.
fn check(args: &CheckArgs) -> ExitCode {
    match stop_on_signals().and_then(|stop| commands::check::check(args, &stop)) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("livedir-publisher: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Ctrl-C and its like.
fn stop_on_signals() -> anyhow::Result<Stop> {
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

fn list_devices() -> anyhow::Result<()> {
    print!("{}", devices::devices()?);
    start_libav()?;
    print!("\n{}", encode::trial::describe());
    Ok(())
}

fn start_libav() -> anyhow::Result<()> {
    ffmpeg_next::init().map_err(|error| anyhow!("libav does not start: {error}"))?;
    ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Fatal);
    Ok(())
}
