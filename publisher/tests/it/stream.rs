//! The stream itself, judged by ffprobe and by the bytes: the test pattern, and a film that the ffmpeg program made.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use livedir_playlist::MediaPlaylist;
use livedir_publisher::source::test_pattern::STRIP_CELLS;
use rustix::process::Signal;

use crate::support::check::assert_clean;
use crate::support::media::{self, ProbedPacket};
use crate::support::programs::{LiveStream, read_playlist};
use crate::support::witness::Witness;
use crate::support::witness::reader::Files;

/// Frames a second of every stream here: the default.
const FPS: f64 = 20.0;

/// One frame in seconds.
const FRAME_S: f64 = 1.0 / FPS;

/// One AAC frame in seconds.
const AAC_FRAME_S: f64 = 1024.0 / 48_000.0;

#[test]
fn twenty_seconds_of_the_test_pattern_are_flawless() {
    let webroot = tempfile::tempdir().unwrap();
    let mut live = LiveStream::start(webroot.path(), &["test", "--window", "30"]);
    live.wait_for_segment(10);
    assert!(live.publisher.interrupt().success());

    let stream = Stream::read(webroot.path());
    assert!(stream.playlist.segments.len() >= 10, "{:?}", stream.playlist);
    stream.check();
    stream.check_sync("80:60:560:368");
    for (segment, path) in stream.playlist.segments.iter().zip(&stream.files) {
        let filmed_ms = segment.program_date_time.unwrap().as_millisecond();
        let shown_ms = strip_clock_ms(path);
        // The date is that of the grid, the picture is at most two thirds of a frame away from it.
        assert!((filmed_ms - shown_ms).abs() <= 50, "{}: dated {filmed_ms}, shows {shown_ms}", segment.uri);
    }
    assert_clean(webroot.path());
}

#[test]
fn a_film_streams_to_its_end_in_step() {
    let directory = tempfile::tempdir().unwrap();
    let film = media::flash_and_beep(directory.path(), 20);
    let webroot = directory.path().join("webroot");
    let mut live = LiveStream::start(&webroot, &[film.to_str().unwrap(), "--window", "30"]);
    assert!(live.publisher.wait().success(), "{}", live.publisher.output());

    let stream = Stream::read(&webroot);
    stream.check();
    let total_s = stream.playlist.duration_90k() as f64 / 90_000.0;
    assert!((total_s - 20.0).abs() <= 2.0 * FRAME_S, "{total_s} s of a film of 20 s");
    stream.check_sync("100:100:20:20");
    assert_clean(&webroot);
}

#[test]
fn a_film_without_sound_is_a_stream_without_sound_in_its_own_shape() {
    let directory = tempfile::tempdir().unwrap();
    let film = directory.path().join("silent.mkv");
    media::run(
        Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=720x400:rate=30:duration=3"])
            .args(["-c:v", "libx264", "-preset", "ultrafast"])
            .arg(&film),
    );
    let webroot = directory.path().join("webroot");
    let mut live = LiveStream::start(&webroot, &[film.to_str().unwrap(), "--segment-duration", "1s"]);
    assert!(live.publisher.wait().success(), "{}", live.publisher.output());

    let stream = Stream::read(&webroot);
    stream.check();
    assert!(stream.packets.iter().all(|packet| packet.medium == "video"));
    let size = media::stated(&stream.files[0], "v", "width,height");
    assert!(size.contains("640,356"), "{size}");
    assert_clean(&webroot);
}

