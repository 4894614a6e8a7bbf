//! The screen: an X server without a monitor, whose picture the test paints by hand.

use super::media::{PATIENCE, settings};
use crate::support::programs::Running;
use crate::support::wait_for;
use livedir_publisher::captured::Captured;
use livedir_publisher::source::input::{self, InputAddress};
use livedir_publisher::source::{Read, Source, SourceError};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const WIDTH: usize = 320;
const HEIGHT: usize = 240;

/// An X server with a screen of 320x240; its number among the displays.
pub fn x_server(directory: &Path) -> (Running, String) {
    let server = Running::start(
        Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "320x240x24", "-nolisten", "tcp", "-fbdir"])
            .arg(directory),
    );
    let number = wait_for("the number of the display", PATIENCE, || {
        server.output().lines().find(|line| line.parse::<u32>().is_ok()).map(str::to_owned)
    });
    (server, number)
}

/// Paints the left half red and the right half blue, in the file in which the server keeps its picture (format XWD: the
/// first field of its head says how long that is, the twentieth how many colours of 12 bytes follow).
fn paint(directory: &Path) {
    let file = std::fs::OpenOptions::new().read(true).write(true).open(directory.join("Xvfb_screen0"));
    let file = file.expect("the server's picture");
    let field = |number: u64| {
        let mut bytes = [0; 4];
        file.read_exact_at(&mut bytes, number * 4).expect("a head");
        u64::from(u32::from_be_bytes(bytes))
    };
    let begin = field(0) + 12 * field(19);
    let row = [[0, 0, 255, 0].repeat(WIDTH / 2), [255, 0, 0, 0].repeat(WIDTH / 2)].concat();
    file.write_all_at(&row.repeat(HEIGHT), begin).expect("room");
}

#[test]
fn what_stands_on_the_screen_is_filmed() {
    let directory = tempfile::tempdir().expect("a directory");
    let (server, number) = x_server(directory.path());
    paint(directory.path());
    let screen = InputAddress::screen(&format!("screen:{number}")).expect("a screen");
    let mut input = input::open(&settings(screen)).expect("a screen");
    assert_eq!((input.format().width, input.format().height), (WIDTH as u32, HEIGHT as u32));
    let deadline = Instant::now() + PATIENCE;
    let mut picture = || loop {
        assert!(Instant::now() < deadline, "no picture");
        match input.read(Duration::from_millis(100)) {
            Ok(Read::Captured(Captured::Picture(picture))) => return Ok(picture),
            Ok(Read::End) => panic!("a screen does not end"),
            Ok(_) => {}
            Err(error) => return Err(error),
        }
    };
    for _ in 0..10 {
        let frame = picture().expect("pictures").frame;
        let pixel = |x: usize, y: usize| frame.data(0)[frame.stride(0) * y + 4 * x..][..3].to_vec();
        assert_eq!((pixel(10, 10), pixel(WIDTH - 10, HEIGHT - 10)), (vec![0, 0, 255], vec![255, 0, 0]));
    }
    server.kill();
    let lost = std::iter::from_fn(|| Some(picture())).find_map(Result::err);
    assert!(matches!(lost, Some(SourceError::Lost(_))), "{lost:?}");
}

#[test]
fn no_screen_is_said_in_one_line() {
    let error =
        input::open(&settings(InputAddress::Screen(Some(":65000".to_owned())))).err().expect("an error");
    let expected =
        "cannot capture the screen :65000: input/output error; is it on, and may this user see it?";
    assert!(error.to_string().starts_with(expected), "{error}");
}
