//! Camera back-end: the only file that knows nokhwa.
//!
//! In: the number of a camera and one of its modes. Out: [`Shot`]s, as they come. [`Streaming`] is opened, read and
//! dropped on the pump's thread, because its [`Device::next`] may block for ever; it ends with its first error.

use super::mode::{CameraMode, PixelFormat};
use super::pump::Device;
#[cfg(target_os = "linux")]
use super::v4l2;
use nokhwa::utils::{
    CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
};
use std::time::{Duration, Instant, SystemTime};

/// A timestamp further back than this is of another clock, and says nothing.
const OLDEST_SHOT: Duration = Duration::from_secs(1);

/// A frame is given no more age than this, or the grid may have filled its place: cameras take less, and what seems
/// older is so because the wall clock was set since the driver looked at it.
const MOST_AGE: Duration = Duration::from_millis(120);

/// A camera that is attached.
#[derive(Debug)]
pub(super) struct Attached {
    /// Its number; on Linux that of its `/dev/video…` node.
    pub index: u32,
    /// What it calls itself.
    pub name: String,
    /// Its modes, sorted and at least one, or in the system's words why it does not tell them.
    pub modes: Result<Vec<CameraMode>, String>,
}

/// The cameras that are attached, by ascending number. Nodes that are no cameras are left out.
#[cfg(target_os = "linux")]
#[allow(clippy::unnecessary_wraps)] // other systems can refuse
pub(super) fn attached() -> Result<Vec<Attached>, String> {
    // nokhwa would panic on oddly named nodes, list metadata nodes, and tell no modes while a camera is busy
    let cameras = v4l2::nodes().into_iter().filter_map(|index| {
        let modes = match v4l2::modes(index) {
            Ok(modes) if modes.is_empty() => return None,
            Ok(modes) => Ok(modes),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(error.to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => Err(error.to_string()),
            // a node without its device: unplugged, or not yet there
            Err(_) => return None,
        };
        Some(Attached { index, name: v4l2::name(index), modes })
    });
    Ok(cameras.collect())
}

/// The cameras that are attached, by ascending number.
#[cfg(not(target_os = "linux"))]
pub fn attached() -> Result<Vec<Attached>, String> {
    ask_permission()?;
    let found = std::panic::catch_unwind(|| nokhwa::query(nokhwa::utils::ApiBackend::Auto))
        .map_err(|_| "the camera library failed on one of the cameras".to_owned())?
        .map_err(|error| error.to_string())?;
    let mut cameras: Vec<_> = found
        .iter()
        .enumerate()
        .map(|(position, camera)| {
            let index = camera.index().as_index().unwrap_or(position as u32);
            Attached { index, name: camera.human_name(), modes: modes(index) }
        })
        .collect();
    cameras.sort_by_key(|camera| camera.index);
    Ok(cameras)
}

#[cfg(not(target_os = "linux"))]
fn modes(index: u32) -> Result<Vec<CameraMode>, String> {
    let any = RequestedFormat::with_formats(RequestedFormatType::None, nokhwa::utils::frame_formats());
    let formats = nokhwa::Camera::new(CameraIndex::Index(index), any)
        .and_then(|mut camera| camera.compatible_camera_formats())
        .map_err(|error| error.to_string())?;
    let modes = formats.iter().map(|offered| CameraMode {
        width: offered.width(),
        height: offered.height(),
        fps: offered.frame_rate(),
        format: pixel_format(offered.format()),
    });
    let mut modes: Vec<_> = modes.filter(|mode| mode.width > 0 && mode.height > 0 && mode.fps > 0).collect();
    modes.sort_unstable();
    modes.dedup();
    if modes.is_empty() { Err("it offers no mode".to_owned()) } else { Ok(modes) }
}

/// macOS asks the person at the machine, once; the answer is waited for.
#[cfg(not(target_os = "linux"))]
fn ask_permission() -> Result<(), String> {
    if nokhwa::nokhwa_check() {
        return Ok(());
    }
    let (answer, answered) = std::sync::mpsc::channel();
    nokhwa::nokhwa_initialize(move |granted| {
        let _ = answer.send(granted);
    });
    match answered.recv_timeout(Duration::from_secs(60)) {
        Ok(true) => Ok(()),
        _ => {
            Err("the system does not let this program use cameras; allow it in the privacy settings"
                .to_owned())
        }
    }
}

/// One buffer as the camera filled it.
pub(super) struct Shot {
    buffer: nokhwa::Buffer,
    /// How far apart its rows begin; 0: not known, they lie back to back.
    pub stride_bytes: usize,
    /// When it was taken; never before the shot before it.
    pub captured_at: Instant,
}

impl Shot {
    /// The buffer, which may go on behind the frame.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.buffer()
    }
}

