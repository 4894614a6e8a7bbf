//! Closed captions from a film to the segments, judged by other people's decoders: what is said in the stream is what is said in the film.

mod breaks;
mod encoders;
pub mod films;
mod interlaced;
mod judges;
mod late;

use std::fs;
use std::path::{Path, PathBuf};

use livedir_layout::names::{number_of_uri, part_of_name};

use crate::support::check::assert_clean;
use crate::support::programs::{Running, publisher};
use films::{Rate, Said, conversation, film};
use judges::{ffmpeg_text, gstreamer_constructs, mux_js_text, pairs_of};

/// Rates of films, and of grids.
const RATES: [Rate; 6] = [(20, 1), (25, 1), (30_000, 1_001), (30, 1), (50, 1), (60, 1)];
const GRIDS: [&str; 5] = ["20", "25", "30", "50", "60"];

/// Longer than the conversation, so that the last of it is sent before the film ends.
const SECONDS: u32 = 7;

/// A stream of small pictures.
fn publish(webroot: &Path, source: &Path, words: &[&str]) -> Running {
    let size = ["--size", "160x120", "--bitrate", "300k", "--segment-duration", "1s", "--window", "30"];
    Running::start(publisher().arg("live").arg(source).args(size).args(words).arg("--webroot").arg(webroot))
}

/// All segments of a directory in one file, in order.
#[track_caller]
fn whole(live_directory: &Path) -> PathBuf {
    let entries =
        fs::read_dir(live_directory).expect("a live directory").map(|entry| entry.expect("an entry").path());
    let is_segment = |path: &PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        number_of_uri(&name).is_some() && part_of_name(&name).is_none()
    };
    let mut segments: Vec<_> = entries.filter(is_segment).collect();
    segments.sort();
    assert!(!segments.is_empty(), "segments in {}", live_directory.display());
    let whole = live_directory.join("whole.bin");
    let bytes: Vec<u8> = segments.iter().flat_map(|path| fs::read(path).expect("a segment")).collect();
    fs::write(&whole, bytes).expect("room");
    whole
}

/// What is heard in a file, by all judges. The film itself has B-frames.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    by_ffmpeg: [Vec<String>; 2],
    by_mux_js: Vec<String>,
    pairs: [Vec<[u8; 2]>; 2],
}

#[track_caller]
fn heard(file: &Path, is_reordered: bool) -> Heard {
    let constructs = gstreamer_constructs(file, is_reordered);
    Heard {
        by_ffmpeg: [1, 2].map(|field| ffmpeg_text(file, field)),
        by_mux_js: mux_js_text(file),
        pairs: [1, 2].map(|field| pairs_of(&constructs, field)),
    }
}

/// Waits for the end of a stream of a film. Nothing of what was said is lost by its own account.
#[track_caller]
fn ended(publisher: Running) -> String {
    let (status, output) = publisher.wait_and_read();
    assert!(status.success() && !output.contains(" captions "), "{output}");
    output
}

/// The same, and holds what lies in the webroot to the rules.
#[track_caller]
fn end(publisher: Running, webroot: &Path) -> String {
    let output = ended(publisher);
    assert_clean(webroot);
    output
}

/// What is said in a film is heard in the segments of a live directory.
#[track_caller]
fn check_heard(live_directory: &Path, film: &Path, script: &[Said], case: &str) {
    let (said, heard) = (heard(film, true), heard(&whole(live_directory), false));
    for field in [1, 2] {
        assert_eq!(said.pairs[field as usize - 1], films::pairs_of(script, field), "{case}: the film");
    }
    assert!(said.by_ffmpeg.iter().all(|lines| lines.len() >= 4), "{case}: {said:?}");
    assert!(said.by_mux_js.len() >= 10, "{case}: {said:?}");
    assert_eq!(heard, said, "{case}");
    let facts =
        livedir_media::probe(&fs::read(live_directory.join("whole.bin")).unwrap()).expect("a segment");
    assert!(facts.video.expect("video").has_captions, "{case}: the probe");
}

#[test]
fn what_is_said_is_heard_at_every_pair_of_rates() {
    let script = conversation();
    for rate in RATES {
        let film = film(rate, SECONDS, &script);
        let streams = GRIDS.map(|grid| {
            let directory = tempfile::tempdir().unwrap();
            let publisher = publish(directory.path(), &film, &["--fps", grid]);
            (grid, directory, publisher)
        });
        for (grid, directory, publisher) in streams {
            end(publisher, directory.path());
            check_heard(&directory.path().join("live"), &film, &script, &format!("{rate:?} to {grid}"));
        }
    }
}
