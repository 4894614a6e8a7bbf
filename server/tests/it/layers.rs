//! Which folder of the server may use which: a request goes down, and nothing looks back up.

use std::fs;
use std::path::Path;

use crate::support::layers::{Uses, circles_across_folders, in_circles, read};

/// Folders and files of `server/src`, from above to below: each uses those below it alone.
///
/// `listen` stands below `connections`, which take what comes from its sockets.
const ORDER: [&str; 11] = [
    "cli",
    "connections",
    "listen",
    "operator",
    "site",
    "blocking",
    "memory",
    "accounts",
    "webroot",
    "budget",
    "http",
];

/// They put the folders together, and the seeds of the fuzzer are checked against several.
const ROOTS: [&str; 3] = ["main", "lib", "fuzz_corpus"];

/// Fewer would mean that the sources are not read any more.
const FEWEST_USES: usize = 40;

#[test]
fn no_folder_of_the_server_uses_one_above_it() {
    let uses = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "crate::", &ORDER, &ROOTS);
    assert!(uses.upward.is_empty(), "{:#?}", uses.upward);
    assert!(uses.count >= FEWEST_USES, "only {} uses were found", uses.count);
}

#[test]
fn no_files_of_the_server_use_each_other_in_a_circle() {
    let in_circles = in_circles(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &ROOTS);
    assert!(in_circles.is_empty(), "{in_circles:#?}");
}

/// Writes sources of two folders, `above` and `below`; the second of these files is the one that is under test.
#[track_caller]
fn check(path: &str, text: &str, expected: (usize, &[&str])) {
    let sources = sources_of(&[("above/mod.rs", "use crate::below::A;"), (path, text)]);
    let upward = expected.1.iter().map(|line| (*line).to_owned()).collect();
    let actual = read(sources.path(), "crate::", &["above", "below"], &["lib"]);
    assert_eq!(actual, Uses { upward, count: expected.0 }, "{text}");
}

#[test]
fn a_use_of_what_is_above_is_found_however_it_is_written() {
    check("below/a.rs", "use crate::above::A;", (2, &["below/a.rs uses above"]));
    check("below.rs", "use crate::above::A;", (2, &["below.rs uses above"]));
    check("below/a.rs", "use crate::{\n    below::{B, C},\n    above,\n};", (2, &["below/a.rs uses above"]));
    check("below/a.rs", "let a = crate::above::a();", (2, &["below/a.rs uses above"]));
    check("below/a.rs", "use crate::Settings;", (2, &["below/a.rs uses Settings"]));
    let behind = "#[cfg(test)]\nmod tests {\n    use super::*;\n}\nuse crate::above::A;\n";
    check("below/a.rs", behind, (2, &["below/a.rs uses above"]));
    let leaves = "below/a.rs leaves its folder with super::; write crate::";
    check("below/a.rs", "use super::super::above::A;", (1, &[leaves]));
    check("beside/a.rs", "", (1, &["beside has no place in the order yet"]));
}

#[test]
fn what_is_below_or_a_test_or_a_comment_may_be_used() {
    check("above/a.rs", "use crate::below::A;", (2, &[]));
    check("below/a.rs", "use super::b::B;\nuse crate::below::c::C;", (1, &[]));
    check(
        "below/a.rs",
        "// As in crate::above::A\n#[cfg(test)]\nmod tests {\n    use crate::above::A;\n}",
        (1, &[]),
    );
    check("below/tests.rs", "use crate::above::A;", (1, &[]));
    check("lib.rs", "use crate::above::A;", (1, &[]));
}

fn sources_of(files: &[(&str, &str)]) -> tempfile::TempDir {
    let sources = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = sources.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    sources
}

#[track_caller]
fn check_circles(files: &[(&str, &str)], expected: &[&str]) {
    let sources = sources_of(files);
    assert_eq!(in_circles(sources.path(), &["lib"]), expected, "{files:?}");
}

#[test]
fn files_that_use_each_other_in_a_circle_are_found() {
    check_circles(&[("a/b.rs", "use super::c::C;"), ("a/c.rs", "use super::b::B;")], &["a::b", "a::c"]);
    let through = [
        ("a.rs", "use crate::b;"),
        ("b.rs", "use crate::{d, c::{C, E}};"),
        ("c.rs", "crate::a::f();"),
        ("d.rs", ""),
    ];
    check_circles(&through, &["a", "b", "c"]);
    check_circles(&[("a/mod.rs", "use b::B;"), ("a/b.rs", "use super::{A, c};")], &["a", "a::b"]);
    check_circles(&[("a/mod.rs", "use b::B;"), ("a/b.rs", "pub(super) fn f() {}")], &[]);
    check_circles(
        &[
            ("a/b.rs", "use super::c::C;"),
            ("a/c.rs", "#[cfg(test)]\nmod tests {\n    use super::super::b;\n}\n"),
        ],
        &[],
    );
    check_circles(
        &[("a.rs", "// As crate::b\n"), ("b.rs", "use crate::a::A;"), ("lib.rs", "use b::B;")],
        &[],
    );
}

#[track_caller]
fn check_across_folders(files: &[(&str, &str)], expected: &[&str]) {
    let sources = sources_of(files);
    assert_eq!(circles_across_folders(sources.path(), &["lib"]), expected, "{files:?}");
}

#[test]
fn a_folder_may_go_in_a_circle_with_its_files_alone() {
    check_across_folders(&[("a/mod.rs", "use b::B;"), ("a/b.rs", "use super::A;")], &[]);
    check_across_folders(&[("a/mod.rs", "use b::c::C;"), ("a/b/c.rs", "use super::super::A;")], &[]);
    check_across_folders(&[("a/b.rs", "use super::c::C;"), ("a/c.rs", "use super::b::B;")], &["a::b, a::c"]);
    check_across_folders(
        &[("a/b.rs", "use crate::c::d::D;"), ("c/d.rs", "crate::a::b::f()")],
        &["a::b, c::d"],
    );
    check_across_folders(&[("a.rs", "use crate::b::B;"), ("b.rs", "use crate::a::A;")], &["a, b"]);
}
