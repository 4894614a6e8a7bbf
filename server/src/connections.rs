//! Connections: a listener and a site in, answers out, one task for each connection.
//!
//! Ends when `shutdown` completes: no more accepting, running answers finish, and what is not finished after
//! `STOP_GRACE` is cut off.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::CONTENT_LENGTH;
use axum::http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::access_log::{self, Log};
use crate::site::Site;

/// Time for the head of a request, and for a connection to stay idle. Players reload once a target duration, so nobody
/// watches behind a connection that is silent for longer.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Bounds the memory that connections can take; further ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 10_000;

/// Enough for a segment on its way to a slow player, short enough for a person who pressed Ctrl-C.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// A refused accept means that descriptors or memory ran out; trying at once would only turn the wait into heat.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The other end of a connection, put into each request's extensions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Serves `site` on `listener` until `shutdown` completes.
pub(crate) async fn serve(listener: TcpListener, site: Site, log: Log, shutdown: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut tasks = JoinSet::new();
    let mut refusing = false;
    tokio::pin!(shutdown);
    loop {
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place,
            () = &mut shutdown => break,
        };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => {
                    refusing = false;
                    accepted
                }
                Err(error) => {
                    if !refusing {
                        warn!(%error, "connections not accepted; a higher limit of open files may help: ulimit -n");
                    }
                    refusing = true;
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
            () = &mut shutdown => break,
        };
        while tasks.try_join_next().is_some() {}
        let connection = graceful.watch(connect(stream, Peer(peer), site.clone(), log.clone()));
        tasks.spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, %peer, "connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    if timeout(STOP_GRACE, graceful.shutdown()).await.is_err() {
        warn!(connections = tasks.len(), grace_s = STOP_GRACE.as_secs(), "answers cut off at the end");
    }
    tasks.shutdown().await;
}

fn connect(
    stream: TcpStream,
    peer: Peer,
    site: Site,
    log: Log,
) -> impl GracefulConnection<Error = hyper::Error> {
    // A playlist fits in one packet; it must not wait for the acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "no delay stays on");
    }
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let (site, log) = (site.clone(), log.clone());
        async move {
            let mut response = access_log::record(log, request, |request| site.answer(request)).await;
            if response.status() == StatusCode::NOT_MODIFIED {
                // RFC 9110 8.6: MUST NOT unless it is the length of the 200; axum writes the 0 of the empty body
                response.headers_mut().remove(CONTENT_LENGTH);
            }
            Ok::<_, Infallible>(response)
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
}
