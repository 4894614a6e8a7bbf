//! Players of other people, with their own defaults, join a low-latency list at each tenth of a segment and play on through a
//! restart of the publisher. The driver is `publisher/tests/browser/join.mjs`.

use super::{Page, one_browser_at_a_time};
use crate::support::programs::{LiveStream, PATIENCE, WebServer};
use crate::support::wait_for;

/// Ten parts to a segment. Ten pages are to decode it at once.
const STREAM: [&str; 6] = ["test", "--low-latency", "--segment-duration", "2s", "--fps", "10"];
const ONE_SIZE: [&str; 2] = ["--size", "160x90"];
const LADDER: [&str; 2] = ["--ladder", "240x136@300k,160x90@150k"];

#[test]
fn players_join_one_size_anywhere_and_go_on() {
    join_anywhere_and_go_on("shaka,videojs", ONE_SIZE);
}

/// Here each player takes the tenths that the other took there.
#[test]
fn players_join_a_ladder_anywhere_and_go_on() {
    join_anywhere_and_go_on("videojs,shaka", LADDER);
}

#[track_caller]
fn join_anywhere_and_go_on(players: &str, sizes: [&str; 2]) {
    let _turn = one_browser_at_a_time();
    let webroot = tempfile::tempdir().unwrap();
    let site = WebServer::start(webroot.path());
    let words = [&STREAM[..], &sizes].concat();
    let live = LiveStream::start(webroot.path(), &words);
    let list = format!("{}/ll.m3u8", site.address);
    wait_for("three segments", PATIENCE, || (live.count("segments_published") >= 3).then_some(()));
    let mut players = Page::drive("join.mjs", &list, &["--players", players]);
    players.wait_for_line(r#""event":"ready-for-restart""#);
    live.publisher.kill();
    let _live = LiveStream::start(webroot.path(), &words);
    players.say("restart-done");
    players.wait_for_line(r#""event":"ok""#);
}
