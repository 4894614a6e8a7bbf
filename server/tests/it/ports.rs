//! Where the server listens, and whom it believes: several ports, unix sockets, sockets of systemd, proxies.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::{Command, Stdio};

use crate::support::{Connection, DEADLINE, Server, Webroot, get};

/// The whole answer to one request over a unix socket.
fn ask_unix(path: &std::path::Path, headers: &str) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let request = format!("GET /status.json HTTP/1.1\r\nHost: a\r\n{headers}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn proxies_name_the_viewer_when_they_are_trusted() {
    let webroot = Webroot::new();
    let (socket, log) = (webroot.outer().join("livedir.sock"), webroot.outer().join("access.log"));
    let unix = format!("unix:{}", socket.display());
    let mut flags = vec!["--listen", "127.0.0.1:0", "--listen", &unix];
    flags.extend(["--access-log", log.to_str().unwrap(), "--access-log-format", "json"]);
    let lines = |server: Server| {
        server.signal("TERM");
        assert!(server.wait().0.success());
        let text = fs::read_to_string(&log).unwrap();
        fs::remove_file(&log).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.map(|line| line["client"].clone()).collect::<Vec<_>>()
    };
    let forwarded = "X-Forwarded-For: 203.0.113.9, 198.51.100.7";

    let server = Server::start(&webroot.path(), &flags);
    assert_eq!(get(server.address, "/status.json", &[forwarded]).status, 200);
    assert!(ask_unix(&socket, &format!("{forwarded}\r\n")).starts_with("HTTP/1.1 200"));
    assert!(ask_unix(&socket, "").starts_with("HTTP/1.1 200"));
    let clients = lines(server);
    assert_eq!(clients, ["127.0.0.1".into(), "198.51.100.7".into(), serde_json::Value::Null]);
    assert!(!socket.exists(), "the socket goes with the server");

    flags.extend(["--forwarded-from", "127.0.0.0/8"]);
    let server = Server::start(&webroot.path(), &flags);
    get(server.address, "/status.json", &[forwarded]);
    assert_eq!(lines(server), ["198.51.100.7"]);
}

#[test]
fn systemd_hands_over_its_socket_and_hears_when_it_is_served() {
    let webroot = Webroot::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heard_path = webroot.outer().join("notify.sock");
    let heard = UnixDatagram::bind(&heard_path).unwrap();
    heard.set_read_timeout(Some(DEADLINE)).unwrap();
    // As systemd does it: the socket is file 3, and the process that has it is named.
    let mut command = Command::new("sh");
    command.args(["-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\" 3<&0"]);
    command.arg(env!("CARGO_BIN_EXE_livedir-server")).arg("--webroot").arg(webroot.path());
    command.args(["--access-log", "off"]).env("NOTIFY_SOCKET", &heard_path).env("RUST_LOG", "warn");
    command.stdin(Stdio::from(OwnedFd::from(listener))).stdout(Stdio::piped()).stderr(Stdio::piped());
    let server = Server::spawn(command);
    let next = || {
        let mut message = [0; 64];
        let count = heard.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..count]).trim_end().to_owned()
    };
    assert_eq!(server.address, address);
    assert_eq!(next(), "READY=1");
    assert_eq!(get(address, "/status.json", &[]).status, 200);
    server.signal("TERM");
    assert_eq!(next(), "STOPPING=1");
    assert!(server.wait().0.success());
}

#[test]
fn all_threads_answer_on_one_port_and_a_second_server_is_told() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &["--threads", "4"]);
    // With connections spread by chance, 64 of them leave none of four threads out.
    let mut connections: Vec<_> = (0..64).map(|_| Connection::open(server.address)).collect();
    for connection in &mut connections {
        assert_eq!(connection.ask("GET", "/status.json", &[]).status, 200);
    }
    let refused =
        Server::refuse(&webroot.path(), &["--listen", &server.address.to_string(), "--threads", "4"]);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("in use"));
}

#[test]
fn ipv6_is_listened_on_beside_ipv4() {
    let webroot = Webroot::new();
    let mut server = Server::start(&webroot.path(), &["--listen", "127.0.0.1:0", "--listen", "[::]:0"]);
    let both = server.next_address();
    assert_eq!(get(server.address, "/status.json", &[]).status, 200);
    assert_eq!(get(both, "/status.json", &[]).status, 200, "[::] alone is for IPv4 too");
    assert_eq!(get(([0, 0, 0, 0, 0, 0, 0, 1], both.port()).into(), "/status.json", &[]).status, 200);
}
