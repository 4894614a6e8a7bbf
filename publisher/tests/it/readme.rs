//! What README, the pages in docs/ and the comments of nginx.conf.example tell people to type, typed as it stands there, in a copy of
//! the project that has never been used. A new command is typed, or stands in [`exceptions`] with a reason.

#![cfg(target_os = "linux")]

mod checkout;
mod commands;
mod documents;
mod exceptions;
mod https;
mod production;
mod topics;
mod units;

pub(crate) use checkout::toml_blocks;

use std::fs;
use std::path::Path;

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
