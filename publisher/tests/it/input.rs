//! Inputs against files that the ffmpeg program made, whole and broken, and against sources on the loopback network.

mod broken;
pub mod cameras;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod enhanced;
mod lists;
pub mod media;
mod network;
#[cfg(target_os = "linux")]
mod obs;
mod off_clock;
pub mod pushed;
#[cfg(target_os = "linux")]
mod screen;
mod session;
mod stdin;
mod tracks;

use livedir_publisher::source::Source;
use livedir_publisher::source::input::{self, InputAddress, InputSettings};
use media::{
    Content, PICTURES, SOUND, film, first_picture, made, moments, ms_between, open_file, play, settings,
    sound_s, steps_ms,
};
use std::collections::VecDeque;

#[test]
fn a_film_is_handed_out_whole_and_in_step() {
    let mut input = open_file(&film("film.mp4", &[])).expect("a film");
    let format = input.format();
    assert_eq!((format.width, format.height, format.has_sound), (160, 120, true));
    assert!(format.description.ends_with("film.mp4, h264 at 25 fps, aac sound"), "{}", format.description);

    let pieces = play(&mut input);
    let pictures = moments(&pieces, true);
    assert_eq!(pictures.len(), 25);
    let (least, most) = steps_ms(&pictures);
    assert!((39.9..40.1).contains(&least) && (39.9..40.1).contains(&most), "{least} to {most} ms");
    assert!((0.95..1.1).contains(&sound_s(&pieces)), "{} s of sound", sound_s(&pieces));
    let sounds = moments(&pieces, false);
    assert!(ms_between(pictures[0], sounds[0]).abs() < 25.0);
    assert!(pieces.iter().all(|piece| piece.handed_out_at >= piece.captured_at), "nothing is early");
    assert!(pieces.is_sorted_by_key(|piece| piece.captured_at), "picture and sound come in one order");
    assert!(matches!(input.read(std::time::Duration::ZERO), Ok(livedir_publisher::source::Read::End)));
}

#[test]
fn sound_that_stands_a_second_late_in_the_file_is_not_late() {
    let plain = film("film.ts", &["-muxdelay", "0", "-pat_period", "0.1", "-t", "3"]);
    let bytes = std::fs::read(&plain).expect("the film");
    let dir = tempfile::tempdir().expect("a directory");
    let skewed = dir.path().join("skewed.ts");
    std::fs::write(&skewed, delay_packets(&bytes, 0x101, bytes.len() / 188 / 3)).expect("room");

    let offset_ms = |path| {
        let pieces = play(&mut open_file(path).expect("a film"));
        assert!(pieces.is_sorted_by_key(|piece| piece.captured_at), "picture and sound come in one order");
        assert_eq!(moments(&pieces, true).len(), 75);
        assert!((2.95..3.1).contains(&sound_s(&pieces)), "{} s of sound", sound_s(&pieces));
        ms_between(moments(&pieces, true)[0], moments(&pieces, false)[0])
    };
    let (plain, skewed) = (offset_ms(&plain), offset_ms(&skewed));
    assert!((plain - skewed).abs() < 1.0, "{plain} ms in the plain file, {skewed} in the skewed one");
}

/// Moves the packets of one stream back by `distance` packets.
fn delay_packets(transport_stream: &[u8], pid: u16, distance: usize) -> Vec<u8> {
    let mut moved = Vec::new();
    let mut held = VecDeque::new();
    for (position, packet) in transport_stream.chunks_exact(188).enumerate() {
        while held.front().is_some_and(|&(since, _)| since + distance <= position) {
            moved.extend_from_slice(held.pop_front().expect("it is there").1);
        }
        if u16::from_be_bytes([packet[1], packet[2]]) & 0x1fff == pid {
            held.push_back((position, packet));
        } else {
            moved.extend_from_slice(packet);
        }
    }
    assert!(!held.is_empty() && held.len() < transport_stream.len() / 188 / 2, "the right stream");
    moved.extend(held.into_iter().flat_map(|(_, packet)| packet));
    moved
}

#[test]
fn the_longer_of_picture_and_sound_goes_on_to_its_end() {
    let lengths = |picture: &str, sound: &str| {
        let pictures = format!("{PICTURES}:duration={picture}");
        let sounds = format!("{SOUND}:duration={sound}");
        let path = made("uneven.mkv", &["-f", "lavfi", "-i", &pictures, "-f", "lavfi", "-i", &sounds]);
        let pieces = play(&mut open_file(&path).expect("a film"));
        (moments(&pieces, true).len(), sound_s(&pieces))
    };
    let (pictures, sound) = lengths("2", "0.5");
    assert!(pictures == 50 && (0.4..0.6).contains(&sound), "{pictures} pictures, {sound} s of sound");
    let (pictures, sound) = lengths("0.4", "2");
    assert!(pictures == 10 && (1.9..2.1).contains(&sound), "{pictures} pictures, {sound} s of sound");
}

#[test]
fn a_film_without_sound_is_a_film() {
    let path = film("silent.mp4", &["-an", "-t", "0.4"]);
    let mut input = open_file(&path).expect("a film");
    assert!(!input.format().has_sound);
    let pieces = play(&mut input);
    assert_eq!((moments(&pieces, true).len(), pieces.len()), (10, 10));
}

