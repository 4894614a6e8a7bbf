//! The queue of lines: what answers put into it, and how it looks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

/// What a line of the access log looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// As Apache and nginx write it.
    Combined,
    /// One object a line, with the time that the answer took.
    Json,
}

/// One end of the queue; clones fill the same one.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    pub(super) lines: SyncSender<String>,
    pub(super) format: LogFormat,
    pub(super) dropped: Arc<AtomicU64>,
    /// The file was moved away: what follows goes into a new one.
    pub(super) is_moved: Arc<AtomicBool>,
}

impl Sender {
    /// Drops the line and counts it when there is no room.
    pub(super) fn send(&self, line: String) {
        if self.lines.try_send(line).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}
