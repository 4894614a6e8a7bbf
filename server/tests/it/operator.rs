//! What an operator sees: `/metrics` and `/healthz` on their own port.

use std::fs::File;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use crate::support::{Connection, Server, Webroot, ask, get, wait_until};

fn start(webroot: &Webroot) -> (Server, SocketAddr) {
    let flags = ["--metrics-listen", "127.0.0.1:0", "--client-timeout", "1s"];
    let mut server = Server::start(&webroot.path(), &flags);
    let operator = server.next_address();
    (server, operator)
}

/// The value of one line of `/metrics`.
fn metric(operator: SocketAddr, name: &str) -> u64 {
    let text = get(operator, "/metrics", &[]).text();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
}

#[test]
fn requests_bytes_and_viewers_are_counted() {
    let webroot = Webroot::new();
    let (server, operator) = start(&webroot);
    let mut connections: Vec<_> = (0..8).map(|_| Connection::open(server.address)).collect();
    for (number, connection) in connections.iter_mut().enumerate() {
        let agent = format!("User-Agent: Player/{}", number / 2);
        assert_eq!(connection.ask("GET", "/stream.m3u8", &[&agent]).status, 200);
        assert_eq!(connection.ask("GET", "/live/seg-00000001.ts", &[&agent]).status, 200);
        assert_eq!(connection.ask("GET", "/live/none.ts", &[&agent]).status, 404);
    }
    for (name, expected) in [
        ("livedir_requests_total{kind=\"playlist\",status=\"2xx\"}", 8),
        ("livedir_requests_total{kind=\"segment\",status=\"2xx\"}", 8),
        ("livedir_requests_total{kind=\"segment\",status=\"4xx\"}", 8),
        ("livedir_answer_seconds_count", 24),
        ("livedir_viewers", 4),
    ] {
        assert_eq!(metric(operator, name), expected, "{name}");
    }
    let sent = metric(operator, "livedir_sent_bytes_total");
    assert!(sent > 8 * 200_000 && sent < 9 * 200_000, "{sent}");
    assert!(metric(operator, "livedir_connections") >= 8);
    drop(connections);
    wait_until("only this one is open", || metric(operator, "livedir_connections") == 1);
}

#[test]
fn whoever_runs_into_a_limit_is_counted() {
    let webroot = Webroot::new();
    let (server, operator) = start(&webroot);
    let _silent = Connection::open(server.address);
    let name = "livedir_limits_reached_total{limit=\"slow_head\"}";
    wait_until("the silent connection is ended", || metric(operator, name) >= 1);
    let answer = ask(server.address, "GET", "/", &["Content-Length: 1", "", "a"]);
    assert_eq!(answer.status, 413);
    assert_eq!(metric(operator, "livedir_limits_reached_total{limit=\"body\"}"), 1);
}

#[test]
fn health_is_the_age_of_the_playlist() {
    let webroot = Webroot::new();
    let (server, operator) = start(&webroot);
    let healthz = || get(operator, "/healthz", &[]);
    assert_eq!(healthz().status, 200);
    let low_latency = || File::options().write(true).open(webroot.path().join("ll.m3u8")).unwrap();
    webroot.write("ll.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n");
    assert_eq!(healthz().status, 200);
    low_latency().set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
    let stands_still = healthz();
    assert!(stands_still.status == 503 && stands_still.text().starts_with("ll.m3u8 is "), "{stands_still:?}");
    let playlist = File::options().write(true).open(webroot.path().join("stream.m3u8")).unwrap();
    playlist.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
    let answer = healthz();
    assert_eq!(answer.status, 503);
    let text = answer.text();
    assert!(text.contains("three target durations of 2 s") && text.lines().count() == 1, "{text}");
    std::fs::remove_file(webroot.path().join("stream.m3u8")).unwrap();
    assert!(healthz().text().contains("does not exist"));
    webroot.replace("stream.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-ENDLIST\n");
    assert_eq!(healthz().text(), "the stream has ended\n");

    // Neither port answers for the other.
    assert_eq!(get(operator, "/stream.m3u8", &[]).status, 404);
    assert_eq!(get(server.address, "/metrics", &[]).status, 404);
    assert_eq!(ask(operator, "POST", "/metrics", &["Content-Length: 0"]).status, 405);
}
