//! Typed: words that clap takes for something else, and what it has to say of words that it does not know. Pure.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};
use livedir_manual::quoted;

use super::variables::is_of_publisher;

/// Flags as other programs name them, without their dashes, and what is typed here instead.
const FOREIGN: [(&[&str], &str); 8] = [
    (&["port", "p"], "--listen 8080"),
    (&["bind", "b", "address", "addr", "host", "l"], "--listen 127.0.0.1:8080"),
    (&["dir", "directory", "d", "root", "r", "public"], "--webroot DIR"),
    (&["cert", "certificate", "ssl-cert"], "--tls-cert FILE"),
    (&["key", "ssl-key"], "--tls-key FILE"),
    (&["metrics", "metrics-port"], "--metrics-listen 127.0.0.1:9101"),
    (&["log"], "--access-log FILE"),
    (&["workers", "jobs", "j"], "--threads 2"),
];

/// The words in which a negative number stands behind its flag with a =, without which it is taken for a flag.
#[must_use]
pub fn with_negative_values(words: impl IntoIterator<Item = OsString>, program: &Command) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    for word in words {
        let takes_value = joined.last().and_then(|last| last.to_str()).is_some_and(|last| {
            let is_it = |arg: &Arg| {
                !matches!(arg.get_action(), ArgAction::SetTrue) && last.strip_prefix("--") == arg.get_long()
            };
            last.starts_with("--") && program.get_arguments().any(is_it)
        });
        let is_negative = word
            .to_str()
            .and_then(|word| word.strip_prefix('-'))
            .is_some_and(|digits| digits.starts_with(|digit: char| digit.is_ascii_digit()));
        match joined.last_mut() {
            Some(last) if takes_value && is_negative => {
                last.push("=");
                last.push(word);
            }
            _ => joined.push(word),
        }
    }
    joined
}

/// The error with what was meant, in one line, where that is known without a guess.
#[must_use]
pub fn explained(error: clap::Error, program: &Command, words: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(about)) = error.get(ContextKind::InvalidArg) else { return error };
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let typed = words.iter().filter_map(|word| word.to_str()?.split('=').next());
    // Of -port clap names -p.
    let is_it =
        |word: &&str| *word == about || (!about.starts_with("--") && word.starts_with(about.as_str()));
    let about = typed.into_iter().find(is_it).unwrap_or(about);
    let name = about.trim_start_matches('-');
    let foreign = FOREIGN.iter().find(|(names, _)| names.contains(&name)).map(|(_, ours)| *ours);
    let remedy = match foreign {
        _ if !about.starts_with('-') => {
            format!("name the directory with --webroot: --webroot {}", quoted(about))
        }
        _ if program.get_arguments().any(|arg| arg.get_long() == Some(name)) => {
            format!("it has two dashes: --{name}")
        }
        Some(ours) => format!("type {ours} instead"),
        None if is_of_publisher(name) => "it is a flag of livedir-publisher".to_owned(),
        None => return error,
    };
    let message = format!("unexpected argument '{about}'; {remedy}\n");
    clap::Error::raw(ErrorKind::UnknownArgument, message).with_cmd(program)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Args;
    use clap::{CommandFactory, Parser};

    #[test]
    fn a_negative_number_is_a_value_and_no_flag() {
        for flag in ["--threads", "--connections", "--cache-size", "--idle-timeout"] {
            let words = ["livedir-server", flag, "-5"].map(OsString::from);
            let error =
                Args::try_parse_from(with_negative_values(words, &Args::command())).unwrap_err().to_string();
            assert!(error.starts_with(&format!("error: invalid value '-5' for '{flag} <")), "{error}");
        }
    }

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let words: Vec<OsString> = line.split('|').map(OsString::from).collect();
        let error = Args::try_parse_from(&words).expect_err("it makes no sense");
        let error = explained(error, &Args::command(), &words).to_string();
        assert_eq!(error, format!("error: unexpected argument {expected}\n"));
    }

    #[test]
    fn what_other_programs_call_it_is_answered_with_what_to_type() {
        check("s|w1", "'w1'; name the directory with --webroot: --webroot w1");
        check("s|my site|--threads|2", "'my site'; name the directory with --webroot: --webroot 'my site'");
        check("s|--port|8080", "'--port'; type --listen 8080 instead");
        check("s|--port=8080", "'--port'; type --listen 8080 instead");
        check("s|-p|8080", "'-p'; type --listen 8080 instead");
        check("s|-port|8080", "'-port'; type --listen 8080 instead");
        check("s|--dir|w1", "'--dir'; type --webroot DIR instead");
        check("s|-listen|8080", "'-listen'; it has two dashes: --listen");
        check("s|--fps|25", "'--fps'; it is a flag of livedir-publisher");
    }
}
