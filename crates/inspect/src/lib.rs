//! Inspect: what is on disk, for a person, and for programs.
//!
//! ```text
//!  path ─▶ place ─▶ survey ─▶ arrange ─▶ inventory ─▶ draw ─▶ text
//!          names    reads     one line    judges  ▲     └──▶ JSON
//!                     ├────▶ file_detail ─────────┤        one segment alone
//!                     └────▶ multivariant ────────┘        each playlist that one lists
//! ```
//!
//! In: a path. Out: text on standard output. Subject, survey and looker read, the rest is pure. All on the caller's thread; it ends when
//! all is printed, with `--follow` at Ctrl-C. Nothing on disk is changed.

mod follow;
mod looker;

pub mod draw;
mod inventory;
mod read;

pub mod model;

use crate::looker::Looker;
use crate::model::inventory::Inventory;
use crate::read::subject::SubjectError;
use indicatif::ProgressBar;
use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
};

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// What was named.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// The disk.
    #[error("cannot look at {}: {source}; make it readable for this user", path.display())]
    Read {
        /// What was named.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Standard output.
    #[error("cannot write to standard output: {0}")]
    Output(#[source] io::Error),
    /// Ctrl-C.
    #[error("cannot listen for Ctrl-C: {0}; leave --follow away")]
    Signal(#[source] ctrlc::Error),
}

/// Looks into more segments than this show their progress.
const QUICKLY_READ: usize = 100;

/// What to look at, and how.
#[derive(Debug, Clone)]
pub struct InspectSettings {
    /// A directory, a playlist or one segment.
    pub path: PathBuf,
    /// The picture is kept up to date until Ctrl-C.
    pub follow: bool,
    /// For programs: one JSON document a line.
    pub json: bool,
    /// The newest segments that are looked into.
    pub rows: usize,
    /// Every segment is looked into.
    pub all: bool,
}

/// Prints what is on disk.
pub fn run(settings: &InspectSettings) -> Result<(), InspectError> {
    let ended = if settings.follow { follow::run(settings) } else { once(settings) };
    match ended {
        // Whoever read it has seen enough.
        Err(InspectError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        ended => ended,
    }
}

fn once(settings: &InspectSettings) -> Result<(), InspectError> {
    let progress = ProgressBar::hidden();
    let is_seen = io::stderr().is_terminal();
    let inventory = Looker::default().look(settings, |done, all| {
        if is_seen && all > QUICKLY_READ {
            progress.set_draw_target(indicatif::ProgressDrawTarget::stderr());
            progress.set_length(all as u64);
            progress.set_position(done as u64);
        }
    });
    progress.finish_and_clear();
    print(&text(&inventory?, settings)).map_err(InspectError::Output)
}

/// The inventory as it was asked for.
fn text(inventory: &Inventory, settings: &InspectSettings) -> String {
    if settings.json { json(inventory) } else { draw::draw(inventory, &draw::screen::page(None)) }
}

/// One line.
fn json(inventory: &Inventory) -> String {
    // Serialization fails on maps with odd keys and on failing writers; here is neither.
    serde_json::to_string(inventory).map(|line| line + "\n").unwrap_or_default()
}

fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
