//! A stream that is copied, in a real browser: the source goes away, its slate stands in for it, and it comes back.

use super::{Page, beside_other_browsers, webroot_with_page};
use crate::support::live_source::LiveSource;
use crate::support::programs::{LiveStream, PATIENCE, WebServer, lose_and_find};
use crate::support::wait_for;

#[test]
fn hls_js_plays_from_the_source_into_the_slate_and_back_without_a_stall() {
    let _turn = beside_other_browsers();
    let webroot = webroot_with_page();
    let site = WebServer::start(webroot.path());
    let source = LiveSource::start();
    let mut live = LiveStream::start(webroot.path(), &[&source.url(), "--copy"]);
    live.wait_for_segment(3);
    let asked = ["--mode", "hls", "--seconds", "30", "--size", "320x240", "--start-within", "60"];
    let mut page = Page::open(&site.address, &asked);
    page.wait_for_line(r#""event":"playing""#);
    lose_and_find(&source, &live);
    wait_for("the source to be copied again", PATIENCE, || {
        (live.playlist()?.segments.iter().filter(|segment| segment.discontinuity).count() >= 2).then_some(())
    });
    page.wait_for_line(r#""event":"ok""#);
}
