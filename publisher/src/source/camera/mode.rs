//! Camera modes: which of those that a camera offers fits a wish best.
//!
//! In: the list of modes, from the device, and the [`CameraWish`], from the command line. Out: one [`CameraMode`].
//! Pure: no device is touched here, and no thread is owned.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

/// How a camera packs its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PixelFormat {
    /// 4:2:0, luma plane and interleaved chroma plane; 1.5 bytes a pixel.
    Nv12,
    /// 4:2:2, packed; 2 bytes a pixel.
    Yuyv,
    /// Red, green, blue; 3 bytes a pixel.
    Rgb24,
    /// Blue, green, red; 3 bytes a pixel.
    Bgr24,
    /// One JPEG per frame.
    Mjpeg,
    /// Luma only; 1 byte a pixel.
    Grey,
}

impl PixelFormat {
    /// Every format that livedir reads; in the order of preference where size and rate are the same.
    pub const ALL: [Self; 6] = [Self::Nv12, Self::Yuyv, Self::Rgb24, Self::Bgr24, Self::Mjpeg, Self::Grey];
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Nv12 => "NV12",
            Self::Yuyv => "YUYV",
            Self::Rgb24 => "RGB3",
            Self::Bgr24 => "BGR3",
            Self::Mjpeg => "MJPEG",
            Self::Grey => "GREY",
        })
    }
}

/// One way in which a camera can deliver frames. Never zero in any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CameraMode {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames per second.
    pub fps: u32,
    /// The packing of the pixels.
    pub format: PixelFormat,
}

impl fmt::Display for CameraMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{} {} at {} fps", self.width, self.height, self.format, self.fps)
    }
}

/// What the stream needs from the camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CameraWish {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames per second. More will do: the frame clock drops what is too many.
    pub fps: u32,
    /// The size was asked for by name: no other will do, and no rate below `fps`.
    pub exact: bool,
}

impl fmt::Display for CameraWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{} at {} fps", self.width, self.height, self.fps)
    }
}

/// Slower than this looks like a series of photographs; taken only if the camera has nothing else.
const USABLE_FPS: u32 = 5;
/// More than this many times the wanted area costs more to carry and to scale than black bars cost in looks.
const LARGE_AREA: u64 = 4;

/// The mode that serves the wish best; none if the list is empty, or if the wish is exact and nothing fulfils it.
#[must_use]
pub(super) fn choose(modes: &[CameraMode], wish: &CameraWish) -> Option<CameraMode> {
    let fulfils = |mode: &&CameraMode| {
        !wish.exact || (mode.width == wish.width && mode.height == wish.height && mode.fps >= wish.fps)
    };
    modes.iter().filter(fulfils).min_by_key(|mode| rank(mode, wish)).copied()
}

/// Less is better; the first difference decides.
fn rank(mode: &CameraMode, wish: &CameraWish) -> impl Ord + use<> {
    let area = u64::from(mode.width) * u64::from(mode.height);
    let wished_area = u64::from(wish.width) * u64::from(wish.height);
    let other_shape = !same_shape(mode, wish);
    (
        mode.fps < wish.fps.min(USABLE_FPS),
        mode.format == PixelFormat::Grey,
        Reverse(fulfilment_ppm(mode, wish)),
        area > wished_area.saturating_mul(LARGE_AREA),
        other_shape,
        area,
        mode.format,
        mode.fps,
        // so that the order of the list never matters
        (mode.width, mode.height),
    )
}

/// How much of the wish a mode fulfils: a million for all of it. Half the rate weighs like a quarter of the area,
/// because movement that stutters is worse than a soft picture.
fn fulfilment_ppm(mode: &CameraMode, wish: &CameraWish) -> u128 {
    let covered = |has: u32, wants: u32| (u128::from(has.min(wants)), u128::from(wants.max(1)));
    let (width, wished_width) = covered(mode.width, wish.width);
    let (height, wished_height) = covered(mode.height, wish.height);
    // beyond 1000 fps nobody sees a difference, and the product stays far inside of 128 bits
    let (fps, wished_fps) = covered(mode.fps, wish.fps.min(1000));
    1_000_000 * width * height * fps * fps / (wished_width * wished_height * wished_fps * wished_fps)
}

/// Whether a mode has the shape of the wish, to within 2 %: 1366x768 is 16:9 to a viewer.
fn same_shape(mode: &CameraMode, wish: &CameraWish) -> bool {
    let across = u128::from(mode.width) * u128::from(wish.height);
    let down = u128::from(mode.height) * u128::from(wish.width);
    across.abs_diff(down) * 50 <= across.max(down)
}

