//! The films: containers, codecs, rates and clocks that sources have, three to eight seconds of each.
//!
//! Encoders of libav are told to be exact to the bit, and x264 to have one thread and to choose the same on each processor: above
//! SSE4.2 its bytes are others than below. What a film is made with stands here in full.

use std::path::PathBuf;

use crate::input::media::made;

/// One that is made by `ffmpeg ARGUMENTS` and copied with `flags`.
pub struct Film {
    pub name: &'static str,
    file: &'static str,
    picture: &'static str,
    sound: Option<&'static str>,
    arguments: &'static [&'static str],
    pub flags: &'static [&'static str],
}

const SMALL: &str = "testsrc2=size=160x120:rate=25";
const TONE: &str = "sine=sample_rate=48000";

impl Film {
    const fn new(name: &'static str, file: &'static str, arguments: &'static [&'static str]) -> Self {
        Self { name, file, picture: SMALL, sound: Some(TONE), arguments, flags: &[] }
    }

    const fn of(self, picture: &'static str) -> Self {
        Self { picture, ..self }
    }

    const fn heard(self, sound: &'static str) -> Self {
        Self { sound: Some(sound), ..self }
    }

    const fn silent(self) -> Self {
        Self { sound: None, ..self }
    }

    const fn copied(self, flags: &'static [&'static str]) -> Self {
        Self { flags, ..self }
    }

    pub fn path(&self) -> PathBuf {
        let mut words = vec!["-f", "lavfi", "-i", self.picture];
        if let Some(sound) = self.sound {
            words.extend(["-f", "lavfi", "-i", sound, "-c:a", "aac"]);
        }
        words.extend(["-t", "5", "-c:v", "libx264", "-threads", "1", "-preset", "ultrafast"]);
        words.extend(["-x264-params", "cpu-independent=1", "-g", "25", "-sc_threshold", "0"]);
        words.extend(self.arguments);
        words.extend(["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"]);
        words.extend(["-flags:a", "+bitexact"]);
        made(self.file, &words)
    }
}

const PARTS: &[&str] = &["--low-latency"];
const SHORT_PARTS: &[&str] = &["--low-latency", "--part-duration", "100ms"];
const SHORT: &[&str] = &["--segment-duration", "1s"];

pub const FILMS: [Film; 20] = [
    Film::new("H.264 and AAC, mp4", "plain.mp4", &[]),
    Film::new("H.264 and AAC, mkv", "plain.mkv", &[]),
    Film::new("H.264 and AAC, ts", "plain.ts", &[]),
    Film::new("H.264 and AAC, flv", "plain.flv", &[]),
    Film::new("parts", "parts.mp4", &[]).copied(PARTS),
    Film::new("B-frames", "b.mp4", &["-bf", "2"]),
    Film::new("short parts", "short-parts.mp4", &[]).copied(SHORT_PARTS),
    Film::new("B-frames, ts, short segments", "b.ts", &["-bf", "2"]).copied(SHORT),
    Film::new("no sound", "silent.mp4", &[]).silent(),
    Film::new("no sound, parts", "silent-parts.mkv", &[]).silent().copied(PARTS),
    Film::new("30 frames a second", "30.mp4", &["-g", "30"]).of("testsrc2=size=160x120:rate=30"),
    Film::new("29.97 frames a second", "ntsc.mp4", &["-g", "30"]).of("testsrc2=size=160x120:rate=30000/1001"),
    Film::new("50 frames a second, parts", "50.ts", &["-g", "50"])
        .of("testsrc2=size=160x120:rate=50")
        .copied(PARTS),
    Film::new("a frame each fifth of a second", "5.mkv", &["-g", "5"]).of("testsrc2=size=160x120:rate=5"),
    Film::new("44.1 kHz, mono", "mono.mp4", &["-ac", "1"]).heard("sine=sample_rate=44100"),
    Film::new("keyframes each 0.96 s", "gop24.mp4", &["-g", "24"]),
    Film::new("a clock near the turn of 33 bits, ts", "turn.ts", &["-output_ts_offset", "95441"]),
    Film::new("a clock that begins late, mkv", "late.mkv", &["-output_ts_offset", "7.3"]),
    Film::new("sound that begins late", "late-sound.mp4", &["-af", "asetpts=PTS+0.7/TB"]),
    Film::new("four slices a picture, ts, parts", "slices.ts", &["-slices", "4"]).copied(PARTS),
];
