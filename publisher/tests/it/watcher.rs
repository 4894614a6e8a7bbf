//! The watcher in a real directory: segments are renamed in, and every playlist that can be seen keeps the rules.

use crate::support::small_disk::SmallDisk;
use crate::watcher_support::{
    HALF_SECOND_90K, TEST_SOURCES, WatchedWebroot, cut_segments, numbers, segments, wait_until,
};
use livedir_layout::names::segment_path;
use livedir_watcher::WatchError;
use rustix::mount::MountFlags;
use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn segments_are_listed_as_they_come() {
    let mut stage = WatchedWebroot::new();
    let running = stage.start();
    assert_eq!(running.next_segment_number, 1);
    for number in 1..=3 {
        stage.drop_in(number, &segments()[number as usize - 1]);
        let playlist = stage.wait_for_last(number);
        assert_eq!(numbers(&playlist), (1..=number).collect::<Vec<_>>());
    }
    let playlist = stage.look().expect("a playlist");
    assert_eq!((playlist.media_sequence, playlist.target_duration_s), (1, 1));
    assert!(playlist.segments.iter().all(|segment| !segment.discontinuity));
    assert!(playlist.segments.iter().all(|segment| segment.duration_90k == HALF_SECOND_90K));
    let meters = Arc::clone(&running.meters);
    running.finish();
    assert_eq!(meters.segments_published.get(), 3);
    assert!(meters.publish_lag_us.get() > 0);
    assert!(stage.look().expect("a playlist").ended);
}

#[test]
fn the_date_of_a_segment_is_its_mtime_less_its_duration() {
    let mut stage = WatchedWebroot::new();
    let running = stage.start();
    let unfinished = stage.webroot().join("live/.seg-00000001.ts.x");
    fs::write(&unfinished, &segments()[0]).expect("written");
    let file = fs::File::options().append(true).open(&unfinished).expect("opened");
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250)).expect("set");
    drop(file);
    stage.give(1);
    fs::rename(&unfinished, segment_path(stage.webroot(), 1)).expect("renamed");
    let filmed_at = stage.wait_for_last(1).segments[0].program_date_time.expect("a date");
    assert_eq!(filmed_at.as_millisecond(), 1_699_999_999_750);
    running.finish();
    assert_eq!(stage.status()["segment"]["filmed_at"], "2023-11-14T22:13:19.75Z");
}

#[test]
fn a_burst_is_listed_in_order_and_the_window_slides() {
    let mut stage = WatchedWebroot::new();
    let running = stage.start();
    stage.drop_in_all(1, 0..20);
    let playlist = stage.wait_for_last(20);
    assert_eq!(numbers(&playlist), [15, 16, 17, 18, 19, 20]);
    assert_eq!((playlist.media_sequence, playlist.discontinuity_sequence), (15, 0));
    assert!((1..=20).all(|number| stage.has(number)), "the grace has not passed");
    running.finish();
}

#[test]
fn segments_out_of_order_are_put_in_order() {
    let mut stage = WatchedWebroot::new();
    // Half of it is how long a missing number is waited for, and a loaded machine may take its time.
    stage.settings.target_duration_s = 20;
    let running = stage.start();
    for number in [1, 3, 2, 4] {
        stage.drop_in(number, &segments()[number as usize - 1]);
    }
    assert_eq!(numbers(&stage.wait_for_last(4)), [1, 2, 3, 4]);
    running.finish();
}

#[test]
fn a_number_that_never_comes_holds_nothing_up_and_coming_late_changes_nothing() {
    let mut stage = WatchedWebroot::new();
    let running = stage.start();
    stage.drop_in(1, &segments()[0]);
    // What was lost took its time.
    stage.drop_in_at(3, &segments()[2], SystemTime::now() + Duration::from_millis(500));
    let playlist = stage.wait_for_last(3);
    assert_eq!((numbers(&playlist), playlist.next_media_sequence()), (vec![1, 2, 3], 4));
    let gap = &playlist.segments[1];
    assert!(gap.gap && (44_000..=46_000).contains(&gap.duration_90k), "half a second is missing");
    assert!(playlist.segments.iter().all(|segment| !segment.discontinuity), "the timeline goes on");
    stage.drop_in(2, &segments()[1]);
    stage.drop_in(4, &segments()[3]);
    let playlist = stage.wait_for_last(4);
    assert_eq!(numbers(&playlist), [1, 2, 3, 4]);
    assert!(playlist.segments[1].gap);
    running.finish();
}

