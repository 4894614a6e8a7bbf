//! What cannot work is refused at once: one line that says what to do, and nothing written.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use livedir_playlist::{MediaPlaylist, Segment, render};
use rustix::mount::MountFlags;

use crate::support::check::assert_clean;
use crate::support::media::run;
use crate::support::programs::{LiveStream, PATIENCE, Running, WebServer, publisher, server};
use crate::support::small_disk::SmallDisk;
use crate::support::wait_for;

/// Runs `livedir-publisher live` with these words in a directory of their own.
#[track_caller]
fn check(words: &[&str], expected: &str) {
    let directory = tempfile::tempdir().unwrap();
    check_in(directory.path(), words, expected);
}

/// Runs it in this directory.
#[track_caller]
fn check_in(directory: &Path, words: &[&str], expected: &str) {
    let webroot = directory.join("webroot");
    check_at(&webroot, words, expected);
    assert!(!webroot.exists(), "the webroot was made for nothing");
}

/// Runs it with this webroot.
#[track_caller]
fn check_at(webroot: &Path, words: &[&str], expected: &str) {
    check_one_line(
        "livedir-publisher",
        publisher().arg("live").args(words).arg("--webroot").arg(webroot),
        expected,
    );
}

#[track_caller]
fn check_one_line(program: &str, command: &mut Command, expected: &str) {
    let (status, output) =
        Running::start(command.env("RUST_LOG", "error").stdin(Stdio::null())).wait_and_read();
    assert_eq!(status.code(), Some(1), "{output}");
    let rest = output.strip_prefix(program).and_then(|rest| rest.strip_prefix(": "));
    assert!(rest.is_some_and(|rest| rest.contains(expected)), "{expected:?} is not in {output:?}");
    assert_eq!(output.lines().count(), 1, "{output}");
    assert!(output.matches("(os error").count() <= 1, "the cause is told twice: {output}");
}

/// A flag whose value makes no sense: the program's own help is the remedy.
#[track_caller]
fn check_flag(command: &mut Command, words: &[&str], expected: &str) {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path().join("webroot");
    let command = command.args(words).arg("--webroot").arg(&webroot);
    let (status, output) = Running::start(command).wait_and_read();
    assert_eq!(status.code(), Some(2), "{output}");
    let first = output.lines().next().unwrap_or_default();
    assert!(first.starts_with("error: ") && first.contains(expected), "{expected:?} is not in {output:?}");
    assert!(!webroot.exists(), "webroot was made for nothing");
}

/// Paths of all files, at any depth.
fn files_under(directory: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let below = |entry: std::fs::DirEntry| {
        let is_directory = entry.file_type().unwrap().is_dir();
        if is_directory { files_under(&entry.path()) } else { vec![entry.path().display().to_string()] }
    };
    entries.flat_map(|entry| below(entry.unwrap())).collect()
}

#[test]
fn a_camera_that_is_not_there_is_refused() {
    // With cameras attached, `livedir-publisher devices` is the remedy; with none, `livedir-publisher live test`.
    check(&["camera:77"], "`livedir-publisher ");
    check(&["camera:NoSuchName"], "`livedir-publisher ");
}

#[test]
fn before_a_camera_that_is_missing_the_log_says_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = publisher();
    let webroot = directory.path().join("new/webroot");
    command.args(["live", "camera:77", "--webroot"]).arg(&webroot).env("RUST_LOG", "info");
    let (_, output) = Running::start(&mut command).wait_and_read();
    assert_eq!(output.lines().count(), 1, "{output}");
    assert!(!directory.path().join("new").exists(), "directories are left behind");
}