/// The sizes of a camera with the highest rate of each, for an error: `640x480@25, 1280x720@10`.
#[must_use]
pub(super) fn summary(modes: &[CameraMode]) -> String {
    let mut fastest = BTreeMap::new();
    for mode in modes {
        let fps = fastest.entry((mode.width, mode.height)).or_insert(mode.fps);
        *fps = mode.fps.max(*fps);
    }
    let sizes: Vec<_> = fastest.iter().map(|((w, h), fps)| format!("{w}x{h}@{fps}")).collect();
    sizes.join(", ")
}

#[cfg(test)]
mod tests {
    use super::PixelFormat::{Grey, Mjpeg, Nv12, Yuyv};
    use super::*;
    use proptest::prelude::*;

    fn mode(width: u32, height: u32, fps: u32, format: PixelFormat) -> CameraMode {
        CameraMode { width, height, fps, format }
    }

    /// What a cheap USB camera offers: raw while the bus can carry it, JPEG above.
    fn usb_camera() -> Vec<CameraMode> {
        vec![
            mode(640, 480, 30, Yuyv),
            mode(640, 480, 15, Yuyv),
            mode(320, 240, 30, Yuyv),
            mode(1280, 720, 10, Yuyv),
            mode(1920, 1080, 5, Yuyv),
            mode(640, 480, 30, Mjpeg),
            mode(1280, 720, 30, Mjpeg),
            mode(1920, 1080, 30, Mjpeg),
        ]
    }

    fn wish(width: u32, height: u32, fps: u32) -> CameraWish {
        CameraWish { width, height, fps, exact: false }
    }

    #[track_caller]
    fn check(modes: &[CameraMode], wish: CameraWish, expected: CameraMode) {
        assert_eq!(choose(modes, &wish), Some(expected), "for {wish}");
        let backwards: Vec<_> = modes.iter().rev().copied().collect();
        assert_eq!(choose(&backwards, &wish), Some(expected), "for {wish}, list backwards");
    }

    #[test]
    fn raw_pictures_go_before_jpeg_at_the_same_size_and_rate() {
        check(&usb_camera(), wish(640, 480, 20), mode(640, 480, 30, Yuyv));
    }

    #[test]
    fn jpeg_is_taken_where_raw_is_too_slow() {
        check(&usb_camera(), wish(1280, 720, 20), mode(1280, 720, 30, Mjpeg));
        check(&usb_camera(), wish(1920, 1080, 30), mode(1920, 1080, 30, Mjpeg));
    }

    #[test]
    fn the_cheapest_raw_format_goes_first() {
        let modes = [mode(640, 480, 30, Yuyv), mode(640, 480, 30, Nv12), mode(640, 480, 30, Grey)];
        check(&modes, wish(640, 480, 20), modes[1]);
    }

    #[test]
    fn grey_is_taken_only_without_colour() {
        let infrared = [mode(640, 360, 30, Grey)];
        check(&infrared, wish(640, 480, 20), infrared[0]);
        check(&[infrared[0], mode(320, 180, 15, Yuyv)], wish(640, 360, 30), mode(320, 180, 15, Yuyv));
    }

    #[test]
    fn the_lowest_rate_that_is_enough_is_taken() {
        let modes = [mode(640, 480, 60, Yuyv), mode(640, 480, 25, Yuyv), mode(640, 480, 15, Yuyv)];
        check(&modes, wish(640, 480, 20), modes[1]);
    }

    #[test]
    fn a_larger_picture_is_scaled_down_rather_than_a_smaller_one_up() {
        let modes = [mode(320, 240, 30, Yuyv), mode(800, 600, 30, Yuyv)];
        check(&modes, wish(640, 480, 20), modes[1]);
    }

    #[test]
    fn the_same_shape_goes_before_a_smaller_area() {
        let modes = [mode(1280, 720, 30, Yuyv), mode(1280, 960, 30, Yuyv)];
        check(&modes, wish(640, 480, 20), modes[1]);
    }

    #[test]
    fn five_megapixels_are_not_carried_for_the_sake_of_shape() {
        let modes = [mode(2592, 1944, 30, Mjpeg), mode(1280, 720, 30, Mjpeg)];
        check(&modes, wish(640, 480, 20), modes[1]);
    }

    #[test]
    fn a_little_too_slow_goes_before_much_too_small() {
        let modes = [mode(320, 180, 60, Yuyv), mode(1280, 720, 25, Yuyv)];
        check(&modes, wish(1280, 720, 30), modes[1]);
    }

