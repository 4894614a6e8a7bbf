//! Interlaced sources: what moves has no combs, nothing is lost, and each picture is shown at its time.

use super::{RTMP, Shown, film, silent_film, sound};
use crate::input::media::made;
use crate::support::live_source::LiveSource;
use crate::support::media::run;
use crate::support::programs::{LiveStream, PATIENCE};
use crate::support::wait_for;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(super) const SECONDS: u32 = 6;

/// Those that are counted: the first one begins the stream.
pub(super) const FLASHES: usize = SECONDS as usize - 1;

/// The size of the films, and of the stream.
const WIDE: usize = 320;
const HIGH: usize = 180;

/// Pixels that the bar moves from one field to the next.
const STEP: usize = 8;

/// The rows in which the bar is judged: below the flash.
const ROWS: std::ops::Range<usize> = 100..170;

const X264: [&str; 8] = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "0"];
const AAC: [&str; 2] = ["-c:a", "aac"];

/// A bar that moves to the right by [`STEP`] fifty times a second, and a flash of three whole pictures in each second.
fn moving(seconds: u32, size: &str) -> String {
    format!(
        "color=black:size={size}:rate=50:duration={seconds},format=yuv420p,drawbox=w=iw/20:h=ih:color=white:t=fill,\
         scroll=horizontal=-0.025,drawbox=w=iw/2:h=ih/2:color=black:t=fill,\
         drawbox=w=iw/2:h=ih/2:color=white:t=fill:enable='lt(mod(t,1),0.12)'"
    )
}

/// The same, each two pictures interlaced to one whose first field is the upper or the lower one.
fn interlaced(seconds: u32, first: &str) -> String {
    interlaced_of("320x180", seconds, first)
}

pub(super) fn interlaced_of(size: &str, seconds: u32, first: &str) -> String {
    let weave = if first == "tff" { "interleave_top" } else { "interleave_bottom" };
    format!("{},tinterlace={weave}", moving(seconds, size))
}

/// An interlaced film with sound.
fn interlaced_film(name: &str, first: &str, coding: &[&str]) -> PathBuf {
    let order = if first == "tff" { "tt" } else { "bb" };
    let said = format!("setfield={first}");
    let fields = ["-flags", "+ilme+ildct", "-field_order", order, "-vf", &said];
    film(name, &interlaced(SECONDS, first), &sound(SECONDS), &[coding, &fields].concat())
}

/// Its pictures in grey, row by row.
fn pictures(joined: &Path, wide: usize, high: usize) -> Vec<Vec<u8>> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(joined);
    ffmpeg.args(["-an", "-fps_mode", "passthrough", "-pix_fmt", "gray", "-f", "rawvideo", "-"]);
    run(&mut ffmpeg).chunks_exact(wide * high).map(<[u8]>::to_vec).collect()
}

/// The part of the pixels below the flash that are brighter or darker than both the one above and the one below, in the worst picture.
/// A bar that stands upright has none.
fn combs(pictures: &[Vec<u8>], wide: usize, rows: &std::ops::Range<usize>) -> f64 {
    let is_comb = |picture: &[u8], at: usize| {
        let [above, here, below] = [at - wide, at, at + wide].map(|at| i32::from(picture[at]));
        (here - above) * (here - below) > 0 && (here - above).abs().min((here - below).abs()) > 40
    };
    let of_picture = |picture: &Vec<u8>| {
        let all = rows.start * wide..rows.end * wide;
        let pixels = all.len() as f64;
        all.filter(|&at| is_comb(picture, at)).count() as f64 / pixels
    };
    pictures.iter().map(of_picture).fold(0.0, f64::max)
}

/// So much of a picture may look like a comb, after it was coded.
const FEW: f64 = 0.002;
/// Of a picture whose fields are mixed there is more.
const MANY: f64 = 0.02;