#[test]
fn a_still_picture_is_refused_and_the_stream_on_disk_stays_until_it_is_looped() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path().join("webroot");
    std::fs::create_dir(&webroot).unwrap();
    std::fs::write(webroot.join("ll.m3u8"), "of an earlier run").unwrap();
    for name in ["logo.png", "photo.jpg", "photo.webp", "photo.bmp", "one.gif", "one.mp4"] {
        let picture = directory.path().join(name).display().to_string();
        let made = ["-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x120", "-frames:v", "1", &picture];
        run(Command::new("ffmpeg").args(made));
        let refused = format!(
            "{picture} is a still picture, which would end at once; to stream it until Ctrl-C, add --loop"
        );
        check_at(&webroot, &[&picture], &refused);
    }
    assert_eq!(std::fs::read_to_string(webroot.join("ll.m3u8")).unwrap(), "of an earlier run");
    assert_eq!(files_under(&webroot).len(), 1, "files are left behind");
    let logo = directory.path().join("logo.png").display().to_string();
    let mut looped = LiveStream::start(&webroot, &[&logo, "--loop", "--segment-duration", "500ms"]);
    looped.wait_for_segment(3);
    assert!(looped.publisher.interrupt().success());
    assert_clean(&webroot);
}

#[test]
fn what_is_no_film_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    check(
        &[&path("nowhere.mp4")],
        &format!("no such file: {}; check its name, or name another source", path("nowhere.mp4")),
    );
    check(&[&path("")], "is a directory; name a file in it");
    std::fs::write(path("letter.txt"), "Dear reader,\n").unwrap();
    check(&[&path("letter.txt")], "give a whole .mp4, .mkv, .ts");
    std::fs::write(path("empty.mp4"), "").unwrap();
    check(&[&path("empty.mp4")], "give a whole .mp4, .mkv, .ts");
    let noise: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    std::fs::write(path("noise.ts"), noise).unwrap();
    check(&[&path("noise.ts")], "give a whole .mp4, .mkv, .ts");
    run(Command::new("ffmpeg").args(["-v", "error", "-f", "lavfi", "-i", "sine=d=2", &path("tone.m4a")]));
    let tone = path("tone.m4a");
    check(&[&tone, "--no-sound"], "has no video, and --no-sound leaves its sound out");
    check(&[&tone, "--ladder", "auto"], "leave --ladder out, or add --picture FILE");
    check(&[&tone, "--picture", &path("letter.txt")], "give a whole .mp4, .mkv, .ts");
    check(&[&tone, "--picture", &tone], "has no picture; give --picture an image");
    check(&[&tone, "--picture", &path("nowhere.png")], "no such file");
    // Standard input, which is empty.
    check(&["-"], "standard input is not a media file");
}

#[test]
fn what_cannot_be_reached_is_refused() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    check(&[&format!("http://{closed}/film.ts")], "connection refused; is the camera on");
    for (address, waits_at) in [
        (format!("rtmp://{closed}/live/SECRET"), format!("rtmp://{closed}/live/KEY?listen=1")),
        (format!("rtsp://{closed}/live"), "rtmp://127.0.0.1:1935/live/KEY?listen=1".to_owned()),
        (format!("tcp://{closed}"), format!("tcp://{closed}?listen=1")),
        (format!("srt://{closed}"), format!("srt://{closed}?listen=1")),
    ] {
        let pushed = format!("To wait for an encoder instead, name the source '{waits_at}'");
        check(&[&address], &format!("is the server there running? {pushed}"));
    }
    let address = format!("rtsp://user:secret@{closed}/1");
    // Names and passwords are for the camera alone.
    check(&[&address], &format!("cannot reach rtsp://***@{closed}/1: connection refused; is the server"));
    check(&["rtsp://user:a@b/c@127.0.0.1/"], "cannot reach rtsp://***: ");
    check(&["rtsp://user:a@b/c@127.0.0.1/"], "write %40 for @, %2F for /, %3F for ?, %23 for #");
    check(&["gopher://127.0.0.1/film"], "gopher is not supported; use one of rtsp");
    let empty = tempfile::tempdir().unwrap();
    let web = WebServer::start(empty.path());
    check(&[&format!("{}/film.ts", web.address)], "cannot reach");
}

