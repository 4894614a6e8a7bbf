//! `livedir-publisher inspect`: how it draws, and what it says of directories that livedir, ffmpeg or nobody in his right mind
//! has written.

mod multivariant;
mod parts;

use crate::support::programs::{LiveStream, PATIENCE, Running, publisher, read_playlist};
use crate::support::wait_for;
use crate::watcher_support::{TEST_SOURCES, cut_segments_of, ffmpeg, segments};
use jiff::tz::TimeZone;
use livedir_inspect::{
    draw::{Page, draw},
    model::inventory::{Inventory, State},
};
use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

fn golden_inventory() -> Inventory {
    serde_json::from_str(include_str!("../golden/inventory.json")).expect("an inventory")
}

fn page(width: usize, height: Option<usize>) -> Page {
    Page { width, height, colour: false, zone: TimeZone::UTC }
}

#[track_caller]
fn check_drawing(width: usize, height: Option<usize>, expected: &str) {
    let drawn = draw(&golden_inventory(), &page(width, height));
    assert!(drawn == expected, "at {width} columns:\n{drawn}");
}

#[test]
fn a_drawing_of_80_columns_has_short_words() {
    check_drawing(80, None, include_str!("../golden/inspect-80.txt"));
}

#[test]
fn a_drawing_of_120_columns_has_all_words() {
    check_drawing(120, None, include_str!("../golden/inspect-120.txt"));
}

#[test]
fn a_low_page_shows_the_newest_rows() {
    check_drawing(80, Some(24), include_str!("../golden/inspect-80x24.txt"));
}

#[test]
fn no_line_is_wider_and_no_page_higher_than_it_may_be() {
    let mut inventory = golden_inventory();
    inventory.segments[3].file = "長い名前の映画".repeat(40);
    inventory.segments[4].problem = Some("unbreakable".repeat(40));
    inventory.notes.push("\u{1b}[2J\u{202e}".repeat(90));
    for width in 40..200 {
        for height in [None, Some(1), Some(10), Some(24), Some(50)] {
            let drawn = draw(&inventory, &page(width, height));
            for line in drawn.lines() {
                assert!(console::measure_text_width(line) <= width, "{width} columns:\n{drawn}");
                assert!(!line.contains(['\u{1b}', '\u{202e}']), "{line:?}");
            }
            assert!(drawn.lines().count() <= height.unwrap_or(usize::MAX), "{width}x{height:?}:\n{drawn}");
        }
    }
}

#[test]
fn colours_change_no_letter() {
    let coloured = draw(&golden_inventory(), &Page { colour: true, ..page(120, None) });
    assert!(coloured.contains("\u{1b}[32m"), "listed is green");
    assert_eq!(console::strip_ansi_codes(&coloured), include_str!("../golden/inspect-120.txt"));
}

