//! HEVC in a real browser: it plays where it can be decoded, and where it cannot the viewer is told so, with a way out.

use super::{Page, beside_other_browsers, webroot_with_page};
use crate::support::programs::{LiveStream, PATIENCE, WebServer};
use crate::support::wait_for;

const ONE_SIZE: [&str; 5] = ["test", "--segment-duration", "1s", "--size", "320x240"];
const LADDER: [&str; 5] = ["test", "--segment-duration", "1s", "--ladder", "320x240@300k,160x120@100k"];

#[track_caller]
fn check(stream: &[&str]) {
    let _turn = beside_other_browsers();
    let webroot = webroot_with_page();
    let site = WebServer::start(webroot.path());
    let hevc = LiveStream::start(webroot.path(), &[stream, &["--codec", "hevc", "--resume-later"]].concat());
    wait_for("a playlist", PATIENCE, || webroot.path().join("stream.m3u8").exists().then_some(()));
    let mut page = Page::drive("no_decoder.mjs", &site.address, &[]);
    page.wait_for_line(r#""event":"seen""#);
    let seen = page.account.last().unwrap().clone();
    let expected = "This browser cannot decode HEVC";
    assert_eq!(seen.contains(r#""decodes":false"#), seen.contains(expected), "{seen}");
    assert!(hevc.publisher.interrupt().success());
    let _live = LiveStream::start(webroot.path(), stream);
    page.say("changed");
    page.wait_for_line(r#""event":"ok""#);
}

#[test]
fn a_browser_that_cannot_decode_hevc_says_so_and_plays_what_comes_in_h264() {
    check(&ONE_SIZE);
}

#[test]
fn a_browser_that_cannot_decode_a_ladder_of_hevc_says_so_and_plays_what_comes_in_h264() {
    check(&LADDER);
}
