//! What speaks against copying: files of other programs, one or more for each reason. Each is told in one line, and what helps works as it
//! can be typed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::film;
use crate::input::media::{PICTURES, SOUND, made};
use crate::support::check::assert_clean;
use crate::support::media::run;
use crate::support::programs::{Running, publisher, read_playlist};

/// The line with which a film is refused.
#[track_caller]
fn refusal(film: &Path, words: &[&str]) -> String {
    let webroot = tempfile::tempdir().expect("a directory");
    let mut command = publisher();
    command.args(["live", "--copy"]).args(words).arg(film).arg("--webroot").arg(webroot.path());
    let (status, output) = Running::start(&mut command).wait_and_read();
    assert!(
        !status.success() && !webroot.path().join("stream.m3u8").exists(),
        "{}: {output}",
        film.display()
    );
    one_line(&output)
}

#[track_caller]
fn one_line(output: &str) -> String {
    let lines: Vec<_> = output.lines().filter(|line| line.contains("cannot be copied: ")).collect();
    assert!(lines.len() == 1 && lines[0].contains("; or let --copy=auto encode it"), "{output}");
    lines[0].to_owned()
}

/// With these words a film is on air: gives its first segment.
#[track_caller]
fn streamed(film: &Path, words: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let webroot = tempfile::tempdir().expect("a directory");
    let mut command = publisher();
    command.arg("live").arg(film).args(words).arg("--webroot").arg(webroot.path());
    let (status, output) = Running::start(&mut command).wait_and_read();
    assert!(status.success(), "{} {words:?}: {output}", film.display());
    assert_clean(webroot.path());
    let first = read_playlist(webroot.path()).and_then(|it| Some(it.segments.first()?.uri.clone()));
    let first = webroot.path().join(first.expect("a segment"));
    (webroot, first)
}

fn coded(file: &Path, medium: &str) -> String {
    let words =
        ["-v", "error", "-select_streams", medium, "-show_entries", "stream=codec_name", "-of", "csv=p=0"];
    let told = String::from_utf8(run(Command::new("ffprobe").args(words).arg(file))).expect("text");
    // A stream of MPEG-TS is listed a second time with its programme.
    told.lines().next().unwrap_or_default().to_owned()
}

fn h264(name: &str, gop: &str, seconds: &str) -> PathBuf {
    let coding = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", gop, "-sc_threshold", "0"];
    made(
        name,
        &[&["-f", "lavfi", "-i", PICTURES, "-t", seconds][..], &coding, &["-pix_fmt", "yuv420p"]].concat(),
    )
}

/// Some time out of the middle of what has one IDR frame at its start and is refreshed column by column from then on.
fn without_keyframe() -> PathBuf {
    let refreshed = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-bf",
        "0",
        "-g",
        "25",
        "-x264-params",
        "intra-refresh=1",
    ];
    let whole = made("whole.ts", &[&["-f", "lavfi", "-i", PICTURES, "-t", "4"][..], &refreshed].concat());
    let whole = whole.to_str().expect("a plain path");
    let sets = ["-bsf:v", "dump_extra=freq=all"];
    made(
        "middle.ts",
        &[&["-i", whole, "-ss", "1", "-t", "1.5", "-c", "copy", "-copyinkf"][..], &sets].concat(),
    )
}

/// What `GStreamer` makes of raw H.264, whose frames have no times: a program stream without any, or a transport stream with one.
fn of_gstreamer(raw: &Path, muxer: &str) -> PathBuf {
    let made = raw.with_extension(muxer);
    let (from, to) = (format!("location={}", raw.display()), format!("location={}", made.display()));
    run(Command::new("gst-launch-1.0").args([
        "-q",
        "filesrc",
        &from,
        "!",
        "h264parse",
        "!",
        muxer,
        "!",
        "filesink",
        &to,
    ]));
    made
}

#[test]
fn where_nothing_comes_that_is_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let session = directory.path().join("nothing.sdp");
    let free = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port() & !1;
    let text = format!(
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    );
    drop(free);
    std::fs::write(&session, text).expect("room");
    let mut command = publisher();
    command.args(["live", "--copy"]).arg(&session).arg("--webroot").arg(directory.path().join("webroot"));
    let (status, output) = Running::start(&mut command).wait_and_read();
    assert!(!status.success(), "{output}");
    let expected = "nothing has come; does somebody send to the addresses and ports in it?";
    assert!(output.contains(expected) && !output.contains("scrambled"), "{output}");
}

