//! The slate of a stream that is copied: it stands in for sources that other programs send and that go away, in their form. What
//! viewers see of it is judged by pixels.

use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use super::live::{free_udp_port, rtmp_place, wait_for_words};
use crate::input::media::made;
use crate::support::check::{Following, assert_clean};
use crate::support::live_source::LiveSource;
use crate::support::media::stated;
use crate::support::programs::{LiveStream, PATIENCE, Running, WebServer, read_playlist};
use crate::support::run::run;
use crate::support::wait_for;
use livedir_playlist::MediaPlaylist;

/// The colour of slates here; the pictures of sources have none like it.
const BROWN: [u8; 3] = [0x90, 0x50, 0x20];

/// On a machine that is busy with other tests a source may stall for a second.
const PATIENT: [&str; 2] = ["--slate-after", "4s"];

pub(super) const RTMP: &str = "rtmp://127.0.0.1:0/live/KEY?listen=1";

/// Keyframes each second, no B-frames.
pub(super) const PLAIN: &[&str] = &["-g", "25", "-bf", "0", "-profile:v", "main"];

/// As OBS has it.
const WITH_B_FRAMES: &[&str] = &["-g", "25", "-bf", "2", "-b_strategy", "1", "-profile:v", "high"];

pub(super) fn slate() -> String {
    let colour = ["-f", "lavfi", "-i", "color=c=0x905020:size=800x450", "-frames:v", "1"];
    made("slate.png", &colour).display().to_string()
}

/// The ffmpeg program, sending moving pictures and a tone of 44.1 kHz in real time, coded as `coding` says.
fn send(coding: &[&str], format: &str, to: &str) -> Running {
    let picture = ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"];
    let sound = ["-re", "-f", "lavfi", "-i", "sine=sample_rate=44100", "-ac", "2"];
    let always = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"];
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error"]).args(picture).args(sound).args(always);
    Running::start(command.args(coding).args(["-f", format, to]))
}

