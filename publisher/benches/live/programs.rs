//! The programs that are compared, with what they are given.

use crate::{FILM_S, WINDOW, encoder};
use livedir_layout::names::segment_name;
use livedir_publisher::encode::EncodeSettings;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub fn livedir(webroot: &Path, source: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_livedir-publisher"));
    start(command.arg("live").args(source).arg("--webroot").arg(webroot))
}

/// The ffmpeg program with the same encoder settings, segment length, window and deletion.
pub fn ffmpeg(webroot: &Path, input: &[&str], filter: &str, stream: &EncodeSettings) -> Child {
    std::fs::create_dir_all(webroot).expect("a webroot");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin"]).args(input).args(["-vf", filter]);
    command.args(encoder::picture(stream, ":v")).args(encoder::SOUND).args(hls());
    start(command.arg(webroot.join("stream.m3u8")))
}

/// The same segments, window and deletion.
fn hls() -> [String; 8] {
    encoder::hls(WINDOW, "delete_segments+temp_file+program_date_time")
}

/// One ffmpeg process that decodes once and makes the same ladder, with the sound for itself.
pub fn ffmpeg_ladder(webroot: &Path, film: &str, rungs: &[EncodeSettings]) -> Child {
    std::fs::create_dir_all(webroot).expect("a webroot");
    let scaled = |(n, rung): (usize, &EncodeSettings)| {
        format!("[in{n}]scale={}:{}:flags=bicubic[out{n}]", rung.width, rung.height)
    };
    let inputs: Vec<_> = (0..rungs.len()).map(|n| format!("[in{n}]")).collect();
    let chains: Vec<_> = rungs.iter().enumerate().map(scaled).collect();
    let graph = format!("[0:v]fps=20,split={}{};{}", rungs.len(), inputs.concat(), chains.join(";"));
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-re", "-i", film, "-filter_complex", &graph]);
    let mut streams = Vec::new();
    for (n, rung) in rungs.iter().enumerate() {
        command.args(["-map", &format!("[out{n}]")]).args(encoder::picture(rung, &format!(":v:{n}")));
        streams.push(format!("v:{n},agroup:sound"));
    }
    streams.push("a:0,agroup:sound".to_owned());
    command.args(["-map", "0:a"]).args(encoder::SOUND).args(hls());
    command.args(["-master_pl_name", "master.m3u8", "-var_stream_map", &streams.join(" ")]);
    start(command.arg(webroot.join("stream-%v.m3u8")))
}

pub fn start(command: &mut Command) -> Child {
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    started.unwrap_or_else(|error| {
        panic!("cannot start {}: {error}; run `just setup-tests`", command.get_program().display())
    })
}

pub fn end(mut program: Child) {
    let id = rustix::process::Pid::from_child(&program);
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("it still runs");
    program.wait().expect("it ends");
}

pub fn run(command: &mut Command) {
    let ended = command.stdin(Stdio::null()).status().expect("ffmpeg is installed by `just setup-tests`");
    assert!(ended.success(), "{command:?} failed");
}

/// The test pattern as raw pictures and samples, so that both programs encode the same.
pub fn record_test_pattern(directory: &Path) -> (String, String) {
    let webroot = directory.join("pattern");
    let live = livedir(&webroot, &["test", "--window", "30"]);
    // Segments of two seconds; one more than needed.
    let last = webroot.join("live").join(segment_name(u64::from(FILM_S) / 2 + 1));
    while !last.exists() {
        std::thread::sleep(Duration::from_millis(100));
    }
    end(live);
    let (picture, sound) = (directory.join("pattern.yuv"), directory.join("pattern.s16"));
    let playlist = webroot.join("stream.m3u8");
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(&playlist)
        .args(["-f", "rawvideo", "-pix_fmt", "yuv420p"])
        .arg(&picture));
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(&playlist)
        .args(["-vn", "-f", "s16le"])
        .arg(&sound));
    (picture.display().to_string(), sound.display().to_string())
}

/// A film with much movement, so that the encoder has something to do.
pub fn make_film(directory: &Path, size: &str, fps: u32) -> String {
    let film = directory.join(format!("film-{size}.mp4")).display().to_string();
    let length = FILM_S + 2;
    let picture = format!("testsrc2=size={size}:rate={fps}:duration={length},noise=alls=12:allf=t");
    let sound = format!("sine=frequency=440:duration={length}");
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound])
        .args(["-c:v", "libx264", "-preset", "veryfast", "-b:v", "4M", "-g", "50", "-c:a", "aac", &film]));
    film
}

pub fn ffmpeg_version() -> String {
    let version =
        Command::new("ffmpeg").arg("-version").output().expect("ffmpeg is installed by `just setup-tests`");
    String::from_utf8_lossy(&version.stdout).split(" Copyright").next().unwrap_or_default().to_owned()
}
