//! HTTPS and HTTP/2, asked with curl, and the change of a certificate under a running server.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::blocking::{list, metric, next};
use crate::support::{DEADLINE, Server, Webroot, segment, wait_until};

pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// A new key and a certificate for localhost that nobody else has signed.
pub fn write_certificate(directory: &Path, name: &str) -> Files {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let files = Files {
        certificate: directory.join(format!("{name}.crt")),
        key: directory.join(format!("{name}.key")),
    };
    fs::write(&files.certificate, made.cert.pem()).unwrap();
    fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    files
}

impl Files {
    pub fn flags(&self) -> [&str; 4] {
        ["--tls-cert", self.certificate.to_str().unwrap(), "--tls-key", self.key.to_str().unwrap()]
    }
}

/// The version of HTTP, the status and the body; `None` when curl does not trust the server.
pub fn curl(flags: &[&str], scheme: &str, address: SocketAddr, path: &str) -> Option<(String, Vec<u8>)> {
    let url = format!("{scheme}://localhost:{}{path}", address.port());
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "20", "--noproxy", "*", "--ipv4"]);
    command.args(["--write-out", "\n%{http_version} %{http_code}"]);
    let output =
        command.args(flags).arg(url).output().expect("curl is not installed; `just setup-tests` installs it");
    let trusted = output.status.code() != Some(60);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || !trusted, "{flags:?} {path}: {stderr}");
    let end = output.stdout.iter().rposition(|&byte| byte == b'\n').unwrap();
    let version = String::from_utf8(output.stdout[end + 1..].to_vec()).unwrap();
    trusted.then(|| (version, output.stdout[..end].to_vec()))
}

#[track_caller]
fn check(flags: &[&str], scheme: &str, address: SocketAddr, expected: &str) {
    let (version, body) =
        curl(flags, scheme, address, "/live/seg-00000001.ts").expect("a trusted certificate");
    assert_eq!(version, expected, "{flags:?}");
    assert_eq!(body, segment(), "{flags:?}");
}

#[test]
fn each_port_speaks_both_versions_of_http() {
    let webroot = Webroot::new();
    let files = write_certificate(webroot.outer(), "one");
    let ports = ["--listen", "127.0.0.1:0", "--listen", "http://127.0.0.1:0"];
    let mut server = Server::start(&webroot.path(), &[&files.flags()[..], &ports].concat());
    let (https, http) = (server.address, server.next_address());
    let trust = ["--cacert", files.certificate.to_str().unwrap()];
    check(&trust, "https", https, "2 200");
    check(&[&trust[..], &["--http1.1"]].concat(), "https", https, "1.1 200");
    check(&[&trust[..], &["--tls-max", "1.2"]].concat(), "https", https, "2 200");
    check(&["--http2-prior-knowledge"], "http", http, "2 200");
    check(&[], "http", http, "1.1 200");
    let (answer, body) = curl(&["--http2-prior-knowledge", "-X", "POST"], "http", http, "/").unwrap();
    assert_eq!((answer.as_str(), &body[..]), ("2 405", &b"method not allowed\n"[..]));
}

