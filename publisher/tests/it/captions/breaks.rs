//! Where captions do not go on: a source that is lost and comes back, and films of a list. Nothing half-said remains on the screen.

use std::fs;
use std::path::PathBuf;

use super::films::{self, Said, erase, erased, film, load, pop_on, rest, roll_up, show, window};
use super::judges::{gstreamer_constructs, mux_js_text, pairs_of};
use super::{end, publish, whole};
use crate::support::live_source::LiveSource;
use crate::support::programs::{LiveStream, PATIENCE, lose_and_find};
use crate::support::wait_for;

/// What is on the screen stays there, and what is loaded is never shown.
fn half_said() -> Vec<Said> {
    vec![
        load(0.2, 1, "STAYS ON SCREEN"),
        show(0.9, 1),
        load(1.1, 1, "HALF SAID"),
        roll_up(0.3, 2, "RESTE LA"),
        window(0.3, true, "Stays open"),
    ]
}

/// Its captions are over long before it is.
fn half_said_film() -> PathBuf {
    film((25, 1), 8, &half_said())
}

/// The packets of CEA-708 among constructs, without those that are padding.
fn packets(constructs: &[[u8; 3]]) -> Vec<[u8; 3]> {
    constructs.iter().filter(|it| matches!(it[0], 0xfe | 0xff)).copied().collect()
}

#[test]
fn a_source_that_is_lost_leaves_nothing_on_the_slate_and_nothing_half_said() {
    let directory = tempfile::tempdir().unwrap();
    let film = half_said_film();
    let source = LiveSource::of_film(&film);
    let words = ["--size", "160x120", "--bitrate", "300k", "--segment-duration", "1s", "--window", "60"];
    let stream = LiveStream::start(directory.path(), &[&[source.url().as_str()], &words[..]].concat());
    // Three seconds: all is said.
    let has_captured = |count| (stream.count("pictures_captured") >= count).then_some(());
    wait_for("the first time", PATIENCE, || has_captured(75));
    lose_and_find(&source, &stream);
    let since = stream.count("pictures_captured");
    wait_for("the second time", PATIENCE, || has_captured(since + 75));
    assert!(stream.publisher.interrupt().success());

    let whole = whole(&directory.path().join("live"));
    let constructs = gstreamer_constructs(&whole, false);
    for field in [1, 2] {
        let said = films::pairs_of(&half_said(), field);
        let expected = [said.clone(), erased(field), said].concat();
        assert_eq!(pairs_of(&constructs, field), expected, "field {field}");
    }
    let said = packets(&gstreamer_constructs(&film, true));
    let reset: Vec<[u8; 3]> = vec![[0xff, 0x42, 0x21], [0xfe, 0x8f, 0]];
    assert_eq!(packets(&constructs), [said.clone(), reset, said].concat());
    let heard = mux_js_text(&whole);
    assert!(heard.contains(&"CC1 STAYS ON SCREEN".to_owned()), "{heard:?}");
    assert!(heard.iter().all(|line| !line.contains("HALF")), "{heard:?}");
}

#[test]
fn a_film_of_a_list_leaves_nothing_to_the_next_one() {
    let directory = tempfile::tempdir().unwrap();
    let second = vec![
        rest(0.1, 1, "REST OF IT"),
        show(0.3, 1),
        pop_on(0.8, 1, "SECOND FILM"),
        erase(2.0, 1),
        rest(0.1, 2, "LE RESTE"),
        roll_up(0.8, 2, "DEUXIEME"),
    ];
    let films = [half_said_film(), film((30, 1), 4, &second)];
    let list = directory.path().join("list.m3u");
    fs::write(&list, films.map(|film| film.display().to_string()).join("\n")).unwrap();
    let webroot = directory.path().join("webroot");
    end(publish(&webroot, &list, &["--fps", "30"]), &webroot);

    let whole = whole(&webroot.join("live"));
    let constructs = gstreamer_constructs(&whole, false);
    // Of the second film all but what it does not begin.
    for (field, left_out) in [(1, 2), (2, 1)] {
        let first = films::pairs_of(&half_said(), field);
        let left_out: usize = second
            .iter()
            .map(|said| films::pairs_of(std::slice::from_ref(said), field).len())
            .filter(|pairs| *pairs > 0)
            .take(left_out)
            .sum();
        let second = films::pairs_of(&second, field).split_off(left_out);
        assert_eq!(pairs_of(&constructs, field), [first, erased(field), second].concat(), "field {field}");
    }
    let heard = mux_js_text(&whole);
    let expected = ["CC1 STAYS ON SCREEN", "CC1 SECOND FILM", "CC3 RESTE LA"];
    assert!(expected.iter().all(|line| heard.iter().any(|heard| heard == line)), "{heard:?}");
    assert!(heard.iter().all(|line| !line.contains("HALF") && !line.contains("REST OF")), "{heard:?}");
}
