//! One film that comes in all the ways there are, in two sizes with parts, and copied with parts.

use super::{H264, RTMP, Shown, film, picture, sound};
use crate::input::cameras::camera_of;
use crate::input::media::made;
use crate::input::pushed::free_udp_port;
use crate::support::live_source::LiveSource;
use crate::support::nginx::Nginx;
use crate::support::programs::{LiveStream, PATIENCE};
use crate::support::wait_for;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Length of the film, whose flashes all but the first are counted.
const SECONDS: u32 = 10;
const FLASHES: usize = SECONDS as usize - 1;

/// What the program is told to do with it.
const KINDS: [&[&str]; 2] =
    [&["--ladder", "320x180@300k,160x90@100k", "--low-latency"], &["--copy", "--low-latency"]];

fn base(name: &str) -> PathBuf {
    film(name, &picture("25", SECONDS), &sound(SECONDS), &[&H264[..], &["-c:a", "aac"]].concat())
}

/// A source that ends.
#[track_caller]
fn check_to_its_end(source: &Path) {
    for words in KINDS {
        let shown = Shown::of(source, words);
        shown.assert(FLASHES, FLASHES);
        assert_eq!(shown.slate_frames, 0, "{shown:#?}");
    }
}

#[test]
fn a_film_with_b_frames_comes_as_a_file() {
    // The three kinds of x264: alone, several, and such that others refer to.
    for frames in
        [&["-bf", "1"][..], &["-bf", "3", "-b_strategy", "0"], &["-bf", "5", "-b-pyramid", "normal"]]
    {
        let coding =
            ["-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-pix_fmt", "yuv420p", "-c:a", "aac"];
        let coding = [&coding[..], frames].concat();
        check_to_its_end(&film("reordered.mp4", &picture("25", SECONDS), &sound(SECONDS), &coding));
    }
}

#[test]
fn a_film_comes_as_a_file() {
    check_to_its_end(&base("base.mp4"));
    check_to_its_end(&base("base.mkv"));
}

#[test]
fn a_film_comes_from_a_web_server() {
    let site = tempfile::tempdir().expect("a directory");
    std::fs::copy(base("base.mp4"), site.path().join("base.mp4")).expect("room");
    let nginx = Nginx::start(site.path());
    check_to_its_end(Path::new(&format!("{}/base.mp4", nginx.address)));
}

#[test]
fn a_film_comes_through_a_pipe() {
    let path = base("base.ts");
    for words in KINDS {
        let shown = Shown::of_pipe(Command::new("cat").arg(&path), words);
        shown.assert(FLASHES, FLASHES);
        assert_eq!(shown.slate_frames, 0, "{shown:#?}");
    }
}

/// A live source, which the program reads until it is lost. What came while the connection was being looked at may be missing.
#[track_caller]
fn check_live(address: &str, words: &[&str]) {
    let webroot = tempfile::tempdir().expect("a directory");
    let words = [&[address, "--window", "1000"], words].concat();
    let mut live = LiveStream::start(webroot.path(), &words);
    wait_for("the end of the film", PATIENCE, || {
        assert!(live.publisher.still_runs(), "it has ended:\n{}", live.publisher.output());
        live.publisher.output().contains("source lost").then_some(())
    });
    assert!(live.publisher.interrupt().success());
    let shown = Shown::in_webroot(webroot, String::new());
    assert!(shown.flashes.len() + 1 >= FLASHES, "{shown:#?}");
    let flashes = shown.flashes.len();
    shown.assert(flashes, flashes);
}

#[test]
fn a_film_comes_live_by_tcp() {
    for words in KINDS {
        check_live(&LiveSource::of_film(&base("base.ts")).url(), words);
    }
}

#[test]
fn a_film_comes_by_rtsp() {
    let location = |path: PathBuf| format!("filesrc location={} ! matroskademux name=film", path.display());
    let pictures = "film. ! queue ! h264parse ! rtph264pay name=pay0 config-interval=-1";
    // With the sound of most cameras; what is copied has AAC.
    let of_mkv = base("base.mkv");
    let stored = of_mkv.to_str().expect("a plain path");
    let g711 =
        made("g711.mkv", &["-i", stored, "-c:v", "copy", "-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1"]);
    for (words, film, sound) in [
        (KINDS[0], g711, "film. ! queue ! rtppcmapay name=pay1"),
        (KINDS[1], of_mkv, "film. ! queue ! aacparse ! rtpmp4gpay name=pay1"),
    ] {
        let (_camera, address) = camera_of("TCP", &format!("{} {pictures} {sound}", location(film)));
        let shown = Shown::of(Path::new(&address), words);
        assert!(shown.flashes.len() + 1 >= FLASHES, "{shown:#?}");
        let flashes = shown.flashes.len();
        shown.assert(flashes, flashes);
    }
}

/// What came while the connection was being looked at may be missing.
#[track_caller]
fn check_pushed(address: &str, format: &str, place: impl Fn(&str) -> String) {
    for words in KINDS {
        let shown = Shown::of_push(&base("base.mp4"), address, format, words, &place);
        assert!(shown.flashes.len() + 1 >= FLASHES, "{shown:#?}");
        let flashes = shown.flashes.len();
        shown.assert(flashes, flashes);
    }
}

#[test]
fn a_film_is_pushed_by_rtmp() {
    check_pushed(RTMP, "flv", |place| place.replace("***", "KEY"));
}

#[test]
fn a_film_is_pushed_by_srt() {
    let port = free_udp_port();
    check_pushed(&format!("srt://127.0.0.1:{port}?mode=listener"), "mpegts", |_| {
        format!("srt://127.0.0.1:{port}?mode=caller&pkt_size=1316")
    });
}
