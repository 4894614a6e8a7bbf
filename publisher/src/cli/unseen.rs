//! Unseen: what is typed stands in the system's list of processes, for every user of the machine to read. An address with a
//! password goes on in the environment, which the other users cannot read.
//!
//! In: what was typed. Out: the same program in the same process with the address in a variable, or nothing where there is no
//! secret. To be called before anything is opened.

use std::ffi::{OsStr, OsString};

use crate::cli::args::Command;
use livedir_address::shown;

/// The words without the address, and its variable and value; nothing if it may be seen, or was not typed.
fn moved(command: &Command, words: &[OsString]) -> Option<(Vec<OsString>, &'static str, OsString)> {
    let (variable, address) = match command {
        #[cfg(feature = "capture")]
        Command::Live(args) => ("LIVEDIR_SOURCE", OsString::from(args.source.as_ref()?)),
        Command::Check(args) => ("LIVEDIR_SUBJECT", args.subject.clone()),
        Command::Watch(_) | Command::Inspect(_) | Command::Help(_) | Command::Manual(_) => return None,
        #[cfg(feature = "capture")]
        Command::Devices => return None,
        #[cfg(not(feature = "capture"))]
        Command::Live(_) | Command::Devices(_) => return None,
    };
    let text = address.to_str()?;
    let is_it = |word: &OsString| *word == address;
    // A flag may have the same value; which is which is not worth knowing.
    if shown(text) == text || words.iter().filter(|word| is_it(word)).count() != 1 {
        return None;
    }
    let rest = words.iter().filter(|word| !is_it(word)).cloned().collect();
    Some((rest, variable, address))
}

/// Begins anew without the address among the words, if that holds a secret. Where the system cannot do that, all stays as it is.
pub fn go_on_unseen(command: &Command, words: &[OsString]) {
    let Some((words, variable, address)) = moved(command, words) else { return };
    begin_anew(&words, variable, &address);
}

#[cfg(unix)]
fn begin_anew(words: &[OsString], variable: &str, address: &OsStr) {
    use std::os::unix::process::CommandExt as _;
    let Ok(program) = std::env::current_exe() else { return };
    let mut again = std::process::Command::new(program);
    again.args(words.iter().skip(1)).env(variable, address);
    if let Some(name) = words.first() {
        again.arg0(name);
    }
    // It comes back only if it fails.
    let _ = again.exec();
}

#[cfg(not(unix))]
fn begin_anew(_words: &[OsString], _variable: &str, _address: &OsStr) {}

#[cfg(all(test, feature = "capture"))]
mod tests {
    use super::*;
    use crate::cli::args::CommandLine;
    use clap::Parser;

    #[track_caller]
    fn check(line: &str, expected: Option<&str>) {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let command = CommandLine::try_parse_from(&words).expect("a command").command;
        let moved = moved(&command, &words).map(|(words, variable, address)| {
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            format!("{variable}={} {}", address.to_string_lossy(), words.join(" "))
        });
        assert_eq!(moved.as_deref(), expected);
    }

    #[test]
    fn an_address_with_a_secret_goes_on_in_a_variable() {
        check("p live rtsp://u:p@cam/1 --fps 5", Some("LIVEDIR_SOURCE=rtsp://u:p@cam/1 p live --fps 5"));
        check(
            "p live --fps 5 -- rtmp://0.0.0.0/KEY",
            Some("LIVEDIR_SOURCE=rtmp://0.0.0.0/KEY p live --fps 5 --"),
        );
        check("p check http://u:p@host/", Some("LIVEDIR_SUBJECT=http://u:p@host/ p check"));
        for line in [
            "p live",
            "p live film.mp4",
            "p live rtsp://cam/1",
            "p live rtsp://u:p@c --text rtsp://u:p@c",
            "p watch",
        ] {
            check(line, None);
        }
    }
}
