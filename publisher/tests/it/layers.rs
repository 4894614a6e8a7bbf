//! Which folder of a crate may use which: the way of the data goes down, and nothing looks back up. Between crates cargo itself
//! allows no circle; which of them may use which stands here, too.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A directory of sources whose folders have an order.
struct Layers {
    source: &'static str,
    /// How a path in it begins.
    path: &'static str,
    /// Folders and files, from above to below: each uses those below it alone. `main`, `lib` and `mod` use what they like.
    folders: &'static [&'static str],
}

const LAYERS: [Layers; 4] = [
    Layers {
        source: "publisher/src",
        path: "crate::",
        folders: &[
            "commands",
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
        ],
    },
    Layers {
        source: "crates/watcher/src",
        path: "crate::",
        folders: &[
            "channel", "publish", "resume", "timeline", "order", "world", "clock", "samples", "events",
            "error", "settings", "titles",
        ],
    },
    Layers { source: "crates/check/src", path: "crate::", folders: &["follow", "report", "fetch", "rules"] },
    Layers {
        source: "crates/check/src/rules",
        path: "crate::rules::",
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
];

/// Crates, and what each uses of ours.
const CRATES: [(&str, &[&str]); 10] = [
    ("crates/time", &[]),
    ("crates/address", &[]),
    ("crates/media", &["livedir-time"]),
    ("crates/playlist", &[]),
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
            "livedir-media",
            "livedir-playlist",
            "livedir-time",
            "livedir-watcher",
        ],
    ),
    ("server", &["livedir-playlist"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found
}

/// Without comments, and without the tests at the end: those may use what they like.
fn code(text: &str) -> String {
    let text = text.split("mod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The names behind a path, such as `crate::`, in some code; those in braces, too.
fn named(code: &str, path: &str) -> BTreeSet<String> {
    let word =
        |text: &str| text.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect::<String>();
    let mut names = BTreeSet::new();
    for after in code.split(path).skip(1) {
        let Some(list) = after.strip_prefix('{') else {
            names.insert(word(after));
            continue;
        };
        let (mut depth, mut begins) = (0, true);
        for (at, it) in list.char_indices() {
            match it {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                _ if begins && !it.is_whitespace() => {
                    names.insert(word(&list[at..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    names
}

/// Uses that look up, and how many there are in all.
fn upward(layers: &Layers) -> (Vec<String>, usize) {
    let source = root().join(layers.source);
    let place = |name: &str| layers.folders.iter().position(|it| *it == name);
    let (mut upward, mut seen) = (Vec::new(), 0);
    for path in sources(&source) {
        let inside = path.strip_prefix(&source).unwrap();
        let own = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if matches!(own, "main" | "lib" | "mod") {
            continue;
        }
        let above =
            place(own).unwrap_or_else(|| panic!("{own} has no place yet; give it one in {}", file!()));
        let code = code(&fs::read_to_string(&path).unwrap());
        // So many steps up lead out of the folder.
        let depth = inside.components().count() - usize::from(inside.ends_with("mod.rs"));
        assert!(
            !code.contains(&"super::".repeat(depth)),
            "{}: write {} where the folder is left",
            path.display(),
            layers.path
        );
        for name in named(&code, layers.path) {
            // What lib.rs or mod.rs itself holds is above all.
            let below = place(&name).unwrap_or(0);
            seen += 1;
            if name != own && below <= above {
                upward.push(format!("{}/{} uses {name}", layers.source, inside.display()));
            }
        }
    }
    (upward, seen)
}

#[test]
fn no_folder_uses_one_above_it() {
    for layers in &LAYERS {
        let (upward, seen) = upward(layers);
        assert!(upward.is_empty(), "{upward:#?}");
        assert!(
            seen > layers.folders.len(),
            "only {seen} uses were found in {}: does this test still read them?",
            layers.source
        );
    }
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

#[test]
fn names_are_found_in_braces_and_without() {
    let found = named(
        "use crate::a::B;\nuse crate::{\n    c::{D, E},\n    f,\n};\nlet x = crate::g::h();",
        "crate::",
    );
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a", "c", "f", "g"]);
}
