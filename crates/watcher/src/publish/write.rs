//! On disk: what is published → `stream.m3u8` and `status.json`, replaced.
//!
//! In: a [`Publication`] that has changed. Out: files. A failure is survived: nothing is lost, and the next call tries again.
//! Runs on the watcher's thread.

use crate::publish::Publication;
use livedir_layout::files::{PLAYLIST, STATUS, replace};
use livedir_layout::names::{name_of_uri, uri_of_name};
use livedir_layout::status::status;
use livedir_playlist::render;
use std::{
    io, mem,
    path::Path,
    time::{Duration, Instant},
};
use tracing::{info, warn};

/// People and monitors look at `status.json` no more often.
const STATUS_EVERY: Duration = Duration::from_millis(250);

/// Among many channels, `status.json` of each is not replaced more often: to replace a file is most of what a segment costs.
const STATUS_OF_CHANNEL_EVERY: Duration = Duration::from_secs(10);

/// What is on disk of what is published, and what cannot be written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// The playlist on disk is not the one in memory.
    pub(super) is_behind: bool,
    /// That the playlist cannot be written was told.
    playlist_fails: bool,
    /// That the status cannot be written was told.
    status_fails: bool,
    pub(super) status_at: Option<Instant>,
    /// When `status.json`, which is not the newest, is to be written; `None`: it is.
    status_due_at: Option<Instant>,
}

impl Publication {
    /// Marks the playlist as one that has to be written.
    pub(crate) fn mark_changed(&mut self) {
        self.written.is_behind = true;
    }

    /// Writes the playlist if the one on disk is not the newest. A failure is survived: nothing is lost, and the next
    /// call tries again.
    pub(crate) fn write_playlist(&mut self) -> bool {
        self.take_changes();
        if !self.written.is_behind {
            return true;
        }
        match self.replace_playlist() {
            Ok(()) => {
                if mem::take(&mut self.written.playlist_fails) {
                    info!("the playlist can be written again");
                }
                true
            }
            Err(error) => {
                if !mem::replace(&mut self.written.playlist_fails, true) {
                    warn!(
                        %error,
                        "stream.m3u8 cannot be written; free space or make webroot writable, it is tried again at every segment"
                    );
                }
                false
            }
        }
    }

    /// A segment was listed: writes the playlist, unless others follow at once. `None`: it waits for them.
    pub(crate) fn write_playlist_in_turn(&mut self) -> Option<bool> {
        if self.burst.postpones(self.world.now()) && !self.written.is_behind {
            return None;
        }
        self.written.is_behind = true;
        Some(self.write_playlist())
    }

    /// Writes the playlist that waits for others of a burst.
    pub(crate) fn write_postponed(&mut self) {
        if self.burst.end() {
            self.written.is_behind = true;
            self.write_playlist();
        }
    }

    /// When something waits no longer for others of a burst.
    pub(crate) fn burst_deadline(&self) -> Option<Instant> {
        [self.burst.deadline(), self.written.status_due_at].into_iter().flatten().min()
    }

    /// Writes what has waited long enough.
    pub(crate) fn on_burst_deadline(&mut self, now: Instant) {
        if self.burst.deadline().is_some_and(|at| at <= now) {
            self.write_postponed();
        }
        if self.written.status_due_at.is_some_and(|at| at <= now) {
            self.write_status();
        }
    }

    fn replace_playlist(&mut self) -> io::Result<()> {
        replace(
            &*self.world.directory,
            &self.settings.webroot,
            PLAYLIST,
            render(self.timeline.playlist()).as_bytes(),
        )?;
        self.written.is_behind = false;
        let now = self.world.now();
        self.burst.written(now);
        for evicted in mem::take(&mut self.leaving) {
            // Files elsewhere are not ours to delete, and a file may have come anew under its name.
            let name = name_of_uri(self.settings.home, &evicted.segment.uri)
                .filter(|name| !self.timeline.is_listed(name));
            let others = name.as_ref().map(|name| self.other_names.take(name)).unwrap_or_default();
            if let Some(name) = name.filter(|_| !self.settings.keep) {
                let longest_before_90k =
                    if evicted.media_sequence < self.before.until { self.before.longest_90k } else { 0 };
                let least_90k = evicted.segment.duration_90k.saturating_add(longest_before_90k);
                let grace_90k = evicted.grace_90k.max(least_90k);
                for other in others {
                    self.retention.keep(&other, now, grace_90k);
                }
                self.retention.keep(&name, now, grace_90k);
            }
        }
        Ok(())
    }

    /// Deletes the files whose grace is over, and that no list names.
    pub(crate) fn sweep(&mut self, live: &Path) {
        self.take_changes();
        let now = self.world.now();
        // The deadlines know nothing of what came anew.
        let mut retention = mem::take(&mut self.retention);
        retention.sweep(&*self.world.directory, live, now, |name| self.is_named(name));
        self.retention = retention;
    }

    /// Whether a list names this file, in memory or on disk.
    fn is_named(&self, name: &str) -> bool {
        let uri = uri_of_name(self.settings.home, name);
        self.timeline.is_listed(name)
            || self.leaving.iter().any(|evicted| evicted.segment.uri == uri)
            || self.is_part_named(name)
    }

    /// Says how the stream does, unless that was said just now.
    pub(crate) fn write_status_in_turn(&mut self) {
        let is_one_of_many = self.settings.channel().is_some();
        let every = if is_one_of_many { STATUS_OF_CHANNEL_EVERY } else { STATUS_EVERY };
        match self.written.status_at {
            Some(at) if self.world.now() < at + every && is_one_of_many => {}
            Some(at) if self.world.now() < at + every => self.written.status_due_at = Some(at + every),
            _ => self.write_status(),
        }
    }

    pub(crate) fn write_status(&mut self) {
        self.written.status_at = Some(self.world.now());
        self.written.status_due_at = None;
        let now = self.world.date();
        let mut status =
            status(self.started_at, now, self.timeline.playlist(), self.newest.as_ref(), &self.meters);
        status.silent_since = self.silent_since;
        let written = serde_json::to_vec(&status)
            .map_err(io::Error::from)
            .and_then(|json| replace(&*self.world.directory, &self.settings.status_directory, STATUS, &json));
        match written {
            Ok(()) => self.written.status_fails = false,
            Err(error) if !self.written.status_fails => {
                self.written.status_fails = true;
                warn!(%error, "status.json cannot be written; free space or make webroot writable");
            }
            Err(_) => {}
        }
    }

    /// Another run goes on: the playlist is not ended.
    pub(crate) fn keep_open(&mut self) {
        self.settings.end_list = false;
    }

    /// Writes what there is to write at the end; the playlist must get there.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        // Where nothing was ever published, there is nothing to end.
        self.written.is_behind |= self.burst.end();
        if self.settings.end_list {
            self.timeline.end();
        }
        self.take_changes();
        let written = if self.written.is_behind { self.replace_playlist() } else { Ok(()) };
        self.write_low_latency();
        self.write_status();
        written
    }
}
