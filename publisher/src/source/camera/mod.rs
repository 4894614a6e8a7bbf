//! Camera: a device of this machine as a [`Source`].
//!
//! In: which camera, and the size and rate that the stream needs. Out: captured frames in the camera's own pixel
//! format. It lives on the source thread; the device itself is read by the thread of its pump (`pump`
//! says why), and frames are unpacked here. It ends with [`CameraError::Unplugged`] or [`CameraError::Silent`]:
//! drop it, and [`open`] the camera anew when it is back. Nothing here tries again; that is for the caller's loop.

mod backend;
mod error;
mod mode;
mod picture;
mod pump;
#[cfg(target_os = "linux")]
mod v4l2;
mod wake;

use super::{Read, Source, SourceError};
use crate::captions::carried::Captions;
use crate::captured::{Captured, CapturedPicture, Shows, SourceFormat};
use crate::picture::colour_space::ColourSpace;
use backend::{Attached, Shot, Streaming, attached};
use ffmpeg_next::color::Space;
use mode::{choose, summary};
use picture::Developer;
use pump::{Pump, PumpError, threads_left_behind};
use std::fmt;
use std::time::{Duration, Instant};

pub use error::{CameraError, SILENCE_LIMIT};
pub use mode::{CameraMode, CameraWish, PixelFormat};

/// Opening a USB camera takes up to some seconds when it has to wake up.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// Failures to start come with the first frame or instead of it, and belong into the answer of [`open`]; a camera
/// that merely starts slowly is not waited for any longer.
const FIRST_PICTURE_WAIT: Duration = Duration::from_secs(1);

/// Which camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CameraSelector {
    /// The first that can be used.
    First,
    /// By number; on Linux that of the `/dev/video…` node.
    Index(u32),
    /// By name or a part of it, in any case.
    Name(String),
}

impl CameraSelector {
    /// Reads `camera`, `camera:0` or `camera:NAME`; none if the text does not name a camera at all.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("camera")?;
        match rest.strip_prefix(':') {
            None => rest.is_empty().then_some(Self::First),
            Some("") => Some(Self::First),
            Some(which) => Some(which.parse().map_or_else(|_| Self::Name(which.to_owned()), Self::Index)),
        }
    }

    fn select<'a>(&self, cameras: &'a [Attached]) -> Option<&'a Attached> {
        match self {
            Self::First => cameras.iter().find(|camera| camera.modes.is_ok()).or(cameras.first()),
            Self::Index(index) => cameras.iter().find(|camera| camera.index == *index),
            Self::Name(name) => {
                let name = name.to_lowercase();
                let whole = cameras.iter().find(|camera| camera.name.to_lowercase() == name);
                whole.or_else(|| cameras.iter().find(|camera| camera.name.to_lowercase().contains(&name)))
            }
        }
    }
}

impl fmt::Display for CameraSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("camera"),
            Self::Index(index) => write!(f, "camera {index}"),
            Self::Name(name) => write!(f, "camera called {name:?}"),
        }
    }
}

/// A camera that is attached, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraDescription {
    /// Its number.
    pub index: u32,
    /// What it calls itself.
    pub name: String,
    /// What it offers, sorted; empty if there is a problem.
    pub modes: Vec<CameraMode>,
    /// Why it cannot be used.
    pub problem: Option<String>,
}

/// The cameras that are attached, by ascending number.
pub fn list() -> Result<Vec<CameraDescription>, CameraError> {
    let cameras = attached().map_err(CameraError::Listing)?;
    let describe = |camera: Attached| {
        let camera_text = title(&camera);
        let (modes, problem) = match camera.modes {
            Ok(modes) => (modes, None),
            Err(reason) => (vec![], Some(CameraError::from_system(&camera_text, &reason).to_string())),
        };
        CameraDescription { index: camera.index, name: camera.name, modes, problem }
    };
    Ok(cameras.into_iter().map(describe).collect())
}

