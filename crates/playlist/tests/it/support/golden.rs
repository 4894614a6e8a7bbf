//! Whole playlists, as they lie on disk; `golden.rs` writes them.

use std::fs;
use std::path::{Path, PathBuf};

/// All whole-file goldens, by name.
pub fn all() -> Vec<(String, String)> {
    let mut goldens: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), text)
        })
        .collect();
    goldens.sort();
    goldens
}

/// Of this crate, from whichever crate beside it.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../playlist/tests/golden")
}