#[test]
fn a_file_written_in_place_is_listed_when_it_is_closed() {
    let mut stage = WatchedWebroot::new();
    let running = stage.start();
    stage.give(1);
    fs::write(segment_path(stage.webroot(), 1), &segments()[0]).expect("written");
    stage.wait_for_last(1);
    running.finish();
}

#[test]
fn a_file_that_no_event_tells_of_is_found_anyway() {
    let mut stage = WatchedWebroot::new();
    let running = stage.start();
    let elsewhere = stage.webroot().join("elsewhere");
    fs::write(&elsewhere, &segments()[0]).expect("written");
    stage.give(1);
    // A link is neither renamed nor closed.
    fs::hard_link(&elsewhere, segment_path(stage.webroot(), 1)).expect("linked");
    stage.wait_for_last(1);
    running.finish();
}

#[test]
fn a_restart_goes_on_where_the_timeline_does() {
    let mut stage = WatchedWebroot::after_a_run(3);
    assert!(!stage.look().expect("a playlist").ended);

    let running = stage.start();
    assert_eq!(running.next_segment_number, 4);
    stage.drop_in_all(4, 3..5);
    let playlist = stage.wait_for_last(5);
    assert_eq!((numbers(&playlist), playlist.media_sequence), (vec![1, 2, 3, 4, 5], 1));
    assert!(playlist.segments.iter().all(|segment| !segment.discontinuity), "the bytes go on");
    running.finish();
}

#[test]
fn a_restart_of_the_encoder_is_one_discontinuity_that_is_counted_when_it_leaves() {
    let mut stage = WatchedWebroot::after_a_run(3);

    let running = stage.start();
    stage.drop_in_all(4, 0..4);
    let playlist = stage.wait_for_last(7);
    let breaks: Vec<_> = playlist.segments.iter().map(|segment| segment.discontinuity).collect();
    assert_eq!(numbers(&playlist), [2, 3, 4, 5, 6, 7]);
    assert_eq!(breaks, [false, false, true, false, false, false]);
    assert_eq!(playlist.discontinuity_sequence, 0);
    stage.drop_in_all(8, 4..8);
    let playlist = stage.wait_for_last(11);
    assert_eq!((numbers(&playlist)[0], playlist.discontinuity_sequence), (6, 1));
    let meters = Arc::clone(&running.meters);
    running.finish();
    assert_eq!(meters.discontinuities.get(), 1);
}

#[test]
fn segments_that_a_crash_left_unlisted_are_listed_before_new_ones() {
    let mut stage = WatchedWebroot::after_a_run(3);
    stage.drop_in_all(4, 3..5);
    let left_over = stage.webroot().join("live/.seg-00000006.ts.abc");
    fs::write(&left_over, b"half").expect("written");
    fs::write(stage.webroot().join(".stream.m3u8.abc"), b"#EXT").expect("written");

    let running = stage.start();
    assert_eq!(running.next_segment_number, 6);
    assert_eq!(numbers(&stage.look().expect("a playlist")), [1, 2, 3, 4, 5]);
    assert!(!left_over.exists());
    assert!(!stage.webroot().join(".stream.m3u8.abc").exists());
    stage.drop_in(6, &segments()[5]);
    let playlist = stage.wait_for_last(6);
    assert!(playlist.segments.iter().all(|segment| !segment.discontinuity));
    running.finish();
}

#[test]
fn an_unreadable_playlist_is_set_aside_and_the_numbers_go_on() {
    let mut stage = WatchedWebroot::after_a_run(8);
    let path = stage.webroot().join("stream.m3u8");
    let text = fs::read_to_string(&path).expect("read");
    fs::write(&path, text.replace("#EXTINF:0.5", "#EXTINF:x")).expect("written");

    let running = stage.start();
    assert_eq!(running.next_segment_number, 9);
    assert!(stage.webroot().join("stream.m3u8.bad").exists());
    stage.drop_in(9, &segments()[8]);
    let playlist = stage.wait_for_last(9);
    assert_eq!((numbers(&playlist), playlist.media_sequence), (vec![9], 9));
    assert!(playlist.segments[0].discontinuity, "what went before is not known");
    assert!((1..=8).all(|number| stage.has(number)), "the grace has not passed");
    running.finish();
}

