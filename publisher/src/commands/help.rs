//! `livedir-publisher help` and `manual`: what there is to read about the program.
//!
//! In: the word behind `help`, or a directory. Out: a text on the terminal, or files.

use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use anyhow::anyhow;
use clap::CommandFactory as _;

use crate::cli::args::CommandLine;
use crate::cli::topics;

/// Prints the help of the program, of a command, or of a topic.
pub fn help(word: Option<&str>) -> anyhow::Result<()> {
    let text = topics::help(&mut CommandLine::command(), word).map_err(|error| anyhow!(error))?;
    print(&text)
}

/// Writes man pages and shell completions below `share`.
pub fn manual(share: &Path) -> anyhow::Result<()> {
    let files = livedir_manual::write(&CommandLine::command(), share).map_err(|error| {
        anyhow!("cannot write to {}: {error}; name a directory that you may write to", share.display())
    })?;
    let names: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    print(&(names.join("\n") + "\n"))
}

/// A reader that wants no more, like `head`, is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