impl Shown {
    fn pictures(&self) -> Vec<Vec<u8>> {
        pictures(&self.joined, WIDE, HIGH)
    }

    #[track_caller]
    fn assert_no_combs(&self) {
        let combs = combs(&self.pictures(), WIDE, &ROWS);
        assert!(combs < FEW, "{combs} are combs\n{self:#?}");
    }

    /// How far the bar moves from each picture to the next, in fields; where it leaves on the right it comes in on the left.
    fn moves(&self) -> Vec<usize> {
        let middle = |picture: &Vec<u8>| {
            let row = &picture[ROWS.start * WIDE..][..WIDE];
            // The bar may be at both edges: the angle of all that is bright.
            let (sine, cosine) = (0..WIDE).fold((0.0, 0.0), |(sine, cosine), x| {
                let angle = x as f64 / WIDE as f64 * std::f64::consts::TAU;
                let bright = if row[x] > 128 { 1.0 } else { 0.0 };
                (sine + bright * angle.sin(), cosine + bright * angle.cos())
            });
            f64::atan2(sine, cosine) / std::f64::consts::TAU * WIDE as f64
        };
        let middles: Vec<f64> = self.pictures().iter().map(middle).collect();
        let step =
            |pair: &[f64]| ((pair[1] - pair[0]).rem_euclid(WIDE as f64) / STEP as f64).round() as usize;
        middles.windows(2).map(|pair| step(pair) % (WIDE / STEP)).collect()
    }
}

/// Without combs, together with the sound, and each of its pictures is shown once.
#[track_caller]
pub(super) fn check(film: &Path) {
    let shown = Shown::of(film, &["--fps", "25"]);
    shown.assert(FLASHES, FLASHES);
    shown.assert_no_combs();
    check_moves(&shown, 2);
    let doubled = Shown::of(film, &["--fps", "50", "--deinterlace", "field"]);
    doubled.assert(FLASHES, FLASHES);
    doubled.assert_no_combs();
    check_moves(&doubled, 1);
}

/// The fields of a film are mixed in its pictures.
#[track_caller]
pub(super) fn check_has_combs(film: &Path) {
    let combs = combs(&pictures(film, WIDE, HIGH), WIDE, &ROWS);
    assert!(combs > MANY, "{combs}");
}

/// The same of pictures alone.
#[track_caller]
pub(super) fn check_combs_are_gone(film: &Path) {
    let shown = Shown::of(film, &["--fps", "25"]);
    assert!(shown.flashes.len() + 1 >= FLASHES, "{shown:#?}");
    shown.assert_no_combs();
    check_moves(&shown, 2);
}

/// Where the bar moves, it does so by so many fields: with fields in the wrong order it would go back and forth. A busy machine may show
/// pictures for longer, and leave others out.
#[track_caller]
fn check_moves(shown: &Shown, fields: usize) {
    let moves = shown.moves();
    let seen: Vec<_> = moves.iter().filter(|step| **step > 0).collect();
    let right = seen.iter().filter(|step| ***step == fields).count();
    assert!(right * 5 >= seen.len() * 4 && seen.len() * 2 >= moves.len(), "{moves:?}");
}

#[test]
fn interlaced_h264_has_no_combs() {
    check(&interlaced_film("mbaff.mkv", "tff", &[&X264[..], &["-x264-params", "tff=1"], &AAC].concat()));
    check(&interlaced_film("mbaff.ts", "bff", &[&X264[..], &["-x264-params", "bff=1"], &AAC].concat()));
    let with_b_frames = ["-preset", "veryfast", "-bf", "2", "-x264-params", "tff=1"];
    check(&interlaced_film("mbaff.mp4", "tff", &[&X264[..], &with_b_frames, &AAC].concat()));
}

