//! Colour space: which colours the numbers of a frame stand for, from the source to the viewer.
//!
//! In: what a source says of its frames, which is often nothing. Out: the [`ColourSpace`] that the stream declares for the
//! whole run, in the bytes of H.264 (ITU-T H.264 E.2.1), and frames of any other one converted to it. Without that each
//! player guesses by the size, and colours change from one size of a ladder to the next.
#![allow(unsafe_code)] // one call of libav that ffmpeg-next does not wrap

use ffmpeg::color::{Primaries, Range, Space, TransferCharacteristic};
use ffmpeg::format::Pixel;
use ffmpeg::frame;
use ffmpeg::software::scaling;
use ffmpeg_next as ffmpeg;

/// The longer and the shorter side of the largest frame of standard television. Larger ones are taken for high definition, as players
/// take them; a frame that stands on its side is what it is when it lies.
const LARGEST_OF_STANDARD_TV: (u32, u32) = (1279, 576);

/// What the numbers of luma and colour difference stand for. Their range is the limited one of television throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColourSpace {
    /// How they are made of red, green and blue (ITU-T H.273 8.3).
    pub matrix: Space,
    /// Which red, green and blue (8.1).
    pub primaries: Primaries,
    /// How bright they are (8.2).
    pub transfer: TransferCharacteristic,
}

impl ColourSpace {
    /// BT.709, of high definition and of computers.
    pub const HIGH_DEFINITION: Self =
        Self { matrix: Space::BT709, primaries: Primaries::BT709, transfer: TransferCharacteristic::BT709 };

    /// BT.2020, of ultra high definition, and of all that has a high dynamic range.
    const ULTRA_HIGH_DEFINITION: Self =
        Self { matrix: Space::BT2020NCL, primaries: Primaries::BT2020, ..Self::HIGH_DEFINITION };

    /// BT.601, of webcams and of JPEG.
    pub const WEBCAM: Self = Self { matrix: Space::SMPTE170M, ..Self::HIGH_DEFINITION };

    /// What a frame says of itself, and the likeliest where it says nothing.
    #[must_use]
    pub fn of(picture: &frame::Video) -> Self {
        let size = (picture.width(), picture.height());
        Self {
            matrix: picture.color_space(),
            primaries: picture.color_primaries(),
            transfer: picture.color_transfer_characteristic(),
        }
        .or_likely(size)
    }

    /// With the likeliest for frames of `size` (width and height in pixels) where it says nothing.
    #[must_use]
    pub fn or_likely(self, size: (u32, u32)) -> Self {
        let is_standard =
            size.0.max(size.1) <= LARGEST_OF_STANDARD_TV.0 && size.0.min(size.1) <= LARGEST_OF_STANDARD_TV.1;
        let likely = match is_standard {
            _ if self.is_of_high_range() => Self::ULTRA_HIGH_DEFINITION,
            true => Self::WEBCAM,
            false => Self::HIGH_DEFINITION,
        };
        Self {
            matrix: match self.matrix {
                Space::Unspecified | Space::Reserved => likely.matrix,
                // Frames of red, green and blue have no matrix: they get the one of high definition.
                Space::RGB => Space::BT709,
                said => said,
            },
            primaries: match self.primaries {
                Primaries::Unspecified | Primaries::Reserved | Primaries::Reserved0 => likely.primaries,
                said => said,
            },
            transfer: match self.transfer {
                TransferCharacteristic::Unspecified
                | TransferCharacteristic::Reserved
                | TransferCharacteristic::Reserved0 => likely.transfer,
                said => said,
            },
        }
    }

    /// Whether its brightness reaches beyond white: HLG and PQ.
    #[must_use]
    pub fn is_of_high_range(self) -> bool {
        matches!(self.transfer, TransferCharacteristic::SMPTE2084 | TransferCharacteristic::ARIB_STD_B67)
    }

    /// Names the likeliest on a decoded frame that says nothing, while it has the size that tells: filters may change that.
    pub fn name_likely(picture: &mut frame::Video) {
        // Red, green and blue have no matrix. Names like yuv420p and nv12 are those of luma and colour difference.
        let is_of_luma = picture.format().descriptor().is_some_and(|descriptor| {
            ["yuv", "nv", "p0", "uyvy", "yvyu", "y21"].iter().any(|name| descriptor.name().starts_with(name))
        });
        if is_of_luma && picture.width() > 0 {
            let Self { matrix, primaries, transfer } = Self::of(picture);
            picture.set_color_space(matrix);
            picture.set_color_primaries(primaries);
            picture.set_color_transfer_characteristic(transfer);
        }
    }