#[test]
fn entries_whose_files_are_missing_leave_the_playlist() {
    let mut stage = WatchedWebroot::after_a_run(6);
    fs::remove_file(segment_path(stage.webroot(), 3)).expect("removed");

    let running = stage.start();
    let playlist = stage.look().expect("a playlist");
    assert_eq!((numbers(&playlist), playlist.media_sequence), (vec![4, 5, 6], 4));
    stage.drop_in(7, &segments()[6]);
    let playlist = stage.wait_for_last(7);
    assert!(playlist.segments.iter().all(|segment| !segment.discontinuity));
    running.finish();
}

#[test]
fn after_all_files_are_gone_the_numbers_go_on_behind_a_discontinuity() {
    let mut stage = WatchedWebroot::after_a_run(3);
    fs::remove_dir_all(stage.webroot().join("live")).expect("removed");

    let running = stage.start();
    assert_eq!(running.next_segment_number, 4);
    stage.drop_in(4, &segments()[3]);
    let playlist = stage.wait_for_last(4);
    assert_eq!(playlist.media_sequence, 4);
    assert!(playlist.segments[0].discontinuity, "what went before cannot be read");
    running.finish();
}

#[test]
fn an_ended_stream_begins_anew_with_its_next_segment() {
    let mut stage = WatchedWebroot::new();
    let running = stage.start();
    stage.drop_in_all(1, 0..4);
    stage.wait_for_last(4);
    running.finish();
    assert!(stage.look().expect("a playlist").ended);
    assert_eq!(stage.status()["state"], "ended");

    let running = stage.start();
    assert!(stage.look().expect("a playlist").ended, "nothing new has come");
    stage.drop_in(running.next_segment_number, &segments()[0]);
    let playlist = stage.wait_for_last(5);
    assert_eq!((numbers(&playlist), playlist.media_sequence, playlist.ended), (vec![5], 5, false));
    assert!(playlist.segments[0].discontinuity);
    assert!((1..=4).all(|number| stage.has(number)), "the grace has not passed");
    wait_until("the status", || stage.status()["state"] == "live");
    running.finish();
}

#[test]
fn files_that_are_no_segments_are_refused_and_stop_nothing() {
    let mut stage = WatchedWebroot::new();
    let running = stage.start();
    let whole = &segments()[1];
    let late_keyframe = &whole[whole.len() / 376 * 188..];
    let long = cut_segments(&format!("{TEST_SOURCES} -g 40 -keyint_min 40 -t 2"));
    let refused: [&[u8]; 6] =
        [b"", b"<html>", &whole[..whole.len() - 7], late_keyframe, &[0x47; 188], &long[0]];
    stage.drop_in(1, &segments()[0]);
    for (number, bytes) in (2..).zip(refused) {
        stage.drop_in(number, bytes);
    }
    stage.drop_in(8, &segments()[1]);
    let playlist = stage.wait_for_last(8);
    assert_eq!((numbers(&playlist), playlist.next_media_sequence()), (vec![1, 8], 3));
    assert!(!playlist.segments[1].discontinuity, "what was refused was never there");
    running.finish();
    assert_eq!(stage.status()["segments_refused"], 6);
}

#[test]
fn foreign_names_are_ignored() {
    let mut stage = WatchedWebroot::new();
    let running = stage.start();
    for name in ["clip.ts", "seg-1.ts", "seg-00000002.ts.part", "käse.ts"] {
        fs::write(stage.webroot().join("live").join(name), &segments()[0]).expect("written");
    }
    stage.drop_in(1, &segments()[0]);
    stage.wait_for_last(1);
    running.finish();
    assert_eq!(numbers(&stage.look().expect("a playlist")), [1]);
}

#[test]
fn evicted_files_are_deleted_when_their_grace_is_over() {
    let mut stage = WatchedWebroot::new();
    let running = stage.start();
    let not_evicted_before = Instant::now();
    stage.drop_in_all(1, 0..7);
    stage.wait_for_last(7);
    wait_until("the deletion", || !stage.has(1));
    // Its own half second, and the longest playlist that it was in: 3 s.
    assert!(not_evicted_before.elapsed() >= Duration::from_millis(3_500));
    assert!((2..=7).all(|number| stage.has(number)));
    running.finish();
}

