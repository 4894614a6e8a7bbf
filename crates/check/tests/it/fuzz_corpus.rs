//! The fuzzer's checks, on its seeds and on mutations of them that are the same each time: what CI runs.

#[path = "../../../../fuzz/checks/mutation.rs"]
mod mutation;
#[path = "../../../../fuzz/checks/rules.rs"]
mod rules;

use mutation::check_all;

/// Enough to be done within seconds.
const MUTATIONS_A_SEED: u64 = 200;

#[test]
fn the_rules_hold_on_mutations_of_all_seeds() {
    let own = ["../../fuzz/seeds/rules", "../../fuzz/seeds/reload"];
    check_all(
        &[&own[..], &["../../fuzz/seeds/playlist", "../playlist/tests/golden"]].concat(),
        MUTATIONS_A_SEED,
        rules::check,
    );
}
