//! V4L2 by its own ioctls, for what nokhwa cannot do: look at a camera without changing it, and bring it to a mode
//! from whatever state another program left it in.
//!
//! In: the number of a `/dev/video…` node. Out: names and modes; the row length of a mode that was set. Every call
//! opens the node and closes it again; nothing streams here, and no thread is owned. Linux only.

use super::mode::{CameraMode, PixelFormat};
use std::io;
use std::path::Path;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC};

/// The longest side of a frame that is believed; also the limit of JPEG, with room to spare for any camera.
const MAX_SIDE_PX: u32 = 16_384;

/// The numbers of the `/dev/video…` nodes, ascending. Names that are not a number are none of V4L2's.
pub(super) fn nodes() -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/dev") else { return Vec::new() };
    let mut nodes: Vec<u32> =
        entries.filter_map(|entry| node_number(entry.ok()?.file_name().to_str()?)).collect();
    nodes.sort_unstable();
    nodes
}

fn node_number(file_name: &str) -> Option<u32> {
    let number = file_name.strip_prefix("video")?;
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let canonical = plain && (number == "0" || !number.starts_with('0'));
    canonical.then(|| number.parse().ok())?
}

/// What the driver calls the camera; the node's path if it does not say.
pub(super) fn name(node: u32) -> String {
    let file = Path::new("/sys/class/video4linux").join(format!("video{node}")).join("name");
    let name = std::fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    name.ok().filter(|name| !name.is_empty()).unwrap_or_else(|| format!("/dev/video{node}"))
}

/// The modes of a camera, sorted; none if the node is no camera (metadata, radio, output, a codec).
///
/// Works while another program streams from it.
pub(super) fn modes(node: u32) -> io::Result<Vec<CameraMode>> {
    let device = Device::new(node as usize)?;
    let mut modes = Vec::new();
    // a node that captures no frames refuses to enumerate their formats
    for description in device.enum_formats().unwrap_or_default() {
        let Some(format) = pixel_format(description.fourcc) else { continue };
        for (width, height) in sizes(&device, description.fourcc) {
            let intervals = device.enum_frameintervals(description.fourcc, width, height).unwrap_or_default();
            for fps in intervals.into_iter().flat_map(|interval| rates(interval.interval)) {
                modes.push(CameraMode { width, height, fps, format });
            }
        }
    }
    modes.retain(|mode| {
        (1..=MAX_SIDE_PX).contains(&mode.width) && (1..=MAX_SIDE_PX).contains(&mode.height) && mode.fps > 0
    });
    modes.sort_unstable();
    modes.dedup();
    Ok(modes)
}

fn sizes(device: &Device, fourcc: FourCC) -> Vec<(u32, u32)> {
    let sizes = device.enum_framesizes(fourcc).unwrap_or_default();
    let sizes = sizes.into_iter().flat_map(|size| match size.size {
        FrameSizeEnum::Discrete(size) => vec![(size.width, size.height)],
        FrameSizeEnum::Stepwise(range) => sizes_in(
            SideRange { min: range.min_width, max: range.max_width, step: range.step_width },
            SideRange { min: range.min_height, max: range.max_height, step: range.step_height },
        ),
    });
    sizes.collect()
}

/// Whole rates only: nokhwa refuses the others.
fn rates(interval: FrameIntervalEnum) -> Vec<u32> {
    match interval {
        FrameIntervalEnum::Discrete(interval) if interval.numerator == 1 => vec![interval.denominator],
        FrameIntervalEnum::Discrete(_) => vec![],
        FrameIntervalEnum::Stepwise(range) => rates_in(
            (range.min.numerator, range.min.denominator),
            (range.max.numerator, range.max.denominator),
        ),
    }
}

/// Sizes that a camera with a range of sizes, instead of a list, is asked for.
const COMMON_SIZES: [(u32, u32); 10] = [
    (320, 180),
    (320, 240),
    (640, 360),
    (640, 480),
    (800, 600),
    (1024, 768),
    (1280, 720),
    (1280, 960),
    (1600, 1200),
    (1920, 1080),
];
/// Rates that a camera with a range of rates, instead of a list, is asked for.
const COMMON_RATES_FPS: [u32; 8] = [5, 10, 15, 20, 25, 30, 50, 60];

/// One side of a frame, in pixels, as a driver describes a range of sizes.
#[derive(Debug, Clone, Copy)]
struct SideRange {
    min: u32,
    max: u32,
    /// The distance between two that are possible; 0 counts as 1.
    step: u32,
}

impl SideRange {
    fn has(&self, pixels: u32) -> bool {
        (self.min..=self.max).contains(&pixels) && (pixels - self.min).is_multiple_of(self.step.max(1))
    }
}

