//! Sound in the forms that cameras and films have it in.

use super::{H264, Shown, film, picture, sound};

#[track_caller]
fn check(name: &str, coding: &[&str]) {
    let coding = [&H264[..], coding].concat();
    let film = film(name, &picture("25", 6), &sound(6), &coding);
    let shown = Shown::of(&film, &[]);
    shown.assert(5, 5);
    assert!((shown.pitch_hz() - 1000.0).abs() < 15.0, "{name}: {} Hz", shown.pitch_hz());
    let warnings = shown.output.lines().filter(|line| line.contains("sound") && line.contains("WARN"));
    assert_eq!(warnings.count(), 0, "{}", shown.output);
}

#[test]
fn g711_of_cameras_is_heard() {
    check("alaw.mkv", &["-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1"]);
    check("mulaw.mov", &["-c:a", "pcm_mulaw", "-ar", "8000", "-ac", "1"]);
}

#[test]
fn pcm_and_adpcm_without_a_channel_layout_are_heard() {
    check("mono.avi", &["-c:a", "pcm_s16le", "-ac", "1"]);
    check("stereo.mov", &["-c:a", "pcm_s16be", "-ac", "2"]);
    check("adpcm.avi", &["-c:a", "adpcm_ms", "-ac", "2"]);
}

#[test]
fn sound_of_many_channels_is_heard() {
    check("six.avi", &["-c:a", "pcm_s16le", "-af", "pan=6c|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0"]);
    // No layout has eleven.
    let eleven =
        "asplit=11[a][b][c][d][e][f][g][h][i][j][k];[a][b][c][d][e][f][g][h][i][j][k]amerge=inputs=11";
    check("eleven.mkv", &["-c:a", "pcm_s16le", "-af", eleven]);
}

#[test]
fn sound_that_begins_long_before_the_picture_is_heard_from_its_start() {
    let whole = film("whole.mp4", &picture("25", 8), &sound(8), &[&H264[..], &["-c:a", "aac"]].concat());
    let whole = whole.to_str().expect("a plain path");
    let late = crate::input::media::made(
        "late.mkv",
        &["-i", whole, "-itsoffset", "4", "-i", whole, "-map", "0:a", "-map", "1:v", "-c", "copy"],
    );
    let shown = Shown::of(&late, &[]);
    // Seconds 1 to 7 of the sound, 0 to 7 of a picture that begins 4 s later: 80 frames.
    assert!((5..=7).contains(&shown.beeps.iter().filter(|beep| **beep < 9.5).count()), "{shown:#?}");
    shown.assert(8, 4);
    assert!((76..=84).contains(&shown.slate_frames), "{shown:#?}");
}
