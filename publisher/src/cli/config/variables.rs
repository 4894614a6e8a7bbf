//! Variables: what the environment says of flags, and what of it nobody understands.
//!
//! In: the environment, the description of the program, and what was typed. Out: the description without the variables that are
//! as good as not there, and a warning for each that is misspelt.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};

use clap::{Arg, Command};

use super::file::is_switch;
use super::{exclude, nearest};
use crate::cli::args::parse_switch;

/// What all of them begin with.
const PREFIX: &str = "LIVEDIR_";

/// Those of livedir-server and of the justfile, which may stand in the same environment.
const OTHERS: [&str; 18] = [
    "LIVEDIR_ACCESS_LOG",
    "LIVEDIR_ACCESS_LOG_FORMAT",
    "LIVEDIR_CACHE_SIZE",
    "LIVEDIR_CLIENT_TIMEOUT",
    "LIVEDIR_CONNECTIONS",
    "LIVEDIR_CONNECTIONS_PER_ADDRESS",
    "LIVEDIR_FORWARDED_FROM",
    "LIVEDIR_IDLE_TIMEOUT",
    "LIVEDIR_LISTEN",
    "LIVEDIR_METRICS_LISTEN",
    "LIVEDIR_PAGE_POLICY",
    "LIVEDIR_PID_FILE",
    "LIVEDIR_PORT",
    "LIVEDIR_SEGMENT_MAX_AGE",
    "LIVEDIR_THREADS",
    "LIVEDIR_TLS_CERT",
    "LIVEDIR_TLS_KEY",
    "LIVEDIR_WEBROOT",
];

/// Whether livedir-server has the flag of this name, which stands without its dashes.
pub(super) fn is_of_server(flag: &str) -> bool {
    let variable = format!("{PREFIX}{}", flag.to_uppercase().replace('-', "_"));
    OTHERS.contains(&variable.as_str())
}

/// A line for each variable that has our prefix and means nothing.
pub(super) fn unknown(names: impl IntoIterator<Item = OsString>, program: &Command) -> Vec<String> {
    let commands = std::iter::once(program).chain(program.get_subcommands());
    let of_flags =
        commands.flat_map(Command::get_arguments).filter_map(Arg::get_env).filter_map(OsStr::to_str);
    let known: BTreeSet<&str> = of_flags.chain(OTHERS).collect();
    let names: BTreeSet<String> = names.into_iter().filter_map(|name| name.into_string().ok()).collect();
    let unknown = names.iter().filter(|name| name.starts_with(PREFIX) && !known.contains(name.as_str()));
    let line = |name: &String| {
        let flags = known.iter().map(|known| &known[PREFIX.len()..]);
        let remedy = match nearest(&name[PREFIX.len()..], flags) {
            Some(meant) => format!("did you mean {PREFIX}{meant}?"),
            None => format!("`{} live --help` lists them", program.get_name()),
        };
        format!("unknown variable {name}; {remedy}")
    };
    unknown.map(line).collect()
}

/// What is left of the environment.
pub(super) struct Settled {
    /// The description, in which only the variables are left that say something.
    pub(super) program: Command,
    /// Flags of the command, by their ids, to which a variable says no.
    pub(super) refused: Vec<String>,
}

/// Leaves out the variables of the command `name` that say no, as clap takes any value for a wish, and those that what was typed
/// excludes.
pub(super) fn settle(program: Command, name: &str, words: &[OsString]) -> Settled {
    let mut built = program.clone();
    built.build();
    let Some(command) = built.find_subcommand(name) else { return Settled { program, refused: Vec::new() } };
    let is_typed = |arg: &Arg| {
        let mut words = words.iter().filter_map(|word| word.to_str()).take_while(|word| *word != "--");
        words.any(|word| is_flag(word, arg))
    };
    let says = |arg: &Arg| arg.get_env().and_then(env::var_os);
    let is_no = |arg: &Arg| {
        is_switch(arg)
            && says(arg).is_some_and(|value| value.to_str().is_some_and(|it| parse_switch(it) == Ok(false)))
    };
    let is_excluded = |arg: &Arg| {
        command.get_arguments().any(|other| exclude(command, arg, other) && is_typed(other) && !is_typed(arg))
    };
    let ids = |which: &dyn Fn(&Arg) -> bool| -> Vec<String> {
        command.get_arguments().filter(|arg| which(arg)).map(|arg| arg.get_id().to_string()).collect()
    };
    let refused = ids(&is_no);
    let left_out: Vec<String> = ids(&|arg| says(arg).is_some() && is_excluded(arg));
    let is_left_out =
        |arg: &Arg| [&refused, &left_out].into_iter().flatten().any(|id| arg.get_id().as_str() == id);
    let program = program.mut_subcommand(name, |command| {
        command.mut_args(|arg| if is_left_out(&arg) { arg.env(None::<&'static str>) } else { arg })
    });
    Settled { program, refused }
}

/// Whether a word is this flag, with its value or without.
pub(super) fn is_flag(word: &str, arg: &Arg) -> bool {
    let typed = word.strip_prefix("--").map(|flag| flag.split_once('=').map_or(flag, |(flag, _)| flag));
    typed.is_some() && typed == arg.get_long()
}

#[cfg(all(test, feature = "capture"))]
mod tests {
    use super::*;
    use crate::cli::args::CommandLine;
    use clap::CommandFactory;

    #[track_caller]
    fn check(name: &str, expected: Option<&str>) {
        let lines = unknown([OsString::from(name)], &CommandLine::command());
        assert_eq!(lines.len(), usize::from(expected.is_some()), "{lines:?}");
        assert!(expected.is_none_or(|expected| lines[0].contains(expected)), "{lines:?}");
    }

    #[test]
    fn a_misspelt_variable_is_told_with_the_one_that_was_meant() {
        check("LIVEDIR_BITRAT", Some("unknown variable LIVEDIR_BITRAT; did you mean LIVEDIR_BITRATE?"));
        check("LIVEDIR_FSP", Some("did you mean LIVEDIR_FPS?"));
        check("LIVEDIR_LISTN", Some("did you mean LIVEDIR_LISTEN?"));
        check("LIVEDIR_QQQQQQ", Some("`livedir-publisher live --help`"));
    }

    #[test]
    fn what_some_command_of_either_program_understands_is_not_told() {
        for name in
            ["LIVEDIR_FPS", "LIVEDIR_END_AFTER", "LIVEDIR_LISTEN", "LIVEDIR_PORT", "PATH", "MY_LIVEDIR_FPS"]
        {
            check(name, None);
        }
    }
}