/// What `inspect --json` says.
#[track_caller]
fn inspect(path: &Path, words: &[&str]) -> Inventory {
    let ended = publisher().arg("inspect").arg(path).arg("--json").args(words).output().expect("started");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    assert_eq!(text.lines().count(), 1, "one document a line");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn rows_in(inventory: &Inventory, state: State) -> usize {
    inventory.segments.iter().filter(|row| row.state == state).count()
}

fn files(inventory: &Inventory) -> Vec<(&str, State)> {
    inventory.segments.iter().map(|row| (row.file.as_str(), row.state)).collect()
}

#[test]
fn a_stream_with_a_crash_in_it_is_shown_as_it_is() {
    let webroot = tempfile::tempdir().expect("temp dir");
    let words = ["test", "--segment-duration", "1s", "--window", "4", "--resume-later"];
    let mut live = LiveStream::start(webroot.path(), &words);
    live.wait_for_segment(3);
    live.publisher.kill();
    let mut live = LiveStream::start(webroot.path(), &words);
    live.wait_for_segment(6);
    assert!(live.publisher.interrupt().success());

    let inventory = inspect(webroot.path(), &[]);
    let playlist = read_playlist(webroot.path()).expect("a playlist");
    let summary = inventory.playlist.as_ref().expect("a playlist");
    assert_eq!((summary.problem.as_ref(), summary.ended, summary.segments_missing), (None, false, 0));
    assert_eq!(summary.media_sequence_first, playlist.media_sequence);
    assert!(summary.behind_now_s.is_some_and(|behind_now_s| behind_now_s > 0.0), "{summary:?}");
    let listed: Vec<_> = inventory.segments.iter().filter(|row| row.state == State::Listed).collect();
    assert_eq!(listed.len(), playlist.segments.len());
    for (row, segment) in listed.iter().zip(&playlist.segments) {
        assert_eq!(row.file, segment.uri);
        assert_eq!(row.filmed_at, segment.program_date_time);
        assert_eq!(row.odd, [""; 0]);
        assert_eq!((row.keyframes, &row.streams[..]), (Some(1), &["h264".to_owned(), "aac".to_owned()][..]));
    }
    let breaks: Vec<_> = inventory.segments.iter().filter(|row| row.discontinuity.is_some()).collect();
    assert_eq!(breaks.len(), 1, "{:#?}", inventory.segments);
    assert!(breaks[0].gap_before_s.is_some_and(|gap_s| gap_s < 60.0), "{:?}", breaks[0]);
    let video = inventory.media.video.as_ref().expect("pictures");
    assert_eq!((video.width, video.height, video.fps), (Some(640), Some(480), Some(20.0)));
    assert_eq!(inventory.status.as_ref().and_then(|status| status.state.as_deref()), Some("live"));
    assert_eq!(inventory.disk.segments, inventory.segments.len() as u64);
    assert_eq!(
        rows_in(&inventory, State::Listed) + rows_in(&inventory, State::WaitingForDeletion),
        inventory.segments.len()
    );
    // The same from within: its live directory, and one of its segments.
    assert_eq!(files(&inspect(&webroot.path().join("live"), &[])), files(&inventory));
    let one = inspect(&webroot.path().join(&listed[0].file), &[]);
    assert_eq!(files(&one), [(listed[0].file.as_str(), State::Listed)]);
}

#[test]
fn what_ffmpeg_wrote_is_shown_in_its_order() {
    let directory = tempfile::tempdir().expect("temp dir");
    let cut = "-t 6 -f hls -hls_time 0.5 -hls_list_size 3 -hls_flags program_date_time list.m3u8";
    ffmpeg(directory.path(), &format!("{TEST_SOURCES} {cut}"));
    let inventory = inspect(directory.path(), &[]);
    let expected: Vec<_> = (0..12)
        .map(|number| (format!("list{number}.ts"), if number < 9 { State::Unlisted } else { State::Listed }))
        .collect();
    let expected: Vec<_> = expected.iter().map(|(name, state)| (name.as_str(), *state)).collect();
    assert_eq!(files(&inventory), expected);
    assert_eq!(inventory.segments[11].media_sequence, Some(11));
    assert!(inventory.segments.iter().all(|row| row.duration_s == Some(0.5) && row.discontinuity.is_none()));
    assert_eq!(inventory.playlist.as_ref().map(|playlist| playlist.ended), Some(true));
    assert_eq!(inventory.status, None);

    // ffmpeg's target duration here is 0 s, which promises nothing.
    assert_eq!(inventory.playlist.as_ref().and_then(|playlist| playlist.target_duration_s), None);

    // A promise that is broken.
    let other = tempfile::tempdir().expect("temp dir");
    ffmpeg(other.path(), &format!("{TEST_SOURCES} -t 4 -f hls -hls_time 2 list.m3u8"));
    let promise =
        fs::read_to_string(other.path().join("list.m3u8")).unwrap().replace("DURATION:2", "DURATION:1");
    fs::write(other.path().join("list.m3u8"), promise).unwrap();
    assert!(inspect(other.path(), &[]).segments[0].odd.join(" ").contains("over the target duration of 1 s"));

    // A part of it, and the playlist by its name.
    let newest = inspect(&directory.path().join("list.m3u8"), &["--rows", "2"]);
    assert_eq!(files(&newest), expected[10..]);
    assert_eq!((newest.older_segments, newest.disk.segments), (10, 12));
    // From one step above.
    let above = tempfile::tempdir().expect("temp dir");
    fs::rename(directory.path(), above.path().join("stream")).expect("renamed");
    assert_eq!(files(&inspect(above.path(), &[])), expected);
    // A file beside that stream has nothing to do with it.
    let beside = above.path().join("beside.ts");
    write_old(&beside, &segments()[0]);
    assert_eq!(files(&inspect(&beside, &[])), [("beside.ts", State::Unlisted)]);
}

#[test]
fn one_segment_is_taken_apart() {
    let directory = tempfile::tempdir().expect("temp dir");
    let whole = cut_segments_of("2", &format!("{TEST_SOURCES} -g 20 -t 6")).swap_remove(1);
    let path = directory.path().join("a.ts");
    let broken_at = whole.len() / 376 * 188;
    write_old(&path, &[&whole[..broken_at], &whole[broken_at + 188..]].concat());
    let inventory = inspect(&path, &[]);
    let row = &inventory.segments[0];
    assert_eq!((row.duration_s, row.keyframes), (Some(2.0), Some(2)));
    let detail = inventory.detail.as_ref().expect("a detail");
    assert_eq!(detail.keyframes_s, [0.0, 1.0]);
    assert_eq!(detail.end_90k.zip(detail.start_90k).map(|(end, start)| end - start), Some(180_000));
    assert_eq!(detail.packets, whole.len() as u64 / 188 - 1);
    let carried: Vec<_> = detail.pids.iter().map(|pid| (pid.pid, pid.carries.as_str())).collect();
    assert_eq!(carried, [(17, "SDT"), (0, "PAT"), (4_096, "PMT"), (256, "h264"), (257, "aac")]);
    assert_eq!(
        (detail.pids[3].units, detail.pids[3].first_s, detail.pids[3].last_s),
        (40, Some(0.0), Some(1.95))
    );
    assert_eq!(detail.video_profile.as_deref(), Some("Constrained Baseline, level 1.1"));
    assert_eq!((detail.picture_shortest_s, detail.picture_longest_s), (Some(0.05), Some(0.05)));
    assert_eq!((detail.picture_last_s, detail.picture_last_in_doubt), (Some(0.05), false));
    let of_streams: u64 = detail.pids[3..].iter().map(|pid| pid.packets * 188 * 8).sum();
    let in_slots: f64 = detail.rate_bps.iter().map(|bps| *bps as f64 * detail.rate_slot_s).sum();
    assert!((in_slots - of_streams as f64).abs() < 100.0, "{in_slots} of {of_streams} bits");
    assert_eq!((detail.rate_bps.len(), detail.rate_slot_s), (20, 0.1));
    let breaks: Vec<_> = detail.breaks.iter().map(|it| it.byte >= broken_at as u64).collect();
    assert_eq!(breaks, [true]);

    let drawn = check_pages(&inventory);
    for expected in
        ["h264", "aac", "◆", "Constrained Baseline", "2 keyframes · at 0.000 1.000 s", "before byte"]
    {
        assert!(drawn.contains(expected), "{expected} in\n{drawn}");
    }
}

#[test]
fn a_file_that_is_no_segment_is_taken_apart_as_far_as_it_goes() {
    let directory = tempfile::tempdir().expect("temp dir");
    let path = directory.path().join("a.ts");
    let mut bytes = segments()[0][..100 * 188].to_vec();
    bytes.extend_from_slice(b"<html>");
    write_old(&path, &bytes);
    let inventory = inspect(&path, &[]);
    assert_eq!(inventory.segments[0].state, State::Refused);
    assert_eq!(inventory.detail.as_ref().map(|detail| detail.packets), Some(100));
    assert!(check_pages(&inventory).contains("it is not MPEG-TS"));
    write_old(&path, b"");
    assert!(check_pages(&inspect(&path, &[])).contains("it is empty"));
}

/// Draws on pages of all sizes; gives what a page of 80 columns shows.
#[track_caller]
fn check_pages(inventory: &Inventory) -> String {
    for width in 40..200 {
        for height in [None, Some(1), Some(24)] {
            let drawn = draw(inventory, &page(width, height));
            for line in drawn.lines() {
                assert!(console::measure_text_width(line) <= width, "{width} columns:\n{drawn}");
                assert!(!line.contains('\u{1b}'), "{line:?}");
            }
            assert!(drawn.lines().count() <= height.unwrap_or(usize::MAX), "{width}x{height:?}:\n{drawn}");
        }
    }
    draw(inventory, &page(80, None))
}

/// Changed long ago: whoever wrote it has finished.
fn write_old(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("written");
    let file = fs::File::options().append(true).open(path).expect("opened");
    file.set_modified(SystemTime::now() - Duration::from_secs(60)).expect("aged");
}

#[test]
fn broken_files_are_refused_with_the_reason() {
    let webroot = tempfile::tempdir().expect("temp dir");
    let live = webroot.path().join("live");
    fs::create_dir_all(live.join("directory.ts")).expect("made");
    write_old(&webroot.path().join("stream.m3u8"), b"<html>");
    write_old(&webroot.path().join("status.json"), b"[1");
    write_old(&live.join("a.ts"), &segments()[3]);
    write_old(&live.join("b.ts"), b"");
    write_old(&live.join("c.ts"), &segments()[4][..1_000]);
    write_old(&live.join("d.ts"), b"garbage");
    write_old(&live.join(".e.ts.part"), b"G");
    let inventory = inspect(webroot.path(), &[]);
    let reasons: Vec<_> =
        inventory.segments.iter().map(|row| row.problem.as_deref().unwrap_or_default()).collect();
    for (reason, expected) in reasons.iter().zip(["", "it is empty", "it was cut", "it is not MPEG-TS"]) {
        assert!(reason.starts_with(expected), "{reasons:?}");
    }
    assert_eq!((reasons.len(), rows_in(&inventory, State::Refused)), (4, 3));
    assert_eq!((inventory.disk.segments, inventory.disk.unfinished), (4, 1));
    let problem = inventory.playlist.and_then(|playlist| playlist.problem).expect("a problem");
    assert!(problem.contains("is it a playlist?"), "{problem}");
}

#[test]
fn files_that_are_listed_and_missing_are_told() {
    let webroot = tempfile::tempdir().expect("temp dir");
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:5\n#EXTINF:0.5,\na%201.ts\n\
        #EXTINF:0.5,\ngone.ts\n#EXTINF:0.5,\nhttp://host/b.ts\n#EXTINF:0.9,\n../outside.ts\n#EXTINF:0.9,\nc.ts\n";
    write_old(&webroot.path().join("any.m3u8"), text.as_bytes());
    write_old(&webroot.path().join("a 1.ts"), &segments()[0]);
    write_old(&webroot.path().join("c.ts"), &segments()[7]);
    fs::write(webroot.path().join("d.ts"), &segments()[8]).expect("written");
    let inventory = inspect(webroot.path(), &[]);
    let expected = [
        ("a 1.ts", State::Listed),
        ("gone.ts", State::Missing),
        ("http://host/b.ts", State::Elsewhere),
        ("../outside.ts", State::Elsewhere),
        ("c.ts", State::Listed),
        ("d.ts", State::WaitingToBeListed),
    ];
    assert_eq!(files(&inventory), expected);
    assert_eq!(inventory.playlist.as_ref().map(|playlist| playlist.segments_missing), Some(1));
    let odd = inventory.segments[4].odd.join("; ");
    assert!(odd.contains("EXTINF says 0.900 s, it lasts 0.500 s"), "{odd}");
    assert!(odd.contains("the timeline jumps by 3.000 s, and no EXT-X-DISCONTINUITY says so"), "{odd}");
}

#[test]
fn of_many_files_only_the_newest_are_looked_into() {
    let directory = tempfile::tempdir().expect("temp dir");
    for number in 1..=3_000 {
        fs::write(directory.path().join(format!("seg-{number:08}.ts")), b"no segment").expect("written");
    }
    write_old(&directory.path().join("seg-00003001.ts"), &segments()[0]);
    let inventory = inspect(directory.path(), &["--rows", "3"]);
    let names: Vec<_> = inventory.segments.iter().map(|row| row.file.as_str()).collect();
    assert_eq!(names, ["seg-00002999.ts", "seg-00003000.ts", "seg-00003001.ts"]);
    assert_eq!((inventory.older_segments, inventory.disk.segments), (2_998, 3_001));
    assert_eq!(inspect(directory.path(), &["--all"]).segments.len(), 3_001);
}

#[test]
fn nothing_to_look_at_is_told_with_the_remedy() {
    let directory = tempfile::tempdir().expect("temp dir");
    let other = directory.path().join("film.mp4");
    fs::write(&other, b"").expect("written");
    for (path, remedy) in [(directory.path().join("nowhere"), "check its name"), (other, "segment (.ts)")] {
        let ended = publisher().arg("inspect").arg(&path).output().expect("started");
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success() && told.contains(remedy), "{told}");
    }
    let ended = publisher().arg("inspect").arg(directory.path()).output().expect("started");
    let drawn = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success() && drawn.starts_with("no segments here"), "{drawn}");
}

