//! Bytes of the publisher: every segment and part that it makes of films that are the same each time, held to the digests that
//! are kept in `bytes.txt`.
//!
//! In: the films of `films`, made by the ffmpeg program without anything that differs from run to run, and the pictures of
//! `encoded`. Out: the same bytes, or structure, as when the file was written, or the names and sizes of what is now another.
//!
//! A film has a line of its own. Where it is another, as another version of the ffmpeg program or another processor makes it, that is
//! said, and of what becomes of it the number of segments and parts alone is compared.

mod encoded;
mod films;

use std::fs;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use crate::support::kept::{Entry, compare_digests};
use crate::support::programs::publisher;
use films::{FILMS, Film};

const FILE: &str = "publisher/tests/it/bytes.txt";

#[test]
fn the_publisher_makes_the_bytes_that_it_made() {
    let mut entries: Vec<Entry> = FILMS.iter().flat_map(of_film).collect();
    entries.extend(encoded::entries());
    compare_digests(FILE, &entries);
}

/// The film itself, and what becomes of it.
fn of_film(film: &Film) -> [Entry; 2] {
    let path = film.path();
    let webroot = tempfile::tempdir().unwrap();
    let mut command = publisher();
    command.args(["live", path.to_str().unwrap(), "--copy", "--fast", "--window", "100", "--webroot"]);
    let ended = command.arg(webroot.path()).args(film.flags).output().expect("the program under test");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{}: {said}", film.name);
    let made = Made::read(webroot.path());
    assert!(made.segments > 0, "{}: {said}", film.name);
    let mut source = Entry {
        name: format!("the film of {}", film.name),
        facts: "-".to_owned(),
        whole: fs::read(path).unwrap(),
        only_facts: false,
    };
    source.only_facts = !is_kept(&source.line());
    if source.only_facts {
        eprintln!("{} is not what it was when {FILE} was written; its bytes are not compared", source.name);
    }
    let copied = Entry {
        name: format!("{} {}", film.name, film.flags.join(" ")).trim_end().to_owned(),
        facts: format!("{} segments, {} parts", made.segments, made.parts),
        whole: made.listing.into_bytes(),
        only_facts: source.only_facts,
    };
    [source, copied]
}

/// Whether the record has this line.
fn is_kept(line: &str) -> bool {
    let kept = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(FILE));
    kept.is_ok_and(|text| text.lines().any(|it| it == line))
}

/// What lies in a webroot.
struct Made {
    segments: usize,
    parts: usize,
    /// A line for each file with its size and the digest of its bytes.
    listing: String,
}

impl Made {
    fn read(webroot: &Path) -> Self {
        let names = names_of(webroot);
        let line = |name: &String| {
            let bytes = fs::read(webroot.join("live").join(name)).unwrap();
            format!("{name} {} bytes {:016x}\n", bytes.len(), xxh3_64(&bytes))
        };
        let parts = names.iter().filter(|name| name.contains(".p")).count();
        Self { segments: names.len() - parts, parts, listing: names.iter().map(line).collect() }
    }
}

/// The segments and parts of a webroot, in order.
fn names_of(webroot: &Path) -> Vec<String> {
    let names = fs::read_dir(webroot.join("live")).unwrap();
    let mut names: Vec<String> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| Path::new(name).extension().is_some_and(|ending| ending == "ts"));
    names.sort();
    names
}
