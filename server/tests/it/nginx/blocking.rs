//! Real nginx with the committed configuration in front of `livedir-server`, which has to do what nginx cannot: wait.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::blocking::{list, metric, next};
use crate::lost_parts::last_lost;
use crate::support::{Connection, Nginx, Server, Webroot, get, wait_until};

/// As it stands in the configuration.
const UPSTREAM: &str = "server 127.0.0.1:8081 fail_timeout=1s;";

/// A server that comes back has to listen where it did before.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap()
}

fn start_server(webroot: &Webroot, address: SocketAddr) -> Server {
    start_server_with(webroot, address, &[])
}

fn start_server_with(webroot: &Webroot, address: SocketAddr, also: &[&str]) -> Server {
    let words = ["--listen", &address.to_string(), "--forwarded-from", "127.0.0.1"];
    Server::start(&webroot.path(), &[&words, also].concat())
}

fn start_nginx(webroot: &Webroot, servers: &[SocketAddr]) -> Nginx {
    let upstream: String =
        servers.iter().map(|it| UPSTREAM.replace("127.0.0.1:8081", &it.to_string())).collect();
    Nginx::start(&webroot.path(), &[(UPSTREAM, &upstream)])
}

/// Asks for what comes next, and whether there is no answer yet after a moment.
fn begin(nginx: &Nginx, path: &str) -> Connection {
    let mut connection = Connection::open(nginx.address);
    connection.send("GET", path, &[]);
    assert!(!connection.answers_within(Duration::from_millis(300)), "{path} is not held");
    connection
}

fn finish(mut connection: Connection) -> (u16, String) {
    let mut answer = connection.read_head();
    connection.read_body(&mut answer);
    (answer.status, answer.text())
}

#[test]
fn lists_and_parts_that_are_not_there_yet_are_waited_for_through_nginx() {
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(1).as_bytes());
    webroot.write("live/seg-00000002.p00.ts", b"the first part");
    let address = free_address();
    let _server = start_server(&webroot, address);
    let nginx = start_nginx(&webroot, &[address]);
    let (waiting, part) = (begin(&nginx, &next(1)), begin(&nginx, "/live/seg-00000002.p01.ts"));
    webroot.write("live/seg-00000002.p01.ts", b"a part");
    webroot.replace("ll.m3u8", list(2).as_bytes());
    assert_eq!(finish(waiting), (200, list(2)));
    assert_eq!(finish(part), (200, "a part".to_owned()));

    // The headers of both servers are the same, and each is there once.
    let held = get(nginx.address, &next(1), &[]);
    let from_disk = get(nginx.address, "/ll.m3u8", &[]);
    for field in [
        "Content-Type",
        "Cache-Control",
        "Pragma",
        "Expires",
        "Access-Control-Allow-Origin",
        "Access-Control-Expose-Headers",
        "X-Content-Type-Options",
    ] {
        assert_eq!(held.header(field), from_disk.header(field), "{field}");
    }
    assert_eq!(get(nginx.address, &next(1), &["Accept-Encoding: gzip"]).header("Content-Encoding"), "gzip");
    for (path, status) in [
        ("/ll.m3u8?_HLS_part=0", 400),
        ("/ll.m3u8?_HLS_msn=9", 400),
        ("/live/seg-00000002.p00.ts", 200),
        ("/live/seg-00000009.p00.ts", 404),
        ("/one/ll.m3u8?_HLS_msn=9", 404),
        ("/one/ll.m3u8", 404),
    ] {
        let answer = get(nginx.address, path, &[]);
        assert_eq!(answer.status, status, "{path}");
        let is_never_cached = answer.header("Cache-Control") == "no-cache, no-store, must-revalidate";
        assert_eq!(is_never_cached, status != 200, "{path}: {answer:?}");
    }
}

#[test]
fn a_part_that_is_lost_is_not_found_at_once_through_nginx() {
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(1).as_bytes());
    let address = free_address();
    let _server = start_server(&webroot, address);
    let nginx = start_nginx(&webroot, &[address]);
    let (waiting, part) = (begin(&nginx, &next(1)), begin(&nginx, "/live/seg-00000002.p01.ts"));
    webroot.replace("ll.m3u8", last_lost(2).as_bytes());
    assert_eq!(finish(part), (404, "not found\n".to_owned()));
    assert_eq!(finish(waiting), (200, last_lost(2)));
    let answer = get(nginx.address, "/live/seg-00000002.p01.ts", &[]);
    assert_eq!((answer.status, answer.header("Cache-Control").contains("no-store")), (404, true));
}

