//! Typed: what clap has to say of words that make no command, in the words of the rest. Pure.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use super::file::is_switch;
use super::foreign::instead_of;
use super::nearest;
use super::retyped::retyped;
use super::variables::{is_flag, is_of_server};

/// The words in which a value stands behind its flag with a = where clap would take it for something else: a negative number for a
/// flag, and `auto` in `--copy auto` for the source.
pub(super) fn as_meant(words: &[OsString], command: &Command) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::with_capacity(words.len());
    for word in words {
        let is_its_value = joined.last().and_then(|last| last.to_str()).is_some_and(|last| {
            let is_it = |arg: &Arg| !is_switch(arg) && !last.contains('=') && is_flag(last, arg);
            let flag = command.get_arguments().find(|arg| is_it(arg));
            flag.is_some_and(|arg| is_negative_number(word) || is_value_of(arg, word))
        });
        match joined.last_mut() {
            Some(last) if is_its_value => {
                last.push("=");
                last.push(word);
            }
            _ => joined.push(word.clone()),
        }
    }
    joined
}

/// Whether the word is one of the values of a flag that asks for a =.
fn is_value_of(arg: &Arg, word: &OsStr) -> bool {
    let Some(word) = word.to_str().filter(|_| arg.is_require_equals_set()) else { return false };
    arg.get_possible_values().iter().any(|value| value.matches(word, true))
}

fn is_negative_number(word: &OsStr) -> bool {
    let digits = word.to_str().and_then(|word| word.strip_prefix('-'));
    digits.is_some_and(|digits| {
        digits.trim_start_matches('.').starts_with(|digit: char| digit.is_ascii_digit())
    })
}

/// The error with what was meant, with the variable whose value it is about, and without addresses. `command` is the one that was
/// typed, if one was.
pub(super) fn explained(
    mut error: clap::Error,
    program: &Command,
    command: Option<&Command>,
    words: &[OsString],
) -> clap::Error {
    let Some(command) = command else { return without_command(error, program, words) };
    let Some(ContextValue::String(about)) = error.get(ContextKind::InvalidArg).cloned() else { return error };
    match error.kind() {
        ErrorKind::UnknownArgument if !about.starts_with('-') || about.contains('@') => {
            return if takes_address(command) { one_source_too_many(command) } else { error };
        }
        ErrorKind::UnknownArgument => {
            let flag = whole_word(&about, words);
            if let Some(remedy) = remedy_of(&flag, program, command, words) {
                return one_line(command, format!("unexpected argument '{flag}'; {remedy}"));
            }
            if let Some(meant) =
                nearest(flag.trim_start_matches('-'), command.get_arguments().filter_map(Arg::get_long))
            {
                let usage = command.clone().render_usage();
                error.insert(ContextKind::SuggestedArg, ContextValue::String(format!("--{meant}")));
                // Clap's own guess stands in it.
                error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
                error.remove(ContextKind::Suggested);
            }
        }
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

/// What to type instead of a flag that `command` does not have, where that is known without a guess.
fn remedy_of(flag: &str, program: &Command, command: &Command, words: &[OsString]) -> Option<String> {
    let name = flag.trim_start_matches('-');
    let has_it = |command: &Command| command.get_arguments().any(|arg| arg.get_long() == Some(name));
    if has_it(command) {
        if !flag.starts_with("--") {
            return Some(format!("it has two dashes: --{name}"));
        }
        // Clap knows it only behind the command.
        let (first, rest): (Vec<_>, Vec<_>) =
            words.iter().skip(1).partition(|word| word.as_os_str() == command.get_name());
        let behind = format!("{name} stands behind {}", command.get_name());
        return Some(match retyped(first.into_iter().chain(rest)) {
            Some(line) => format!("--{behind}; type: {line}"),
            None => format!("--{behind}"),
        });
    }
    if let Some(remedy) = instead_of(name).filter(|_| command.get_name() == "live") {
        return Some(remedy);
    }
    if let Some(other) = program.get_subcommands().find(|other| !other.is_hide_set() && has_it(other)) {
        return Some(format!("it is a flag of `livedir-publisher {}`", other.get_name()));
    }
    is_of_server(name).then(|| "it is a flag of livedir-server".to_owned())
}

/// The word that was typed, without its value: of `-vf` clap names `-v`.
fn whole_word(about: &str, words: &[OsString]) -> String {
    let names = words.iter().filter_map(|word| word.to_str()?.split('=').next());
    let is_it = |name: &&str| *name == about || (!about.starts_with("--") && name.starts_with(about));
    names.into_iter().find(is_it).unwrap_or(about).to_owned()
}

/// What is said where no command was typed: mostly the source stands in its place.
fn without_command(error: clap::Error, program: &Command, words: &[OsString]) -> clap::Error {
    let about = |kind| match error.get(kind) {
        Some(ContextValue::String(about)) => Some(about.clone()),
        _ => None,
    };
    let shown = program.get_subcommands().filter(|command| !command.is_hide_set());
    let with_live = || {
        let live = OsString::from("live");
        retyped(std::iter::once(&live).chain(words.iter().skip(1)))
    };
    let message = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let Some(typed) = about(ContextKind::InvalidSubcommand) else { return error };
            let commands: Vec<&str> = shown.map(Command::get_name).collect();
            if let Some(meant) = nearest(&typed, commands.iter().copied()) {
                format!("there is no command '{}'; did you mean {meant}?", livedir_address::shown(&typed))
            } else if !is_source(&typed) {
                format!("there is no command '{typed}'; commands: {}", commands.join(", "))
            } else {
                match with_live() {
                    Some(line) => format!("no command is typed; to stream {typed}, type: {line}"),
                    None => "no command is typed; to stream an address, put live before it".to_owned(),
                }
            }
        }
        ErrorKind::UnknownArgument => {
            let Some(flag) = about(ContextKind::InvalidArg).map(|about| whole_word(&about, words)) else {
                return error;
            };
            let has_it = |command: &&Command| {
                command.get_arguments().any(|arg| arg.get_long().is_some() && is_flag(&flag, arg))
            };
            match shown.into_iter().find(has_it).map(Command::get_name) {
                Some("live") => match with_live() {
                    Some(line) => format!("no command is typed; type: {line}"),
                    None => format!("no command is typed; put live before {flag}"),
                },
                Some(command) => format!("no command is typed; put {command} before {flag}"),
                None => return error,
            }
        }
        _ => return error,
    };
    one_line(program, message)
}