/// The common sizes in a range, and its greatest.
fn sizes_in(width: SideRange, height: SideRange) -> Vec<(u32, u32)> {
    let mut sizes: Vec<_> =
        COMMON_SIZES.into_iter().filter(|&(w, h)| width.has(w) && height.has(h)).collect();
    sizes.push((width.max, height.max));
    sizes.dedup();
    sizes
}

/// The common rates between the longest and the shortest interval, both in seconds as a fraction.
fn rates_in(shortest: (u32, u32), longest: (u32, u32)) -> Vec<u32> {
    // an interval n/d is no longer than 1/fps where n * fps <= d
    let reaches = |fps: u32, (n, d): (u32, u32)| u64::from(n) * u64::from(fps) <= u64::from(d);
    let exceeds = |fps: u32, (n, d): (u32, u32)| u64::from(n) * u64::from(fps) >= u64::from(d);
    COMMON_RATES_FPS.into_iter().filter(|&fps| reaches(fps, shortest) && exceeds(fps, longest)).collect()
}

/// The formats that nokhwa can stream from V4L2. It knows grey by a name that no driver uses.
fn pixel_format(fourcc: FourCC) -> Option<PixelFormat> {
    PixelFormat::ALL.into_iter().find(|&format| self::fourcc(format).is_some_and(|own| own == fourcc))
}

fn fourcc(format: PixelFormat) -> Option<FourCC> {
    Some(FourCC::new(match format {
        PixelFormat::Nv12 => b"NV12",
        PixelFormat::Yuyv => b"YUYV",
        PixelFormat::Rgb24 => b"RGB3",
        PixelFormat::Bgr24 => b"BGR3",
        PixelFormat::Mjpeg => b"MJPG",
        PixelFormat::Grey => return None,
    }))
}

/// Brings a camera to a mode, and says how many bytes its rows are apart.
///
/// nokhwa then finds the mode set and changes nothing. Left to itself it gives up on a camera that stands at a
/// fractional rate or in a format it does not know, and forgets to set the rate anew after a change of size.
pub(super) fn prepare(node: u32, mode: &CameraMode) -> Result<usize, String> {
    let refused = |instead: String| Err(format!("it refused {mode} and took {instead}"));
    let system = |error: io::Error| error.to_string();
    let Some(fourcc) = fourcc(mode.format) else { return Err(format!("{} cannot be read", mode.format)) };
    let device = Device::new(node as usize).map_err(system)?;
    let format = device.set_format(&Format::new(mode.width, mode.height, fourcc)).map_err(system)?;
    if (format.width, format.height, format.fourcc) != (mode.width, mode.height, fourcc) {
        return refused(format!("{}x{} {}", format.width, format.height, format.fourcc));
    }
    let interval = device.set_params(&Parameters::with_fps(mode.fps)).map_err(system)?.interval;
    if (interval.numerator, interval.denominator) != (1, mode.fps) {
        return refused(format!("{}/{} fps", interval.denominator, interval.numerator));
    }
    // for JPEG the row length means nothing, and drivers fill in anything
    Ok(if mode.format == PixelFormat::Mjpeg { 0 } else { format.stride as usize })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file_name: &str, expected: Option<u32>) {
        assert_eq!(node_number(file_name), expected, "{file_name}");
    }

    #[test]
    fn only_plain_numbers_are_nodes() {
        check("video0", Some(0));
        check("video17", Some(17));
        check("video", None);
        check("video-front", None);
        check("video0a", None);
        check("video00", None);
        check("video+1", None);
        check("video99999999999", None);
        check("v4l-subdev0", None);
    }

    #[test]
    fn a_range_of_sizes_becomes_the_common_ones_and_the_greatest() {
        let width = SideRange { min: 32, max: 1296, step: 2 };
        let height = SideRange { min: 32, max: 730, step: 2 };
        let expected = [(320, 180), (320, 240), (640, 360), (640, 480), (800, 600), (1280, 720), (1296, 730)];
        assert_eq!(sizes_in(width, height), expected);
        let fixed = SideRange { min: 640, max: 640, step: 0 };
        assert_eq!(sizes_in(fixed, SideRange { min: 480, max: 480, step: 0 }), [(640, 480)]);
    }

    #[test]
    fn a_range_of_intervals_becomes_the_common_rates() {
        assert_eq!(rates_in((1, 30), (1, 10)), [10, 15, 20, 25, 30]);
        assert_eq!(rates_in((1001, 30000), (1, 1)), [5, 10, 15, 20, 25]);
        assert_eq!(rates_in((0, 0), (0, 0)), COMMON_RATES_FPS); // a driver that does not know
    }
}
