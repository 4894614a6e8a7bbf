//! Times of what is copied: a single wild one is put right, and what has none that can be used is refused with the true reason.

use super::container_says::{check_encoded_instead, refusal};
use super::{H264, Shown, film, picture, silent_film, sound};
use std::path::{Path, PathBuf};

const SECONDS: u32 = 12;
const TICKS: i64 = 90_000;
/// The PIDs of the ffmpeg program.
const PICTURE_PID: u16 = 0x100;
const SOUND_PID: u16 = 0x101;

fn base(name: &str) -> PathBuf {
    let coding = [&H264[..], &["-bf", "2", "-c:a", "aac"]].concat();
    film(name, &picture("25", SECONDS), &sound(SECONDS), &coding)
}

/// The same bytes, changed.
fn changed(file: &Path, name: &str, change: impl FnOnce(&mut [u8])) -> PathBuf {
    let mut bytes = std::fs::read(file).expect("a film");
    change(&mut bytes);
    let path = file.with_file_name(name);
    std::fs::write(&path, bytes).expect("room");
    path
}

fn pid(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[1] & 0x1f, packet[2]])
}

/// Where the payload of a transport packet begins.
fn payload(packet: &[u8]) -> usize {
    if packet[3] & 0x20 == 0 { 4 } else { 5 + usize::from(packet[4]) }
}

/// A PTS or DTS (ISO 13818-1 2.4.3.7) becomes later.
fn shift_stamp(stamp: &mut [u8], by_90k: i64) {
    let bits = stamp.iter().fold(0, |bits, byte| bits << 8 | i64::from(*byte));
    let value = ((bits >> 33) & 7) << 30 | ((bits >> 17) & 0x7fff) << 15 | ((bits >> 1) & 0x7fff);
    let value = (value + by_90k).rem_euclid(1 << 33);
    // With a marker behind each of the three pieces.
    let pieces = (value >> 30) << 33 | ((value >> 15) & 0x7fff) << 17 | (value & 0x7fff) << 1;
    let kept = bits & 0xf1_0001_0001;
    stamp.copy_from_slice(&(kept | pieces).to_be_bytes()[3..]);
}

/// The times of one PES packet of a PID are off.
fn wild_in_ts(bytes: &mut [u8], of: u16, nr: usize, by_90k: i64) {
    let begins = |packet: &&mut [u8]| pid(packet) == of && packet[1] & 0x40 != 0;
    let packet = bytes.chunks_exact_mut(188).filter(begins).nth(nr).expect("so many");
    let from = payload(packet);
    let pes = &mut packet[from..];
    shift_stamp(&mut pes[9..14], by_90k);
    if pes[7] & 0x40 != 0 {
        shift_stamp(&mut pes[14..19], by_90k);
    }
}

/// The time of one tag of pictures is off.
fn wild_in_flv(bytes: &mut [u8], nr: usize, by_ms: i64) {
    let (mut at, mut pictures) = (13, 0);
    loop {
        let tag = &mut bytes[at..];
        let size = u32::from_be_bytes([0, tag[1], tag[2], tag[3]]);
        if tag[0] == 9 {
            if pictures == nr {
                let time_ms = i64::from(u32::from_be_bytes([tag[7], tag[4], tag[5], tag[6]])) + by_ms;
                let [high, rest @ ..] = (time_ms as u32).to_be_bytes();
                tag[4..7].copy_from_slice(&rest);
                tag[7] = high;
                return;
            }
            pictures += 1;
        }
        at += 15 + size as usize;
    }
}

#[track_caller]
fn check_put_right(film: &Path) {
    for words in [&["--copy", "--fast"][..], &["--copy", "--fast", "--low-latency"]] {
        let shown = Shown::of(film, words);
        let said = &shown.output;
        assert!(!said.contains("further apart") && !said.contains("refused"), "{}: {said}", film.display());
        shown.assert(SECONDS as usize - 1, SECONDS as usize - 1);
        // Each picture is there, and each at its own time.
        let mut times = shown.picture_times();
        times.sort_by(f64::total_cmp);
        assert_eq!(times.len(), SECONDS as usize * 25, "{}", film.display());
        let steps = times.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(steps.clone().all(|step| (step - 0.04).abs() < 0.002), "{}: {:?}", film.display(), times);
    }
}

#[test]
fn one_wild_timestamp_among_hundreds_is_put_right() {
    let of_ts = base("base.ts");
    for (nr, by_s) in [(60, 5), (60, -60), (200, 20), (200, -3), (250, 40_000)] {
        check_put_right(&changed(&of_ts, "wild.ts", |it| wild_in_ts(it, PICTURE_PID, nr, by_s * TICKS)));
    }
    check_put_right(&changed(&of_ts, "wild-sound.ts", |it| wild_in_ts(it, SOUND_PID, 20, 7 * TICKS)));
    let of_flv = base("base.flv");
    for (nr, by_ms) in [(60, 5_000), (150, -3_000), (200, 20_000), (250, 2_000_000_000)] {
        check_put_right(&changed(&of_flv, "wild.flv", |it| wild_in_flv(it, nr, by_ms)));
    }
}

#[test]
fn b_frames_without_presentation_times_are_refused_or_encoded_in_their_order() {
    let reason = "its B-frames have no presentation times";
    for name in ["untimed.avi", "untimed.h264"] {
        let film = silent_film(name, &picture("25", SECONDS), &[&H264[..], &["-bf", "2"]].concat());
        let shown = check_encoded_instead(&film, reason);
        assert!(shown.flashes.len() + 3 >= SECONDS as usize, "{shown:#?}");
        // Without B-frames the times of decoding are those of showing.
        let film = silent_film(name, &picture("25", SECONDS), &H264);
        let shown = Shown::of(&film, &["--copy", "--fast"]);
        assert_eq!(shown.flashes.len() + 1, SECONDS as usize, "{name}: {shown:#?}");
    }
}

#[test]
fn what_is_scrambled_is_called_so() {
    let scrambled = changed(&base("base.ts"), "scrambled.ts", |bytes| {
        for packet in bytes.chunks_exact_mut(188).filter(|it| [PICTURE_PID, SOUND_PID].contains(&pid(it))) {
            let from = payload(packet);
            packet[3] |= 0x80;
            for (at, byte) in packet[from..].iter_mut().enumerate() {
                *byte ^= (at * 79) as u8 | 1;
            }
        }
    });
    let refusal = refusal(&scrambled);
    assert!(refusal.contains("none of its frames can be read, as in a scrambled broadcast"), "{refusal}");
}

#[test]
fn a_film_without_idr_frames_is_refused_for_that() {
    let coding = [&H264[..], &["-x264-params", "intra-refresh=1"]].concat();
    let film = silent_film("refresh.ts", &picture("25", SECONDS), &coding);
    let refusal = refusal(&film);
    assert!(refusal.contains("its keyframes are at least"), "{refusal}");
}
