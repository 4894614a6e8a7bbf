//! H.264 that codes each field as a picture of its own (PAFF), as broadcasters and camcorders do. No free encoder makes it, so these streams
//! are written here: every macroblock holds its samples as they are (`I_PCM`, ITU-T H.264 7.3.5), which any decoder takes.

use super::interlaced::{FLASHES, SECONDS, check, check_combs_are_gone, check_has_combs, interlaced_of};
use super::{Shown, sound};
use crate::input::media::{made, put_beside};
use crate::support::media::run;
use std::path::{Path, PathBuf};
use std::process::Command;

const WIDE: usize = 320;
/// With the rows that are cropped: a field has whole macroblocks.
const HIGH: usize = 192;
const FRAMES_A_KEYFRAME: usize = 25;

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits of the last byte.
    used: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) -> &mut Self {
        for bit in (0..count).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
                self.used = 0;
            }
            let last = self.bytes.last_mut().expect("a byte");
            *last |= ((value >> bit & 1) as u8) << (7 - self.used);
            self.used += 1;
        }
        self
    }

    /// ue(v); also se(v) of 0.
    fn golomb(&mut self, value: u32) -> &mut Self {
        let bits = (value + 1).ilog2();
        self.put(0, bits).put(value + 1, bits + 1)
    }

    fn align(&mut self) -> &mut Self {
        self.used = 0;
        self
    }

    /// A NAL unit behind its start code, with nothing in it that looks like one (7.4.1).
    fn nal_unit(mut self, head: u8) -> Vec<u8> {
        self.put(1, 1);
        let (mut unit, mut zeros) = (vec![0, 0, 0, 1, head], 0);
        for byte in self.bytes {
            if zeros == 2 && byte <= 3 {
                unit.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            unit.push(byte);
        }
        unit
    }
}

/// Main profile, 320x180 of field pictures, 25 frames a second.
fn parameter_sets() -> Vec<u8> {
    let mut sps = Bits::default();
    sps.put(77, 8).put(0, 8).put(30, 8).golomb(0);
    // frame_num has 4 bits, the order of pictures 8; one reference frame, no gaps; macroblocks of a field.
    sps.golomb(0).golomb(0).golomb(4).golomb(1).put(0, 1);
    sps.golomb(WIDE as u32 / 16 - 1).golomb(HIGH as u32 / 32 - 1);
    // Not frames only, and none that change within a picture; 12 rows cropped below, in units of 4.
    sps.put(0, 1).put(0, 1).put(1, 1).put(1, 1).golomb(0).golomb(0).golomb(0).golomb(3);
    // VUI: nothing but 50 fields a second.
    sps.put(1, 1).put(0, 4).put(1, 1).put(1, 32).put(50, 32).put(1, 1).put(0, 4);
    let mut pps = Bits::default();
    // CAVLC, one slice group, one reference, no weights; the deblocking filter can be turned off.
    pps.golomb(0).golomb(0).put(0, 2).golomb(0).golomb(0).golomb(0).put(0, 3);
    pps.golomb(0).golomb(0).golomb(0).put(1, 1).put(0, 2);
    [sps.nal_unit(0x67), pps.nal_unit(0x68)].concat()
}

/// One field of a frame: an access unit delimiter, and a slice of samples.
fn field(frame: &[u8], number: usize, is_bottom: bool, is_first: bool) -> Vec<u8> {
    let at = number % FRAMES_A_KEYFRAME;
    let is_idr = at == 0 && is_first;
    let mut slice = Bits::default();
    slice.golomb(0).golomb(7).golomb(0).put(at as u32 % 16, 4).put(1, 1).put(u32::from(is_bottom), 1);
    if is_idr {
        slice.golomb(number as u32 / FRAMES_A_KEYFRAME as u32 % 2);
    }
    slice.put((2 * at + usize::from(!is_first)) as u32, 8);
    slice.put(0, if is_idr { 2 } else { 1 }).golomb(0).golomb(1);
    let planes = [(0, WIDE, 16), (WIDE * HIGH, WIDE / 2, 8), (WIDE * HIGH * 5 / 4, WIDE / 2, 8)];
    for row in 0..HIGH / 32 {
        for column in 0..WIDE / 16 {
            slice.golomb(25).align();
            for (from, wide, side) in planes {
                for line in 0..side {
                    let line = 2 * (row * side + line) + usize::from(is_bottom);
                    let start = from + line * wide + column * side;
                    slice.bytes.extend_from_slice(&frame[start..start + side]);
                }
            }
        }
    }
    let sets = if is_idr { parameter_sets() } else { Vec::new() };
    [&[0, 0, 0, 1, 9, 0xf0][..], &sets, &slice.nal_unit(if is_idr { 0x65 } else { 0x61 })].concat()
}

/// The film of the tests of interlaced sources, in field pictures; `first` says which field is taken first.
fn raw(first: &str) -> PathBuf {
    let graph =
        interlaced_of("320x180", SECONDS, first).replacen(",tinterlace", ",pad=320:192,tinterlace", 1);
    let frames = made(
        &format!("{first}.yuv"),
        &["-f", "lavfi", "-i", &graph, "-f", "rawvideo", "-pix_fmt", "yuv420p"],
    );
    let path = frames.clone();
    let frames = std::fs::read(frames).expect("frames");
    let coded = frames.chunks_exact(WIDE * HIGH * 3 / 2).enumerate().flat_map(|(number, frame)| {
        let is_bottom_first = first == "bff";
        [field(frame, number, is_bottom_first, true), field(frame, number, !is_bottom_first, false)].concat()
    });
    put_beside(&path, &format!("paff-{first}.h264"), &coded.collect::<Vec<_>>())
}

fn in_container(name: &str, first: &str) -> PathBuf {
    let raw = raw(first);
    let directory = tempfile::tempdir().expect("a directory");
    let film = directory.path().join(name);
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-framerate", "25", "-i"]).arg(&raw);
    ffmpeg.args(["-f", "lavfi", "-i", &sound(SECONDS), "-c:v", "copy", "-c:a", "aac"]).arg(&film);
    run(&mut ffmpeg);
    put_beside(&raw, &format!("paff-{first}-{name}"), &std::fs::read(film).expect("a film"))
}

/// Each picture as the ffmpeg program decodes it.
fn pictures(file: &Path) -> Vec<String> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-i"]).arg(file);
    let hashes = run(ffmpeg.args(["-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-"]));
    let hashes = String::from_utf8(hashes).expect("text");
    let hashes = hashes.lines().filter(|line| !line.starts_with('#'));
    hashes.filter_map(|line| line.rsplit(',').next().map(str::to_owned)).collect()
}

#[test]
fn field_pictures_have_no_combs() {
    let broadcast = in_container("broadcast.ts", "tff");
    check_has_combs(&broadcast);
    check(&broadcast);
    check(&in_container("camcorder.mkv", "bff"));
}

#[test]
fn field_pictures_are_copied_as_they_are() {
    for words in [&["--copy", "--fast"][..], &["--copy", "--fast", "--low-latency"]] {
        let film = in_container("broadcast.ts", "tff");
        let shown = Shown::of(&film, words);
        shown.assert(FLASHES, FLASHES);
        let copied = pictures(&shown.joined);
        assert_eq!(copied.len(), SECONDS as usize * 25);
        assert!(copied == pictures(&film), "other pictures");
    }
}

#[test]
fn field_pictures_without_a_container_have_no_combs() {
    check_combs_are_gone(&raw("tff"));
}
