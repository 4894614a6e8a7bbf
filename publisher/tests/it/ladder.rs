//! A ladder on disk: the same borders, numbers and breaks in every rung and in the sound, whatever happens.

#[cfg(target_os = "linux")]
mod late;
mod two_minutes;

use std::fs;
use std::path::Path;

use livedir_layout::names::number_of_uri;
use livedir_media::{Facts, probe};
use livedir_playlist::{Listing, MediaPlaylist, parse, read_listing, render};

use crate::support::check::assert_clean;
use crate::support::programs::{LiveStream, PATIENCE, Running, publisher};
use crate::support::wait_for;

const RENDITIONS: [&str; 3] = ["180p", "90p", "audio"];
const WORDS: [&str; 6] = ["live", "test", "--ladder", "320x180@300k,160x90@100k", "--segment-duration", "1s"];

/// One frame of AAC, in 90 kHz ticks.
const AAC_FRAME_90K: u64 = 1920;

fn start(webroot: &Path, more: &[&str]) -> Running {
    Running::start(publisher().args(WORDS).args(more).arg("--webroot").arg(webroot))
}

fn playlist(webroot: &Path, rendition: &str) -> Option<MediaPlaylist> {
    parse(&fs::read_to_string(webroot.join("live").join(rendition).join("stream.m3u8")).ok()?).ok()
}

#[track_caller]
fn wait_for_segment(webroot: &Path, number: u64) {
    wait_for("segments of all renditions", PATIENCE, || {
        let has_it =
            |rendition| playlist(webroot, rendition).is_some_and(|it| it.next_media_sequence() > number);
        RENDITIONS.into_iter().all(has_it).then_some(())
    });
}

fn facts(webroot: &Path, rendition: &str, number: u64) -> Option<Facts> {
    let path = webroot.join(format!("live/{rendition}/seg-{number:08}.ts"));
    Some(probe(&fs::read(path).ok()?).expect("a segment"))
}

/// Numbers are those of the files, breaks are the same in all; says where there are some.
#[track_caller]
fn breaks_of_all(webroot: &Path) -> Vec<u64> {
    let breaks = RENDITIONS.map(|rendition| {
        let playlist = playlist(webroot, rendition).expect("a playlist");
        let numbers = playlist.segments.iter().map(|it| number_of_uri(&it.uri).expect("our name"));
        let expected: Vec<_> = (playlist.media_sequence..playlist.next_media_sequence()).collect();
        assert_eq!(numbers.collect::<Vec<_>>(), expected, "{rendition}");
        let breaks = playlist.segments.iter().zip(expected).filter(|(segment, _)| segment.discontinuity);
        breaks.map(|(_, number)| number).collect::<Vec<_>>()
    });
    assert!(breaks.iter().all(|it| *it == breaks[0]), "{breaks:?}");
    breaks[0].clone()
}

#[test]
fn borders_numbers_and_breaks_are_the_same_in_all_renditions_through_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let first = start(webroot, &["--low-latency", "--window", "60"]);
    wait_for_segment(webroot, 4);
    first.kill();
    let second = start(webroot, &["--low-latency", "--window", "60"]);
    wait_for_segment(webroot, 9);
    let (status, output) = {
        let second = second;
        second.signal(rustix::process::Signal::INT);
        second.wait_and_read()
    };
    assert!(status.success() && !output.contains("refused"), "{output}");

    let breaks = breaks_of_all(webroot);
    assert_eq!(breaks.len(), 1);
    let mut compared = 0;
    for number in 1..=9 {
        let Some(top) = facts(webroot, "180p", number) else { continue };
        let low = facts(webroot, "90p", number).expect("the same in the other size");
        assert_eq!(top.start_90k, low.start_90k, "segment {number}");
        // The kill may have come between the same part of the one and of the other.
        let is_interrupted = number + 1 == breaks[0];
        assert!(is_interrupted || top.duration_90k == low.duration_90k, "segment {number}");
        assert!(top.audio.is_none() && low.audio.is_none(), "the sound has segments of its own");
        let sound = facts(webroot, "audio", number).expect("its sound");
        let late_90k = sound.start_90k.wrapping_sub(top.start_90k);
        assert!(late_90k < AAC_FRAME_90K, "the sound of segment {number} begins {late_90k} ticks late");
        compared += 1;
    }
    assert!(compared >= 8, "{compared}");

    let Listing::Multivariant(listing) =
        read_listing(&fs::read_to_string(webroot.join("stream.m3u8")).unwrap())
    else {
        panic!("no multivariant playlist")
    };
    let of_variant = |name: &str| {
        listing.variants.iter().map(|it| it.attributes.get(name).unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of_variant("RESOLUTION"), ["320x180", "160x90"]);
    assert_eq!(of_variant("FRAME-RATE"), ["20.000", "20.000"]);
    assert!(of_variant("CODECS").iter().all(|it| it.starts_with("avc1.") && it.ends_with(",mp4a.40.2")));
    assert_clean(webroot);
    let status: serde_json::Value =
        serde_json::from_slice(&fs::read(webroot.join("status.json")).unwrap()).unwrap();
    assert_eq!((&status["state"], &status["video"]["width"]), (&"ended".into(), &320.into()), "{status}");
}