#[test]
fn a_webroot_that_cannot_be_written_to_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "in its place").unwrap();
    check_at(&file, &["test"], "there is a file in its place; name a directory");
    check_at(&file.join("below"), &["test"], "there is a file in its place; name a directory");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "in its place");
    check_at(Path::new("/proc/livedir"), &["test"], "no directory can be made there; name another directory");
    let live = directory.path().join("webroot/live");
    std::fs::create_dir(live.parent().unwrap()).unwrap();
    std::fs::write(&live, "in its place").unwrap();
    check_at(live.parent().unwrap(), &["test"], &live.display().to_string());
    // Root may write to everything else.
    let read_only = SmallDisk::mount("size=1m", MountFlags::RDONLY);
    check_at(read_only.path(), &["test"], "name another directory, or make this one writable");
    check_at(
        &read_only.path().join("webroot"),
        &["test"],
        "name another directory, or make this one writable",
    );
}

#[test]
fn a_disk_that_is_too_small_is_refused_with_the_sizes() {
    let disk = SmallDisk::mount("size=64k", MountFlags::empty());
    check_in(disk.path(), &["test"], "64.00 KiB free, this stream needs up to");
    check_in(disk.path(), &["test"], "lower --window or --bitrate");
}

#[test]
fn a_second_publisher_on_the_same_webroot_is_refused_and_the_first_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let words = ["test", "--size", "160x120", "--segment-duration", "500ms"];
    let mut first = LiveStream::start(directory.path(), &words);
    first.wait_for_segment(1);
    check_at(directory.path(), &words, "another livedir-publisher is writing to");
    check_at(&directory.path().join("."), &words, "stop it first, or name another directory");
    let next = first.playlist().unwrap().next_media_sequence();
    first.wait_for_segment(next);
    assert!(first.publisher.interrupt().success());
    assert_clean(directory.path());
}

#[test]
fn longer_segments_than_the_playlist_on_disk_promises_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let promise = render(&MediaPlaylist {
        version: 3,
        target_duration_s: 1,
        media_sequence: 7,
        discontinuity_sequence: 0,
        independent_segments: true,
        segments: Vec::<Segment>::new(),
        ended: false,
    });
    std::fs::write(directory.path().join("stream.m3u8"), &promise).unwrap();
    check_at(
        directory.path(),
        &["test", "--segment-duration", "2s"],
        "ask for at most 1 s or move the playlist away",
    );
    let left = files_under(directory.path());
    assert_eq!(left, [directory.path().join("stream.m3u8").display().to_string()]);
    assert_eq!(std::fs::read_to_string(&left[0]).unwrap(), promise);
}

#[test]
fn flags_that_make_no_sense_are_refused() {
    let check_live = |flag: &str, value: &str, expected: &str| {
        check_flag(publisher().arg("live"), &["test", flag, value], expected);
    };
    check_live("--size", "640", "like 640x480");
    check_live("--size", "641x480", "try 640x480");
    check_live("--size", "2x2", "between 16x16 and 7680x4320");
    for number in ["abc", "0", "-5", "121", "99999999999999999999"] {
        check_live(
            "--fps",
            number,
            &format!("invalid value '{number}' for '--fps <N>': must be a whole frame rate"),
        );
        check_live("--fps", number, "between 1 and 120, like --fps 25");
    }
    check_live("--bitrate", "lots", "like 800k or 2.5M");
    for rate in ["1", "0", "-1M", "1e30M"] {
        check_live("--bitrate", rate, "between 16k and 200M, like");
    }
    check_live("--bitrate", "2500", "like 2500k; without a unit it is bits a second");
    check_live("--audio-bitrate", "128", "like 128k");
    check_live("--fps", "29.97", "must be a whole frame rate between 1 and 120, like --fps 30");
    check_live("--audio-bitrate", "NaN", "between 16k and 200M");
    for time in ["soon", "-2s", "-1", "1e300s"] {
        check_live("--segment-duration", time, "like 2s or 500ms");
    }
    for number in ["many", "2", "0", "-5", "43201", "99999999999999999999"] {
        check_live("--window", number, "between 3 and 43200, like --window 10");
    }
    check_live("--rotate", "-90", "like --rotate 90");
    check(&["test", "--segment-duration", "0"], "--segment-duration must be between 500ms and 10s");
    check(&["test", "--part-duration", "0"], "like --part-duration 200ms");
    check(&["test", "--segment-duration", "100ms"], "between 500ms and 10s");
    check(&["test", "--segment-duration", "1000s"], "between 500ms and 10s");
    check(&["test", "--loop"], "--loop works with files only");
    check(&["rtsp://127.0.0.1/1", "--loop"], "--loop works with files only");
}

