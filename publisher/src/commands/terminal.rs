//! Terminal: one status line that keeps itself up to date, and log lines above it. Elsewhere: log lines alone.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The status line of a run, on standard error.
pub struct Terminal {
    line: ProgressBar,
    /// Standard error is a terminal, not a file or a pipe.
    is_seen: bool,
    started_at: Instant,
}

impl Terminal {
    /// Takes standard error over, for status line and log. On a terminal only warnings are logged, as the status line
    /// says the rest; elsewhere one line a segment too. `RUST_LOG` changes that.
    #[must_use]
    pub fn start() -> Self {
        let is_seen = io::stderr().is_terminal();
        let target = if is_seen { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let line = ProgressBar::with_draw_target(None, target);
        line.set_style(
            ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        // The parser of segments complains of each damaged packet; the watcher says it once a segment.
        // notify complains of watches whose directories are gone, as they may be.
        let usual = if is_seen {
            "warn,mpeg2ts_reader=off,notify=warn"
        } else {
            "info,mpeg2ts_reader=off,notify=warn"
        };
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
        let log = log.with_ansi(is_seen && std::env::var_os("NO_COLOR").is_none());
        // A second subscriber is no reason to stop (a test may have set one).
        let _ = log.with_writer(AboveLine(line.clone())).try_init();
        Self { line, is_seen, started_at: Instant::now() }
    }

    /// Brings the status line up to date: `line` makes it of the time since the start.
    pub fn draw(&self, line: impl FnOnce(Duration) -> String) {
        if self.is_seen {
            self.line.set_message(line(self.started_at.elapsed()));
            self.line.tick();
        }
    }

    /// Takes the status line away.
    pub fn clear(&self) {
        if self.is_seen {
            self.line.finish_and_clear();
        }
    }

    /// How long the program has run.
    #[must_use]
    pub fn running(&self) -> Duration {
        self.started_at.elapsed()
    }
}

/// A line on standard error, if anybody reads it.
pub fn say(line: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// `1 segment`, `2 segments`.
pub(super) fn plural(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// `00:12:34`.
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Writes log lines above the status line.
#[derive(Clone)]
struct AboveLine(ProgressBar);

impl Write for AboveLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Whoever read the log may have gone; the stream goes on. An error would be told there, too, which panics.
        let _ = self.0.suspend(|| io::stderr().write_all(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stderr().flush();
        Ok(())
    }
}

impl MakeWriter<'_> for AboveLine {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
