//! Test pattern: a moving picture that tells when it was taken, and a beep each second.
//!
//! Shown are the wall clock to the millisecond, the frame number, colour bars, a grey ramp and a moving block. While
//! the beep sounds (the first 100 ms of each second of the wall clock) a square flashes. The strip at the lower edge
//! says clock and frame number once more for machines, see [`strip`].

use std::f32::consts::TAU;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ffmpeg_next as ffmpeg;

use super::{Read, Source, SourceError};
use crate::captions::carried::Captions;
use crate::captured::{Captured, CapturedPicture, CapturedSound, Shows, SourceFormat};
use crate::picture::canvas::{BLACK, Canvas, Colour, WHITE, text_size};
use crate::picture::colour_space::ColourSpace;

/// Samples a second.
const RATE_HZ: u32 = 48_000;

/// Pitch of the beep.
const BEEP_HZ: f32 = 1000.0;

/// The flash and the beep last this long from the start of each second.
const BEEP_MS: u64 = 100;

/// White, yellow, cyan, green, magenta, red, blue, at three quarters of full colour.
const BARS: [Colour; 7] = [
    Colour(180, 128, 128),
    Colour(162, 44, 142),
    Colour(131, 156, 44),
    Colour(112, 72, 58),
    Colour(84, 184, 198),
    Colour(65, 100, 212),
    Colour(35, 212, 114),
];

/// Cells of the machine-readable strip.
pub const STRIP_CELLS: u32 = 64;

/// The first cells of the strip, so that a reader knows that it is one.
const STRIP_MARK: u64 = 0b1011_0010;

/// The strip's cells, leftmost in the highest bit: 8 cells that are always `10110010`, 40 of the wall clock in
/// milliseconds since 1970, 16 of the frame number; white is 1. It covers the lowest thirtieth of the picture.
#[must_use]
pub fn strip(unix_ms: u64, frame_number: u64) -> u64 {
    (STRIP_MARK << 56) | ((unix_ms & 0xff_ffff_ffff) << 16) | (frame_number & 0xffff)
}

/// The test pattern as a source. It keeps time by itself.
pub struct TestPattern {
    fps: u32,
    background: Canvas,
    origin: Instant,
    origin_unix: Duration,
    next_picture: u64,
    sound: Option<CapturedSound>,
}

impl TestPattern {
    /// A pattern of the given size in pixels and rate in frames a second.
    #[must_use]
    pub fn new(width: u32, height: u32, fps: u32) -> Self {
        let background = background(width, height);
        let (now, now_unix) =
            (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        // From a whole second on, so that a frame is taken at each beep and not up to a frame later.
        let origin_unix = Duration::from_secs(now_unix.as_secs());
        let mut pattern = Self {
            fps: fps.max(1),
            background,
            origin: now.checked_sub(now_unix.saturating_sub(origin_unix)).unwrap_or(now),
            origin_unix,
            next_picture: 0,
            sound: None,
        };
        while pattern.origin + pattern.time_of(pattern.next_picture) < now {
            pattern.next_picture += 1;
        }
        pattern
    }

    fn time_of(&self, picture: u64) -> Duration {
        let fps = u64::from(self.fps);
        Duration::from_secs(picture / fps) + Duration::from_nanos((picture % fps) * 1_000_000_000 / fps)
    }
}

impl Source for TestPattern {
    fn format(&self) -> SourceFormat {
        let (width, height) = (self.background.width(), self.background.height());
        SourceFormat {
            description: format!("test pattern, {width}x{height} at {} fps", self.fps),
            shows: Shows::Pictures,
            width,
            height,
            colours: ColourSpace::WEBCAM,
            has_sound: true,
            copied: None,
        }
    }

