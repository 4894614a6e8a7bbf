//! What only the container says of its pictures: `--copy` carries it, or says why it cannot, and `--copy=auto` encodes.

use super::{H264, Shown, film, picture, silent_film, sound, with_webroot};
use crate::colours::{is_near, seen};
use crate::input::media::made;
use crate::support::media::run;
use crate::support::programs::{Running, publisher};
use std::path::{Path, PathBuf};
use std::process::Command;

const SECONDS: u32 = 5;

/// Pictures of flashes, changed by `filter` before they are stored.
fn stored(name: &str, filter: &str, coding: &[&str]) -> PathBuf {
    let pictures = format!("{},{filter}", picture("25", SECONDS));
    silent_film(name, &pictures, &[&H264[..], &["-bf", "2"], coding].concat())
}

/// The same packets in another container, which says more of them.
fn told(name: &str, film: &Path, words: &[&str]) -> PathBuf {
    made(name, &[&["-i", film.to_str().expect("a plain path"), "-c", "copy"], words].concat())
}

fn mkvmerge(name: &str, film: &Path, words: &[&str]) -> PathBuf {
    let made = film.with_extension(name);
    run(Command::new("mkvmerge").args(["-q", "-o"]).arg(&made).args(words).arg(film));
    made
}

/// What the program says as it refuses to copy a film.
#[track_caller]
pub(super) fn refusal(film: &Path) -> String {
    let mut command = publisher();
    command.args(["live", "--copy", "--fast"]).arg(film);
    let webroot = with_webroot(&mut command);
    let (status, output) = Running::start(&mut command).wait_and_read();
    assert!(!status.success() && !webroot.path().join("stream.m3u8").exists(), "{output}");
    output
}

#[track_caller]
pub(super) fn check_encoded_instead(film: &Path, reason: &str) -> Shown {
    let refusal = refusal(film);
    assert!(refusal.contains(reason) && refusal.contains("or let --copy=auto encode it"), "{refusal}");
    let shown = Shown::of(film, &["--copy=auto"]);
    assert!(shown.output.contains(reason), "{}", shown.output);
    shown
}

/// Each picture as the ffmpeg program decodes it, with the shape of its pixels.
#[track_caller]
fn pictures(file: &Path) -> (Vec<String>, String) {
    let hashes = run(Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(file)
        .args(["-map", "0:v", "-vsync", "0", "-f", "framemd5", "-"]));
    let hashes = String::from_utf8(hashes).expect("text");
    let hashes = hashes.lines().filter(|line| !line.starts_with('#'));
    let hashes = hashes.filter_map(|line| line.rsplit(',').next().map(str::to_owned)).collect();
    let words = ["-v", "error", "-select_streams", "v", "-of", "csv=p=0", "-show_entries"];
    let aspects = run(Command::new("ffprobe").args(words).arg("frame=sample_aspect_ratio").arg(file));
    let aspects = String::from_utf8(aspects).expect("text");
    let mut aspects: Vec<&str> = aspects.lines().map(|line| line.trim_matches(',')).collect();
    aspects.retain(|aspect| !aspect.is_empty());
    aspects.sort_unstable();
    aspects.dedup();
    (hashes, aspects.join(" "))
}

/// A film is copied: the same pictures, with pixels of the shape `aspect` in each of them.
#[track_caller]
fn check_aspect(film: &Path, aspect: &str) {
    let shown = Shown::of(film, &["--copy", "--fast"]);
    let (copied, found) = pictures(&shown.joined);
    assert_eq!(found, aspect, "{}", film.display());
    assert!(copied == pictures(film).0 && !copied.is_empty(), "{}: other pictures", film.display());
}

#[test]
fn the_shape_of_a_pixel_that_only_the_container_says_is_carried() {
    let unsaid = stored("unsaid.mp4", "scale=240:180,setsar=0", &[]);
    for name in ["aspect.mp4", "aspect.mov", "aspect.mkv"] {
        check_aspect(&told(name, &unsaid, &["-aspect", "16:9"]), "4:3");
    }
    check_aspect(&mkvmerge("display.mkv", &unsaid, &["--aspect-ratio", "0:16/9"]), "4:3");
    // The container has the last word, also where the pictures say something else, in each keyframe.
    let said = stored("said.ts", "scale=240:180,setsar=16/11", &[]);
    check_aspect(&mkvmerge("square.mkv", &said, &["--aspect-ratio", "0:4/3"]), "1:1");
    let headers = stored("headers.mp4", "scale=240:180,setsar=16/11", &["-x264-params", "repeat-headers=1"]);
    check_aspect(&told("headers-aspect.mp4", &headers, &["-aspect", "16:9"]), "4:3");
}

