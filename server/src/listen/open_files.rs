//! The limit of open files: raised as far as this user may, since each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::debug;

/// Raises the limit; what it is then, `None` for no limit.
#[must_use]
pub fn raise() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let higher = Rlimit { current: maximum, maximum };
    match setrlimit(Resource::Nofile, higher) {
        Ok(()) => maximum,
        Err(error) => {
            // macOS has a second limit that it does not tell.
            debug!(%error, "limit of open files not raised");
            current
        }
    }
}
