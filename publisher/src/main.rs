//! The command `livedir-publisher`.

use std::ffi::OsString;
use std::process::ExitCode;

use livedir_publisher::cli::args::Command;
use livedir_publisher::cli::config::{self, ConfigError};
use livedir_publisher::cli::unseen;
use livedir_publisher::commands;
use livedir_publisher::commands::terminal::say;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let understood = config::read(words.iter().cloned());
    if let Ok(understood) = &understood {
        unseen::go_on_unseen(&understood.command, &words);
    }
    for line in config::unknown_variables() {
        say(format_args!("livedir-publisher: {line}"));
    }
    let understood = match understood {
        Ok(understood) => understood,
        Err(ConfigError::Typed(error)) => error.exit(),
        Err(error) => {
            say(format_args!("livedir-publisher: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let ended = match understood.command {
        #[cfg(feature = "capture")]
        Command::Live(args) if args.channels.is_some() => {
            commands::channels::channels(&args, &understood.typed)
        }
        #[cfg(feature = "capture")]
        Command::Live(args) => commands::live::live(*args, understood.printed),
        #[cfg(feature = "capture")]
        Command::Devices => commands::devices::list(),
        #[cfg(not(feature = "capture"))]
        Command::Live(_) | Command::Devices(_) => Err(anyhow::anyhow!(
            "this program was built without cameras and encoders, for watch, inspect and check; build it whole with just build"
        )),
        Command::Watch(args) => commands::watch::watch(args),
        Command::Inspect(args) => livedir_inspect::run(&args.into()).map_err(Into::into),
        Command::Check(args) => return commands::check::check(&args),
        Command::Help(args) => commands::help::help(args.word.as_deref()),
        Command::Manual(args) => commands::help::manual(&args.share),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("livedir-publisher: {error}"));
            ExitCode::FAILURE
        }
    }
}
