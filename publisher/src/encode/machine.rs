//! A look at what the machine has that could encode: the thin half of [`super::choice`]. Linux tells in files; elsewhere
//! the system alone is known.

use std::fs;
use std::path::Path;

use super::choice::Machine;

/// The machine as it is now.
#[must_use]
pub(super) fn look() -> Machine {
    let read = |directory: &str, file: &str| {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.filter_map(|entry| fs::read_to_string(entry.path().join(file)).ok()).collect::<Vec<_>>()
    };
    let maker = |text: &String| u32::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok();
    Machine {
        os: std::env::consts::OS,
        has_nvidia: Path::new("/dev/nvidiactl").exists(),
        graphics_makers: read("/sys/class/drm", "device/vendor").iter().filter_map(maker).collect(),
        video_devices: read("/sys/class/video4linux", "name"),
    }
}
