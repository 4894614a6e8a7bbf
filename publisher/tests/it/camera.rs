//! The camera, for real: nokhwa on the kernel's own test camera, in a virtual machine (`tests/camera-vm.sh`).
//!
//! One boot runs every case: [`the_camera_keeps_its_promises_in_a_virtual_machine`] starts this same test program again
//! inside the machine, for the ignored tests of [`guest`], [`heard`] and [`on_air`]. For a closer look, with the program that cargo built:
//! `publisher/tests/camera-vm.sh -l "video_nr=10 exclusive_caps=1 max_buffers=4" -x snd-aloop -- target/debug/deps/it-… camera:: --ignored --test-threads=1 --nocapture`

#![cfg(target_os = "linux")]

mod guest;
mod heard;
mod jpeg_camera;
mod on_air;

use std::path::Path;
use std::process::{Command, Output};

/// Runs a command in the machine, in a folder that both sides can write. Where no such machine is to be had, the output is
/// the script's reason; `.ci/tests` leaves the test out there and says so.
///
/// The program and everything it reads may lie anywhere on the host; what it writes elsewhere is lost.
pub fn camera_vm(folder: &Path, command: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/camera-vm.sh");
    Command::new(&script)
        .args(["-t", "240", "-l", "video_nr=10 exclusive_caps=1 max_buffers=4", "-x", "snd-aloop", "--"])
        .args(command)
        .env("CAMERA_VM_CACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("camera-vm"))
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("{} cannot be started: {error}", script.display()))
}

#[test]
fn the_camera_keeps_its_promises_in_a_virtual_machine() {
    let folder = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    let program = program.to_str().unwrap();
    let command = [program, "camera::", "--ignored", "--test-threads=1"];
    let output = camera_vm(folder.path(), &command);
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "in the machine: {stdout}\n{stderr}");
    let passed = stdout.lines().filter(|line| line.starts_with("test ") && line.ends_with("... ok")).count();
    assert_eq!(passed, guest::CASES + heard::CASES + 1, "cases that ran: {stdout}\n{stderr}");
    heard::check(folder.path());
    on_air::check(folder.path());
}
