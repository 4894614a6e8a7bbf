//! Inspect: what is on disk, for a person, and for programs.
//!
//! ```text
//!  path ─▶ read ─▶ model::survey ─▶ inventory ─▶ model::inventory ─▶ draw ─▶ text or JSON
//!          subject, scan,           judges each                      ▲
//!          arrange, contents        segment                 looker, follow: once, or again and again
//! ```
//!
//! In: a path. Out: text on standard output. `read` reads, and `inventory` where a playlist lists others; the rest of `inventory`, and
//! `draw` but for the screen, are pure. All on the caller's thread; it ends when all is printed, with `--follow` at Ctrl-C. Nothing on
//! disk is changed.

mod follow;
mod looker;

pub mod draw;
mod inventory;
mod read;

pub mod model;

mod error;
mod settings;

pub use error::InspectError;
pub use settings::InspectSettings;

use crate::draw::output::text;
use crate::draw::screen::print;
use crate::looker::Looker;
use indicatif::ProgressBar;
use std::io::{self, IsTerminal as _};

/// Looks into more segments than this show their progress.
const QUICKLY_READ: usize = 100;

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
    print(&text(&inventory?, settings.json)).map_err(InspectError::Output)
}
