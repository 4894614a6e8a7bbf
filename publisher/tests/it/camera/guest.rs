//! What runs inside the camera machine, one case after the other, each bringing the camera into its own state first.

use crate::support::wait_for;

use super::jpeg_camera::{JpegCamera, LUMA_OF_THE_SHORT};
use ffmpeg_next::format::Pixel;
use livedir_publisher::captured::{Captured, CapturedPicture};
use livedir_publisher::commands::devices;
use livedir_publisher::source::camera::{
    self, Camera, CameraError, CameraMode, CameraSelector, CameraWish, PixelFormat, SILENCE_LIMIT,
};
use livedir_publisher::source::{Read, Source, SourceError};
use std::ffi::OsStr;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How many there are, so that none is left out unnoticed.
pub const CASES: usize = 15;

/// Far beyond what anything here takes, also under emulation on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const FIRST: CameraSelector = CameraSelector::First;
const VIVID: CameraSelector = CameraSelector::Index(0);
const LOOPBACK: CameraSelector = CameraSelector::Index(10);
const SMALL: CameraMode = CameraMode { width: 320, height: 180, fps: 15, format: PixelFormat::Yuyv };

fn wish(width: u32, height: u32, fps: u32) -> CameraWish {
    CameraWish { width, height, fps, exact: false }
}

#[track_caller]
fn eventually<T>(what: &str, answer: impl FnMut() -> Option<T>) -> T {
    wait_for(what, PATIENCE, answer)
}

