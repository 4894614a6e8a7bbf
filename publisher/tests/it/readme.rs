//! What README and the comments of nginx.conf.example tell people to type, typed as it stands there, in a copy of the project
//! that has never been used. A command that is new there has to be decided about here.

#![cfg(target_os = "linux")]

mod checkout;
mod production;

use std::fs;
use std::path::Path;

use checkout::{Checkout, commands, section_of};

use crate::support::programs::{LiveStream, PATIENCE};
use crate::support::wait_for;

/// What becomes of a command that is typed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Typed {
    /// It ends by itself.
    Returns,
    /// It runs until it is stopped, and prints this first.
    RunsAndPrints(&'static str),
    /// A test of its own types it, or the tests themselves are what it does.
    Elsewhere,
}

fn decide(command: &str) -> Typed {
    let (command, _comment) = command.split_once(" #").unwrap_or((command, ""));
    let has = |word: &str| command.split_whitespace().any(|it| it == word);
    if has("--follow") {
        return Typed::RunsAndPrints("seg-00000001.ts");
    }
    if has("watch") {
        return Typed::RunsAndPrints("watching");
    }
    match command.split_whitespace().next() {
        Some("just") if (has("test") || has("test-quick")) && !has("live") => Typed::Elsewhere,
        Some("cargo" | "just" | "ls" | "livedir-publisher") => Typed::Returns,
        other => panic!("README has a command that no test types: {command} ({other:?})"),
    }
}

/// `cargo` and `just` themselves are tried by `just_live`. Here they stand for what `just` makes of its words: every flag
/// is one that there is, and fits the others.
const STAND_INS: &str = "cargo() { :; }; just() { case $1 in
    live) shift; livedir-publisher live \"$@\" --print-config;;
    *) livedir-publisher \"$@\";;
esac; }; ";

#[test]
fn every_command_of_the_readme_outside_production_can_be_typed() {
    let checkout = Checkout::new();
    let words = ["test", "--size", "160x120", "--segment-duration", "500ms", "--no-sound"];
    let mut stream = LiveStream::start(&checkout.webroot(), &words);
    stream.wait_for_segment(6);
    assert!(stream.publisher.interrupt().success());
    fs::copy(checkout.webroot().join("live/seg-00000001.ts"), checkout.path().join("some.ts")).unwrap();

    let readme = checkout.read("README.md");
    let production = commands(section_of(&readme, "## In production"));
    let others: Vec<_> = commands(&readme).into_iter().filter(|it| !production.contains(it)).collect();
    assert!(others.len() > 15, "{others:#?}");
    for command in others {
        match decide(&command) {
            Typed::Elsewhere => {}
            Typed::Returns => {
                let (status, output) = checkout.shell(&format!("{STAND_INS}{command}")).wait_and_read();
                assert!(status.success(), "{command}: {status}\n{output}");
            }
            Typed::RunsAndPrints(what) => {
                let mut running = checkout.shell(&command);
                wait_for(&format!("{what} from {command}"), PATIENCE, || {
                    assert!(running.still_runs(), "{command}:\n{}", running.output());
                    running.output().contains(what).then_some(())
                });
                let status = running.interrupt();
                assert!(status.success(), "{command}: {status}");
            }
        }
    }
}

#[test]
fn each_file_that_contributing_names_is_there() {
    let text = fs::read_to_string(checkout::project().join("CONTRIBUTING.md")).unwrap();
    let words = text.split('`').skip(1).step_by(2);
    let paths: Vec<_> = words
        .filter(|word| {
            word.contains('/')
                && Path::new(word).extension().is_some_and(|it| it == "rs")
                && !word.contains('<')
        })
        .collect();
    assert!(paths.len() > 20, "{paths:?}");
    for path in paths {
        // In a sentence a crate may be left out.
        let places = ["", "crates/", "crates/media/src/codec/", "publisher/src/"];
        assert!(places.iter().any(|place| checkout::project().join(place).join(path).exists()), "{path}");
    }
}

#[test]
fn each_recipe_and_crate_in_the_commands_of_contributing_is_there() {
    let text = fs::read_to_string(checkout::project().join("CONTRIBUTING.md")).unwrap();
    let recipes = fs::read_to_string(checkout::project().join("justfile")).unwrap();
    let manifest = |directory: &str| {
        let name = directory.trim_start_matches("livedir-");
        ["", "crates"]
            .iter()
            .any(|above| checkout::project().join(above).join(name).join("Cargo.toml").exists())
    };
    let mut seen = 0;
    for words in text.lines().map(|line| line.split(['`', ' ']).collect::<Vec<_>>()) {
        for pair in words.windows(2) {
            match pair {
                ["just", recipe] => assert!(recipes.contains(&format!("\n{recipe}:")), "just {recipe}"),
                ["-p", package] => assert!(manifest(package), "-p {package}"),
                _ => continue,
            }
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} were found: does this test still read them?");
}