/// Whether a word looks like what can be streamed.
fn is_source(word: &str) -> bool {
    word.contains(['.', '/', ':']) || ["-", "test", "camera", "screen"].contains(&word)
}

fn one_line(command: &Command, message: String) -> clap::Error {
    clap::Error::raw(ErrorKind::UnknownArgument, message + "\n").with_cmd(command)
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
        let name =
            words.iter().filter_map(|word| word.to_str()).find_map(|word| program.find_subcommand(word));
        let words = name.map_or(words.clone(), |command| as_meant(&words, command));
        let error = program.clone().try_get_matches_from(&words).expect_err("it makes no sense");
        explained(error, &program, name, &words).to_string()
    }

    #[track_caller]
    fn check(line: &str, expected: &str) {
        assert_eq!(error_of(line), format!("error: {expected}\n"));
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

    #[test]
    fn a_source_without_a_command_is_answered_with_the_whole_line() {
        check(
            "p|movie.mp4|--loop",
            "no command is typed; to stream movie.mp4, type: livedir-publisher live movie.mp4 --loop",
        );
        check("p|test", "no command is typed; to stream test, type: livedir-publisher live test");
        check("p|a b.mp4", "no command is typed; to stream a b.mp4, type: livedir-publisher live 'a b.mp4'");
        check("p|--loop|a.mp4", "no command is typed; type: livedir-publisher live --loop a.mp4");
        check("p|rtsp://u:secret@camera/1", "no command is typed; to stream an address, put live before it");
        check("p|lvie", "there is no command 'lvie'; did you mean live?");
        check(
            "p|stream",
            "there is no command 'stream'; commands: live, watch, inspect, check, devices, help, manual",
        );
    }

    #[test]
    fn a_flag_of_another_place_is_answered_with_the_one_here() {
        for (line, expected) in [
            (
                "p|live|test|--resolution|640x480",
                "unexpected argument '--resolution'; type --size 1280x720 instead",
            ),
            ("p|live|test|-vf|hflip", "unexpected argument '-vf'; type --filter GRAPH instead"),
            ("p|live|test|-s=640x480", "unexpected argument '-s'; type --size 1280x720 instead"),
            ("p|live|test|-fps|25", "unexpected argument '-fps'; it has two dashes: --fps"),
            ("p|live|test|--port|8080", "unexpected argument '--port'; it is a flag of livedir-server"),
            ("p|watch|--fps|25", "unexpected argument '--fps'; it is a flag of `livedir-publisher live`"),
            (
                "p|--fps|25|live|test",
                "unexpected argument '--fps'; --fps stands behind live; type: livedir-publisher live --fps 25 test",
            ),
            (
                "p|live|-i|movie.mp4",
                "unexpected argument '-i'; name the source without a flag, like `livedir-publisher live movie.mp4`",
            ),
        ] {
            check(line, expected);
        }
    }

    #[test]
    fn a_value_of_copy_may_stand_behind_a_space() {
        let command = CommandLine::command();
        let live = command.find_subcommand("live").expect("a command");
        let meant = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            as_meant(&words, live)
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(meant("p live film.mp4 --copy auto"), "p live film.mp4 --copy=auto");
        assert_eq!(meant("p live --copy Never film.mp4"), "p live --copy=Never film.mp4");
        assert_eq!(meant("p live --copy film.mp4"), "p live --copy film.mp4");
        assert_eq!(meant("p live --copy ./auto"), "p live --copy ./auto");
        assert_eq!(meant("p live --mic auto"), "p live --mic auto");
    }
}
