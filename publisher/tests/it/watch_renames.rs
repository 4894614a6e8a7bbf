//! `livedir-publisher watch` where other programs give files other names within `live/`: a file is one segment, and a name that
//! was listed stays until players need it no more.

use crate::support::programs::{PATIENCE, read_playlist};
use crate::support::wait_for;
use crate::watch::{Watched, names, no_discontinuity};
use crate::watcher_support::segments;
use std::fs;
use std::os::unix::fs::MetadataExt as _;

/// Short, so that files leave soon.
const WORDS: [&str; 4] = ["--window", "3", "--target-duration", "1"];

impl Watched {
    /// Puts the next segments there until `n`, each behind the last, and waits for each.
    fn go_on(&self, segment: std::ops::Range<usize>) {
        for n in segment {
            self.rename_in(&format!("{n}.ts"), &segments()[n]);
            let uri = format!("live/{n}.ts");
            wait_for(&uri, PATIENCE, || {
                read_playlist(self.webroot())?.segments.iter().any(|it| it.uri == uri).then_some(())
            });
        }
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.live(from), self.live(to)).unwrap();
    }

    #[track_caller]
    fn wait_until_gone(&self, names: &[&str]) {
        wait_for(&format!("the end of {names:?}"), PATIENCE, || {
            names.iter().all(|name| !self.live(name).exists()).then_some(())
        });
    }

    fn holds(&self, name: &str, n: usize) -> bool {
        fs::read(self.live(name)).is_ok_and(|bytes| bytes == segments()[n])
    }
}

#[track_caller]
fn wait_for_old_name(watched: &Watched, name: &str) {
    wait_for(&format!("{name} to be there again"), PATIENCE, || watched.live(name).exists().then_some(()));
}

#[test]
fn a_file_that_is_renamed_before_it_is_listed_is_listed_once_by_its_new_name() {
    let watched = Watched::new();
    let running = watched.start(&WORDS);
    // Of the first one nobody knows whether others come with it: it waits for a moment.
    fs::write(watched.live("placeholder.ts"), &segments()[0]).unwrap();
    watched.rename("placeholder.ts", "0.ts");
    watched.go_on(1..3);
    let playlist = watched.wait_for_names("0 1 2");
    no_discontinuity(&playlist);
    assert_eq!(playlist.media_sequence, 1);
    assert!(!watched.live("placeholder.ts").exists());
    assert!(!running.output().contains("refused"), "{}", running.output());
}

/// A listed file in the middle of the playlist is renamed, by these flags.
#[track_caller]
fn check_renamed(words: &[&str]) {
    let watched = Watched::new();
    let running = watched.start(&[&WORDS[..], words].concat());
    watched.go_on(0..3);
    watched.rename("1.ts", "renamed.ts");
    wait_for_old_name(&watched, "1.ts");
    let inode = |name: &str| fs::metadata(watched.live(name)).unwrap().ino();
    assert_eq!(inode("1.ts"), inode("renamed.ts"), "no byte is copied");
    watched.go_on(3..4);
    let playlist = read_playlist(watched.webroot()).unwrap();
    assert!(names(&playlist).ends_with("1 2 3"), "{}", names(&playlist));
    no_discontinuity(&playlist);
    watched.go_on(4..6);
    // It has left, and stays for its grace.
    assert!(watched.holds("1.ts", 1));
    watched.go_on(6..12);
    let playlist = read_playlist(watched.webroot()).unwrap();
    assert_eq!(playlist.next_media_sequence(), 13, "the new name is no segment");
    watched.wait_until_gone(&["1.ts", "renamed.ts"]);
    assert!(!running.output().contains("refused"), "{}", running.output());
}

#[test]
fn a_listed_file_that_is_renamed_stays_under_its_old_name_until_its_grace_is_over() {
    check_renamed(&[]);
}

#[test]
fn polling_sees_a_rename_too() {
    check_renamed(&["--poll"]);
}

#[test]
fn a_listed_file_that_gets_a_name_of_no_segment_stays_too_and_that_name_is_left_alone() {
    let watched = Watched::new();
    let _running = watched.start(&WORDS);
    watched.go_on(0..2);
    watched.rename("0.ts", "0.ts.done");
    wait_for_old_name(&watched, "0.ts");
    watched.go_on(2..12);
    watched.wait_until_gone(&["0.ts"]);
    assert!(watched.holds("0.ts.done", 0));
}

#[test]
fn a_file_that_is_renamed_again_and_again_is_one_segment() {
    let watched = Watched::new();
    let _running = watched.start(&WORDS);
    watched.go_on(0..2);
    for (from, to) in [("0.ts", "a.ts"), ("a.ts", "b.ts"), ("0.ts", "c.ts"), ("b.ts", "d.ts")] {
        watched.rename(from, to);
        wait_for_old_name(&watched, "0.ts");
    }
    watched.go_on(2..3);
    assert_eq!(names(&read_playlist(watched.webroot()).unwrap()), "0 1 2");
    watched.go_on(3..12);
    assert_eq!(read_playlist(watched.webroot()).unwrap().next_media_sequence(), 13);
    watched.wait_until_gone(&["0.ts", "c.ts", "d.ts"]);
}