#[test]
fn interlaced_mpeg_2_and_mpeg_4_have_no_combs() {
    let mpeg_2 = ["-c:v", "mpeg2video", "-q:v", "3", "-g", "12", "-bf", "2", "-c:a", "mp2"];
    check(&interlaced_film("broadcast.ts", "tff", &mpeg_2));
    check(&interlaced_film("dvd.vob", "bff", &[&mpeg_2[..], &["-f", "dvd"]].concat()));
    check(&interlaced_film("camcorder.avi", "tff", &["-c:v", "mpeg4", "-q:v", "3", "-c:a", "pcm_s16le"]));
}

#[test]
fn interlaced_pictures_that_only_the_container_names_have_no_combs() {
    for first in ["tff", "bff"] {
        check(&interlaced_film(
            "said.mov",
            first,
            &["-c:v", "huffyuv", "-pix_fmt", "yuv422p", "-c:a", "pcm_s16le"],
        ));
        check(&interlaced_film("said.mkv", first, &["-c:v", "utvideo", "-c:a", "pcm_s16le"]));
    }
    check(&interlaced_film(
        "studio.mov",
        "tff",
        &["-c:v", "prores_ks", "-pix_fmt", "yuv422p10", "-c:a", "pcm_s16le"],
    ));
}

#[test]
fn interlaced_dv_has_no_combs() {
    let (wide, high) = (768, 576);
    let graph = interlaced_of("720x576", 3, "bff");
    let tape =
        silent_film("tape.dv", &graph, &["-c:v", "dvvideo", "-pix_fmt", "yuv420p", "-vf", "setfield=bff"]);
    let combs_of = |words: &[&str]| {
        let shown = Shown::of(&tape, &[&["--size", "768x576", "--bitrate", "5M"], words].concat());
        combs(&pictures(&shown.joined, wide, high), wide, &(320..540))
    };
    let (left, gone) = (combs_of(&["--deinterlace", "off"]), combs_of(&[]));
    assert!(left > MANY && gone < FEW, "{left} and {gone}");
}

#[test]
fn interlaced_pictures_stay_as_they_are_when_the_user_says_so() {
    let film = interlaced_film("mbaff.mkv", "tff", &[&X264[..], &["-x264-params", "tff=1"], &AAC].concat());
    let shown = Shown::of(&film, &["--fps", "25", "--deinterlace", "off"]);
    shown.assert(FLASHES, FLASHES);
    let combs = combs(&shown.pictures(), WIDE, &ROWS);
    assert!(combs > MANY, "{combs}");
    check_moves(&shown, 2);
}

#[test]
fn a_progressive_source_is_not_touched() {
    let graph = moving(SECONDS, "320x180");
    let film = film("progressive.mkv", &graph, &sound(SECONDS), &[&X264[..], &AAC].concat());
    let shown = Shown::of(&film, &["--fps", "50"]);
    check_moves(&shown, 1);
    assert!(!shown.output.contains("interlaced"), "{}", shown.output);
}

/// A film that is progressive for three seconds, interlaced for three, and progressive again.
fn that_changes(name: &str, codings: [&[&str]; 2]) -> PathBuf {
    let part = |name: &str, graph: &str, coding: &[&str], at: &str| {
        let coding =
            [coding, &["-c:a", "aac", "-output_ts_offset", at, "-muxdelay", "0", "-f", "mpegts"]].concat();
        std::fs::read(film(name, graph, &sound(3), &coding)).expect("a film")
    };
    let progressive = format!("{},framestep=2", moving(3, "320x180"));
    let fields = [codings[1], &["-flags", "+ilme+ildct", "-vf", "setfield=tff"]].concat();
    let bytes = [
        part("first.ts", &progressive, codings[0], "10"),
        part("second.ts", &interlaced(3, "tff"), &fields, "13"),
        part("third.ts", &progressive, codings[0], "16"),
    ];
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interlaced");
    std::fs::create_dir_all(&directory).expect("room");
    let path = directory.join(name);
    std::fs::write(&path, bytes.concat()).expect("room");
    path
}

