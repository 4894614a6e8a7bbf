//! Flags from a file: what wins over what, what `--print-config` writes, and what a mistake in the file is answered with.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output};

use clap::{Arg, ArgAction, CommandFactory};
use livedir_publisher::cli::args::{Command as Asked, CommandLine, LiveArgs};
use livedir_publisher::cli::config::{self, ConfigError, Understood};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::support::check::assert_clean;
use crate::support::programs::{LiveStream, publisher, server};

/// A configuration file in a directory of its own.
fn file(text: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("livedir.toml");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (directory, path)
}

fn run(words: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command: Command = publisher();
    command.arg("live").args(words).env("RUST_LOG", "error").envs(environment.iter().copied());
    command.output().expect("the program under test can be started")
}

/// With these words and variables, `--print-config` has these lines.
#[track_caller]
fn check(words: &[&str], environment: &[(&str, &str)], expected: &[&str]) {
    let ended = run(&[&["--print-config"], words].concat(), environment);
    let printed = String::from_utf8(ended.stdout).unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    for line in expected {
        assert!(printed.lines().any(|printed| printed == *line), "{line} is not in\n{printed}");
    }
}

#[test]
fn what_is_typed_wins_over_the_environment_over_the_file_over_the_defaults() {
    let (_directory, path) =
        file("source = 'movie.mp4'\nfps = 10\nwindow = 30\nlow-latency = true\nbitrate = '2M'\n");
    check(&["--config", &path], &[], &["fps = 10", "window = 30", "source = \"movie.mp4\"", "clock = false"]);
    check(&["--config", &path], &[("LIVEDIR_FPS", "15")], &["fps = 15", "window = 30", "bitrate = \"2M\""]);
    let both = [("LIVEDIR_FPS", "15"), ("LIVEDIR_WINDOW", "40")];
    check(&["--config", &path, "--fps", "25"], &both, &["fps = 25", "window = 40"]);
    check(&["--fps", "25", "test", "--config", &path], &[], &["fps = 25", "source = \"test\""]);
    check(&["--config", &path, "--", "-"], &[], &["source = \"-\"", "fps = 10"]);
    check(&["--config", &path], &[("LIVEDIR_LOW_LATENCY", "false")], &["low-latency = false"]);
    // A flag that excludes a key is as good as the key itself.
    let (_directory, path) = file("size = '320x180'\nbitrate = '2M'\nfps = 10");
    let ladder = "640x360@1M,320x180@300k";
    let expected = ["# size = \"WxH\"", "# bitrate = \"1M\"", "fps = 10"];
    check(&["--config", &path, "--ladder", ladder], &[], &expected);
    check(&[], &[("LIVEDIR_CONFIG", &path)], &["fps = 10", "bitrate = \"2M\""]);
}

#[test]
fn a_switch_is_said_yes_or_no_to_in_many_words() {
    for (word, meant) in
        [("1", true), ("YES", true), ("true", true), ("0", false), ("no", false), ("False", false)]
    {
        for (variable, key) in [
            ("LIVEDIR_CLOCK", "clock"),
            ("LIVEDIR_LOOP", "loop"),
            ("LIVEDIR_LOW_LATENCY", "low-latency"),
            ("LIVEDIR_MIRROR", "mirror"),
            ("LIVEDIR_NO_SOUND", "no-sound"),
            ("LIVEDIR_RESUME_LATER", "resume-later"),
        ] {
            check(&["film.mp4"], &[(variable, word)], &[&format!("{key} = {meant}")]);
        }
    }
    let ended = run(&["test"], &[("LIVEDIR_CLOCK", "maybe")]);
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(
        said.starts_with("error: invalid value 'maybe' for 'LIVEDIR_CLOCK': must be 1, yes or true"),
        "{said}"
    );
}

#[test]
fn a_variable_that_says_no_wishes_nothing_and_what_is_typed_wins_over_variables() {
    let no_sound = [("LIVEDIR_NO_SOUND", "0")];
    check(&["test", "--mic", "Webcam"], &no_sound, &["mic = \"Webcam\"", "# no-sound = false"]);
    check(&["film.mp4"], &[("LIVEDIR_FAST", "no")], &["fast = false"]);
    check(
        &["--size", "320x240"],
        &[("LIVEDIR_LADDER", "auto")],
        &["size = \"320x240\"", "# ladder = \"RUNGS\""],
    );
    let (_directory, path) = file("no-sound = true\nclock = true");
    check(&["--config", &path], &no_sound, &["no-sound = false", "clock = true"]);
}

