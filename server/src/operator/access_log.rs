//! The access log: finished answers in, one line each out, in combined log format or JSON, on a thread of its own.
//!
//! Answering never waits for the log. Lines queue up to `QUEUE_LINES`; when the disk or the reader of stdout is slower
//! than that, lines are dropped, counted and reported once the writer is free again. The thread ends when the last
//! connection has dropped its sender.

mod line;
mod queue;

use std::ffi::OsString;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::iter;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use axum::http::{HeaderMap, Request};
use jiff::Zoned;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::warn;

pub(crate) use line::{Line, Refused};
pub use queue::LogFormat;
use queue::Sender;

/// Some seconds of a busy server; with `line::LONGEST_FIELD` the queue stays under 64 MiB.
const QUEUE_LINES: usize = 4096;

/// At the end, for a disk to take the queue or for a reader of stdout that has gone away.
const FINISH_GRACE: Duration = Duration::from_secs(1);

/// Where the access log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessLog {
    /// Nowhere.
    Off,
    /// Standard output, between the start-up lines and the end.
    Stdout,
    /// Appended to this file, which is created when missing.
    File(PathBuf),
}

/// A file name, `-` or `off`.
impl From<OsString> for AccessLog {
    fn from(typed: OsString) -> AccessLog {
        match typed.to_str() {
            Some("off") => AccessLog::Off,
            Some("-") => AccessLog::Stdout,
            _ => AccessLog::File(typed.into()),
        }
    }
}

impl fmt::Display for AccessLog {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccessLog::Off => out.write_str("off"),
            AccessLog::Stdout => out.write_str("-"),
            AccessLog::File(path) => path.display().fmt(out),
        }
    }
}

/// The log file cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot write access log {}: {source}; name a writable file with --access-log, or off", path.display())]
pub struct AccessLogError {
    path: PathBuf,
    source: io::Error,
}

/// Takes lines; `None` when the log is off.
#[derive(Debug, Clone)]
pub struct Log(Option<Sender>);

/// The writing end, for a clean finish.
#[derive(Debug)]
pub struct LogWriter(Option<oneshot::Receiver<()>>);

/// Opens the log and starts its thread.
pub fn open(setting: &AccessLog, format: LogFormat) -> Result<(Log, LogWriter), AccessLogError> {
    if *setting == AccessLog::Off {
        return Ok((Log(None), LogWriter(None)));
    }
    let failed = |source| AccessLogError { path: PathBuf::from(setting.to_string()), source };
    let first = open_output(setting).map_err(failed)?;
    let (lines, queue) = sync_channel(QUEUE_LINES);
    let (dropped, is_moved) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (finished, finish) = oneshot::channel();
    let sender = Sender { lines, format, dropped: dropped.clone(), is_moved: is_moved.clone() };
    let again = setting.clone();
    let writing = thread::Builder::new().name("livedir-log".to_owned()).spawn(move || {
        write_lines(&queue, &dropped, &is_moved, first, || open_output(&again));
        let _ = finished.send(());
    });
    writing.map_err(failed)?;
    Ok((Log(Some(sender)), LogWriter(Some(finish))))
}

fn open_output(setting: &AccessLog) -> io::Result<Box<dyn Write + Send>> {
    Ok(match setting {
        AccessLog::Off => Box::new(io::sink()),
        AccessLog::Stdout => Box::new(io::stdout()),
        AccessLog::File(path) => Box::new(OpenOptions::new().append(true).create(true).open(path)?),
    })
}

fn write_lines<W: Write>(
    queue: &Receiver<String>,
    dropped: &AtomicU64,
    is_moved: &AtomicBool,
    first: W,
    open_again: impl Fn() -> io::Result<W>,
) {
    let mut out = BufWriter::new(first);
    let mut failed = false;
    while let Ok(first) = queue.recv() {
        if is_moved.swap(false, Ordering::AcqRel) {
            match open_again() {
                Ok(new) => out = BufWriter::new(new),
                Err(error) => warn!(%error, "access log not opened anew; the old file is written on"),
            }
        }
        let mut lines = iter::once(first).chain(queue.try_iter()).take(QUEUE_LINES);
        let written = lines.try_for_each(|line| out.write_all(line.as_bytes())).and_then(|()| out.flush());
        match written {
            Ok(()) => failed = false,
            Err(error) if !failed => {
                failed = true;
                warn!(%error, "access log not written");
            }
            Err(_) => {}
        }
        let dropped = dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            warn!(dropped, "access log is written too slowly; lines were dropped");
        }
    }
}

impl LogWriter {
    /// Waits until all lines are written, when every `Log` is gone; not for ever.
    pub(crate) async fn finish(self) {
        if let Some(finish) = self.0
            && timeout(FINISH_GRACE, finish).await.is_err()
        {
            warn!("access log not finished");
        }
    }
}

impl Log {
    /// Writes what follows into a file of the same name, which may be a new one.
    pub fn open_anew(&self) {
        let Some(sender) = &self.0 else { return };
        sender.is_moved.store(true, Ordering::Release);
        // Wakes the writer; it has enough to do when there is no room.
        let _ = sender.lines.try_send(String::new());
    }

    /// Writes the line of what was no request, or the end of one that had enough.
    pub(crate) fn refused(&self, viewer: Option<IpAddr>, refused: &Refused<'_>) {
        let Some(sender) = &self.0 else { return };
        let now = Zoned::now();
        sender.send(match sender.format {
            LogFormat::Combined => refused.combined(viewer, &now),
            LogFormat::Json => refused.json(viewer, &now),
        });
    }

    /// Remembers a request; the line is written when what is returned is dropped, after the last byte of the answer.
    /// `viewer` says who asks, if anybody knows.
    pub(crate) fn begin<B>(
        &self,
        request: &Request<B>,
        viewer: impl FnOnce(&HeaderMap) -> Option<IpAddr>,
    ) -> Option<Box<Line>> {
        Some(Box::new(Line::begin(self.0.clone()?, request, viewer(request.headers()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_drops_lines_and_counts_them() {
        let (lines, queue) = sync_channel(1);
        let sender =
            Sender { lines, format: LogFormat::Combined, dropped: Arc::default(), is_moved: Arc::default() };
        for number in 0..4 {
            sender.send(format!("{number}\n"));
        }
        let dropped = sender.dropped.clone();
        assert_eq!(dropped.load(Ordering::Relaxed), 3);
        drop(sender);
        let mut out = Vec::new();
        write_lines(&queue, &dropped, &AtomicBool::new(false), &mut out, || unreachable!("not moved"));
        assert_eq!(out, b"0\n");
        assert_eq!(dropped.load(Ordering::Relaxed), 0, "reported once");
    }

    #[test]
    fn a_log_that_cannot_be_opened_is_named_with_the_remedy() {
        let error = open(&AccessLog::File("/no-such-directory/a.log".into()), LogFormat::Combined)
            .unwrap_err()
            .to_string();
        assert!(error.contains("/no-such-directory/a.log") && error.contains("--access-log"), "{error}");
    }
}