#[test]
fn words_that_are_missing_or_of_other_programs_are_answered_with_what_to_type() {
    for (words, expected) in [
        (&["movie.mp4", "--loop"][..], "type: livedir-publisher live movie.mp4 --loop --webroot"),
        (&["lvie", "test"], "did you mean live?"),
        (&["live", "test", "--resolution", "640x480"], "type --size 1280x720 instead"),
        (&["live", "test", "-fps", "25"], "it has two dashes: --fps"),
        (&["live", "test", "--port", "8080"], "it is a flag of livedir-server"),
    ] {
        check_flag(&mut publisher(), words, expected);
    }
    for (words, expected) in [
        (&["w1"][..], "name the directory with --webroot: --webroot w1"),
        (&["--port", "8080"], "type --listen 8080 instead"),
        (&["--fps", "25"], "it is a flag of livedir-publisher"),
    ] {
        check_flag(&mut server(), words, expected);
    }
    let (_, output) = Running::start(publisher().arg("rtsp://user:secret@camera/1")).wait_and_read();
    assert!(output.contains("put live before it") && !output.contains("secret"), "{output}");
}

#[test]
fn what_can_be_meant_only_in_one_way_is_taken() {
    for (words, expected) in [
        (&["--size", "720p"][..], "size = \"720p\""),
        (&["--codec", "H265"], "codec = \"H265\""),
        (&["--copy", "auto"], "copy = \"auto\""),
    ] {
        let command = &mut publisher();
        let (status, output) =
            Running::start(command.args(["live", "film.mp4"]).args(words).arg("--print-config"))
                .wait_and_read();
        assert!(status.success(), "{output}");
        assert!(output.contains(expected), "{expected} is not in {output}");
    }
}

#[test]
fn what_has_no_effect_is_told_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    for (words, expected) in [
        (&["test", "--slate-text", "Soon"][..], "no slate is shown of the test pattern, which is never away"),
        (&["test", "--deinterlace", "field"], "for smooth movement add --fps 50"),
        (&["rtmp://127.0.0.1:0/live?listen=1"], "the address has no word for the key"),
    ] {
        let live = LiveStream::start(directory.path(), words);
        wait_for(expected, PATIENCE, || live.publisher.output().contains(expected).then_some(()));
        let output = live.publisher.output();
        assert_eq!(output.matches(expected).count(), 1, "{output}");
        assert!(output.lines().any(|line| line.contains("WARN") && line.contains(expected)), "{output}");
        assert!(live.publisher.interrupt().success());
    }
}

#[test]
fn a_word_too_many_is_not_repeated() {
    let directory = tempfile::tempdir().unwrap();
    let words = ["live", "rtsp://user:pass", "word@camera/1", "--webroot"];
    let (status, output) = Running::start(publisher().args(words).arg(directory.path())).wait_and_read();
    assert_eq!(status.code(), Some(2), "{output}");
    assert!(output.contains("put it in quotes") && !output.contains("word@"), "{output}");
}

