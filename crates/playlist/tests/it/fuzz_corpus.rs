//! The fuzzer's checks, on its seeds and on mutations of them that are the same each time: what CI runs.

#[path = "../../../../fuzz/checks/playlist.rs"]
mod playlist;
#[path = "../../../../fuzz/checks/reload.rs"]
mod reload;

#[path = "../../../../fuzz/checks/mutation.rs"]
mod mutation;

use mutation::check_all;

/// Enough to be done within seconds.
const MUTATIONS_A_SEED: u64 = 200;

#[test]
fn the_readers_hold_on_mutations_of_all_seeds() {
    check_all(&["../../fuzz/seeds/playlist", "tests/golden"], MUTATIONS_A_SEED, playlist::check);
}

#[test]
fn reloads_and_delta_updates_hold_on_mutations_of_all_seeds() {
    check_all(&["../../fuzz/seeds/reload", "../../fuzz/seeds/playlist"], MUTATIONS_A_SEED, reload::check);
}
