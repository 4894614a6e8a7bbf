//! `livedir-publisher watch` beside the encoders that people have. Each of them writes as it likes into the watched folder;
//! the witness reads all the while, and ffmpeg judges what was listed.

use crate::support::media;
use crate::support::programs::{LiveStream, PATIENCE, Running, read_playlist};
use crate::support::wait_for;
use crate::support::witness::{Testimony, Witness, reader::Files};
use crate::watch::{Watched, no_discontinuity};
use crate::watcher_support::{HALF_SECOND_90K, SLOW_PICTURES, segments, slow_segments};
use livedir_playlist::MediaPlaylist;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const FPS: u32 = 25;

const WORDS: [&str; 4] = ["--window", "6", "--target-duration", "2"];

/// Twelve seconds in real time, with a keyframe every second.
const FFMPEG_SOURCE: &str = "-nostdin -v error -re -f lavfi -i testsrc2=size=160x120:rate=25 -f lavfi -i sine=sample_rate=48000 \
    -t 12 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -keyint_min 25 -sc_threshold 0 -c:a aac -ac 2";

/// The same in HEVC.
const FFMPEG_HEVC_SOURCE: &str = "-nostdin -v error -re -f lavfi -i testsrc2=size=160x120:rate=25 -f lavfi -i sine=sample_rate=48000 \
    -t 12 -c:v libx265 -preset ultrafast -pix_fmt yuv420p -g 25 -keyint_min 25 -x265-params scenecut=0:open-gop=0:log-level=none \
    -c:a aac -ac 2";

/// Streams while the encoder runs, `segments` of them at least; kills the watcher in the middle and starts another one.
#[track_caller]
fn check(encoder: impl FnOnce(&Watched) -> Command, segments: u64) {
    let watched = Watched::new();
    let mut encoder = encoder(&watched);
    let running = watched.start(&WORDS);
    let witness = Witness::start(Files::of(watched.webroot()), FPS);
    let mut encoding = Running::start(&mut encoder);
    let wait_for_number = |number: u64| {
        wait_for(&format!("segment {number}"), PATIENCE, || {
            (read_playlist(watched.webroot())?.next_media_sequence() > number).then_some(())
        });
    };
    wait_for_number(segments / 2);
    running.kill();
    let running = watched.start(&WORDS);
    wait_for_number(segments);
    assert!(encoding.wait().success(), "{}", encoding.output());
    let testimony: Testimony = witness.testify();
    assert!(running.interrupt().success());

    let listed: Vec<_> = testimony.history.segments.values().map(|seen| seen.segment.clone()).collect();
    assert!(listed.iter().all(|segment| !segment.discontinuity), "{listed:#?}");
    decode_listed(&watched);
}

#[track_caller]
fn decode_listed(watched: &Watched) {
    let playlist = read_playlist(watched.webroot()).unwrap();
    for segment in &playlist.segments {
        decode_joined(watched.webroot(), &[segment.uri.as_str()]);
    }
    decode_joined(
        watched.webroot(),
        &playlist.segments.iter().map(|segment| segment.uri.as_str()).collect::<Vec<_>>(),
    );
}

