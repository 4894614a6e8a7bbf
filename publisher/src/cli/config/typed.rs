//! Typed: what clap has to say of words that make no command, in the words of the rest. Pure.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use super::file::is_switch;
use super::nearest;
use super::variables::is_flag;

/// The words in which a negative number stands behind its flag with a =, without which it is taken for a flag.
pub(super) fn with_negative_values(words: &[OsString], command: &Command) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::with_capacity(words.len());
    for word in words {
        let takes_value = joined.last().and_then(|last| last.to_str()).is_some_and(|last| {
            let is_it = |arg: &Arg| !is_switch(arg) && !last.contains('=') && is_flag(last, arg);
            command.get_arguments().any(is_it)
        });
        match joined.last_mut() {
            Some(last) if takes_value && is_negative_number(word) => {
                last.push("=");
                last.push(word);
            }
            _ => joined.push(word.clone()),
        }
    }
    joined
}

fn is_negative_number(word: &OsStr) -> bool {
    let digits = word.to_str().and_then(|word| word.strip_prefix('-'));
    digits.is_some_and(|digits| {
        digits.trim_start_matches('.').starts_with(|digit: char| digit.is_ascii_digit())
    })
}

/// The error with the flag that was meant, with the variable whose value it is about, and without addresses.
pub(super) fn explained(
    mut error: clap::Error,
    command: Option<&Command>,
    words: &[OsString],
) -> clap::Error {
    let Some(command) = command else { return error };
    let Some(ContextValue::String(about)) = error.get(ContextKind::InvalidArg).cloned() else { return error };
    match error.kind() {
        ErrorKind::UnknownArgument => match about.strip_prefix("--") {
            Some(flag) => {
                if let Some(meant) = nearest(flag, command.get_arguments().filter_map(Arg::get_long)) {
                    let usage = command.clone().render_usage();
                    error.insert(ContextKind::SuggestedArg, ContextValue::String(format!("--{meant}")));
                    // Clap's own guess stands in it.
                    error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
                }
            }
            None if takes_address(command) && (!about.starts_with('-') || about.contains('@')) => {
                return one_source_too_many(command);
            }
            None => {}
        },
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let flag = about.split(' ').next().unwrap_or_default();
            let arg = command.get_arguments().find(|arg| is_flag(flag, arg));
            let typed = words.iter().filter_map(|word| word.to_str());
            if let Some(variable) = arg.and_then(Arg::get_env)
                && !arg.is_some_and(|arg| typed.into_iter().any(|word| is_flag(word, arg)))
            {
                let variable = variable.to_string_lossy().into_owned();
                error.insert(ContextKind::InvalidArg, ContextValue::String(variable));
            }
        }
        _ => {}
    }
    error
}

fn takes_address(command: &Command) -> bool {
    command.get_positionals().any(|arg| matches!(arg.get_id().as_str(), "source" | "subject"))
}

/// It may be the rest of an address that a space has broken, with a part of the password.
fn one_source_too_many(command: &Command) -> clap::Error {
    clap::Error::raw(
        ErrorKind::UnknownArgument,
        "more than one source; if an address contains a space or a &, put it in quotes, like 'rtsp://camera/1?a=1&b=2'\n",
    )
    .with_cmd(command)
}

#[cfg(all(test, feature = "capture"))]
mod tests {
    use super::*;
    use crate::cli::args::CommandLine;
    use clap::CommandFactory;

    fn error_of(line: &str) -> String {
        let words: Vec<OsString> = line.split('|').map(OsString::from).collect();
        let mut program = CommandLine::command();
        program.build();
        let command = words.get(1).and_then(|name| program.find_subcommand(name)).cloned();
        let words = command.as_ref().map_or(words.clone(), |command| with_negative_values(&words, command));
        let error = program.try_get_matches_from(&words).expect_err("it makes no sense");
        explained(error, command.as_ref(), &words).to_string()
    }

    #[test]
    fn a_misspelt_flag_is_answered_with_the_one_that_was_meant() {
        let error = error_of("p|live|test|--fsp|25");
        assert!(error.contains("--fps") && !error.contains("--fast"), "{error}");
    }

    #[test]
    fn a_negative_number_is_a_value_and_no_flag() {
        for flag in ["--fps", "--window", "--size", "--bitrate", "--segment-duration"] {
            let error = error_of(&format!("p|live|test|{flag}|-5"));
            assert!(error.starts_with(&format!("error: invalid value '-5' for '{flag} <")), "{error}");
        }
        let error = error_of("p|live|test|--clock|-5");
        assert!(error.contains("unexpected argument '-5'"), "{error}");
    }

    #[test]
    fn a_broken_address_is_not_repeated() {
        let error = error_of("p|live|rtsp://u:pass|word@camera/1");
        assert!(!error.contains("word@") && error.contains("in quotes"), "{error}");
    }
}
