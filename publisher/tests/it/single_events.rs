//! No single event ends a stream: what the simulated world has found, seen once more with the program, real files and a real disk.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::mount::MountFlags;
use rustix::process::Signal;

use crate::support::check::assert_clean;
use crate::support::programs::{LiveStream, PATIENCE, Running, publisher, read_playlist};
use crate::support::small_disk::SmallDisk;
use crate::support::wait_for;

const WORDS: [&str; 5] = ["test", "--fps", "20", "--segment-duration", "500ms"];

fn words(more: &[&'static str]) -> Vec<&'static str> {
    WORDS.iter().chain(more).copied().collect()
}

/// The number of the newest segment in a low-latency playlist, parts included.
fn newest_in(list: &Path) -> u64 {
    let text = fs::read_to_string(list).unwrap_or_default();
    let numbers = text.split("seg-").skip(1).filter_map(|rest| rest.get(..8)?.parse().ok());
    numbers.max().unwrap_or(0)
}

#[track_caller]
fn wait_for_newest(stream: &mut LiveStream, list: &Path, number: u64) {
    wait_for(&format!("segment {number} in {}", list.display()), PATIENCE, || {
        assert!(stream.publisher.still_runs(), "the publisher has ended:\n{}", stream.publisher.output());
        (newest_in(list) >= number).then_some(())
    });
}

/// The lists of the renditions go on after a disk was full that took parts and segments away, and the stream ends when it is asked.
#[track_caller]
fn check_lost_parts(more: &[&'static str], renditions: &[&str]) {
    let disk = SmallDisk::mount("size=24m", MountFlags::empty());
    let webroot = disk.path().join("webroot");
    fs::create_dir(&webroot).unwrap();
    let mut stream = LiveStream::start(&webroot, &words(more));
    let lists: Vec<_> = renditions.iter().map(|name| webroot.join(name).join("ll.m3u8")).collect();
    for list in &lists {
        wait_for_newest(&mut stream, list, 3);
    }
    let filler = disk.path().join("filler");
    wait_for("a lost part", PATIENCE, || {
        let mut file = fs::File::options().create(true).append(true).open(&filler).unwrap();
        while std::io::Write::write(&mut file, &[0; 4096]).is_ok() {}
        let output = stream.publisher.output();
        output.lines().any(|line| line.contains("segment lost") && line.contains(".p0")).then_some(())
    });
    fs::remove_file(&filler).unwrap();
    for list in &lists {
        let number = newest_in(list);
        wait_for_newest(&mut stream, list, number + 4);
    }
    stream.publisher.signal(Signal::TERM);
    assert!(stream.publisher.wait().success(), "{}", stream.publisher.output());
    assert_clean(&webroot);
}

#[test]
fn a_lost_part_is_a_gap_and_the_stream_goes_on() {
    check_lost_parts(&["--size", "160x120", "--low-latency", "--window", "40"], &[""]);
}

#[test]
fn a_ladder_that_has_lost_parts_goes_on_in_all_sizes_and_the_sound() {
    let more = ["--ladder", "160x120@150k,80x60@80k", "--low-latency", "--window", "40"];
    check_lost_parts(&more, &["live/120p", "live/60p", "live/audio"]);
}

#[test]
fn a_file_with_a_number_to_come_freezes_nothing() {
    let webroot = tempfile::tempdir().unwrap();
    let live = webroot.path().join("live");
    fs::create_dir(&live).unwrap();
    fs::write(live.join("seg-999999999999999.ts"), b"").unwrap();
    let mut stream = LiveStream::start(webroot.path(), &words(&["--size", "160x120", "--low-latency"]));
    stream.wait_for_segment(2);
    fs::copy(live.join("seg-00000001.ts"), live.join("seg-00000099.ts")).unwrap();
    fs::copy(live.join("seg-00000001.p00.ts"), live.join("seg-00000098.p00.ts")).unwrap();
    let number = stream.playlist().unwrap().next_media_sequence();
    stream.wait_for_segment(number + 3);
    let uris: Vec<_> = stream.playlist().unwrap().segments.into_iter().map(|segment| segment.uri).collect();
    assert!(uris.iter().all(|uri| !uri.contains("99")), "{uris:?}");
    let output = stream.publisher.output();
    for name in ["seg-999999999999999.ts", "seg-00000099.ts", "seg-00000098.p00.ts"] {
        assert!(output.lines().any(|line| line.contains("file ignored") && line.contains(name)), "{output}");
    }
    assert!(stream.publisher.interrupt().success());
    assert_clean(webroot.path());
}

#[test]
fn a_playlist_with_a_number_near_the_end_of_all_numbers_is_set_aside() {
    for number in [u64::MAX, 1 << 63] {
        let webroot = tempfile::tempdir().unwrap();
        let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{number}\n");
        fs::write(webroot.path().join("stream.m3u8"), text).unwrap();
        let mut stream = LiveStream::start(webroot.path(), &words(&["--size", "160x120"]));
        wait_for("the list that was set aside", PATIENCE, || {
            webroot.path().join("stream.m3u8.bad").exists().then_some(())
        });
        stream.wait_for_segment(2);
        assert!(stream.publisher.interrupt().success());
    }
}

/// A part of a segment that is far from all others, in the list of a run that was killed.
#[track_caller]
fn check_far_part(more: &[&'static str], list: &str) {
    let webroot = tempfile::tempdir().unwrap();
    let list = webroot.path().join(list);
    let mut stream = LiveStream::start(webroot.path(), &words(more));
    wait_for_newest(&mut stream, &list, 3);
    stream.publisher.kill();
    let text = fs::read_to_string(&list).unwrap();
    let prefix = if text.contains("\"live/seg-") { "live/" } else { "" };
    let far = format!("#EXT-X-PART:DURATION=0.2,URI=\"{prefix}seg-900000000000.p00.ts\"\n");
    fs::write(&list, text + &far).unwrap();
    let number = newest_in(&list.with_file_name("stream.m3u8"));
    let mut stream = LiveStream::start(webroot.path(), &words(more));
    wait_for("segments of the new run", PATIENCE, || {
        assert!(stream.publisher.still_runs(), "the publisher has ended:\n{}", stream.publisher.output());
        let playlist = read_playlist(list.parent().unwrap())?;
        (!playlist.segments.last()?.gap && playlist.next_media_sequence() > number + 3).then_some(())
    });
    assert!(stream.publisher.interrupt().success());
}

#[test]
fn a_part_that_is_far_from_all_segments_holds_up_no_start() {
    check_far_part(&["--size", "160x120", "--low-latency"], "ll.m3u8");
    check_far_part(&["--ladder", "160x120@150k,80x60@80k", "--low-latency"], "live/120p/ll.m3u8");
}

#[test]
fn pipes_in_the_place_of_a_list_and_a_part_stop_nothing() {
    let webroot = tempfile::tempdir().unwrap();
    let live = webroot.path().join("live");
    fs::create_dir(&live).unwrap();
    for pipe in [webroot.path().join("stream.m3u8"), live.join("seg-00000003.p00.ts")] {
        assert!(Command::new("mkfifo").arg(pipe).status().expect("mkfifo runs").success());
    }
    let publisher = Running::start(
        publisher()
            .arg("live")
            .args(words(&["--size", "160x120", "--low-latency"]))
            .arg("--webroot")
            .arg(webroot.path()),
    );
    let is_list = || fs::metadata(webroot.path().join("stream.m3u8")).is_ok_and(|it| it.is_file());
    wait_for("a playlist that is a file", PATIENCE, || is_list().then_some(()));
    wait_for("five segments", PATIENCE, || {
        (read_playlist(webroot.path())?.next_media_sequence() > 8).then_some(())
    });
    assert!(publisher.interrupt().success());
}

#[test]
fn a_webroot_that_is_moved_away_has_one_publisher_still() {
    let parent = tempfile::tempdir().unwrap();
    let webroot = parent.path().join("webroot");
    let mut first = LiveStream::start(&webroot, &words(&["--size", "160x120"]));
    first.wait_for_segment(2);
    fs::rename(&webroot, parent.path().join("away")).unwrap();
    // Whoever is second is refused at its start, or gives way.
    let mut second = LiveStream::start(&webroot, &words(&["--size", "160x120"]));
    let loser = wait_for("one of them to give way", PATIENCE, || {
        [&mut first, &mut second].into_iter().position(|it| !it.publisher.still_runs())
    });
    let (loser, mut winner) = if loser == 0 { (first, second) } else { (second, first) };
    let (status, output) = loser.publisher.wait_and_read();
    assert_eq!(status.code(), Some(1), "{output}");
    assert!(output.contains("another livedir-publisher is writing to"), "{output}");
    let number = winner.playlist().map_or(0, |playlist| playlist.next_media_sequence());
    winner.wait_for_segment(number + 2);
    assert!(winner.publisher.interrupt().success());
}

#[test]
fn a_live_directory_that_cannot_be_written_is_told_at_the_start() {
    let webroot = tempfile::tempdir().unwrap();
    let live = webroot.path().join("live");
    fs::create_dir(&live).unwrap();
    let disk = SmallDisk::mount("size=1m", MountFlags::empty());
    rustix::mount::mount_bind(disk.path(), &live).unwrap();
    let read_only = MountFlags::RDONLY | MountFlags::BIND;
    rustix::mount::mount_remount(&live, read_only, c"").unwrap();
    let stream = LiveStream::start(webroot.path(), &words(&["--size", "160x120"]));
    let (status, output) = stream.publisher.wait_and_read();
    rustix::mount::unmount(&live, rustix::mount::UnmountFlags::DETACH).unwrap();
    assert_eq!(status.code(), Some(1), "{output}");
    let last = output.lines().last().unwrap();
    assert!(last.contains("live cannot be made or read") || last.contains("read-only"), "{output}");
    assert!(last.contains("make webroot writable"), "{output}");
}

#[test]
fn an_unlucky_stop_leaves_lists_that_agree() {
    let webroot = tempfile::tempdir().unwrap();
    let words = words(&["--ladder", "160x120@150k,80x60@80k", "--low-latency"]);
    let renditions = ["120p", "60p", "audio"].map(|name| webroot.path().join("live").join(name));
    for _ in 0..3 {
        let mut stream = LiveStream::start(webroot.path(), &words);
        let list = renditions[0].join("stream.m3u8");
        let number = |list: &Path| {
            let text = fs::read_to_string(list).unwrap_or_default();
            livedir_playlist::parse(&text).map_or(0, |playlist| playlist.next_media_sequence())
        };
        let before = number(&list);
        // As soon as a segment is listed, the first pictures of the next are made.
        wait_for("two more segments", PATIENCE, || {
            assert!(stream.publisher.still_runs(), "{}", stream.publisher.output());
            (number(&list) >= before + 2).then_some(())
        });
        assert!(stream.publisher.interrupt().success());
    }
    let at = |directory: &Path| {
        let text = fs::read_to_string(directory.join("stream.m3u8")).unwrap();
        let playlist = livedir_playlist::parse(&text).unwrap();
        let last = playlist.next_media_sequence() - 1;
        (last, playlist.discontinuity_sequence_of(last))
    };
    let all: Vec<_> = renditions.iter().map(|it| at(it)).collect();
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{all:?}");
    assert_clean(webroot.path());
}

/// As `timeout` does it, which signals a program and then its group. Two kinds, so that the system does not make one signal of them.
#[test]
fn two_signals_at_once_are_one_and_the_stream_ends_in_order() {
    let webroot = tempfile::tempdir().unwrap();
    let mut stream = LiveStream::start(webroot.path(), &words(&["--size", "160x120"]));
    stream.wait_for_segment(2);
    stream.publisher.signal(Signal::INT);
    stream.publisher.signal(Signal::TERM);
    assert!(stream.publisher.wait().success());
    assert!(stream.playlist().unwrap().ended);
    assert_clean(webroot.path());
}

/// Starts the program, reads a line of its log, and goes away.
fn start_unread(command: &mut Command) -> std::process::Child {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    log.read_line(&mut String::new()).unwrap();
    drop(child.stdout.take());
    child
}

#[test]
fn a_log_that_nobody_reads_any_more_ends_no_stream() {
    let directory = tempfile::tempdir().unwrap();
    let (live_in, watched) = (directory.path().join("live"), directory.path().join("watched"));
    fs::create_dir_all(watched.join("live")).unwrap();
    let mut live = start_unread(publisher().arg("live").args(WORDS).arg("--webroot").arg(&live_in));
    let mut watch = start_unread(publisher().arg("watch").arg(&watched));
    let listed = |webroot: &Path| read_playlist(webroot).map_or(0, |it| it.next_media_sequence());
    let mut copied = 0;
    wait_for("segments", PATIENCE, || {
        assert!(live.try_wait().unwrap().is_none() && watch.try_wait().unwrap().is_none());
        if listed(&live_in) > copied + 1 {
            copied += 1;
            let name = format!("live/seg-{copied:08}.ts");
            fs::copy(live_in.join(&name), watched.join(&name)).unwrap();
        }
        (listed(&live_in) > 8 && listed(&watched) > 5).then_some(())
    });
    for child in [&mut live, &mut watch] {
        let id = rustix::process::Pid::from_child(child);
        rustix::process::kill_process(id, Signal::INT).unwrap();
        assert!(child.wait().unwrap().success());
    }
}
