//! Slate: the picture that is shown while the source is away. Pure.

use crate::picture::canvas::{BLACK, Canvas, lay_over, text_size};
use crate::picture::heading::Heading;
use crate::picture::shared::SharedPicture;
use ffmpeg_next as ffmpeg;
use std::sync::Arc;

/// What a slate shows.
pub struct Slate {
    /// Another one has another number.
    pub number: u64,
    /// The time of day.
    pub time: String,
    /// What the matter is with the source.
    pub reason: String,
    /// The user's own picture, of any size.
    pub ground: Option<Arc<SharedPicture>>,
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

/// What the user wants of the slate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SlateSettings {
    /// Written instead of "no signal"; empty: nothing is written.
    pub text: Option<String>,
    /// There is a picture or film of the user's own.
    pub is_own: bool,
}

impl SlateSettings {
    /// Whether the slate is livedir's.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        self.text.is_none() && !self.is_own
    }
}

/// What the user wants to be written on slates of one size.
pub struct Lettering {
    heading: Heading,
    has_time: bool,
    time_top: u32,
    scale: u32,
}

impl Lettering {
    /// The text is written instead of "no signal": the time is below it, and an empty text leaves that out, too. On a picture of the
    /// user's own both stand lower than on an empty ground, which has nothing else to show.
    #[must_use]
    pub fn new(settings: &SlateSettings, (width, height): (u32, u32)) -> Self {
        let text = settings.text.as_deref();
        let scale = (width / 160).max(1);
        let time_top = if settings.is_own { height * 4 / 5 } else { height / 2 };
        let middle = time_top.saturating_sub(scale * 10);
        Self {
            heading: Heading::new(text.unwrap_or_default(), (width, height), middle),
            has_time: text.is_none_or(|text| !text.trim().is_empty()),
            time_top,
            scale,
        }
    }

    /// The ground, in the stream's size, with text and time on it.
    #[must_use]
    pub fn write(&mut self, ground: SharedPicture, time: &str) -> SharedPicture {
        let headed = self.heading.draw(ground);
        if !self.has_time {
            return headed;
        }
        let mut written = (*headed).clone();
        let width = written.width();
        lay_over(&mut written, time, self.scale, |text| width.saturating_sub(text) / 2, self.time_top);
        written.into()
    }
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

    #[test]
    fn what_is_not_written_leaves_no_box_behind() {
        let slate = draw(640, 480, "", "");
        let luma =
            |rows: std::ops::Range<usize>| &slate.data(0)[rows.start * slate.stride(0)..][..640 * rows.len()];
        assert!(luma(245..480).iter().all(|&luma| luma == BLACK.0));
        assert!(luma(0..240).iter().any(|&luma| luma > 200));
        let settings = SlateSettings { text: None, is_own: true };
        let ground = || SharedPicture::from(Canvas::new(640, 480).to_frame());
        let written = Lettering::new(&settings, (640, 480)).write(ground(), "");
        assert_eq!(written.data(0), ground().data(0));
    }

    /// Whether something bright is in the upper part of the picture, and in the lower one.
    fn written(text: Option<&str>, is_on_picture: bool) -> (bool, bool) {
        let ground = SharedPicture::from(Canvas::new(640, 480).to_frame());
        let settings = SlateSettings { text: text.map(str::to_owned), is_own: is_on_picture };
        let slate = Lettering::new(&settings, (640, 480)).write(ground, "12:34:56");
        let is_bright = |rows: std::ops::Range<usize>| {
            let stride = slate.stride(0);
            slate.data(0)[rows.start * stride..rows.end * stride].iter().any(|&luma| luma > 200)
        };
        (is_bright(0..240), is_bright(240..480))
    }

    #[test]
    fn the_time_stands_on_it_unless_the_text_is_empty() {
        assert_eq!(written(None, true), (false, true));
        assert_eq!(written(Some("Back soon"), true), (false, true));
        assert_eq!(written(Some("Back soon"), false), (true, true));
        assert_eq!(written(Some(""), true), (false, false));
    }
}
