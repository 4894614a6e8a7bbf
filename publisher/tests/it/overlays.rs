//! What is done to pictures and written on them, read back from the pixels of the segments.

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::{SystemTime, UNIX_EPOCH};

use livedir_publisher::source::test_pattern::STRIP_CELLS;

use crate::support::check::assert_clean;
use crate::support::media::{run, stated};
use crate::support::programs::{LiveStream, PATIENCE, Running, publisher};
use crate::support::wait_for;

/// Luma of a picture.
struct Picture {
    width: usize,
    luma: Vec<u8>,
}

impl Picture {
    /// All pictures of a segment, which have to be so wide and high.
    #[track_caller]
    fn all_of(file: &Path, (width, height): (usize, usize)) -> Vec<Self> {
        let size = stated(file, "v", "width,height");
        assert!(size.contains(&format!("{width},{height}")), "{}: {size}", file.display());
        let raw = run(Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(file)
            .args(["-f", "rawvideo", "-pix_fmt", "gray", "-"]));
        raw.chunks_exact(width * height).map(|luma| Self { width, luma: luma.to_vec() }).collect()
    }

    fn at(&self, x: usize, y: usize) -> u8 {
        self.luma[y * self.width + x]
    }

    /// Whether something as bright as a letter is in this part: left, top, right, lower edge in hundredths of the picture.
    fn has_letters(&self, [left, top, right, lower]: [usize; 4]) -> bool {
        let height = self.luma.len() / self.width;
        let (from_x, to_x) = (left * self.width / 100, right * self.width / 100);
        (top * height / 100..lower * height / 100)
            .any(|y| self.luma[y * self.width + from_x..y * self.width + to_x].iter().any(|luma| *luma > 215))
    }
}

/// Where the title stands, above the strip of the test pattern, which is black there.
const TITLE: [usize; 4] = [3, 88, 50, 96];

/// Where the clock stands; the bars of the test pattern are darker than letters.
const CLOCK: [usize; 4] = [60, 3, 98, 14];

/// Streams the test pattern with these words until there are two segments; the pictures of the second.
#[track_caller]
fn stream(words: &[&str], size: (usize, usize)) -> Vec<Picture> {
    let directory = tempfile::tempdir().unwrap();
    let common = ["test", "--bitrate", "3M", "--segment-duration", "1s"];
    let mut live = LiveStream::start(directory.path(), &[&common, words].concat());
    live.wait_for_segment(2);
    assert!(live.publisher.interrupt().success());
    assert_clean(directory.path());
    Picture::all_of(&directory.path().join("live/seg-00000002.ts"), size)
}

/// The first byte of the strip, whose cells lie at these pixels from the first to the last.
fn mark(picture: &Picture, cell_at: impl Fn(usize) -> (usize, usize)) -> u8 {
    (0..8).fold(0, |bits, cell| {
        let (x, y) = cell_at(cell);
        (bits << 1) | u8::from(picture.at(x, y) > 128)
    })
}

/// What the strip of the test pattern begins with.
const MARK: u8 = 0b1011_0010;

/// The middle of a cell on a side so long.
fn middle(cell: usize, side: usize) -> usize {
    (2 * cell + 1) * side / (2 * STRIP_CELLS as usize)
}

#[test]
fn a_mirrored_picture_reads_from_right_to_left() {
    let pictures = stream(&["--mirror"], (640, 480));
    assert_eq!(mark(&pictures[3], |cell| (639 - middle(cell, 640), 472)), MARK);
}

#[test]
fn a_picture_that_is_turned_gets_the_size_that_it_then_has() {
    // The lower edge goes to the left, its left end up; the mirror takes it to the right.
    let pictures = stream(&["--rotate", "90"], (480, 640));
    assert_eq!(mark(&pictures[3], |cell| (7, middle(cell, 640))), MARK);
    let pictures = stream(&["--rotate", "90", "--mirror"], (480, 640));
    assert_eq!(mark(&pictures[3], |cell| (472, middle(cell, 640))), MARK);
    let pictures = stream(&["--rotate", "180"], (640, 480));
    assert_eq!(mark(&pictures[3], |cell| (639 - middle(cell, 640), 7)), MARK);
}

#[test]
fn filters_of_libavfilter_come_before_the_size_is_made() {
    // The middle of the picture, without the strip; its shape is kept.
    let pictures = stream(&["--filter", "crop=320:120,negate", "--fps", "10"], (320, 120));
    assert_eq!(pictures.len(), 10);
    let plain = stream(&["--filter", "crop=320:120", "--fps", "10"], (320, 120));
    // A bar of colour, away from letters.
    let (negated, as_it_was) = (pictures[3].at(20, 10), plain[3].at(20, 10));
    assert!((i32::from(negated) + i32::from(as_it_was) - 251).abs() < 12, "{as_it_was} became {negated}");
}

#[test]
fn title_and_clock_are_on_every_picture_and_the_clock_goes_on() {
    let plain = stream(&[], (640, 480));
    assert!(plain.iter().all(|picture| !picture.has_letters(TITLE) && !picture.has_letters(CLOCK)));
    let pictures = stream(&["--text", "it's 5 o'clock: a,b;[in]\\%{pts}", "--clock"], (640, 480));
    assert_eq!(pictures.len(), 20);
    for (n, picture) in pictures.iter().enumerate() {
        assert!(picture.has_letters(TITLE) && picture.has_letters(CLOCK), "picture {n}");
    }
    // A second of the stream is one of the clock. A picture that is taken on the stroke may be of either.
    let strip: Vec<u64> = pictures.iter().map(|picture| clock_of_strip_ms(picture) / 1000).collect();
    let by_strip: Vec<usize> = (1..20).filter(|n| strip[n - 1] != strip[*n]).collect();
    let by_clock: Vec<usize> = (1..20).filter(|n| clock_changes(&pictures[n - 1], &pictures[*n])).collect();
    for (some, others) in [(&by_strip, &by_clock), (&by_clock, &by_strip)] {
        for n in some.iter().filter(|n| (2..19).contains(*n)) {
            assert!(others.iter().any(|other| other.abs_diff(*n) <= 1), "{by_strip:?} {by_clock:?}");
        }
    }
}

