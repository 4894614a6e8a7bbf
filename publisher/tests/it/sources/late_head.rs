//! Sound whose head comes long after the picture, as phones and hardware encoders push it.

use super::{H264, Shown, film, picture, sound};
use crate::input::pushed::Listening;
use crate::support::rtmp_client::push_flv;

/// The first sound comes at this time.
const SOUND_MS: u32 = 2500;

/// Tags of an FLV file (Adobe FLV 10.1, E.4): header, body and the size behind it.
fn tags(flv: &[u8]) -> Vec<&[u8]> {
    let mut tags = Vec::new();
    let mut rest = &flv[13..];
    while rest.len() >= 11 {
        let bytes = u32::from_be_bytes([0, rest[1], rest[2], rest[3]]) as usize + 15;
        let (tag, after) = rest.split_at(bytes);
        tags.push(tag);
        rest = after;
    }
    tags
}

/// A film whose sound begins late, and its configuration with it. Its metadata says that there is sound of 44.1 kHz, which is wrong;
/// or nothing of sound.
fn late_sound(metadata_tells: bool) -> Vec<u8> {
    let whole = film("whole.flv", &picture("25", 10), &sound(10), &[&H264[..], &["-c:a", "aac"]].concat());
    let whole = std::fs::read(whole).expect("a film");
    let replace = |tag: &[u8], from: &[u8], to: &[u8]| {
        let mut tag = tag.to_vec();
        let at = tag.windows(from.len()).position(|window| window == from).expect("it is there");
        tag[at..at + from.len()].copy_from_slice(to);
        tag
    };
    let mut late = b"FLV\x01\x00\x00\x00\x00\x09\x00\x00\x00\x00".to_vec();
    let mut configuration = Vec::new();
    for tag in tags(&whole) {
        let time_ms = u32::from_be_bytes([tag[7], tag[4], tag[5], tag[6]]);
        match (tag[0], tag[12]) {
            (18, _) if metadata_tells => {
                late.extend(replace(tag, &48_000_f64.to_be_bytes(), &44_100_f64.to_be_bytes()));
            }
            (18, _) => {
                let fields = ["audiocodecid", "audiosamplerate", "audiosamplesize", "stereo"];
                let without = fields.iter().fold(tag.to_vec(), |tag, field| {
                    replace(&tag, field.as_bytes(), &vec![b'x'; field.len()])
                });
                late.extend(without);
            }
            // AAC: 0 is its configuration (E.4.2.1).
            (8, 0) => configuration = tag.to_vec(),
            (8, _) if time_ms < SOUND_MS => {}
            (8, _) => {
                if let [_, _, _, _, time @ ..] = &mut configuration[..] {
                    time[..4].copy_from_slice(&tag[4..8]);
                }
                late.append(&mut configuration);
                late.extend(tag);
            }
            _ => late.extend(tag),
        }
    }
    late
}

#[track_caller]
fn check_file(words: &[&str]) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("late.flv");
    std::fs::write(&path, late_sound(true)).expect("room");
    let shown = Shown::of(&path, words);
    shown.assert(9, 7);
    assert!((shown.pitch_hz() - 1000.0).abs() < 15.0, "{} Hz", shown.pitch_hz());
}

#[test]
fn sound_whose_configuration_comes_late_has_the_pitch_that_it_says() {
    check_file(&[]);
}

#[test]
fn sound_whose_configuration_comes_late_is_copied_as_it_says() {
    check_file(&["--copy"]);
}

#[test]
fn sound_that_joins_a_push_late_is_heard_at_its_pitch() {
    for metadata_tells in [true, false] {
        let webroot = tempfile::tempdir().expect("a directory");
        let address = "rtmp://127.0.0.1:0/live/KEY?listen=1";
        let mut listening = Listening::start_with(webroot.path(), address, &["--window", "1000"]);
        push_flv(&listening.address.replace("***", "KEY"), &late_sound(metadata_tells));
        listening.wait_for_loss(1);
        assert!(listening.live.publisher.interrupt().success());
        let shown = Shown::in_webroot(webroot, String::new());
        shown.assert(10, 7);
        assert!((shown.pitch_hz() - 1000.0).abs() < 15.0, "{} Hz", shown.pitch_hz());
    }
}
