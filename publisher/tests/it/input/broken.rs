//! What is no film, or no longer one.

use super::media::{PICTURES, SOUND, film, made, next, open_file, play, settings};
use crate::support::programs::publisher;
use livedir_publisher::captured::Shows;
use livedir_publisher::source::Source;
use livedir_publisher::source::input::{self, InputAddress, InputError};
use std::path::Path;

#[track_caller]
fn check(path: &Path, expected: &str) {
    let error = open_file(path).err().expect("an error");
    let shown = error.to_string().replace(&path.display().to_string(), "PATH");
    assert_eq!(shown, expected);
}

#[test]
fn what_cannot_be_played_is_named_with_the_remedy() {
    let dir = tempfile::tempdir().expect("a directory");
    let at = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).expect("room");
        path
    };
    check(
        &dir.path().join("movie.mp4"),
        "no such file: PATH; check its name, or name another source: camera, screen, test, a URL, or -",
    );
    check(dir.path(), "PATH is a directory; name a file in it");
    let remedy = "give a whole .mp4, .mkv, .ts or the like";
    let is_no_media =
        |reason: &str| format!("PATH is not a media file that FFmpeg can read ({reason}); {remedy}");
    let invalid = is_no_media("invalid data found when processing input");
    check(&at("movie.txt", &b"Once upon a time there was no film.\n".repeat(99)), &is_no_media("it is text"));
    check(
        &at("noise.mp4", &(0..100_000_u32).map(|nr| (nr.wrapping_mul(nr) >> 7) as u8).collect::<Vec<_>>()),
        &invalid,
    );
    check(&at("empty.mp4", b""), &invalid);
    let subtitles = at("titles.srt", b"1\n00:00:00,000 --> 00:00:01,000\nOnce upon a time\n");
    check(
        &subtitles,
        "PATH has neither video nor sound; it holds: subtitles (subrip); give a source with one of them",
    );
    let film = made("silent.mp4", &["-f", "lavfi", "-i", PICTURES, "-t", "1"]);
    let settings = input::InputSettings { sound_alone: true, ..settings(InputAddress::File(film)) };
    let error = input::open(&settings).err().expect("an error").to_string();
    assert!(
        error.ends_with(
            "has no sound; it holds: video (h264); leave --no-video out, or give a source with sound"
        ),
        "{error}"
    );
}

#[test]
fn the_cover_of_a_song_is_no_picture_of_a_stream() {
    let cover = format!("{PICTURES}:duration=0.04");
    let maps = ["-map", "0", "-map", "1", "-disposition:v", "attached_pic", "-c:v", "mjpeg", "-t", "1"];
    let arguments = [&["-f", "lavfi", "-i", SOUND, "-f", "lavfi", "-i", &cover][..], &maps].concat();
    let path = made("song.mp3", &arguments);
    let format = open_file(&path).expect("a song").format();
    assert_eq!((format.shows, format.has_sound), (Shows::Nothing, true));
    assert!(format.description.ends_with("song.mp3, mp3 sound"), "{}", format.description);
}

#[test]
fn a_name_that_is_no_utf_8_is_played_as_any_other() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().expect("a directory");
    let named = |ending: &str| {
        dir.path().join(std::ffi::OsStr::from_bytes(&[b"film\xff.", ending.as_bytes()].concat()))
    };
    let copy = |film: &Path, ending: &str| {
        std::fs::copy(film, named(ending)).expect("room");
        open_file(&named(ending))
    };
    std::fs::write(named("ts"), b"x").expect("room");
    assert!(matches!(open_file(&named("ts")), Err(InputError::NotMedia { .. })));
    assert!(matches!(open_file(&named("mkv")), Err(InputError::NoSuchFile(_))));
    // The index of an MP4 is at its end, raw video has an ending only, and an image is one file.
    for ending in ["mp4", "h264"] {
        let film = film(&format!("named.{ending}"), if ending == "mp4" { &[] } else { &["-an"] });
        assert!(!play(&mut copy(&film, ending).expect("a film")).is_empty(), "{ending}");
    }
    let image = made("named.png", &["-f", "lavfi", "-i", PICTURES, "-frames:v", "1"]);
    assert!(matches!(copy(&image, "png"), Err(InputError::StillPicture(_))));
    // As it is typed.
    let webroot = tempfile::tempdir().expect("a directory");
    let mut live = publisher();
    live.arg("live").arg(named("mp4")).args(["--size", "64x48", "--webroot"]).arg(webroot.path());
    let ended = live.output().expect("the publisher");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(webroot.path().join("live/seg-00000001.ts").exists());
}

