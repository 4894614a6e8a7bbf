use super::*;
use crate::cli::args::{Command, CommandLine};
use crate::source::camera::CameraSelector;
use clap::Parser;

pub(crate) fn meant(line: &str) -> Result<LiveSettings, SettingsError> {
    let words = ["livedir-publisher", "live"].into_iter().chain(line.split_whitespace());
    match CommandLine::try_parse_from(words).unwrap().command {
        Command::Live(args) => (*args).try_into(),
        _ => unreachable!("the words begin with live"),
    }
}

#[track_caller]
fn check_refused(line: &str, remedy: &str) {
    let error = meant(line).unwrap_err().to_string();
    assert!(error.contains(remedy), "{error}");
}

#[test]
fn defaults_are_those_of_the_readme() {
    let settings = meant("").unwrap();
    assert_eq!(settings.source, SourceChoice::FirstCameraOrTest);
    assert_eq!(settings.wished_size(), (640, 480));
    assert_eq!((settings.fps, settings.video_bps, settings.window_segments), (20, 1_000_000, 10));
    assert_eq!((settings.segment_duration_90k(), settings.target_duration_s()), (180_000, 2));
    assert!(settings.end_list);
}

#[test]
fn a_camera_that_lies_on_its_side_is_asked_for_the_size_that_it_has() {
    assert_eq!(meant("--size 480x640 --rotate 90").unwrap().wished_size(), (640, 480));
    assert_eq!(meant("--size 480x640 --rotate 180").unwrap().wished_size(), (480, 640));
    assert_eq!(meant("--rotate 270").unwrap().wished_size(), (640, 480));
}

#[test]
fn sources_are_told_apart() {
    let input = |address| SourceChoice::Input(address);
    for (typed, expected) in [
        ("test", SourceChoice::Test),
        ("./test", input(InputAddress::File("./test".into()))),
        ("-", input(InputAddress::Stdin)),
        ("rtsp://camera/1", input(InputAddress::Url("rtsp://camera/1".into()))),
        ("movie.mp4", input(InputAddress::File("movie.mp4".into()))),
        ("camera", SourceChoice::Camera(CameraSelector::First)),
        ("camera:1", SourceChoice::Camera(CameraSelector::Index(1))),
        ("camera:FaceTime", SourceChoice::Camera(CameraSelector::Name("FaceTime".into()))),
    ] {
        assert_eq!(meant(typed).unwrap().source, expected, "{typed}");
    }
}

#[test]
fn sound_is_that_which_fits_unless_a_microphone_or_none_is_asked_for() {
    let named = |name: &str| SoundChoice::Microphone(MicrophoneSelector::Name(name.into()));
    for (line, expected) in [
        ("", SoundChoice::Fitting),
        ("test --mic", SoundChoice::Microphone(MicrophoneSelector::First)),
        ("test --mic Webcam", named("Webcam")),
        ("camera --no-sound", SoundChoice::Silent),
    ] {
        assert_eq!(meant(line).unwrap().sound, expected, "{line}");
    }
}

#[test]
fn the_target_duration_holds_the_longest_segment() {
    for (line, segment_90k, target_s) in [
        ("--segment-duration 1.5s", 135_000, 2),
        ("--segment-duration 500ms --fps 7", 51_428, 1),
        ("--segment-duration 3s --fps 30", 270_000, 3),
    ] {
        let settings = meant(line).unwrap();
        assert_eq!((settings.segment_duration_90k(), settings.target_duration_s()), (segment_90k, target_s));
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_remedy() {
    check_refused("--segment-duration 0", "it is 0s");
    check_refused("--segment-duration 100ms", "it is 100ms");
    check_refused("--segment-duration 1000s", "between 500ms and 10s, like --segment-duration 2s");
    check_refused("--part-duration 1.5s", "it is 1.5s");
    check_refused("camera --loop", "--loop works with files");
    check_refused("rtsp://camera/1 --loop", "--loop works with files");
    check_refused("film.mp4 --fast", "add --copy");
    check_refused("film.mp4 --copy=never --fast", "add --copy");
    check_refused("test --audio-track 2", "leave --audio-track out");
    check_refused("test --takeover always", "leave --takeover out");
    check_refused("rtmp://example.org/live/KEY --takeover always", "leave --takeover out");
    check_refused("camera --audio-track de", "leave --audio-track out");
    check_refused("test --copy", "--copy works with files");
    check_refused("rtsp://camera/1 --copy --fast", "--fast works with files");
}

#[test]
fn what_is_said_of_encoding_goes_with_auto_alone() {
    for said in ["--size 320x240", "--fps 25", "--bitrate 2M", "--audio-bitrate 64k", "--ladder auto"]
        .into_iter()
        .chain([
            "--rotate 90",
            "--mirror",
            "--filter hflip",
            "--text A",
            "--clock",
            "--slate-after 5s",
            "--slate a.png",
            "--slate-text Soon",
            "--encoder libx264",
            "--mic",
            "--picture logo.png",
        ])
    {
        let flag = said.split(' ').next().unwrap();
        check_refused(&format!("film.mp4 --copy {said}"), &format!("{flag} has no effect"));
        assert!(meant(&format!("film.mp4 --copy=auto {said}")).is_ok(), "{said}");
    }
    assert!(meant("film.mp4 --copy --fps 20").is_ok(), "what goes without saying may be said");
    for said in ["--slate-after 5s", "--slate a.png", "--slate-text Soon"] {
        assert!(meant(&format!("rtmp://0.0.0.0/live/KEY --copy {said}")).is_ok(), "{said}");
        check_refused(&format!("- --copy {said}"), "never away; leave it out");
    }
}
