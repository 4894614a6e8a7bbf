//! Players of other people, with their own defaults, join a low-latency list at each tenth of a segment and play on through a
//! restart of the publisher. The driver is `publisher/tests/browser/join.mjs`.

use super::{Page, one_browser_at_a_time};
use crate::support::programs::{LiveStream, WebServer};

/// Ten parts to a segment. Ten pages are to decode it at once.
const STREAM: [&str; 6] = ["test", "--low-latency", "--segment-duration", "2s", "--fps", "10"];
const ONE_SIZE: [&str; 2] = ["--size", "160x90"];
const LADDER: [&str; 2] = ["--ladder", "240x136@300k,160x90@150k"];

#[test]
fn shaka_player_joins_anywhere_and_goes_on() {
    joins_anywhere_and_goes_on("shaka", ONE_SIZE);
}

#[test]
fn video_js_joins_a_ladder_anywhere_and_goes_on() {
    joins_anywhere_and_goes_on("videojs", LADDER);
}

#[track_caller]
fn joins_anywhere_and_goes_on(player: &str, sizes: [&str; 2]) {
    let _turn = one_browser_at_a_time();
    let webroot = tempfile::tempdir().unwrap();
    let site = WebServer::start(webroot.path());
    let words = [&STREAM[..], &sizes].concat();
    let live = LiveStream::start(webroot.path(), &words);
    let list = format!("{}/ll.m3u8", site.address);
    crate::support::wait_for("three segments", crate::support::programs::PATIENCE, || {
        (live.count("segments_published") >= 3).then_some(())
    });
    let mut players = Page::drive("join.mjs", &list, &["--player", player]);
    players.wait_for_line(r#""event":"ready-for-restart""#);
    live.publisher.kill();
    let _live = LiveStream::start(webroot.path(), &words);
    players.say("restart-done");
    players.wait_for_line(r#""event":"ok""#);
}
