//! Upright: frames of a phone that was held on its side are turned, and get the pixel shape that the file names.
//!
//! In: the display matrix of the stream, decoded frames, which may have one of their own (in a message of H.264 or HEVC, or in the
//! Exif of a photo). Out: frames as they are to be seen. A frame that needs nothing passes untouched; the others go through a small
//! libavfilter graph.

use std::time::Duration;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::Rational;
use ffmpeg_next::util::frame::side_data::Type;

use crate::picture::filter::{FilterError, Graph};
use crate::picture::shared::SharedPicture;

/// How stored frames are to be turned: one of the eight ways to lay a rectangle on a rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Orientation {
    #[default]
    Upright,
    MirroredSideways,
    UpsideDown,
    MirroredUpsideDown,
    QuarterClockwise,
    QuarterCounterclockwise,
    Transposed,
    Antitransposed,
}

impl Orientation {
    /// From a display matrix (ISO 14496-12 8.5.3): nine 32-bit numbers in the machine's order, of which the first two of
    /// each of the first two rows say where the right and the lower edge go. Odd angles become the nearest quarter.
    pub(crate) fn from_display_matrix(bytes: &[u8]) -> Self {
        let mut numbers = [0_i64; 9];
        if bytes.len() < 4 * numbers.len() {
            return Orientation::Upright;
        }
        for (number, bytes) in numbers.iter_mut().zip(bytes.chunks_exact(4)) {
            *number = i64::from(i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        }
        let [right_x, right_y, _, down_x, down_y, ..] = numbers;
        if right_x.abs() + down_y.abs() >= right_y.abs() + down_x.abs() {
            match (right_x < 0, down_y < 0) {
                (false, false) => Orientation::Upright,
                (true, false) => Orientation::MirroredSideways,
                (true, true) => Orientation::UpsideDown,
                (false, true) => Orientation::MirroredUpsideDown,
            }
        } else {
            match (right_y < 0, down_x < 0) {
                (false, true) => Orientation::QuarterClockwise,
                (true, false) => Orientation::QuarterCounterclockwise,
                (false, false) => Orientation::Transposed,
                (true, true) => Orientation::Antitransposed,
            }
        }
    }

    fn swaps_sides(self) -> bool {
        use Orientation::{Antitransposed, QuarterClockwise, QuarterCounterclockwise, Transposed};
        matches!(self, QuarterClockwise | QuarterCounterclockwise | Transposed | Antitransposed)
    }

    /// The filters that turn a frame so.
    fn filters(self) -> Option<&'static str> {
        match self {
            Orientation::Upright => None,
            Orientation::MirroredSideways => Some("hflip"),
            Orientation::UpsideDown => Some("hflip,vflip"),
            Orientation::MirroredUpsideDown => Some("vflip"),
            Orientation::QuarterClockwise => Some("transpose=clock"),
            Orientation::QuarterCounterclockwise => Some("transpose=cclock"),
            Orientation::Transposed => Some("transpose=cclock_flip"),
            Orientation::Antitransposed => Some("transpose=clock_flip"),
        }
    }
}

/// Pixels that are more oblong than this are none: no camera and no television has them, and what says so is broken.
const MOST_OBLONG: i64 = 8;

/// Whether pixels can have this shape.
pub(crate) fn is_shape_of_pixels(width: i32, height: i32) -> bool {
    let (width, height) = (i64::from(width), i64::from(height));
    width > 0 && height > 0 && width <= height * MOST_OBLONG && height <= width * MOST_OBLONG
}

/// Width and height in square pixels of stored frames with pixels of shape `sample_aspect`, once turned.
fn shown_size(width: u32, height: u32, sample_aspect: Rational, orientation: Orientation) -> (u32, u32) {
    let (num, den) = (sample_aspect.numerator(), sample_aspect.denominator());
    let shown = if is_shape_of_pixels(num, den) {
        let exact = (u64::from(width) * num as u64 + den as u64 / 2) / den as u64;
        exact.clamp(1, u64::from(u32::MAX)) as u32
    } else {
        width
    };
    if orientation.swaps_sides() { (height, shown) } else { (shown, height) }
}

/// Turns frames; see the file's head.
pub(crate) struct Upright {
    /// As the container says it.
    stated: Orientation,
    /// That of the newest frame. libav gives a frame the container's, too, unless it has its own.
    orientation: Orientation,
    /// The pixel shape that the container names, if it does: it stands above what the codec says.
    sample_aspect: Option<Rational>,
    graph: Option<Graph>,
}

impl Upright {
    /// `sample_aspect` is the container's; 0/1 leaves it to the codec.
    pub(crate) fn new(orientation: Orientation, sample_aspect: Rational) -> Self {
        let is_named = sample_aspect.numerator() > 0 && sample_aspect.denominator() > 0;
        Upright {
            stated: orientation,
            orientation,
            sample_aspect: is_named.then_some(sample_aspect),
            graph: None,
        }
    }

    /// Whether frames are turned or mirrored, as far as the container or the newest frame says it.
    pub(crate) fn is_turned(&self) -> bool {
        self.orientation != Orientation::Upright
    }

    /// The shape that is said of pixels and that none have, where the codec says this; they are taken for square.
    pub(crate) fn broken_aspect(&self, codec_aspect: Rational) -> Option<Rational> {
        let said = self.sample_aspect.unwrap_or(codec_aspect);
        let is_said = said.numerator() > 0 && said.denominator() > 0;
        (is_said && !is_shape_of_pixels(said.numerator(), said.denominator())).then_some(said)
    }

    /// The size in square pixels of frames of which the codec says this.
    pub(crate) fn shown_size(&self, width: u32, height: u32, codec_aspect: Rational) -> (u32, u32) {
        shown_size(width, height, self.sample_aspect.unwrap_or(codec_aspect), self.orientation)
    }

