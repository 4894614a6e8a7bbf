//! The page close behind the camera through nginx, while the server that holds its requests goes away and comes back.

use super::low_latency::{FAST, STREAM, free_address, start_server};
use super::{Page, beside_other_browsers, webroot_with_page};
use crate::support::nginx::Nginx;
use crate::support::programs::LiveStream;

/// Seconds that the page is looked at while nobody holds its requests, and for how many of them the picture may stand: a
/// busy machine takes its time.
const LOOKED_AT: usize = 20;
const MOST_STANDING: usize = 10;

#[test]
fn the_page_goes_on_while_nobody_holds_its_requests() {
    let _turn = beside_other_browsers();
    let webroot = webroot_with_page();
    let mut live = LiveStream::start(webroot.path(), &STREAM);
    let address = free_address();
    let server = start_server(webroot.path(), address);
    let nginx = Nginx::start_before(webroot.path(), address);
    live.wait_for_segment(4);
    let asked = [&FAST[..], &["--seconds", "5", "--until-restart"]].concat();
    let mut page = Page::open(&nginx.address, &asked);
    page.wait_for_line(r#""event":"ready-for-restart""#);
    let before = page.account.len();
    server.kill();
    // Finished parts and the list as it is are on disk; if that is not enough, so is the plain list.
    for _ in 0..LOOKED_AT {
        page.wait_for_line(r#""event":"sample""#);
    }
    let standing = longest_standing(&page.account[before..]);
    assert!(standing <= MOST_STANDING, "it stood for {standing} s:\n{}", page.account[before..].join("\n"));

    let _server = start_server(webroot.path(), address);
    page.say("restart-done");
    page.wait_for_line(r#""event":"ok""#);
}

/// The times of the picture, a second apart.
fn times(account: &[String]) -> Vec<String> {
    let samples = account.iter().filter(|line| line.contains(r#""event":"sample""#));
    let time = |line: &str| {
        let (_, rest) = line.split_once(r#""currentTime":"#)?;
        rest.split_once(',').map(|(time, _)| time.to_owned())
    };
    samples.filter_map(|line| time(line)).collect()
}

/// For how many seconds it was the same one.
fn longest_standing(account: &[String]) -> usize {
    let times = times(account);
    times.chunk_by(|one, next| one == next).map(|same| same.len() - 1).max().unwrap_or(0)
}
