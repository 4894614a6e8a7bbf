//! What the tests of the whole program share: the programs under test, other people's programs, and ways to wait.

pub mod check;
pub mod flashes;
#[path = "../../../../server/tests/it/support/kept.rs"]
pub mod kept;
pub mod live_source;
pub mod media;
pub mod nginx;
pub mod programs;
pub mod rtmp_client;
pub mod run;
pub mod small_disk;
#[path = "../../../../server/tests/it/support/surface.rs"]
pub mod surface;
pub mod witness;

use std::time::{Duration, Instant};

/// Waits until `condition` gives something; fails, naming `what`, when it has not within `limit`. Generous limits cost
/// nothing: they are waited out only by a test that fails.
#[track_caller]
pub fn wait_for<T>(what: &str, limit: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(started.elapsed() < limit, "waited {limit:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
