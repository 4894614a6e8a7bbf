//! The command `livedir-publisher check`: what it prints, and the status that it ends with.
//!
//! In: what was typed. Out: findings on standard output, a status line on a terminal while it follows. Thin.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::args::CheckArgs;
use crate::commands::terminal::say;
use crate::commands::{printed, stop_on_signals};
use livedir_check::report::{LookedAt, Report, json, junit, text};
use livedir_check::{Address, CheckSettings, run};
use livedir_time::stop::Stop;

/// Exit status: 0 clean, 1 a MUST is broken, 2 could not check.
#[must_use]
pub fn check(args: &CheckArgs) -> ExitCode {
    match stop_on_signals().and_then(|stop| checked(args, &stop)) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            say(format_args!("livedir-publisher: {error:#}"));
            ExitCode::from(2)
        }
    }
}

/// Checks, tells, and gives the exit status: 0 clean, 1 a MUST is broken, 2 not all could be looked at. An error is a 2
/// too.
fn checked(args: &CheckArgs, stop: &Stop) -> anyhow::Result<u8> {
    let settings = CheckSettings { subject: Address::typed(&args.subject)?, follow_for: args.follow_for };
    let line = status_line();
    let checked = run(&settings, stop, |looked_at| line.set_message(progress(looked_at, args.follow_for)));
    line.finish_and_clear();
    let report = checked?;
    tell(&report, args.json).context("cannot print the findings")?;
    for problem in &report.problems {
        say(format_args!("livedir-publisher: {problem}"));
    }
    if let Some(path) = &args.junit {
        write_junit(&report, path)?;
    }
    Ok(report.exit_code())
}

fn status_line() -> ProgressBar {
    let is_seen = io::stderr().is_terminal();
    let target = if is_seen { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let line = ProgressBar::with_draw_target(None, target);
    line.set_style(
        ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    line
}

fn progress(looked_at: &LookedAt, follow_for: Option<Duration>) -> String {
    let of = follow_for.map(|time| format!(" of {}", time.as_secs())).unwrap_or_default();
    let LookedAt { versions, segments, seconds, .. } = looked_at;
    format!("{seconds:.0}{of} s · versions {versions} · segments {segments} · Ctrl-C for the findings so far")
}

fn tell(report: &Report, as_json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let told = if as_json {
        serde_json::to_writer_pretty(&mut out, &json(report))
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out))
    } else {
        let colour = out.is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        out.write_all(text(report, colour).as_bytes())
    };
    printed(told.and_then(|()| out.flush()))
}

fn write_junit(report: &Report, path: &Path) -> anyhow::Result<()> {
    let written = junit(report).and_then(|xml| std::fs::write(path, xml));
    written.with_context(|| format!("cannot write {}", path.display()))
}
