//! Low latency: clean on livedir's own streams, and what servers and writers do wrong is found.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use livedir_playlist::Edge;

use super::faulty_server::{Fault, serve};
use super::multivariant::main_playlist;
use crate::support::check::{Following, check};
use crate::support::programs::{LiveStream, PATIENCE, WebServer, publisher};
use crate::support::wait_for;

const WORDS: [&str; 6] = ["test", "--size", "160x120", "--low-latency", "--segment-duration", "1s"];

/// Waits until so many segments are complete, and some parts of the next.
#[track_caller]
fn wait_for_segment(webroot: &Path, segment: u64) {
    wait_for("a segment and two parts", PATIENCE, || {
        let edge = Edge::of(&fs::read_to_string(webroot.join("ll.m3u8")).ok()?)?;
        (edge.next_media_sequence > segment && edge.open_parts >= 2).then_some(())
    });
}

/// A stream whose writer was killed in the middle of a segment: as it is at one moment, and for ever.
fn moment() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let stream = LiveStream::start(directory.path(), &WORDS);
    wait_for_segment(directory.path(), 9);
    stream.publisher.kill();
    directory
}

#[test]
fn nothing_is_found_in_a_low_latency_stream_on_disk_and_over_http() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let server = WebServer::start(webroot);
    let stream = LiveStream::start(webroot, &WORDS);
    wait_for_segment(webroot, 8);
    // Whoever names a webroot or its page means both of its lists.
    let on_disk = Following::start(webroot, "12s");
    let page = Following::start(format!("{}/", server.address), "12s");
    let list = Following::start(format!("{}/ll.m3u8", server.address), "12s");
    for (following, playlists) in [(on_disk, 2), (page, 2), (list, 1)] {
        let checked = following.assert_clean_but_for_lateness();
        assert_eq!(checked.count("playlists"), playlists, "{checked:#?}");
        let (versions, segments) = (checked.count("versions"), checked.count("segments"));
        assert!(versions >= 10 && segments >= 10, "{checked:#?}");
    }
    assert!(stream.publisher.interrupt().success());
    assert_eq!(check(&[webroot.join("ll.m3u8")]).rules(), [""; 0]);
}

#[test]
fn nothing_but_the_pause_is_found_when_the_publisher_is_killed_and_started_again() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let server = WebServer::start(webroot);
    let stream = LiveStream::start(webroot, &WORDS);
    wait_for_segment(webroot, 3);
    let on_disk = Following::start(webroot, "15s");
    let over_http = Following::start(format!("{}/ll.m3u8", server.address), "15s");
    wait_for_segment(webroot, 5);
    stream.publisher.kill();
    let before = Edge::of(&fs::read_to_string(webroot.join("ll.m3u8")).unwrap()).unwrap();
    let stream = LiveStream::start(webroot, &WORDS);
    wait_for_segment(webroot, before.next_media_sequence + 2);
    assert!(fs::read_to_string(webroot.join("ll.m3u8")).unwrap().contains("#EXT-X-DISCONTINUITY\n"));
    for following in [on_disk, over_http] {
        following.assert_clean_but_for_lateness();
    }
    drop(stream);
}

#[test]
fn each_fault_of_a_low_latency_server_is_found_by_its_rule() {
    let directory = moment();
    for (fault, rules, status) in [
        (Fault::Nothing, &[][..], 0),
        (Fault::PartAlone, &["part-without-segment-answered"], 1),
        (Fault::FarAhead, &["far-ahead-answered"], 0),
        (Fault::NoDelta, &["delta-update-missing"], 1),
        (Fault::OtherDelta, &["delta-update-differs"], 1),
        (Fault::NoHint, &["preload-hint-refused"], 1),
        (Fault::LostHint, &[], 0),
    ] {
        let address = serve(directory.path(), fault);
        let checked = check(&[format!("{address}/ll.m3u8")]);
        assert_eq!((checked.rules(), checked.status), (rules.to_vec(), status), "{fault:?}: {checked:#?}");
    }
}