#[test]
fn a_misspelt_variable_is_told_in_one_line_and_those_of_the_other_program_are_not() {
    let of_help = |command: &mut Command| {
        let help = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let names = help.split("[env: ").skip(1).filter_map(|rest| rest.split(['=', ']']).next());
        names.map(str::to_owned).filter(|name| name != "LIVEDIR_WEBROOT").collect::<Vec<_>>()
    };
    let of_server = of_help(server().arg("--help"));
    let commands = ["live", "watch", "inspect", "check"];
    let of_publisher: Vec<_> =
        commands.iter().flat_map(|it| of_help(publisher().args([it, "--help"]))).collect();
    assert!(of_server.len() > 14 && of_publisher.len() > 30, "{of_server:?} {of_publisher:?}");
    let said = |mut command: Command, names: &[String]| {
        let ended = command.envs(names.iter().map(|name| (name, "1"))).output().unwrap();
        String::from_utf8(ended.stderr).unwrap()
    };
    let publisher_here = || {
        let mut command = publisher();
        command.args(["check", "no-such-directory"]);
        command
    };
    let server_here = || {
        let mut command = server();
        command.args(["--webroot", "no-such-directory"]);
        command
    };
    for (output, names) in [
        (said(publisher_here(), &of_server), &of_server),
        (said(server_here(), &of_publisher), &of_publisher),
    ] {
        assert!(output.contains("no-such-directory does not exist"), "{output}");
        assert!(!output.contains("unknown variable"), "{names:?}: {output}");
    }
    for (output, program) in [
        (said(publisher_here(), &["LIVEDIR_FSP".into()]), "publisher"),
        (said(server_here(), &["LIVEDIR_LISETN".into()]), "server"),
    ] {
        let meant = if program == "server" { "LISTEN" } else { "FPS" };
        let lines: Vec<_> = output.lines().filter(|line| line.contains("unknown variable")).collect();
        assert_eq!(lines.len(), 1, "{output}");
        assert!(lines[0].starts_with(&format!("livedir-{program}: unknown variable LIVEDIR_")), "{output}");
        assert!(lines[0].ends_with(&format!("did you mean LIVEDIR_{meant}?")), "{output}");
    }
}

#[test]
fn help_does_not_show_the_address_of_the_environment() {
    let address = "rtsp://user:secret@camera/1";
    let help = publisher().args(["live", "--help"]).env("LIVEDIR_SOURCE", address).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("LIVEDIR_SOURCE") && !help.contains("secret"), "{help}");
}

#[test]
fn copying_is_asked_for_like_everything_else() {
    check(&["film.mp4", "--copy"], &[], &["copy = \"always\"", "fast = false"]);
    check(
        &["film.mp4"],
        &[("LIVEDIR_COPY", "auto"), ("LIVEDIR_FAST", "true")],
        &["copy = \"auto\"", "fast = true"],
    );
    check(&["film.mp4"], &[], &["# copy = \"WHEN\""]);
    for (word, line) in
        [("Yes", "copy = \"Yes\""), ("1", "copy = 1"), ("no", "copy = \"no\""), ("0", "copy = 0")]
    {
        check(&["film.mp4"], &[("LIVEDIR_COPY", word)], &[line]);
    }
    let (_directory, path) = file("source = 'film.mp4'\ncopy = true\nfast = true");
    check(&["--config", &path], &[], &["copy = \"always\"", "fast = true"]);
    check(&["--config", &path, "--copy=auto"], &[], &["copy = \"auto\""]);
}

/// A file with this text is refused in one line that has `expected`, and nothing is written.
#[track_caller]
fn check_refused(text: &str, expected: &str) {
    let (directory, path) = file(text);
    let webroot = directory.path().join("webroot");
    let ended = run(&["test", "--config", &path, "--webroot", webroot.to_str().unwrap()], &[]);
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with(&format!("livedir-publisher: {path}")) && said.contains(expected), "{said}");
    assert!(!webroot.exists(), "webroot was made for nothing");
}

