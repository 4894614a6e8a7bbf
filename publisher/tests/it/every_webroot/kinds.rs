//! Every kind of webroot that the programs make, each made once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use livedir_playlist::Edge;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::media::run;
use crate::support::programs::{PATIENCE, Running, publisher};
use crate::support::wait_for;

/// How the writer of a webroot ended, if it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It writes on.
    Running,
    /// It ended, and the playlists with it.
    Ended,
    /// It ended and will be back.
    ResumeLater,
    /// It was killed.
    Killed,
}

/// A kind of webroot.
#[derive(Debug, Clone, Copy)]
pub struct WebrootKind {
    /// For messages.
    pub name: &'static str,
    /// What is typed behind `live`; `film` is a film.
    words: &'static str,
    /// How it ends.
    pub end: End,
    /// Media playlists that it has, without the one for low latency.
    pub playlists: &'static [&'static str],
    /// Whether it has parts.
    pub has_parts: bool,
    /// What `check` finds that is no fault of ours.
    pub known: &'static [&'static str],
}

const ONE: &[&str] = &["stream.m3u8"];
const LADDER: &[&str] = &["live/180p/stream.m3u8", "live/90p/stream.m3u8", "live/audio/stream.m3u8"];

/// In one row each.
pub const KINDS: &[WebrootKind] = &[
    WebrootKind {
        name: "plain",
        words: "test --size 160x120",
        end: End::ResumeLater,
        playlists: ONE,
        has_parts: false,
        known: &[],
    },
    WebrootKind {
        name: "ended",
        words: "test --size 160x120",
        end: End::Ended,
        playlists: ONE,
        has_parts: false,
        known: &[],
    },
    WebrootKind {
        name: "parts",
        words: "test --size 160x120 --low-latency",
        end: End::Running,
        playlists: ONE,
        has_parts: true,
        known: &[],
    },
    WebrootKind {
        name: "parts, ended",
        words: "test --size 160x120 --low-latency",
        end: End::Ended,
        playlists: ONE,
        has_parts: true,
        known: &[],
    },
    WebrootKind {
        name: "parts, killed",
        words: "test --size 160x120 --low-latency",
        end: End::Killed,
        playlists: ONE,
        has_parts: true,
        known: &[],
    },
    WebrootKind {
        name: "ladder and sound apart",
        words: "test --ladder 320x180@300k,160x90@100k",
        end: End::ResumeLater,
        playlists: LADDER,
        has_parts: false,
        known: &[],
    },
    WebrootKind {
        name: "ladder in parts",
        words: "test --ladder 320x180@300k,160x90@100k --low-latency",
        end: End::Running,
        playlists: LADDER,
        has_parts: true,
        known: &[],
    },
    WebrootKind {
        name: "HEVC in parts",
        words: "test --size 160x120 --codec hevc --low-latency",
        end: End::Running,
        playlists: ONE,
        has_parts: true,
        known: &["hevc-in-ts"],
    },
    WebrootKind {
        name: "copied",
        words: "film --copy --fast",
        end: End::Ended,
        playlists: ONE,
        has_parts: false,
        known: &[],
    },
    WebrootKind {
        name: "copied in parts",
        words: "film --copy --loop --low-latency",
        end: End::Running,
        playlists: ONE,
        has_parts: true,
        known: &[],
    },
    WebrootKind {
        name: "no sound",
        words: "test --size 160x120 --no-sound --low-latency",
        end: End::Running,
        playlists: ONE,
        has_parts: true,
        known: &[],
    },
];

/// A webroot of this kind.
pub struct Webroot {
    /// What it is.
    pub kind: WebrootKind,
    directory: TempDir,
    writer: Option<Running>,
}

/// Segments in the newest playlist of a webroot that is looked at.
const SEGMENTS: usize = 6;

impl Webroot {
    /// Starts its writer.
    #[track_caller]
    pub fn start(kind: WebrootKind, film: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = publisher();
        command.arg("live");
        for word in kind.words.split(' ') {
            if word == "film" {
                command.arg(film)
            } else {
                command.arg(word)
            };
        }
        // Many encode at once.
        if kind.words.starts_with("test") {
            command.args(["--fps", "10"]);
        }
        if kind.end == End::ResumeLater {
            command.arg("--resume-later");
        }
        command.args(["--segment-duration", "500ms", "--window", "8", "--webroot"]).arg(directory.path());
        Self { kind, writer: Some(Running::start(&mut command)), directory }
    }

    /// Waits until there is enough to look at, and ends the writer as its kind says.
    #[track_caller]
    pub fn wait(&mut self) {
        let Some(mut writer) = self.writer.take() else { return };
        wait_for(self.kind.name, PATIENCE, || {
            let has_ended = !writer.still_runs();
            let text = |playlist: &&str| fs::read_to_string(self.path().join(playlist)).unwrap_or_default();
            let are_there =
                self.kind.playlists.iter().all(|it| text(it).matches("#EXTINF").count() >= SEGMENTS);
            if has_ended || !are_there || self.kind.end != End::Killed {
                return (has_ended || are_there).then_some(());
            }
            // It is to be killed in the middle of a segment, with both lists written.
            writer.signal(Signal::STOP);
            let is_the_moment = self.is_amid_a_segment();
            if !is_the_moment {
                writer.signal(Signal::CONT);
            }
            is_the_moment.then_some(())
        });
        match self.kind.end {
            End::Running => self.writer = Some(writer),
            End::Killed => writer.kill(),
            // A film ends by itself.
            End::Ended if self.kind.words.contains("--fast") => assert!(writer.wait().success()),
            End::Ended | End::ResumeLater => assert!(writer.interrupt().success()),
        }
    }

    /// The low-latency list has two parts or more of the segment after the last one of the other list.
    fn is_amid_a_segment(&self) -> bool {
        let edges = ["ll.m3u8", "stream.m3u8"].map(|name| {
            let text = fs::read_to_string(self.path().join(name)).unwrap_or_default();
            Edge::of(&text).map(|edge| (edge.next_media_sequence, edge.open_parts))
        });
        matches!(edges, [Some((next, 2..)), Some((of_whole, _))] if next == of_whole)
    }

    /// What its writer has said, unless it has ended.
    pub fn said(&self) -> String {
        self.writer.as_ref().map(Running::output).unwrap_or_default()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The media playlists: those that any server serves, and those for low latency.
    pub fn media_playlists(&self) -> Vec<PathBuf> {
        let plain = self.kind.playlists.iter().map(|it| self.path().join(it));
        let both = plain.flat_map(|it| [it.with_file_name("ll.m3u8"), it]);
        both.filter(|it| self.kind.has_parts || !it.ends_with("ll.m3u8")).collect()
    }
}

/// A film with a keyframe each half second, for those who copy.
#[track_caller]
pub fn film(directory: &Path) -> PathBuf {
    let film = directory.join("film.mp4");
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=20", "-f", "lavfi", "-i"])
        .args(["sine=sample_rate=48000", "-t", "6", "-c:v", "libx264", "-preset", "ultrafast"])
        .args(["-pix_fmt", "yuv420p", "-g", "10", "-c:a", "aac"])
        .arg(&film));
    film
}

/// All of a directory.
#[track_caller]
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            // What is replaced meanwhile, or a dot name, may be gone.
            let Ok(bytes) = fs::read(entry.path()) else { continue };
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            fs::write(&target, bytes).unwrap();
            if let Ok(modified) = modified {
                fs::File::options().append(true).open(&target).unwrap().set_modified(modified).unwrap();
            }
        }
    }
}
