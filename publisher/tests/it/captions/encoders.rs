//! Captions in what each encoder makes, in each rendition of a ladder, in parts, and in packets that are copied.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use livedir_layout::names::part_of_name;

use super::films::{self, conversation, film};
use super::judges::{ffmpeg_text, gstreamer_constructs};
use super::{SECONDS, check_heard, end, ended, publish, whole};
use crate::support::media::{decode, run};
use crate::support::programs::{Running, publisher};

#[test]
fn hevc_carries_what_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let film = film((30, 1), SECONDS, &conversation());
    ended(publish(directory.path(), &film, &["--fps", "25", "--codec", "hevc"]));
    let whole = whole(&directory.path().join("live"));
    decode(&whole);
    for field in [1, 2] {
        let said = ffmpeg_text(&film, field);
        assert!(said.len() >= 4, "{said:?}");
        assert_eq!(ffmpeg_text(&whole, field), said, "field {field}");
    }
}

#[test]
fn each_rendition_of_a_ladder_says_the_same_and_each_part_what_its_segment_says() {
    let directory = tempfile::tempdir().unwrap();
    let live = directory.path().join("live");
    let (script, ladder) = (conversation(), "160x120@300k,80x60@100k");
    let film = film((30_000, 1_001), SECONDS, &script);
    let words =
        ["--ladder", ladder, "--fps", "25", "--low-latency", "--segment-duration", "1s", "--window", "30"];
    let mut command = publisher();
    command.arg("live").arg(&film).args(words).arg("--webroot").arg(directory.path());
    end(Running::start(&mut command), directory.path());
    for rendition in ["120p", "60p"] {
        check_heard(&live.join(rendition), &film, &script, rendition);
        decode(&whole(&live.join(rendition)));
        let compared = parts_say_what_segments_say(&live.join(rendition));
        assert!(compared >= 2, "{rendition}: {compared} segments have their parts");
    }
}

/// Compares each segment that still has its parts; gives how many have.
#[track_caller]
fn parts_say_what_segments_say(live: &Path) -> usize {
    let mut parts: BTreeMap<u64, Vec<(u32, Vec<u8>)>> = BTreeMap::new();
    for entry in fs::read_dir(live).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        if let Some((number, part)) = part_of_name(&name) {
            parts.entry(number).or_default().push((part, fs::read(&entry).unwrap()));
        }
    }
    for (number, parts) in &mut parts {
        parts.sort();
        let joined = live.join("joined.bin");
        fs::write(&joined, parts.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<u8>>()).unwrap();
        let segment = live.join(format!("seg-{number:08}.ts"));
        assert_eq!(gstreamer_constructs(&joined, false), gstreamer_constructs(&segment, false), "{number}");
    }
    parts.len()
}

/// The video of a file, as it is.
fn video(file: &Path) -> Vec<u8> {
    run(Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(file)
        .args(["-map", "0:v", "-c", "copy", "-f", "h264", "-"]))
}

#[test]
fn what_is_copied_keeps_every_byte() {
    let directory = tempfile::tempdir().unwrap();
    let script = conversation();
    let film = film((30, 1), SECONDS, &script);
    let mut command = publisher();
    command
        .arg("live")
        .arg(&film)
        .args(["--copy", "--fast", "--window", "60", "--webroot"])
        .arg(directory.path());
    end(Running::start(&mut command), directory.path());
    let whole = whole(&directory.path().join("live"));
    assert!(video(&whole) == video(&film), "the video has changed");
    let copied = gstreamer_constructs(&whole, true);
    assert_eq!(super::pairs_of(&copied, 1), films::pairs_of(&script, 1));
}
