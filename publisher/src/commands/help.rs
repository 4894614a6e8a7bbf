//! `livedir-publisher help` and `manual`: what there is to read about the program.
//!
//! In: the word behind `help`, or a directory. Out: a text on the terminal, or files.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::anyhow;
use clap::CommandFactory as _;

use crate::cli::args::CommandLine;
use crate::cli::topics;
use crate::commands::printed;

/// Prints the help of the program, of a command, or of a topic.
pub fn help(word: Option<&str>) -> anyhow::Result<()> {
    let text = topics::help(&mut CommandLine::command(), word).map_err(|error| anyhow!(error))?;
    print(&text)
}

/// Writes man pages and shell completions below `share`.
pub fn manual(share: &Path) -> anyhow::Result<()> {
    print(&livedir_manual::write(&CommandLine::command(), share)?)
}

fn print(text: &str) -> anyhow::Result<()> {
    Ok(printed(io::stdout().write_all(text.as_bytes()))?)
}
