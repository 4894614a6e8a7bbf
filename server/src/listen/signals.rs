//! Signals: what the system asks of a running server. SIGINT and SIGTERM are the end; SIGHUP opens the log anew and reads the
//! certificate again, unless it says that the terminal is gone, which is the end too.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::info;

use super::tls::Again;
use crate::operator::access_log::Log;

/// Signals that are heard.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

/// A signal cannot be listened for.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for signals: {0}")]
pub struct SignalError(io::Error);

impl Signals {
    /// From now on none of them ends the process by itself.
    pub fn open() -> Result<Signals, SignalError> {
        let open = |kind| signal(kind).map_err(SignalError);
        Ok(Signals {
            interrupt: open(SignalKind::interrupt())?,
            terminate: open(SignalKind::terminate())?,
            hangup: open(SignalKind::hangup())?,
        })
    }

    /// Until the server is to end.
    pub async fn end(mut self, log: Log, certificate: Option<Again>, on_terminal: bool) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hangup.recv() => {
                    if on_terminal {
                        return;
                    }
                    info!("SIGHUP: access log opened anew, certificate read again");
                    log.open_anew();
                    if let Some(certificate) = &certificate {
                        certificate.read();
                    }
                }
            }
        }
    }
}