/// Whether there is a camera that can be asked for frames.
#[must_use]
pub fn is_any() -> bool {
    attached().is_ok_and(|cameras| cameras.iter().any(|camera| camera.modes.is_ok()))
}

/// Opens a camera in the mode that serves the wish best. Returns within some seconds, whatever the device does.
pub fn open(selector: &CameraSelector, wish: &CameraWish) -> Result<Camera, CameraError> {
    open_where(selector, |title, modes| {
        choose(modes, wish).ok_or_else(|| CameraError::NotOffered {
            camera: title.to_owned(),
            wish: wish.to_string(),
            offered: summary(modes),
        })
    })
}

/// Opens a camera in one certain mode.
pub fn open_mode(selector: &CameraSelector, mode: CameraMode) -> Result<Camera, CameraError> {
    open_where(selector, |title, modes| {
        modes.iter().find(|offered| **offered == mode).copied().ok_or_else(|| CameraError::NotOffered {
            camera: title.to_owned(),
            wish: mode.to_string(),
            offered: summary(modes),
        })
    })
}

fn open_where(
    selector: &CameraSelector,
    choose_mode: impl FnOnce(&str, &[CameraMode]) -> Result<CameraMode, CameraError>,
) -> Result<Camera, CameraError> {
    let cameras = attached().map_err(CameraError::Listing)?;
    let camera = selector.select(&cameras).ok_or_else(|| {
        if cameras.is_empty() {
            return CameraError::None;
        }
        let titles: Vec<_> = cameras.iter().map(title).collect();
        CameraError::NoSuch { wanted: selector.to_string(), attached: titles.join(", ") }
    })?;
    let title = title(camera);
    let mode = match &camera.modes {
        Ok(modes) => choose_mode(&title, modes)?,
        Err(reason) => return Err(CameraError::from_system(&title, reason)),
    };
    Camera::start(camera.index, title, mode)
}

fn title(camera: &Attached) -> String {
    format!("camera {} ({})", camera.index, camera.name)
}

/// A camera that is open and streaming. Dropping it frees the device.
pub struct Camera {
    title: String,
    mode: CameraMode,
    pump: Pump<Shot>,
    developer: Developer,
    /// When the newest frame was read, or the camera opened.
    alive_at: Instant,
    damaged: u64,
}

impl Camera {
    fn start(index: u32, title: String, mode: CameraMode) -> Result<Self, CameraError> {
        let developer = Developer::new(mode)
            .map_err(|error| CameraError::Failed { camera: title.clone(), reason: error.to_string() })?;
        let deadline = Instant::now() + OPEN_LIMIT;
        let pump = Pump::start(&format!("camera {index}"), deadline, move || Streaming::open(index, &mode))
            .map_err(|error| pump_error(&title, error))?;
        pump.confirm(Instant::now() + FIRST_PICTURE_WAIT).map_err(|error| pump_error(&title, error))?;
        tracing::info!(camera = title, %mode, "camera open");
        Ok(Self { title, mode, pump, developer, alive_at: Instant::now(), damaged: 0 })
    }

    /// The mode it was opened in.
    #[must_use]
    pub fn mode(&self) -> CameraMode {
        self.mode
    }

