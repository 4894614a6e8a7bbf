//! Devices: what `livedir-publisher devices` prints.
//!
//! In: the cameras and microphones that are attached. Out: text for people, one after the other. Pure but for [`list`].

use crate::commands::start_libav;
use crate::source::camera::{self, CameraDescription, CameraError, CameraMode};
use crate::source::microphone::{self, MicrophoneDescription, MicrophoneError};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Prints them, and the encoders that work here.
pub fn list() -> anyhow::Result<()> {
    print!("{}", devices()?);
    start_libav()?;
    print!("\n{}", crate::encode::trial::describe());
    Ok(())
}

/// The cameras and microphones of this machine with their formats.
pub fn devices() -> Result<String, CameraError> {
    Ok(describe(&camera::list()?) + "\n" + &describe_microphones(microphone::list()))
}

/// Microphones, each as `--mic` takes it.
#[must_use]
pub fn describe_microphones(microphones: Result<Vec<MicrophoneDescription>, MicrophoneError>) -> String {
    let microphones = match microphones {
        Ok(microphones) => microphones,
        Err(error) => return format!("{error}\n"),
    };
    let mut text = String::new();
    for MicrophoneDescription { id, name, format, problem } in microphones {
        let _ = writeln!(text, "--mic {id}  {name}\n    {}", problem.unwrap_or(format));
    }
    text
}

/// Cameras with their formats; per size the formats, each with its rates.
#[must_use]
pub fn describe(cameras: &[CameraDescription]) -> String {
    if cameras.is_empty() {
        return format!("{}\n", CameraError::None);
    }
    let mut text = String::new();
    for camera in cameras {
        let _ = writeln!(text, "camera:{}  {}", camera.index, camera.name);
        if let Some(problem) = &camera.problem {
            let _ = writeln!(text, "    {problem}");
        }
        for ((width, height), rates) in rates_by_size(&camera.modes) {
            let size = format!("{width}x{height}");
            let _ = writeln!(text, "    {size:<10} {}", rates.join("; "));
        }
    }
    text
}

/// For each size, formats that share their rates: `NV12, YUYV at 30, 15 fps`.
fn rates_by_size(modes: &[CameraMode]) -> BTreeMap<(u32, u32), Vec<String>> {
    let mut rates_by_format: BTreeMap<_, BTreeMap<_, Vec<u32>>> = BTreeMap::new();
    for mode in modes {
        let size = rates_by_format.entry((mode.width, mode.height)).or_default();
        size.entry(mode.format).or_default().push(mode.fps);
    }
    let grouped = rates_by_format.into_iter().map(|(size, formats)| {
        let mut groups: Vec<(Vec<String>, Vec<u32>)> = Vec::new();
        for (format, mut rates_fps) in formats {
            rates_fps.sort_unstable_by(|a, b| b.cmp(a));
            match groups.iter_mut().find(|(_, rates)| *rates == rates_fps) {
                Some((names, _)) => names.push(format.to_string()),
                None => groups.push((vec![format.to_string()], rates_fps)),
            }
        }
        let lines = groups.into_iter().map(|(formats, rates_fps)| {
            let rates: Vec<_> = rates_fps.iter().map(u32::to_string).collect();
            format!("{} at {} fps", formats.join(", "), rates.join(", "))
        });
        (size, lines.collect())
    });
    grouped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::camera::PixelFormat::{self, Mjpeg, Nv12, Yuyv};

    #[track_caller]
    fn check(cameras: &[CameraDescription], expected: &str) {
        assert_eq!(describe(cameras), expected);
    }

    fn mode(width: u32, height: u32, fps: u32, format: PixelFormat) -> CameraMode {
        CameraMode { width, height, fps, format }
    }

    #[test]
    fn formats_with_the_same_rates_share_a_line() {
        let modes = vec![
            mode(640, 480, 15, Nv12),
            mode(640, 480, 30, Nv12),
            mode(640, 480, 15, Yuyv),
            mode(640, 480, 30, Yuyv),
            mode(1280, 720, 10, Yuyv),
            mode(1280, 720, 30, Mjpeg),
        ];
        let camera = CameraDescription { index: 0, name: "USB Camera".into(), modes, problem: None };
        let expected = "\
camera:0  USB Camera
    640x480    NV12, YUYV at 30, 15 fps
    1280x720   YUYV at 10 fps; MJPEG at 30 fps
";
        check(&[camera], expected);
    }

    #[test]
    fn a_camera_that_cannot_be_used_says_why() {
        let problem = Some("no permission to open camera 2 (Desk)".to_owned());
        let camera = CameraDescription { index: 2, name: "Desk".into(), modes: vec![], problem };
        check(&[camera], "camera:2  Desk\n    no permission to open camera 2 (Desk)\n");
    }

    #[test]
    fn a_microphone_is_said_with_what_mic_takes() {
        let microphone = |id: &str, name: &str| MicrophoneDescription {
            id: id.into(),
            name: name.into(),
            format: "stereo at 48000 Hz".into(),
            problem: None,
        };
        let webcam = microphone("plughw:CARD=Webcam,DEV=0", "USB Webcam, USB Audio");
        let expected = "\
--mic plughw:CARD=Webcam,DEV=0  USB Webcam, USB Audio
    stereo at 48000 Hz
";
        assert_eq!(describe_microphones(Ok(vec![webcam])), expected);
        assert!(describe_microphones(Err(MicrophoneError::None)).contains("--no-sound"));
    }

    #[test]
    fn no_camera_is_said_with_what_to_do() {
        check(
            &[],
            "no camera is attached; plug one in, or stream the test pattern with `livedir-publisher live test`\n",
        );
    }
}
