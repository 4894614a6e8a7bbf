//! What was typed, one file a command. [`crate::cli::settings`] says what was meant.

mod check;
mod inspect;
#[cfg(feature = "capture")]
mod live;
#[cfg(feature = "capture")]
mod media_values;
mod values;
mod watch;

pub use check::CheckArgs;
pub use inspect::InspectArgs;
#[cfg(feature = "capture")]
pub use live::{CopyWhen, DEFAULT_AUDIO_BITRATE, DEFAULT_BITRATE, DEFAULT_ENCODER, DEFAULT_FPS, LiveArgs};
pub use values::parse_switch;
pub use watch::WatchArgs;

use crate::cli::topics;
use clap::{Parser, Subcommand};

/// What the program is without the feature `capture`.
#[cfg(not(feature = "capture"))]
const WITHOUT_CAPTURE: &str = "Lists the segments that other programs write in playlists, shows what is on disk, and validates streams. \
                               Built without cameras and encoders";

/// Streams a camera, a file or a URL to the web: HLS segments and a playlist in a directory that any web server can serve
#[derive(Debug, Parser)]
#[command(name = "livedir-publisher", version, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(after_help = format!("Topics of `help`: {}", topics::names()))]
#[cfg_attr(not(feature = "capture"), command(about = WITHOUT_CAPTURE, long_about = None))]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Stream a camera, a file, a URL or the test pattern
    #[cfg(feature = "capture")]
    Live(Box<LiveArgs>),
    /// Write the playlist for .ts segments that any encoder puts into webroot/live
    Watch(WatchArgs),
    /// Show what is on disk: the segments, the timeline, and the playlist's view of them
    Inspect(InspectArgs),
    /// Validate a stream, on disk or over HTTP, against the HLS rules; exit status 1 if a rule is broken
    Check(CheckArgs),
    /// List cameras with their formats, microphones, and the encoders that work on this machine
    #[cfg(feature = "capture")]
    Devices,
    /// Print the help of a command or a topic: `help live`, `help low-latency`
    Help(HelpArgs),
    /// Write man pages and shell completions into a directory
    #[command(long_flag = "manual")]
    Manual(ManualArgs),
    /// What this program was built without
    #[cfg(not(feature = "capture"))]
    #[command(hide = true, disable_help_flag = true)]
    Live(LeftOut),
    /// What this program was built without
    #[cfg(not(feature = "capture"))]
    #[command(hide = true, disable_help_flag = true)]
    Devices(LeftOut),
}

/// What `help` is asked for.
#[derive(Debug, clap::Args)]
pub struct HelpArgs {
    /// What to print the help of
    #[arg(value_name = "COMMAND|TOPIC", help = format!("A command, or a topic: {}", topics::names()))]
    pub word: Option<String>,
}

/// Where `manual` writes to.
#[derive(Debug, clap::Args)]
pub struct ManualArgs {
    /// Directory, like /usr/local/share: it gets man/man1 and the directories of bash, fish and zsh
    #[arg(value_name = "DIR")]
    pub share: std::path::PathBuf,
}

/// A command that this program was built without: anything may stand behind it.
#[cfg(not(feature = "capture"))]
#[derive(Debug, clap::Args)]
pub struct LeftOut {
    /// What was typed.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    words: Vec<std::ffi::OsString>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        <CommandLine as clap::CommandFactory>::command().debug_assert();
    }

    /// docs/livedir-publisher.md says so; `--print-config` and `--dry-run` alone are about a single run.
    #[cfg(feature = "capture")]
    #[test]
    fn every_flag_can_be_a_variable_and_every_switch_takes_the_same_words() {
        let program = <CommandLine as clap::CommandFactory>::command();
        let args = program.get_subcommands().flat_map(clap::Command::get_arguments);
        let flags = args.filter_map(|arg| Some((arg, arg.get_long()?)));
        let mut switches = 0;
        for (arg, flag) in
            flags.filter(|(_, flag)| !["help", "version", "print-config", "dry-run"].contains(flag))
        {
            let variable = format!("LIVEDIR_{}", flag.to_uppercase().replace('-', "_"));
            assert_eq!(arg.get_env().and_then(|name| name.to_str()), Some(&*variable), "--{flag}");
            if !matches!(arg.get_action(), clap::ArgAction::SetTrue) {
                continue;
            }
            switches += 1;
            for (word, expected) in
                [("1", true), ("Yes", true), ("TRUE", true), ("0", false), ("no", false), ("False", false)]
            {
                let alone = clap::Arg::new("it").long("it").value_parser(arg.get_value_parser().clone());
                let words = ["one", &format!("--it={word}")];
                let matches = clap::Command::new("one").arg(alone).try_get_matches_from(words);
                assert_eq!(matches.unwrap().get_one("it"), Some(&expected), "--{flag} {word}");
            }
        }
        assert!(switches > 10, "{switches}");
    }
}