    /// Frames since the opening that nobody read in time.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.pump.dropped()
    }

    /// Frames since the opening that came damaged and were left out.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// The next frame until `deadline`; none if none comes, or only damaged ones.
    fn picture(&mut self, deadline: Instant) -> Result<Option<CapturedPicture>, CameraError> {
        while let Some(shot) = self.pump.take(deadline).map_err(|error| pump_error(&self.title, error))? {
            match self.developer.develop(shot.bytes(), shot.stride_bytes) {
                Ok(mut frame) => {
                    self.alive_at = Instant::now();
                    if frame.color_space() == Space::Unspecified {
                        frame.set_color_space(ColourSpace::WEBCAM.matrix);
                    }
                    return Ok(Some(CapturedPicture {
                        frame: frame.into(),
                        captured_at: shot.captured_at,
                        captions: Captions::default(),
                    }));
                }
                Err(error) => {
                    if self.damaged == 0 {
                        tracing::warn!(camera = self.title, %error, "damaged frame dropped; later ones are only counted");
                    }
                    self.damaged += 1;
                }
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        Ok(None)
    }
}

impl Source for Camera {
    fn format(&self) -> SourceFormat {
        let CameraMode { width, height, .. } = self.mode;
        let description = format!("{}, {}", self.title, self.mode);
        let colours = ColourSpace::WEBCAM;
        SourceFormat {
            description,
            shows: Shows::Pictures,
            width,
            height,
            colours,
            has_sound: false,
            copied: None,
        }
    }

    fn read(&mut self, timeout: Duration) -> Result<Read, SourceError> {
        let lost_at = self.alive_at + SILENCE_LIMIT;
        let deadline = lost_at.min(Instant::now() + timeout);
        let lost = |error: CameraError| SourceError::Lost(error.to_string());
        match self.picture(deadline).map_err(lost)? {
            Some(picture) => Ok(Read::Captured(Captured::Picture(picture))),
            None if Instant::now() < lost_at => Ok(Read::Nothing),
            None => Err(lost(CameraError::Silent { camera: self.title.clone() })),
        }
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        tracing::info!(
            camera = self.title,
            dropped = self.dropped(),
            damaged = self.damaged,
            "camera closed"
        );
    }
}

fn pump_error(camera: &str, error: PumpError) -> CameraError {
    let stuck = CameraError::Stuck { camera: camera.to_owned() };
    match error {
        PumpError::Device(reason) => match CameraError::from_system(camera, &reason) {
            // it is this program that holds it, with a thread that the device does not let go
            CameraError::Busy { .. } if threads_left_behind() > 0 => stuck,
            error => error,
        },
        PumpError::OpenTimeout | PumpError::TooManyLeftBehind => stuck,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&CameraSelector>) {
        assert_eq!(CameraSelector::parse(text).as_ref(), expected, "{text}");
    }

    #[test]
    fn a_camera_is_named_by_nothing_a_number_or_a_name() {
        check("camera", Some(&CameraSelector::First));
        check("camera:", Some(&CameraSelector::First));
        check("camera:2", Some(&CameraSelector::Index(2)));
        check("camera:C920", Some(&CameraSelector::Name("C920".into())));
        check("camera:99999999999", Some(&CameraSelector::Name("99999999999".into())));
        check("cameras", None);
        check("camera.mp4", None);
        check("test", None);
    }

    fn cameras() -> Vec<Attached> {
        let mode = CameraMode { width: 640, height: 480, fps: 30, format: PixelFormat::Yuyv };
        let camera = |index, name: &str, modes| Attached { index, name: name.to_owned(), modes };
        vec![
            camera(0, "Laptop Camera", Err("Permission denied (os error 13)".to_owned())),
            camera(2, "Front Desk HD", Ok(vec![mode])),
            camera(4, "Desk", Ok(vec![mode])),
        ]
    }

    #[track_caller]
    fn check_select(selector: &str, expected_index: Option<u32>) {
        let cameras = cameras();
        let selected = CameraSelector::parse(selector).unwrap().select(&cameras);
        assert_eq!(selected.map(|camera| camera.index), expected_index, "{selector}");
    }

    #[test]
    fn the_first_camera_is_the_first_that_can_be_used() {
        check_select("camera", Some(2));
        assert_eq!(CameraSelector::First.select(&cameras()[..1]).map(|camera| camera.index), Some(0));
        assert!(CameraSelector::First.select(&[]).is_none());
    }

    #[test]
    fn a_name_is_found_whole_before_in_part() {
        check_select("camera:desk", Some(4));
        check_select("camera:front", Some(2));
        check_select("camera:laptop camera", Some(0));
        check_select("camera:garden", None);
        check_select("camera:1", None);
    }
}
