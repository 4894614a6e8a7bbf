//! Serves a livedir webroot over HTTP: every answer is a file, with the right type and caching headers.
//!
//! ```text
//! listen ─▶ connections ────────────────────────▶ site ─┬▶ hot: what everyone asks for, from memory
//!  ports     a thread a core, a task a connection,       │
//!            TLS, HTTP/1.1, HTTP/2, limits,              └▶ gzip ─▶ answer ─▶ paths ─▶ ranges ─▶ webroot ─▶ headers
//!            access_log, metrics ──┐                                method    which    which part  the open    type and
//!                                  └─▶ operator: /metrics, /healthz           file     of it       file        caching
//! ```
//!
//! The caller owns the ports, the log and the stop: [`listen::listen`] binds, [`access_log::open`] and [`tls::open`] open,
//! [`run`] serves until `shutdown` completes, then lets running answers finish within a bounded time.

pub mod args;
pub mod settings;
mod values;
pub mod variables;

pub mod access_log;
pub mod banner;
pub mod listen;
pub mod open_files;
pub mod pid_file;
pub mod systemd;
pub mod tls;

mod alternate;
mod answer;
mod client;
mod conditions;
mod connections;
#[cfg(test)]
mod fuzz_corpus;
mod headers;
mod health;
mod hold;
mod hot;
mod limits;
mod metrics;
mod operator;
mod paths;
mod ranges;
mod security;
mod site;
mod waiting;
mod webroot;

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tracing::{info, warn};

use access_log::{Log, LogWriter};
use connections::{Serving, Threads};
use limits::{Limits, Places};
use listen::Port;
use metrics::Metrics;
use operator::Operator;
use site::Site;
use tls::Tls;

pub use settings::Settings;

/// Serves `settings.webroot` on `ports` until `shutdown` completes.
///
/// | thread | does | ends |
/// |---|---|---|
/// | the caller's | waits for `shutdown`; follows the certificate's files | last |
/// | `livedir-serve-N` | takes connections and answers, one for each core | when answers are finished, or after 5 s |
/// | `livedir-read` | read files that are not in memory, some for each of those | with it |
/// | `livedir-log` | writes the access log | when the last line is written |
///
/// `open_files` is how many this process may have, which bounds connections too.
pub async fn run(
    mut ports: Vec<Port>,
    settings: &Settings,
    tls: Option<Tls>,
    (log, log_writer): (Log, LogWriter),
    open_files: Option<u64>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let limits = Limits {
        connections: limits::affordable(settings.connections, open_files),
        connections_per_address: settings.connections_per_address,
        idle_s: settings.idle_timeout_s.into(),
        patience_s: settings.client_timeout_s.into(),
    };
    if limits.connections < settings.connections {
        let connections = limits.connections;
        warn!(
            connections,
            open_files, "fewer connections than --connections says; raise the limit: ulimit -n"
        );
    }
    info!(
        webroot = %settings.webroot.display(),
        segment_max_age_s = settings.segment_max_age_s,
        access_log = %settings.access_log,
        connections = limits.connections,
        threads = settings.threads,
        "serving"
    );
    let places = Places::new(limits);
    let metrics = Arc::new(Metrics::new(settings.threads, settings.metrics_listen.is_some()));
    let site = Site::new(settings, limits::most_held(&limits));
    let serving = Arc::new(Serving {
        site: site.clone(),
        operator: Operator {
            site,
            webroot: settings.webroot.clone(),
            metrics: metrics.clone(),
            places: places.clone(),
        },
        places,
        trusted: settings.forwarded_from.clone(),
        page_policy: settings.page_policy.clone(),
        log,
        metrics,
        tls: tls.as_ref().map(Tls::acceptor),
        finishing: AtomicUsize::new(0),
    });
    let threads = Threads::start(&serving, &mut ports)?;
    let following = tls.map(|tls| tokio::spawn(tls.follow()));
    systemd::ready();
    shutdown.await;
    systemd::stopping();
    let cut_off = threads.stop().await;
    if cut_off > 0 {
        warn!(connections = cut_off, "answers cut off at the end");
    }
    if let Some(following) = following {
        following.abort();
    }
    drop(serving);
    log_writer.finish().await;
    Ok(())
}
