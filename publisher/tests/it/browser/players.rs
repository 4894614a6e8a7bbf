//! Players of other people, with their own defaults, join a low-latency list at each fifth of a segment and play on through a
//! restart of the publisher. The driver is `publisher/tests/browser/join.mjs`.

use super::{Page, without_other_browsers};
use crate::support::check::assert_clean;
use crate::support::live_source::LiveSource;
use crate::support::programs::{LiveStream, PATIENCE, WebServer};
use crate::support::wait_for;

/// Ten parts to a segment. Five pages are to decode it at once: ten are too many for two cores.
const STREAM: [&str; 6] = ["test", "--low-latency", "--segment-duration", "2s", "--fps", "10"];
const ONE_SIZE: [&str; 2] = ["--size", "160x90"];
const LADDER: [&str; 2] = ["--ladder", "240x136@300k,160x90@150k"];

#[test]
fn shaka_player_joins_one_size_anywhere_and_goes_on() {
    join_anywhere("shaka", ONE_SIZE, Then::TheyGoOnAfterARestart);
}

#[test]
fn video_js_joins_one_size_anywhere_and_goes_on() {
    join_anywhere("videojs", ONE_SIZE, Then::TheyGoOnAfterARestart);
}

#[test]
fn video_js_joins_a_ladder_anywhere_and_goes_on() {
    join_anywhere("videojs", LADDER, Then::TheyGoOnAfterARestart);
}

/// Without a restart: after an outage Shaka Player 5.2 wants pictures that are not filmed yet, as `docs/restarts.md` says.
#[test]
fn shaka_player_joins_a_ladder_anywhere_and_plays() {
    join_anywhere("shaka", LADDER, Then::TheyPlayOn);
}

/// Parts are cut in decoding order: their frames are shown with those of their neighbours between them.
/// Three pages at once: nine leave frames out on two cores that are slow.
#[test]
fn players_join_what_is_copied_of_an_encoder_with_b_frames_anywhere() {
    let _turn = without_other_browsers();
    let webroot = tempfile::tempdir().unwrap();
    let site = WebServer::start(webroot.path());
    let source = LiveSource::like_obs("160x90");
    let live = LiveStream::start(webroot.path(), &[&source.url(), "--copy", "--low-latency"]);
    let list = format!("{}/ll.m3u8", site.address);
    wait_for("three segments", PATIENCE, || (live.count("segments_published") >= 3).then_some(()));
    for (player, fps) in [("hlsjs", "20"), ("shaka", "20"), ("videojs", "0")] {
        let asked = ["--players", player, "--joins", "3", "--step", "3", "--fps", fps];
        let mut players = Page::drive("join.mjs", &list, &asked);
        players.wait_for_line(r#""event":"ready-for-restart""#);
        players.say("restart-done");
        players.wait_for_line(r#""event":"ok""#);
    }
    assert_clean(&list);
    drop(live);
}

/// What `docs/addresses.md` says of video.js; `parts_in_video_js.test.mjs` has the reason. A version of it that shows all fails here, and
/// may be recommended there.
#[test]
fn video_js_shows_all_of_the_plain_list_and_leaves_out_most_of_what_comes_in_parts() {
    let _turn = without_other_browsers();
    let webroot = tempfile::tempdir().unwrap();
    let site = WebServer::start(webroot.path());
    let words = ["test", "--low-latency", "--fps", "20", "--size", "160x90"];
    let live = LiveStream::start(webroot.path(), &words);
    let decoded_fps = |list: &str, wanted_fps: &str, more: &[&str]| {
        let asked = ["--players", "videojs", "--joins", "1", "--seconds", "10", "--fps", wanted_fps];
        let address = format!("{}/{list}", site.address);
        let mut player = Page::drive("join.mjs", &address, &[&asked[..], more].concat());
        player.wait_for_line(r#""event":"ready-for-restart""#);
        player.say("restart-done");
        player.wait_for_line(r#""event":"ok""#);
        let told: serde_json::Value = serde_json::from_str(player.account.last().unwrap()).unwrap();
        told["players"][0]["decoded_fps"].as_f64().expect("frames a second")
    };
    wait_for("three segments", PATIENCE, || (live.count("segments_published") >= 3).then_some(()));
    decoded_fps("stream.m3u8", "20", &["--whole"]);
    let in_parts = decoded_fps("ll.m3u8", "0", &[]);
    println!("video.js decodes {in_parts:.1} of 20 frames a second of parts");
    assert!(in_parts < 10.0, "video.js decodes {in_parts} frames a second of parts: tell docs/addresses.md");
}

#[derive(Clone, Copy, PartialEq)]
enum Then {
    TheyGoOnAfterARestart,
    TheyPlayOn,
}

#[track_caller]
fn join_anywhere(player: &str, sizes: [&str; 2], then: Then) {
    let _turn = without_other_browsers();
    let webroot = tempfile::tempdir().unwrap();
    let site = WebServer::start(webroot.path());
    let words = [&STREAM[..], &sizes].concat();
    let mut live = LiveStream::start(webroot.path(), &words);
    let list = format!("{}/ll.m3u8", site.address);
    wait_for("three segments", PATIENCE, || (live.count("segments_published") >= 3).then_some(()));
    let mut players = Page::drive("join.mjs", &list, &["--players", player]);
    players.wait_for_line(r#""event":"ready-for-restart""#);
    if then == Then::TheyGoOnAfterARestart {
        live.publisher.kill();
        live = LiveStream::start(webroot.path(), &words);
    }
    // The driver counts from here, with a restart and without.
    players.say("restart-done");
    players.wait_for_line(r#""event":"ok""#);
    drop(live);
}