/// Of each picture of a stream whether it is the slate.
#[track_caller]
pub(super) fn slates(webroot: &Path) -> Vec<bool> {
    let filter = "crop=iw/2:ih/2,scale=1:1:flags=area";
    let words = ["-map", "0:v", "-vsync", "0", "-vf", filter, "-pix_fmt", "rgb24", "-f", "rawvideo", "-"];
    let stream = webroot.join("stream.m3u8");
    let bytes = run(Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-i"]).arg(stream).args(words));
    let is_brown = |pixel: &[u8]| pixel.iter().zip(BROWN).all(|(one, other)| one.abs_diff(other) < 30);
    bytes.chunks_exact(3).map(is_brown).collect()
}

#[track_caller]
pub(super) fn wait_for_slate(live: &LiveStream, frames: u64) {
    let before = live.count("frames_slate");
    wait_for("the slate", PATIENCE, || (live.count("frames_slate") >= before + frames).then_some(()));
}

/// Waits until the source is copied again.
#[track_caller]
fn wait_for_pictures(live: &mut LiveStream) {
    let captured = live.count("pictures_captured") - live.count("pictures_dropped");
    wait_for("pictures again", PATIENCE, || {
        let shown = live.count("pictures_captured") - live.count("pictures_dropped");
        (shown > captured + 60).then_some(())
    });
    let listed = live.playlist().expect("a playlist").next_media_sequence();
    live.wait_for_segment(listed);
}

/// A client that is seen for some segments, and then the slate.
#[track_caller]
fn come_and_go(live: &mut LiveStream, coding: &[&str], place: &str) {
    let source = send(coding, "flv", place);
    let listed = live.playlist().map_or(0, |playlist| playlist.next_media_sequence());
    wait_for_pictures(live);
    live.wait_for_segment(listed + 2);
    source.kill();
    wait_for_slate(live, 60);
}

/// Source, slate, source, with a break at each change; and no hole in what was filmed.
#[track_caller]
fn check_turns(webroot: &Path) -> MediaPlaylist {
    assert_clean(webroot);
    let playlist = read_playlist(webroot).expect("a playlist");
    let breaks = playlist.segments.iter().filter(|segment| segment.discontinuity).count();
    assert_eq!(breaks, 2, "{playlist:#?}");
    for pair in playlist.segments.windows(2) {
        let begins = |at: usize| pair[at].program_date_time.expect("a date").as_millisecond();
        let gap_ms = begins(1) - begins(0) - pair[0].duration_90k as i64 / 90;
        // What is waited for longer than a segment is not filled.
        assert!((-500..4_500).contains(&gap_ms), "{gap_ms} ms are missing: {playlist:#?}");
        assert!(gap_ms < 500 || pair[1].discontinuity, "{gap_ms} ms are missing: {playlist:#?}");
        let target_90k = u64::from(playlist.target_duration_s) * 90_000;
        assert!(pair[0].duration_90k <= target_90k, "{playlist:#?}");
    }
    playlist
}

#[track_caller]
fn check_pixels(webroot: &Path, frames: usize) {
    let seen = slates(webroot);
    let first = seen.iter().position(|it| *it).expect("a slate");
    let last = seen.iter().rposition(|it| *it).expect("a slate");
    assert!(first > 20 && last + 20 < seen.len(), "the source is seen before and after: {first} to {last}");
    assert!(last - first >= frames && !seen[first..=last].contains(&false), "{first} to {last}");
}

/// What ffprobe says of the segments from one break to the next: of the source, of the slate, of the source again.
#[track_caller]
fn forms(webroot: &Path, playlist: &MediaPlaylist) -> Vec<String> {
    let breaks = playlist.segments.iter().enumerate().filter(|(at, it)| *at == 0 || it.discontinuity);
    let entries =
        "codec_name,profile,width,height,sample_aspect_ratio,r_frame_rate,level,sample_rate,channels";
    let of = |uri: &str| {
        let segment = webroot.join(uri);
        ["v", "a"].map(|medium| stated(&segment, medium, entries)).concat()
    };
    breaks.map(|(_, segment)| of(&segment.uri)).collect()
}

#[test]
fn a_source_that_is_pushed_and_goes_away_is_stood_in_for_in_its_own_form() {
    for (coding, is_srt) in [(PLAIN, false), (WITH_B_FRAMES, true)] {
        let directory = tempfile::tempdir().unwrap();
        let port = free_udp_port();
        let address = if is_srt { format!("srt://127.0.0.1:{port}?mode=listener") } else { RTMP.to_owned() };
        let slate = slate();
        let words = [&[&*address, "--copy", "--slate", &slate, "--window", "60"][..], &PATIENT].concat();
        let mut live = LiveStream::start(directory.path(), &words);
        wait_for_words(&live, "waiting for an encoder");
        let (format, place) = if is_srt {
            ("mpegts", format!("srt://127.0.0.1:{port}?mode=caller"))
        } else {
            ("flv", rtmp_place(&live))
        };
        let first = send(coding, format, &place);
        live.wait_for_segment(2);
        first.kill();
        wait_for_slate(&live, 150);
        let _second = send(coding, format, &place);
        wait_for_pictures(&mut live);
        assert!(live.publisher.interrupt().success());
        let playlist = check_turns(directory.path());
        check_pixels(directory.path(), 150);
        let forms = forms(directory.path(), &playlist);
        assert!(forms.len() == 3 && forms[0].contains("aac") && forms[0] == forms[1], "{forms:#?}");
    }
}

#[test]
fn a_film_plays_with_its_sound_again_and_again() {
    let picture = ["-f", "lavfi", "-i", "color=c=0x905020:size=160x120:rate=10:duration=3"];
    let sound = ["-f", "lavfi", "-i", "sine=frequency=2000:sample_rate=48000:duration=3"];
    let film = made("slate.mkv", &[&picture[..], &sound, &["-c:v", "libx264", "-c:a", "aac"]].concat());
    let directory = tempfile::tempdir().unwrap();
    let film = film.display().to_string();
    let words = [&[RTMP, "--copy", "--slate", &film, "--window", "60"][..], &PATIENT].concat();
    let mut live = LiveStream::start(directory.path(), &words);
    let source = send(PLAIN, "flv", &rtmp_place(&live));
    live.wait_for_segment(3);
    source.kill();
    wait_for_slate(&live, 200);
    assert!(live.publisher.interrupt().success());
    assert_clean(directory.path());
    let brown = slates(directory.path()).into_iter().filter(|it| *it).count();
    assert!(brown >= 200, "{brown} pictures of the film");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-i"]).arg(directory.path().join("stream.m3u8"));
    let samples = run(ffmpeg.args(["-map", "0:a", "-ac", "1", "-ar", "44100", "-f", "s16le", "-"]));
    let samples: Vec<i16> = samples.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
    // In a tenth of a second a tone of 2000 Hz crosses zero 200 times; the source hums at 440 Hz.
    let crossings = |tenth: &[i16]| tenth.windows(2).filter(|two| two[0] < 0 && two[1] >= 0).count() * 10;
    let heard =
        samples.chunks_exact(4_410).filter(|tenth| (1_850..2_150).contains(&crossings(tenth))).count();
    assert!(heard >= 70, "the sound of the film in {heard} tenths of {brown} pictures");
}

#[test]
fn a_source_that_stalls_and_keeps_its_connection_is_stood_in_for_too() {
    let directory = tempfile::tempdir().unwrap();
    let slate = slate();
    let words = [RTMP, "--copy", "--slate", &slate, "--window", "60", "--segment-duration", "1s"];
    let words = [&words[..], &PATIENT].concat();
    let mut live = LiveStream::start(directory.path(), &words);
    let source = send(PLAIN, "flv", &rtmp_place(&live));
    live.wait_for_segment(3);
    source.signal(Signal::STOP);
    wait_for_slate(&live, 75);
    source.signal(Signal::CONT);
    wait_for_pictures(&mut live);
    assert_eq!(live.count("source_losses"), 0);
    assert!(live.publisher.interrupt().success());
    check_turns(directory.path());
    check_pixels(directory.path(), 75);
}

#[test]
fn a_source_that_is_pulled_is_stood_in_for_by_the_usual_slate_with_low_latency_without_a_late_part() {
    let source = LiveSource::like_obs("160x90");
    let directory = tempfile::tempdir().unwrap();
    let url = source.url();
    let words = [&[&*url, "--copy=auto", "--low-latency", "--window", "60"][..], &PATIENT].concat();
    let mut live = LiveStream::start(directory.path(), &words);
    live.wait_for_segment(3);
    let site = WebServer::start(directory.path());
    source.take_away();
    wait_for_slate(&live, 5);
    // As a player that asks for each part.
    let following = Following::start(format!("{}/ll.m3u8", site.address), "6s");
    following.assert_clean_but_for_lateness();
    let following = Following::start(format!("{}/ll.m3u8", site.address), "6s");
    source.give_back();
    wait_for_pictures(&mut live);
    following.assert_clean_but_for_lateness();
    assert!(live.publisher.interrupt().success());
    check_turns(directory.path());
    let frames = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(directory.path().join("stream.m3u8"))
        .args([
            "-map",
            "0:v",
            "-vsync",
            "0",
            "-vf",
            "format=gray,scale=8:8:flags=area",
            "-f",
            "rawvideo",
            "-",
        ])
        .output()
        .expect("the ffmpeg program");
    // Dark, but for the letters.
    let is_dark = |picture: &[u8]| picture.iter().filter(|&&luma| luma < 60).count() >= 56;
    let dark = frames.stdout.chunks_exact(64).filter(|picture| is_dark(picture)).count();
    assert!(dark >= 100, "{dark} pictures of the slate");
}

#[test]
fn sound_alone_is_stood_in_for_by_silence() {
    let directory = tempfile::tempdir().unwrap();
    let words = [RTMP, "--copy", "--no-video", "--window", "60", "--segment-duration", "1s"];
    let words = [&words[..], &PATIENT].concat();
    let mut live = LiveStream::start(directory.path(), &words);
    let to = rtmp_place(&live);
    let tone = || {
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", "sine=sample_rate=44100"]);
        Running::start(command.args(["-c:a", "aac", "-f", "flv", &to]))
    };
    let first = tone();
    live.wait_for_segment(3);
    first.kill();
    wait_for_words(&live, "source lost");
    let listed = live.playlist().expect("a playlist").next_media_sequence();
    live.wait_for_segment(listed + 5);
    let _second = tone();
    wait_for_words(&live, "source is back");
    let listed = live.playlist().expect("a playlist").next_media_sequence();
    live.wait_for_segment(listed + 2);
    assert!(live.publisher.interrupt().success());
    check_turns(directory.path());
    let samples = ["-map", "0:a", "-ac", "1", "-ar", "44100", "-f", "s16le", "-"];
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-i"]).arg(directory.path().join("stream.m3u8"));
    let samples = run(ffmpeg.args(samples));
    let samples: Vec<i16> = samples.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
    let is_loud = |tenth: &[i16]| tenth.iter().any(|sample| sample.abs() > 500);
    let loud: Vec<_> = samples.chunks_exact(4_410).map(is_loud).collect();
    let (first, last) = (loud.iter().position(|it| !it), loud.iter().rposition(|it| !it));
    let (first, last) = first.zip(last).expect("silence");
    assert!(first > 10 && last - first >= 40 && last + 10 < loud.len(), "{first} to {last}");
}

#[test]
fn a_publisher_that_is_killed_during_the_slate_goes_on_behind_it() {
    let source = LiveSource::start();
    let directory = tempfile::tempdir().unwrap();
    let url = source.url();
    // A keyframe each two parts.
    let parts = ["--low-latency", "--part-duration", "250ms"];
    let words = [&*url, "--copy", "--segment-duration", "1s", "--window", "60"];
    let words = [&words[..], &parts, &PATIENT].concat();
    let mut live = LiveStream::start(directory.path(), &words);
    live.wait_for_segment(3);
    source.take_away();
    wait_for_slate(&live, 40);
    let listed = live.playlist().expect("a playlist").next_media_sequence();
    live.publisher.kill();
    source.give_back();
    let mut live = LiveStream::start(directory.path(), &words);
    live.wait_for_segment(listed + 3);
    source.take_away();
    wait_for_slate(&live, 40);
    assert!(live.publisher.interrupt().success());
    assert_clean(directory.path());
    let playlist = read_playlist(directory.path()).expect("a playlist");
    assert_eq!((playlist.media_sequence, playlist.ended), (1, true));
    let breaks = playlist.segments.iter().filter(|segment| segment.discontinuity).count();
    assert_eq!(breaks, 3, "into the slate, out of it, and into the next: {playlist:#?}");
}

#[test]
fn a_source_that_comes_back_in_another_size_gets_a_slate_of_that_size() {
    let directory = tempfile::tempdir().unwrap();
    let slate = slate();
    let words = [RTMP, "--copy", "--slate", &slate, "--window", "60", "--segment-duration", "1s"];
    let words = [&words[..], &PATIENT].concat();
    let mut live = LiveStream::start(directory.path(), &words);
    let place = rtmp_place(&live);
    for size in ["320x180", "240x240"] {
        come_and_go(&mut live, &[PLAIN, &["-s", size]].concat(), &place);
    }
    assert!(live.publisher.interrupt().success());
    assert_clean(directory.path());
    let playlist = read_playlist(directory.path()).expect("a playlist");
    let forms = forms(directory.path(), &playlist);
    assert!(forms.len() == 4 && forms[0] == forms[1] && forms[2] == forms[3], "{forms:#?}");
    assert_ne!(forms[1], forms[2]);
}

#[test]
fn a_slate_has_the_rate_of_its_source_though_rtmp_counts_in_milliseconds() {
    let directory = tempfile::tempdir().unwrap();
    let slate = slate();
    let words = [RTMP, "--copy", "--slate", &slate, "--window", "60", "--segment-duration", "1s"];
    let mut live = LiveStream::start(directory.path(), &[&words[..], &PATIENT].concat());
    let place = rtmp_place(&live);
    for rate in ["fps=30000/1001", "fps=50"] {
        come_and_go(&mut live, &["-vf", rate, "-g", "25", "-bf", "0"], &place);
    }
    assert!(live.publisher.interrupt().success());
    assert_clean(directory.path());
    let forms = forms(directory.path(), &read_playlist(directory.path()).expect("a playlist"));
    assert!(forms.len() == 4, "{forms:#?}");
    assert!(forms[1].contains("30000/1001") && forms[3].contains("50/1"), "{forms:#?}");
}

#[test]
fn a_stream_that_ends_in_one_short_part_again_and_again_has_no_gap_and_no_more_breaks() {
    let directory = tempfile::tempdir().unwrap();
    let slate = slate();
    let words = [RTMP, "--copy", "--low-latency", "--slate", &slate, "--window", "60"];
    let live = LiveStream::start(directory.path(), &[&words[..], &PATIENT].concat());
    let place = rtmp_place(&live);
    let rounds = 4;
    for _ in 0..rounds {
        // Four pictures behind the last keyframe.
        let (status, said) = send(&[PLAIN, &["-t", "3.16"]].concat(), "flv", &place).wait_and_read();
        assert!(status.success(), "{said}");
        wait_for_slate(&live, 40);
    }
    assert!(live.publisher.interrupt().success());
    let playlist = read_playlist(directory.path()).expect("a playlist");
    let breaks = playlist.segments.iter().filter(|segment| segment.discontinuity).count();
    assert_eq!(breaks, 2 * rounds - 1, "into each slate, and out of it: {playlist:#?}");
    assert!(playlist.segments.iter().all(|segment| !segment.gap), "{playlist:#?}");
    assert_clean(directory.path());
}

#[test]
fn the_first_who_comes_and_goes_at_once_is_stood_in_for_and_the_next_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let slate = slate();
    let words = [RTMP, "--copy", "--slate", &slate, "--window", "60", "--segment-duration", "1s"];
    let mut live = LiveStream::start(directory.path(), &[&words[..], &PATIENT].concat());
    let place = rtmp_place(&live);
    let (_, _) = send(&[PLAIN, &["-t", "0.3"]].concat(), "flv", &place).wait_and_read();
    wait_for_slate(&live, 60);
    live.wait_for_segment(2);
    let next = send(PLAIN, "flv", &place);
    wait_for_pictures(&mut live);
    next.kill();
    let listed = live.playlist().expect("a playlist").next_media_sequence();
    wait_for_slate(&live, 60);
    live.wait_for_segment(listed + 3);
    assert!(live.publisher.interrupt().success());
    assert_clean(directory.path());
    // However short the first one was, a slate is cut into segments as long as those of the stream.
    let segments = read_playlist(directory.path()).expect("a playlist").segments;
    let short = segments.iter().filter(|segment| segment.duration_90k < 80_000).count();
    assert!(short <= 5, "of each turn the last one may be: {segments:#?}");
}

