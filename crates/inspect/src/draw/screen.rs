//! Screen: standard output as a page, and the terminal's second screen while a picture is kept up to date on it.

use crate::draw::page::Page;
use console::Term;
use jiff::tz::TimeZone;
use std::io::{self, IsTerminal as _, Write as _};

/// Columns where there is no terminal and COLUMNS does not say.
const PLAIN_WIDTH: usize = 120;

/// The second screen, no cursor, no line breaks but ours.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const HOME: &str = "\x1b[H";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// Whether standard output is a terminal that can do more than print.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// What standard output is now.
pub(crate) fn page(height: Option<usize>) -> Page {
    let from_environment = || std::env::var("COLUMNS").ok()?.parse().ok();
    let (size, is_terminal) = (Term::stdout().size_checked(), is_terminal());
    let width = match size.filter(|_| io::stdout().is_terminal()) {
        Some((_, columns)) => usize::from(columns),
        None => from_environment().unwrap_or(PLAIN_WIDTH),
    };
    // https://no-color.org: any value but an empty one.
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Page { width, height, colour: is_terminal && !no_colour, zone: TimeZone::system() }
}

/// Writes to standard output, at once.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// The terminal's second screen, until it is dropped.
pub(crate) struct Screen(Term);

impl Screen {
    pub(crate) fn enter() -> io::Result<Self> {
        print(ENTER)?;
        Ok(Self(Term::stdout()))
    }

    /// The page that the screen has room for.
    pub(crate) fn page(&self) -> Page {
        let height = self.0.size_checked().map(|(lines, _)| usize::from(lines));
        page(height)
    }

    /// Puts `text` in the place of what was there, without flicker.
    pub(crate) fn show(&self, text: &str) -> io::Result<()> {
        // Cleared before it is written: behind a line of full width the cursor still stands on its last column.
        let lines: Vec<String> = text.lines().map(|line| format!("{CLEAR_LINE}{line}")).collect();
        // No line feed behind the last line of a screen that is full: it would move the picture up.
        let height = self.0.size_checked().map_or(usize::MAX, |(lines, _)| usize::from(lines));
        let rest = if lines.len() < height { format!("\r\n{CLEAR_BELOW}") } else { String::new() };
        self.0.write_str(&format!("{HOME}{}{rest}", lines.join("\r\n")))?;
        self.0.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing put back.
        let _ = print(LEAVE);
    }
}
