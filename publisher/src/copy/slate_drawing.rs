//! Slate drawing: what a slate shows, in the size of a source that is copied, whose pixels need not be square.

use crate::picture::canvas::Canvas;
use crate::picture::colour_space::ColourSpace;
use crate::picture::scaler::Scaler;
use crate::picture::shared::SharedPicture;
use crate::picture::slate::{self, Lettering, SlateSettings};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::software::scaling;
use ffmpeg_next::{Error, frame};
use std::sync::Arc;

/// A pixel that is more times as wide as it is high, or as high as it is wide, is a mistake.
const LONGEST_PIXEL: u64 = 4;

/// Draws pictures of one size.
pub(crate) struct Drawing {
    /// Width and height as they are seen.
    seen: (u32, u32),
    stored: (u32, u32),
    scaler: Scaler,
    /// What the user wants to be written; `None`: the slate is livedir's.
    lettering: Option<Lettering>,
}

impl Drawing {
    /// In the size `stored`, which is even.
    pub(crate) fn new(settings: &SlateSettings, stored: (u32, u32), sample_aspect: (u32, u32)) -> Self {
        let seen = seen(stored, sample_aspect);
        Self {
            seen,
            stored,
            scaler: Scaler::new(seen.0, seen.1, ColourSpace::HIGH_DEFINITION),
            lettering: (!settings.is_usual()).then(|| Lettering::new(settings, seen)),
        }
    }

    /// The slate over `ground`, a picture of any size; without one on black.
    pub(crate) fn draw(&mut self, ground: Option<Arc<SharedPicture>>) -> Result<SharedPicture, Error> {
        let (width, height) = self.seen;
        let drawn = match (&mut self.lettering, ground) {
            (None, _) => slate::draw(width, height, "", "").into(),
            (Some(lettering), None) => lettering.write(Canvas::new(width, height).to_frame().into(), ""),
            (Some(lettering), Some(ground)) => lettering.write(self.scaler.scale(ground)?, ""),
        };
        if self.seen == self.stored {
            return Ok(drawn);
        }
        let (of, to) = (Pixel::YUV420P, Pixel::YUV420P);
        let (wide, high) = self.stored;
        let mut context = scaling::Context::get(of, width, height, to, wide, high, scaling::Flags::BICUBIC)?;
        let mut squeezed = frame::Video::empty();
        context.run(&drawn, &mut squeezed)?;
        Ok(squeezed.into())
    }
}

fn seen((width, height): (u32, u32), (wide, high): (u32, u32)) -> (u32, u32) {
    let (wide, high) = (u64::from(wide.max(1)), u64::from(high.max(1)));
    if wide > high * LONGEST_PIXEL || high > wide * LONGEST_PIXEL {
        return (width, height);
    }
    let seen_width = u64::from(width) * wide / high;
    ((seen_width as u32 & !1).max(2), height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_has_square_pixels() {
        assert_eq!(seen((720, 576), (64, 45)), (1024, 576));
        assert_eq!(seen((1440, 1080), (4, 3)), (1920, 1080));
        assert_eq!(seen((640, 480), (1, 1)), (640, 480));
        for mistake in [(0, 0), (1, 0), (0, 1), (u32::MAX, 1), (1, u32::MAX)] {
            let (width, height) = seen((64, 48), mistake);
            assert!((2..=256).contains(&width) && height == 48);
        }
    }

    #[test]
    fn a_picture_is_squeezed_into_the_size_of_the_source() {
        let settings = SlateSettings { text: Some(String::new()), is_own: true };
        let ground = Arc::new(SharedPicture::from(Canvas::new(100, 100).to_frame()));
        let drawn = Drawing::new(&settings, (72, 58), (64, 45)).draw(Some(ground)).unwrap();
        assert_eq!((drawn.width(), drawn.height()), (72, 58));
    }
}
