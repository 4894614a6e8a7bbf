//! The ten sources.

/// A source, how it is sent, and what both programs make of it.
pub struct Kind {
    pub name: &'static str,
    pub pictures: Option<Pictures>,
    /// How sound is coded; no words without sound.
    pub sound: &'static [&'static str],
    /// Name of the film, which says its container.
    pub file: &'static str,
    pub way: Way,
    pub made: Made,
}

pub struct Pictures {
    pub size: &'static str,
    /// As the ffmpeg program writes it: a number or a fraction.
    pub rate: (u32, u32),
    /// Which pictures there are; all where this is empty. An expression of the filter `select`.
    pub select: &'static str,
    pub coding: &'static [&'static str],
}

impl Pictures {
    pub fn fps(&self) -> f64 {
        f64::from(self.rate.0) / f64::from(self.rate.1)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The program reads the film itself, in real time.
    File,
    /// Bytes without timestamps, to its standard input.
    Pipe,
    /// A client pushes to it by RTMP.
    Push,
    /// It calls a camera by RTSP.
    Camera,
    /// It calls a camera that sends JPEG pictures over HTTP.
    HttpPictures,
    /// It calls a station that sends sound over HTTP.
    HttpSound,
}

#[derive(Clone, Copy)]
pub enum Made {
    Encoded {
        width: u32,
        height: u32,
        fps: u32,
        video_bps: u32,
    },
    /// Nothing is encoded again.
    Copied,
    /// There is no picture.
    Sound,
}

/// Quick, without B-frames, a keyframe each two seconds of 30 fps: what OBS and phones send.
const SENT: &[&str] = &[
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-b:v",
    "4M",
    "-g",
    "60",
    "-sc_threshold",
    "0",
    "-bf",
    "0",
    "-pix_fmt",
    "yuv420p",
];
/// As films are: with B-frames.
const STORED: &[&str] =
    &["-c:v", "libx264", "-preset", "veryfast", "-b:v", "4M", "-g", "100", "-bf", "2", "-pix_fmt", "yuv420p"];
const JPEG: &[&str] = &["-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj420p"];
const AAC: &[&str] = &["-c:a", "aac", "-b:a", "128k"];
const G711: &[&str] = &["-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1"];
const MP3: &[&str] = &["-c:a", "libmp3lame", "-b:a", "128k", "-write_xing", "0", "-id3v2_version", "0"];

/// A phone leaves out single pictures and some in a row. The first three of a second show the flash: they are all there.
const UNEVEN: &str = "lt(mod(n,30),4)+not(eq(mod(n,11),5)+eq(mod(n,17),9)+between(mod(n,75),50,54))";
/// A screen on which something moves half of the time; then five pictures a second.
const SCREEN: &str = "lt(mod(n,30),4)+lt(mod(n,120),60)+not(mod(n,6))";

const HD: &str = "1280x720";
const fn encoded(width: u32, height: u32, fps: u32, video_bps: u32) -> Made {
    Made::Encoded { width, height, fps, video_bps }
}

const fn pictures(
    size: &'static str,
    fps: u32,
    select: &'static str,
    coding: &'static [&'static str],
) -> Pictures {
    Pictures { size, rate: (fps, 1), select, coding }
}

pub const KINDS: [Kind; 10] = [
    Kind {
        name: "push as of OBS, 720p30",
        pictures: Some(pictures(HD, 30, "", SENT)),
        sound: AAC,
        file: "obs.flv",
        way: Way::Push,
        made: encoded(1280, 720, 30, 2_500_000),
    },
    Kind {
        name: "push as of a phone, upright, uneven 30",
        pictures: Some(pictures("720x1280", 30, UNEVEN, SENT)),
        sound: AAC,
        file: "phone.flv",
        way: Way::Push,
        made: encoded(360, 640, 30, 1_000_000),
    },
    Kind {
        name: "RTSP camera, 25 fps, G.711",
        pictures: Some(pictures("640x360", 25, "", SENT)),
        sound: G711,
        file: "camera.mov",
        way: Way::Camera,
        made: encoded(640, 360, 25, 1_000_000),
    },
    Kind {
        name: "MJPEG camera over HTTP, 10 fps",
        pictures: Some(pictures("640x480", 10, "", JPEG)),
        sound: &[],
        file: "jpeg.mkv",
        way: Way::HttpPictures,
        made: encoded(640, 480, 10, 1_000_000),
    },
    Kind {
        name: "Pi pipe, raw H.264, 30 fps",
        pictures: Some(pictures(HD, 30, "", SENT)),
        sound: &[],
        file: "pi.ts",
        way: Way::Pipe,
        made: encoded(640, 360, 30, 1_000_000),
    },
    Kind {
        name: "screen recording, uneven 30",
        pictures: Some(pictures(HD, 30, SCREEN, STORED)),
        sound: AAC,
        file: "screen.mkv",
        way: Way::File,
        made: encoded(1280, 720, 30, 2_500_000),
    },
    Kind {
        name: "film, 25 made 20 fps",
        pictures: Some(pictures(HD, 25, "", STORED)),
        sound: AAC,
        file: "film25.mp4",
        way: Way::File,
        made: encoded(640, 360, 20, 1_000_000),
    },
    Kind {
        name: "film, 59.94 made 30 fps",
        pictures: Some(Pictures { size: HD, rate: (60_000, 1001), select: "", coding: STORED }),
        sound: AAC,
        file: "film60.mp4",
        way: Way::File,
        made: encoded(640, 360, 30, 1_000_000),
    },
    Kind {
        name: "radio, MP3 over HTTP",
        pictures: None,
        sound: MP3,
        file: "radio.mp3",
        way: Way::HttpSound,
        made: Made::Sound,
    },
    Kind {
        name: "push as of OBS, 720p30, copied",
        pictures: Some(pictures(HD, 30, "", SENT)),
        sound: AAC,
        file: "copied.flv",
        way: Way::Push,
        made: Made::Copied,
    },
];
