//! Configuration: the flags of a command from a file, where they were not typed.
//!
//! In: the words that were typed, the environment, and the TOML file that `--config` names. Out: the command with every
//! flag in its place: what was typed wins over `LIVEDIR_*`, that over the file, that over the default. Keys, values and
//! help are those of clap's own description, so a flag that is added to [`crate::cli::args`] is a key at once. Runs on the
//! main thread before anything else, and reads no other file.

#[cfg(feature = "capture")]
pub mod channels;
mod file;
mod foreign;
mod nearest;
mod print;
mod retyped;
mod typed;
mod variables;

pub use file::{Problem, Setting, settings};
pub use nearest::nearest;
pub use print::print;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory, FromArgMatches};

use crate::cli::args::{Command, CommandLine};

use variables::Settled;

/// A file of all keys with all their help is a hundredth of this; more is no configuration.
const LARGEST_FILE: u64 = 1 << 20;

/// What is to be done.
#[derive(Debug)]
pub struct Understood {
    /// The command with all its flags.
    pub command: Command,
    /// With `--print-config`: the file that says the same.
    pub printed: Option<String>,
    /// The flags that were typed, as they are typed.
    pub typed: Vec<String>,
}

/// Why the words make no command.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// What was typed; clap says it best itself.
    #[error(transparent)]
    Typed(#[from] clap::Error),
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}; name a TOML file with --config, --print-config writes one", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no configuration.
    #[error("{} is larger than 1 MiB, which no configuration is; name a TOML file with --config", .0.display())]
    TooLarge(PathBuf),
    /// A line of the file.
    #[error("{}:{line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong with it.
        problem: Problem,
    },
    /// Lines of the file that do not go together, or not with what was typed.
    #[error("{}: {problem}", path.display())]
    Together {
        /// The file.
        path: PathBuf,
        /// In clap's words.
        problem: String,
    },
    /// A line of a file of channels.
    #[cfg(feature = "capture")]
    #[error("{}:{line}: {problem}", path.display())]
    Channel {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong with it.
        problem: channels::ChannelProblem,
    },
}

/// The command that these words, the environment and the file ask for; the first word is the program's name.
pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Understood, ConfigError> {
    let words: Vec<OsString> = words.into_iter().collect();
    let program = CommandLine::command();
    let typed = words.iter().skip(1).filter_map(|word| word.to_str());
    let name = typed.into_iter().find(|word| program.find_subcommand(word).is_some()).map(str::to_owned);
    let Settled { program: mut description, refused } = match &name {
        Some(name) => variables::settle(program, name, &words),
        None => Settled { program, refused: Vec::new() },
    };
    description.build();
    let command = name.as_ref().and_then(|name| description.find_subcommand(name));
    let words = command.map_or(words.clone(), |command| typed::as_meant(&words, command));
    let mut matches = description
        .clone()
        .try_get_matches_from(&words)
        .map_err(|error| typed::explained(error, &description, command, &words))?;
    if let Some((name, typed)) = matches.subcommand()
        && let Some(path) = given::<PathBuf>(typed, "config")
    {
        let text = text_of(path)?;
        let at_line = |(line, problem)| ConfigError::Line { path: path.clone(), line, problem };
        let mut all = settings(&text, &description, name).map_err(at_line)?;
        let command = description.find_subcommand(name).unwrap_or(&description);
        all.retain(|setting| !is_overruled(command, typed, &setting.id) && !refused.contains(&setting.id));
        let split = words.iter().position(|word| word.as_os_str() == name).map_or(words.len(), |at| at + 1);
        let from_file = all.into_iter().flat_map(|setting| setting.words);
        let merged = words[..split].iter().cloned().chain(from_file).chain(words[split..].iter().cloned());
        matches = description.clone().try_get_matches_from(merged).map_err(|error| {
            ConfigError::Together { path: path.clone(), problem: file::in_one_line(&error) }
        })?;
    }
    let printed = matches
        .subcommand()
        .filter(|(_, given_matches)| given(given_matches, "print_config") == Some(&true))
        .and_then(|(name, given)| Some(print(description.find_subcommand(name)?, given)));
    let typed = matches.subcommand().map_or_else(Vec::new, |(name, given)| {
        typed_flags(description.find_subcommand(name).unwrap_or(&description), given)
    });
    let command = CommandLine::from_arg_matches(&matches)?.command;
    Ok(Understood { command, printed, typed })
}

/// A line for each variable of the environment that has our prefix and that nothing understands.
#[must_use]
pub fn unknown_variables() -> Vec<String> {
    variables::unknown(std::env::vars_os().map(|(name, _)| name), &CommandLine::command())
}

/// The value of a flag that not every command has.
fn given<'a, T: Clone + Send + Sync + 'static>(matches: &'a ArgMatches, id: &str) -> Option<&'a T> {
    matches.try_get_one(id).ok().flatten()
}

/// Whether what was typed or is in the environment stands above the file's key: the same flag, or one that excludes it.
fn is_overruled(command: &clap::Command, typed: &ArgMatches, id: &str) -> bool {
    let Some(key) = command.get_arguments().find(|arg| arg.get_id() == id) else { return false };
    let is_typed = |arg: &Arg| typed.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    is_given(typed, key)
        || command.get_arguments().any(|other| is_typed(other) && exclude(command, key, other))
}

fn typed_flags(command: &clap::Command, matches: &ArgMatches) -> Vec<String> {
    let is_typed = |arg: &&Arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let typed = command.get_arguments().filter(is_typed);
    typed.map(|arg| arg.get_long().map_or_else(|| "SOURCE".to_owned(), |long| format!("--{long}"))).collect()
}

/// Whether a flag was typed or is in the environment.
fn is_given(matches: &ArgMatches, arg: &Arg) -> bool {
    let source = matches.value_source(arg.get_id().as_str());
    matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
}

/// Whether two flags cannot be given together.
fn exclude(command: &clap::Command, one: &Arg, other: &Arg) -> bool {
    let says = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|arg| arg.get_id() == other.get_id())
    };
    says(one, other) || says(other, one)
}

fn text_of(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(ConfigError::TooLarge(path.to_owned()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = file::line_of(error.as_bytes(), error.utf8_error().valid_up_to());
        ConfigError::Line { path: path.to_owned(), line, problem: Problem::NotText }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ArgAction;

    #[track_caller]
    fn check(typed: &[&str], id: &str, expected: bool) {
        let switch = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
        let mut command = clap::Command::new("go")
            .arg(switch("sound"))
            .arg(switch("mute").conflicts_with("sound"))
            .arg(Arg::new("count").long("count").default_value("3"));
        command.build();
        let matches = command.clone().get_matches_from([&["go"], typed].concat());
        assert_eq!(is_overruled(&command, &matches, id), expected, "{typed:?}");
    }

    #[test]
    fn what_is_typed_overrules_the_same_key_and_those_that_it_excludes() {
        check(&[], "count", false);
        check(&["--count", "3"], "count", true);
        check(&["--sound"], "count", false);
        check(&["--sound"], "sound", true);
        check(&["--sound"], "mute", true);
        check(&["--mute"], "sound", true);
        check(&["--count=4"], "mute", false);
    }
}