#[test]
fn without_the_server_plain_hls_goes_on_and_with_it_low_latency_comes_back() {
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(1).as_bytes());
    webroot.write("live/seg-00000002.p00.ts", b"a part");
    let address = free_address();
    let server = start_server(&webroot, address);
    let nginx = start_nginx(&webroot, &[address]);
    let waiting = begin(&nginx, &next(1));
    drop(server);
    assert_eq!(finish(waiting).0, 502, "whoever waited knows at once");
    for path in ["/", "/stream.m3u8", "/ll.m3u8", "/live/seg-00000001.ts", "/live/seg-00000002.p00.ts"] {
        assert_eq!(get(nginx.address, path, &[]).status, 200, "{path}");
    }
    for path in [next(1).as_str(), "/ll.m3u8?_HLS_part=0", "/live/seg-00000002.p01.ts"] {
        let answer = get(nginx.address, path, &[]);
        assert_eq!((answer.status, answer.text().as_str()), (502, "not available now\n"), "{path}");
        assert!(answer.header("Cache-Control").contains("no-store"), "{answer:?}");
    }
    let _server = start_server(&webroot, address);
    wait_until("nginx asks the server again", || {
        get(nginx.address, "/ll.m3u8?_HLS_part=0", &[]).status == 400
    });
    let waiting = begin(&nginx, &next(1));
    webroot.replace("ll.m3u8", list(2).as_bytes());
    assert_eq!(finish(waiting), (200, list(2)));
}

#[test]
fn of_two_servers_one_may_go_and_no_player_notices() {
    const PLAYERS: usize = 16;
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(0).as_bytes());
    let addresses = [free_address(), free_address()];
    let mut servers = addresses.map(|address| Some(start_server(&webroot, address)));
    let nginx = start_nginx(&webroot, &addresses);
    let (is_over, answered, parts) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..PLAYERS {
            scope.spawn(|| {
                let mut connection = Connection::open(nginx.address);
                let mut wanted = 0;
                while !is_over.load(Ordering::Acquire) {
                    let answer = connection.ask("GET", &next(wanted), &[]);
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    // A server that stops sends the list as it is.
                    wanted = answer.text().matches("#EXT-X-PART:").count();
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let publish = || {
            let count = parts.fetch_add(1, Ordering::Relaxed) + 1;
            webroot.replace("ll.m3u8", list(count).as_bytes());
        };
        // Each player has so many answers more, whatever became of the servers.
        let go_on = |rounds: usize| {
            let (until, start) = (answered.load(Ordering::Relaxed) + rounds * PLAYERS, Instant::now());
            while answered.load(Ordering::Relaxed) < until {
                assert!(start.elapsed() < Duration::from_secs(30), "players stand still");
                publish();
                thread::sleep(Duration::from_millis(50)); // the length of a part
            }
        };
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            go_on(5);
            drop(servers[0].take()); // killed
            go_on(5);
            let words = ["--metrics-listen", "127.0.0.1:0"];
            let mut back = start_server_with(&webroot, addresses[0], &words);
            let operator = back.next_address();
            servers[0] = Some(back);
            // For a second nginx does not ask it.
            while metric(operator, "livedir_holds_total{end=\"settled\"}") == 0 {
                go_on(1);
            }
            let leaving = servers[1].take().unwrap();
            leaving.signal("TERM");
            go_on(5);
            assert!(leaving.wait().0.success());
        }));
        is_over.store(true, Ordering::Release);
        // Whoever still waits.
        publish();
        publish();
        if let Err(panic) = result {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Where the page is sent that asks for low latency.
fn link(address: SocketAddr, path: &str) -> (u16, String) {
    let answer = get(address, path, &[]);
    (answer.status, answer.header("Link"))
}

#[test]
fn a_page_learns_through_nginx_whether_somebody_waits_and_is_never_told_of_an_error() {
    const ASKS: &str = "/stream.m3u8?low-latency";
    let webroot = Webroot::new();
    let address = free_address();
    let server = start_server(&webroot, address);
    let nginx = start_nginx(&webroot, &[address]);
    for at in [address, nginx.address] {
        assert_eq!(link(at, ASKS), (200, String::new()), "there is no such list");
    }
    webroot.replace("ll.m3u8", list(1).as_bytes());
    for at in [address, nginx.address] {
        assert_eq!(link(at, ASKS), (200, "<ll.m3u8>; rel=\"alternate\"".to_owned()));
        assert_eq!(link(at, "/stream.m3u8"), (200, String::new()));
        assert_eq!(link(at, "/ll.m3u8?low-latency"), (200, String::new()));
        assert_eq!(link(at, "/nothing.m3u8?low-latency"), (404, String::new()));
    }
    let (asked, plain) = (get(nginx.address, ASKS, &[]), get(nginx.address, "/stream.m3u8", &[]));
    assert_eq!(asked.text(), plain.text());
    drop(server);
    assert_eq!(link(nginx.address, ASKS), (200, String::new()), "nobody waits");
    let from_disk = get(nginx.address, ASKS, &[]);
    for field in ["Content-Type", "Cache-Control", "Pragma", "Expires", "Last-Modified"] {
        assert_eq!(asked.header(field), plain.header(field), "{field}");
        assert_eq!(from_disk.header(field), plain.header(field), "{field}");
    }
    // That of the server is made of the content; nginx's own could be that of another list.
    assert_eq!(from_disk.header("ETag"), "");
    assert_eq!(link(nginx.address, "/nothing.m3u8?low-latency"), (404, String::new()));
}