#[test]
fn flags_of_the_other_commands_that_make_no_sense_are_refused() {
    let check = |words: &[&str], expected: &str| {
        let (status, output) = Running::start(publisher().args(words)).wait_and_read();
        assert!(matches!(status.code(), Some(1 | 2)), "{output}");
        assert!(output.lines().next().is_some_and(|line| line.contains(expected)), "{words:?}: {output}");
    };
    for number in ["abc", "0", "-5", "99999999999999999999"] {
        check(&["watch", "--target-duration", number], "between 1 and 60, like --target-duration 6");
        check(&["watch", "--window", number], "like --window 10");
        check(&["inspect", "--rows", number], "like --rows 20");
    }
    for time in ["abc", "0", "-5s", "99999999999s"] {
        check(&["watch", "--end-after", time], "like ");
        check(&["check", "webroot", "--for", time], "like ");
    }
    check(&["watch", "--part-duration", "0"], "like --part-duration 200ms");
}

#[test]
fn a_screen_without_a_desktop_is_refused() {
    check_one_line(
        "livedir-publisher",
        publisher()
            .args(["live", "screen", "--webroot"])
            .arg(tempfile::tempdir().unwrap().path())
            .env_remove("DISPLAY"),
        "DISPLAY is not set, so there is no desktop here; type this in a terminal on the desktop",
    );
}

#[test]
fn a_directory_that_is_not_there_is_made_and_told_with_its_whole_path() {
    let directory = tempfile::tempdir().unwrap();
    for words in
        [&["live", "test", "--size", "160x120", "--webroot"][..], &["watch"], &["watch", "--channels"]]
    {
        let name = format!("webrot{}", words.len());
        let mut command = publisher();
        command.args(words).arg(&name).current_dir(directory.path());
        let running = Running::start(&mut command);
        let whole = directory.path().join(&name).display().to_string();
        wait_for(&format!("a word of {whole} from {words:?}"), PATIENCE, || {
            let output = running.output();
            let line = output.lines().find(|line| line.contains("directory created"))?;
            assert!(line.contains("WARN") && line.contains(&whole), "{line}");
            Some(())
        });
        assert!(running.interrupt().success());
        let mut command = publisher();
        command.args(words).arg(&name).current_dir(directory.path()).env("RUST_LOG", "info");
        let again = Running::start(&mut command);
        wait_for("the start", PATIENCE, || {
            (again.output().contains("on air") || again.output().contains("watching")).then_some(())
        });
        assert!(!again.output().contains("directory created"), "it is there now: {}", again.output());
        assert!(again.interrupt().success());
    }
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path().to_str().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let nowhere = directory.path().join("nowhere/file").display().to_string();
    let check =
        |words: &[&str], expected: &str| check_one_line("livedir-server", server().args(words), expected);
    check(
        &["--webroot", webroot, "--listen", &address],
        "is in use; stop the program that has it, or choose another",
    );
    check(&["--webroot", &nowhere], "does not exist; name a directory with --webroot");
    check(&["--webroot", file.to_str().unwrap()], "is not a directory; name one with --webroot");
    let free = ["--webroot", webroot, "--listen", "127.0.0.1:0"];
    check(&[&free[..], &["--access-log", &nowhere]].concat(), "name a writable file with --access-log");
    check(&[&free[..], &["--pid-file", &nowhere]].concat(), "name a writable place with --pid-file");
    check_flag(&mut server(), &["--listen", "localhost"], "like 0.0.0.0:8080");
    check_flag(&mut server(), &["--threads", "-5"], "like --threads 2");
    check_flag(&mut server(), &["--connections", "0"], "like --connections 10000");
    check_flag(&mut server(), &["--metrics-listen", "9101"], "like 127.0.0.1:9101");
    check_flag(&mut server(), &["--listen", "127.0.0.1:0", "--segment-max-age", "x"], "like 30s");
}