#[test]
fn a_last_part_of_one_picture_which_tells_nothing_of_its_length_is_as_long_as_its_segment_has_left() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    // 21 pictures, in parts of four.
    let words = ["live", "test", "--ladder", "160x90@100k,128x72@60k", "--segment-duration", "1050ms"];
    let live = Running::start(publisher().args(words).arg("--low-latency").arg("--webroot").arg(webroot));
    wait_for("segments of both sizes", PATIENCE, || {
        let has_them =
            |size| playlist(webroot, size).is_some_and(|it: MediaPlaylist| it.next_media_sequence() > 3);
        (has_them("90p") && has_them("72p")).then_some(())
    });
    assert!(live.interrupt().success());
    let list = fs::read_to_string(webroot.join("live/72p/ll.m3u8")).unwrap();
    assert!(list.contains("#EXT-X-PART:DURATION=0.050000,URI=\"seg-00000002.p05.ts\""), "{list}");
    assert_clean(webroot.join("ll.m3u8"));
}

#[test]
fn what_one_rendition_has_lost_in_a_crash_is_a_gap_there_and_the_numbers_agree() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let first = start(webroot, &["--window", "60"]);
    wait_for_segment(webroot, 3);
    first.kill();
    // As if the kill had come between the files of two renditions.
    let mut lagging = playlist(webroot, "90p").unwrap();
    let lost = number_of_uri(&lagging.segments.pop().unwrap().uri).unwrap();
    let directory_of_rung = webroot.join("live/90p");
    for entry in fs::read_dir(&directory_of_rung).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if number_of_uri(&name).is_some_and(|number| number >= lost) {
            fs::remove_file(directory_of_rung.join(name)).unwrap();
        }
    }
    fs::write(directory_of_rung.join("stream.m3u8"), render(&lagging)).unwrap();

    let second = start(webroot, &["--window", "60"]);
    wait_for_segment(webroot, lost + 3);
    assert!(second.interrupt().success());
    let gaps = |rendition| {
        let playlist = playlist(webroot, rendition).unwrap();
        playlist.segments.into_iter().filter(|it| it.gap).map(|it| it.uri).collect::<Vec<_>>()
    };
    assert_eq!(gaps("90p"), [format!("seg-{lost:08}.ts")]);
    assert_eq!((gaps("180p").len(), gaps("audio").len()), (0, 0));
    assert_eq!(breaks_of_all(webroot).len(), 1);
}

#[test]
fn a_rung_that_is_new_begins_where_the_others_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let first = start(webroot, &["--resume-later"]);
    wait_for_segment(webroot, 3);
    assert!(first.interrupt().success());
    let went_on_at = playlist(webroot, "180p").unwrap().next_media_sequence();
    fs::remove_dir_all(webroot.join("live/90p")).unwrap();
    let second = start(webroot, &[]);
    wait_for_segment(webroot, went_on_at + 2);
    assert!(second.interrupt().success());
    let begun = playlist(webroot, "90p").unwrap();
    assert_eq!(begun.media_sequence, went_on_at);
    let old = playlist(webroot, "180p").unwrap();
    let first = begun.discontinuity_sequence_of(went_on_at);
    assert!(first.is_some() && first == old.discontinuity_sequence_of(went_on_at), "{begun:#?}\n{old:#?}");
}

#[test]
fn a_webroot_changes_between_one_size_and_several() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let mut alone = LiveStream::start(webroot, &["test", "--size", "160x120", "--segment-duration", "1s"]);
    alone.wait_for_segment(2);
    assert!(alone.publisher.interrupt().success());

    let several = start(webroot, &[]);
    wait_for_segment(webroot, 2);
    assert!(several.interrupt().success());
    assert_clean(webroot);

    let mut alone = LiveStream::start(webroot, &["test", "--size", "160x120", "--segment-duration", "1s"]);
    wait_for("a media playlist", PATIENCE, || {
        let text = fs::read_to_string(webroot.join("stream.m3u8")).unwrap();
        matches!(read_listing(&text), Listing::Media(_)).then_some(())
    });
    alone.wait_for_segment(3);
    assert!(alone.publisher.interrupt().success());
    assert_clean(webroot);
    assert!(!webroot.join("stream.m3u8.bad").exists());
    for rendition in RENDITIONS {
        assert!(!webroot.join("live").join(rendition).join("stream.m3u8").exists(), "{rendition}");
    }
}

#[test]
fn no_smaller_size_of_a_test_pattern_is_declared_with_a_higher_rate_than_a_larger_one() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    // Far more than a test pattern needs.
    let words =
        ["live", "test", "--ladder", "640x360@4M,320x180@4M", "--segment-duration", "1s", "--webroot"];
    let live = Running::start(publisher().args(words).arg(webroot));
    let has_it = |size: &str| webroot.join(format!("live/{size}/seg-00000006.ts")).exists();
    wait_for("six segments", PATIENCE, || (has_it("360p") && has_it("180p")).then_some(()));
    assert!(live.interrupt().success());
    let text = fs::read_to_string(webroot.join("stream.m3u8")).unwrap();
    for attribute in ["STREAM-INF:BANDWIDTH=", "AVERAGE-BANDWIDTH="] {
        let rate = |rest: &str| rest.split([',', '\n']).next()?.parse::<u64>().ok();
        let declared: Vec<_> = text.split(attribute).skip(1).filter_map(rate).collect();
        assert_eq!(declared.len(), 2, "{text}");
        assert!(declared[0] >= declared[1], "{text}");
    }
}