#[test]
fn what_pictures_say_themselves_stays_as_it_is() {
    check_aspect(&stored("said.mp4", "scale=240:180,setsar=16/11", &[]), "16:11");
    check_aspect(&stored("square.mp4", "setsar=1", &[]), "1:1");
}

#[test]
fn colours_that_only_the_container_says_are_carried() {
    let source = "color=c=0x40c020:size=320x180:rate=25:duration=4,format=rgb24";
    let store = |name: &str, scale: &str| {
        silent_film(
            name,
            &format!("{source},scale={scale},setparams=colorspace=unknown:range=unknown"),
            &H264,
        )
    };
    let hd = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"];
    let of_hd = store("hd.mp4", "out_color_matrix=bt709,format=yuv420p");
    let colours = ["color-matrix-coefficients", "color-primaries", "color-transfer-characteristics"];
    let merged: Vec<String> =
        colours.iter().flat_map(|name| [format!("--{name}"), "0:1".to_owned()]).collect();
    let merged: Vec<&str> = merged.iter().map(String::as_str).collect();
    for film in [
        told("colours.mkv", &of_hd, &hd),
        told("colours.mp4", &of_hd, &[&hd[..], &["-movflags", "+write_colr"]].concat()),
        mkvmerge("colours-merged.mkv", &of_hd, &merged),
    ] {
        let shown = Shown::of(&film, &["--copy", "--fast"]);
        let found = seen(&shown.joined);
        assert!(is_near(found, [0x40, 0xc0, 0x20]), "{}: {found:?}", film.display());
    }
    let full = store("full.mp4", "out_color_matrix=bt601:out_range=pc,format=yuv420p");
    let full = mkvmerge("full.mkv", &full, &["--color-range", "0:2", "--color-matrix-coefficients", "0:6"]);
    let found = seen(&Shown::of(&full, &["--copy", "--fast"]).joined);
    assert!(is_near(found, [0x40, 0xc0, 0x20]), "{found:?}");
}

#[test]
fn a_film_that_its_container_turns_is_refused_or_encoded_upright() {
    for (angle, filter) in [("90", "transpose=clock"), ("180", "hflip,vflip"), ("270", "transpose=cclock")] {
        let stored = stored("lying.mp4", filter, &[]);
        let turned = told("turned.mp4", &stored, &["-metadata:s:v", &format!("rotate={angle}")]);
        let shown = check_encoded_instead(&turned, "its container says that its picture is to be turned");
        assert!(shown.flashes.len() + 3 >= SECONDS as usize, "{angle}: {shown:#?}");
    }
}

#[test]
fn an_edit_list_that_cuts_between_keyframes_is_refused_or_encoded_as_it_is_cut() {
    let whole =
        film("whole.mp4", &picture("25", 6), &sound(6), &[&H264[..], &["-bf", "2", "-c:a", "aac"]].concat());
    let cut = made("cut.mp4", &["-ss", "1.48", "-i", whole.to_str().expect("a plain path"), "-c", "copy"]);
    let shown = check_encoded_instead(&cut, "its edit list cuts within a group of pictures");
    // The second flash is the first that is left, half a second after the start.
    let start_s = shown.picture_times().into_iter().fold(f64::INFINITY, f64::min);
    assert!((shown.flashes[0] - start_s - 0.52).abs() < 0.1, "{start_s}: {shown:#?}");
    shown.assert(4, 4);
}

#[test]
fn an_edit_list_that_cuts_at_a_keyframe_is_copied() {
    let whole =
        film("whole.mp4", &picture("25", 6), &sound(6), &[&H264[..], &["-bf", "2", "-c:a", "aac"]].concat());
    let cut = made("cut-there.mp4", &["-ss", "2", "-i", whole.to_str().expect("a plain path"), "-c", "copy"]);
    let shown = Shown::of(&cut, &["--copy", "--fast"]);
    assert_eq!(pictures(&shown.joined).0, pictures(&cut).0);
    shown.assert(3, 3);
}
