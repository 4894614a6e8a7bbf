//! The fuzzer's checks over its seeds and their mutations, on the stable toolchain: `just fuzz` goes further.

#![allow(unreachable_pub)] // the fuzz targets use the same files

#[path = "../../fuzz/checks/mutation.rs"]
mod mutation;
#[path = "../../fuzz/checks/paths.rs"]
mod path_check;
#[path = "../../fuzz/checks/ranges.rs"]
mod range_check;

use mutation::check_all;

/// Of each seed: enough to be done within a second.
const MUTATIONS: u64 = 500;

#[test]
fn no_path_leads_to_what_is_hidden_or_outside() {
    check_all(&["../fuzz/seeds/paths"], MUTATIONS, path_check::check);
}

#[test]
fn no_range_leads_beyond_the_body_and_no_condition_to_a_wrong_304() {
    check_all(&["../fuzz/seeds/ranges"], MUTATIONS, range_check::check);
}
