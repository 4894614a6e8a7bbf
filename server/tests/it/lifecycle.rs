//! Start, refusal to start, log, pid file and end of the program.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use crate::support::{Connection, Server, Webroot, get, wait_until};

/// Larger than what the kernel buffers on a connection.
const LARGE_BYTES: usize = 32 << 20;

fn large_segment(webroot: &Webroot) {
    File::create(webroot.path().join("live/large.ts")).unwrap().set_len(LARGE_BYTES as u64).unwrap();
}

/// Starts an answer and reads none of its body.
fn start_large_answer(server: &Server) -> (Connection, crate::support::Answer) {
    let mut connection = Connection::open(server.address);
    connection.send("GET", "/live/large.ts", &[]);
    let head = connection.read_head();
    assert_eq!(head.status, 200);
    (connection, head)
}

#[test]
fn a_stop_finishes_the_answers_that_run_and_leaves_nothing() {
    for signal in ["TERM", "INT"] {
        let webroot = Webroot::new();
        large_segment(&webroot);
        let pid_path = webroot.outer().join("server.pid");
        let server = Server::start(&webroot.path(), &["--pid-file", pid_path.to_str().unwrap()]);
        assert_eq!(fs::read_to_string(&pid_path).unwrap(), format!("{}\n", server.pid()));
        let mut idle = Connection::open(server.address);
        assert_eq!(idle.ask("GET", "/", &[]).status, 200);
        let (mut connection, mut answer) = start_large_answer(&server);

        server.signal(signal);
        wait_until("no more connections are accepted", || TcpStream::connect(server.address).is_err());
        connection.read_body(&mut answer);
        assert_eq!(answer.body.len(), LARGE_BYTES);

        let (status, _, stderr) = server.wait();
        assert!(status.success(), "{status}: {stderr}");
        assert_eq!(stderr, "", "nothing had to be cut off");
        assert!(!pid_path.exists());
    }
}

#[test]
fn a_client_that_stops_reading_cannot_prevent_the_end() {
    let webroot = Webroot::new();
    large_segment(&webroot);
    let server = Server::start(&webroot.path(), &[]);
    let stuck = start_large_answer(&server);
    server.signal("TERM");
    let (status, _, stderr) = server.wait();
    assert!(status.success(), "{status}");
    assert!(stderr.contains("responses aborted at shutdown"), "{stderr}");
    drop(stuck);
}

#[test]
fn a_client_that_goes_away_harms_nobody() {
    let webroot = Webroot::new();
    large_segment(&webroot);
    let server = Server::start(&webroot.path(), &[]);
    for _ in 0..20 {
        drop(start_large_answer(&server));
    }
    assert_eq!(get(server.address, "/stream.m3u8", &[]).status, 200);
}