#[test]
fn a_phone_held_on_its_side_gives_upright_pictures() {
    let stored = film("stored.mp4", &["-an", "-t", "0.2"]);
    let stored = stored.to_str().expect("a plain path");
    for degrees in ["90", "180", "270"] {
        let rotate = format!("rotate={degrees}");
        let path = made("phone.mp4", &["-i", stored, "-c", "copy", "-metadata:s:v", &rotate]);
        // The ffmpeg program turns what it reads in its own way: a second opinion.
        let path_name = path.to_str().expect("a plain path");
        let gray =
            made("upright.raw", &["-i", path_name, "-frames:v", "1", "-vf", "format=gray", "-f", "rawvideo"]);
        let expected = std::fs::read(gray).expect("the picture");

        let mut input = open_file(&path).expect("a film");
        let format = input.format();
        let (width, picture) = first_picture(&mut input);
        let upright = if degrees == "180" { (160, 120) } else { (120, 160) };
        assert_eq!((format.width, format.height), upright, "{degrees}");
        assert!(format.description.ends_with(", turned upright"), "{}", format.description);
        assert_eq!((width, picture.len()), (upright.0, 160 * 120), "{degrees}");
        // libswscale may stretch the range on the way to gray, therefore the distance and not equality.
        let distance: u64 = picture.iter().zip(&expected).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!(distance / (160 * 120) < 20, "{degrees}: mean distance {}", distance / (160 * 120));
    }
}

#[test]
fn pictures_with_oblong_pixels_are_described_in_square_ones() {
    let path = film("wide.mp4", &["-an", "-t", "0.2", "-vf", "setsar=4/3"]);
    let format = open_file(&path).expect("a film").format();
    assert_eq!((format.width, format.height), (213, 120));
    // Here the container alone says so, and the codec the contrary.
    let path = path.to_str().expect("a plain path");
    let path = made("container.mkv", &["-i", path, "-c", "copy", "-aspect", "8:3"]);
    let mut input = open_file(&path).expect("a film");
    assert_eq!((input.format().width, input.format().height), (320, 120));
    assert_eq!(play(&mut input)[0].content, Content::Picture { width: 160, height: 120 });
}

#[test]
fn a_loop_goes_on_without_a_seam() {
    let sounds = format!("{SOUND}:duration=0.7");
    let pictures = format!("{PICTURES}:duration=0.4");
    let path = made("loop.mp4", &["-f", "lavfi", "-i", &pictures, "-f", "lavfi", "-i", &sounds]);
    let once = play(&mut open_file(&path).expect("a film"));
    let sounds_a_round = moments(&once, false).len();

    let looped = InputSettings { loop_forever: true, ..settings(InputAddress::File(path)) };
    let mut input = input::open(&looped).expect("a film");
    let mut pieces = Vec::new();
    while moments(&pieces, true).len() < 31 || moments(&pieces, false).len() < 3 * sounds_a_round + 1 {
        pieces.push(media::next(&mut input).expect("a loop").expect("no end"));
    }
    let (pictures, sounds) = (moments(&pieces, true), moments(&pieces, false));
    let round_ms = ms_between(pictures[0], pictures[10]);
    assert!((690.0..760.0).contains(&round_ms), "a round of {round_ms} ms is as long as its sound");
    for round in 1..=3 {
        let expected = round_ms * f64::from(round);
        let picture = ms_between(pictures[0], pictures[10 * round as usize]);
        let sound = ms_between(sounds[0], sounds[sounds_a_round * round as usize]);
        assert!((picture - expected).abs() < 1.0, "pictures of round {round} at {picture} ms");
        assert!((sound - expected).abs() < 1.0, "sound of round {round} at {sound} ms");
    }
    let (_, most) = steps_ms(&sounds);
    assert!(most < 45.0, "a hole of {most} ms in the sound");
}

#[test]
fn a_still_picture_can_be_looped() {
    let path = made("still.png", &["-f", "lavfi", "-i", PICTURES, "-frames:v", "1"]);
    let looped = InputSettings { loop_forever: true, ..settings(InputAddress::File(path)) };
    let mut input = input::open(&looped).expect("a picture");
    let pieces: Vec<_> = (0..10).map(|_| media::next(&mut input).expect("a loop").expect("no end")).collect();
    let (least, most) = steps_ms(&moments(&pieces, true));
    assert!(least > 39.9 && most < 40.1, "{least} to {most} ms");
}

#[test]
fn a_timeline_that_jumps_leaves_no_hole() {
    for (first, second) in [("0", "500"), ("500", "0")] {
        let part = |offset| film("part.ts", &["-muxdelay", "0", "-output_ts_offset", offset]);
        let mut bytes = std::fs::read(part(first)).expect("a part");
        bytes.extend(std::fs::read(part(second)).expect("a part"));
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("spliced.ts");
        std::fs::write(&path, bytes).expect("room");

        let pieces = play(&mut open_file(&path).expect("a film"));
        let (pictures, sounds) = (moments(&pieces, true), moments(&pieces, false));
        assert_eq!(pictures.len(), 50, "{first} to {second}");
        for moments in [&pictures, &sounds] {
            let (_, most) = steps_ms(moments);
            assert!(most < 100.0, "{first} to {second}: a hole of {most} ms");
        }
        let drift_ms = ms_between(pictures[49], sounds[sounds.len() - 1]);
        assert!(
            drift_ms.abs() < 100.0,
            "{first} to {second}: the sound ends {drift_ms} ms after the pictures"
        );
    }
}

#[test]
fn a_local_playlist_plays_the_files_beside_it() {
    let film = film("film.mp4", &[]);
    let dir = tempfile::tempdir().expect("a directory");
    let playlist = dir.path().join("list.m3u8");
    let status = std::process::Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-t", "1", "-i"])
        .arg(film)
        .args(["-c", "copy", "-hls_playlist_type", "vod", "-hls_time", "1"])
        .arg(&playlist)
        .status();
    assert!(status.expect("the ffmpeg program").success());
    let pieces = play(&mut open_file(&playlist).expect("a playlist"));
    assert!(moments(&pieces, true).len() >= 24);
}
