//! `live --channels FILE`: several streams in one program, until they end or are ended. SIGHUP reads the file again.
//!
//! In: the file. Out: the streams, and a status line on a terminal. [`run`](crate::channels::run) has their threads.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::channels::{Request, Requests, Summary};
use crate::cli::args::LiveArgs;
use crate::cli::config::channels::{self, Channel};
use crate::commands::terminal::{Terminal, clock, plural, say};
use crate::commands::{ANOTHER_AFTER, INTERRUPTED, start_libav};

/// How often signals are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What may be typed beside the file: everything else stands in it.
const BESIDE: [&str; 3] = ["--channels", "--webroot", "--dry-run"];

/// Streams all channels of the file.
pub fn channels(args: &LiveArgs, typed: &[String]) -> anyhow::Result<()> {
    let file = args.channels.clone().unwrap_or_default();
    if let Some(flag) = typed.iter().find(|flag| !BESIDE.contains(&flag.as_str())) {
        bail!(
            "{flag} is for one stream; with --channels write it into {}, above the first [[channel]] for all of them",
            file.display()
        );
    }
    let webroot = typed.iter().any(|flag| flag == "--webroot").then(|| args.webroot.clone());
    let found = channels::read(&file, webroot.as_deref())?;
    if args.dry_run {
        return Ok(());
    }
    start_libav()?;
    let terminal = Terminal::start();
    let root = root_of(&found);
    let mut requests = Signals::listen(file, webroot)?;
    crate::channels::run(&root, found, &mut requests, |summary| {
        terminal.draw(|on_air| status_line(on_air, summary));
    })
    .with_context(|| format!("cannot write channels.json into {}", root.display()))?;
    terminal.clear();
    say(format_args!("ended after {}", clock(terminal.running())));
    Ok(())
}

/// The webroot, which has a directory for each channel.
fn root_of(channels: &[Channel]) -> PathBuf {
    let first = channels.first().and_then(|channel| channel.settings.webroot.parent());
    first.unwrap_or(Path::new(".")).to_owned()
}

/// What signals ask for.
struct Signals {
    file: PathBuf,
    webroot: Option<PathBuf>,
    ends: Arc<AtomicBool>,
    /// From then on another signal ends the program at once.
    armed: Arc<AtomicBool>,
    reads_again: Arc<AtomicBool>,
}

impl Signals {
    fn listen(file: PathBuf, webroot: Option<PathBuf>) -> anyhow::Result<Signals> {
        let (ends, armed, reads_again) = <(Arc<AtomicBool>, Arc<AtomicBool>, Arc<AtomicBool>)>::default();
        let listen = || -> std::io::Result<()> {
            for signal in [SIGINT, SIGTERM] {
                flag::register_conditional_shutdown(signal, INTERRUPTED, armed.clone())?;
                flag::register(signal, ends.clone())?;
            }
            flag::register(SIGHUP, reads_again.clone())?;
            Ok(())
        };
        listen().context("cannot listen for Ctrl-C")?;
        Ok(Signals { file, webroot, ends, armed, reads_again })
    }

    fn read_again(&self) -> Option<Vec<Channel>> {
        match channels::read(&self.file, self.webroot.as_deref()) {
            Ok(channels) => {
                tracing::info!(
                    "read {} again: {}",
                    self.file.display(),
                    plural(channels.len() as u64, "channel")
                );
                Some(channels)
            }
            Err(error) => {
                tracing::error!(%error, "the channels stay as they are");
                None
            }
        }
    }
}

impl Requests for Signals {
    fn wait(&mut self, time: Duration) -> Request {
        let until = Instant::now() + time;
        loop {
            if self.ends.load(Ordering::Relaxed) {
                let armed = self.armed.clone();
                std::thread::spawn(move || {
                    std::thread::sleep(ANOTHER_AFTER);
                    armed.store(true, Ordering::Relaxed);
                });
                return Request::Stop;
            }
            if self.reads_again.swap(false, Ordering::Relaxed)
                && let Some(channels) = self.read_again()
            {
                return Request::Change(channels);
            }
            if Instant::now() >= until {
                return Request::Nothing;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

/// `LIVE 00:12:34 · 3 of 8 channels on air · 12.10 Mb/s · failing: stage`
fn status_line(on_air: Duration, summary: &Summary) -> String {
    let mut parts = vec![
        format!("LIVE {}", clock(on_air)),
        format!("{} of {} on air", summary.on_air, plural(summary.channels as u64, "channel")),
        format!("{:.2} Mb/s", summary.bitrate_bps as f64 / 1e6),
    ];
    if !summary.failing.is_empty() {
        parts.push(format!("failing: {}", summary.failing.join(", ")));
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_line_names_those_that_fail() {
        let mut summary = Summary { channels: 8, on_air: 3, bitrate_bps: 12_100_000, failing: Vec::new() };
        let line = |summary: &Summary| status_line(Duration::from_secs(754), summary);
        assert_eq!(line(&summary), "LIVE 00:12:34 · 3 of 8 channels on air · 12.10 Mb/s");
        summary.failing = vec!["hall".to_owned(), "stage".to_owned()];
        assert!(line(&summary).ends_with(" · failing: hall, stage"));
    }
}