#[test]
fn a_server_that_does_not_hold_is_found_and_not_asked_without_end() {
    let directory = moment();
    let address = serve(directory.path(), Fault::NotHeld);
    let checked = Following::start(format!("{address}/ll.m3u8"), "2s").report();
    assert!(checked.rules().contains(&"blocking-reload-not-held"), "{checked:#?}");
    let findings = checked.report["findings"].as_array().unwrap();
    let not_held = findings.iter().find(|finding| finding["rule"] == "blocking-reload-not-held").unwrap();
    // Four looks a second, as at a playlist that cannot be waited for.
    assert!(not_held["count"].as_u64().is_some_and(|count| (1..=10).contains(&count)), "{checked:#?}");
}

#[test]
fn what_a_low_latency_playlist_says_of_its_parts_is_held_to_their_bytes() {
    let directory = moment();
    let playlist = directory.path().join("ll.m3u8");
    let text = fs::read_to_string(&playlist).unwrap();
    let last = Edge::of(&text).unwrap().next_media_sequence - 1;
    let rules_when = |from: &str, to: &str| {
        assert!(text.contains(from), "{from:?} is not in {text}");
        fs::write(&playlist, text.replace(from, to)).unwrap();
        check(&[&playlist]).rules().join(" ")
    };
    let part = |index: u64| format!("live/seg-{last:08}.p{index:02}.ts\"");
    assert_eq!(rules_when("#EXTM3U", "#EXTM3U"), "");
    assert_eq!(rules_when(&format!("{},INDEPENDENT=YES", part(0)), &part(0)), "independent-unsaid");
    assert_eq!(rules_when(&part(2), &format!("{},INDEPENDENT=YES", part(2))), "independent-untrue");
    // The same part again, in the place of the last.
    assert_eq!(rules_when(&part(4), &part(3)), "parts-not-the-segment");
    fs::remove_file(directory.path().join(part(1).trim_end_matches('"'))).unwrap();
    assert_eq!(rules_when("#EXTM3U", "#EXTM3U"), "part-unreadable");
    // What is called lost is not asked for, and what has no media has no keyframe.
    let without_media = format!("{},GAP=YES", part(1));
    assert_eq!(rules_when(&part(1), &without_media), "");
    let seen = publisher().arg("inspect").arg(&playlist).output().unwrap();
    let seen = String::from_utf8(seen.stdout).unwrap();
    assert!(seen.contains("1 of its parts is listed as lost"), "{seen}");
    assert_eq!(rules_when(&part(1), &format!("{without_media},INDEPENDENT=YES")), "independent-untrue");
    fs::remove_file(directory.path().join(format!("live/seg-{last:08}.ts"))).unwrap();
    let gap = |text: &str| {
        let (before, after) = text.rsplit_once("#EXTINF").unwrap();
        format!("{before}#EXT-X-GAP\n#EXTINF{after}")
    };
    fs::write(&playlist, gap(&text.replace(&part(1), &without_media))).unwrap();
    assert_eq!(check(&[&playlist]).rules(), [""; 0]);
    // Out of these parts the segment could be made.
    fs::write(
        directory.path().join(part(1).trim_end_matches('"')),
        fs::read(directory.path().join(part(2).trim_end_matches('"'))).unwrap(),
    )
    .unwrap();
    fs::write(&playlist, gap(&text)).unwrap();
    assert_eq!(check(&[&playlist]).rules(), ["gap-without-need"]);
}

#[test]
fn playlists_of_one_presentation_that_do_not_report_of_one_another_are_found() {
    let directory = moment();
    let (webroot, main) = (directory.path(), directory.path().join("main.m3u8"));
    symlink(".", webroot.join("same")).unwrap();
    fs::write(&main, main_playlist(&["ll.m3u8", "same/ll.m3u8"], 9_000_000, 8_000_000)).unwrap();
    let checked = check(&[&main]);
    assert_eq!(
        (checked.rules(), checked.count("must")),
        (vec!["rendition-report-missing"], 2),
        "{checked:#?}"
    );

    let playlist = webroot.join("ll.m3u8");
    let text = fs::read_to_string(&playlist).unwrap();
    let newest = Edge::of(&text).unwrap().next_media_sequence;
    // The same file is both: of a report of itself nothing is asked.
    let report = |uri: &str| format!("#EXT-X-RENDITION-REPORT:URI=\"{uri}\",LAST-MSN={newest},LAST-PART=1\n");
    fs::write(&playlist, format!("{text}{}{}", report("same/ll.m3u8"), report("../ll.m3u8"))).unwrap();
    assert_eq!(check(&[&main]).rules(), [""; 0]);
}
