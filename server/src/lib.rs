//! Serves a livedir webroot over HTTP: every answer is a file, with the right type and caching headers.
//!
//! ```text
//! TcpListener ─▶ connections ─▶ access_log ─▶ site ─┬▶ hot: what everyone asks for, from memory
//!  (caller's)     one task each    one line a        │
//!                 header time-out  request           └▶ gzip ─▶ answer ─▶ paths ─▶ ranges ─▶ webroot ─▶ headers
//!                                                    playlists  method    which    which part  the open    type and
//!                                                      only                 file     of it       file        caching
//! ```
//!
//! The caller owns the port, the log and the stop: [`listen`] binds, [`access_log::open`] opens, [`run`] serves until
//! `shutdown` completes, then lets running answers finish within a bounded time.

pub mod args;
pub mod settings;

pub mod access_log;
pub mod banner;
pub mod listen;
pub mod pid_file;

mod answer;
mod conditions;
mod connections;
#[cfg(test)]
mod fuzz_corpus;
mod headers;
mod hot;
mod paths;
mod ranges;
mod site;
mod webroot;

use std::future::Future;

use tokio::net::TcpListener;
use tracing::info;

use access_log::{Log, LogWriter};

pub use listen::listen;
pub use settings::Settings;

/// Serves `settings.webroot` on `listener` until `shutdown` completes.
///
/// Returns when every running answer is finished or has used up its grace, and the access log is written out.
pub async fn run(
    listener: TcpListener,
    settings: &Settings,
    (log, log_writer): (Log, LogWriter),
    shutdown: impl Future<Output = ()>,
) {
    info!(
        webroot = %settings.webroot.display(),
        segment_max_age_s = settings.segment_max_age_s,
        access_log = %settings.access_log,
        "serving"
    );
    let site = site::Site::new(settings);
    connections::serve(listener, site.clone(), log, shutdown).await;
    let (from_memory, after_a_look, memory_bytes) = site.cache_counts();
    info!(from_memory, after_a_look, memory_bytes, "served");
    log_writer.finish().await;
}
