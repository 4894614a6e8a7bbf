//! Slate: the picture that is shown while the source is away. Pure.

use crate::picture::canvas::{BLACK, Canvas, text_size};
use ffmpeg_next as ffmpeg;

/// What a slate says.
#[derive(Debug, PartialEq, Eq)]
pub struct SlateText {
    /// The second of the grid that it is for.
    pub second: u64,
    /// The time of day.
    pub time: String,
    /// What the matter is with the source.
    pub reason: String,
}

/// A slate of the given size: "no signal", the time, and what the matter is.
#[must_use]
pub fn draw(width: u32, height: u32, time: &str, reason: &str) -> ffmpeg::frame::Video {
    let mut canvas = Canvas::new(width, height);
    canvas.fill(0, 0, width, height, BLACK);
    let large = (width / 160).max(1);
    let small = (width / 400).max(1);
    let reason: String = reason.chars().take((width / (8 * small)).saturating_sub(2) as usize).collect();
    let middle = height / 2;
    for (text, scale, y) in [
        ("NO SIGNAL", large, middle.saturating_sub(large * 14)),
        (time, large, middle),
        (reason.as_str(), small, middle + large * 14),
    ] {
        let (text_width, _) = text_size(text, scale);
        canvas.write(width.saturating_sub(text_width) / 2, y, scale, text);
    }
    canvas.to_frame()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slate_has_the_size_of_the_stream_and_says_something_at_any_size() {
        for (width, height) in [(640, 480), (320, 240), (1920, 1080), (64, 36), (2, 2)] {
            let frame =
                draw(width, height, "12:34:56", "the camera was unplugged, waiting for it to come back");
            assert_eq!((frame.width(), frame.height()), (width, height));
            assert!(width < 64 || frame.data(0).iter().any(|&luma| luma > 200), "{width}x{height} is empty");
        }
    }
}
