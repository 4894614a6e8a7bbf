//! Help, man pages and completions, as people meet them: on a terminal, in `man`, in a shell.

use std::path::Path;
use std::process::Command;

use crate::support::programs::{publisher, server};

/// Standard output and the exit status.
#[track_caller]
fn run(program: &mut Command) -> (String, i32) {
    let ended = program.output().expect("the program can be started");
    let text = [ended.stdout, ended.stderr].concat();
    (String::from_utf8(text).unwrap(), ended.status.code().expect("no signal"))
}

#[test]
fn help_knows_topics_and_commands_and_says_what_there_is() {
    for (words, expected, status) in [
        (&["help"][..], "Topics of `help`: camera, rtmp", 0),
        (&["help", "rtmp"], "rtmp://0.0.0.0:1935/live/KEY", 0),
        (&["help", "live"], "Usage: livedir-publisher live", 0),
        (&["help", "ladr"], "did you mean 'ladder'? Commands: live, watch", 1),
    ] {
        let (text, ended) = run(publisher().args(words));
        assert!(text.contains(expected) && ended == status, "{words:?} ended with {ended}: {text}");
    }
}

#[test]
fn the_flags_that_are_used_most_come_first_in_groups() {
    let (text, _) = run(publisher().args(["live", "-h"]));
    let places =
        ["--low-latency", "--size", "--fps", "--bitrate", "--webroot", "Source:", "Picture:", "Sound:"]
            .map(|part| text.find(part).unwrap_or_else(|| panic!("no {part} in {text}")));
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn man_and_bash_read_what_the_programs_write() {
    let share = tempfile::tempdir().unwrap();
    for (program, flag, page, expected) in [
        (publisher(), "--manual", "livedir-publisher-live.1", "--segment-duration"),
        (server(), "--manual", "livedir-server.1", "--tls-cert"),
    ] {
        let mut program = program;
        let (files, ended) = run(program.arg(flag).arg(share.path()));
        assert_eq!(ended, 0, "{files}");
        assert!(files.lines().all(|file| Path::new(file).is_file()), "{files}");
        let page = share.path().join("man/man1").join(page);
        let (text, _) = run(Command::new("man").args(["--warnings", "-l"]).arg(&page).env("MANPAGER", "cat"));
        // Bold letters are written twice, with a step back between.
        let plain: String =
            text.split('\u{8}').map(|part| part.split_at(part.len().saturating_sub(1)).0).collect();
        assert!(text.contains(expected) || plain.contains(expected), "{text}");
        assert!(!text.contains("warning"), "{text}");
    }
    let completions = share.path().join("bash-completion/completions/livedir-publisher.bash");
    let script = "source \"$0\"; COMP_WORDS=(livedir-publisher live --seg); COMP_CWORD=2; \
                  _livedir__publisher livedir-publisher --seg live; echo \"${COMPREPLY[@]}\"";
    let (text, ended) = run(Command::new("bash").args(["-c", script]).arg(&completions));
    assert_eq!((text.trim(), ended), ("--segment-duration", 0));
}

#[test]
fn a_directory_that_cannot_be_written_to_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (text, ended) = run(publisher().arg("manual").arg(file.path()));
    assert!(text.contains("name a directory that you may write to") && ended == 1, "{text}");
}
