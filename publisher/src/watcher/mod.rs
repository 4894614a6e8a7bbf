//! Watcher: finished files in `live/` → the playlist.
//!
//! In: hints of notify and of the segmenter's end, as [`Wake`]s. Out: `stream.m3u8`, `status.json`, and deletions when a grace is
//! over. The hints only say where to look; the directory is the truth, and is looked at anyway once a target duration.
//! [`Watcher::run`] owns the watcher thread; it ends at [`Wake::Finish`], after a last look at the directory.
//!
//! ```text
//!   notify ─▶ hints ─▶ order ─▶ finished_file ─▶ publish ─▶ stream.m3u8
//!                                  (probe)         └─▶ retention ─▶ deletions
//! ```

mod finished_file;
mod hints;
mod order;
mod plan;
mod publish;
mod start_up;

use crate::{
    playlist_file::{OnDisk, PLAYLIST},
    retention,
    segment_name::{number_of_name, segment_uri},
};
use hints::DirectoryWatch;
use livedir_playlist::{ResumeError, Window, WindowSettings};
use order::{Order, Turn};
use publish::Publication;
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError},
    time::{Duration, Instant, SystemTime},
};
use tracing::warn;

/// What the watcher is to do.
#[derive(Debug, Clone)]
pub struct WatcherSettings {
    /// Where the playlist lies, and `live/` beside it.
    pub webroot: PathBuf,
    /// EXT-X-TARGETDURATION.
    pub target_duration_s: u32,
    /// How many segments the playlist lists.
    pub window_segments: usize,
    /// Whether the playlist ends with the run: EXT-X-ENDLIST.
    pub end_list: bool,
}

/// Why the watcher looks up.
#[derive(Debug, Clone)]
pub enum Wake {
    /// This file is finished.
    Hint {
        /// The file.
        path: PathBuf,
        /// When the event was seen, for the publish lag.
        seen_at: Instant,
    },
    /// Events were lost, or the directory was.
    Rescan,
    /// No segment will come any more.
    Finish,
}

