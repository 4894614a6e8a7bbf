//! Scaler: a captured frame of any size and format becomes one of the stream's size in yuv420p.
//!
//! The shape of the frame is kept: what is left over of the stream's frame is black. One of high dynamic range is scaled with ten bits,
//! and then gets the stream's range. Used on the rung's thread, only for frames that are shown.

use std::sync::Arc;

use ffmpeg::format::Pixel;
use ffmpeg::software::scaling;
use ffmpeg_next as ffmpeg;

use crate::picture::colour_space::{ColourSpace, Numbers};
use crate::picture::shared::SharedPicture;
use crate::picture::tone_map::{self, ToneMap};

/// Scales to one output size for the whole run; the input may change from frame to frame.
pub struct Scaler {
    width: u32,
    height: u32,
    colours: ColourSpace,
    context: Option<(Steps, Input)>,
}

/// How frames of one kind are made to fit.
struct Steps {
    scaler: scaling::Context,
    /// Of high dynamic range.
    tone_map: Option<ToneMap>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Input {
    format: Pixel,
    width: u32,
    height: u32,
    inner: (u32, u32),
    numbers: Numbers,
    colours: ColourSpace,
}

impl Scaler {
    /// A scaler to `width` x `height` pixels, both even, of this colour space.
    #[must_use]
    pub fn new(width: u32, height: u32, colours: ColourSpace) -> Self {
        Self { width, height, colours, context: None }
    }

    /// The frame in the stream's size and format; passed through untouched if it already is.
    pub fn scale(&mut self, shared: Arc<SharedPicture>) -> Result<SharedPicture, ffmpeg::Error> {
        let picture: &ffmpeg::frame::Video = &shared;
        let shape = shape_of(picture);
        let inner = fit(shape, (self.width, self.height));
        let numbers = Numbers::of(picture);
        let colours = ColourSpace::of(picture);
        let (width, height) = (picture.width(), picture.height());
        let input = Input { format: picture.format(), width, height, inner, numbers, colours };
        let is_mapped =
            colours.is_of_high_range() && !self.colours.is_of_high_range() && tone_map::is_possible();
        if input.format == Pixel::YUV420P
            && (input.width, input.height) == (self.width, self.height)
            && inner == (self.width, self.height)
            && numbers.fit(self.colours)
            && !is_mapped
        {
            // Where another rung needs it, too, the pixels are shared.
            return Arc::try_unwrap(shared).or_else(|shared| shared.share());
        }
        if self.context.as_ref().is_none_or(|(_, was)| *was != input) {
            self.context = Some((Steps::new(input, self.colours, is_mapped)?, input));
        }
        let Some((steps, _)) = &mut self.context else { return Err(ffmpeg::Error::Bug) };
        let scaled = steps.run(picture, colours)?;
        if inner == (self.width, self.height) {
            return Ok(scaled);
        }
        Ok(self.framed(&scaled).into())
    }

    /// The scaled frame in the middle of a black one of the stream's size.
    fn framed(&self, inner: &ffmpeg::frame::Video) -> ffmpeg::frame::Video {
        let mut whole = crate::picture::canvas::Canvas::new(self.width, self.height).to_frame();
        for plane in 0..3 {
            let shift = u32::from(plane > 0);
            let left = (((self.width - inner.width()) / 4 * 2) >> shift) as usize;
            let top = (((self.height - inner.height()) / 4 * 2) >> shift) as usize;
            let (from_stride, to_stride) = (inner.stride(plane), whole.stride(plane));
            let width = (inner.width() >> shift) as usize;
            let from = inner.data(plane).chunks(from_stride).take((inner.height() >> shift) as usize);
            let to = whole.data_mut(plane).chunks_mut(to_stride).skip(top);
            for (to, from) in to.zip(from) {
                to[left..left + width].copy_from_slice(&from[..width]);
            }
        }
        whole
    }
}

impl Steps {
    fn new(input: Input, stream: ColourSpace, is_mapped: bool) -> Result<Self, ffmpeg::Error> {
        let Input { format, width, height, inner, numbers, colours } = input;
        let to = if is_mapped { Pixel::YUV420P10LE } else { Pixel::YUV420P };
        let flags = scaling::Flags::BICUBIC;
        let mut scaler = scaling::Context::get(format, width, height, to, inner.0, inner.1, flags)?;
        numbers.convert(&mut scaler, if is_mapped { colours } else { stream });
        Ok(Self { scaler, tone_map: is_mapped.then(|| ToneMap::new(colours, stream)) })
    }