#[test]
fn a_source_that_goes_on_in_another_form_without_a_word_gets_a_slate_of_that_form() {
    let directory = tempfile::tempdir().unwrap();
    let slate = slate();
    let port = free_udp_port();
    let address = format!("udp://127.0.0.1:{port}");
    let to = format!("{address}?pkt_size=1316");
    let first = send(PLAIN, "mpegts", &to);
    let words = [&*address, "--copy", "--slate", &slate, "--window", "60", "--segment-duration", "1s"];
    let mut live = LiveStream::start(directory.path(), &[&words[..], &PATIENT].concat());
    live.wait_for_segment(2);
    first.kill();
    let second = send(&[PLAIN, &["-s", "240x240"]].concat(), "mpegts", &to);
    wait_for_pictures(&mut live);
    second.kill();
    let listed = live.playlist().expect("a playlist").next_media_sequence();
    wait_for_slate(&live, 60);
    live.wait_for_segment(listed + 3);
    assert!(live.publisher.interrupt().success());
    let playlist = read_playlist(directory.path()).expect("a playlist");
    let forms = forms(directory.path(), &playlist);
    assert!(forms.last().is_some_and(|form| form.contains("240,240")), "{forms:#?}");
}

#[test]
fn until_a_film_is_made_its_first_picture_stands_in() {
    let inputs = [
        "-f",
        "lavfi",
        "-i",
        "color=c=0x905020:size=1920x1080:rate=60:duration=0.05",
        "-f",
        "lavfi",
        "-i",
        "color=c=lime:size=1920x1080:rate=60:duration=10",
    ];
    let coded = ["-filter_complex", "[0][1]concat", "-c:v", "libx264", "-preset", "ultrafast"];
    let film = made("late.mp4", &[&inputs[..], &coded].concat()).display().to_string();
    let directory = tempfile::tempdir().unwrap();
    let words = [RTMP, "--copy", "--slate", &film, "--slate-after", "1s", "--segment-duration", "1s"];
    let mut live = LiveStream::start(directory.path(), &words);
    let place = rtmp_place(&live);
    let (_, _) = send(&[PLAIN, &["-t", "1.5"]].concat(), "flv", &place).wait_and_read();
    wait_for_slate(&live, 50);
    live.wait_for_segment(4);
    assert!(live.publisher.interrupt().success());
    // The film alone shows brown for a picture or two.
    let brown = slates(directory.path());
    let stands = brown.split(|it| !it).map(<[bool]>::len).max();
    assert!(stands.is_some_and(|pictures| pictures >= 20), "{stands:?} pictures");
}
