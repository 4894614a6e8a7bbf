//! Low latency in a real browser: the page on `ll.m3u8`, through restarts of either program.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;

use super::{
    Page, beside_other_browsers, driver_directory, judged, webroot_with_page, without_other_browsers,
};
use crate::support::live_source::LiveSource;
use crate::support::nginx::Nginx;
use crate::support::programs::{LiveStream, PATIENCE, Running, WebServer, lose_and_find, server};
use crate::support::wait_for;

/// Segments of a second: a player starts with the third. One test takes those that are usual.
pub(super) const STREAM: [&str; 6] =
    ["test", "--size", "320x240", "--low-latency", "--segment-duration", "1s"];
const USUAL: [&str; 4] = ["test", "--size", "320x240", "--low-latency"];

/// So close to the live edge nothing is in stock, and a machine that is busy elsewhere shows: with patience, the page is
/// asked for so many seconds on end without a stall, not for the first ones.
pub(super) const FAST: [&str; 10] = [
    "--pace",
    "fast",
    "--size",
    "320x240",
    "--start-within",
    "60",
    "--resume-within",
    "40",
    "--patience",
    "40",
];

#[test]
fn the_page_plays_close_behind_the_camera() {
    let _turn = beside_other_browsers();
    let webroot = webroot_with_page();
    let site = WebServer::start(webroot.path());
    let mut live = LiveStream::start(webroot.path(), &USUAL);
    live.wait_for_segment(2);
    // Far above what it is on a machine with nothing else to do, far below what the plain list can reach.
    let asked = [&FAST[..], &["--seconds", "15", "--median-latency", "2"]].concat();
    Page::open(&site.address, &asked).wait_for_line(r#""event":"ok""#);
}

#[test]
fn what_the_page_says_of_its_latency_is_what_the_picture_shows() {
    let _turn = without_other_browsers();
    let webroot = webroot_with_page();
    let site = WebServer::start(webroot.path());
    let mut live = LiveStream::start(webroot.path(), &STREAM);
    live.wait_for_segment(2);
    let figures =
        judged(&["latency.mjs", &site.address, "--pace", "fast", "--seconds", "8", "--settle", "4"]);
    let read: serde_json::Value = serde_json::from_str(&figures).unwrap();
    let seconds = |of: &str, what: &str| read[of][what].as_f64().unwrap_or_else(|| panic!("{figures}"));
    let page_s = read["page_median_s"].as_f64().unwrap_or_else(|| panic!("{figures}"));
    // Of the same pictures, whatever else the machine does.
    assert!(seconds("apart", "median_s").abs() <= 0.1, "{figures}");
    // Of the same seconds.
    assert!((seconds("drawn", "median_s") - page_s).abs() <= 0.5, "{figures}");
}

#[test]
fn the_page_goes_on_close_behind_while_the_source_is_lost_and_found() {
    let _turn = beside_other_browsers();
    let webroot = webroot_with_page();
    let site = WebServer::start(webroot.path());
    let source = LiveSource::start();
    let url = source.url();
    let words = [&[url.as_str()], &STREAM[1..]].concat();
    let mut live = LiveStream::start(webroot.path(), &words);
    live.wait_for_segment(2);
    let asked = [&FAST[..], &["--seconds", "5", "--until-restart"]].concat();
    let mut page = Page::open(&site.address, &asked);
    page.wait_for_line(r#""event":"ready-for-restart""#);
    let repairs_before = page.repairs();
    lose_and_find(&source, &live);
    page.say("restart-done");
    page.wait_for_line(r#""event":"went-on""#);
    assert!(page.account.last().unwrap().contains(r#""pace":"fast""#), "{}", page.account.join("\n"));
    assert_eq!(page.repairs(), repairs_before, "{}", page.account.join("\n"));
    assert_eq!(live.count("source_losses"), 1, "{}", live.publisher.output());
}

impl Page {
    /// The server goes away for three seconds: the page notices, asks for it, and goes on when it is back.
    #[track_caller]
    pub(super) fn stays_while_the_server_is_away(
        &mut self,
        server: Running,
        webroot: &Path,
        address: SocketAddr,
    ) -> Running {
        self.wait_for_line(r#""event":"ready-for-restart""#);
        server.kill();
        // A line a second.
        for _ in 0..3 {
            self.wait_for_line(r#""event":"sample""#);
        }
        let server = start_server(webroot, address);
        self.say("restart-done");
        self.wait_until_it_went_on("server away for three seconds");
        server
    }

    /// Tells how long it took, which also depends on the machine.
    #[track_caller]
    pub(super) fn wait_until_it_went_on(&mut self, scene: &str) {
        self.wait_for_line(r#""event":"went-on""#);
        println!("{scene}: {}", self.account.last().unwrap());
    }

    /// How often the page had to mend its player, by the last look at it.
    #[track_caller]
    fn repairs(&self) -> u64 {
        let mut samples = self.account.iter().rev().filter_map(|line| serde_json::from_str(line).ok());
        let repairs = samples.find_map(|sample: serde_json::Value| sample["recoveries"].as_u64());
        repairs.expect("the driver has looked at the page")
    }
}

#[test]
fn the_page_goes_on_close_behind_the_camera_after_a_restart_of_the_publisher() {
    goes_on_after_a_restart_of_the_publisher(webroot_with_page().path());
}

#[test]
fn the_page_goes_on_after_a_restart_of_the_publisher_with_an_older_hls_js() {
    let webroot = webroot_with_page();
    let older = driver_directory().join("node_modules/hls.js-1.6.16/dist/hls.min.js");
    fs::copy(older, webroot.path().join("player/node_modules/hls.js/dist/hls.min.js")).unwrap();
    goes_on_after_a_restart_of_the_publisher(webroot.path());
}

#[test]
fn the_page_goes_on_close_behind_the_camera_after_a_restart_of_the_server() {
    let _turn = beside_other_browsers();
    let webroot = webroot_with_page();
    let mut live = LiveStream::start(webroot.path(), &STREAM);
    let address = free_address();
    let server = start_server(webroot.path(), address);
    live.wait_for_segment(2);
    let asked = [&FAST[..], &["--seconds", "5", "--until-restart"]].concat();
    let mut page = Page::open(&format!("http://{address}/"), &asked);
    let _server = page.stays_while_the_server_is_away(server, webroot.path(), address);
    page.wait_for_line(r#""event":"ok""#);
}

#[test]
fn the_page_plays_the_plain_list_where_nobody_holds_requests() {
    let _turn = beside_other_browsers();
    let webroot = webroot_with_page();
    let mut live = LiveStream::start(webroot.path(), &STREAM);
    let site = Nginx::start(webroot.path());
    live.wait_for_segment(4);
    assert!(webroot.path().join("ll.m3u8").exists(), "the fast list is there to be taken by mistake");
    let asked = [
        "--pace",
        "smooth",
        "--size",
        "320x240",
        "--seconds",
        "10",
        "--start-within",
        "60",
        "--patience",
        "40",
    ];
    Page::open(&site.address, &asked).wait_for_line(r#""event":"ok""#);
}

#[test]
fn the_page_plays_the_plain_list_while_the_fast_one_comes_to_grief() {
    let _turn = beside_other_browsers();
    let webroot = webroot_with_page();
    let site = WebServer::start(webroot.path());
    let mut live = LiveStream::start(webroot.path(), &STREAM);
    live.wait_for_segment(3);
    judged(&["fall_back.mjs", &site.address]);
}

#[track_caller]
fn goes_on_after_a_restart_of_the_publisher(webroot: &Path) {
    let _turn = beside_other_browsers();
    let site = WebServer::start(webroot);
    let mut live = LiveStream::start(webroot, &STREAM);
    live.wait_for_segment(2);
    let asked = [&FAST[..], &["--seconds", "5", "--until-restart"]].concat();
    let mut page = Page::open(&site.address, &asked);
    page.wait_for_line(r#""event":"ready-for-restart""#);
    live.publisher.kill();
    let _live = LiveStream::start(webroot, &STREAM);
    page.say("restart-done");
    page.wait_for_line(r#""event":"ok""#);
}

/// A restarted server has to listen where the old one did.
pub(super) fn start_server(webroot: &Path, address: SocketAddr) -> Running {
    let words = ["--listen", &address.to_string(), "--access-log", "off", "--webroot"];
    let mut server = Running::start(server().args(words).arg(webroot));
    wait_for("the server to listen", PATIENCE, || {
        assert!(server.still_runs(), "the server has ended:\n{}", server.output());
        TcpStream::connect(address).ok()
    });
    server
}

pub(super) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap()
}
