//! Leftovers: files of an earlier run that was cut in another way, with other sizes or with one alone.
//!
//! In: the renditions of this run. Out: the playlists of all others go at once, so that nobody waits for more of them; their
//! segments stay for as long as a player may still ask for them. Runs on the watcher's thread, at the start and when a
//! grace is over.

use crate::publish::retention::{Retention, instant_of};
use crate::settings::WatcherSettings;
use crate::world::World;
use livedir_layout::directory::{Directory, EntryKind};
use livedir_layout::files::{LOW_LATENCY_PLAYLIST, PLAYLIST, STATUS};
use livedir_layout::names::{LIVE, number_of_name, part_of_name};
use livedir_layout::rendition::is_name_of_rendition;
use livedir_time::ticks::of_seconds;
use std::{
    io,
    path::{Path, PathBuf},
    time::Instant,
};
use tracing::{info, warn};

/// What is still to go.
pub(crate) struct Leftovers {
    world: World,
    live: PathBuf,
    /// Names within `live/`.
    segments: Retention,
    /// Directories that go when they are empty.
    directories: Vec<PathBuf>,
}

impl Leftovers {
    /// Looks for them.
    pub(crate) fn find(world: World, settings: &WatcherSettings) -> Self {
        let live = settings.webroot.join(LIVE);
        let mut leftovers = Self { world, live, segments: Retention::default(), directories: Vec::new() };
        if let Err(error) = leftovers.look(settings) {
            warn!(%error, "files of earlier runs in live/ cannot be listed; make it readable");
        }
        leftovers
    }

    fn look(&mut self, settings: &WatcherSettings) -> io::Result<()> {
        let is_alone = settings.renditions.iter().any(|rendition| rendition.name.is_none());
        let is_in_use =
            |name: &str| settings.renditions.iter().any(|rendition| rendition.name.as_deref() == Some(name));
        // RFC 8216 6.2.2: its duration and that of the longest playlist.
        let grace_90k = (settings.window_segments as u64 + 2) * of_seconds(settings.target_duration_s);
        let (now, disk) = (self.world.now(), self.world.directory.clone());
        for (name, is_directory) in entries(&*disk, &self.live)? {
            if is_directory && is_name_of_rendition(&name) && !is_in_use(&name) {
                info!(
                    name,
                    "rendition removed; its playlist is deleted now, its segments after their retention time"
                );
                let directory = self.live.join(&name);
                // Its playlist went when the directory was changed last, in an earlier run perhaps: a program that is started again
                // and again deletes the segments, too.
                let has_playlist = disk.has(&directory.join(PLAYLIST));
                let changed_at =
                    disk.stamp(&directory).map(|stamp| stamp.modified_at).ok().filter(|_| !has_playlist);
                let left_at =
                    changed_at.map_or(now, |changed_at| instant_of(changed_at, now, self.world.wall()));
                for playlist in [PLAYLIST, LOW_LATENCY_PLAYLIST, STATUS] {
                    remove(&*disk, &directory.join(playlist));
                }
                let segments =
                    entries(&*disk, &directory)?.into_iter().filter(|(segment, _)| is_segment(segment));
                for (segment, _) in segments {
                    self.segments.keep(&format!("{name}/{segment}"), left_at, grace_90k);
                }
                self.directories.push(directory);
            } else if !is_directory && !is_alone && is_segment(&name) {
                self.segments.keep(&name, now, grace_90k);
            }
        }
        self.sweep_directories();
        Ok(())
    }

    /// Deletes what has had its grace.
    pub(crate) fn on_time(&mut self, now: Instant) {
        if self.segments.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.segments.sweep(&*self.world.directory, &self.live, now, |_| false);
            self.sweep_directories();
        }
    }

    /// One that is not empty waits, or has files of others in it.
    fn sweep_directories(&mut self) {
        self.directories.retain(|path| self.world.directory.remove_directory(path).is_err());
    }
}

fn is_segment(name: &str) -> bool {
    number_of_name(name).is_some() || part_of_name(name).is_some()
}

/// Names, and whether they are those of directories.
fn entries(directory: &dyn Directory, path: &Path) -> io::Result<Vec<(String, bool)>> {
    let entries = directory.list(path)?.into_iter();
    Ok(entries.filter_map(|entry| Some((entry.name?, entry.kind == EntryKind::Directory))).collect())
}

fn remove(directory: &dyn Directory, path: &Path) {
    match directory.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            warn!(path = %path.display(), %error, "old file cannot be deleted; delete it by hand");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use livedir_layout::rendition::Rendition;
    use livedir_media::Medium;
    use std::{fs, time::Duration};

    fn settings(webroot: &Path, renditions: &[Option<&str>]) -> WatcherSettings {
        let rendition =
            |name: Option<&str>| Rendition { name: name.map(str::to_owned), media: vec![Medium::Video] };
        WatcherSettings {
            webroot: webroot.to_owned(),
            renditions: renditions.iter().copied().map(rendition).collect(),
            target_duration_s: 2,
            window_segments: 10,
            part_target_90k: None,
            end_list: true,
        }
    }

    /// What is left of these files at once, and after the grace.
    #[track_caller]
    fn check(renditions: &[Option<&str>], files: &[&str], at_once: &[&str], after: &[&str]) {
        let webroot = tempfile::tempdir().expect("temp dir");
        let live = webroot.path().join("live");
        for file in files {
            fs::create_dir_all(live.join(file).parent().expect("a directory")).expect("made");
            fs::write(live.join(file), b"").expect("written");
        }
        let left = || files.iter().copied().filter(|file| live.join(file).exists()).collect::<Vec<_>>();
        let mut leftovers = Leftovers::find(World::real(None), &settings(webroot.path(), renditions));
        leftovers.on_time(Instant::now() + Duration::from_secs(23));
        assert_eq!(left(), at_once);
        leftovers.on_time(Instant::now() + Duration::from_secs(25));
        assert_eq!(left(), after);
        assert_eq!(live.join("480p").exists(), after.iter().any(|file| file.starts_with("480p/")));
    }

    const FILES: [&str; 6] = [
        "seg-00000001.ts",
        "480p/stream.m3u8",
        "480p/seg-00000001.ts",
        "480p/seg-00000002.p00.ts",
        "holiday/stream.m3u8",
        "film.ts",
    ];

    #[test]
    fn playlists_of_sizes_that_are_no_more_go_at_once_and_segments_after_their_grace() {
        let segments = [FILES[0], FILES[2], FILES[3], FILES[4], FILES[5]];
        check(&[None], &FILES, &segments, &[FILES[0], FILES[4], FILES[5]]);
        check(&[Some("720p")], &FILES, &segments, &[FILES[4], FILES[5]]);
    }

    #[test]
    fn what_this_run_goes_on_with_stays() {
        let files = &FILES[1..];
        check(&[Some("480p")], files, files, files);
    }

    #[test]
    fn files_of_others_keep_their_directory() {
        let files = ["480p/seg-00000001.ts", "480p/notes.txt"];
        check(&[None], &files, &files, &["480p/notes.txt"]);
    }
}