/// The same for names that the witness does not know: all that is listed is there, and no number is given to two names. Gives what each
/// number named, in their order.
#[track_caller]
fn check_other_names(
    words: &[&str],
    encoder: impl FnOnce(&Watched) -> Command,
    segments: usize,
) -> Vec<String> {
    let watched = Watched::new();
    let mut encoder = encoder(&watched);
    let mut running = Some(watched.start(words));
    let mut encoding = Running::start(&mut encoder);
    let (mut listed, mut is_second) = (BTreeMap::new(), false);
    while encoding.still_runs() || listed.len() < segments {
        let playlist = wait_for("a playlist", PATIENCE, || read_playlist(watched.webroot()));
        no_discontinuity(&playlist);
        for (number, segment) in (playlist.media_sequence..).zip(&playlist.segments) {
            let path = watched.webroot().join(&segment.uri);
            // Between a rename and the event that tells of it the name is not there.
            wait_for(&segment.uri, Duration::from_secs(1), || path.exists().then_some(()));
            let before = listed.entry(number).or_insert_with(|| segment.uri.clone());
            assert_eq!(*before, segment.uri, "number {number}");
        }
        // What is renamed while nobody watches is lost, as docs/contract.md says.
        let newest = playlist.segments.last().map(|it| watched.webroot().join(&it.uri));
        let is_renamed = newest.is_none_or(|it| !has_first_name(&it) || has_two_names(&it));
        if listed.len() >= segments / 2 && !is_second && is_renamed {
            running.take().unwrap().kill();
            running = Some(watched.start(words));
            is_second = true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(encoding.wait().success(), "{}", encoding.output());
    let running = running.unwrap();
    assert!(!running.output().contains("refused"), "{}", running.output());
    assert!(running.interrupt().success());
    assert_eq!(listed.keys().copied().collect::<Vec<_>>(), (1..=listed.len() as u64).collect::<Vec<_>>());
    decode_listed(&watched);
    listed.into_values().collect()
}

/// Whether ffmpeg is going to rename it: the places for its size and duration hold zeros.
fn has_first_name(path: &Path) -> bool {
    path.to_string_lossy().contains("-00000000-0000000000000")
}

/// Whether it was renamed, and its first name linked back.
fn has_two_names(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|it| std::os::unix::fs::MetadataExt::nlink(&it) == 2)
}

/// Continuity counters that begin again are the encoder's own; all else must be decoded without a complaint.
#[track_caller]
fn decode_joined(webroot: &Path, uris: &[&str]) {
    let joined = webroot.join("joined.ts");
    let bytes: Vec<u8> = uris.iter().flat_map(|uri| fs::read(webroot.join(uri)).unwrap()).collect();
    fs::write(&joined, bytes).unwrap();
    let frames = media::run(
        Command::new("ffprobe")
            .args(["-v", "error", "-count_frames", "-select_streams", "v", "-of", "csv=p=0"])
            .args(["-show_entries", "stream=nb_read_frames"])
            .arg(&joined),
    );
    let frames: u32 = String::from_utf8_lossy(&frames).trim().lines().next().unwrap().parse().unwrap();
    assert!(frames >= 20 * uris.len() as u32, "{frames} frames in {uris:?}");
}

fn ffmpeg(watched: &Watched, format: &str) -> Command {
    ffmpeg_of(FFMPEG_SOURCE, watched, format)
}

fn ffmpeg_of(source: &str, watched: &Watched, format: &str) -> Command {
    let mut command = Command::new("ffmpeg");
    command.current_dir(watched.webroot().join("live"));
    command.args(source.split_whitespace()).args(format.split_whitespace());
    command
}

#[test]
fn ffmpeg_segment() {
    let format = "-f segment -segment_time 1 -segment_format mpegts -segment_start_number 1 seg-%08d.ts";
    check(|watched| ffmpeg(watched, format), 11);
}

#[test]
fn ffmpeg_hls() {
    let format = "-f hls -hls_time 1 -start_number 1 -hls_segment_filename seg-%08d.ts own.m3u8";
    check(|watched| ffmpeg(watched, format), 11);
}

#[test]
fn ffmpeg_hls_that_renames_its_files() {
    let format =
        "-f hls -hls_time 1 -start_number 1 -hls_flags temp_file -hls_segment_filename seg-%08d.ts own.m3u8";
    check(|watched| ffmpeg(watched, format), 11);
}

/// It renames each segment when it knows how long and how large it is: its first name has zeros for these.
#[test]
fn ffmpeg_hls_that_names_its_files_when_they_are_complete() {
    let format = "-f hls -hls_time 1 -strftime 1 -hls_flags \
        second_level_segment_index+second_level_segment_size+second_level_segment_duration \
        -hls_segment_filename seg-%Y%m%d%H%M%S-%%04d-%%08s-%%013t.ts own.m3u8";
    let listed = check_other_names(&WORDS, |watched| ffmpeg(watched, format), 12);
    assert_eq!(listed.len(), 12, "each is listed once: {listed:#?}");
}

/// Its names come again every nine seconds; a file that has left a playlist of three needs seven.
#[test]
fn ffmpeg_segment_wrap() {
    let format = "-f segment -segment_time 1 -segment_format mpegts -segment_wrap 9 %d.ts";
    let words = ["--window", "3", "--target-duration", "1"];
    let listed = check_other_names(&words, |watched| ffmpeg(watched, format), 12);
    let expected: Vec<_> = (0..12).map(|number| format!("live/{}.ts", number % 9)).collect();
    assert_eq!(listed, expected);
}

/// A zone in which it is an hour earlier from `seconds` from now on, as at the end of summer.
fn zone_that_goes_back_after(seconds: i64) -> String {
    let now = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    // Told in the time of summer.
    let at = now.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(1)));
    // POSIX.1, "Environment Variables", TZ: days from zero, with leap days.
    format!("WIN0SUM-1,0/0,{}/{}", at.day_of_year() - 1, at.strftime("%H:%M:%S"))
}

