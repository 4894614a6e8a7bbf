//! Sources that are stored on their side, mirrored, cropped or with pixels that are not square: each is seen upright and in shape.

use super::{H264, Shown, join, silent_film};
use crate::input::media::made;
use crate::support::live_source::LiveSource;
use crate::support::media::{run, stated};
use crate::support::programs::{LiveStream, PATIENCE, Running, publisher};
use crate::support::wait_for;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Brightness of the upper left, upper right, lower left and lower right quarter of a film as it is stored.
const QUARTERS: [u8; 4] = [60, 110, 160, 220];

/// Four quarters of a size, for so many seconds.
fn quarters(size: &str, seconds: u32) -> String {
    format!(
        "color=black:size={size}:rate=25:duration={seconds},format=yuv420p,geq=cb=128:cr=128:\
         lum='if(lt(Y,H/2),if(lt(X,W/2),60,110),if(lt(X,W/2),160,220))'"
    )
}

/// The size of a stream's pictures, and the brightness of the quarters of the tenth.
fn shown(joined: &Path) -> ((usize, usize), [u8; 4]) {
    let size = stated(joined, "v", "width,height,sample_aspect_ratio");
    let fields: Vec<&str> = size.lines().next().expect("a stream").split(',').collect();
    assert!(["1:1", "N/A", "0:1"].contains(&fields[2]), "{size}");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(joined);
    // The corners of the picture count, too: bars would darken them.
    let bytes = run(ffmpeg.args([
        "-frames:v",
        "1",
        "-vf",
        "select=gte(n\\,10),scale=2:2:flags=area",
        "-pix_fmt",
        "yuv420p",
        "-f",
        "rawvideo",
        "-",
    ]));
    let pixels = |field: &str| field.parse().expect("a number of pixels");
    ((pixels(fields[0]), pixels(fields[1])), *bytes.first_chunk().expect("four quarters"))
}

/// What becomes of a film when nothing is said of its size.
#[track_caller]
fn stream(film: &Path) -> Shown {
    let webroot = tempfile::tempdir().expect("a directory");
    let mut command = publisher();
    command.arg("live").arg(film).args(["--window", "1000", "--webroot"]).arg(webroot.path());
    let (status, output) = Running::start(&mut command).wait_and_read();
    assert!(status.success(), "{output}");
    Shown::in_webroot(webroot, output)
}

#[track_caller]
fn check(film: &Path, size: (usize, usize), quarters: [u8; 4]) {
    let (found_size, found) = shown(&stream(film).joined);
    assert_eq!(found_size, size, "{}", film.display());
    let is_right = found.iter().zip(quarters).all(|(found, right)| found.abs_diff(right) <= 12);
    assert!(is_right, "{}: {found:?} instead of {quarters:?}", film.display());
}

/// The eight ways to lay a picture on its sides: x' = a x + c y, y' = b x + d y (ISO 14496-12 6.2.2).
const WAYS: [[i32; 4]; 8] = [
    [1, 0, 0, 1],
    [-1, 0, 0, 1],
    [1, 0, 0, -1],
    [-1, 0, 0, -1],
    [0, 1, -1, 0],
    [0, -1, 1, 0],
    [0, 1, 1, 0],
    [0, -1, -1, 0],
];

/// Where the quarters go.
fn turned(way: [i32; 4]) -> [u8; 4] {
    let mut to = [0; 4];
    for (quarter, brightness) in QUARTERS.into_iter().enumerate() {
        let (across, down) = (if quarter % 2 == 0 { -1 } else { 1 }, if quarter < 2 { -1 } else { 1 });
        let is_right = way[0] * across + way[2] * down > 0;
        let is_low = way[1] * across + way[3] * down > 0;
        to[usize::from(is_right) + 2 * usize::from(is_low)] = brightness;
    }
    to
}

/// The same film with another matrix in its track header.
fn with_matrix(film: &Path, [a, b, c, d]: [i32; 4]) -> Vec<u8> {
    let mut bytes = std::fs::read(film).expect("a film");
    let header = bytes.windows(4).position(|four| four == b"tkhd").expect("a track header");
    let matrix = [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30];
    for (n, number) in matrix.into_iter().enumerate() {
        bytes[header + 44 + 4 * n..][..4].copy_from_slice(&number.to_be_bytes());
    }
    bytes
}

#[test]
fn films_of_all_eight_orientations_are_upright() {
    let film = silent_film("phone.mp4", &quarters("320x180", 2), &H264);
    let directory = tempfile::tempdir().expect("a directory");
    for (n, way) in WAYS.into_iter().enumerate() {
        let path = directory.path().join(format!("way-{n}.mp4"));
        std::fs::write(&path, with_matrix(&film, way)).expect("room");
        let size = if way[0] == 0 { (180, 320) } else { (320, 180) };
        check(&path, size, turned(way));
    }
}