#[test]
fn frames_without_an_idr_frame_are_refused_for_that_and_encoded_with_auto() {
    let film = without_keyframe();
    let told = refusal(&film, &[]);
    assert!(
        told.contains("none of its frames in 1.52 s is an IDR frame, where a segment could begin"),
        "{told}"
    );
    let (_webroot, segment) = streamed(&film, &["--copy=auto", "--size", "96x72"]);
    assert_eq!(coded(&segment, "v"), "h264");
}

#[test]
fn frames_without_times_of_gstreamer_are_refused_for_that_and_encoded_with_auto() {
    let stated = h264("stated.h264", "25", "3");
    // Without the rate of frames in its parameter sets.
    let unstated = stated.with_file_name("unstated.h264");
    let encoder = "videotestsrc num-buffers=75 ! video/x-raw,width=96,height=72,framerate=25/1 ! openh264enc gop-size=25 ! filesink";
    let words: Vec<_> = encoder.split(' ').collect();
    run(Command::new("gst-launch-1.0").arg("-q").args(words).arg(format!("location={}", unstated.display())));
    for film in [
        of_gstreamer(&stated, "mpegpsmux"),
        of_gstreamer(&unstated, "mpegpsmux"),
        of_gstreamer(&unstated, "mpegtsmux"),
    ] {
        let told = refusal(&film, &[]);
        assert!(told.contains("it has no timestamps; put it into a container that has them"), "{told}");
        let (_webroot, segment) = streamed(&film, &["--copy=auto", "--size", "96x72"]);
        assert_eq!(coded(&segment, "v"), "h264", "{}", film.display());
    }
}

#[test]
fn open_groups_of_pictures_are_called_so_and_what_helps_helps() {
    let coding = ["-preset", "veryfast", "-bf", "2", "-g", "25", "-sc_threshold", "0"];
    let x264 = |name: &str, more: &[&str]| {
        let words = [&["-f", "lavfi", "-i", PICTURES, "-t", "5", "-c:v", "libx264"][..], &coding, more];
        made(name, &[&words.concat()[..], &["-pix_fmt", "yuv420p"]].concat())
    };
    for name in ["open.mp4", "open.ts", "open.mkv"] {
        let open = x264(name, &["-x264-params", "open-gop=1"]);
        let told = refusal(&open, &[]);
        assert!(told.contains("its groups of pictures are open: 4 of its 5 keyframes are no IDR"), "{told}");
        assert!(
            told.contains("(x264: open-gop=0; ffmpeg: -flags +cgop)") && !told.contains("apart"),
            "{told}"
        );
    }
    let open = x264("open.mp4", &["-x264-params", "open-gop=1"]);
    let (_webroot, segment) = streamed(&open, &["--copy=auto", "--size", "96x72"]);
    assert_eq!(coded(&segment, "v"), "h264");
    let seldom = x264("seldom.ts", &["-x264-params", "open-gop=1", "-g", "75"]);
    assert!(refusal(&seldom, &[]).contains("close them, and a keyframe each 2 s (x264"));
    for more in [["-x264-params", "open-gop=0"], ["-flags", "+cgop"]] {
        streamed(&x264("closed.ts", &more), &["--copy"]);
    }
}

#[test]
fn a_sound_track_that_can_be_copied_is_named_as_it_is_typed() {
    let sound = [
        "-f", "lavfi", "-i", PICTURES, "-f", "lavfi", "-i", SOUND, "-t", "2", "-map", "0", "-map", "1",
        "-map", "1", "-map", "1",
    ];
    let coding = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-bf",
        "0",
        "-g",
        "25",
        "-c:a:0",
        "ac3",
        "-c:a:1",
        "mp2",
        "-c:a:2",
        "aac",
    ];
    for name in ["tracks.mkv", "tracks.ts", "tracks.mp4"] {
        let film = made(name, &[&sound[..], &coding, &["-disposition:a:0", "default"]].concat());
        let told = refusal(&film, &[]);
        assert!(
            told.contains("its sound is ac3, and --copy takes AAC; add --audio-track 3, which is AAC"),
            "{told}"
        );
        let typed = told.split("add ").nth(1).and_then(|rest| rest.split(',').next()).expect("a remedy");
        let (_webroot, segment) =
            streamed(&film, &[&["--copy"][..], &typed.split(' ').collect::<Vec<_>>()].concat());
        assert_eq!((&*coded(&segment, "v"), &*coded(&segment, "a")), ("h264", "aac"), "{name}");
    }
    // A commentary comes last.
    let special = ["-disposition:a:1", "comment", "-c:a:1", "aac"];
    let film =
        made("comment.mkv", &[&sound[..], &coding, &["-disposition:a:0", "default"], &special].concat());
    assert!(refusal(&film, &[]).contains("add --audio-track 3, which is AAC"));
}

