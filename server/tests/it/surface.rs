//! Surface of `livedir-server`: flags, exit statuses, metrics, fields of the log, held to those that are kept in `surface.txt`.
//!
//! In: clap's own description of the program, and what the running program prints. Out: nothing, or the lines that differ.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use clap::CommandFactory;
use livedir_server::cli::args::Args;

use crate::support::{Server, Webroot, compare_lines, get, surface};

const FILE: &str = "server/tests/it/surface.txt";

#[test]
fn of_the_server_nothing_that_others_use_has_changed() {
    let mut lines = BTreeSet::new();
    surface::flags(&Args::command(), &mut lines);
    exit_statuses(&mut lines);
    running(&mut lines);
    compare_lines(FILE, &lines);
}

/// Those that the program ends with, and what help says of them.
fn exit_statuses(lines: &mut BTreeSet<String>) {
    let webroot = Webroot::new();
    let nowhere = webroot.outer().join("no");
    for (why, path, words) in [
        ("help is asked for", webroot.path(), &["--help"][..]),
        ("the version is asked for", webroot.path(), &["--version"]),
        ("there is no webroot", nowhere, &[]),
        ("a flag makes no sense", webroot.path(), &["--threads", "x"]),
        ("there is no such flag", webroot.path(), &["--no-such-flag"]),
    ] {
        let status = Server::refuse(&path, words).status.code();
        lines.insert(format!("exit status: {} where {why}", status.expect("no signal")));
    }
    let help = Command::new(env!("CARGO_BIN_EXE_livedir-server")).arg("--help").output().unwrap().stdout;
    surface::exit_statuses_in("--help", &String::from_utf8(help).unwrap(), lines);
}

/// Names of metrics with their types and labels, fields of the access log in JSON, and the end by a signal.
fn running(lines: &mut BTreeSet<String>) {
    let webroot = Webroot::new();
    let log_path = webroot.outer().join("access.log");
    let log = log_path.to_str().unwrap();
    let words = [
        "--metrics-listen",
        "127.0.0.1:0",
        "--access-log",
        log,
        "--access-log-format",
        "json",
        "--threads",
        "1",
    ];
    let mut server = Server::start(&webroot.path(), &words);
    let operator = server.next_address();
    get(server.address, "/stream.m3u8", &["User-Agent: a", "Referer: http://livedir.test/"]);
    get(server.address, "/nothing", &[]);
    metrics(&get(operator, "/metrics", &[]).text(), lines);
    server.signal("TERM");
    let (status, ..) = server.wait();
    lines.insert(format!("exit status: {} after SIGTERM", status.code().expect("no signal")));
    for line in fs::read_to_string(&log_path).unwrap().lines() {
        surface::fields("access log", &serde_json::from_str(line).unwrap(), lines);
    }
}

fn metrics(text: &str, lines: &mut BTreeSet<String>) {
    for line in text.lines() {
        match line.strip_prefix("# TYPE ") {
            Some(typed) => lines.insert(format!("metric: {typed}")),
            None if line.starts_with('#') => false,
            None => lines.insert(format!("metric: {}", line.rsplit_once(' ').unwrap().0)),
        };
    }
}
