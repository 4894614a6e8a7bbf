//! Requests that wait, from outside: the real binary, over a directory that changes. The rules themselves are tested in
//! paused time beside their code.

use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use h2::client::handshake;

use crate::support::{Answer, Connection, DEADLINE, Server, Webroot, ask, get, gunzip, wait_until};

/// Segments of 20 s: nobody who waits here is given up. So many parts of the second one are listed.
pub fn list(parts: usize) -> String {
    let mut text = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:20\n\
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.6\n#EXT-X-PART-INF:PART-TARGET=0.2\n\
        #EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:20.0,\nlive/seg-00000001.ts\n"
        .to_owned();
    for part in 0..parts {
        let _ = writeln!(text, "#EXT-X-PART:DURATION=0.2,URI=\"live/seg-00000002.p{part:02}.ts\"");
    }
    let _ = writeln!(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"live/seg-00000002.p{parts:02}.ts\"");
    text
}

/// What asks for the list with one more part than `list(parts)` has.
pub fn next(parts: usize) -> String {
    format!("/ll.m3u8?_HLS_msn=2&_HLS_part={parts}")
}

fn start(webroot: &Webroot, arguments: &[&str]) -> (Server, SocketAddr) {
    let mut server =
        Server::start(&webroot.path(), &[&["--metrics-listen", "127.0.0.1:0"], arguments].concat());
    let operator = server.next_address();
    (server, operator)
}

/// The value of one line of `/metrics`.
pub fn metric(operator: SocketAddr, name: &str) -> u64 {
    let text = get(operator, "/metrics", &[]).text();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
}

#[track_caller]
fn wait_until_held(operator: SocketAddr, count: u64) {
    wait_until(&format!("{count} are held"), || metric(operator, "livedir_held_requests") == count);
}

fn ended(operator: SocketAddr, end: &str) -> u64 {
    metric(operator, &format!("livedir_holds_total{{end=\"{end}\"}}"))
}

/// Sends a request that is going to wait.
fn begin(address: SocketAddr, path: &str) -> Connection {
    let mut connection = Connection::open(address);
    connection.send("GET", path, &["Accept-Encoding: gzip"]);
    connection
}

fn finish(mut connection: Connection) -> Answer {
    let mut answer = connection.read_head();
    connection.read_body(&mut answer);
    answer
}

#[test]
fn a_list_is_held_until_it_is_replaced_and_the_connection_goes_on() {
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(1).as_bytes());
    let (server, operator) = start(&webroot, &[]);
    let mut connection = Connection::open(server.address);
    for parts in 1..4 {
        connection.send("GET", &next(parts), &[]);
        wait_until_held(operator, 1);
        webroot.replace("ll.m3u8", list(parts + 1).as_bytes());
        let mut answer = connection.read_head();
        connection.read_body(&mut answer);
        assert_eq!((answer.status, answer.text()), (200, list(parts + 1)));
        assert!(answer.header("Cache-Control").contains("no-store"), "{answer:?}");
        assert_eq!(connection.ask("GET", "/stream.m3u8", &[]).status, 200);
    }
    assert_eq!((ended(operator, "settled"), metric(operator, "livedir_held_requests")), (3, 0));
}

#[test]
fn what_is_sent_behind_a_request_that_waits_is_answered_after_it() {
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(1).as_bytes());
    let (server, operator) = start(&webroot, &[]);
    let mut connection = Connection::open(server.address);
    connection.send("HEAD", &next(1), &[]);
    wait_until_held(operator, 1);
    // Far more than is read at once.
    let long = format!("X-Long: {}", "x".repeat(3000));
    connection.send("GET", "/player/player.js", &[&long]);
    connection.send("GET", &next(2), &["Connection: close"]);
    webroot.replace("ll.m3u8", list(2).as_bytes());
    let head = connection.read_head();
    assert_eq!((head.status, head.header("Content-Length")), (200, list(2).len().to_string()));
    let mut page = connection.read_head();
    connection.read_body(&mut page);
    assert_eq!(page.text(), "export {};");
    wait_until_held(operator, 1);
    webroot.replace("ll.m3u8", list(3).as_bytes());
    let mut last = connection.read_head();
    connection.read_body(&mut last);
    assert_eq!((last.text(), last.header("Connection").as_str()), (list(3), "close"));
}

#[test]
fn whoever_speaks_http_1_0_is_held_too() {
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(1).as_bytes());
    let (server, operator) = start(&webroot, &[]);
    let url = format!("http://{}{}", server.address, next(1));
    let curl =
        Command::new("curl").args(["-s", "--http1.0", "-m", "30", &url]).stdout(Stdio::piped()).spawn();
    let curl = curl.expect("curl");
    wait_until_held(operator, 1);
    webroot.replace("ll.m3u8", list(2).as_bytes());
    assert_eq!(String::from_utf8(curl.wait_with_output().unwrap().stdout).unwrap(), list(2));
}