#[test]
fn a_mistake_is_named_with_its_line_and_the_remedy() {
    check_refused("fsp = 25", ".toml:1: unknown key 'fsp'; did you mean 'fps'?");
    check_refused("fps = 20\n\nbitrat = '2M'\n", ".toml:3: unknown key 'bitrat'; did you mean 'bitrate'?");
    check_refused(
        "segment_duration = '2s'",
        ".toml:1: unknown key 'segment_duration'; did you mean 'segment-duration'?",
    );
    check_refused("print-config = true", ".toml:1: unknown key 'print-config'");
    check_refused("# speed\nfps = 1000", ".toml:2: invalid value '1000' for '--fps <N>'");
    check_refused("size = '641x480'", "try 640x480");
    check_refused("clock = 'yes'", "write clock = true or clock = false");
    check_refused("fps = [20]", ".toml:1: 'fps' takes text or a number");
    check_refused("[live]\nfps = 20", ".toml:1: 'live' is a table");
    check_refused("fps 20", ".toml:1: not TOML");
    check_refused("text = \"a\\u0000b\"", "holds a zero byte");
    check_refused(&"#".repeat(1 << 21), "larger than 1 MiB");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("binary"), b"fps = 20\ntext = '\xff\xfe'").unwrap();
    for (name, expected) in [
        ("nowhere.toml", "name a TOML file with --config"),
        ("", "cannot read the configuration"),
        ("binary", ":2: the file is not UTF-8"),
    ] {
        let ended = run(&["test", "--config", &path(name)], &[]);
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!((ended.status.code(), said.lines().count()), (Some(1), 1), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_stream_runs_from_a_file_alone() {
    let (directory, path) = file("source = 'test'\nsize = '160x120'\nsegment-duration = '500ms'\nfps = 10");
    let mut live = LiveStream::start(&directory.path().join("webroot"), &["--config", &path]);
    live.wait_for_segment(2);
    let playlist = live.playlist().unwrap();
    assert_eq!(playlist.target_duration_s, 1);
    assert!(playlist.segments.iter().all(|segment| segment.duration_90k == 45_000), "{playlist:?}");
    assert!(live.publisher.interrupt().success());
    assert_clean(&live.webroot);
}

fn live_command() -> clap::Command {
    let mut program = CommandLine::command();
    program.build();
    program.find_subcommand("live").expect("live").clone()
}

/// Flags that are keys of the file.
fn flags() -> Vec<Arg> {
    let is_key = |arg: &Arg| {
        !matches!(arg.get_id().as_str(), "config" | "channels" | "print_config" | "dry_run")
            && !matches!(arg.get_action(), ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong)
    };
    live_command().get_arguments().filter(|arg| is_key(arg)).cloned().collect()
}

fn read(words: &[OsString]) -> Result<Understood, ConfigError> {
    config::read(["livedir-publisher".into(), "live".into()].into_iter().chain(words.iter().cloned()))
}

/// What is printed for these words, and what they mean but for the configuration itself.
fn understood(words: &[OsString]) -> Option<(String, String)> {
    let Understood { command, printed, typed: _ } = read(words).ok()?;
    let Asked::Live(args) = command else { unreachable!("the words begin with live") };
    let args = LiveArgs { config: None, print_config: false, ..*args };
    Some((printed.expect("--print-config is among the words"), format!("{args:?}")))
}

fn word(arg: &Arg, value: &str) -> OsString {
    match arg.get_long() {
        Some(long) => format!("--{long}={value}").into(),
        None => value.into(),
    }
}

#[test]
fn every_flag_is_a_key_with_its_help() {
    let (printed, _) = understood(&["--print-config".into()]).unwrap();
    for flag in flags() {
        let key = flag.get_long().unwrap_or(flag.get_id().as_str());
        let is_there = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{key} = "));
        assert!(printed.lines().any(is_there), "{key} is not in\n{printed}");
    }
    assert!(printed.contains("# Frame rate;"), "{printed}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Of every flag there is, whatever it takes: values that clap accepts are chosen from common ones and from any text.
    #[test]
    fn what_is_printed_reads_back_as_what_was_typed(
        choices in prop::collection::vec((any::<bool>(), any::<Index>(), "\\PC*|[^\0]*"), 60),
    ) {
        let mut words = vec![OsString::from("--print-config")];
        for (flag, (is_given, index, text)) in flags().iter().zip(choices) {
            if !is_given {
                continue;
            }
            if matches!(flag.get_action(), ArgAction::SetTrue) {
                words.push(format!("--{}", flag.get_long().unwrap()).into());
                continue;
            }
            let common = [&text, "7", "007", "250ms", "320x240", "2.5M", "90", "auto", "libx264", "hevc", "640x360@1M,320x180@300k", "a = \"b\" # 'c'", ""];
            let accepted: Vec<OsString> = common
                .iter()
                .filter(|text| flag.get_long().is_some() || !text.starts_with('-'))
                .map(|text| word(flag, text))
                .filter(|word| read(std::slice::from_ref(word)).is_ok())
                .collect();
            if !accepted.is_empty() {
                words.push(index.get(&accepted).clone());
            }
        }
        let typed = understood(&words);
        prop_assume!(typed.is_some());
        let (printed, meant) = typed.unwrap();

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("livedir.toml");
        std::fs::write(&path, &printed).unwrap();
        let from_file = ["--print-config".into(), "--config".into(), Path::new(&path).into()];
        let (printed_again, meant_again) = understood(&from_file)
            .unwrap_or_else(|| panic!("{}\n{printed}", read(&from_file).unwrap_err()));
        prop_assert_eq!(meant_again, meant);
        prop_assert_eq!(printed_again, printed);
    }

    #[test]
    fn no_file_whatsoever_makes_it_panic(text in "[a-z\\-]{0,9} ?= ?(\\PC|\n){0,40}|(\\PC|\n){0,80}") {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("livedir.toml");
        std::fs::write(&path, &text).unwrap();
        let said = read(&["--config".into(), path.into()]).map(|_| ()).map_err(|error| error.to_string());
        prop_assert!(!said.err().is_some_and(|said| said.contains('\n')));
    }
}