#[test]
fn files_that_were_evicted_before_a_restart_are_deleted_too() {
    let mut stage = WatchedWebroot::after_a_run(9);
    assert!((1..=9).all(|number| stage.has(number)));

    let running = stage.start();
    stage.drop_in(10, &segments()[9]);
    stage.wait_for_last(10);
    running.finish();
    assert!((1..=9).all(|number| stage.has(number)), "the playlist was written just now");

    stage.age("stream.m3u8", HOUR);
    let running = stage.start();
    wait_until("the deletion", || (1..=4).all(|number| !stage.has(number)));
    assert!((5..=10).all(|number| stage.has(number)));
    running.finish();
}

#[test]
fn a_live_directory_that_is_taken_away_is_made_again() {
    let mut stage = WatchedWebroot::new();
    let running = stage.start();
    stage.drop_in_all(1, 0..2);
    stage.wait_for_last(2);
    fs::rename(stage.webroot().join("live"), stage.webroot().join("taken")).expect("renamed");
    let playlist_path = stage.webroot().join("stream.m3u8");
    let lists_nothing = || !fs::read_to_string(&playlist_path).expect("read").contains("seg-");
    wait_until("a playlist without the files that are gone", lists_nothing);
    // What was lost took its time.
    stage.drop_in_at(3, &segments()[2], SystemTime::now() + Duration::from_millis(500));
    let playlist = stage.wait_for_last(3);
    assert_eq!((numbers(&playlist), playlist.media_sequence), (vec![3], 3));
    running.finish();
}

#[test]
fn a_shorter_target_cannot_become_a_longer_one() {
    let mut stage = WatchedWebroot::after_a_run(1);
    stage.settings.target_duration_s = 2;
    let error = stage.try_start().err().expect("RFC 8216 6.2.1");
    assert!(matches!(error, WatchError::Resume(_)), "{error}");
    assert_eq!(numbers(&stage.look().expect("untouched")), [1]);
}

#[test]
fn a_webroot_that_cannot_be_made_is_told_with_the_remedy() {
    let mut stage = WatchedWebroot::new();
    fs::write(stage.webroot().join("file"), b"").expect("written");
    stage.settings.webroot = stage.webroot().join("file");
    let error = stage.try_start().err().expect("not a directory").to_string();
    assert!(error.contains("file/live cannot be made or read"), "{error}");
    assert!(error.contains("make webroot writable"), "{error}");
}

#[test]
fn status_tells_the_newest_segment() {
    let mut stage = WatchedWebroot::new();
    let running = stage.start();
    running.meters.set_title("Test sources");
    stage.drop_in_all(1, 0..2);
    stage.wait_for_last(2);
    running.finish();
    let status = stage.status();
    assert_eq!(status["title"], "Test sources");
    assert_eq!((&status["media_sequence_first"], &status["media_sequence_last"]), (&1.into(), &2.into()));
    assert_eq!(
        (&status["segment"]["name"], &status["segment"]["duration_s"]),
        (&"seg-00000002.ts".into(), &0.5.into())
    );
    assert_eq!((&status["video"]["width"], &status["video"]["height"]), (&160.into(), &120.into()));
    assert_eq!((&status["video"]["fps"], &status["audio"]["sample_rate_hz"]), (&20.0.into(), &48_000.into()));
}

#[test]
fn a_full_disk_is_survived() {
    let disk = SmallDisk::mount("size=512k", MountFlags::empty());
    let mut stage = WatchedWebroot::at(tempfile::tempdir_in(disk.path()).expect("temp dir"));
    let running = stage.start();
    stage.drop_in(1, &segments()[0]);
    stage.wait_for_last(1);

    // The segment fits, the playlist does not.
    let unfinished = stage.webroot().join("live/.seg-00000002.ts.x");
    fs::write(&unfinished, &segments()[1]).expect("written");
    let filler = disk.path().join("filler");
    let full = std::io::copy(&mut std::io::repeat(0), &mut fs::File::create(&filler).expect("made"));
    assert_eq!(full.expect_err("full").kind(), std::io::ErrorKind::StorageFull);
    stage.give(2);
    fs::rename(&unfinished, segment_path(stage.webroot(), 2)).expect("renamed");
    wait_until("the publication", || running.meters.segments_published.get() == 2);
    assert_eq!(numbers(&stage.look().expect("the old playlist, whole")), [1]);

    fs::remove_file(filler).expect("removed");
    assert_eq!(numbers(&stage.wait_for_last(2)), [1, 2]);
    running.finish();
}
