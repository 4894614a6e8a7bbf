//! The first look at the page: no error in the console whoever serves it, and what it says and shows to whom.

use super::low_latency::{STREAM, free_address, start_server};
use super::{beside_other_browsers, judged, webroot_with_page};
use crate::support::nginx::Nginx;
use crate::support::programs::LiveStream;

#[track_caller]
fn looks_good(address: &str, asked: &[&str]) {
    judged(&[&["first_look.mjs", address], asked].concat());
}

#[test]
fn the_page_is_good_at_first_sight_and_asks_nobody_for_what_is_not_there() {
    let _turn = beside_other_browsers();
    let webroot = webroot_with_page();
    let mut live = LiveStream::start(webroot.path(), &STREAM);
    let address = free_address();
    let _server = start_server(webroot.path(), address);
    live.wait_for_segment(4);
    looks_good(&format!("http://{address}/"), &[]);
    let alone = Nginx::start(webroot.path());
    looks_good(&alone.address, &["--pace", "smooth", "--console-only"]);
    let before_the_server = Nginx::start_before(webroot.path(), address);
    looks_good(&before_the_server.address, &["--pace", "fast", "--console-only"]);
}