/// After five segments the hour in their names is one less.
#[test]
fn ffmpeg_hls_with_local_time_that_goes_back_an_hour() {
    let format = "-f hls -hls_time 1 -strftime 1 -hls_segment_filename seg-%Y%m%d-%H%M%S.ts own.m3u8";
    let encoder = |watched: &Watched| {
        let mut command = ffmpeg(watched, format);
        command.env("TZ", zone_that_goes_back_after(6));
        command
    };
    let seen = check_other_names(&WORDS, encoder, 12);
    let hour = |uri: &String| uri.rsplit_once('-').map(|(_, time)| time[..2].to_owned());
    let mut hours: Vec<_> = seen.iter().filter_map(hour).collect();
    hours.dedup();
    // One more if the stream was in two hours anyway.
    assert!(hours.len() >= 2 && has_gone_back(&hours), "{seen:#?}");
}

fn has_gone_back(hours: &[String]) -> bool {
    let number = |hour: &String| hour.parse::<i32>().unwrap();
    hours.windows(2).any(|two| (number(&two[0]) - number(&two[1])).rem_euclid(24) == 1)
}

#[test]
fn ffmpeg_segment_with_hevc() {
    let format = "-f segment -segment_time 1 -segment_format mpegts -segment_start_number 1 seg-%08d.ts";
    check(|watched| ffmpeg_of(FFMPEG_HEVC_SOURCE, watched, format), 11);
}

#[test]
fn ffmpeg_hls_with_hevc() {
    let format = "-f hls -hls_time 1 -start_number 1 -hls_segment_filename seg-%08d.ts own.m3u8";
    check(|watched| ffmpeg_of(FFMPEG_HEVC_SOURCE, watched, format), 11);
}

#[test]
fn gstreamer_splitmuxsink() {
    let gstreamer = |watched: &Watched| {
        let mut command = Command::new("gst-launch-1.0");
        command.current_dir(watched.webroot().join("live"));
        let pipeline = "-q -e videotestsrc is-live=true num-buffers=300 ! video/x-raw,width=160,height=120,framerate=25/1 ! \
            x264enc key-int-max=25 tune=zerolatency speed-preset=ultrafast ! h264parse config-interval=-1 ! \
            splitmuxsink location=seg-%08d.ts start-index=1 max-size-time=1000000000 muxer-factory=mpegtsmux";
        command.args(pipeline.split_whitespace());
        command
    };
    check(gstreamer, 11);
}

/// It begins at number 0, keeps a playlist of its own elsewhere, and deletes its files itself, all but the newest four: fewer
/// than are to be listed.
#[test]
fn gstreamer_hlssink2() {
    check_hlssink("h264parse config-interval=-1 ! hlssink2");
}

/// The older one, which is handed a stream. Its last file may have one frame.
#[test]
fn gstreamer_hlssink() {
    check_hlssink("h264parse config-interval=-1 ! mpegtsmux ! hlssink");
}

#[track_caller]
fn check_hlssink(sink: &str) {
    let watched = Watched::new();
    let running = watched.start(&WORDS);
    let mut gstreamer = Command::new("gst-launch-1.0");
    let pipeline = format!(
        "-q -e videotestsrc is-live=true num-buffers=250 ! video/x-raw,width=160,height=120,framerate=25/1 ! \
         x264enc key-int-max=25 tune=zerolatency speed-preset=ultrafast ! {sink} \
         location=live/segment%05d.ts playlist-location=its-own.m3u8 target-duration=1 \
         playlist-length=3 max-files=4"
    );
    gstreamer.current_dir(watched.webroot()).args(pipeline.split_whitespace());
    let mut encoding = Running::start(&mut gstreamer);
    wait_for("the fifth segment", PATIENCE, || {
        (read_playlist(watched.webroot())?.next_media_sequence() > 5).then_some(())
    });
    running.kill();
    let running = watched.start(&WORDS);
    assert!(encoding.wait().success(), "{}", encoding.output());
    let entries = fs::read_dir(watched.webroot().join("live")).unwrap();
    let mut left: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left.len(), 4, "{left:?}");
    let left: Vec<_> = left.iter().map(|name| name.trim_end_matches(".ts")).collect();
    let playlist = watched.wait_for_names(&left.join(" "));
    let first: u64 = left[0].trim_start_matches("segment").parse().unwrap();
    assert_eq!(playlist.media_sequence, first + 1);
    assert!(playlist.segments.iter().all(|segment| !segment.discontinuity), "{playlist:#?}");
    for segment in playlist.segments.iter().filter(|segment| segment.duration_90k >= HALF_SECOND_90K) {
        decode_joined(watched.webroot(), &[segment.uri.as_str()]);
    }
    assert!(!running.output().contains("refused"), "{}", running.output());
}