    fn run(
        &mut self,
        picture: &ffmpeg::frame::Video,
        colours: ColourSpace,
    ) -> Result<SharedPicture, ffmpeg::Error> {
        let mut scaled = ffmpeg::frame::Video::empty();
        self.scaler.run(picture, &mut scaled)?;
        let Some(tone_map) = &mut self.tone_map else { return Ok(scaled.into()) };
        colours.declare(&mut scaled);
        tone_map.run(scaled.into())
    }
}

/// How wide and high a frame is to be shown: its pixels need not be square.
fn shape_of(picture: &ffmpeg::frame::Video) -> (u64, u64) {
    let pixel = picture.aspect_ratio();
    let (across, down) = if pixel.numerator() > 0 && pixel.denominator() > 0 {
        (pixel.numerator() as u64, pixel.denominator() as u64)
    } else {
        (1, 1)
    };
    (u64::from(picture.width()) * across, u64::from(picture.height()) * down)
}

/// The largest even size of the shape that fits into `bounds`.
#[must_use]
pub fn fit(shape: (u64, u64), bounds: (u32, u32)) -> (u32, u32) {
    let (wide, high) = (shape.0.max(1), shape.1.max(1));
    let even =
        |pixels: u64, limit: u32| (pixels.div_ceil(2) * 2).clamp(2, u64::from(limit.max(2))) as u32 / 2 * 2;
    if wide * u64::from(bounds.1) >= high * u64::from(bounds.0) {
        (even(u64::from(bounds.0), bounds.0), even(u64::from(bounds.0) * high / wide, bounds.1))
    } else {
        (even(u64::from(bounds.1) * wide / high, bounds.0), even(u64::from(bounds.1), bounds.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_keeps_its_shape() {
        assert_eq!(fit((1920, 1080), (640, 480)), (640, 360));
        assert_eq!(fit((1080, 1920), (640, 480)), (270, 480));
        assert_eq!(fit((640, 480), (640, 480)), (640, 480));
        assert_eq!(fit((1440 * 4, 1080 * 3), (1280, 720)), (1280, 720));
        assert_eq!(fit((1, 100_000), (640, 480)), (2, 480));
        assert_eq!(fit((0, 0), (640, 480)), (480, 480));
    }

    #[test]
    fn another_shape_is_framed_in_black() {
        let mut scaler = Scaler::new(640, 480, ColourSpace::WEBCAM);
        let mut white = ffmpeg::frame::Video::new(Pixel::GRAY8, 1280, 360);
        white.data_mut(0).fill(255);
        let out = scaler.scale(Arc::new(white.into())).unwrap();
        assert_eq!((out.width(), out.height(), out.format()), (640, 480, Pixel::YUV420P));
        let luma = |x: usize, y: usize| out.data(0)[y * out.stride(0) + x];
        assert!(luma(320, 240) > 200 && luma(2, 240) > 200 && luma(637, 240) > 200);
        assert!(luma(320, 20) < 40 && luma(320, 460) < 40);
    }

    #[test]
    fn what_already_fits_is_not_touched_and_sizes_may_change() {
        let mut scaler = Scaler::new(320, 240, ColourSpace::WEBCAM);
        for (width, height) in [(320, 240), (1280, 720), (176, 144), (320, 240)] {
            let frame = ffmpeg::frame::Video::new(Pixel::YUYV422, width, height);
            let out = scaler.scale(Arc::new(frame.into())).unwrap();
            assert_eq!((out.width(), out.height()), (320, 240));
        }
        let frame = crate::picture::canvas::Canvas::new(320, 240).to_frame();
        let before = frame.data(0).as_ptr();
        let frame = Arc::new(SharedPicture::from(frame));
        assert_eq!(scaler.scale(frame.clone()).unwrap().data(0).as_ptr(), before, "shared");
        assert_eq!(scaler.scale(frame).unwrap().data(0).as_ptr(), before, "the last that holds it");
    }
}
