//! Sound alone in a real browser: it plays, and a meter takes the place of the picture.

use super::{Page, beside_other_browsers, webroot_with_page};
use crate::support::programs::{LiveStream, WebServer};

#[test]
fn the_page_plays_sound_alone_and_shows_how_loud_it_is() {
    let _turn = beside_other_browsers();
    let webroot = webroot_with_page();
    let site = WebServer::start(webroot.path());
    let song = crate::radio::song("song.mp3", "3", &[]);
    let words = [song.to_str().unwrap(), "--loop", "--segment-duration", "1s", "--low-latency"];
    let mut live = LiveStream::start(webroot.path(), &words);
    live.wait_for_segment(3);
    for list in ["", "?src=stream.m3u8"] {
        let mut page = Page::drive("sound_alone.mjs", &format!("{}/{list}", site.address), &[]);
        page.wait_for_line(r#""event":"ok""#);
    }
}

#[test]
fn shaka_player_and_video_js_play_sound_alone() {
    let _turn = beside_other_browsers();
    let webroot = webroot_with_page();
    let site = WebServer::start(webroot.path());
    let song = crate::radio::song("song.mp3", "3", &[]);
    let words = [song.to_str().unwrap(), "--loop", "--segment-duration", "2s", "--low-latency"];
    let mut live = LiveStream::start(webroot.path(), &words);
    live.wait_for_segment(3);
    let players = ["--players", "shaka,videojs", "--joins", "4", "--step", "2"];
    let mut players = Page::drive("join.mjs", &format!("{}/ll.m3u8", site.address), &players);
    players.wait_for_line(r#""event":"ready-for-restart""#);
    players.say("restart-done");
    players.wait_for_line(r#""event":"ok""#);
}