#[track_caller]
pub fn v4l2_ctl(arguments: &[&str]) {
    let output = Command::new("v4l2-ctl").args(["-d", "/dev/video0"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "v4l2-ctl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

const VIVID_DRIVER: &str = "/sys/bus/platform/drivers/vivid";

pub fn pull_out() {
    std::fs::write(Path::new(VIVID_DRIVER).join("unbind"), "vivid.0").unwrap();
}

pub fn plug_in() {
    std::fs::write(Path::new(VIVID_DRIVER).join("bind"), "vivid.0").unwrap();
}

/// The camera as it was after the boot. Refuses to run anywhere else.
fn fresh_camera() {
    assert!(
        std::env::var_os("LIVEDIR_CAMERA_VM").is_some(),
        "this runs inside the camera machine only, see camera.rs"
    );
    if Path::new(VIVID_DRIVER).join("vivid.0").exists() {
        pull_out();
    }
    plug_in();
    eventually("camera 0", || camera::list().unwrap().into_iter().find(|camera| camera.index == 0));
    // no letters over the colour bars: then every row of a picture is the same; timestamps as USB cameras give them
    v4l2_ctl(&["-c", "osd_text_mode=2,timestamp_source=1"]);
}

/// Reads until a picture comes; an error is the end.
fn picture(camera: &mut Camera) -> Result<CapturedPicture, SourceError> {
    let give_up = Instant::now() + PATIENCE;
    while Instant::now() < give_up {
        let started = Instant::now();
        let read = camera.read(Duration::from_millis(200));
        assert!(started.elapsed() < PATIENCE / 3, "read() took {:?}", started.elapsed());
        if let Read::Captured(Captured::Picture(picture)) = read? {
            return Ok(picture);
        }
    }
    panic!("neither a picture nor an error within {PATIENCE:?}");
}

/// Reads pictures until the loss, and gives its words.
fn loss(camera: &mut Camera) -> String {
    eventually("the loss", || match picture(camera) {
        Ok(_) => None,
        Err(SourceError::Lost(reason)) => Some(reason),
        Err(SourceError::Open(reason) | SourceError::CutShort(reason) | SourceError::HandedOver(reason)) => {
            panic!("a camera that was open cannot fail to open: {reason}")
        }
    })
}

/// The error of an opening that must not succeed.
#[track_caller]
fn refused(opened: Result<Camera, CameraError>) -> CameraError {
    match opened {
        Ok(camera) => panic!("opened: {}", camera.format().description),
        Err(error) => error,
    }
}

/// Ten pictures in this mode: right in size and format, upright, dated, and with bars that go straight down.
#[track_caller]
fn check_pictures(mode: CameraMode, expected: Pixel) {
    fresh_camera();
    let mut camera = camera::open_mode(&VIVID, mode).unwrap();
    assert_eq!((camera.format().width, camera.format().height), (mode.width, mode.height));
    let mut taken_before = None;
    for _ in 0..10 {
        let CapturedPicture { frame, captured_at, .. } = picture(&mut camera).unwrap();
        assert_eq!((frame.format(), frame.width(), frame.height()), (expected, mode.width, mode.height));
        assert!(captured_at.elapsed() < PATIENCE, "{:?} old", captured_at.elapsed());
        assert!(taken_before.is_none_or(|before| captured_at >= before), "older than the picture before");
        taken_before = Some(captured_at);
        let stride = frame.stride(0);
        let width_bytes = match mode.format {
            PixelFormat::Yuyv => mode.width as usize * 2,
            PixelFormat::Rgb24 => mode.width as usize * 3,
            _ => mode.width as usize,
        };
        let row = |y: usize| &frame.data(0)[y * stride..][..width_bytes];
        assert!(row(0).iter().max() > row(0).iter().min(), "a picture of one colour");
        for y in 1..mode.height as usize {
            assert!(row(y) == row(0), "row {y} of {mode} is out of place");
        }
    }
    assert_eq!(camera.damaged(), 0);
}

#[test]
#[ignore = "runs inside the camera machine"]
fn a_camera_is_listed_with_its_modes_and_its_metadata_node_is_not() {
    fresh_camera();
    assert!(Path::new("/dev/video1").exists(), "the metadata node is missing from the machine");
    let cameras = camera::list().unwrap();
    assert_eq!(cameras.iter().map(|camera| camera.index).collect::<Vec<_>>(), [0]);
    assert!(cameras[0].name.contains("vivid"), "{}", cameras[0].name);
    let expected = CameraMode { width: 640, height: 480, fps: 25, format: PixelFormat::Yuyv };
    assert!(cameras[0].modes.contains(&expected), "{:?}", cameras[0].modes);
    assert!(camera::is_any());
    let text = devices::devices().unwrap();
    assert!(
        text.starts_with("camera:0  vivid") && text.contains("640x480    NV12, YUYV, RGB3, BGR3 at 25,"),
        "{text}"
    );
}

#[test]
#[ignore = "runs inside the camera machine"]
fn oddly_named_nodes_upset_nothing() {
    fresh_camera();
    let odd: Vec<PathBuf> =
        [&b"video"[..], b"video-front", b"video99999999999", b"video\xff", b"\xff", b"video7"]
            .map(|name| Path::new("/dev").join(OsStr::from_bytes(name)))
            .into();
    for node in &odd {
        std::fs::write(node, "").unwrap();
    }
    let listed = camera::list().map(|cameras| cameras.len());
    let opened = camera::open(&FIRST, &wish(320, 180, 15)).map(|_| ());
    for node in &odd {
        std::fs::remove_file(node).unwrap();
    }
    assert_eq!((listed, opened), (Ok(1), Ok(())));
}

#[test]
#[ignore = "runs inside the camera machine"]
fn yuyv_pictures_arrive_whole() {
    let mode = CameraMode { width: 640, height: 480, fps: 25, format: PixelFormat::Yuyv };
    check_pictures(mode, Pixel::YUYV422);
}

#[test]
#[ignore = "runs inside the camera machine"]
fn nv12_and_rgb_pictures_arrive_whole() {
    let mode = CameraMode { width: 320, height: 180, fps: 30, format: PixelFormat::Nv12 };
    check_pictures(mode, Pixel::NV12);
    check_pictures(CameraMode { format: PixelFormat::Rgb24, ..mode }, Pixel::RGB24);
}

#[test]
#[ignore = "runs inside the camera machine"]
fn a_wish_is_served_by_the_nearest_mode() {
    fresh_camera();
    let mut camera = camera::open(&FIRST, &wish(640, 480, 20)).unwrap();
    assert!(
        camera.format().description.ends_with(", 640x480 NV12 at 25 fps"),
        "{}",
        camera.format().description
    );
    assert!(picture(&mut camera).is_ok());
    drop(camera);
    // 1280x720 is offered with 10 fps only
    let camera = camera::open(&CameraSelector::Name("VIVID".into()), &wish(1280, 720, 30)).unwrap();
    assert_eq!((camera.format().width, camera.mode().fps), (640, 30));
}

#[test]
#[ignore = "runs inside the camera machine"]
fn what_is_not_there_is_refused_with_what_is() {
    fresh_camera();
    let exact = CameraWish { width: 800, height: 600, fps: 20, exact: true };
    let error = refused(camera::open(&FIRST, &exact)).to_string();
    assert!(
        error.contains(" does not offer 800x600 at 20 fps; it offers: 320x180@60, 640x360@40, 640x480@25, "),
        "{error}"
    );
    let error = refused(camera::open(&CameraSelector::Index(7), &exact)).to_string();
    assert!(error.starts_with("there is no camera 7; attached: camera 0 (vivid"), "{error}");
    pull_out();
    assert_eq!(refused(camera::open(&FIRST, &exact)), CameraError::None);
    assert!(!camera::is_any());
}

#[test]
#[ignore = "runs inside the camera machine"]
fn a_busy_camera_is_refused_and_still_listed() {
    fresh_camera();
    let mut other = Command::new("v4l2-ctl")
        .args(["-d", "/dev/video0", "--stream-mmap", "--stream-to=/dev/null"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // it writes a mark for each picture
    other.stderr.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let error = refused(camera::open_mode(&VIVID, SMALL));
    let listed = camera::list().unwrap();
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(matches!(error, CameraError::Busy { .. }), "{error}");
    assert!(!listed[0].modes.is_empty());

    let _first = camera::open_mode(&VIVID, SMALL).unwrap();
    let second = refused(camera::open_mode(&VIVID, SMALL));
    assert!(matches!(second, CameraError::Busy { .. }), "{second}");
}

#[test]
#[ignore = "runs inside the camera machine"]
fn a_camera_that_belongs_to_others_is_refused_with_the_remedy() {
    const AS_NOBODY: &str = "LIVEDIR_AS_NOBODY";
    if std::env::var_os(AS_NOBODY).is_some() {
        let error = refused(camera::open(&FIRST, &wish(640, 480, 20)));
        assert!(matches!(error, CameraError::Denied { .. }), "{error}");
        let listed = camera::list().unwrap();
        assert!(
            listed[0].problem.as_ref().is_some_and(|problem| problem.contains("group `video`")),
            "{listed:?}"
        );
        return;
    }
    fresh_camera();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["a_camera_that_belongs_to_others_is_refused_with_the_remedy", "--ignored"])
        .env(AS_NOBODY, "1")
        .uid(65534)
        .gid(65534)
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
}

#[test]
#[ignore = "runs inside the camera machine"]
fn a_camera_that_drops_off_the_bus_is_lost_at_once_and_opens_again() {
    fresh_camera();
    let mut camera = camera::open(&FIRST, &wish(320, 180, 25)).unwrap();
    assert!(picture(&mut camera).is_ok());
    // back as soon as it is closed
    v4l2_ctl(&["-c", "disconnect=1"]);
    // these words tell it from the watchdog's loss, which comes after seconds only
    let reason = loss(&mut camera);
    assert!(reason.contains("was disconnected; plug it in again"), "{reason}");
    drop(camera);
    let mut camera = camera::open(&FIRST, &wish(320, 180, 25)).unwrap();
    assert!(picture(&mut camera).is_ok());
}

#[test]
#[ignore = "runs inside the camera machine"]
fn a_camera_that_is_pulled_out_is_lost_at_once_and_opens_when_it_is_back() {
    fresh_camera();
    let mut camera = camera::open(&FIRST, &wish(320, 180, 25)).unwrap();
    for _ in 0..2 {
        assert!(picture(&mut camera).is_ok());
        pull_out();
        let reason = loss(&mut camera);
        assert!(reason.contains("was disconnected; plug it in again"), "{reason}");
        assert_eq!(refused(camera::open(&FIRST, &wish(320, 180, 25))), CameraError::None);
        // while the lost one is still held
        plug_in();
        camera = eventually("the camera again", || camera::open(&FIRST, &wish(320, 180, 25)).ok());
    }
    assert!(picture(&mut camera).is_ok());
}

#[test]
#[ignore = "runs inside the camera machine"]
fn a_silent_camera_is_lost_by_the_watchdog_and_is_not_left_busy() {
    fresh_camera();
    let mut camera = camera::open_mode(&VIVID, SMALL).unwrap();
    assert!(picture(&mut camera).is_ok());
    v4l2_ctl(&["-c", "percentage_of_dropped_buffers=100"]);
    let silent_from = Instant::now();
    let reason = loss(&mut camera);
    assert!(reason.contains("has sent no frame for 3 s"), "{reason}");
    assert!(silent_from.elapsed() + Duration::from_millis(500) > SILENCE_LIMIT, "lost too early");
    drop(camera);

    // still silent, so only a thread that was woken can have let the device go
    let mut camera = camera::open_mode(&VIVID, SMALL).unwrap();
    assert!(matches!(camera.read(Duration::from_millis(50)), Ok(Read::Nothing)));
    v4l2_ctl(&["-c", "percentage_of_dropped_buffers=0"]);
    assert!(picture(&mut camera).is_ok());
}

#[test]
#[ignore = "runs inside the camera machine"]
fn a_camera_left_in_a_mode_that_nokhwa_refuses_is_opened_all_the_same() {
    fresh_camera();
    for leftover in [&["--set-parm=12.5"][..], &["--set-fmt-video=width=640,height=360,pixelformat=UYVY"]] {
        v4l2_ctl(leftover);
        let mut camera = camera::open_mode(&VIVID, SMALL).unwrap();
        assert!(picture(&mut camera).is_ok(), "after {leftover:?}");
    }
}

#[test]
#[ignore = "runs inside the camera machine"]
fn a_start_that_fails_is_an_error_of_open_and_a_fault_while_streaming_is_a_loss() {
    fresh_camera();
    v4l2_ctl(&["-c", "inject_vidioc_streamon_error=1"]);
    let error = refused(camera::open_mode(&VIVID, SMALL));
    assert!(matches!(error, CameraError::Failed { .. }), "{error}");

    let mut camera = camera::open_mode(&VIVID, SMALL).unwrap();
    assert!(picture(&mut camera).is_ok());
    v4l2_ctl(&["-c", "inject_fatal_streaming_error=1"]);
    let reason = loss(&mut camera);
    assert!(reason.contains("cannot be used: "), "{reason}");
    drop(camera);
    assert!(picture(&mut camera::open_mode(&VIVID, SMALL).unwrap()).is_ok());
}

#[test]
#[ignore = "runs inside the camera machine"]
fn pictures_that_nobody_reads_are_dropped_oldest_first() {
    fresh_camera();
    let mut camera = camera::open(&FIRST, &wish(320, 180, 60)).unwrap();
    let opened = Instant::now();
    eventually("drops", || (camera.dropped() > 20).then_some(()));
    let oldest = picture(&mut camera).unwrap();
    assert!(oldest.captured_at > opened, "the oldest picture of all was kept");
}

#[test]
#[ignore = "runs inside the camera machine"]
fn jpeg_pictures_are_decoded_without_stale_bytes_and_broken_ones_left_out() {
    fresh_camera();
    let jpeg_camera = JpegCamera::start();
    let mut camera = eventually("the JPEG camera", || camera::open(&LOOPBACK, &wish(320, 240, 25)).ok());
    assert_eq!(camera.mode().format, PixelFormat::Mjpeg);
    let (mut long, mut short) = (0, 0);
    eventually("pictures of both kinds and broken ones", || {
        let CapturedPicture { frame, .. } = picture(&mut camera).unwrap();
        assert_eq!((frame.format(), frame.width(), frame.height()), (Pixel::YUVJ422P, 320, 240));
        let (stride, luma) = (frame.stride(0), frame.data(0));
        let row = &luma[239 * stride..][..320];
        // the short one lies in the buffer of a long one, whose rest must not show
        let (min, max) = (*row.iter().min().unwrap(), *row.iter().max().unwrap());
        if min.abs_diff(LUMA_OF_THE_SHORT) <= 2 && max.abs_diff(LUMA_OF_THE_SHORT) <= 2 {
            short += 1;
        } else {
            assert!(max - min > 100, "neither of the two pictures: luma {min} to {max}");
            long += 1;
        }
        (long >= 3 && short >= 3 && camera.damaged() >= 3).then_some(())
    });
    drop(camera);
    drop(jpeg_camera);
}