#[test]
fn a_file_that_is_renamed_during_its_grace_is_not_listed_again() {
    for words in [&[][..], &["--poll"]] {
        let watched = Watched::new();
        // The longest grace: what leaves now stays for three seconds.
        let _running = watched.start(&[&["--window", "6", "--target-duration", "1"], words].concat());
        watched.go_on(0..7);
        assert!(!names(&read_playlist(watched.webroot()).unwrap()).starts_with("0 "));
        watched.rename("0.ts", "late.ts");
        wait_for_old_name(&watched, "0.ts");
        watched.go_on(7..12);
        assert_eq!(read_playlist(watched.webroot()).unwrap().next_media_sequence(), 13);
        watched.go_on(12..22);
        watched.wait_until_gone(&["0.ts", "late.ts"]);
    }
}

#[test]
fn two_names_of_one_file_are_one_segment() {
    let watched = Watched::new();
    let _running = watched.start(&WORDS);
    fs::write(watched.live(".0"), &segments()[0]).unwrap();
    for name in ["0.ts", "second.ts"] {
        fs::hard_link(watched.live(".0"), watched.live(name)).unwrap();
    }
    watched.go_on(1..2);
    watched.wait_for_names("0 1");
    fs::hard_link(watched.live("1.ts"), watched.live("third.ts")).unwrap();
    watched.go_on(2..3);
    watched.wait_for_names("0 1 2");
    // The old way to rename.
    fs::hard_link(watched.live("2.ts"), watched.live("fourth.ts")).unwrap();
    fs::remove_file(watched.live("2.ts")).unwrap();
    wait_for_old_name(&watched, "2.ts");
    watched.go_on(3..14);
    assert_eq!(read_playlist(watched.webroot()).unwrap().next_media_sequence(), 15);
    watched.wait_until_gone(&["0.ts", "second.ts", "1.ts", "third.ts", "2.ts", "fourth.ts"]);
}

#[test]
fn a_renamed_file_is_one_segment_through_a_restart() {
    let watched = Watched::new();
    let running = watched.start(&WORDS);
    watched.go_on(0..3);
    watched.rename("2.ts", "renamed.ts");
    wait_for_old_name(&watched, "2.ts");
    running.kill();
    let _running = watched.start(&WORDS);
    watched.go_on(3..4);
    let playlist = read_playlist(watched.webroot()).unwrap();
    assert!(names(&playlist).ends_with("1 2 3"), "{}", names(&playlist));
    no_discontinuity(&playlist);
    watched.go_on(4..18);
    assert_eq!(read_playlist(watched.webroot()).unwrap().next_media_sequence(), 19);
    watched.wait_until_gone(&["2.ts", "renamed.ts"]);
}

/// Each segment is listed before it gets its last name.
#[test]
fn an_uploader_that_renames_each_listed_file_tears_nothing() {
    let watched = Watched::new();
    let _running = watched.start(&["--window", "6", "--target-duration", "1"]);
    let mut seen = 0;
    for (n, bytes) in segments()[..12].iter().enumerate() {
        let (first, last) = (format!("upload-{n}.ts"), format!("{n}.ts"));
        fs::write(watched.live(&first), bytes).unwrap();
        let uri = format!("live/{first}");
        let playlist = wait_for(&uri, PATIENCE, || {
            read_playlist(watched.webroot()).filter(|it| it.segments.iter().any(|it| it.uri == uri))
        });
        seen += 1;
        assert_eq!((playlist.next_media_sequence(), playlist.segments.len()), (seen + 1, 6.min(n + 1)));
        no_discontinuity(&playlist);
        watched.rename(&first, &last);
        wait_for_old_name(&watched, &first);
    }
}

/// It has one name for what it is at: of the second segment on nothing is listed under that.
#[test]
fn an_uploader_with_one_temporary_name_is_understood_after_its_first_file() {
    let watched = Watched::new();
    let _running = watched.start(&["--window", "6", "--target-duration", "1"]);
    let put = |n: usize| fs::write(watched.live("upload.ts"), &segments()[n]).unwrap();
    put(0);
    watched.wait_for_names("upload");
    watched.rename("upload.ts", "0.ts");
    wait_for_old_name(&watched, "upload.ts");
    for n in 1..8 {
        put(n);
        // So long a script may take to compare two sums.
        std::thread::sleep(std::time::Duration::from_millis(100));
        watched.rename("upload.ts", &format!("{n}.ts"));
        let uri = format!("live/{n}.ts");
        wait_for(&uri, PATIENCE, || {
            let playlist = read_playlist(watched.webroot())?;
            // The second one is written over the first: it may be seen under the name of that.
            let is_listed = n == 1 && playlist.next_media_sequence() == 3;
            (is_listed || playlist.segments.iter().any(|it| it.uri == uri)).then_some(())
        });
    }
    let playlist = watched.wait_for_names("2 3 4 5 6 7");
    no_discontinuity(&playlist);
    assert_eq!(playlist.next_media_sequence(), 9);
}
