//! Screen: what stands on the screen, through libav's capture device of this system.
//!
//! In: which screen. Out: an open input like any other. libav waits between two pictures by itself, for no longer than
//! one takes, so the reader's thread needs no way to interrupt it.

use super::error::{InputError, reason};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Dictionary, device, format};

/// Faster than most streams are; the frame clock leaves out what is too much.
const FPS: &str = "30";

/// What this system calls its capture device, and the screen.
fn device_and_name(which: Option<&str>) -> (&'static str, String) {
    if cfg!(target_os = "macos") {
        ("avfoundation", format!("Capture screen {}:none", which.unwrap_or("0")))
    } else if cfg!(windows) {
        ("gdigrab", which.unwrap_or("desktop").to_owned())
    } else {
        let display = std::env::var("DISPLAY").unwrap_or_else(|_| ":0".to_owned());
        (
            "x11grab",
            which.map_or(
                display,
                |which| if which.contains(':') { which.to_owned() } else { format!(":{which}") },
            ),
        )
    }
}

/// Begins to film it.
pub(super) fn open(which: Option<&str>) -> Result<Input, InputError> {
    let (device, name) = device_and_name(which);
    let no_screen = |reason: String| InputError::NoScreen { name: name.clone(), reason };
    let found = device::input::video().find(|format| format.name() == device);
    let format = found.ok_or_else(|| no_screen(format!("this libav has no {device}")))?;
    let options: Dictionary = [("framerate", FPS)].into_iter().collect();
    match format::open_with(&name, &format, options) {
        Ok(format::Context::Input(input)) => Ok(input),
        Ok(format::Context::Output(_)) => Err(no_screen("it is an output".to_owned())),
        Err(error) => Err(no_screen(reason(error))),
    }
}
