//! Suites that others have made, over the running server. What they find is on a page with a reason each, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::net::{Shutdown, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::as_written::exchange;
use crate::blocking::list;
use crate::support::{Server, Webroot};
use crate::tls::write_certificate;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/http-suites.md");

/// Built and installed by `just setup-tests`.
fn program(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suites/.programs").join(path);
    assert!(path.exists(), "{} is not there; `just setup-tests` installs it", path.display());
    path
}

/// The findings of a suite that the page gives a reason for.
fn known(suite: &str) -> BTreeSet<String> {
    let page = fs::read_to_string(PAGE).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix(&format!("| {suite} | ")));
    rows.map(|row| {
        let (finding, reason) = row.split_once(" | ").unwrap();
        assert!(reason.len() > 10, "{row}");
        finding.to_owned()
    })
    .collect()
}

#[track_caller]
fn check_known(suite: &str, found: &BTreeSet<String>, told: &str) {
    let known = known(suite);
    let new: Vec<_> = found.difference(&known).collect();
    assert!(new.is_empty(), "not on {PAGE}: {new:#?}\n{told}");
}

/// The server with HTTP and HTTPS.
fn start(webroot: &Webroot) -> (Server, SocketAddr, SocketAddr) {
    let files = write_certificate(webroot.outer(), "one");
    let ports = ["--listen", "127.0.0.1:0", "--listen", "http://127.0.0.1:0"];
    let mut server = Server::start(&webroot.path(), &[&files.flags()[..], &ports].concat());
    let (https, http) = (server.address, server.next_address());
    (server, http, https)
}

#[test]
fn h2spec_finds_nothing_that_has_no_reason() {
    let webroot = Webroot::new();
    let (_server, http, https) = start(&webroot);
    for (address, words) in [(http, &[][..]), (https, &["-t", "-k"])] {
        let (mut found, mut told) = h2spec(address, words);
        // What depends on who comes first does not fail each time.
        for _ in 0..2 {
            found.retain(|finding| !known("h2spec").contains(finding));
            if found.is_empty() {
                break;
            }
            let again = h2spec(address, words);
            found.retain(|finding| again.0.contains(finding));
            told = again.1;
        }
        check_known("h2spec", &found, &told);
    }
}

/// The cases that failed, and all that it told.
fn h2spec(address: SocketAddr, words: &[&str]) -> (BTreeSet<String>, String) {
    let mut command = Command::new(program("h2spec"));
    command.args(["-h", "127.0.0.1", "-p", &address.port().to_string(), "-P", "/stream.m3u8", "-o", "5"]);
    let output = command.args(words).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("\n145 tests, "), "{told}");
    // "× 2: Sends …", where they are told together.
    let failures = told.split_once("\nFailures:").map_or("", |(_, failures)| failures);
    let found = failures.lines().filter_map(|line| Some(line.trim().strip_prefix("× ")?.split_once(": ")?.1));
    (found.map(str::to_owned).collect(), told)
}

/// One of each kind of resource and of each status.
fn answers(address: SocketAddr) -> Vec<(String, String)> {
    let get = |path: &str, lines: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: a\r\n{lines}Connection: close\r\n\r\n")
    };
    let mut requests = vec![
        get("/stream.m3u8", ""),
        get("/stream.m3u8?low-latency", ""),
        get("/ll.m3u8", ""),
        get("/live/seg-00000001.ts", ""),
        get("/live/seg-00000001.ts", "Range: bytes=0-187\r\n"),
        get("/live/seg-00000001.ts", "Range: bytes=0-187,376-563\r\n"),
        get("/live/seg-00000001.ts", "Range: bytes=900000-\r\n"),
        get("/live/seg-00000001.ts", "If-None-Match: *\r\n"),
        get("/live/seg-00000001.ts", "If-Match: \"x\"\r\n"),
        get("/", ""),
        get("/player/player.js", ""),
        get("/status.json", ""),
        get("/nothing", ""),
        get(&format!("/{}", "a".repeat(9000)), ""),
        get("/", "Host: b\r\n"),
    ];
    requests.push("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned());
    let answers = requests.iter().map(|request| {
        let answer = exchange(address, request.as_bytes(), Some(Shutdown::Write));
        (request.lines().next().unwrap().chars().take(60).collect(), answer)
    });
    answers.collect()
}

#[test]
fn httplint_finds_nothing_that_has_no_reason() {
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(1).as_bytes());
    let server = Server::start(&webroot.path(), &[]);
    let mut found = BTreeSet::new();
    let answers = answers(server.address);
    assert_eq!(answers.len(), 16);
    for (request, answer) in answers {
        let mut command = Command::new(program("lint/bin/httplint"));
        let mut lint =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        lint.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let output = lint.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && told.contains("* ["), "{request}: {told}{stderr}");
        let bad = told.lines().filter_map(|line| {
            let finding = line.trim();
            finding.strip_prefix("* [BAD] ").or_else(|| finding.strip_prefix("* [WARN] "))
        });
        let bad = bad.map(str::to_owned).collect();
        check_known("httplint", &bad, &format!("{request}\n{told}"));
        found.extend(bad);
    }
    assert_eq!(found, known("httplint"), "rows that nobody finds any more");
}

#[test]
fn openssl_agrees_on_tls_1_2_and_1_3_alone() {
    let webroot = Webroot::new();
    let (_server, _, https) = start(&webroot);
    for (version, agreed) in
        [("tls1", None), ("tls1_1", None), ("tls1_2", Some("TLSv1.2")), ("tls1_3", Some("TLSv1.3"))]
    {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-connect", &https.to_string(), &format!("-{version}")]);
        // Else it would not even offer the old ones.
        command.args(["-cipher", "DEFAULT:@SECLEVEL=0"]).stdin(Stdio::null());
        let output = command.output().expect("openssl is not installed; `just setup-tests` installs it");
        let told = [&output.stdout[..], &output.stderr].concat();
        let told = String::from_utf8_lossy(&told);
        if let Some(name) = agreed {
            assert!(told.contains(&format!("New, {name}, Cipher is ")), "{version}: {told}");
        } else {
            assert!(told.contains("Cipher is (NONE)"), "{version}: {told}");
            assert!(told.contains("SSL alert number"), "{version}: the server has refused it: {told}");
        }
    }
}
