//! Root: a directory of channels, as `watch --channels` keeps them.
//!
//! In: the directory. Out: the webroots in it, and a [`Channel`] for each one that has a `live/`. What cannot be used is told once, and
//! tried again at every look.

use crate::channel::Channel;
use crate::error::WatchError;
use crate::events::finished_file::ReadBuffer;
use crate::settings::WatchSettings;
use crate::world::World;
use livedir_layout::guard::Guard;
use livedir_layout::lock::{self, LockError};
use livedir_layout::meters::Meters;
use livedir_layout::numbers::Numbers;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tracing::{info, warn};

/// How often the directory of all channels is looked at: no event tells of a `live/` that is made later.
const SCAN_FOR_CHANNELS: Duration = Duration::from_secs(1);

/// How soon after a look the next one may be, whatever comes and goes: a look costs as much as there are channels.
const SCAN_AGAIN: Duration = Duration::from_millis(100);

/// A directory of channels.
pub(crate) struct Root {
    settings: WatchSettings,
    /// The absolute path.
    pub(crate) path: PathBuf,
    /// They count for all channels.
    pub(crate) meters: Arc<Meters>,
    scanned_at: Instant,
    pub(crate) next_scan: Instant,
    /// Channels that cannot be kept, so that it is said once.
    failed: BTreeSet<PathBuf>,
}

impl Root {
    /// Something has come or gone.
    pub(crate) fn scan_soon(&mut self) {
        self.next_scan = self.next_scan.min(self.scanned_at + SCAN_AGAIN);
    }

    /// Makes the directory where there is none.
    pub(crate) fn open(
        world: &World,
        settings: &WatchSettings,
        meters: Arc<Meters>,
    ) -> Result<Self, WatchError> {
        let path = &settings.webroot;
        let of_path = |source| WatchError::Live { path: path.clone(), source };
        let is_new = !world.directory.has(path);
        world.directory.make(path).map_err(of_path)?;
        let absolute = std::path::absolute(path).map_err(of_path)?;
        if is_new {
            lock::tell_of_new_directory(&absolute);
        }
        // Without it new channels are found a little later.
        let _ = world.directory.watch(&absolute);
        Ok(Self {
            settings: settings.clone(),
            path: absolute,
            meters,
            scanned_at: world.now(),
            next_scan: world.now(),
            failed: BTreeSet::new(),
        })
    }

    /// A look begins.
    pub(crate) fn note_scan(&mut self, now: Instant) {
        self.scanned_at = now;
        self.next_scan = now + SCAN_FOR_CHANNELS;
    }

    /// All that is in it, channels and others.
    pub(crate) fn webroots(&mut self, world: &World) -> Vec<PathBuf> {
        match world.directory.list(&self.path) {
            Ok(entries) => {
                self.failed.remove(&self.path);
                // A name that is no text is not taken up: nobody could type its address.
                let names = entries.into_iter().filter_map(|entry| entry.name);
                names.filter(|name| !name.starts_with('.')).map(|name| self.path.join(name)).collect()
            }
            Err(error) => {
                if self.failed.insert(self.path.clone()) {
                    warn!(path = %self.path.display(), %error, "the directory of channels cannot be read; make it readable");
                }
                Vec::new()
            }
        }
    }

    /// Starts the channel of this webroot.
    pub(crate) fn take_up(
        &mut self,
        world: &World,
        webroot: &Path,
        buffer: &mut ReadBuffer,
    ) -> Option<(Channel, Arc<Guard>)> {
        let name = webroot.file_name().unwrap_or_default().to_string_lossy();
        let label = format!("{name}/");
        let meters = Arc::new(Meters::default());
        meters.set_title(self.settings.titles.of_channel(&name));
        let settings = self.settings.of_channel(webroot.to_owned(), label.clone());
        let started =
            Guard::take(world.directory.clone(), webroot).map_err(WatchError::from).and_then(|guard| {
                Ok((Channel::start(world, settings, &Numbers::any(), meters, buffer)?, Arc::new(guard)))
            });
        match started {
            Ok(started) => {
                self.failed.remove(webroot);
                info!(channel = label, "channel found");
                Some(started)
            }
            // It is tried again at every look.
            Err(error) => {
                if self.failed.insert(webroot.to_owned()) {
                    let error = match error {
                        WatchError::Lock(LockError::Taken(_)) => {
                            "another livedir-publisher is writing to it; it is used when that one ends"
                                .to_owned()
                        }
                        error => error.to_string(),
                    };
                    warn!(channel = label, error, "channel cannot be used");
                }
                None
            }
        }
    }
}
