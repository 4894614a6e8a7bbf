//! What systemd wants to know: that the server listens, and that it stops. Without systemd nobody hears it.
//!
//! Sockets that it has opened are taken over in `listen`.

use sd_notify::NotifyState;
use tracing::debug;

/// `Type=notify` units that start after this one may start.
pub(crate) fn ready() {
    tell(NotifyState::Ready);
}

/// Running answers are being finished.
pub(crate) fn stopping() {
    tell(NotifyState::Stopping);
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        debug!(%error, "systemd not told");
    }
}
