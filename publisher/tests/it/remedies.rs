//! Remedies: a message names only flags that the command has that shows it. Read from the sources, so a new message is held to
//! it too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use livedir_publisher::cli::args::CommandLine;

use crate::support::programs::server;

/// Which commands show the messages of a file, by how its path begins; the first that fits. All others are of `live`.
const SHOWN_BY: [(&str, &[&str]); 18] = [
    ("publisher/src/cli/args/watch.rs", &["watch"]),
    ("publisher/src/cli/args/inspect.rs", &["inspect"]),
    ("publisher/src/cli/args/check.rs", &["check"]),
    ("crates/check/", &["check"]),
    ("publisher/src/commands/check.rs", &["check"]),
    ("crates/inspect/src/", &["inspect"]),
    // The playlist of other encoders alone has a target duration that can be chosen.
    ("crates/watcher/src/publish/mod.rs", &["watch"]),
    ("crates/watcher/src/timeline/target_duration.rs", &["watch"]),
    ("crates/watcher/src/events/refusal.rs", &["watch"]),
    // Of files of other encoders.
    ("crates/watcher/src/channel/foreign.rs", &["watch"]),
    ("crates/watcher/src/", &["live", "watch"]),
    ("publisher/src/commands/watch.rs", &["watch"]),
    ("publisher/src/package/segment_writer.rs", &["live", "watch"]),
    ("crates/layout/", &["live", "watch"]),
    ("crates/media/", &["live", "watch", "inspect", "check"]),
    ("publisher/src/commands/devices.rs", &["live"]),
    ("publisher/src/source/camera", &["live", "devices"]),
    ("publisher/src/source/microphone", &["live", "devices"]),
];

/// The text between quotation marks, of the code before its tests and without its comments.
fn literals(source: &str) -> Vec<String> {
    let code = source.split("mod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let letters: Vec<char> = lines.flat_map(|line| line.chars().chain(['\n'])).collect();
    let (mut found, mut open, mut at) = (Vec::new(), None::<String>, 0);
    while at < letters.len() {
        match (&mut open, letters[at]) {
            (Some(text), '\\') => {
                // Whatever it stands for, it is no part of a flag.
                text.push(' ');
                at += 1;
            }
            (Some(_), '"') => found.extend(open.take()),
            (Some(text), letter) => text.push(letter),
            // A quotation mark that is a letter.
            (None, '\'') if letters.get(at + 1) == Some(&'"') => at += 2,
            (None, '"') => open = Some(String::new()),
            (None, _) => {}
        }
        at += 1;
    }
    found
}

/// The flags that a text names, each with the command that stands before it there, if one does.
fn named(text: &str) -> Vec<(Option<String>, String)> {
    let mut flags = Vec::new();
    for (at, _) in text.match_indices("--") {
        let flag: String = text[at + 2..]
            .chars()
            .take_while(|letter| letter.is_ascii_lowercase() || *letter == '-')
            .collect();
        let is_flag =
            flag.starts_with(|letter: char| letter.is_ascii_lowercase()) && !text[..at].ends_with('-');
        if is_flag {
            let command =
                text[..at].rsplit_once("livedir-publisher ").map(|(_, rest)| rest.split([' ', '`']).next());
            flags.push((command.flatten().map(str::to_owned), flag));
        }
    }
    flags
}

/// The sources of programs; not those of tests, which may have packages of others beside them.
fn sources_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| match path.extension() {
        _ if path.ends_with("tests") => Vec::new(),
        _ if path.is_dir() => sources_below(&path),
        Some(extension) if extension == "rs" => vec![path],
        _ => Vec::new(),
    };
    entries.flat_map(below).collect()
}

/// Holds all sources below these directories of the repository to the flags that a file may name.
fn check(directories: &[&str], flags_at: impl Fn(&str, Option<&str>) -> BTreeSet<String>) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for path in directories.iter().flat_map(|directory| sources_below(&repository.join(directory))) {
        let name = path.strip_prefix(repository).unwrap().display().to_string();
        for text in literals(&fs::read_to_string(&path).unwrap()) {
            for (command, flag) in named(&text) {
                count += 1;
                if !flags_at(&name, command.as_deref()).contains(&flag) {
                    wrong.push(format!("{name}: --{flag} in {text:?}"));
                }
            }
        }
    }
    assert!(count > 15, "only {count} flags are named in {directories:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_message_of_the_publisher_names_flags_of_its_command() {
    let mut program = CommandLine::command();
    program.build();
    let of_command: BTreeMap<String, BTreeSet<String>> = program
        .get_subcommands()
        .map(|command| {
            let flags = command.get_arguments().filter_map(|arg| arg.get_long()).map(str::to_owned);
            (command.get_name().to_owned(), flags.collect())
        })
        .collect();
    check(&["publisher/src", "crates"], |file, command| {
        let shown_by =
            SHOWN_BY.iter().find(|(begin, _)| file.starts_with(begin)).map_or(&["live"][..], |(_, it)| it);
        let typed = command.filter(|command| of_command.contains_key(*command));
        let commands = typed.map_or(shown_by.to_vec(), |command| vec![command]);
        let all = commands.into_iter().map(|command| of_command[command].clone());
        all.reduce(|one, other| &one & &other).unwrap_or_default()
    });
}

#[test]
fn a_message_of_the_server_names_its_own_flags() {
    let help = String::from_utf8(server().arg("--help").output().unwrap().stdout).unwrap();
    let flags: BTreeSet<String> = named(&help).into_iter().map(|(_, flag)| flag).collect();
    check(&["server/src"], |_, _| flags.clone());
}

#[test]
fn a_flag_that_the_command_refuses_is_found() {
    let texts =
        literals("fn f() { let a = '\"'; g(\"choose another --webroot\") } // \"--comment\"\n// \"--fps\"\n");
    assert_eq!(texts[0], "choose another --webroot");
    assert_eq!(named(&texts[0]), [(None, "webroot".to_owned())]);
    for typed in
        ["`livedir-publisher live --no-sound` takes none", "`livedir-publisher live` with --no-sound"]
    {
        assert_eq!(named(typed), [(Some("live".to_owned()), "no-sound".to_owned())]);
    }
}