#[test]
fn standard_input_cannot_be_looped() {
    let looped = input::InputSettings { loop_forever: true, ..settings(InputAddress::Stdin) };
    assert_eq!(input::open(&looped).err(), Some(InputError::LoopedPipe));
}

/// Plays it to its end if it opens at all; the number of pieces.
fn survive(path: &Path) -> usize {
    let Ok(mut input) = open_file(path) else { return 0 };
    let mut pieces = 0;
    while let Ok(Some(_)) = next(&mut input) {
        pieces += 1;
    }
    pieces
}

/// What is done to the bytes of a good file.
type Damage<'a> = &'a (dyn Fn(&mut Vec<u8>) + Sync);

/// Plays `bytes` after each of `damages`, all at the same time; the number of pieces of each.
fn survive_all(name: &str, bytes: &[u8], damages: &[Damage]) -> Vec<usize> {
    let dir = tempfile::tempdir().expect("a directory");
    std::thread::scope(|scope| {
        let play = |(nr, damage): (usize, &Damage)| {
            let mut bytes = bytes.to_vec();
            damage(&mut bytes);
            let path = dir.path().join(format!("{nr}-{name}"));
            std::fs::write(&path, bytes).expect("room");
            scope.spawn(move || survive(&path))
        };
        let threads: Vec<_> = damages.iter().enumerate().map(play).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

#[test]
fn a_file_that_is_cut_off_plays_as_far_as_it_goes() {
    let bytes = std::fs::read(film("film.ts", &["-muxdelay", "0", "-pat_period", "0.1"])).expect("a film");
    let whole = bytes.len();
    let cut_to = |length: usize| move |bytes: &mut Vec<u8>| bytes.truncate(length);
    let pieces = survive_all(
        "cut.ts",
        &bytes,
        &[&cut_to(1), &cut_to(187), &cut_to(5000), &cut_to(whole / 2 + 77), &cut_to(whole - 100)],
    );
    assert_eq!(pieces[0], 0);
    assert!(pieces[3] > 15 && pieces[4] > pieces[3], "{pieces:?}");
}

#[test]
fn an_mp4_that_is_cut_off_never_panics() {
    let at_the_end = std::fs::read(film("film.mp4", &[])).expect("a film");
    let in_front = std::fs::read(film("front.mp4", &["-movflags", "+faststart"])).expect("a film");
    let cut_by =
        |percent: usize| move |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() * (100 - percent) / 100);
    let pieces = survive_all("end.mp4", &at_the_end, &[&cut_by(0), &cut_by(1), &cut_by(50), &cut_by(99)]);
    assert!(pieces[0] > 65 && pieces[2..] == [0, 0], "without its index it is no film: {pieces:?}");
    let pieces = survive_all("front.mp4", &in_front, &[&cut_by(10), &cut_by(50), &cut_by(90), &cut_by(99)]);
    assert!(pieces[0] > pieces[1] && pieces[1] > 15, "with it in front it is what is left: {pieces:?}");
}

#[test]
fn damage_in_the_middle_costs_only_what_is_damaged() {
    let bytes = std::fs::read(film("film.ts", &["-muxdelay", "0", "-pat_period", "0.1"])).expect("a film");
    let noise = |from: usize, to: usize| {
        move |bytes: &mut Vec<u8>| {
            let length = bytes.len();
            for (nr, byte) in bytes[length * from / 10..length * to / 10].iter_mut().enumerate() {
                *byte = (nr.wrapping_mul(nr) >> 5) as u8;
            }
        }
    };
    let flips = |every: usize| {
        move |bytes: &mut Vec<u8>| bytes.iter_mut().step_by(every).for_each(|byte| *byte ^= 64)
    };
    let pieces = survive_all("noise.ts", &bytes, &[&noise(4, 6), &flips(997), &flips(101), &noise(0, 10)]);
    assert!(pieces[0] > 30, "{pieces:?}");
    assert_eq!(pieces[3], 0);
}
