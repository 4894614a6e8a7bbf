//! Screen: what stands on the screen, through libav's capture device of this system.
//!
//! In: which screen. Out: an open input like any other. libav waits between two frames by itself, for no longer than
//! one takes, so the reader's thread needs no way to interrupt it.

use super::error::{InputError, reason};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Dictionary, device, format};

/// Faster than most streams are; the frame clock leaves out what is too much.
const FPS: &str = "30";

const REMEDY: &str = "is it on, and may this user see it? A Wayland desktop does not let other programs capture it: type \
    `livedir-publisher live rtmp://0.0.0.0:1935/live/KEY`, and push to it from OBS";

const NO_DISPLAY_REMEDY: &str = "type this in a terminal on the desktop that is to be captured, or name its display, like \
    `livedir-publisher live screen:0`; a machine without a desktop has no screen: \
    `livedir-publisher live test` streams a test pattern";

/// What this system calls its capture device, and the screen; nothing where it does not know of any.
fn device_and_name(which: Option<&str>, display: Option<String>) -> Option<(&'static str, String)> {
    Some(if cfg!(target_os = "macos") {
        ("avfoundation", format!("Capture screen {}:none", which.unwrap_or("0")))
    } else if cfg!(windows) {
        ("gdigrab", which.unwrap_or("desktop").to_owned())
    } else {
        let name = match which {
            Some(which) if which.contains(':') => which.to_owned(),
            Some(which) => format!(":{which}"),
            None => display.filter(|display| !display.is_empty())?,
        };
        ("x11grab", name)
    })
}

/// Begins to film it.
pub(crate) fn open(which: Option<&str>) -> Result<Input, InputError> {
    let Some((device, name)) = device_and_name(which, std::env::var("DISPLAY").ok()) else {
        let reason = "the variable DISPLAY is not set, so there is no desktop here".to_owned();
        return Err(InputError::NoScreen {
            name: "of this machine".to_owned(),
            reason,
            remedy: NO_DISPLAY_REMEDY,
        });
    };
    let no_screen = |reason: String| InputError::NoScreen { name: name.clone(), reason, remedy: REMEDY };
    let found = device::input::video().find(|format| format.name() == device);
    let format = found.ok_or_else(|| no_screen(format!("this FFmpeg has no {device}")))?;
    let options: Dictionary = [("framerate", FPS)].into_iter().collect();
    match format::open_with(&name, &format, options) {
        Ok(format::Context::Input(input)) => Ok(input),
        Ok(format::Context::Output(_)) => Err(no_screen("it is an output".to_owned())),
        Err(error) => Err(no_screen(reason(error))),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_screen_is_the_one_that_is_named_or_that_of_the_desktop() {
        let name = |which, display: Option<&str>| {
            device_and_name(which, display.map(str::to_owned)).map(|(_, name)| name)
        };
        assert_eq!(name(Some("1"), None).as_deref(), Some(":1"));
        assert_eq!(name(Some("host:1"), Some(":0")).as_deref(), Some("host:1"));
        assert_eq!(name(None, Some(":7")).as_deref(), Some(":7"));
        assert_eq!((name(None, None), name(None, Some(""))), (None, None));
    }
}
