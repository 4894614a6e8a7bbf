//! Kept: what a program does, as it was when that was written down. A change of code that is to change nothing is held to it.
//!
//! In: a line for each thing that the program does, or a digest of it, and the file in the repository where they are kept. Out:
//! nothing where all is as it was; otherwise a panic with the lines that differ and the remedy. `LIVEDIR_TEST_RECORD=write` in
//! the environment writes the file anew.
//!
//! The tests of both programs share this file.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

/// So many things that differ are told in whole.
const TOLD: usize = 2;

/// Of each of them.
const TOLD_BYTES: usize = 6_000;

/// A thing that the program does.
#[derive(Debug)]
pub struct Entry {
    /// What was asked for. No other entry has it.
    pub name: String,
    /// What can be said of it in a few words, without a colon.
    pub facts: String,
    /// All of it.
    pub whole: Vec<u8>,
    /// Where what it was made of is another here: its facts alone are compared.
    pub only_facts: bool,
}

impl Entry {
    fn is_as(&self, kept: &str) -> bool {
        let line = self.line();
        if self.only_facts { without_digest(kept) == without_digest(&line) } else { kept == line }
    }

    /// As the file has it.
    pub fn line(&self) -> String {
        format!("{:016x} {}: {}", xxh3_64(&self.whole), self.facts, self.name)
    }

    fn told(&self) -> String {
        let shown = &self.whole[..self.whole.len().min(TOLD_BYTES)];
        let text = shown.escape_ascii().to_string().replace("\\r\\n", "\n").replace("\\n", "\n");
        format!("{}, {} bytes:\n{text}\n", self.name, self.whole.len())
    }
}

fn without_digest(line: &str) -> &str {
    line.split_once(' ').map_or(line, |(_, rest)| rest)
}

/// Holds digests to those in a file, which is named by its path in this repository.
#[track_caller]
pub fn compare_digests(file: &str, entries: &[Entry]) {
    let mut names = BTreeSet::new();
    for entry in entries {
        assert!(names.insert(entry.name.as_str()), "a name that another entry has: {}", entry.name);
    }
    let lines: Vec<String> = entries.iter().map(Entry::line).collect();
    let Some(kept) = kept_unless_written(file, &lines) else { return };
    let kept: BTreeMap<&str, &str> =
        kept.iter().filter_map(|line| Some((line.split_once(": ")?.1, line.as_str()))).collect();
    let mut report = String::new();
    let mut told = 0;
    for (entry, line) in entries.iter().zip(&lines) {
        let before = kept.get(entry.name.as_str()).copied();
        if before.is_some_and(|kept| entry.is_as(kept)) {
            continue;
        }
        let _ = writeln!(report, "was {}\nis  {line}", before.unwrap_or("not there"));
        if told < TOLD {
            told += 1;
            let _ = writeln!(report, "{}", entry.told());
        }
    }
    for (name, line) in &kept {
        if !names.contains(name) {
            let _ = writeln!(report, "was {line}\nis  not asked for");
        }
    }
    judge(file, &report);
}

/// Holds lines to those in a file, which is named by its path in this repository. Their order says nothing.
#[track_caller]
pub fn compare_lines(file: &str, lines: &BTreeSet<String>) {
    let lines: Vec<String> = lines.iter().cloned().collect();
    let Some(kept) = kept_unless_written(file, &lines) else { return };
    let (now, before) = (BTreeSet::from_iter(&lines), BTreeSet::from_iter(&kept));
    let mut report = String::new();
    for line in before.difference(&now) {
        let _ = writeln!(report, "- {line}");
    }
    for line in now.difference(&before) {
        let _ = writeln!(report, "+ {line}");
    }
    judge(file, &report);
}

/// The lines of a file; `None` where it has been written instead, which it is told.
fn kept_unless_written(file: &str, lines: &[String]) -> Option<Vec<String>> {
    let path = path(file);
    if env::var_os("LIVEDIR_TEST_RECORD").is_some_and(|word| word == "write") {
        let text = lines.join("\n") + "\n";
        fs::write(&path, text).unwrap();
        eprintln!("{} lines are written to {}", lines.len(), path.display());
        return None;
    }
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(text.lines().map(str::to_owned).collect())
}

#[track_caller]
fn judge(file: &str, report: &str) {
    assert!(
        report.is_empty(),
        "this is not as it was when {file} was written:\n{report}\nif it is to be so, write the file anew: \
         LIVEDIR_TEST_RECORD=write before the same command, and look at `git diff {file}`"
    );
}

/// Each crate lies in a directory of the repository.
fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)
}