    #[test]
    fn half_the_size_goes_before_a_third_of_the_rate() {
        let modes = [mode(640, 360, 40, Yuyv), mode(1280, 720, 10, Yuyv)];
        check(&modes, wish(1280, 720, 30), modes[0]);
    }

    #[test]
    fn one_picture_a_second_is_the_last_resort() {
        let modes = [mode(1920, 1080, 1, Yuyv), mode(160, 120, 15, Yuyv)];
        check(&modes, wish(1920, 1080, 30), modes[1]);
        check(&modes[..1], wish(1920, 1080, 30), modes[0]);
        check(&modes[..1], wish(1920, 1080, 1), modes[0]);
    }

    #[test]
    fn an_exact_wish_takes_that_size_at_any_rate_that_is_enough_and_nothing_else() {
        let exactly = |width, height, fps| CameraWish { width, height, fps, exact: true };
        check(&usb_camera(), exactly(640, 480, 20), mode(640, 480, 30, Yuyv));
        assert_eq!(choose(&usb_camera(), &exactly(800, 600, 20)), None);
        assert_eq!(choose(&usb_camera(), &exactly(320, 240, 60)), None);
    }

    #[test]
    fn no_modes_no_choice() {
        assert_eq!(choose(&[], &wish(640, 480, 20)), None);
    }

    #[test]
    fn the_summary_names_each_size_once_with_its_highest_rate() {
        assert_eq!(summary(&usb_camera()), "320x240@30, 640x480@30, 1280x720@30, 1920x1080@30");
    }

    fn any_mode() -> impl Strategy<Value = CameraMode> {
        (1..5000_u32, 1..5000_u32, 1..121_u32, 0..PixelFormat::ALL.len())
            .prop_map(|(width, height, fps, format)| mode(width, height, fps, PixelFormat::ALL[format]))
    }

    proptest! {
        #[test]
        fn the_choice_is_offered_and_does_not_depend_on_the_order(
            mut modes in prop::collection::vec(any_mode(), 1..20),
            (width, height, fps) in (1..5000_u32, 1..5000_u32, 1..121_u32),
        ) {
            let chosen = choose(&modes, &wish(width, height, fps)).unwrap();
            prop_assert!(modes.contains(&chosen));
            modes.sort();
            prop_assert_eq!(choose(&modes, &wish(width, height, fps)), Some(chosen));
        }

        #[test]
        fn a_mode_that_fulfils_the_wish_is_never_passed_over(
            modes in prop::collection::vec(any_mode(), 0..20), (width, height, fps) in (1..5000_u32, 1..5000_u32, 1..121_u32),
        ) {
            let mut modes = modes;
            modes.push(mode(width, height, fps, Mjpeg));
            let chosen = choose(&modes, &wish(width, height, fps)).unwrap();
            prop_assert!(chosen.width >= width && chosen.height >= height && chosen.fps >= fps, "{}", chosen);
        }

        #[test]
        fn one_picture_a_second_is_never_chosen_where_five_are_offered(
            modes in prop::collection::vec(any_mode(), 0..20), usable in any_mode(), (width, height) in (1..5000_u32, 1..5000_u32),
        ) {
            let mut modes = modes;
            modes.push(CameraMode { fps: usable.fps.max(5), ..usable });
            prop_assert!(choose(&modes, &wish(width, height, 20)).unwrap().fps >= 5);
        }

        #[test]
        fn an_exact_choice_is_exact(
            modes in prop::collection::vec(any_mode(), 0..20), asked in any_mode(), listed in any::<bool>(),
        ) {
            let mut modes = modes;
            if listed { modes.push(asked); }
            let CameraMode { width, height, fps, .. } = asked;
            let chosen = choose(&modes, &CameraWish { width, height, fps, exact: true });
            prop_assert!(!listed || chosen.is_some());
            if let Some(chosen) = chosen {
                prop_assert!((chosen.width, chosen.height) == (width, height) && chosen.fps >= fps);
            }
        }

        #[test]
        fn no_numbers_upset_the_choice(modes in prop::collection::vec((any::<u32>(), any::<u32>(), any::<u32>()), 1..5), w in any::<(u32, u32, u32)>()) {
            let modes: Vec<_> = modes.into_iter().map(|(width, height, fps)| mode(width, height, fps, Yuyv)).collect();
            prop_assert!(choose(&modes, &wish(w.0, w.1, w.2)).is_some());
        }
    }
}
