//! `livedir-publisher watch` in a real directory: files arrive in every way that happens, and the playlist lists them.

use crate::support::programs::{PATIENCE, Running, publisher, read_playlist};
use crate::support::{media, wait_for};
use crate::watcher_support::{cut_segments, segments};
use livedir_layout::names::{Home, name_of_uri};
use livedir_playlist::MediaPlaylist;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

/// A webroot with a watcher, or between two of them.
pub struct Watched {
    directory: tempfile::TempDir,
}

impl Watched {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("live")).unwrap();
        Self { directory }
    }

    pub fn webroot(&self) -> &Path {
        self.directory.path()
    }

    pub fn live(&self, name: &str) -> PathBuf {
        self.webroot().join("live").join(name)
    }

    /// Starts the program; returns when it watches.
    #[track_caller]
    pub fn start(&self, words: &[&str]) -> Running {
        let mut running = Running::start(publisher().arg("watch").arg(self.webroot()).args(words));
        wait_for("the watch", PATIENCE, || {
            assert!(running.still_runs(), "{}", running.output());
            running.output().contains("watching").then_some(())
        });
        running
    }

    /// Puts one of [`segments`] there under a dot name, and renames it.
    pub fn rename_in(&self, name: &str, bytes: &[u8]) {
        let unfinished = self.live(".unfinished");
        fs::write(&unfinished, bytes).unwrap();
        fs::rename(unfinished, self.live(name)).unwrap();
    }

    /// A watch has listed `9.ts`, and was killed.
    fn killed_behind_the_first() -> Self {
        let watched = Self::new();
        let running = watched.start(&[]);
        watched.rename_in("9.ts", &segments()[0]);
        watched.wait_for_names("9");
        running.kill();
        watched
    }

    #[track_caller]
    pub fn wait_for_names(&self, expected: &str) -> MediaPlaylist {
        let mut last = String::new();
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            if let Some(playlist) = read_playlist(self.webroot()) {
                last = names(&playlist);
                if last == expected {
                    return playlist;
                }
            }
            assert!(std::time::Instant::now() < deadline, "expected {expected}, the playlist names {last}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn status(&self) -> serde_json::Value {
        let json = fs::read(self.webroot().join("status.json")).unwrap_or_default();
        serde_json::from_slice(&json).unwrap_or_default()
    }
}

/// The names of the files listed, without their ending.
pub fn names(playlist: &MediaPlaylist) -> String {
    let names = playlist
        .segments
        .iter()
        .map(|segment| name_of_uri(Home::Live, &segment.uri).expect("a file in live/"));
    names.map(|name| name.trim_end_matches(".ts").to_owned()).collect::<Vec<_>>().join(" ")
}

#[track_caller]
pub fn no_discontinuity(playlist: &MediaPlaylist) {
    assert!(playlist.segments.iter().all(|segment| !segment.discontinuity), "{playlist:#?}");
}

#[test]
fn files_count_however_they_arrive() {
    let watched = Watched::new();
    let _running = watched.start(&[]);
    let elsewhere = tempfile::tempdir_in(watched.webroot()).unwrap();
    let source = |n: usize| {
        let path = elsewhere.path().join(format!("{n}.ts"));
        fs::write(&path, &segments()[n]).unwrap();
        path
    };
    watched.rename_in("käse #1.ts", &segments()[0]);
    watched.wait_for_names("käse #1");
    media::run(Command::new("cp").arg(source(1)).arg(watched.live("copied.ts")));
    watched.wait_for_names("käse #1 copied");
    media::run(Command::new("ln").arg(source(2)).arg(watched.live("linked.ts")));
    watched.wait_for_names("käse #1 copied linked");
    media::run(Command::new("mv").arg(source(3)).arg(watched.live("moved.ts")));
    watched.wait_for_names("käse #1 copied linked moved");
    let mut slow = fs::File::create(watched.live("slow.ts")).unwrap();
    for piece in segments()[4].chunks(segments()[4].len() / 5) {
        slow.write_all(piece).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(read_playlist(watched.webroot()).unwrap().segments.len(), 4, "it is not complete");
    }
    drop(slow);
    watched.wait_for_names("käse #1 copied linked moved slow");
    let slow_dd = format!(
        "for n in 0 1 2 3; do dd if={} bs=10000 count=1 skip=$n status=none; sleep 0.2; done > {}; \
         dd if={} bs=40000 skip=1 status=none >> {}",
        source(5).display(),
        watched.live("dd.ts").display(),
        source(5).display(),
        watched.live("dd.ts").display()
    );
    media::run(Command::new("sh").args(["-c", &slow_dd]));
    let playlist = watched.wait_for_names("käse #1 copied linked moved slow dd");
    no_discontinuity(&playlist);
    assert_eq!((playlist.media_sequence, playlist.target_duration_s), (1, 1));
}