#[test]
fn a_publisher_that_stood_still_makes_up_for_a_moment_and_leaps_over_more() {
    let webroot = tempfile::tempdir().unwrap();
    let words = ["test", "--size", "160x120", "--segment-duration", "1s", "--window", "60"];
    let mut live = LiveStream::start(webroot.path(), &words);
    let witness = Witness::start(Files::of(webroot.path()), FPS as u32);
    live.wait_for_segment(2);
    stand_still(&live, Duration::from_secs(2));
    live.wait_for_segment(6);
    let playlist = live.playlist().unwrap();
    assert!(playlist.segments.iter().all(|segment| !segment.discontinuity), "{playlist:?}");
    stand_still(&live, Duration::from_secs(7));
    let last = playlist.next_media_sequence() - 1;
    live.wait_for_segment(last + 4);
    assert!(live.publisher.interrupt().success());
    witness.testify();

    let playlist = read_playlist(webroot.path()).unwrap();
    let seams = playlist.segments.windows(2).filter(|pair| pair[1].discontinuity);
    let holes_s: Vec<f64> = seams
        .map(|pair| {
            let [before, after] = [&pair[0], &pair[1]].map(|segment| segment.program_date_time.unwrap());
            (after - before).total(jiff::Unit::Second).unwrap() - pair[0].duration_90k as f64 / 90_000.0
        })
        .collect();
    assert!(holes_s.len() == 1 && (4.0..60.0).contains(&holes_s[0]), "{holes_s:?}");
    let status = std::fs::read_to_string(webroot.path().join("status.json")).unwrap();
    assert!(status.contains(r#""segments_refused":0"#), "{status}");
    assert_clean(webroot.path());
}

/// The process does not run for that long, as on a machine that is suspended or starved.
fn stand_still(live: &LiveStream, time: Duration) {
    live.publisher.signal(Signal::STOP);
    std::thread::sleep(time);
    live.publisher.signal(Signal::CONT);
}

/// A finished stream on disk.
struct Stream {
    playlist: MediaPlaylist,
    files: Vec<PathBuf>,
    /// All segments end to end.
    joined: PathBuf,
    /// The packets of `joined`.
    packets: Vec<ProbedPacket>,
}

impl Stream {
    #[track_caller]
    fn read(webroot: &Path) -> Self {
        let playlist = read_playlist(webroot).expect("there is a playlist");
        assert!(playlist.ended, "the playlist ends with EXT-X-ENDLIST");
        assert_eq!(playlist.media_sequence, 1, "everything is still listed");
        let files: Vec<PathBuf> =
            playlist.segments.iter().map(|segment| webroot.join(&segment.uri)).collect();
        let joined = webroot.join("joined.ts");
        let bytes: Vec<u8> = files.iter().flat_map(|file| std::fs::read(file).unwrap()).collect();
        std::fs::write(&joined, bytes).unwrap();
        let packets = media::packets(&joined);
        Self { playlist, files, joined, packets }
    }

    #[track_caller]
    fn check(&self) {
        for (segment, file) in self.playlist.segments.iter().zip(&self.files) {
            let alone = media::packets(file);
            let first = alone.iter().find(|packet| packet.medium == "video").expect("a picture");
            assert!(first.is_keyframe, "{} does not begin with a keyframe", segment.uri);
            media::decode(file);
            check_tables(file);
            let frames = alone.iter().filter(|packet| packet.medium == "video").count();
            let (extinf_s, real_s) = (segment.duration_90k as f64 / 90_000.0, frames as f64 * FRAME_S);
            assert!(
                (extinf_s - real_s).abs() < FRAME_S,
                "{}: EXTINF {extinf_s}, frames {real_s}",
                segment.uri
            );
            let filmed_until: SystemTime = segment.program_date_time.unwrap().into();
            let filmed_until = filmed_until + Duration::from_secs_f64(extinf_s);
            let modified = std::fs::metadata(file).unwrap().modified().unwrap();
            let apart = modified.duration_since(filmed_until).unwrap_or_else(|before| before.duration());
            assert!(
                apart < Duration::from_millis(2),
                "{}: its file's time is {apart:?} off its end",
                segment.uri
            );
        }
        assert!(self.playlist.segments.iter().all(|segment| !segment.discontinuity), "{:?}", self.playlist);
        media::decode(&self.joined);
        self.check_steps("video", FRAME_S);
        self.check_steps("audio", AAC_FRAME_S);
        check_counters(&std::fs::read(&self.joined).unwrap());
    }

    /// Every packet of a medium follows the one before by one frame.
    #[track_caller]
    fn check_steps(&self, medium: &str, step_s: f64) {
        let times: Vec<f64> =
            self.packets.iter().filter(|packet| packet.medium == medium).map(|packet| packet.pts_s).collect();
        for pair in times.windows(2) {
            let apart_s = pair[1] - pair[0];
            assert!((apart_s - step_s).abs() < 0.001, "{medium} steps by {apart_s} s at {} s", pair[0]);
        }
    }

    /// Each flash in the picture (its place as ffmpeg's crop filter has it) is heard as a beep.
    #[track_caller]
    fn check_sync(&self, flash: &str) {
        let (mut flashes, beeps) = (media::flashes(&self.joined, flash), media::beeps(&self.joined));
        // A beep is found by the silence before it, which the first one may lack.
        let start_s = self.packets.iter().map(|packet| packet.pts_s).fold(f64::INFINITY, f64::min);
        flashes.retain(|flash_s| flash_s - start_s > 0.5);
        let offsets_s: Vec<f64> = flashes
            .iter()
            .filter_map(|flash| {
                beeps.iter().map(|beep| beep - flash).min_by(|a, b| a.abs().total_cmp(&b.abs()))
            })
            .collect();
        assert!(offsets_s.len() >= 17, "flashes at {flashes:?}, beeps at {beeps:?}");
        for (flash, offset_s) in flashes.iter().zip(&offsets_s) {
            assert!(
                offset_s.abs() < 0.040,
                "at {flash} s sound and picture are {offset_s} s apart: {offsets_s:?}"
            );
        }
        println!(
            "sound after picture: {:.4} s at the start, {:.4} s at the end",
            offsets_s[0],
            offsets_s[offsets_s.len() - 1]
        );
    }
}

/// A segment begins with PAT and PMT, and the picture follows.
#[track_caller]
fn check_tables(file: &Path) {
    let bytes = std::fs::read(file).unwrap();
    assert_eq!(bytes.len() % 188, 0, "{} is made of whole packets", file.display());
    let pids: Vec<u16> = bytes.chunks(188).take(3).map(pid).collect();
    assert_eq!(pids[0], 0, "{} begins with the PAT", file.display());
    let pmt = u16::from_be_bytes([bytes[15], bytes[16]]) & 0x1fff;
    assert_eq!(pids[1], pmt, "{} goes on with the PMT", file.display());
    let third = &bytes[2 * 188..3 * 188];
    let video_pes = [0x00, 0x00, 0x01, 0xe0];
    assert!(third.windows(4).any(|code| code == video_pes), "{}: then comes a picture", file.display());
}

/// No continuity counter leaves out or repeats a value (ISO 13818-1 2.4.3.3).
#[track_caller]
fn check_counters(bytes: &[u8]) {
    let mut last = HashMap::new();
    for (n, packet) in bytes.chunks(188).enumerate() {
        assert_eq!(packet[0], 0x47, "packet {n} has no sync byte");
        let has_payload = packet[3] & 0x10 != 0;
        let counter = packet[3] & 0x0f;
        if let Some(before) = last.insert(pid(packet), counter) {
            let expected = if has_payload { (before + 1) & 0x0f } else { before };
            assert_eq!(counter, expected, "packet {n} of stream {:#x}", pid(packet));
        }
    }
}

fn pid(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[1], packet[2]]) & 0x1fff
}

/// The wall clock that the first picture of a segment of the test pattern shows, in milliseconds since 1970.
fn strip_clock_ms(file: &Path) -> i64 {
    let (width, height) = (640, 480);
    let luma = media::run(Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(file).args([
        "-frames:v",
        "1",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "gray",
        "-",
    ]));
    let row = &luma[(height - 8) * width..][..width];
    let cells = STRIP_CELLS as usize;
    let bits = (0..cells)
        .fold(0_u64, |bits, cell| bits << 1 | u64::from(row[(2 * cell + 1) * width / (2 * cells)] > 128));
    assert_eq!(bits >> 56, 0b1011_0010, "the strip's mark");
    let low = (bits >> 16) as i64 & 0xff_ffff_ffff;
    // The strip has 40 bits of the clock; the rest is that of today.
    let now_ms = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64;
    (now_ms & !0xff_ffff_ffff) | low
}
