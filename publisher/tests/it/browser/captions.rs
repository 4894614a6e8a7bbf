//! The page offers the captions of a stream that carries some: a film that is looped, at another frame rate than its own.

use super::{beside_other_browsers, judged, webroot_with_page};
use crate::captions::films::{conversation, film};
use crate::support::programs::{LiveStream, WebServer};

#[test]
fn the_page_shows_captions_to_those_who_want_them() {
    let _turn = beside_other_browsers();
    let webroot = webroot_with_page();
    let site = WebServer::start(webroot.path());
    let film = film((25, 1), 7, &conversation());
    let words =
        [film.to_str().expect("a path"), "--loop", "--size", "320x240", "--fps", "20", "--low-latency"];
    let mut live = LiveStream::start(webroot.path(), &words);
    live.wait_for_segment(3);
    let pop_on_and_paint_on = ["--says", "HELLO ALL, BELLS WILL TOLL", "--says", "PAINTED, PAINTED"];
    // In whole segments hls.js takes a line of roll-up that is on the screen for half a second, before something is painted over it, for
    // the beginning of that, unless a segment ends in between.
    let all = [&pop_on_and_paint_on[..], &["--says", "STILL ROLLING"]].concat();
    for (list, says) in [("ll.m3u8", &all[..]), ("stream.m3u8", &pop_on_and_paint_on[..])] {
        let page =
            if list == "ll.m3u8" { site.address.clone() } else { format!("{}/?src={list}", site.address) };
        judged(&[&["read_captions.mjs", page.as_str()], says].concat());
    }
}
