//! Which folder of a crate may use which: the way of the data goes down, and nothing looks back up. Between crates cargo itself
//! allows no circle; which of them may use which stands here, too. So do the circles that files may go in, and that ticks of 90 kHz
//! are converted in one crate.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "../../../server/tests/it/support/layers.rs"]
mod reader;

/// A directory of sources whose folders have an order.
struct Layers {
    source: &'static str,
    /// How a path to one of its folders begins.
    prefix: &'static str,
    /// Folders and files, from above to below: each uses those below it alone. `main`, `lib` and `mod` use what they like.
    folders: &'static [&'static str],
}

const LAYERS: [Layers; 6] = [
    Layers {
        source: "publisher/src",
        prefix: "crate::",
        folders: &[
            "commands",
            "channels",
            "live",
            "cli",
            "clock_world",
            "copy",
            "package",
            "grid",
            "encode",
            "source",
            "queue",
            "packet",
            "captured",
            "picture",
            "captions",
        ],
    },
    Layers {
        source: "crates/watcher/src",
        prefix: "crate::",
        folders: &[
            "channel", "publish", "resume", "timeline", "order", "world", "clock", "samples", "events",
            "error", "settings", "titles",
        ],
    },
    Layers {
        source: "crates/media/src",
        prefix: "crate::",
        folders: &[
            "probing",
            "anatomy",
            "scan",
            "probe_error",
            "foreign",
            "discontinuity",
            "unfit",
            "facts",
            "ts",
            "last_picture",
            "codec",
            "container",
            "medium",
        ],
    },
    Layers {
        source: "crates/check/src",
        prefix: "crate::",
        folders: &["follow", "report", "fetch", "rules"],
    },
    Layers {
        source: "crates/check/src/rules",
        prefix: "crate::rules::",
        folders: &[
            "one_playlist",
            "over_time",
            "presentation",
            "low_latency",
            "playlist",
            "http",
            "facts",
            "finding",
            "rule",
            "times",
            "tolerances",
        ],
    },
    Layers {
        source: "crates/inspect/src",
        prefix: "crate::",
        folders: &["follow", "looker", "error", "settings", "draw", "inventory", "read", "model"],
    },
];

/// They put the folders together.
const ROOTS: [&str; 3] = ["main", "lib", "mod"];

/// Crates in which no files use each other in a circle.
const WITHOUT_CIRCLES: [&str; 2] = ["crates/check/src", "crates/inspect/src"];

/// Crates in which a folder may go in a circle with its own files, and no others may.
const WITHOUT_CIRCLES_ACROSS_FOLDERS: [&str; 5] =
    ["publisher/src", "crates/watcher/src", "crates/media/src", "crates/layout/src", "crates/playlist/src"];

/// Crates, and what each uses of ours.
const CRATES: [(&str, &[&str]); 11] = [
    ("crates/time", &[]),
    ("crates/manual", &[]),
    ("crates/address", &[]),
    ("crates/media", &["livedir-time"]),
    ("crates/playlist", &["livedir-time"]),
    ("crates/layout", &["livedir-media", "livedir-playlist", "livedir-time"]),
    ("crates/watcher", &["livedir-layout", "livedir-media", "livedir-playlist", "livedir-time"]),
    ("crates/inspect", &["livedir-layout", "livedir-media", "livedir-playlist", "livedir-time"]),
    (
        "crates/check",
        &["livedir-address", "livedir-layout", "livedir-media", "livedir-playlist", "livedir-time"],
    ),
    (
        "publisher",
        &[
            "livedir-address",
            "livedir-check",
            "livedir-inspect",
            "livedir-layout",
            "livedir-manual",
            "livedir-media",
            "livedir-playlist",
            "livedir-time",
            "livedir-watcher",
        ],
    ),
    ("server", &["livedir-layout", "livedir-manual", "livedir-playlist"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn no_folder_uses_one_above_it() {
    for layers in &LAYERS {
        let uses = reader::read(&root().join(layers.source), layers.prefix, layers.folders, &ROOTS);
        assert!(uses.upward.is_empty(), "{}: {:#?}", layers.source, uses.upward);
        assert!(
            uses.count > layers.folders.len(),
            "only {} uses were found in {}: does this test still read them?",
            uses.count,
            layers.source
        );
    }
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    for source in WITHOUT_CIRCLES {
        let in_circles = reader::in_circles(&root().join(source), &ROOTS);
        assert!(in_circles.is_empty(), "{source}: {in_circles:#?}");
    }
}

#[test]
fn no_folders_use_each_other_in_a_circle() {
    for source in WITHOUT_CIRCLES_ACROSS_FOLDERS {
        let circles = reader::circles_across_folders(&root().join(source), &ROOTS);
        assert!(circles.is_empty(), "{source}: {circles:#?}");
    }
}

/// How conversions of 90 kHz ticks look when they are written by hand. `crates/time` has one function for each.
const BY_HAND: [&str; 8] =
    ["90_000", "90000", "* 100 / 9", "100_000 / 9", "* TICKS_PER_S", "/ TICKS_PER_S", "/ 90.0", "* 90"];

#[test]
fn ticks_are_converted_in_the_crate_of_time_alone() {
    let sources = CRATES.iter().map(|(directory, _)| root().join(directory).join("src"));
    let mut by_hand = Vec::new();
    for source in sources.filter(|source| !source.ends_with("crates/time/src")) {
        for (path, code) in reader::codes(&source) {
            let lines = code.lines().filter(|line| BY_HAND.iter().any(|it| line.contains(it)));
            by_hand.extend(lines.map(|line| format!("{}: {}", path.display(), line.trim())));
        }
    }
    assert!(by_hand.is_empty(), "livedir_time::ticks has a function for each: {by_hand:#?}");
}

#[test]
fn no_crate_uses_one_above_it() {
    for (directory, allowed) in CRATES {
        let manifest = fs::read_to_string(root().join(directory).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("\n[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
        let ours: Vec<_> = dependencies
            .lines()
            .filter_map(|line| line.split(['.', ' ', '=']).next())
            .filter(|name| name.starts_with("livedir-"))
            .collect();
        assert_eq!(ours, allowed, "{directory}");
    }
    let crates = fs::read_dir(root().join("crates")).unwrap().count();
    assert_eq!(
        crates,
        CRATES.iter().filter(|(it, _)| it.starts_with("crates/")).count(),
        "each crate stands here"
    );
}