#[test]
fn a_part_that_is_hinted_at_is_held_until_it_is_there() {
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(1).as_bytes());
    let (server, operator) = start(&webroot, &[]);
    let hinted = "/live/seg-00000002.p01.ts";
    let waiting: Vec<_> = (0..3).map(|_| begin(server.address, hinted)).collect();
    wait_until_held(operator, 3);
    webroot.write("live/seg-00000002.p01.ts", b"a part");
    webroot.replace("ll.m3u8", list(2).as_bytes());
    for connection in waiting {
        let answer = finish(connection);
        assert_eq!((answer.status, answer.text().as_str()), (200, "a part"));
        assert_eq!(answer.header("Content-Type"), "video/mp2t");
    }
    assert_eq!(get(server.address, "/live/seg-00000002.p03.ts", &[]).status, 404, "nobody hints at it");

    // The list goes on without what it hinted at.
    let in_vain = begin(server.address, "/live/seg-00000002.p02.ts");
    wait_until_held(operator, 1);
    webroot.replace("ll.m3u8", list(3).as_bytes());
    assert_eq!(finish(in_vain).status, 404);
}

#[test]
fn parts_of_a_channel_in_a_directory_of_its_own_are_held_as_well() {
    let webroot = Webroot::new();
    webroot.write("one/live/seg-00000001.ts", b"a segment");
    webroot.write("one/ll.m3u8", list(0).as_bytes());
    let (server, operator) = start(&webroot, &["--segment-max-age", "1h"]);
    let waiting = begin(server.address, "/one/live/seg-00000002.p00.ts");
    wait_until_held(operator, 1);
    webroot.write("one/live/seg-00000002.p00.ts", b"a part");
    webroot.write("one/.ll.m3u8.new", list(1).as_bytes());
    fs::rename(webroot.path().join("one/.ll.m3u8.new"), webroot.path().join("one/ll.m3u8")).unwrap();
    let answer = finish(waiting);
    assert_eq!((answer.status, answer.text().as_str()), (200, "a part"));
    assert!(answer.header("Cache-Control").contains("immutable"), "{answer:?}");
}

#[test]
fn a_player_can_find_out_whether_a_server_holds() {
    let webroot = Webroot::new();
    let (server, _) = start(&webroot, &[]);
    let status = |path: &str| get(server.address, path, &[]).status;
    assert_eq!(status("/ll.m3u8?_HLS_part=0"), 404);
    assert_eq!(status("/stream.m3u8?_HLS_part=0"), 200, "a list that nobody can wait for");
    webroot.replace("ll.m3u8", list(0).as_bytes());
    wait_until("the list is seen", || status("/ll.m3u8?_HLS_part=0") == 400);
    fs::remove_file(webroot.path().join("ll.m3u8")).unwrap();
    wait_until("the list is missed", || status("/ll.m3u8?_HLS_part=0") == 404);
}

#[test]
fn whoever_waits_for_us_is_not_slow() {
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(1).as_bytes());
    let (server, operator) = start(&webroot, &["--client-timeout", "1s", "--idle-timeout", "1s"]);
    let began = Instant::now();
    let waiting = begin(server.address, &next(1));
    wait_until_held(operator, 1);
    // A connection that says nothing shows that its time is over.
    let silent = "livedir_limits_reached_total{limit=\"slow_head\"}";
    let _silent = Connection::open(server.address);
    wait_until("the silent one is ended", || metric(operator, silent) == 1);
    assert!(began.elapsed() > Duration::from_secs(1));
    webroot.replace("ll.m3u8", list(2).as_bytes());
    let answer = finish(waiting);
    assert_eq!((answer.status, gunzip(&answer.body)), (200, list(2).into_bytes()));
}

#[test]
fn whoever_goes_away_waits_no_more() {
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(1).as_bytes());
    let (server, operator) = start(&webroot, &[]);
    let mut waiting: Vec<_> = (0..20).map(|_| begin(server.address, &next(1))).collect();
    waiting.extend((0..20).map(|_| begin(server.address, "/live/seg-00000002.p01.ts")));
    wait_until_held(operator, 40);
    for connection in waiting {
        connection.reset();
    }
    wait_until_held(operator, 0);
    assert_eq!(ended(operator, "left"), 40);
    wait_until("their connections are gone", || metric(operator, "livedir_connections") == 1);
}

