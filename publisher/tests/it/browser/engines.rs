//! The page in the browsers of others: Firefox ESR and `WebKitGTK`. Each goes in one sitting through three scenes: the plain list
//! and the low-latency one through a restart of the publisher, then the server away for three seconds. `WebKitGTK` is not
//! Apple's player, and says nothing of it. Each also plays, in parts, what is copied of an encoder with B-frames.

use std::path::Path;

use super::low_latency::{STREAM, free_address, start_server};
use super::{Page, beside_other_browsers, webroot_with_page, without_other_browsers};
use crate::support::live_source::LiveSource;
use crate::support::programs::{LiveStream, WebServer};

/// What the page is asked for in each scene, with the patience of the tests in Chromium.
const ASKED: [&str; 15] = [
    "--pace",
    "smooth,fast,fast",
    "--wish",
    "--pattern",
    "--size",
    "320x240",
    "--seconds",
    "3",
    "--start-within",
    "60",
    "--patience",
    "40",
    "--until-restart",
    "--resume-within",
    "40",
];

#[test]
fn the_page_in_firefox_goes_on_after_restarts_of_publisher_and_server() {
    let _turn = beside_other_browsers();
    // Not one picture is shown that was decoded without its keyframe.
    goes_on("firefox", "0");
}

#[test]
fn the_page_in_webkitgtk_goes_on_after_restarts_of_publisher_and_server() {
    // It draws without a graphics card, and has neither core to spare.
    let _turn = without_other_browsers();
    // It loses a keyframe now and then, and shows such pictures until the next: for as long as a segment at most.
    goes_on("webkit", "1000");
}

/// What the start of such a stream says. Of 20 frames in a second Firefox shows some 16 in parts.
#[test]
fn the_page_in_firefox_plays_copied_b_frames_in_parts_and_leaves_some_out() {
    let _turn = without_other_browsers();
    plays_b_frames("firefox", &["--pace", "fast", "--wish", "--least-fps", "13"]);
}

/// `WebKitGTK` stops within seconds when B-frames come in parts, and the page gives it the plain list. What it counts of frames is of no use.
#[test]
fn the_page_in_webkitgtk_plays_copied_b_frames_of_the_plain_list() {
    let _turn = without_other_browsers();
    plays_b_frames("webkit", &["--pace", "smooth"]);
}

#[track_caller]
fn plays_b_frames(browser: &str, more: &[&str]) {
    let webroot = webroot_with_page();
    let site = WebServer::start(webroot.path());
    let source = LiveSource::like_obs("320x240");
    let mut live = LiveStream::start(webroot.path(), &[&source.url(), "--copy", "--low-latency"]);
    live.wait_for_segment(3);
    let said = live.publisher.output();
    assert!(said.contains("the source has B-frames: in low latency"), "{said}");
    let asked = ["--browser", browser, "--size", "320x240", "--seconds", "8", "--start-within", "60"];
    // In WebKitGTK the page has to find out first.
    let asked = [&asked[..], &["--patience", "80"], more].concat();
    Page::open(&site.address, &asked).wait_for_line(r#""event":"ok""#);
}

#[track_caller]
fn goes_on(browser: &str, grey_ms: &str) {
    let webroot = webroot_with_page();
    let address = free_address();
    let server = start_server(webroot.path(), address);
    let mut live = LiveStream::start(webroot.path(), &STREAM);
    live.wait_for_segment(2);
    let mut page = Page::open(
        &format!("http://{address}/"),
        &[&["--browser", browser, "--grey-ms", grey_ms], &ASKED[..]].concat(),
    );

    let live =
        goes_on_after_a_restart(&mut page, live, webroot.path(), "smooth list, restart of the publisher");
    let _live =
        goes_on_after_a_restart(&mut page, live, webroot.path(), "fast list, restart of the publisher");

    let _server = page.stays_while_the_server_is_away(server, webroot.path(), address);
    page.wait_for_line(r#""event":"ok""#);
}

#[track_caller]
fn goes_on_after_a_restart(page: &mut Page, live: LiveStream, webroot: &Path, scene: &str) -> LiveStream {
    page.wait_for_line(r#""event":"ready-for-restart""#);
    live.publisher.kill();
    let live = LiveStream::start(webroot, &STREAM);
    page.say("restart-done");
    page.wait_until_it_went_on(scene);
    live
}