#[track_caller]
fn check_refused(webroot: &Path, arguments: &[&str], code: i32, expected: &[&str]) {
    let output = Server::refuse(webroot, arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert_eq!(output.stdout, b"", "no address is printed");
    for part in expected {
        assert!(stderr.contains(part), "{part:?} is not in {stderr:?}");
    }
    if code == 1 {
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn a_server_that_cannot_start_says_what_to_do() {
    let webroot = Webroot::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let port = taken.local_addr().unwrap().port().to_string();
    let pid_path = webroot.outer().join("server.pid");
    let pid_file = pid_path.to_str().unwrap();
    check_refused(
        &webroot.path(),
        &["--listen", &address, "--pid-file", pid_file],
        1,
        &[&port, "in use", "--listen"],
    );
    assert!(!pid_path.exists());

    check_refused(&webroot.outer().join("no"), &[], 1, &["no does not exist", "--webroot"]);
    check_refused(&webroot.outer().join("secret"), &[], 1, &["secret is not a directory", "--webroot"]);
    check_refused(&webroot.path(), &["--pid-file", "/no-such/x.pid"], 1, &["/no-such/x.pid", "--pid-file"]);
    check_refused(
        &webroot.path(),
        &["--access-log", "/no-such/x.log"],
        1,
        &["/no-such/x.log", "--access-log"],
    );
    check_refused(
        &webroot.path(),
        &["--listen", "everywhere:8080"],
        2,
        &["'everywhere:8080'", "0.0.0.0:8080"],
    );
    check_refused(&webroot.path(), &["--segment-max-age", "5"], 2, &["'5'", "30s"]);
}

#[test]
fn a_webroot_with_nothing_for_viewers_is_warned_of_and_served() {
    let empty = tempfile::tempdir().unwrap();
    let server = Server::start(empty.path(), &[]);
    assert_eq!(get(server.address, "/", &[]).status, 404);
    fs::write(empty.path().join("stream.m3u8"), "#EXTM3U\n").unwrap();
    assert_eq!(get(server.address, "/stream.m3u8", &[]).status, 200);
    server.signal("TERM");
    let (status, _, stderr) = server.wait();
    assert!(status.success(), "{status}");
    let warned = stderr
        .lines()
        .filter(|line| line.contains("WARN") && line.contains("no index.html and no stream.m3u8"));
    assert_eq!(warned.count(), 1, "{stderr}");
}

#[test]
fn each_request_is_one_line_of_the_access_log() {
    let webroot = Webroot::new();
    let log_path = webroot.outer().join("access.log");
    fs::write(&log_path, "an earlier line\n").unwrap();
    let server = Server::start(&webroot.path(), &["--access-log", log_path.to_str().unwrap()]);
    let agent = "User-Agent: Player \"1\" \t2";
    let status_length = fs::metadata(webroot.path().join("status.json")).unwrap().len();
    let mut connection = Connection::open(server.address);
    connection.ask("GET", "/status.json?a=%22", &[agent, "Referer: http://livedir.test/"]);
    connection.ask("HEAD", "/status.json", &[]);
    connection.ask("GET", "/.git/config", &[]);
    connection.ask("POST", "/", &["Content-Length: 0"]);
    server.signal("TERM");
    assert!(server.wait().0.success());

    let log = fs::read_to_string(&log_path).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 5, "{log}");
    assert_eq!(lines[0], "an earlier line");
    for (line, expected) in lines[1..].iter().zip([
        format!("\"GET /status.json?a=%22 HTTP/1.1\" 200 {status_length} \"http://livedir.test/\" \"Player \\x221\\x22 \\x092\""),
        "\"HEAD /status.json HTTP/1.1\" 200 0 \"-\" \"-\"".to_owned(),
        "\"GET /.git/config HTTP/1.1\" 404 10 \"-\" \"-\"".to_owned(),
        "\"POST / HTTP/1.1\" 405 19 \"-\" \"-\"".to_owned(),
    ]) {
        assert!(line.starts_with("127.0.0.1 - - [") && line.ends_with(&expected), "{line}");
    }
}

#[test]
fn the_access_log_can_go_to_stdout_after_the_address() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &["--access-log", "-"]);
    get(server.address, "/stream.m3u8", &[]);
    server.signal("TERM");
    let (_, stdout, _) = server.wait();
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    assert!(stdout.contains("\"GET /stream.m3u8 HTTP/1.1\" 200"), "{stdout}");
}

#[test]
fn a_log_that_nobody_reads_holds_up_no_answer() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &["--access-log", "-"]);
    // Stdout is a pipe that this test does not read: 64 KiB in the kernel, then the queue, then lines are dropped.
    let agent = format!("User-Agent: {}", "a".repeat(1000));
    let mut connection = Connection::open(server.address);
    for _ in 0..5000 {
        assert_eq!(connection.ask("HEAD", "/status.json", &[&agent]).status, 200);
    }
    server.signal("TERM");
    wait_until("the server stops listening", || TcpStream::connect(server.address).is_err());
}
