//! Which folder of a program uses which, read from its sources. In: a directory of sources, the order of its folders. Out: the
//! uses of a folder that is above.
//!
//! A folder is a directory or a file right in the sources. Comments do not count, nor do tests: these may use what they like.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// A line for each use that is wrong.
    pub upward: Vec<String>,
    /// All uses of another folder, right ones too.
    pub count: usize,
}

/// Reads all files but those of `roots`, which stand above all folders; `order` is from above to below.
pub fn read(sources: &Path, order: &[&str], roots: &[&str]) -> Uses {
    let place = |name: &str| order.iter().position(|it| *it == name);
    let mut uses = Uses::default();
    for path in files(sources) {
        let inside = path.strip_prefix(sources).unwrap();
        let own = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if roots.contains(&own) || inside.ends_with("tests.rs") {
            continue;
        }
        let Some(above) = place(own) else {
            uses.upward.push(format!("{own} has no place in the order yet"));
            continue;
        };
        let code = code(&fs::read_to_string(&path).unwrap());
        // So many steps up lead out of the folder.
        let depth = inside.components().count() - usize::from(inside.ends_with("mod.rs"));
        if code.contains(&"super::".repeat(depth)) {
            uses.upward.push(format!("{} leaves its folder with super::; write crate::", inside.display()));
        }
        for name in named(&code).into_iter().filter(|name| name != own) {
            uses.count += 1;
            // What lib.rs itself holds is above all.
            if place(&name).is_none_or(|below| below <= above) {
                uses.upward.push(format!("{} uses {name}", inside.display()));
            }
        }
    }
    uses.upward.sort();
    uses
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found
}

/// Without comments, and without the module of the tests.
fn code(text: &str) -> String {
    let (before, after) = match text.split_once("\nmod tests {\n") {
        Some((before, tests)) => (before, tests.split_once("\n}\n").map_or("", |(_, after)| after)),
        None => (text, ""),
    };
    let lines = before.lines().chain(after.lines());
    lines.filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The names behind `crate::`; those in braces, too.
fn named(code: &str) -> BTreeSet<String> {
    let word =
        |text: &str| text.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect::<String>();
    let mut names = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let Some(list) = after.strip_prefix('{') else {
            names.insert(word(after));
            continue;
        };
        let (mut depth, mut begins) = (0, true);
        for (at, it) in list.char_indices() {
            match it {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                _ if begins && !it.is_whitespace() => {
                    names.insert(word(&list[at..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    names
}
