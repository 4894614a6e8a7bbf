//! Canvas: a YUV 4:2:0 picture that can be drawn on, for the test pattern and the slate. Pure.

use ffmpeg_next as ffmpeg;
use font8x8::UnicodeFonts;

/// A colour as the encoder sees it: luma and the two colour differences, limited range (BT.601).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

/// White.
pub const WHITE: Colour = Colour(235, 128, 128);
/// Black.
pub const BLACK: Colour = Colour(16, 128, 128);
/// A dark grey that letters stand out from.
pub const DARK: Colour = Colour(40, 128, 128);

/// Letters are 8 by 8 points.
const LETTER: u32 = 8;

/// A picture of even width and height. Drawing outside of it is cut off.
#[derive(Debug, Clone)]
pub struct Canvas {
    width: u32,
    height: u32,
    luma: Vec<u8>,
    blue: Vec<u8>,
    red: Vec<u8>,
}

impl Canvas {
    /// A black picture; odd sizes are rounded up to even ones.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width.max(2).next_multiple_of(2), height.max(2).next_multiple_of(2));
        let pixels = (width * height) as usize;
        Self {
            width,
            height,
            luma: vec![BLACK.0; pixels],
            blue: vec![BLACK.1; pixels / 4],
            red: vec![BLACK.2; pixels / 4],
        }
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Fills a rectangle. Colour has half the resolution: its edges lie on even pixels.
    pub fn fill(&mut self, x: u32, y: u32, width: u32, height: u32, colour: Colour) {
        let (right, bottom) = ((x + width).min(self.width), (y + height).min(self.height));
        let (x, y) = (x.min(right), y.min(bottom));
        fill_plane(&mut self.luma, self.width, [x, y, right, bottom], colour.0);
        let half = [x / 2, y / 2, right.div_ceil(2), bottom.div_ceil(2)];
        fill_plane(&mut self.blue, self.width / 2, half, colour.1);
        fill_plane(&mut self.red, self.width / 2, half, colour.2);
    }

    /// Writes one line of text on a dark ground, each point of its letters `scale` pixels wide.
    pub fn write(&mut self, x: u32, y: u32, scale: u32, text: &str) {
        if text.is_empty() {
            return;
        }
        let margin = scale * 2;
        let (width, height) = text_size(text, scale);
        self.fill(
            x.saturating_sub(margin),
            y.saturating_sub(margin),
            width + 2 * margin,
            height + 2 * margin,
            DARK,
        );
        for (n, letter) in (0..).zip(text.chars()) {
            let rows = font8x8::BASIC_FONTS.get(letter).or_else(|| font8x8::LATIN_FONTS.get(letter));
            for (row, points) in (0..).zip(rows.unwrap_or_default()) {
                for column in (0..LETTER).filter(|column| points & (1 << column) != 0) {
                    let (left, top) = (x + (n * LETTER + column) * scale, y + row * scale);
                    let [right, bottom] = [(left + scale).min(self.width), (top + scale).min(self.height)];
                    fill_plane(
                        &mut self.luma,
                        self.width,
                        [left.min(right), top.min(bottom), right, bottom],
                        WHITE.0,
                    );
                }
            }
        }
    }

    /// The picture as a frame of its own.
    #[must_use]
    pub fn to_frame(&self) -> ffmpeg::frame::Video {
        let mut frame = ffmpeg::frame::Video::new(ffmpeg::format::Pixel::YUV420P, self.width, self.height);
        frame.set_color_range(ffmpeg::color::Range::MPEG);
        for (index, (plane, width)) in
            [(&self.luma, self.width), (&self.blue, self.width / 2), (&self.red, self.width / 2)]
                .into_iter()
                .enumerate()
        {
            let stride = frame.stride(index);
            let rows = frame.data_mut(index).chunks_mut(stride);
            for (to, from) in rows.zip(plane.chunks_exact(width as usize)) {
                to[..from.len()].copy_from_slice(from);
            }
        }
        frame
    }
}

/// Width and height in pixels of a line of text.
#[must_use]
pub fn text_size(text: &str, scale: u32) -> (u32, u32) {
    (text.chars().count() as u32 * LETTER * scale, LETTER * scale)
}

/// Lays a line of text over a picture in yuv420p; `left` says where, by the line's width; what does not fit is cut off.
pub(crate) fn lay_over(
    picture: &mut ffmpeg::frame::Video,
    text: &str,
    scale: u32,
    left: impl FnOnce(u32) -> u32,
    top: u32,
) {
    if text.is_empty() {
        return;
    }
    let (width, height) = (picture.width(), picture.height());
    let letters = (width / text_size("x", scale).0) as usize;
    let text: String = text.chars().take(letters).collect();
    let (text_width, text_height) = text_size(&text, scale);
    let mut line = Canvas::new((text_width + 4 * scale).min(width), (text_height + 4 * scale).min(height));
    line.write(2 * scale, 2 * scale, scale, &text);
    let line = line.to_frame();
    // Colour has half the resolution.
    let left = left(line.width()).min(width.saturating_sub(line.width())) & !1;
    let top = top.min(height.saturating_sub(line.height())) & !1;
    for plane in 0..3 {
        let shift = u32::from(plane > 0);
        let (left, top) = ((left >> shift) as usize, (top >> shift) as usize);
        let run = (line.width() >> shift) as usize;
        let (from_stride, to_stride) = (line.stride(plane), picture.stride(plane));
        let from = line.data(plane).chunks(from_stride).take((line.height() >> shift) as usize);
        let to = picture.data_mut(plane).chunks_mut(to_stride).skip(top);
        for (to, from) in to.zip(from) {
            if let (Some(to), Some(from)) = (to.get_mut(left..left + run), from.get(..run)) {
                to.copy_from_slice(from);
            }
        }
    }
}

fn fill_plane(plane: &mut [u8], stride: u32, [left, top, right, bottom]: [u32; 4], value: u8) {
    for row in top..bottom {
        let start = (row * stride) as usize;
        plane[start + left as usize..start + right as usize].fill(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_reaches_the_frame_and_nothing_is_drawn_outside() {
        let mut canvas = Canvas::new(63, 32);
        canvas.fill(60, 30, 100, 100, Colour(200, 100, 50));
        canvas.write(50, 28, 3, "Wg~é漢");
        let mut canvas = Canvas::new(64, 32);
        canvas.fill(10, 4, 2, 2, Colour(200, 100, 50));
        let frame = canvas.to_frame();
        assert_eq!((frame.width(), frame.height()), (64, 32));
        assert_eq!(frame.data(0)[4 * frame.stride(0) + 10], 200);
        assert_eq!(frame.data(0)[4 * frame.stride(0) + 12], BLACK.0);
        assert_eq!(frame.data(1)[2 * frame.stride(1) + 5], 100);
        assert_eq!(frame.data(2)[2 * frame.stride(2) + 5], 50);
    }

    #[test]
    fn letters_are_white_on_dark() {
        let mut canvas = Canvas::new(64, 32);
        canvas.write(8, 8, 1, "I");
        let luma = canvas.to_frame();
        let values: Vec<u8> = (8..16).map(|x| luma.data(0)[10 * luma.stride(0) + x]).collect();
        assert!(values.contains(&WHITE.0) && values.contains(&DARK.0), "{values:?}");
    }
}