/// What the watcher cannot go on after.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// No place for segments.
    #[error("{} cannot be made or read: {source}; make webroot writable for this user", path.display())]
    Live {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The journal is there and stays closed.
    #[error("{} cannot be read: {source}; make it readable for this user, or move it away", path.display())]
    Playlist {
        /// The playlist.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The journal cannot be gone on with.
    #[error("{0}")]
    Resume(#[from] ResumeError),
    /// The end is not on disk.
    #[error("the last {} cannot be written: {source}; players will wait for more until it ends", path.display())]
    Finish {
        /// The playlist.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// How often the directory is looked at while it cannot be watched.
const BLIND_INTERVAL: Duration = Duration::from_millis(200);

/// The stream goes on without a watch.
const BLIND: &str = "the live directory cannot be watched; it is looked at every 200 ms instead";

/// Names that are complained of once are remembered, up to this many.
const MOST_COMPLAINTS: usize = 1_000;

/// The keeper of the playlist.
pub struct Watcher {
    settings: WatcherSettings,
    live: PathBuf,
    publication: Publication,
    order: Order,
    watch: Option<DirectoryWatch>,
    wake_sender: mpsc::Sender<Wake>,
    wakes: mpsc::Receiver<Wake>,
    /// Foreign and late names that were complained of.
    complaints: BTreeSet<String>,
    next_look: Instant,
    gap_deadline: Option<Instant>,
}

impl Watcher {
    /// Larger than every number on disk and in the playlist: names are never used again.
    #[must_use]
    pub fn next_segment_number(&self) -> u64 {
        self.order.next()
    }

    /// Where to send wakes.
    #[must_use]
    pub fn waker(&self) -> mpsc::Sender<Wake> {
        self.wake_sender.clone()
    }

    /// Keeps the playlist until [`Wake::Finish`]. An error means that the end of the stream is not on disk.
    pub fn run(mut self) -> Result<(), WatchError> {
        loop {
            let now = Instant::now();
            let wait = self.next_deadline().saturating_duration_since(now);
            match self.wakes.recv_timeout(wait) {
                Ok(Wake::Hint { path, seen_at }) => {
                    self.next_look = Instant::now() + self.look_interval();
                    self.hint(&path, seen_at);
                }
                Ok(Wake::Rescan) => self.look(),
                Ok(Wake::Finish) | Err(RecvTimeoutError::Disconnected) => return self.finish(),
                Err(RecvTimeoutError::Timeout) => {
                    if self.next_look <= Instant::now() {
                        self.look();
                    }
                    self.publish_waiting(self.patience(), Instant::now());
                }
            }
            self.publication.write_playlist();
            self.delete_due();
        }
    }

    fn next_deadline(&self) -> Instant {
        let others = [self.gap_deadline, self.publication.retention.next_deadline()];
        others.into_iter().flatten().fold(self.next_look, Instant::min)
    }

    fn look_interval(&self) -> Duration {
        match self.watch {
            Some(_) => Duration::from_secs(self.publication.window.playlist().target_duration_s.into()),
            None => BLIND_INTERVAL,
        }
    }

    /// How long a missing number is waited for when a later one is there: renames that come together may be seen in either order.
    ///
    /// RFC 8216 6.2.1: a new playlist no later than 1.5 target durations after the one before. A segment took one of them.
    fn patience(&self) -> Duration {
        Duration::from_secs(self.publication.window.playlist().target_duration_s.into()) / 2
    }

    fn hint(&mut self, path: &Path, seen_at: Instant) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return };
        match number_of_name(name) {
            Some(number) if number > self.order.next() => self.look(),
            Some(number) => {
                self.arrived(number);
                self.publish_waiting(self.patience(), seen_at);
            }
            None => self.complain_of_foreign(name),
        }
    }

    /// Looks at the directory itself.
    fn look(&mut self) {
        self.next_look = Instant::now() + self.look_interval();
        self.keep_watch();
        match start_up::list(&self.live) {
            Ok((files, foreign)) => {
                let next = self.order.next();
                for &number in files.range(next..) {
                    self.order.arrived(number);
                }
                for name in &foreign {
                    self.complain_of_foreign(name);
                }
            }
            Err(error) if self.complain(&error.to_string()) => {
                warn!(path = %self.live.display(), %error, "the live directory cannot be read; make it readable");
            }
            Err(_) => {}
        }
        self.publish_waiting(self.patience(), Instant::now());
    }

    /// Watches the directory again after someone took it away, and makes it again if need be.
    fn keep_watch(&mut self) {
        if self.watch.as_ref().is_some_and(|watch| watch.holds(&self.live)) {
            return;
        }
        let path = self.live.display().to_string();
        if self.watch.take().is_some() {
            warn!(path, "the live directory was taken away; going on in a new one");
        }
        if let Err(error) = fs::create_dir_all(&self.live) {
            if self.complain(&error.to_string()) {
                warn!(path, %error, "the live directory cannot be made again; make it");
            }
            return;
        }
        match DirectoryWatch::set(&self.live, self.wake_sender.clone()) {
            Ok(watch) => self.watch = Some(watch),
            Err(error) if self.complain(&error) => warn!(path, error, "{BLIND}"),
            Err(_) => {}
        }
        self.forget_missing();
    }

    /// The playlist names no file that is missing: entries that went with the directory leave it.
    fn forget_missing(&mut self) {
        let Ok((files, _)) = start_up::list(&self.live) else { return };
        let playlist = self.publication.window.playlist().clone();
        let (target_duration_s, segments) = (playlist.target_duration_s, self.settings.window_segments);
        let on_disk = OnDisk::Playlist { playlist, written_at: SystemTime::now() };
        let plan = plan::plan(&on_disk, &files, target_duration_s, segments);
        let Some(previous) = plan.previous.filter(|_| plan.entries_lost > 0) else { return };
        let settings = WindowSettings { target_duration_s, segments };
        // A playlist of ours has the target duration of ours.
        if let Ok(window) = Window::resume(settings, previous) {
            self.publication.window = window;
            self.publication.has_changed();
        }
    }

    fn arrived(&mut self, number: u64) {
        if self.order.arrived(number) {
            return;
        }
        let uri = segment_uri(number);
        let is_listed = self.publication.window.playlist().segments.iter().any(|it| it.uri == uri);
        if !is_listed && self.complain(&uri) {
            warn!(
                name = uri,
                "segment came after a later one was published, so it is not listed; write segments in order"
            );
        }
    }

    fn publish_waiting(&mut self, patience: Duration, seen_at: Instant) {
        self.gap_deadline = loop {
            match self.order.turn(Instant::now(), patience) {
                Turn::Publish(number) => self.publication.publish(number, seen_at),
                Turn::WaitUntil(deadline) => break Some(deadline),
                Turn::Idle => break None,
            }
        };
    }

    fn delete_due(&mut self) {
        let due = self.publication.retention.due(Instant::now());
        retention::delete(&self.settings.webroot, &due);
    }

    fn complain_of_foreign(&mut self, name: &str) {
        if self.complain(name) {
            warn!(name, "file ignored: segments are named seg-00000001.ts and so on; rename it");
        }
    }

    /// Whether this name was not complained of before.
    fn complain(&mut self, name: &str) -> bool {
        self.complaints.len() < MOST_COMPLAINTS && self.complaints.insert(name.to_owned())
    }

    fn finish(mut self) -> Result<(), WatchError> {
        self.look();
        self.publish_waiting(Duration::ZERO, Instant::now());
        let path = self.settings.webroot.join(PLAYLIST);
        self.publication.finish(self.settings.end_list).map_err(|source| WatchError::Finish { path, source })
    }
}
