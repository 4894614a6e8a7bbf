//! What the documents say of the project is so: links lead somewhere, files are there, and messages are quoted as they are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::checkout::{documents, project};

/// Every document that people read.
fn all() -> Vec<String> {
    let others = ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"].map(str::to_owned);
    documents().into_iter().chain(others).collect()
}

fn read(document: &str) -> String {
    fs::read_to_string(project().join(document)).unwrap()
}

/// The text without its blocks of code.
fn prose(markdown: &str) -> String {
    markdown.split("```").step_by(2).collect()
}

/// The places that links lead to.
fn links(markdown: &str) -> Vec<String> {
    let text = prose(markdown);
    let places = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    places.map(str::to_owned).collect()
}

/// How GitHub and others name a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars()
        .filter(|it| it.is_alphanumeric() || " -_".contains(*it))
        .collect::<String>()
        .replace(' ', "-")
}

fn anchors(markdown: &str) -> BTreeSet<String> {
    let text = prose(markdown);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

#[test]
fn each_link_leads_to_a_file_and_to_a_heading_in_it() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for document in all() {
        let text = read(&document);
        let here = project().join(&document);
        for link in links(&text).into_iter().filter(|it| !it.contains("://")) {
            seen += 1;
            let (path, heading) =
                link.split_once('#').map_or((link.as_str(), None), |(it, to)| (it, Some(to)));
            let target = if path.is_empty() { here.clone() } else { here.parent().unwrap().join(path) };
            let is_there = target.exists()
                && heading.is_none_or(|it| anchors(&fs::read_to_string(&target).unwrap()).contains(it));
            if !is_there {
                wrong.push(format!("{document}: {link}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 80, "only {seen} links were found: does this test still read them?");
}

/// Directories of the project whose files a document may name.
const PLACES: [&str; 7] = ["publisher/", "server/", "crates/", "docs/", "fuzz/", ".ci/", ".github/"];

#[test]
fn each_file_that_a_page_names_is_there() {
    let (mut missing, mut seen) = (Vec::new(), 0);
    for document in documents() {
        for word in read(&document).split(['`', ' ', '(', ')', '\n', ',', '"']) {
            let named = word.trim_end_matches(['.', ':', ';']);
            if !PLACES.iter().any(|place| named.starts_with(place)) || named.contains(['*', '<', '@', '{']) {
                continue;
            }
            seen += 1;
            // A page of docs/ may call its neighbour by its name alone.
            let path = named.split('#').next().unwrap();
            if !project().join(path).exists() {
                missing.push(format!("{document}: {named}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(seen > 20, "only {seen} files were found: does this test still read them?");
}

#[test]
fn each_page_is_in_the_index() {
    let index = links(&read("docs/README.md"));
    for page in documents().iter().filter_map(|it| it.strip_prefix("docs/")).filter(|it| *it != "README.md") {
        assert!(index.iter().any(|link| link == page), "docs/README.md does not lead to {page}");
    }
}

/// What makes a shell in a checkout find the programs.
const ON_PATH: &str = "export PATH=\"$PWD/target/release:$PATH\"";

#[test]
fn a_page_says_where_the_programs_are_before_it_calls_them() {
    let mut seen = 0;
    // That one installs them.
    for document in documents().into_iter().filter(|it| it != "docs/start-at-boot.md") {
        let text = read(&document);
        let calls = |line: &str| {
            line.starts_with("$ livedir-") || (line.starts_with("$ ") && line.contains(" | livedir-"))
        };
        let Some(first) = text.lines().position(calls) else { continue };
        seen += 1;
        let says = text.lines().position(|line| line.contains(ON_PATH));
        assert!(says.is_some_and(|line| line < first), "{document} does not say: {ON_PATH}");
    }
    assert!(seen > 10, "only {seen} pages call a program");
}

fn has_ending(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|it| it == ending)
}

#[test]
fn each_picture_is_shown_and_made_by_a_script() {
    let names: Vec<_> = fs::read_dir(project().join("docs/pictures"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let (scripts, pictures): (Vec<_>, Vec<_>) = names.iter().partition(|name| has_ending(name, "sh"));
    let recipes: String = scripts.iter().map(|name| read(&format!("docs/pictures/{name}"))).collect();
    let pages: String = documents().iter().map(|it| read(it)).collect();
    assert!(!pictures.is_empty());
    for picture in pictures {
        assert!(recipes.contains(picture.as_str()), "no script makes {picture}");
        assert!(pages.contains(&format!("pictures/{picture})")), "no page shows {picture}");
    }
}

/// Sources below a directory, without the packages of others.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("node_modules") {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs" || it == "js") {
            found.push(path);
        }
    }
}

/// As it is compiled: a literal that goes on in the next line has no break there.
fn joined(source: &str) -> String {
    let mut lines = source.lines();
    let mut text = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        if let Some(before) = text.strip_suffix('\\') {
            text = before.to_owned() + line.trim_start();
        } else {
            text.push('\n');
            text.push_str(line);
        }
    }
    text
}

#[test]
fn troubleshooting_quotes_messages_as_they_are() {
    let mut files = Vec::new();
    for directory in ["publisher/src", "server/src", "crates", "webroot/player"] {
        sources(&project().join(directory), &mut files);
    }
    let sources: Vec<_> = files.iter().map(|path| joined(&fs::read_to_string(path).unwrap())).collect();
    let page = read("docs/troubleshooting.md");
    // In the first column of its tables.
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let quoted: Vec<_> = cells.collect();
    assert!(quoted.len() > 20, "{quoted:?}");
    for message in quoted {
        assert!(sources.iter().any(|text| text.contains(message)), "no program says '{message}'");
    }
}

/// Words that only this project used, and what readers know.
const PRIVATE_WORDS: [(&str, &str); 9] = [
    ("pieces", "segments"),
    ("in stock", "buffered"),
    ("somebody pushes", "publisher connected"),
    ("somebody who pushes", "a publisher"),
    ("to push", "to connect"),
    ("pictures a second", "frame rate"),
    ("nobody hears", "inaudible"),
    ("to the rules of HLS", "against the HLS rules"),
    ("puts your camera", "streams your camera"),
];

#[test]
fn no_document_has_words_that_only_this_project_used() {
    for document in all().into_iter().filter(|it| it != "CONTRIBUTING.md") {
        let text = read(&document).replace('\n', " ").to_lowercase();
        for (private, known) in PRIVATE_WORDS {
            assert!(!text.contains(private), "{document} says '{private}'; readers know '{known}'");
        }
    }
}