#[test]
fn a_source_that_begins_and_ceases_to_be_interlaced_has_no_combs_and_loses_nothing() {
    let fields = [&X264[..], &["-x264-params", "tff=1"]].concat();
    let h264 = that_changes("changes-h264.ts", [&X264, &fields]);
    let mpeg_2: &[&str] = &["-c:v", "mpeg2video", "-q:v", "3", "-g", "12"];
    let mpeg_2 = that_changes("changes-mpeg2.ts", [mpeg_2, mpeg_2]);
    for film in [h264, mpeg_2] {
        let shown = Shown::of(&film, &["--fps", "25"]);
        shown.assert(8, 8);
        shown.assert_no_combs();
        check_moves(&shown, 2);
    }
}

#[test]
fn an_interlaced_source_has_no_combs_in_any_size_of_a_ladder_with_parts() {
    let film = interlaced_film("mbaff.ts", "tff", &[&X264[..], &["-x264-params", "tff=1"], &AAC].concat());
    let shown = Shown::of(&film, &["--ladder", "320x180@600k,160x90@200k", "--low-latency", "--fps", "25"]);
    shown.assert(FLASHES, FLASHES);
    shown.assert_no_combs();
    let small = super::join(shown.webroot.path(), "live/90p");
    let combs = combs(&pictures(&small, 160, 90), 160, &(50..85));
    assert!(combs < FEW, "{combs}");
}

#[test]
fn interlaced_live_sources_have_no_combs() {
    let film = interlaced_film("mbaff.ts", "tff", &[&X264[..], &["-x264-params", "tff=1"], &AAC].concat());
    let webroot = tempfile::tempdir().expect("a directory");
    let source = LiveSource::of_film(&film);
    let words = [&source.url(), "--window", "1000", "--size", "320x180", "--fps", "25"];
    let live = LiveStream::start(webroot.path(), &words);
    wait_for("the end of the film", PATIENCE, || {
        live.publisher.output().contains("source lost").then_some(())
    });
    assert!(live.publisher.interrupt().success());
    let pulled = Shown::in_webroot(webroot, String::new());
    let words = ["--size", "320x180", "--fps", "25"];
    let pushed = Shown::of_push(&film, RTMP, "flv", &words, |place| place.replace("***", "KEY"));
    for shown in [pulled, pushed] {
        assert!(shown.flashes.len() + 1 >= FLASHES, "{shown:#?}");
        shown.assert(shown.flashes.len(), shown.flashes.len());
        let in_stream = shown.pictures();
        // Until the film ends there is no slate.
        let of_film = &in_stream[..in_stream.len().min((SECONDS as usize - 1) * 25)];
        let combs = combs(of_film, WIDE, &ROWS);
        assert!(combs < FEW, "{combs} are combs\n{shown:#?}");
    }
}

#[test]
fn films_of_a_list_are_deinterlaced_each_for_itself() {
    let fields =
        interlaced_film("fields.mkv", "tff", &[&X264[..], &["-x264-params", "tff=1"], &AAC].concat());
    let graph = format!("{},framestep=2", moving(SECONDS, "320x180"));
    let whole = film("whole.mkv", &graph, &sound(SECONDS), &[&X264[..], &AAC].concat());
    let directory = tempfile::tempdir().expect("a directory");
    let list = directory.path().join("films.m3u");
    let lines = [&fields, &whole, &fields].map(|film| format!("{}\n", film.display()));
    std::fs::write(&list, lines.concat()).expect("room");
    let shown = Shown::of(&list, &["--fps", "25"]);
    shown.assert(3 * SECONDS as usize - 1, 3 * SECONDS as usize - 1);
    shown.assert_no_combs();
}

#[test]
fn the_interlaced_film_of_these_tests_has_combs() {
    let film = made("combs.mkv", &["-f", "lavfi", "-i", &interlaced(2, "tff"), "-c:v", "ffv1"]);
    check_has_combs(&film);
}