#[test]
fn files_that_are_copied_together_are_listed_in_natural_order() {
    let watched = Watched::new();
    let elsewhere = tempfile::tempdir().unwrap();
    for (n, bytes) in (95..).zip(&segments()[..10]) {
        fs::write(elsewhere.path().join(format!("clip{n}.ts")), bytes).unwrap();
    }
    let _running = watched.start(&[]);
    let copy = format!("cp {}/clip?*.ts {}", elsewhere.path().display(), watched.live("").display());
    media::run(Command::new("sh").args(["-c", &copy]));
    let playlist =
        watched.wait_for_names("clip95 clip96 clip97 clip98 clip99 clip100 clip101 clip102 clip103 clip104");
    no_discontinuity(&playlist);
    let last_ends_at =
        SystemTime::from(playlist.segments[9].program_date_time.unwrap()) + Duration::from_millis(500);
    assert!(last_ends_at <= SystemTime::now(), "nothing is filmed in the future: {playlist:#?}");
}

#[test]
fn what_comes_while_nobody_watches_is_listed_in_order_after_a_kill() {
    let watched = Watched::killed_behind_the_first();
    for (name, n) in [("11.ts", 2), ("10.ts", 1), ("12.ts", 3)] {
        watched.rename_in(name, &segments()[n]);
    }
    let _running = watched.start(&[]);
    let playlist = watched.wait_for_names("9 10 11 12");
    no_discontinuity(&playlist);
    assert_eq!(playlist.media_sequence, 1);
}

#[test]
fn files_with_one_and_the_same_newest_time_are_listed_in_order_at_the_start() {
    let watched = Watched::killed_behind_the_first();
    let write = |name: &str, n: usize| {
        fs::write(watched.live(name), &segments()[n]).unwrap();
        fs::File::options().append(true).open(watched.live(name)).unwrap()
    };
    let first = write("11.ts", 2);
    let last_two = [write("10.ts", 1), write("12.ts", 3)];
    let now = SystemTime::now();
    first.set_modified(now - Duration::from_millis(4)).unwrap();
    // Files that are written one after the other have the same time: clocks of file systems tick.
    for file in &last_two {
        file.set_modified(now).unwrap();
    }
    let _running = watched.start(&[]);
    no_discontinuity(&watched.wait_for_names("9 10 11 12"));
}

#[test]
fn files_that_cannot_be_listed_stop_nothing() {
    let watched = Watched::new();
    let running = watched.start(&["--target-duration", "1"]);
    watched.rename_in("a.ts", &segments()[0]);
    watched.wait_for_names("a");
    let whole = &segments()[1];
    let long = cut_segments(&format!("{} -g 40 -keyint_min 40 -t 2", crate::watcher_support::TEST_SOURCES));
    let (empty, html, cut): (&[u8], &[u8], &[u8]) = (b"", b"<html>", &whole[..whole.len() - 7]);
    let late_keyframe = &whole[whole.len() / 376 * 188..];
    for (name, bytes) in
        [("b.ts", empty), ("c.ts", html), ("d.ts", cut), ("e.ts", late_keyframe), ("f.ts", &long[0])]
    {
        watched.rename_in(name, bytes);
    }
    fs::create_dir(watched.live("g.ts")).unwrap();
    watched.rename_in("h.ts", &segments()[1]);
    no_discontinuity(&watched.wait_for_names("a h"));
    let refusals = |told: &str| {
        let output = running.output();
        output.lines().filter(|line| line.contains(told) && line.contains("refused")).count()
    };
    let all = ["live/b.ts", "live/c.ts", "live/d.ts", "live/e.ts", "live/f.ts"];
    wait_for("five refusals", PATIENCE, || all.iter().all(|told| refusals(told) > 0).then_some(()));
    assert!(all.iter().all(|told| refusals(told) == 1), "{}", running.output());
    wait_for("their count", PATIENCE, || {
        (watched.status()["segments_refused"].as_u64() >= Some(5)).then_some(())
    });
}

