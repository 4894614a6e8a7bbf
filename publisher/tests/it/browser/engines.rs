//! The page in the browsers of others: Firefox ESR and `WebKitGTK`. Each goes in one sitting through three scenes: the plain list
//! and the low-latency one through a restart of the publisher, then the server away for three seconds. `WebKitGTK` is not
//! Apple's player, and says nothing of it.

use std::path::Path;

use super::low_latency::{STREAM, free_address, start_server};
use super::{Page, beside_other_browsers, webroot_with_page, without_other_browsers};
use crate::support::programs::LiveStream;

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
