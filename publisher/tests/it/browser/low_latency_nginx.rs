//! The page close behind the camera through nginx, while the server that holds its requests goes away and comes back.

use super::low_latency::{FAST, STREAM, free_address, start_server};
use super::{Page, one_browser_at_a_time, webroot_with_page};
use crate::support::nginx::Nginx;
use crate::support::programs::LiveStream;

/// Looks a second apart at a picture that stands: for a player that has nothing in stock, a new one with another list and
/// its first segment is what it takes, and a busy machine takes its time.
const MOST_STANDING: usize = 15;

#[test]
fn the_page_goes_on_with_the_plain_list_while_nobody_holds_its_requests() {
    let _turn = one_browser_at_a_time();
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
    page.wait_for_line(r#""pace":"smooth""#);
    // Two pictures of it: it plays.
    let smooth = page.account.len();
    while moving(&page.account[smooth..]) < 2 {
        page.wait_for_line(r#""event":"sample""#);
    }
    let standing = longest_standing(&page.account[before..]);
    println!("the picture stood for {standing} s at most");
    assert!(standing <= MOST_STANDING, "the picture stood:\n{}", page.account[before..].join("\n"));

    let _server = start_server(webroot.path(), address);
    page.wait_for_line(r#""pace":"fast""#);
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

/// How often the picture was another one than a second before.
fn moving(account: &[String]) -> usize {
    times(account).windows(2).filter(|pair| pair[0] != pair[1]).count()
}

/// For how many seconds it was the same one.
fn longest_standing(account: &[String]) -> usize {
    let times = times(account);
    times.chunk_by(|one, next| one == next).map(|same| same.len() - 1).max().unwrap_or(0)
}
