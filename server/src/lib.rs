//! Serves a livedir webroot over HTTP: every answer is a file, with the right type and caching headers.
//!
//! ```text
//! cli ─▶ listen ─▶ connections ───────────────────────▶ site ─┬▶ blocking: waits for what is not there yet
//!         ports     a thread a core, a task a connection,      ├▶ memory: what everyone asks for
//!                   TLS, HTTP/1.1, HTTP/2, limits              └▶ from_disk ─▶ webroot
//!                        ├─▶ accounts: what one address may hold    which file,   the open files
//!                        └─▶ operator: access log, metrics, health  which part of it
//! ```
//!
//! The caller owns the ports, the log and the stop: [`listen::listen`] binds, [`access_log::open`] and [`listen::tls::open`] open,
//! [`run`] serves until `shutdown` completes, then lets running answers finish within a bounded time.

pub mod cli;
pub mod listen;

mod accounts;
mod blocking;
mod budget;
mod connections;
#[cfg(test)]
mod fuzz_corpus;
mod http;
mod memory;
mod operator;
mod site;
mod webroot;

use std::io;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tracing::{info, warn};

use access_log::{Log, LogWriter};
use connections::limits::{self, Limits, OPERATOR_CONNECTIONS};
use connections::{Places, Serving, Threads};
use listen::tls::Tls;
use listen::{Port, systemd};
use operator::metrics::Metrics;
use operator::{Operator, Sources};
use site::Site;

pub use cli::settings::Settings;
pub use operator::access_log;

/// Serves `settings.webroot` on `ports` until `shutdown` completes.
///
/// | thread | does | ends |
/// |---|---|---|
/// | the caller's | waits for `shutdown`; follows the certificate's files | last |
/// | `livedir-serve-N` | takes connections and answers, one for each core | when answers are finished, or after 5 s |
/// | `livedir-load` | read into memory what is kept there, four of them | with the last connection |
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
    let connections = limits::affordable(settings.connections, open_files);
    let limits = Limits {
        connections,
        connections_per_address: limits::per_address(settings.connections_per_address, connections),
        idle_s: settings.idle_timeout_s.into(),
        patience_s: settings.client_timeout_s.into(),
    };
    if connections < settings.connections {
        warn!(
            connections,
            connections_per_address = limits.connections_per_address,
            open_files,
            "fewer connections than --connections says; raise the limit: ulimit -n"
        );
    }
    info!(
        webroot = %settings.webroot.display(),
        segment_max_age_s = settings.segment_max_age_s,
        access_log = %settings.access_log,
        connections,
        connections_per_address = limits.connections_per_address,
        threads = settings.threads,
        "serving"
    );
    let viewers = Places::new(limits);
    let operators = Places::new(Limits {
        connections: OPERATOR_CONNECTIONS,
        connections_per_address: OPERATOR_CONNECTIONS,
        ..limits
    });
    let metrics = Arc::new(Metrics::new(settings.threads, settings.metrics_listen.is_some()));
    let site = Site::new(&settings.cache(), viewers.accounts.clone(), limits::most_blocked(&limits));
    let open = [&viewers, &operators].map(|places| places.limiter.clone());
    let operator = Operator::new(Sources {
        webroot: settings.webroot.clone(),
        metrics: metrics.clone(),
        site: site.clone(),
        open: Box::new(move || open.iter().map(|limiter| limiter.taken()).sum()),
        accounts: viewers.accounts.clone(),
    });
    let serving = Arc::new(Serving {
        site,
        operator,
        viewers,
        operators,
        trusted: settings.forwarded_from.clone(),
        page_policy: settings.page_policy.clone(),
        log,
        metrics,
        tls: tls.as_ref().map(Tls::acceptor),
        refusals: Mutex::default(),
        started: Instant::now(),
        finishing: AtomicUsize::new(0),
    });
    let threads = Threads::start(&serving, &mut ports)?;
    let following = tls.map(|tls| tokio::spawn(tls.follow()));
    systemd::ready();
    shutdown.await;
    systemd::stopping();
    let cut_off = threads.stop().await;
    if cut_off > 0 {
        warn!(connections = cut_off, "responses aborted at shutdown");
    }
    if let Some(following) = following {
        following.abort();
    }
    drop(serving);
    log_writer.finish().await;
    Ok(())
}