#[test]
fn a_listed_file_that_is_deleted_leaves_the_playlist_at_once() {
    let watched = Watched::new();
    let _running = watched.start(&["--keep"]);
    for n in 0..6 {
        watched.rename_in(&format!("{n}.ts"), &segments()[n]);
    }
    watched.wait_for_names("0 1 2 3 4 5");
    fs::remove_file(watched.live("1.ts")).unwrap();
    let playlist = watched.wait_for_names("2 3 4 5");
    assert_eq!(playlist.media_sequence, 3);
    watched.rename_in("6.ts", &segments()[6]);
    no_discontinuity(&watched.wait_for_names("2 3 4 5 6"));
    assert!(watched.live("0.ts").exists(), "all deletion is left to others");
}

#[test]
fn a_listed_file_that_is_moved_away_and_back_is_not_shown_twice() {
    let watched = Watched::new();
    let _running = watched.start(&[]);
    watched.rename_in("a.ts", &segments()[0]);
    watched.rename_in("b.ts", &segments()[1]);
    watched.wait_for_names("a b");
    let away = watched.webroot().join("a.ts");
    fs::rename(watched.live("a.ts"), &away).unwrap();
    watched.wait_for_names("b");
    fs::rename(&away, watched.live("a.ts")).unwrap();
    watched.rename_in("c.ts", &segments()[2]);
    no_discontinuity(&watched.wait_for_names("b c"));
    // It goes on from nothing either, and would have its turn behind `a`.
    watched.rename_in("z.ts", &segments()[0]);
    watched.wait_for_names("b c z");
}

#[test]
fn names_that_are_used_again_are_new_segments() {
    let watched = Watched::new();
    let _running = watched.start(&["--window", "3", "--target-duration", "1"]);
    for n in 0..18 {
        // In place, as encoders do that use their names in turn.
        fs::write(watched.live(&format!("{}.ts", n % 7)), &segments()[n]).unwrap();
        wait_for("its entry", PATIENCE, || {
            let playlist = read_playlist(watched.webroot())?;
            (playlist.next_media_sequence() == n as u64 + 2).then_some(())
        });
    }
    let playlist = read_playlist(watched.webroot()).unwrap();
    no_discontinuity(&playlist);
    assert!(names(&playlist).ends_with("1 2 3"), "{}", names(&playlist));
    for (n, segment) in (0..).zip(&playlist.segments) {
        let bytes = fs::read(watched.webroot().join(&segment.uri)).unwrap();
        assert!(bytes == segments()[18 - playlist.segments.len() + n], "{} is what was listed", segment.uri);
    }
}

#[test]
fn polling_finds_what_no_event_tells() {
    let watched = Watched::new();
    let _running = watched.start(&["--poll"]);
    watched.rename_in("1.ts", &segments()[0]);
    watched.wait_for_names("1");
    let whole = &segments()[1];
    let half = whole.len() / 376 * 188 + 1;
    let mut growing = fs::File::create(watched.live("2.ts")).unwrap();
    growing.write_all(&whole[..half]).unwrap();
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(names(&read_playlist(watched.webroot()).unwrap()), "1", "it rests in the middle of a packet");
    growing.write_all(&whole[half..]).unwrap();
    fs::write(watched.live("3.ts"), &segments()[2]).unwrap();
    no_discontinuity(&watched.wait_for_names("1 2 3"));
    fs::remove_file(watched.live("1.ts")).unwrap();
    watched.wait_for_names("2 3");
}