    fn read(&mut self, timeout: Duration) -> Result<Read, SourceError> {
        if let Some(sound) = self.sound.take() {
            return Ok(Read::Captured(Captured::Sound(sound)));
        }
        let now = Instant::now();
        // After a suspended machine the pattern goes on with the present.
        while self.origin + self.time_of(self.next_picture + u64::from(self.fps)) < now {
            self.next_picture += u64::from(self.fps);
        }
        let time = self.time_of(self.next_picture);
        let due = self.origin + time;
        let wait = due.saturating_duration_since(now);
        std::thread::sleep(wait.min(timeout));
        if wait > timeout {
            return Ok(Read::Nothing);
        }
        let length = self.time_of(self.next_picture + 1).checked_sub(time).unwrap();
        let mut frame = picture(&self.background, self.origin_unix + time, self.next_picture);
        ColourSpace::WEBCAM.declare(&mut frame);
        let beep = beep(self.origin_unix + time, length);
        self.sound = Some(CapturedSound { frame: beep, captured_at: due, stretch: 0.0 });
        self.next_picture += 1;
        Ok(Read::Captured(Captured::Picture(CapturedPicture {
            frame: frame.into(),
            captured_at: due,
            captions: Captions::default(),
        })))
    }
}

/// Everything that does not move.
fn background(width: u32, height: u32) -> Canvas {
    let mut canvas = Canvas::new(width, height);
    let (width, height) = (canvas.width(), canvas.height());
    let bar = width.div_ceil(BARS.len() as u32);
    for (n, colour) in (0..).zip(BARS) {
        canvas.fill(n * bar, 0, bar, height * 2 / 3, colour);
    }
    for x in (0..width).step_by(2) {
        let luma = 16 + (x * 219 / width) as u8;
        canvas.fill(x, height * 2 / 3, 2, height / 10, Colour(luma, 128, 128));
    }
    let scale = (width / 320).max(1);
    canvas.write(scale * 8, scale * 8, scale, "livedir");
    canvas
}

/// The frame taken at `unix` (since 1970).
fn picture(background: &Canvas, unix: Duration, number: u64) -> ffmpeg::frame::Video {
    let mut canvas = background.clone();
    let (width, height) = (canvas.width(), canvas.height());
    let unix_ms = unix.as_millis() as u64;

    // Once across in four seconds.
    let block = (height / 12).max(2);
    let x = (unix_ms % 4000) as u32 * (width - block.min(width)) / 4000;
    canvas.fill(x, (height * 2 / 3).saturating_sub(block), block, block, WHITE);

    let scale = (width / 160).max(1);
    for (text, y) in [(clock(unix), height / 4), (format!("frame {number:08}"), height / 4 + scale * 14)] {
        let (text_width, _) = text_size(&text, scale);
        canvas.write(width.saturating_sub(text_width) / 2, y, scale, &text);
    }

    let flash = if unix_ms % 1000 < BEEP_MS { WHITE } else { BLACK };
    canvas.fill(width - width / 8, height * 23 / 30, width / 8, height / 8, flash);

    let cells = strip(unix_ms, number);
    for cell in 0..STRIP_CELLS {
        let (left, right) = (cell * width / STRIP_CELLS, (cell + 1) * width / STRIP_CELLS);
        let colour = if cells >> (STRIP_CELLS - 1 - cell) & 1 == 1 { WHITE } else { BLACK };
        canvas.fill(left, height - height / 30, right - left, height / 30, colour);
    }
    canvas.to_frame()
}

/// The wall clock for people, in the machine's own time zone.
fn clock(unix: Duration) -> String {
    jiff::Timestamp::from_duration(jiff::SignedDuration::try_from(unix).unwrap_or_default())
        .map(|time| time.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S%.3f").to_string())
        .unwrap_or_default()
}

/// The sound of the time from `unix` on: a beep at the start of each second, else silence.
fn beep(unix: Duration, length: Duration) -> ffmpeg::frame::Audio {
    let rate_hz = f64::from(RATE_HZ);
    let first = (unix.as_secs_f64() * rate_hz).round() as u64;
    let after = ((unix + length).as_secs_f64() * rate_hz).round() as u64;
    let samples = (after - first) as usize;
    let mono = ffmpeg::ChannelLayout::MONO;
    let mut frame = ffmpeg::frame::Audio::new(
        ffmpeg::format::Sample::F32(ffmpeg::format::sample::Type::Planar),
        samples,
        mono,
    );
    frame.set_rate(RATE_HZ);
    for (sample, n) in frame.plane_mut::<f32>(0).iter_mut().zip(first..) {
        let in_second = n % u64::from(RATE_HZ);
        let sounds = in_second < u64::from(RATE_HZ) * BEEP_MS / 1000;
        *sample = if sounds { 0.25 * (TAU * BEEP_HZ * in_second as f32 / RATE_HZ as f32).sin() } else { 0.0 };
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luma(frame: &ffmpeg::frame::Video, x: u32, y: u32) -> u8 {
        frame.data(0)[y as usize * frame.stride(0) + x as usize]
    }

    #[test]
    fn the_strip_tells_clock_and_frame_number() {
        let unix = Duration::from_millis(1_795_000_123_456);
        for (width, height) in [(640, 480), (320, 240), (1280, 720)] {
            let frame = picture(&background(width, height), unix, 70_000);
            let read = (0..STRIP_CELLS).fold(0_u64, |bits, cell| {
                let x = (2 * cell + 1) * width / (2 * STRIP_CELLS);
                (bits << 1) | u64::from(luma(&frame, x, height - height / 60) > 128)
            });
            assert_eq!(read, strip(1_795_000_123_456, 70_000), "{width}x{height}");
        }
    }

    #[test]
    fn flash_and_beep_go_together() {
        for (ms, on) in [(0, true), (50, true), (99, true), (100, false), (950, false)] {
            let unix = Duration::from_millis(1_795_000_000_000 + ms);
            let frame = picture(&background(320, 240), unix, 0);
            assert_eq!(luma(&frame, 310, 190) > 128, on, "flash at {ms} ms");
            let sound = beep(unix, Duration::from_millis(1));
            assert_eq!(sound.plane::<f32>(0).iter().any(|sample| sample.abs() > 0.1), on, "beep at {ms} ms");
        }
    }

    #[test]
    fn no_sample_is_lost_between_two_pictures() {
        let (mut at, step) = (Duration::from_secs(1_795_000_000), Duration::from_nanos(33_333_333));
        let mut samples = 0;
        for _ in 0..300 {
            samples += beep(at, step).samples();
            at += step;
        }
        assert!((479_998..=480_002).contains(&samples), "{samples} samples in 10 s");
    }

    #[test]
    fn tiny_and_odd_sizes_are_drawn_too() {
        for (width, height) in [(2, 2), (16, 16), (63, 47), (66, 500)] {
            picture(&background(width, height), Duration::from_secs(1_795_000_000), 1);
        }
    }
}