#[test]
fn films_whose_pictures_say_how_they_lie_are_upright() {
    let film = silent_film("stored.mp4", &quarters("320x180", 2), &H264);
    let path = film.to_str().expect("a plain path");
    // Anticlockwise, as H.264 D.2.27 has it: what was on the right is above.
    for (words, size, expected) in [
        ("rotate=90", (180, 320), [110, 220, 60, 160]),
        ("rotate=180", (320, 180), [220, 160, 110, 60]),
        ("rotate=270", (180, 320), [160, 60, 220, 110]),
        ("flip=horizontal", (320, 180), [110, 60, 220, 160]),
        ("flip=vertical", (320, 180), [160, 220, 60, 110]),
    ] {
        let filter = format!("h264_metadata=display_orientation=insert:{words}");
        check(&made("said.ts", &["-i", path, "-c", "copy", "-bsf:v", &filter]), size, expected);
    }
}

#[test]
fn pixels_that_are_not_square_become_square() {
    let mpeg_2 = ["-c:v", "mpeg2video", "-q:v", "3"];
    for (size, aspect, expected) in [
        ("720x576", "4:3", (640, 480)),
        ("720x576", "16:9", (640, 360)),
        ("720x480", "4:3", (640, 480)),
        ("720x480", "16:9", (640, 360)),
    ] {
        let dvd = silent_film(
            "dvd.vob",
            &quarters(size, 2),
            &[&mpeg_2[..], &["-aspect", aspect, "-f", "dvd"]].concat(),
        );
        check(&dvd, expected, QUARTERS);
    }
    let tape = ["-c:v", "dvvideo", "-pix_fmt", "yuv420p", "-aspect", "16:9"];
    check(&silent_film("tape.dv", &quarters("720x576", 2), &tape), (640, 360), QUARTERS);
    for name in ["in-the-bitstream.ts", "in-the-bitstream.mp4", "in-the-bitstream.mkv"] {
        let wide = silent_film(name, &quarters("240x180", 2), &[&H264[..], &["-aspect", "16:9"]].concat());
        check(&wide, (320, 180), QUARTERS);
    }
    let square = silent_film("square.h264", &quarters("240x180", 2), &H264);
    let path = square.to_str().expect("a plain path");
    for name in ["container-alone.mp4", "container-alone.mkv", "container-alone.mov"] {
        let wide = made(name, &["-r", "25", "-i", path, "-c", "copy", "-aspect", "16:9"]);
        check(&wide, (320, 180), QUARTERS);
    }
    // A phone that was held upright while it filmed with pixels that are not square.
    let wide = made("phone.mp4", &["-r", "25", "-i", path, "-c", "copy", "-aspect", "16:9"]);
    let directory = tempfile::tempdir().expect("a directory");
    let turned_wide = directory.path().join("turned.mp4");
    std::fs::write(&turned_wide, with_matrix(&wide, WAYS[4])).expect("room");
    check(&turned_wide, (180, 320), turned(WAYS[4]));
}

#[test]
fn a_shape_that_no_pixels_have_is_told_and_taken_for_square() {
    for (name, aspect) in [("wide.ts", "10/1"), ("high.ts", "1/10"), ("wide.mp4", "10/1")] {
        let graph = format!("{},setsar={aspect}", quarters("320x180", 2));
        let film = silent_film(name, &graph, &H264);
        check(&film, (320, 180), QUARTERS);
        let said = format!("its pixels said to be {} and shown as square", aspect.replace('/', ":"));
        let output = stream(&film).output;
        assert_eq!(output.matches(&said).count(), 1, "{output}");
    }
}

#[test]
fn what_is_cropped_is_not_seen() {
    // 16 pixels of white around it. The encoder fills the last row of blocks with 12 more. The ffmpeg program leaves in those on the
    // left.
    let graph = format!("{},pad=352:212:16:16:white", quarters("320x180", 2));
    let whole = silent_film("whole.mp4", &graph, &H264);
    let crop = "h264_metadata=crop_left=16:crop_right=16:crop_top=16:crop_bottom=28";
    for name in ["cropped.mp4", "cropped.ts"] {
        let path = whole.to_str().expect("a plain path");
        check(&made(name, &["-i", path, "-c", "copy", "-bsf:v", crop]), (320, 180), QUARTERS);
    }
}

#[test]
fn small_and_odd_sources_keep_their_size() {
    check(&silent_film("small.mp4", &quarters("160x120", 2), &H264), (160, 120), QUARTERS);
    let odd = ["-c:v", "ffv1"];
    check(
        &silent_film("odd.mkv", &format!("{},format=yuv444p,crop=161:121", quarters("170x130", 2)), &odd),
        (160, 120),
        QUARTERS,
    );
}