#[tokio::test]
async fn streams_of_http2_wait_beside_each_other_and_can_be_given_up() {
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(1).as_bytes());
    let (server, operator) = start(&webroot, &[]);
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let (mut client, connection) = handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut ask = |path: &str| {
        let request = http::Request::get(format!("http://livedir.test{path}")).body(()).unwrap();
        client.send_request(request, true).unwrap().0
    };
    let held = |count| tokio::task::spawn_blocking(move || wait_until_held(operator, count));
    let (first, second) = (ask(&next(1)), ask("/live/seg-00000002.p01.ts"));
    let given_up = ask(&next(1));
    let others: Vec<_> = (0..5).map(|_| ask(&next(1))).collect();
    held(8).await.unwrap();
    // The ninth of one connection.
    let refused = ask(&next(1)).await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    drop(given_up);
    held(7).await.unwrap();
    webroot.write("live/seg-00000002.p01.ts", b"a part");
    webroot.replace("ll.m3u8", list(2).as_bytes());
    for answer in [first, second].into_iter().chain(others) {
        assert_eq!(answer.await.unwrap().status(), 200);
    }
    held(0).await.unwrap();
}

/// Of each connection whose request is held. In hyper it has two buffers of 8 KiB alone.
const MOST_KIB: u64 = 10;

/// The allocator gives back what has been free for a second, the next time that something becomes free.
const BETWEEN_ROUNDS: Duration = Duration::from_millis(500);
const ROUNDS: usize = 20;

#[test]
fn nine_hundred_that_wait_again_and_again_take_less_memory_than_the_buffers_of_hyper() {
    const PLAYERS: u64 = 900;
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(1).as_bytes());
    let (server, operator) = start(&webroot, &["--threads", "1"]);
    // The first ones of all take memory for what all use.
    let first = begin(server.address, &next(1));
    wait_until_held(operator, 1);
    webroot.replace("ll.m3u8", list(2).as_bytes());
    finish(first);
    get(server.address, "/stream.m3u8", &[]);
    let Some(before_kib) = server.resident_kib() else { return };
    let mut players: Vec<_> = (0..PLAYERS).map(|_| Connection::open(server.address)).collect();
    for player in &mut players {
        assert_eq!(player.ask("HEAD", "/stream.m3u8", &[]).status, 200);
    }
    let mut of_each_kib = Vec::new();
    for parts in (2..).take(ROUNDS) {
        for player in &mut players {
            player.send("GET", &next(parts), &[]);
        }
        wait_until_held(operator, PLAYERS);
        of_each_kib.push(server.resident_kib().unwrap().saturating_sub(before_kib) / PLAYERS);
        if of_each_kib.last().is_some_and(|it| *it < MOST_KIB) {
            return;
        }
        webroot.replace("ll.m3u8", list(parts + 1).as_bytes());
        for player in &mut players {
            let mut answer = player.read_head();
            player.read_body(&mut answer);
            assert_eq!(answer.status, 200);
        }
        thread::sleep(BETWEEN_ROUNDS);
    }
    panic!("{of_each_kib:?} KiB each");
}

#[test]
fn a_stop_lets_a_thousand_go_with_the_list_as_it_is() {
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(1).as_bytes());
    let (server, operator) = start(&webroot, &["--connections-per-address", "2000"]);
    let waiting: Vec<_> = (0..999).map(|_| begin(server.address, &next(1))).collect();
    let part = begin(server.address, "/live/seg-00000002.p01.ts");
    wait_until_held(operator, 1000);
    server.signal("TERM");
    for connection in waiting {
        let answer = finish(connection);
        assert_eq!((answer.status, gunzip(&answer.body)), (200, list(1).into_bytes()));
        assert_eq!(answer.header("Connection"), "close");
    }
    let answer = finish(part);
    assert_eq!((answer.status, answer.header("Retry-After").as_str()), (503, "1"));
    let (status, _, stderr) = server.wait();
    assert!(status.success() && stderr.is_empty(), "{status} {stderr}");
}

#[test]
fn the_log_tells_waiting_from_working() {
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(1).as_bytes());
    let log_path = webroot.outer().join("access.log");
    let words = ["--access-log", log_path.to_str().unwrap(), "--access-log-format", "json"];
    let (server, operator) = start(&webroot, &words);
    let waiting = begin(server.address, &next(1));
    wait_until_held(operator, 1);
    thread::sleep(Duration::from_millis(300)); // what is measured
    webroot.replace("ll.m3u8", list(2).as_bytes());
    assert_eq!(finish(waiting).status, 200);
    assert_eq!(ask(server.address, "GET", &next(1), &[]).status, 200);
    // 0.25 s is one end of a class of the histogram.
    assert_eq!(metric(operator, "livedir_answer_seconds_count"), 2);
    server.signal("TERM");
    server.wait();
    let log = fs::read_to_string(&log_path).unwrap();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seconds = |line: usize, name: &str| lines[line][name].as_f64().unwrap();
    assert!(seconds(0, "held_s") >= 0.3 && seconds(0, "took_s") >= seconds(0, "held_s"), "{log}");
    assert!(seconds(1, "held_s") < seconds(0, "held_s"), "{log}");
    assert!(DEADLINE.as_secs_f64() > seconds(0, "took_s"));
}
