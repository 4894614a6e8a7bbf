//! Network cameras: a real RTSP server that sends over TCP, or over UDP alone.

use super::media::{PATIENCE, moments, next, settings};
use crate::support::programs::Running;
use crate::support::wait_for;
use livedir_publisher::source::input::{self, InputAddress, InputError};
use livedir_publisher::source::{Source, SourceError};
use std::process::Command;

/// A server of RTSP; its head says what it takes and prints.
const CAMERA: &str = include_str!("../support/camera.py");

/// What it films.
const LIVE: &str = "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1
    ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! rtph264pay name=pay0 config-interval=-1
    audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay1";

fn camera(transport: &str) -> (Running, String) {
    camera_of(transport, LIVE)
}

/// A camera that knows one transport; its address.
pub fn camera_of(transport: &str, pipeline: &str) -> (Running, String) {
    // The system's own Python: only that one has GStreamer's bindings.
    let words = ["-c", CAMERA, transport, &format!("( {pipeline} )")];
    let mut camera = Running::start(Command::new("/usr/bin/python3").args(words));
    let port = wait_for("the camera's port", PATIENCE, || {
        assert!(camera.still_runs(), "no camera:\\n{}", camera.output());
        camera.output().lines().find_map(|line| line.strip_prefix("port ").map(str::to_owned))
    });
    (camera, format!("rtsp://127.0.0.1:{port}/cam"))
}

#[track_caller]
fn check(transport: &str, query: &str) {
    let (camera, address) = camera(transport);
    let mut input = input::open(&settings(InputAddress::Url(address + query))).expect("a camera");
    assert_eq!((input.format().width, input.format().has_sound), (320, true));
    let mut pieces = Vec::new();
    while moments(&pieces, true).len() < 30 || moments(&pieces, false).is_empty() {
        pieces.push(next(&mut input).expect("a stream").expect("no end"));
    }
    camera.kill();
    let lost = std::iter::from_fn(|| Some(next(&mut input))).find_map(Result::err);
    assert!(matches!(lost, Some(SourceError::Lost(_))), "{lost:?}");
}

#[test]
fn a_camera_sends_over_tcp_and_its_end_is_a_loss() {
    check("TCP", "");
}

#[test]
fn a_camera_that_knows_only_udp_is_found_and_its_end_is_a_loss() {
    check("UDP", "");
    check("UDP", "?transport=udp");
}

#[test]
fn a_transport_that_the_camera_does_not_offer_is_said_in_one_line() {
    let (_camera, address) = camera("TCP");
    let error = input::open(&settings(InputAddress::Url(format!("{address}?transport=udp")))).err();
    assert!(matches!(error, Some(InputError::Unreachable { .. })), "{error:?}");
    assert_eq!(
        error.map(|error| error.to_string()),
        Some(format!(
            "cannot reach {address}?transport=udp: this transport is not supported; leave out ?transport=, or name another"
        ))
    );
}
