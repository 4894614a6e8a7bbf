//! Hundreds of paths that lead out of webroot, or seem to: all of them refused, in words that repeat nothing.

use crate::support::{Connection, Server, Webroot};

/// One path a line.
const TRICKS: &str = include_str!("path-tricks.txt");

#[test]
fn no_trick_with_a_path_reaches_a_file_or_an_echo() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    let mut count = 0;
    for trick in TRICKS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        count += 1;
        for method in ["GET", "HEAD"] {
            // A refusal of what is no path ends the connection.
            let mut connection = Connection::open(server.address);
            connection.send(method, trick, &[]);
            let mut answer = connection.read_head();
            assert!([400, 404].contains(&answer.status), "{method} {trick}: {}", answer.status);
            assert_eq!(answer.header("Location"), "", "{trick}");
            if method == "GET" {
                connection.read_body(&mut answer);
            }
            let text = answer.text();
            assert!(text.is_empty() || text == "not found\n", "{trick}: {text:?}");
        }
    }
    assert!(count >= 300, "{count}");
}