/// A camera that is streaming.
pub(super) struct Streaming {
    camera: nokhwa::Camera,
    stride_bytes: usize,
    newest_at: Option<Instant>,
}

impl Streaming {
    /// Starts the camera in a mode that it offers. Some refusals, such as too little USB bandwidth, come with the
    /// first [`Device::next`] only.
    pub(super) fn open(index: u32, mode: &CameraMode) -> Result<Self, String> {
        #[cfg(target_os = "linux")]
        let stride_bytes = v4l2::prepare(index, mode)?;
        #[cfg(not(target_os = "linux"))]
        let stride_bytes = 0;
        let format = frame_format(mode.format);
        let exact = CameraFormat::new(Resolution::new(mode.width, mode.height), format, mode.fps);
        let formats = [format];
        let request = RequestedFormat::with_formats(RequestedFormatType::Exact(exact), &formats);
        let mut camera =
            nokhwa::Camera::new(CameraIndex::Index(index), request).map_err(|error| error.to_string())?;
        camera.open_stream().map_err(|error| error.to_string())?;
        Ok(Self { camera, stride_bytes, newest_at: None })
    }
}

impl Device for Streaming {
    type Piece = Shot;

    fn next(&mut self) -> Result<Shot, String> {
        let buffer = self.camera.frame().map_err(|error| error.to_string())?;
        let wall_now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok();
        let captured_at = captured_at(Instant::now(), wall_now, buffer.capture_timestamp());
        // a driver that dates only some of its frames must not send time back
        let captured_at = self.newest_at.map_or(captured_at, |newest| newest.max(captured_at));
        self.newest_at = Some(captured_at);
        Ok(Shot { buffer, stride_bytes: self.stride_bytes, captured_at })
    }
}

/// When a buffer was taken: as long before now as its timestamp is before the wall clock. Some drivers give no
/// timestamp, or one of a clock of their own: then now.
fn captured_at(now: Instant, wall_now: Option<Duration>, wall_taken: Option<Duration>) -> Instant {
    let age = wall_now.zip(wall_taken).and_then(|(wall_now, taken)| wall_now.checked_sub(taken));
    let sane = age.filter(|age| *age <= OLDEST_SHOT);
    sane.and_then(|age| now.checked_sub(age.min(MOST_AGE))).unwrap_or(now)
}

fn frame_format(format: PixelFormat) -> FrameFormat {
    match format {
        PixelFormat::Nv12 => FrameFormat::NV12,
        PixelFormat::Yuyv => FrameFormat::YUYV,
        PixelFormat::Rgb24 => FrameFormat::RAWRGB,
        PixelFormat::Bgr24 => FrameFormat::RAWBGR,
        PixelFormat::Mjpeg => FrameFormat::MJPEG,
        PixelFormat::Grey => FrameFormat::GRAY,
    }
}

#[cfg(not(target_os = "linux"))]
fn pixel_format(format: FrameFormat) -> PixelFormat {
    match format {
        FrameFormat::NV12 => PixelFormat::Nv12,
        FrameFormat::YUYV => PixelFormat::Yuyv,
        FrameFormat::RAWRGB => PixelFormat::Rgb24,
        FrameFormat::RAWBGR => PixelFormat::Bgr24,
        FrameFormat::MJPEG => PixelFormat::Mjpeg,
        FrameFormat::GRAY => PixelFormat::Grey,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wall_now_ms: u64, wall_taken_ms: Option<u64>, expected_age_ms: u64) {
        let now = Instant::now() + Duration::from_secs(10); // so that going back is always possible
        let taken = captured_at(
            now,
            Some(Duration::from_millis(wall_now_ms)),
            wall_taken_ms.map(Duration::from_millis),
        );
        assert_eq!(now - taken, Duration::from_millis(expected_age_ms));
    }

    #[test]
    fn a_picture_is_as_old_as_its_timestamp_says() {
        check(100_000, Some(99_960), 40);
        check(100_000, Some(100_000), 0);
    }

    #[test]
    fn no_timestamp_makes_a_picture_too_late_for_the_grid() {
        check(100_000, Some(99_700), 120);
        check(100_000, Some(99_001), 120);
    }

    #[test]
    fn a_timestamp_that_cannot_be_is_taken_for_now() {
        check(100_000, None, 0);
        check(100_000, Some(98_999), 0);
        check(100_000, Some(100_001), 0);
        check(100_000, Some(0), 0);
    }
}
