//! Serves a livedir webroot over HTTP: every answer is a file, with the right type and caching headers.
//!
//! ```text
//! TcpListener ─▶ connections ─▶ access_log ─▶ gzip ─▶ answer ─▶ paths ─▶ ranges ─▶ webroot ─▶ headers
//!  (caller's)     one task each    one line a   playlists  method    which    which part  the open    type and
//!                 header time-out  request      only                 file     of it       file        caching
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
mod connections;
mod headers;
mod paths;
mod ranges;
mod webroot;

use std::future::Future;

use axum::Router;
use axum::middleware;
use tokio::net::TcpListener;
use tower_http::compression::CompressionLayer;
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
    // The outermost layer comes last.
    let router = Router::new()
        .fallback(answer::answer)
        .with_state(answer::Site::new(settings))
        .layer(CompressionLayer::new().compress_when(headers::is_gzipped))
        .layer(middleware::from_fn_with_state(log, access_log::record));
    connections::serve(listener, router, shutdown).await;
    log_writer.finish().await;
}