/// Publishes what [`SLOW_PICTURES`] says, and gives the playlist.
#[track_caller]
fn publish_slow(what: &str, input: &str, words: &[&str]) -> MediaPlaylist {
    let watched = Watched::new();
    let running = watched.start(words);
    for (number, bytes) in (1..).zip(&slow_segments(input)) {
        watched.rename_in(&format!("{number}.ts"), bytes);
    }
    let playlist = watched.wait_for_names("1 2 3 4 5");
    assert!(!running.output().contains("refused"), "{what}:\n{}", running.output());
    assert!(playlist.segments.iter().all(|segment| !segment.discontinuity), "{what}: {playlist:#?}");
    playlist
}

#[test]
fn few_pictures_are_published_within_the_promise() {
    for (what, input, _) in SLOW_PICTURES {
        let playlist = publish_slow(what, input, &["--target-duration", "2"]);
        for segment in &playlist.segments {
            assert!(segment.duration_90k.abs_diff(180_000) <= 4_500, "{what}: {playlist:#?}");
        }
    }
}

#[test]
fn without_a_promise_a_segment_lasts_as_the_one_before_it_has_turned_out_to() {
    for (what, input, is_told) in SLOW_PICTURES {
        let playlist = publish_slow(what, input, &[]);
        // Of the first one alone nothing is known but its bytes.
        for segment in &playlist.segments[usize::from(!is_told)..] {
            assert!(segment.duration_90k.abs_diff(180_000) <= 4_500, "{what}: {playlist:#?}");
        }
    }
}

/// How many warnings name the file.
fn warnings_about(output: &str, name: &str) -> usize {
    output.lines().filter(|line| line.contains("WARN") && line.contains(name)).count()
}

/// Closes the file once more, as it is.
fn close_again(path: &Path) {
    drop(fs::File::options().append(true).open(path).unwrap());
}

#[test]
fn a_refused_file_is_told_once_by_watch() {
    let watched = Watched::new();
    let running = watched.start(&["--target-duration", "1"]);
    watched.rename_in("bad.ts", b"<html>");
    watched.rename_in("1.ts", &segments()[0]);
    watched.wait_for_names("1");
    close_again(&watched.live("bad.ts"));
    let mut grown = fs::File::options().append(true).open(watched.live("bad.ts")).unwrap();
    std::io::Write::write_all(&mut grown, b"</html>").unwrap();
    drop(grown);
    watched.rename_in("2.ts", &segments()[1]);
    watched.wait_for_names("1 2");
    assert_eq!(warnings_about(&running.output(), "bad.ts"), 1, "{}", running.output());
    assert_eq!(watched.status()["segments_refused"], 1);

    // What is written in its place may be good.
    watched.rename_in("bad.ts", &segments()[2]);
    watched.wait_for_names("1 2 bad");
}

#[test]
fn a_refused_file_is_told_once_by_live() {
    let webroot = tempfile::tempdir().unwrap();
    let left_over = webroot.path().join("live/seg-00000001.ts");
    fs::create_dir(webroot.path().join("live")).unwrap();
    fs::write(&left_over, b"<html>").unwrap();
    let mut live = LiveStream::start(webroot.path(), &["test", "--segment-duration", "1s"]);
    live.wait_for_segment(1);
    close_again(&left_over);
    live.wait_for_segment(3);
    let output = live.publisher.output();
    assert_eq!(warnings_about(&output, "seg-00000001.ts"), 1, "{output}");
    assert!(live.publisher.interrupt().success());
}

#[test]
fn shaka_packager() {
    let packager = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/encoders/node_modules/shaka-packager/bin")
        .join(if cfg!(target_arch = "aarch64") { "packager-linux-arm64" } else { "packager-linux-x64" });
    let shaka = |watched: &Watched| {
        // It wants a stream: ffmpeg plays one to it.
        let script = format!(
            "ffmpeg {FFMPEG_SOURCE} -an -f mpegts - | {} --quiet \
             'in=/dev/stdin,stream=video,segment_template={}/seg-$Number%08d$.ts' --segment_duration 1",
            packager.display(),
            watched.webroot().join("live").display()
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]);
        command
    };
    check(shaka, 11);
}
