//! Signals to the running server, and what it leaves behind.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use crate::support::{Server, Webroot, get, wait_until};
use crate::tls::{Files, curl, write_certificate};

#[test]
fn sighup_opens_the_access_log_anew() {
    let webroot = Webroot::new();
    let log = webroot.outer().join("access.log");
    let server = Server::start(&webroot.path(), &["--access-log", log.to_str().unwrap()]);
    let lines = |path: &Path| fs::read_to_string(path).unwrap_or_default().lines().count();
    get(server.address, "/status.json", &[]);
    wait_until("the first line is there", || lines(&log) == 1);
    let moved = webroot.outer().join("access.log.1");
    for round in 1..4 {
        fs::rename(&log, &moved).unwrap();
        server.signal("HUP");
        // Without a request, too: whoever packs the old one waits for that.
        wait_until("there is a new file", || log.exists());
        let before = lines(&moved);
        get(server.address, "/status.json", &[]);
        wait_until("the next line is in the new file", || lines(&log) == 1);
        assert_eq!(lines(&moved), before, "round {round}");
    }
    server.signal("TERM");
    assert!(server.wait().0.success());
}

/// The same length and the same date as before: nobody could see that it is new.
fn write_unseen(path: &Path, pem: &[u8]) {
    let mut padded = pem.to_vec();
    padded.resize(4096, b'\n');
    fs::write(path, padded).unwrap();
    File::options().write(true).open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
}

#[test]
fn sighup_reads_the_certificate_again() {
    let webroot = Webroot::new();
    let [used, old, new] = ["used", "old", "new"].map(|name| write_certificate(webroot.outer(), name));
    let put = |from: &Files| {
        write_unseen(&used.certificate, &fs::read(&from.certificate).unwrap());
        write_unseen(&used.key, &fs::read(&from.key).unwrap());
    };
    put(&old);
    let server = Server::start(&webroot.path(), &used.flags());
    let trusts = |files: &Files| {
        let trust = ["--cacert", files.certificate.to_str().unwrap()];
        curl(&trust, "https", server.address, "/").is_some()
    };
    assert!(trusts(&old));
    put(&new);
    server.signal("HUP");
    wait_until("the new certificate is used", || trusts(&new));
    assert!(!trusts(&old));
}

#[test]
fn whenever_it_is_stopped_neither_pid_file_nor_socket_is_left() {
    let webroot = Webroot::new();
    let [pid_path, socket] = ["server.pid", "livedir.sock"].map(|name| webroot.outer().join(name));
    let unix = format!("unix:{}", socket.display());
    let words = ["--listen", &unix, "--pid-file", pid_path.to_str().unwrap()];
    let beside = || {
        let names = fs::read_dir(webroot.outer()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    let before = beside();
    // As soon as the one or the other is there, and in the middle of the end.
    for round in 0..12 {
        let mut child = Server::command(&webroot.path(), &words).spawn().unwrap();
        let first = if round % 2 == 0 { &socket } else { &pid_path };
        wait_until("it has begun", || first.exists());
        let signal = |name| {
            assert!(
                Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success()
            );
        };
        signal(["TERM", "INT"][round / 2 % 2]);
        if round % 3 == 0 {
            signal("TERM");
        }
        let status = child.wait().unwrap();
        assert!(status.success(), "round {round}: {status}");
        assert_eq!(beside(), before, "round {round}");
    }
}