#[test]
fn where_no_sound_can_be_copied_it_can_be_left_out_as_it_is_typed() {
    let opus = PathBuf::from(film("opus.mkv", "25", "2", &["-c:a", "libopus"]));
    let told = refusal(&opus, &[]);
    assert!(told.contains("its sound is opus, and --copy takes AAC; send AAC, or add --no-sound;"), "{told}");
    let (_webroot, segment) = streamed(&opus, &["--copy", "--no-sound"]);
    assert_eq!((&*coded(&segment, "v"), &*coded(&segment, "a")), ("h264", ""));
    let radio = made("radio.ogg", &["-f", "lavfi", "-i", SOUND, "-t", "2", "-c:a", "libopus"]);
    let told = refusal(&radio, &[]);
    assert!(told.contains("send AAC; or let"), "nothing would be left: {told}");
}

#[test]
fn sound_alone_that_pictures_may_join_is_refused_until_it_is_typed_that_none_are_wanted() {
    let sound = made("sound.flv", &["-f", "lavfi", "-i", SOUND, "-t", "4", "-c:a", "aac"]);
    let webroot = tempfile::tempdir().expect("a directory");
    let piped = |words: &[&str]| {
        let mut command = publisher();
        command.args(["live", "-", "--copy"]).args(words).arg("--webroot").arg(webroot.path());
        let from = Stdio::from(std::fs::File::open(&sound).expect("the sound"));
        let mut cat = Command::new("cat").stdin(from).stdout(Stdio::piped()).spawn().expect("cat");
        let pipe = cat.stdout.take().expect("a pipe");
        let ended = Running::start_reading(&mut command, pipe.into()).wait_and_read();
        let _ = cat.wait();
        ended
    };
    let (status, output) = piped(&[]);
    let told = one_line(&output);
    assert!(!status.success() && told.contains("add --no-video to copy the sound alone"), "{output}");
    let (status, output) = piped(&["--no-video"]);
    assert!(status.success(), "{output}");
    assert_clean(webroot.path());
}

/// Those that other tests hold in full: here each has one line, and a file by which it is known.
#[test]
fn each_other_reason_is_told_in_one_line() {
    let h264_in = |name: &str, more: &[&str]| PathBuf::from(film(name, "25", "3", more));
    let copied = |name: &str, film: &Path, words: &[&str]| {
        made(name, &[&["-i", film.to_str().expect("a plain path"), "-c", "copy"], words].concat())
    };
    let whole = h264_in("whole.mp4", &[]);
    let cut = ["-ss", "1.48", "-i", whole.to_str().expect("a plain path"), "-c", "copy"];
    for (film, reason) in [
        (h264_in("mpeg4.mp4", &["-c:v", "mpeg4"]), "its video is mpeg4, and --copy takes H.264"),
        (h264_in("hevc.mkv", &["-c:v", "libx265", "-x265-params", "log-level=none"]), "its video is hevc"),
        (h264_in("few.mp4", &["-g", "100"]), "its keyframes are at least 3 s apart, over the 2 s"),
        (copied("turned.mp4", &whole, &["-metadata:s:v", "rotate=90"]), "its picture is to be turned"),
        (made("cut.mp4", &cut), "its edit list cuts within a group of pictures"),
        (
            h264_in("unset.ts", &["-bsf:v", "filter_units=remove_types=7-8"]),
            "it has no parameter sets (SPS and PPS)",
        ),
        (h264_in("untimed.avi", &[]), "its B-frames have no presentation times"),
    ] {
        let told = refusal(&film, &[]);
        assert!(told.contains(reason), "{}: {told}", film.display());
    }
}
