//! Start-up: the playlist goes on from what was there before.
//!
//! In: webroot as the last run, or its crash, left it. Out: a [`Watcher`] whose playlist on disk is true again. Runs on the
//! caller's thread, before the first segment is written.

use super::{
    BLIND, DirectoryWatch, WatchError, Watcher, WatcherSettings,
    order::Order,
    plan::{Plan, plan},
    publish::{Last, Publication},
};
use crate::{
    meters::Meters,
    playlist_file::{self, OnDisk, PLAYLIST, STATUS, left_over_prefix},
    retention::instant_of,
    segment_name::{LEFT_OVER_PREFIX, LIVE, looks_like_segment, number_of_name},
};
use livedir_playlist::{TICKS_PER_S, Window, WindowSettings};
use std::{
    collections::BTreeSet,
    fs, io,
    path::Path,
    sync::{Arc, mpsc},
    time::{Duration, Instant, SystemTime},
};
use tracing::{debug, info, warn};

impl Watcher {
    /// Everything that has to be done before the first segment is written: goes on from the playlist and the directory as
    /// they are, publishes what a crash left unpublished, sweeps what it left unfinished.
    pub fn start(settings: WatcherSettings, meters: Arc<Meters>) -> Result<Self, WatchError> {
        let live = settings.webroot.join(LIVE);
        let of_live = |source| WatchError::Live { path: live.clone(), source };
        fs::create_dir_all(&live).map_err(of_live)?;
        sweep_webroot(&settings.webroot, &live).map_err(of_live)?;
        // The watch comes before the look: what arrives in between is then seen twice, and not never.
        let (wake_sender, wakes) = mpsc::channel();
        let watch = DirectoryWatch::set(&live, wake_sender.clone())
            .inspect_err(|error| warn!(path = %live.display(), error, "{BLIND}"))
            .ok();
        let (files, foreign) = list(&live).map_err(of_live)?;
        let on_disk = playlist_file::read(&settings.webroot)
            .map_err(|source| WatchError::Playlist { path: settings.webroot.join(PLAYLIST), source })?;

        let plan = plan(&on_disk, &files, settings.target_duration_s, settings.window_segments);
        let window_settings = WindowSettings {
            target_duration_s: settings.target_duration_s,
            segments: settings.window_segments,
        };
        let window = match &plan.previous {
            Some(previous) => Window::resume(window_settings, previous.clone())?,
            None => Window::new(window_settings, 1),
        };
        let publication = Publication::new(settings.webroot.clone(), meters, window);
        let now = Instant::now();
        let mut watcher = Self {
            settings,
            live,
            publication,
            order: Order::new(plan.unlisted.first().copied().unwrap_or(plan.next_number)),
            watch,
            wake_sender,
            wakes,
            complaints: BTreeSet::new(),
            next_look: now,
            gap_deadline: None,
        };
        for name in &foreign {
            watcher.complain_of_foreign(name);
        }
        watcher.take_up(&on_disk, &plan, now);
        Ok(watcher)
    }

    /// Puts the plan into effect.
    fn take_up(&mut self, on_disk: &OnDisk, plan: &Plan, now: Instant) {
        let webroot = &self.settings.webroot;
        let written_at = match on_disk {
            OnDisk::Playlist { written_at, .. } => instant_of(*written_at, now, SystemTime::now()),
            OnDisk::Missing => now,
            OnDisk::Unreadable { problem, .. } => {
                let number = plan.next_number;
                warn!(
                    problem,
                    number,
                    "stream.m3u8 cannot be read back; it is set aside as stream.m3u8.bad, and the numbers go on"
                );
                if let Err(error) = playlist_file::set_aside(webroot) {
                    warn!(%error, "stream.m3u8 cannot be set aside; it will be replaced");
                }
                now
            }
        };
        // What they lasted is not known without reading them: no longer than a segment may be.
        let window = &self.publication.window;
        let target_90k = (u64::from(window.playlist().target_duration_s) + 1) * TICKS_PER_S;
        let longest_90k =
            window.longest_duration_90k().max(target_90k * self.settings.window_segments as u64);
        let grace_90k = target_90k + longest_90k;
        for &number in &plan.left_before {
            self.publication.retention.keep(number, written_at, grace_90k);
        }
        for &number in &plan.left_now {
            self.publication.retention.keep(number, now, grace_90k);
        }
        if plan.entries_lost > 0 {
            let entries = plan.entries_lost;
            warn!(
                entries,
                "files that the playlist names are missing; these entries leave it, and the numbers go on"
            );
            self.publication.has_changed();
            self.publication.write_playlist();
        }
        self.publication.remember(plan.predecessor);
        for &number in &plan.unlisted {
            self.order.arrived(number);
        }
        self.publish_waiting(Duration::ZERO, now);
        self.order.skip_to(plan.next_number);
        self.next_look = Instant::now() + self.look_interval();
        let number = self.order.next();
        match self.publication.last {
            Last::Nothing => debug!(number, "nothing was published before"),
            Last::Unknown | Last::Known(_) => info!(number, "going on from what is on disk"),
        }
    }
}

/// Deletes the dot files that a crash left behind. The lock on webroot says that nobody else is writing them.
fn sweep(directory: &Path, prefixes: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_left_over =
            name.to_str().is_some_and(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)));
        if is_left_over && entry.file_type()?.is_file() {
            match fs::remove_file(entry.path()) {
                Ok(()) => debug!(path = %entry.path().display(), "left-over file swept"),
                Err(error) => {
                    warn!(path = %entry.path().display(), %error, "left-over file cannot be swept; delete it by hand");
                }
            }
        }
    }
    Ok(())
}

/// What lies in the live directory: the numbers of segments, and other names that end in .ts.
pub(super) fn list(live: &Path) -> io::Result<(BTreeSet<u64>, Vec<String>)> {
    let (mut numbers, mut others) = (BTreeSet::new(), Vec::new());
    for entry in fs::read_dir(live)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        match number_of_name(name) {
            Some(number) => {
                numbers.insert(number);
            }
            None if looks_like_segment(name) => others.push(name.to_owned()),
            None => {}
        }
    }
    Ok((numbers, others))
}

/// Sweeps both directories.
fn sweep_webroot(webroot: &Path, live: &Path) -> io::Result<()> {
    sweep(live, &[LEFT_OVER_PREFIX])?;
    sweep(webroot, &[&left_over_prefix(PLAYLIST), &left_over_prefix(STATUS)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeping_takes_our_dot_files_and_nothing_else() {
        let webroot = tempfile::tempdir().expect("temp dir");
        let live = webroot.path().join("live");
        fs::create_dir(&live).expect("live");
        let swept = [
            live.join(".seg-00000001.ts.x"),
            webroot.path().join(".stream.m3u8.x"),
            webroot.path().join(".status.json.x"),
        ];
        let kept = [
            live.join("seg-00000001.ts"),
            live.join(".other"),
            webroot.path().join(".livedir.lock"),
            webroot.path().join(".seg-1"),
        ];
        for path in swept.iter().chain(&kept) {
            fs::write(path, b"x").expect("written");
        }
        sweep_webroot(webroot.path(), &live).expect("swept");
        assert!(swept.iter().all(|path| !path.exists()));
        assert!(kept.iter().all(|path| path.exists()));
    }
}