#[test]
fn a_connection_that_rests_between_two_requests_is_the_same_afterwards() {
    let webroot = Webroot::new();
    let files = write_certificate(webroot.outer(), "one");
    let server = Server::start(&webroot.path(), &files.flags());
    let url = format!("https://localhost:{}/live/seg-00000001.ts", server.address.port());
    let mut command = Command::new("curl");
    command.args(["--silent", "--http1.1", "--noproxy", "*", "--ipv4", "--rate", "24/m", "--cacert"]);
    command.arg(&files.certificate).args(["--write-out", "<%{num_connects} %{http_code}>"]);
    let output = command.args([&url, &url]).output().unwrap();
    let expected = [&segment()[..], b"<1 200>", &segment(), b"<0 200>"].concat();
    assert!(output.stdout == expected, "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn requests_that_wait_over_tls_are_answered_on_the_same_connection() {
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(1).as_bytes());
    let files = write_certificate(webroot.outer(), "one");
    let words = [&files.flags()[..], &["--metrics-listen", "127.0.0.1:0"]].concat();
    let mut server = Server::start(&webroot.path(), &words);
    let operator = server.next_address();
    let url = |parts| format!("https://localhost:{}{}", server.address.port(), next(parts));
    let mut command = Command::new("curl");
    command.args(["--silent", "--http1.1", "--noproxy", "*", "--ipv4", "--max-time", "20", "--cacert"]);
    command.arg(&files.certificate).args(["--write-out", "<%{num_connects} %{http_code}>", &url(1), &url(2)]);
    let curl = command.stdout(Stdio::piped()).spawn().unwrap();
    for parts in 1..3 {
        wait_until("one more is held", || {
            metric(operator, "livedir_holds_total{end=\"settled\"}") == parts - 1
                && metric(operator, "livedir_held_requests") == 1
        });
        webroot.replace("ll.m3u8", list(parts as usize + 1).as_bytes());
    }
    let output = String::from_utf8(curl.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(output, format!("{}<1 200>{}<0 200>", list(2), list(3)));
}

/// RFC 8446 4: a `ClientHello` of 64,000 bytes, of which the last ones never come, in records.
fn hello_without_an_end() -> Vec<u8> {
    let hello = [&[1, 0, 0xfa, 0, 3, 3][..], &vec![9; 63_000]].concat();
    let record = |part: &[u8]| [&[22, 3, 1][..], &(part.len() as u16).to_be_bytes(), part].concat();
    hello.chunks(16_000).flat_map(record).collect()
}

#[test]
fn a_handshake_without_an_end_is_not_kept_and_a_long_one_is_finished() {
    let webroot = Webroot::new();
    let files = write_certificate(webroot.outer(), "one");
    let log = webroot.outer().join("access.log");
    let words = ["--metrics-listen", "127.0.0.1:0", "--access-log", log.to_str().unwrap()];
    let patient = ["--access-log-format", "json", "--client-timeout", "10m"];
    let mut server = Server::start(&webroot.path(), &[&files.flags()[..], &words, &patient].concat());
    let operator = server.next_address();
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    // It may be closed before all is sent.
    let _ = stream.write_all(&hello_without_an_end());
    let end = stream.read_to_end(&mut Vec::new());
    assert!(!end.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "it is waited for");
    // The connection is closed before it is counted.
    wait_until("it is counted", || metric(operator, "livedir_malformed_total{kind=\"tls\"}") == 1);
    wait_until("it has its line", || fs::read_to_string(&log).unwrap().contains("no TLS: a message without"));

    // Five times what any browser sends.
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&files.certificate).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = (0..40).map(|number| vec![b'a' + number; 250]).collect();
    config.alpn_protocols.push(b"http/1.1".to_vec());
    let client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut tls = StreamOwned::new(client, TcpStream::connect(server.address).unwrap());
    tls.sock.set_read_timeout(Some(DEADLINE)).unwrap();
    tls.write_all(b"GET /live/seg-00000001.ts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    tls.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(&segment()));
}

#[test]
fn a_new_certificate_is_taken_up_and_a_bad_one_is_not() {
    let webroot = Webroot::new();
    let [used, old] = ["used", "old"].map(|name| write_certificate(webroot.outer(), name));
    let new = write_certificate(webroot.outer(), "new");
    fs::copy(&used.certificate, &old.certificate).unwrap();
    let log = webroot.outer().join("log");
    let mut command = Server::command(&webroot.path(), &used.flags());
    command.stderr(File::create(&log).unwrap());
    let server = Server::spawn(command);
    let trusts = |files: &Files| {
        let trust = ["--cacert", files.certificate.to_str().unwrap()];
        curl(&trust, "https", server.address, "/").is_some()
    };
    let warnings = || {
        fs::read_to_string(&log)
            .unwrap()
            .matches("certificate not reloaded; the old one stays in use")
            .count()
    };
    assert!(trusts(&old) && !trusts(&new));

    fs::write(&used.certificate, "no certificate").unwrap();
    wait_until("the bad certificate is reported", || warnings() > 0);
    assert!(trusts(&old));

    fs::copy(&new.key, &used.key).unwrap();
    let beside = webroot.outer().join("beside");
    fs::copy(&new.certificate, &beside).unwrap();
    fs::rename(beside, &used.certificate).unwrap();
    wait_until("the new certificate is used", || trusts(&new));
    assert!(!trusts(&old));
    // Between key and certificate there may have been a look or two.
    assert!(warnings() <= 2, "each state is reported once");
}

#[test]
fn a_certificate_that_does_not_fit_is_refused_at_the_start() {
    let webroot = Webroot::new();
    let [one, two] = ["one", "two"].map(|name| write_certificate(webroot.outer(), name));
    let mixed = Files { certificate: one.certificate, key: two.key };
    let output = Server::refuse(&webroot.path(), &mixed.flags());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("do not match") && stderr.lines().count() == 1, "{stderr}");
    let output = Server::refuse(&webroot.path(), &["--listen", "https://127.0.0.1:0"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("--tls-cert"));
}
