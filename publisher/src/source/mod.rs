//! Sources: a device, a file or a URL becomes captured pictures and sound, each with the moment it was captured.
//!
//! In: what the user named. Out: [`Captured`] pieces. Every source is opened, read and dropped on one thread,
//! the source thread, which [`run`] drives: it reopens what is lost and ends when the source ends or the stop is set.

pub mod camera;
mod camera_backend;
mod camera_error;
mod camera_mode;
mod camera_picture;
mod camera_pump;
#[cfg(target_os = "linux")]
mod camera_v4l2;
mod camera_wake;
pub mod input;
pub mod test_pattern;

use ffmpeg_next as ffmpeg;
use std::time::{Duration, Instant};

/// A picture as the source delivered it: any size, any pixel format.
pub struct CapturedPicture {
    /// The pixels, in libav's own description of them.
    pub frame: ffmpeg::frame::Video,
    /// When the picture was taken (for a file: when it is due to be shown).
    pub captured_at: Instant,
}

/// A run of sound samples as the source delivered it: any rate, layout and sample format.
pub struct CapturedSound {
    /// The samples.
    pub frame: ffmpeg::frame::Audio,
    /// When the first sample was taken.
    pub captured_at: Instant,
}

/// What a source hands out.
pub enum Captured {
    /// One picture.
    Picture(CapturedPicture),
    /// One run of samples.
    Sound(CapturedSound),
}

/// What a source promises once it is open; the encoders are set up from it.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceFormat {
    /// For people: `USB Camera, 640x480 YUYV at 30 fps`.
    pub description: String,
    /// Width of its pictures in pixels, as they are to be shown (square pixels).
    pub width: u32,
    /// Height of its pictures in pixels.
    pub height: u32,
    /// Whether sound will come.
    pub has_sound: bool,
}

/// The answer of one [`Source::read`].
pub enum Read {
    /// Something was captured.
    Captured(Captured),
    /// Nothing came within the time-out; the source may still be well.
    Nothing,
    /// A file or pipe is over. Devices never end.
    End,
}

/// An open source. It lives and dies on the source thread.
pub trait Source {
    /// What it delivers.
    fn format(&self) -> SourceFormat;

    /// The next piece; returns after about `timeout` at the latest, whatever the device does.
    ///
    /// An error means that this opening of the source is spent: drop it and open it again.
    fn read(&mut self, timeout: Duration) -> Result<Read, SourceError>;
}

/// Why a source cannot be opened or has stopped. One line with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be opened as asked.
    #[error("{0}")]
    Open(String),
    /// It was open and is gone.
    #[error("{0}")]
    Lost(String),
}
