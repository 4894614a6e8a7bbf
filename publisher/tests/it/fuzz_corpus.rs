//! The fuzzer's checks of the probe, on its seeds and on mutations of them that are the same each time: what CI runs.

use std::path::Path;

#[path = "../../../fuzz/checks/probe.rs"]
mod check;
#[path = "../../../fuzz/checks/mutation.rs"]
mod mutation;

const SEEDS: &str = "../fuzz/seeds/probe";

/// Enough to be done within seconds.
const MUTATIONS_A_SEED: u64 = 500;

#[test]
fn the_probe_holds_on_mutations_of_all_seeds() {
    let seeds = mutation::inputs_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join(SEEDS));
    assert!(seeds.len() >= 4, "there are seeds");
    mutation::check_all(&[SEEDS], MUTATIONS_A_SEED, check::check);
}