#[test]
fn following_prints_every_change_and_ends_at_ctrl_c() {
    let directory = tempfile::tempdir().expect("temp dir");
    write_old(&directory.path().join("a.ts"), &segments()[0]);
    let mut follow =
        Running::start(publisher().arg("inspect").arg(directory.path()).args(["--follow", "--json"]));
    let documents = |follow: &Running| -> Vec<Inventory> {
        follow.output().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    wait_for("the first look", PATIENCE, || (!documents(&follow).is_empty()).then_some(()));
    write_old(&directory.path().join("b.ts"), &segments()[1]);
    wait_for("the second file", PATIENCE, || {
        let seen = documents(&follow);
        seen.last().filter(|inventory| inventory.segments.len() == 2).map(|_| ())
    });
    assert!(follow.still_runs());
    assert_eq!(documents(&follow)[0].segments.len(), 1);
    assert!(follow.interrupt().success());
}

/// What the program writes to a terminal of 80 columns.
#[track_caller]
fn on_a_terminal(directory: &Path, no_color: &str) -> String {
    let program = env!("CARGO_BIN_EXE_livedir-publisher");
    let command = format!("stty cols 80 rows 24; exec '{program}' inspect .");
    let ended = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(directory)
        .env("TERM", "xterm")
        .env("NO_COLOR", no_color)
        .env("SHELL", "/bin/sh")
        .output()
        .expect("the script program is installed");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).expect("UTF-8")
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_gets_colour_unless_it_is_asked_not_to() {
    let directory = tempfile::tempdir().expect("temp dir");
    write_old(&directory.path().join("a.ts"), &segments()[0]);
    assert!(on_a_terminal(directory.path(), "").contains("\u{1b}[1m"));
    assert!(!on_a_terminal(directory.path(), "1").contains('\u{1b}'));
    let ended = publisher().arg("inspect").arg(directory.path()).output().expect("started");
    assert!(!ended.stdout.contains(&0x1b), "not a terminal");
}