    /// Declares it of a frame of the stream.
    pub fn declare(self, picture: &mut frame::Video) {
        picture.set_color_space(self.matrix);
        picture.set_color_primaries(self.primaries);
        picture.set_color_transfer_characteristic(self.transfer);
        picture.set_color_range(Range::MPEG);
    }
}

/// What a scaler has to know of a frame's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    matrix: Space,
    is_full_range: bool,
}

impl Numbers {
    /// The numbers of a frame.
    #[must_use]
    pub fn of(picture: &frame::Video) -> Self {
        let is_full_range = picture.color_range() == Range::JPEG
            || matches!(
                picture.format(),
                Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ444P | Pixel::YUVJ440P
            );
        Self { matrix: ColourSpace::of(picture).matrix, is_full_range }
    }

    /// Whether they can stay in a stream of this colour space.
    #[must_use]
    pub fn fit(self, stream: ColourSpace) -> bool {
        !self.is_full_range && coefficients(self.matrix) == coefficients(stream.matrix)
    }

    /// Makes a scaler that reads such numbers write those of `stream`.
    pub fn convert(self, scaler: &mut scaling::Context, stream: ColourSpace) {
        let (from, to) = (coefficients(self.matrix), coefficients(stream.matrix));
        let unchanged = 1 << 16;
        // SAFETY: the context was made by ffmpeg-next and is borrowed mutably; the tables are copied. The outcome is
        // an error where neither side has a matrix, and then there is nothing to convert.
        unsafe {
            ffmpeg::ffi::sws_setColorspaceDetails(
                scaler.as_mut_ptr(),
                from.as_ptr(),
                i32::from(self.is_full_range),
                to.as_ptr(),
                0,
                0,
                unchanged,
                unchanged,
            );
        }
    }
}

/// libav's four numbers of a matrix; those of BT.601 for one that it cannot convert.
fn coefficients(matrix: Space) -> [i32; 4] {
    let number = ffmpeg::ffi::AVColorSpace::from(matrix) as i32;
    // SAFETY: for every number there is a table of four, which is never freed.
    unsafe {
        let table = ffmpeg::ffi::sws_getCoefficients(number);
        [*table, *table.add(1), *table.add(2), *table.add(3)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_guessed_by_the_size() {
        let nothing = ColourSpace {
            matrix: Space::Unspecified,
            primaries: Primaries::Unspecified,
            transfer: TransferCharacteristic::Unspecified,
        };
        assert_eq!(nothing.or_likely((720, 576)), ColourSpace::WEBCAM);
        assert_eq!(nothing.or_likely((1280, 720)), ColourSpace::HIGH_DEFINITION);
        assert_eq!(nothing.or_likely((1279, 577)), ColourSpace::HIGH_DEFINITION);
        for (long, short) in [(640, 360), (720, 576), (1279, 576), (1280, 576), (800, 600), (1920, 1080)] {
            let (lies, stands) = (nothing.or_likely((long, short)), nothing.or_likely((short, long)));
            assert_eq!(lies, stands, "{long}x{short}");
        }
        assert_eq!(nothing.or_likely((360, 640)), ColourSpace::WEBCAM);
        let hlg = ColourSpace { transfer: TransferCharacteristic::ARIB_STD_B67, ..nothing };
        assert_eq!(hlg.or_likely((64, 64)).matrix, Space::BT2020NCL);
        let said = ColourSpace { matrix: Space::BT2020NCL, ..nothing };
        assert_eq!(said.or_likely((64, 64)).matrix, Space::BT2020NCL);
        assert_eq!(ColourSpace { matrix: Space::RGB, ..nothing }.or_likely((64, 64)).matrix, Space::BT709);
    }

    #[test]
    fn every_matrix_has_coefficients_and_the_two_names_of_one_are_one() {
        assert_eq!(coefficients(Space::BT470BG), coefficients(Space::SMPTE170M));
        assert_ne!(coefficients(Space::BT709), coefficients(Space::SMPTE170M));
        for matrix in [Space::RGB, Space::Reserved, Space::ICTCP, Space::BT2020CL, Space::YCGCO] {
            assert!(coefficients(matrix)[0] > 0, "{matrix:?}");
        }
    }
}
