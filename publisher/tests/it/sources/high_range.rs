//! Sources of high dynamic range, as phones film them: viewers without such a screen see grey as grey and white as white.

use super::{Shown, film, silent_film, sound};
use crate::colours::{declared, is_near, seen};
use crate::support::media::run;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a stream declares that everybody sees.
const FOR_ALL: &str = "tv,bt709,bt709,bt709";

/// How the parts of the signal are seen, as luma of BT.709: black, mid-grey (18 %, 26 cd/m2), white (203 cd/m2) and a highlight of
/// 1000 cd/m2. ITU-R BT.2408, table 1, and BT.1886 for the display. White keeps some room for what is brighter.
const EXPECTED: [u8; 4] = [16, 109, 225, 235];
const TOLERANCE: u8 = 10;

/// The same parts as HLG and as PQ.
const HLG: (&str, [f64; 4]) = ("arib-std-b67", [0.0, 0.38, 0.75, 1.0]);
const PQ: (&str, [f64; 4]) = ("smpte2084", [0.0, 0.38, 0.58, 0.7518]);

const X265: [&str; 6] =
    ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:keyint=25:bframes=0"];
const X264: [&str; 6] = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25"];
const VP9: [&str; 8] = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "2M"];

/// Four grey columns, for four seconds.
fn columns(name: &str, size: &str, (transfer, parts): (&str, [f64; 4]), coding: &[&str]) -> PathBuf {
    let luma = parts.map(|part| (64.0 + 876.0 * part).round());
    let graph = format!(
        "color=black:size={size}:rate=25:duration=4,format=yuv420p10,geq=cb=512:cr=512:\
         lum='if(lt(X,W/4),{},if(lt(X,W/2),{},if(lt(X,3*W/4),{},{})))'",
        luma[0], luma[1], luma[2], luma[3]
    );
    let tags = ["-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc"];
    film(name, &graph, &sound(4), &[coding, &tags].concat())
}

/// Luma in the middle of each of the four columns of a picture in the middle of the stream.
#[track_caller]
fn levels(joined: &Path) -> [u8; 4] {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(joined);
    let size = "select=gte(n\\,10),scale=4:2:flags=area,format=yuv420p";
    let bytes = run(ffmpeg.args(["-frames:v", "1", "-vf", size, "-f", "rawvideo", "-"]));
    *bytes.first_chunk().expect("four pixels")
}

#[track_caller]
fn check_levels(joined: &Path, case: &Path) {
    assert_eq!(declared(joined), FOR_ALL, "{}", case.display());
    let levels = levels(joined);
    let is_right = levels.iter().zip(EXPECTED).all(|(level, right)| level.abs_diff(right) <= TOLERANCE);
    assert!(is_right, "{}: {levels:?} instead of {EXPECTED:?}", case.display());
}

#[track_caller]
fn check(film: &Path) {
    check_levels(&Shown::of(film, &[]).joined, film);
}

#[test]
fn grey_and_white_of_hlg_are_seen_as_they_are() {
    check(&columns("phone.mp4", "1280x720", HLG, &X265));
    check(&columns("phone.ts", "320x180", HLG, &[&X264[..], &["-pix_fmt", "yuv420p10"]].concat()));
    check(&columns("web.webm", "320x180", HLG, &[&VP9[..], &["-pix_fmt", "yuv420p10"]].concat()));
}

#[test]
fn grey_and_white_of_pq_are_seen_as_they_are() {
    check(&columns("phone.mkv", "320x180", PQ, &X265));
    check(&columns("phone.mov", "1280x720", PQ, &[&X265[..], &["-tag:v", "hvc1"]].concat()));
}

#[test]
fn high_range_in_all_sizes_of_a_ladder_and_beside_other_films_is_seen_as_it_is() {
    let hlg = columns("phone.mp4", "1280x720", HLG, &X265);
    let shown = Shown::of(&hlg, &["--ladder", "320x180@300k,160x90@100k", "--low-latency"]);
    check_levels(&shown.joined, &hlg);
    check_levels(&super::join(shown.webroot.path(), "live/90p"), &hlg);
    // A film of another kind before it sets what the stream declares.
    let plain = silent_film("plain.mp4", "color=gray:size=1280x720:rate=25:duration=1", &X264);
    let directory = tempfile::tempdir().expect("a directory");
    let list = directory.path().join("films.m3u");
    std::fs::write(&list, format!("{}\n{}\n", plain.display(), hlg.display())).expect("room");
    let shown = Shown::of(&list, &[]);
    let second = shown.webroot.path().join("live/seg-00000002.ts");
    check_levels(&second, &hlg);
}

#[test]
fn a_colour_of_high_range_is_seen_as_that_colour() {
    let colour = [0x40, 0xa0, 0x30];
    for transfer in ["arib-std-b67", "smpte2084"] {
        let graph = format!(
            "color=0x40a030:size=320x180:rate=25:duration=3,format=gbrp,\
             setparams=color_primaries=bt709:color_trc=bt709:colorspace=gbr:range=pc,\
             zscale=transfer={transfer}:matrix=2020_ncl:primaries=2020:range=limited:npl=203,format=yuv420p10"
        );
        let tags = ["-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc"];
        let film = silent_film("colour.mkv", &graph, &[&X265[..], &tags].concat());
        let shown = Shown::of(&film, &[]);
        let found = seen(&shown.joined);
        assert!(is_near(found, colour), "{transfer}: {found:?} instead of {colour:?}");
    }
}

#[test]
fn high_range_of_which_only_the_transfer_is_told_is_seen_as_it_is() {
    let path = columns("phone.mkv", "320x180", HLG, &X265);
    let bare = "hevc_metadata=colour_primaries=2:matrix_coefficients=2:transfer_characteristics=18";
    let film = crate::input::media::made(
        "bare.ts",
        &["-i", path.to_str().expect("a plain path"), "-c", "copy", "-bsf:v", bare],
    );
    check(&film);
}
