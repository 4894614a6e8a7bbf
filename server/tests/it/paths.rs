//! What must not be served: hidden names, everything outside webroot, everything that is no file.

use std::fs;

use crate::support::{Server, Webroot, ask, get, wait_until};

#[track_caller]
fn check_missing(server: &Server, path: &str) {
    for method in ["GET", "HEAD"] {
        let answer = ask(server.address, method, path, &[]);
        assert_eq!(answer.status, 404, "{method} {path}");
        if method == "GET" {
            assert_eq!(answer.text(), "not found\n", "the same for all, naming nothing: {path}");
        }
    }
}

#[test]
fn hidden_names_do_not_exist() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    for path in [
        "/live/.seg-00000002.ts.a1b2",
        "/live/%2eseg-00000002.ts.a1b2",
        "/live/%2Eseg-00000002.ts.a1b2",
        "/live%2f.seg-00000002.ts.a1b2",
        "/.git/config",
        "/%2egit/config",
        "//.git//config",
        "/./.git/config",
        "/.git/",
        "/live/./seg-00000001.ts",
    ] {
        check_missing(&server, path);
    }
}

#[test]
fn no_spelling_leads_out_of_webroot() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    for path in [
        "/../secret",
        "/live/../../secret",
        "/live/..",
        "/..",
        "/%2e%2e/secret",
        "/%2E%2E/secret",
        "/.%2e/secret",
        "/%2e./secret",
        "/..%2fsecret",
        "/%2e%2e%2fsecret",
        "/live%2f..%2f..%2fsecret",
        "/..%5csecret",
        "/..\\secret",
        "/%5c..%5csecret",
        "/%252e%252e/secret",
        "/%252e%252e%252fsecret",
        "/..%00/secret",
        "/secret%00",
        "/..;/secret",
        "/%c0%ae%c0%ae/secret",
        "/%e0%80%ae%e0%80%ae/secret",
        "/%uff0e%uff0e/secret",
        "/..%c0%afsecret",
        "/....//secret",
        "/%2f..%2fsecret",
        "//../secret",
        "/live/../index.html",
        "/etc/passwd",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/C:/secret",
        "/file:///etc/passwd",
        "/leaving",
        "/up/secret",
        "/up/webroot/stream.m3u8",
    ] {
        check_missing(&server, path);
    }
    check_missing(&server, &format!("{}/secret", webroot.outer().display()));
}

#[test]
fn only_files_exist() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    for path in [
        "/live",
        "/live/",
        "/player",
        "/player/sub",
        "/live/fifo.ts",
        "/zero",
        "/stream.m3u8/",
        "/stream.m3u8/x",
        "/stream.m3u",
        "/STREAM.M3U8",
        "/live/seg-00000001.ts%00.m3u8",
        "/live/seg-00000001.ts%20",
        "/%zz",
        "/%",
    ] {
        check_missing(&server, path);
    }
    check_missing(&server, &format!("/{}", "n".repeat(300)));
    check_missing(&server, &"/n".repeat(3000));
}

#[test]
fn honest_spellings_reach_their_file() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    for (path, text) in [
        ("/player/sub/", "sub"),
        ("/player//sub/index.html", "sub"),
        ("/%70layer/sub/index%2ehtml?v=1", "sub"),
        ("/caf%C3%A9%201.html", "caf\u{e9}"),
        ("http://livedir.test/player/sub/", "sub"),
    ] {
        let answer = get(server.address, path, &[]);
        assert_eq!((answer.status, answer.text().as_str()), (200, text), "{path}");
    }
    let linked = get(server.address, "/staying.m3u8", &[]);
    assert_eq!(
        linked.body,
        get(server.address, "/stream.m3u8", &[]).body,
        "a link within webroot is followed"
    );
}

#[test]
fn a_webroot_may_be_deleted_and_recreated() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    assert_eq!(get(server.address, "/stream.m3u8", &[]).status, 200);
    fs::remove_dir_all(webroot.path()).unwrap();
    // What is in memory is looked at again ten times a second, or when notify tells of it.
    wait_until("it is gone", || get(server.address, "/stream.m3u8", &[]).status == 404);
    check_missing(&server, "/stream.m3u8");
    webroot.write("stream.m3u8", b"#EXTM3U\n");
    assert_eq!(get(server.address, "/stream.m3u8", &[]).text(), "#EXTM3U\n");
}