#[test]
fn a_silent_encoder_is_told_and_its_stream_ends_when_that_was_asked_for() {
    let watched = Watched::new();
    let running = watched.start(&["--end-after", "5s"]);
    watched.rename_in("1.ts", &segments()[0]);
    watched.wait_for_names("1");
    wait_for("the silence", PATIENCE, || watched.status()["silent_since"].is_string().then_some(()));
    let warnings = || running.output().matches("no segment has come").count();
    wait_for("the words", PATIENCE, || (warnings() > 0).then_some(()));
    assert_eq!(warnings(), 1);
    wait_for("the end", PATIENCE, || read_playlist(watched.webroot())?.ended.then_some(()));
    wait_for("the end in status.json", PATIENCE, || (watched.status()["state"] == "ended").then_some(()));
    watched.rename_in("2.ts", &segments()[1]);
    let playlist = watched.wait_for_names("2");
    assert_eq!((playlist.ended, playlist.media_sequence), (false, 2));
    assert!(playlist.segments[0].discontinuity);
    wait_for("the end of the silence", PATIENCE, || {
        let status = watched.status();
        (status["state"] == "live" && status["silent_since"].is_null()).then_some(())
    });
}

#[test]
fn a_watcher_that_stops_leaves_the_stream_open_for_the_next_one() {
    let watched = Watched::new();
    let running = watched.start(&[]);
    watched.rename_in("1.ts", &segments()[0]);
    watched.wait_for_names("1");
    let second = Running::start(publisher().arg("watch").arg(watched.webroot())).wait_and_read();
    assert!(!second.0.success() && second.1.contains("another livedir-publisher"), "{}", second.1);
    assert!(running.interrupt().success());
    assert!(!read_playlist(watched.webroot()).unwrap().ended);
}

#[test]
fn channels_come_and_go() {
    let root = tempfile::tempdir().unwrap();
    let live = |channel: &str| root.path().join(channel).join("live");
    fs::create_dir_all(live("one")).unwrap();
    fs::create_dir(root.path().join("no channel")).unwrap();
    let running = Running::start(publisher().arg("watch").arg(root.path()).arg("--channels"));
    let put = |channel: &str, name: &str, n: usize| {
        fs::write(live(channel).join(".x"), &segments()[n]).unwrap();
        fs::rename(live(channel).join(".x"), live(channel).join(name)).unwrap();
    };
    let wait_for_channel = |channel: &str, expected: &str| {
        wait_for(&format!("{expected} in {channel}:\n{}", running.output()), PATIENCE, || {
            (names(&read_playlist(&root.path().join(channel))?) == expected).then_some(())
        });
    };
    put("one", "a.ts", 0);
    wait_for_channel("one", "a");
    fs::create_dir_all(live("two")).unwrap();
    put("two", "b.ts", 4);
    wait_for_channel("two", "b");
    put("one", "c.ts", 1);
    wait_for_channel("one", "a c");
    fs::remove_dir_all(live("one")).unwrap();
    put("two", "d.ts", 5);
    wait_for_channel("two", "b d");
    wait_for("the channel's end", PATIENCE, || running.output().contains("channel gone").then_some(()));
    fs::remove_dir_all(root.path().join("one")).unwrap();
    fs::create_dir_all(live("one")).unwrap();
    put("one", "e.ts", 2);
    wait_for_channel("one", "e");
    fs::write(live("two").join(".x"), "no stream").unwrap();
    fs::rename(live("two").join(".x"), live("two").join("x.ts")).unwrap();
    wait_for("a line that names the channel", PATIENCE, || {
        running.output().contains("two/live/x.ts").then_some(())
    });
    fs::remove_dir_all(live("two")).unwrap();
    wait_for_channel("two", "");
    assert!(running.interrupt().success());
}
