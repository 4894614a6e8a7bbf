//! The fuzzer's checks over its seeds and their mutations, on the stable toolchain: `just fuzz` goes further.

#![allow(unreachable_pub)] // the fuzz targets use the same files

use std::path::Path;

#[path = "../../fuzz/checks/mutation.rs"]
mod mutation;
#[path = "../../fuzz/checks/paths.rs"]
mod path_check;
#[path = "../../fuzz/checks/ranges.rs"]
mod range_check;

/// Of each seed: enough to be done within a second.
const MUTATIONS: u64 = 500;

fn check_all(seeds: &str, check: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(seeds);
    let seeds = mutation::inputs_of(&directory);
    for seed in &seeds {
        check(seed);
        mutation::mutations(seed, &seeds, MUTATIONS).for_each(|input| check(&input));
    }
}

#[test]
fn no_path_leads_to_what_is_hidden_or_outside() {
    check_all("paths", path_check::check);
}

#[test]
fn no_range_leads_beyond_the_body_and_no_condition_to_a_wrong_304() {
    check_all("ranges", range_check::check);
}