/// How wide and high what is white stands in each picture, without repetitions that last for less than a quarter of a second.
fn boxes(joined: &Path, (wide, high): (usize, usize)) -> Vec<(usize, usize)> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(joined);
    let bytes = run(ffmpeg.args(["-an", "-pix_fmt", "gray", "-f", "rawvideo", "-"]));
    let of_picture = |picture: &[u8]| {
        let row = &picture[high / 2 * wide..][..wide];
        let column = picture.chunks_exact(wide).map(|row| row[wide / 2]);
        let bright = |it: &u8| *it > 128;
        (row.iter().filter(|it| bright(it)).count(), column.filter(bright).count())
    };
    let all: Vec<_> = bytes.chunks_exact(wide * high).map(of_picture).collect();
    let mut steady: Vec<_> =
        all.windows(5).filter(|five| five.iter().all(|it| *it == five[0])).map(|five| five[0]).collect();
    steady.dedup();
    steady
}

#[track_caller]
fn check_boxes(joined: &Path, expected: &[(usize, usize)]) {
    let boxes = boxes(joined, (320, 180));
    let is_near = |(one, other): (&(usize, usize), &(usize, usize))| {
        one.0.abs_diff(other.0) <= 3 && one.1.abs_diff(other.1) <= 3
    };
    assert!(
        boxes.len() == expected.len() && boxes.iter().zip(expected).all(is_near),
        "{boxes:?} instead of {expected:?}"
    );
}

fn white(name: &str, size: &str, coding: &[&str]) -> PathBuf {
    silent_film(name, &format!("color=white:size={size}:rate=25:duration=3"), coding)
}

/// In a stream of 320x180: 16:9, on its side, 4:3, 4:3 of pixels that are not square.
const CHANGES: [(usize, usize); 4] = [(320, 180), (102, 180), (240, 180), (320, 136)];

#[test]
fn films_of_a_list_are_upright_and_in_shape_each_for_itself() {
    let wide = white("wide.mp4", "320x180", &H264);
    let directory = tempfile::tempdir().expect("a directory");
    let phone = directory.path().join("phone.mp4");
    std::fs::write(&phone, with_matrix(&wide, WAYS[4])).expect("room");
    let tv = white("tv.mkv", "352x288", &[&H264[..], &["-aspect", "4:3"]].concat());
    let cinema = white("cinema.mp4", "240x180", &[&H264[..], &["-aspect", "2.35"]].concat());
    let list = directory.path().join("films.m3u");
    let lines = [&wide, &phone, &tv, &cinema].map(|film| format!("{}\n", film.display()));
    std::fs::write(&list, lines.concat()).expect("room");
    check_boxes(&Shown::of(&list, &[]).joined, &CHANGES);
}

#[test]
fn a_live_stream_that_changes_its_shape_on_the_way_stays_upright_and_in_shape() {
    let part = |name: &str, size: &str, more: &[&str], at: &str| {
        let coding = [&H264[..], more, &["-output_ts_offset", at, "-muxdelay", "0", "-f", "mpegts"]].concat();
        std::fs::read(white(name, size, &coding)).expect("a film")
    };
    let on_its_side = "h264_metadata=display_orientation=insert:rotate=90";
    let parts = [
        part("wide.ts", "320x180", &[], "10"),
        part("phone.ts", "320x180", &["-bsf:v", on_its_side], "13"),
        part("tv.ts", "352x288", &["-aspect", "4:3"], "16"),
        part("cinema.ts", "352x288", &["-aspect", "2.35"], "19"),
    ];
    let directory = tempfile::tempdir().expect("a directory");
    let film = directory.path().join("changes.ts");
    std::fs::write(&film, parts.concat()).expect("room");
    check_boxes(&Shown::of(&film, &[]).joined, &CHANGES);
    let source = LiveSource::of_film(&film);
    let webroot = tempfile::tempdir().expect("a directory");
    let live = LiveStream::start(webroot.path(), &[&source.url(), "--window", "1000", "--size", "320x180"]);
    wait_for("the end of the film", PATIENCE, || {
        live.publisher.output().contains("source lost").then_some(())
    });
    assert!(live.publisher.interrupt().success());
    let joined = join(webroot.path(), "");
    let live = boxes(&joined, (320, 180));
    let is_near = |one: &(usize, usize), other: &(usize, usize)| {
        one.0.abs_diff(other.0) <= 3 && one.1.abs_diff(other.1) <= 3
    };
    assert!(
        CHANGES.iter().all(|shape| live.iter().any(|seen| is_near(seen, shape))),
        "{live:?} instead of {CHANGES:?}"
    );
}
