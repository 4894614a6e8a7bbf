//! What is spoiled is told by `inspect` and `check`, and nothing else is.

use std::fs;
use std::path::{Path, PathBuf};

use livedir_layout::names::{number_of_name, part_name, part_of_name, segment_name};
use livedir_playlist::Edge;

use super::kinds::{Webroot, copy};
use super::looks::{Look, drawn};
use crate::support::check::check;

/// What was spoiled.
struct Row {
    name: &'static str,
    spoil: fn(&Spot),
    /// What is looked at.
    subject: &'static str,
    /// What `inspect` says of it.
    says: &'static str,
    /// The rules that `check` finds broken.
    rules: &'static [&'static str],
    /// What `check` ends with.
    status: i32,
}

/// Of a low-latency stream that was killed in the middle of a segment.
const ROWS: &[Row] = &[
    Row { name: "nothing", spoil: |_| (), subject: "", says: "stream.m3u8", rules: &[], status: 0 },
    Row {
        name: "list",
        spoil: |it| write(&it.at("stream.m3u8"), b"<html>"),
        subject: "",
        says: "is it a playlist?",
        rules: &[],
        status: 2,
    },
    Row {
        name: "list, cut",
        spoil: |it| cut(&it.at("stream.m3u8"), 200),
        subject: "",
        says: "stream.m3u8",
        rules: &["playlist-cut"],
        status: 1,
    },
    Row {
        name: "low-latency list",
        spoil: |it| write(&it.at("ll.m3u8"), b"<html>"),
        subject: "ll.m3u8",
        says: "is it a playlist?",
        rules: &[],
        status: 2,
    },
    Row {
        name: "segment, cut",
        spoil: |it| cut(&it.segment(), 1_000),
        subject: "stream.m3u8",
        says: "it was cut",
        rules: &["segment-unreadable"],
        status: 1,
    },
    Row {
        name: "segment, empty",
        spoil: |it| write(&it.segment(), b""),
        subject: "stream.m3u8",
        says: "it is empty",
        rules: &["segment-unreadable"],
        status: 1,
    },
    Row {
        name: "segment, a page of an error",
        spoil: |it| write(&it.segment(), b"<html>not found</html>"),
        subject: "stream.m3u8",
        says: "it is not MPEG-TS",
        rules: &["segment-unreadable"],
        status: 1,
    },
    Row {
        name: "segment, gone",
        spoil: |it| remove(&it.segment()),
        subject: "stream.m3u8",
        says: "listed, and missing",
        rules: &["segment-unreadable"],
        status: 1,
    },
    Row {
        name: "part of a segment, gone",
        spoil: |it| remove(&it.part(it.last, 1)),
        subject: "ll.m3u8",
        says: "listed",
        rules: &["part-unreadable"],
        status: 1,
    },
    Row {
        name: "open part, gone",
        spoil: |it| remove(&it.part(it.last + 1, 1)),
        subject: "ll.m3u8",
        says: "growing",
        rules: &["part-unreadable"],
        status: 1,
    },
    Row {
        name: "first open part, gone",
        spoil: |it| remove(&it.part(it.last + 1, 0)),
        subject: "ll.m3u8",
        says: "it does not begin with a keyframe",
        rules: &["part-unreadable"],
        status: 1,
    },
    Row {
        name: "open part, a page of an error",
        spoil: |it| write(&it.part(it.last + 1, 1), b"<html>not found</html>"),
        subject: "ll.m3u8",
        says: "growing",
        rules: &["part-unreadable"],
        status: 1,
    },
    Row {
        name: "open part, empty",
        spoil: |it| write(&it.part(it.last + 1, 1), b""),
        subject: "ll.m3u8",
        says: "growing",
        rules: &["part-unreadable"],
        status: 1,
    },
];

/// A copy that is to be spoiled.
struct Spot {
    webroot: PathBuf,
    /// Number of the last segment that is complete.
    last: u64,
}

impl Spot {
    fn at(&self, name: &str) -> PathBuf {
        self.webroot.join(name)
    }

    fn segment(&self) -> PathBuf {
        self.webroot.join("live").join(segment_name(self.last - 1))
    }

    fn part(&self, segment: u64, part: u32) -> PathBuf {
        self.webroot.join("live").join(part_name(segment, part))
    }
}

/// Gives what is wrong.
pub fn try_all(killed: &Webroot) -> Vec<String> {
    let mut faults = Vec::new();
    for row in ROWS {
        let directory = tempfile::tempdir().unwrap();
        copy(killed.path(), directory.path());
        let playlist = fs::read_to_string(directory.path().join("ll.m3u8")).unwrap();
        let last = Edge::of(&playlist).unwrap().next_media_sequence - 1;
        age(directory.path());
        forget_newer(directory.path(), last);
        (row.spoil)(&Spot { webroot: directory.path().to_owned(), last });
        let subject = directory.path().join(row.subject);
        let told = drawn(Look::Once, &subject);
        if !told.as_ref().is_ok_and(|text| text.contains(row.says)) {
            faults.push(format!("spoiled {}: inspect does not say {:?}: {told:?}", row.name, row.says));
        }
        let found = check(&[&subject]);
        if (found.rules().as_slice(), found.status) != (row.rules, row.status) {
            faults.push(format!("spoiled {}: {found:#?}", row.name));
        }
    }
    faults
}

/// All that is there is an hour old: nobody writes any more.
fn age(webroot: &Path) {
    let live = webroot.join("live");
    for entry in fs::read_dir(live).unwrap() {
        let file = fs::File::options().append(true).open(entry.unwrap().path()).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        file.set_modified(modified - std::time::Duration::from_secs(3_600)).unwrap();
    }
}

/// What was written and not listed yet when the writer was killed.
fn forget_newer(webroot: &Path, last: u64) {
    for entry in fs::read_dir(webroot.join("live")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_newer = number_of_name(name).is_some_and(|number| number > last);
        if is_newer || part_of_name(name).is_some_and(|(number, _)| number > last + 1) {
            remove(&path);
        }
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path, bytes: usize) {
    let whole = fs::read(path).unwrap();
    fs::write(path, &whole[..bytes]).unwrap();
}

fn remove(path: &Path) {
    fs::remove_file(path).unwrap();
}
