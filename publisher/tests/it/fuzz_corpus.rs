//! The fuzzer's checks of the probe, on its seeds and on mutations of them that are the same each time: what CI runs.

use std::path::Path;

#[path = "../../../fuzz/checks/probe.rs"]
mod check;
#[path = "../../../fuzz/checks/mutation.rs"]
mod mutation;

/// Enough to be done within seconds.
const MUTATIONS_A_SEED: u64 = 500;

#[test]
fn the_probe_holds_on_mutations_of_all_seeds() {
    let seeds = mutation::inputs_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/probe"));
    assert!(seeds.len() >= 4, "there are seeds");
    for seed in &seeds {
        check::check(seed);
        mutation::mutations(seed, &seeds, MUTATIONS_A_SEED).for_each(|input| check::check(&input));
    }
}
