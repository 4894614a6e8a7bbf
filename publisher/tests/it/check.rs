//! `livedir-publisher check` as its users meet it: clean on livedir's own streams, from disk and from every server;
//! exit status, JSON and `JUnit`; Ctrl-C. What others do wrong is found in the modules.

mod busy;
mod faulty_server;
mod foreign;
mod low_latency;
mod media_facts;
mod multivariant;
mod named_files;
mod tls;

use std::fs;
use std::path::Path;

use livedir_check::rules::RULES;
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::support::check::{Following, assert_clean, check};
use crate::support::nginx::Nginx;
use crate::support::programs::{LiveStream, PATIENCE, Running, WebServer, publisher};
use crate::support::wait_for;

/// A short stream that has ended: segments of half a second.
const SHORT: [&str; 7] = ["test", "--size", "160x120", "--segment-duration", "500ms", "--window", "10"];

/// Streams so many segments into `webroot` and ends.
#[track_caller]
fn stream(webroot: &Path, segments: u64) {
    let mut live = LiveStream::start(webroot, &SHORT);
    live.wait_for_segment(segments);
    assert!(live.publisher.interrupt().success());
}

#[test]
fn nothing_is_found_in_a_live_stream_on_disk_over_our_server_and_over_nginx() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let (server, nginx) = (WebServer::start(webroot), Nginx::start(webroot));
    // Segments leave the playlist and the disk while it is looked at.
    let mut live = LiveStream::start(webroot, &["test", "--window", "6"]);
    live.wait_for_segment(7);
    let on_disk = Following::start(webroot, "20s");
    let over_http = Following::start(format!("{}/stream.m3u8", server.address), "20s");
    let over_nginx = Following::start(format!("{}/stream.m3u8", nginx.address), "20s");
    for following in [on_disk, over_http, over_nginx] {
        let checked = following.assert_clean_but_for_lateness();
        let (versions, segments) = (checked.count("versions"), checked.count("segments"));
        assert!(versions >= 4 && segments >= versions + 4, "{checked:#?}");
    }
    assert!(live.publisher.interrupt().success());
    assert_clean(webroot);
}

#[test]
fn a_stream_that_has_ended_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    stream(directory.path(), 6);
    let text = fs::read_to_string(directory.path().join("stream.m3u8")).unwrap();
    let checked = Following::start(directory.path(), "1000s").assert_clean_but_for_lateness();
    assert_eq!(checked.count("versions"), 1);
    assert_eq!(checked.count("segments"), text.matches("#EXTINF").count() as u64);
}

#[test]
fn the_exit_status_tells_clean_broken_and_could_not_check_apart() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    stream(webroot, 6);
    assert_eq!(check(&[webroot]).status, 0);

    let playlist = webroot.join("stream.m3u8");
    let text = fs::read_to_string(&playlist).unwrap();
    fs::write(&playlist, text.replace("#EXT-X-TARGETDURATION:1\n", "")).unwrap();
    let broken = check(&[&playlist]);
    assert!(broken.status == 1 && broken.count("must") > 0, "{broken:#?}");
    let printed = publisher().arg("check").arg(&playlist).output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len() as u64, broken.count("must") + broken.count("should") + 1, "{printed}");
    assert!(lines[0].starts_with("MUST   ") && lines[0].contains("stream.m3u8"), "{printed}");
    assert!(!printed.contains('\x1b'), "colour is for terminals: {printed}");

    fs::write(webroot.join("page.m3u8"), "<html>").unwrap();
    let nothing = webroot.join("nothing");
    fs::create_dir(&nothing).unwrap();
    for subject in [
        webroot.join("page.m3u8").to_str().unwrap(),
        nothing.to_str().unwrap(),
        webroot.join("missing.m3u8").to_str().unwrap(),
        // Nobody listens on port 1.
        "http://127.0.0.1:1/stream.m3u8",
        "http://:80",
    ] {
        let checked = check(&[subject]);
        assert_eq!(checked.status, 2, "{subject}: {checked:#?}");
        assert_eq!(checked.complaints.lines().count(), 1, "{subject}: {checked:#?}");
    }
}

#[test]
fn junit_has_one_test_case_a_rule_and_a_failure_for_each_broken_must() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    stream(webroot, 6);
    let xml = webroot.join("check.xml");
    let words =
        |subject: &Path| [subject.as_os_str(), "--junit".as_ref(), xml.as_os_str()].map(ToOwned::to_owned);
    assert_eq!(check(&words(webroot)).status, 0);
    assert_eq!(read_junit(&xml), (RULES.len(), Vec::new()));

    let playlist = webroot.join("stream.m3u8");
    let text = fs::read_to_string(&playlist).unwrap();
    fs::write(&playlist, text.replace("#EXT-X-TARGETDURATION:1\n", "")).unwrap();
    let broken = check(&words(webroot));
    let musts = broken.report["findings"].as_array().unwrap().iter();
    let mut musts: Vec<_> = musts
        .filter(|finding| finding["severity"] == "MUST")
        .map(|finding| finding["rule"].as_str().unwrap().to_owned())
        .collect();
    musts.sort();
    musts.dedup();
    assert!(!musts.is_empty());
    assert_eq!(read_junit(&xml), (RULES.len(), musts));
}

/// How many test cases there are, and the names of those that failed, in order.
#[track_caller]
fn read_junit(path: &Path) -> (usize, Vec<String>) {
    let text = fs::read_to_string(path).unwrap();
    let mut reader = Reader::from_str(&text);
    reader.config_mut().trim_text(true);
    let (mut cases, mut failed, mut case) = (0, Vec::new(), String::new());
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error}\n{text}")) {
            Event::Start(element) | Event::Empty(element) if element.name().as_ref() == "testcase" => {
                cases += 1;
                let name = element.try_get_attribute("name").unwrap().unwrap().value;
                case = name.into_owned();
            }
            Event::Start(element) if element.name().as_ref() == "failure" => failed.push(case.clone()),
            Event::Eof => break,
            _ => {}
        }
    }
    failed.sort();
    (cases, failed)
}

#[test]
fn ctrl_c_gives_the_findings_so_far() {
    let directory = tempfile::tempdir().unwrap();
    let mut live = LiveStream::start(directory.path(), &SHORT);
    live.wait_for_segment(6);
    let checking = Running::start(
        publisher()
            .arg("check")
            .arg(directory.path())
            .args(["--for", "1000s", "--junit"])
            .arg(directory.path().join("so-far.xml")),
    );
    // The handler is set before anything is read; a segment that is listed later is read later.
    live.wait_for_segment(10);
    checking.signal(rustix::process::Signal::INT);
    let (status, output) = checking.wait_and_read();
    assert_eq!(status.code(), Some(0), "{output}");
    assert!(output.contains("MUST 0, SHOULD 0"), "{output}");
    wait_for("the report", PATIENCE, || directory.path().join("so-far.xml").exists().then_some(()));
}

#[test]
fn a_window_below_six_segments_is_said_and_is_no_failure() {
    let directory = tempfile::tempdir().unwrap();
    let words = ["test", "--size", "160x120", "--segment-duration", "1s", "--window", "4"];
    let mut live = LiveStream::start(directory.path(), &words);
    live.wait_for_segment(5);
    let checked = Following::start(directory.path(), "4s").report();
    let mut rules = checked.rules();
    rules.retain(|&rule| rule != "update-late");
    assert_eq!(rules, ["window-below-six-segments"], "{checked:#?}");
    assert_eq!(checked.status, i32::from(checked.rules().contains(&"update-late")), "{checked:#?}");
}
