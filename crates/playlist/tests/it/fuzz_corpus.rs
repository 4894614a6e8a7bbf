//! The fuzzer's checks, on its seeds and on mutations of them that are the same each time: what CI runs.

#[path = "../../../../fuzz/checks/playlist.rs"]
mod playlist;
#[path = "../../../../fuzz/checks/reload.rs"]
mod reload;

#[path = "../../../../fuzz/checks/mutation.rs"]
mod mutation;

use mutation::{inputs_of, mutations};
use std::path::Path;

/// Enough to be done within seconds.
const MUTATIONS_A_SEED: u64 = 200;

#[track_caller]
fn check_all(directories: &[&str], check: fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for directory in directories {
        let seeds = inputs_of(&root.join(directory));
        assert!(!seeds.is_empty(), "{directory} has seeds");
        for seed in &seeds {
            check(seed);
            mutations(seed, &seeds, MUTATIONS_A_SEED).for_each(|input| check(&input));
        }
    }
}

#[test]
fn the_readers_hold_on_mutations_of_all_seeds() {
    check_all(&["../../fuzz/seeds/playlist", "tests/golden"], playlist::check);
}

#[test]
fn reloads_and_delta_updates_hold_on_mutations_of_all_seeds() {
    check_all(&["../../fuzz/seeds/reload", "../../fuzz/seeds/playlist"], reload::check);
}
