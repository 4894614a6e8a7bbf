//! A ladder in a real browser: the page plays it, and changes between its sizes are not seen.

use super::low_latency::FAST;
use super::{Page, beside_other_browsers, judged, webroot_with_page, without_other_browsers};
use crate::support::programs::{LiveStream, WebServer};
use crate::support::wait_for;

const STREAM: [&str; 5] = ["test", "--segment-duration", "1s", "--ladder", "320x240@600k,160x120@200k"];

fn wait_for_ladder(webroot: &std::path::Path) {
    wait_for("a multivariant playlist", crate::support::programs::PATIENCE, || {
        std::fs::read_to_string(webroot.join("stream.m3u8")).ok().filter(|it| it.contains("STREAM-INF"))
    });
}

#[test]
fn hls_js_changes_between_sizes_without_a_stall_or_a_leap() {
    let _turn = without_other_browsers();
    let webroot = webroot_with_page();
    let site = WebServer::start(webroot.path());
    let _live = LiveStream::start(webroot.path(), &STREAM);
    wait_for_ladder(webroot.path());
    judged(&["switch.mjs", &site.address, "stream.m3u8", "--switches", "4"]);
}

#[test]
fn the_page_plays_a_ladder_close_behind_the_camera() {
    let _turn = beside_other_browsers();
    let webroot = webroot_with_page();
    let site = WebServer::start(webroot.path());
    let _live = LiveStream::start(webroot.path(), &[&STREAM[..], &["--low-latency"]].concat());
    wait_for_ladder(webroot.path());
    // Which size it chooses is its own affair.
    let size_at = FAST.iter().position(|word| *word == "--size").unwrap();
    let asked: Vec<_> = FAST
        .iter()
        .enumerate()
        .filter(|(n, _)| ![size_at, size_at + 1].contains(n))
        .map(|(_, it)| *it)
        .collect();
    let asked = [&asked[..], &["--seconds", "10", "--median-latency", "2"]].concat();
    Page::open(&site.address, &asked).wait_for_line(r#""event":"ok""#);
}