/// The wall clock that the strip of an upright picture of 640x480 tells, in milliseconds; its upper bits are today's.
fn clock_of_strip_ms(picture: &Picture) -> u64 {
    let lower =
        (8..48).fold(0, |bits, cell| (bits << 1) | u64::from(picture.at(middle(cell, 640), 472) > 128));
    let today_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    (today_ms >> 40 << 40) | lower
}

/// Whether the last digit of the clock, at the right end, differs by more than what encoding does to it.
fn clock_changes(one: &Picture, other: &Picture) -> bool {
    let changed = (24..56).flat_map(|y| (560..616).map(move |x| (x, y)));
    changed.filter(|(x, y)| one.at(*x, *y).abs_diff(other.at(*x, *y)) > 90).count() > 10
}

#[test]
fn the_slate_has_title_and_clock_too() {
    let directory = tempfile::tempdir().unwrap();
    let film = directory.path().join("film.ts");
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "color=gray:size=640x480:rate=20:duration=4"])
        .args(["-c:v", "libx264", "-preset", "ultrafast"])
        .arg(&film));
    let film = std::fs::read(film).unwrap();
    // A sender that falls silent without hanging up.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let source = format!("tcp://{}", listener.local_addr().unwrap());
    let (over, is_over) = mpsc::channel::<()>();
    let sender = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        connection.write_all(&film).unwrap();
        let _ = is_over.recv();
    });
    let webroot = directory.path().join("webroot");
    let words = [&source, "--size", "640x480", "--text", "Title", "--clock", "--segment-duration", "1s"];
    let mut live = LiveStream::start(&webroot, &words);
    let slate = wait_for("the slate", PATIENCE, || {
        assert!(live.publisher.still_runs(), "the publisher has ended");
        let name = live.playlist()?.segments.last()?.uri.clone();
        let last = Picture::all_of(&webroot.join(name), (640, 480)).pop()?;
        // The film is grey, the slate is black.
        (last.at(5, 240) < 40).then_some(last)
    });
    assert!(slate.has_letters(TITLE) && slate.has_letters(CLOCK));
    assert!(live.publisher.interrupt().success());
    drop(over);
    sender.join().unwrap();
}

#[test]
fn every_size_of_a_ladder_is_written_on_in_its_own_size() {
    let directory = tempfile::tempdir().unwrap();
    let words = ["test", "--ladder", "640x480@2M,320x240@1M", "--segment-duration", "1s", "--rotate", "180"];
    let words = [&words[..], &["--text", "Title", "--clock"]].concat();
    let mut live = LiveStream::start(directory.path(), &words);
    let segments = ["480p", "240p"].map(|rung| directory.path().join(format!("live/{rung}/seg-00000002.ts")));
    for segment in &segments {
        wait_for("a segment of each size", PATIENCE, || {
            assert!(live.publisher.still_runs(), "the publisher has ended");
            segment.exists().then_some(())
        });
    }
    assert!(live.publisher.interrupt().success());
    for (segment, size) in segments.iter().zip([(640, 480), (320, 240)]) {
        for picture in Picture::all_of(segment, size) {
            // Upside down, the black part of the test pattern is above.
            assert_eq!(mark(&picture, |cell| (size.0 - 1 - middle(cell, size.0), size.1 / 60)), MARK);
            assert!(picture.has_letters(TITLE), "no title on {size:?}");
            assert!(picture.has_letters(CLOCK), "no clock on {size:?}");
        }
    }
}

#[test]
fn a_filter_that_fails_on_the_way_freezes_the_picture_and_says_so_once() {
    let directory = tempfile::tempdir().unwrap();
    let words = ["test", "--segment-duration", "500ms", "--filter", "trim=end=1"];
    let mut live = LiveStream::start(directory.path(), &words);
    live.wait_for_segment(5);
    assert_eq!(live.publisher.output().matches("captured frames cannot be filtered").count(), 1);
    assert!(live.publisher.interrupt().success());
    assert_clean(directory.path());
    let frozen = Picture::all_of(&directory.path().join("live/seg-00000005.ts"), (640, 480));
    let strip = clock_of_strip_ms(&frozen[0]);
    assert!(frozen.iter().all(|picture| clock_of_strip_ms(picture) == strip));
}

/// A graph that is refused in one line that has `expected`, before anything is written.
#[track_caller]
fn check_refused(graph: &str, expected: &str) {
    let directory = tempfile::tempdir().unwrap();
    let mut command = publisher();
    command
        .args(["live", "test", "--filter", graph, "--webroot"])
        .arg(directory.path())
        .env("RUST_LOG", "error");
    let (status, said) = Running::start(&mut command).wait_and_read();
    assert_eq!((status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains(expected), "{said}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "something was written");
}

#[test]
fn a_filter_that_cannot_work_is_refused_before_anything_is_written() {
    check_refused("hfilp", "no filter 'hfilp'");
    check_refused("crop=9999:9999", "cannot be set up for 640x480");
    check_refused("fps=10", "livedir controls the frame rate itself, see --fps");
    check_refused("loop=loop=-1:size=1", "livedir controls the frame rate itself, see --fps");
}
