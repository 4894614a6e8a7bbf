//! What others read in a stream: ffmpeg's decoder of CEA-608, `GStreamer`'s extractor of bytes, and mux.js for both fields and CEA-708.

use std::path::Path;
use std::process::Command;

use crate::support::media::run;

/// What ffmpeg reads in field 1 or 2, a line for each change of the screen.
#[track_caller]
pub fn ffmpeg_text(film: &Path, field: u8) -> Vec<String> {
    let graph = format!("movie={}[out0+subcc]", film.display());
    let field = if field == 1 { "first" } else { "second" };
    let srt = run(Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-data_field", field, "-i", &graph])
        .args(["-map", "0:s", "-f", "srt", "-"]));
    let srt = String::from_utf8(srt).expect("text");
    let is_text = |line: &&str| !line.is_empty() && !line.contains("-->") && line.parse::<u32>().is_err();
    srt.lines().filter(is_text).map(without_markup).collect()
}

/// What stands between markup: `{\an7}` and `<font face="Monospace">`.
fn without_markup(line: &str) -> String {
    let mut text = String::new();
    let mut depth = 0;
    for letter in line.replace("\\h", " ").chars() {
        match letter {
            '{' | '<' => depth += 1,
            '}' | '>' => depth -= 1,
            _ if depth == 0 => text.push(letter),
            _ => {}
        }
    }
    text.trim().to_owned()
}

/// The bytes that `GStreamer` takes out, three for each construct, in order of the pictures in the stream. `is_reordered`: with B-frames.
#[track_caller]
pub fn gstreamer_constructs(film: &Path, is_reordered: bool) -> Vec<[u8; 3]> {
    let directory = tempfile::tempdir().expect("a directory");
    let bytes = directory.path().join("cc_data");
    let decode = if is_reordered { "! avdec_h264" } else { "" };
    let pipeline = format!(
        "filesrc location={} ! tsdemux ! h264parse {decode} ! ccextractor name=extractor ! fakesink async=false \
         extractor.caption ! queue ! closedcaption/x-cea-708,format=cc_data ! filesink async=false location={}",
        film.display(),
        bytes.display()
    );
    run(Command::new("gst-launch-1.0").arg("-q").args(pipeline.split_whitespace()));
    std::fs::read(bytes).expect("bytes of GStreamer").as_chunks::<3>().0.to_vec()
}

/// The pairs of a field among constructs, without padding.
pub fn pairs_of(constructs: &[[u8; 3]], field: u8) -> Vec<[u8; 2]> {
    let head = 0xfb + field;
    let is_pair = |it: &&[u8; 3]| it[0] == head && [it[1], it[2]] != [0x80, 0x80];
    constructs.iter().filter(is_pair).map(|it| [it[1], it[2]]).collect()
}

/// What mux.js reads, as lines like `CC1 HELLO`, in order of each caption channel and service.
#[track_caller]
pub fn mux_js_text(film: &Path) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/captions.mjs");
    let lines = run(Command::new("node").arg(script).arg(film));
    String::from_utf8(lines).expect("text").lines().map(str::to_owned).collect()
}