    /// The frame as it is to be seen.
    pub(crate) fn turn(&mut self, picture: SharedPicture) -> Result<SharedPicture, ffmpeg::Error> {
        match picture.side_data(Type::DisplayMatrix) {
            Some(own) => self.orientation = Orientation::from_display_matrix(own.data()),
            // H.264 D.2.27: what was said holds until a new sequence begins.
            None if picture.is_key() => self.orientation = self.stated,
            None => {}
        }
        let own = picture.aspect_ratio();
        let wanted = self.broken_aspect(own).map_or(self.sample_aspect, |_| Some(Rational::new(1, 1)));
        let aspect = wanted.filter(|wanted| *wanted != own);
        let steps: Vec<String> = aspect
            .map(|aspect| format!("setsar={}/{}", aspect.numerator(), aspect.denominator()))
            .into_iter()
            .chain(self.orientation.filters().map(str::to_owned))
            .collect();
        if steps.is_empty() {
            return Ok(picture);
        }
        let steps = steps.join(",");
        self.graph.take_if(|graph| graph.steps() != steps);
        let graph = self.graph.get_or_insert_with(|| Graph::new(steps));
        // None of these looks at the time.
        graph.run(picture, Duration::ZERO).map_err(FilterError::cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffmpeg_next::format::Pixel;

    #[track_caller]
    fn check(matrix: [i32; 4], expected: Orientation) {
        let [right_x, right_y, down_x, down_y] = matrix.map(|number| number << 16);
        let bytes: Vec<u8> = [right_x, right_y, 0, down_x, down_y, 0, 0, 0, 1 << 30]
            .iter()
            .flat_map(|number| number.to_ne_bytes())
            .collect();
        assert_eq!(Orientation::from_display_matrix(&bytes), expected);
    }

    #[test]
    fn a_display_matrix_names_one_of_eight_ways() {
        check([1, 0, 0, 1], Orientation::Upright);
        check([-1, 0, 0, -1], Orientation::UpsideDown);
        check([0, 1, -1, 0], Orientation::QuarterClockwise);
        check([0, -1, 1, 0], Orientation::QuarterCounterclockwise);
        check([-1, 0, 0, 1], Orientation::MirroredSideways);
        check([1, 0, 0, -1], Orientation::MirroredUpsideDown);
        check([0, 1, 1, 0], Orientation::Transposed);
        check([0, -1, -1, 0], Orientation::Antitransposed);
        check([1, 9, -9, 1], Orientation::QuarterClockwise);
    }

    #[test]
    fn a_broken_matrix_leaves_the_picture_as_it_is() {
        assert_eq!(Orientation::from_display_matrix(&[1; 35]), Orientation::Upright);
        check([0, 0, 0, 0], Orientation::Upright);
    }

    #[test]
    fn the_shown_size_has_square_pixels() {
        let aspect = |num, den| Rational::new(num, den);
        assert_eq!(shown_size(720, 576, aspect(64, 45), Orientation::Upright), (1024, 576));
        assert_eq!(shown_size(1920, 1080, aspect(1, 1), Orientation::QuarterClockwise), (1080, 1920));
        assert_eq!(shown_size(720, 576, aspect(64, 45), Orientation::Transposed), (576, 1024));
        for broken in [
            aspect(0, 1),
            aspect(0, 0),
            aspect(1, 0),
            aspect(-4, 3),
            aspect(i32::MAX, 1),
            aspect(1, i32::MAX),
        ] {
            assert_eq!(shown_size(640, 480, broken, Orientation::Upright), (640, 480));
        }
    }

    #[test]
    fn a_shape_that_no_pixels_have_is_that_of_square_ones_for_size_and_frame() {
        for (container, codec, expected) in [
            ((0, 1), (10, 1), (1, 1)),
            ((0, 1), (1, 10), (1, 1)),
            ((10, 1), (4, 3), (1, 1)),
            ((1, 10), (0, 1), (1, 1)),
            ((0, 1), (8, 1), (8, 1)),
            ((1, 8), (1, 10), (1, 8)),
        ] {
            let of = |(num, den)| Rational::new(num, den);
            let mut upright = Upright::new(Orientation::Upright, of(container));
            let mut picture = ffmpeg_next::frame::Video::new(Pixel::GRAY8, 64, 32);
            picture.data_mut(0).fill(0);
            let says =
                Graph::new(format!("setsar={}/{}", codec.0, codec.1)).run(picture.into(), Duration::ZERO);
            let (width, height) = upright.shown_size(64, 32, of(codec));
            let shown = upright.turn(says.expect("a picture")).expect("a picture");
            assert_eq!(shown.aspect_ratio(), of(expected), "{container:?} {codec:?}");
            assert_eq!((width, height), ((64 * expected.0 / expected.1) as u32, 32));
        }
    }

    #[test]
    fn the_right_edge_of_a_clockwise_quarter_goes_down() {
        // A grey picture whose right half is white, turned clockwise: the lower half is white.
        let mut picture = ffmpeg_next::frame::Video::new(Pixel::GRAY8, 64, 32);
        let stride = picture.stride(0);
        for row in picture.data_mut(0).chunks_exact_mut(stride) {
            row[..32].fill(0);
            row[32..64].fill(255);
        }
        let mut upright = Upright::new(Orientation::QuarterClockwise, Rational::new(2, 1));
        let turned = upright.turn(picture.into()).expect("a picture");
        assert_eq!((turned.width(), turned.height()), (32, 64));
        assert_eq!(turned.aspect_ratio(), Rational::new(1, 2));
        assert_eq!((turned.data(0)[0], turned.data(0)[turned.stride(0) * 63 + 31]), (0, 255));
    }
}
