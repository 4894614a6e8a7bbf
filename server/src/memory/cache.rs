//! What is in memory: a request in; its answer out, at once or after a load.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use tokio::time::timeout;

use super::answer;
use super::clock::Clock;
use super::entries::{FileEntry, LoadResult, Outcome};
use super::followed::Followed;
use super::loader::{CacheSettings, Loader};
use super::threads::Threads;
use crate::accounts::Accounts;
use crate::http::headers;
use crate::http::paths::{ResourceKind, Target};
use crate::http::refusal::refusal;

/// For a disk or a file server that hangs: a player asks again, and all that wait take memory.
pub(super) const LOAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Ends early only when each load that was joined had begun too long before: the second one begins after the request.
const MOST_LOADS: usize = 3;

/// What is in memory, for all connections.
#[derive(Debug, Clone)]
pub(crate) struct Memory(pub(super) Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) loader: Arc<Loader>,
    threads: Threads,
    pub(super) followed: Followed,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// What memory says to a request.
pub(crate) enum FromMemory {
    /// The answer.
    Answer(Response),
    /// Ask the disk.
    AskDisk,
}

impl Memory {
    /// For playlists, connections of `accounts` may have to end.
    pub(crate) fn new(settings: &CacheSettings, accounts: Arc<Accounts>) -> Memory {
        let clock = Clock(Instant::now());
        let loader = Loader::new(settings, accounts, clock);
        let (hits, misses) = (AtomicU64::new(0), AtomicU64::new(0));
        let (threads, followed) = (Threads::start(), Followed::default());
        Memory(Arc::new(Shared { clock, loader, threads, followed, hits, misses }))
    }

    /// The answer, when nothing has to be waited for.
    pub(crate) fn answer_now(&self, method: &Method, path: &str, request: &HeaderMap) -> Option<Response> {
        if method != Method::GET && method != Method::HEAD {
            return None;
        }
        let now_ns = self.0.clock.now_ns();
        // A path in any other spelling than that of the key is decided on in `paths` first.
        let response = self.0.loader.entries.with(path, |entry| {
            entry.asked(now_ns);
            let is_trusted = entry.is_trusted(now_ns);
            // In this order: a version is at least as new as the check that was read before it.
            let version = entry.version.load();
            version.as_ref().filter(|_| is_trusted).map(|version| answer::answer(version, method, request))
        })??;
        self.0.hits.fetch_add(1, Ordering::Relaxed);
        Some(response)
    }

    /// Whether nothing has to be waited for to answer.
    pub(crate) fn has(&self, path: &str) -> bool {
        let now_ns = self.0.clock.now_ns();
        let is_known = |entry: &FileEntry| entry.is_trusted(now_ns) && entry.version.load().is_some();
        self.0.loader.entries.with(path, is_known).unwrap_or(false)
    }

    /// The answer after a check of the file.
    pub(crate) async fn answer_later(
        &self,
        target: &Target,
        method: &Method,
        request: &HeaderMap,
    ) -> FromMemory {
        let began_ns = self.0.clock.now_ns();
        let Some(entry) = self.entry(target) else { return FromMemory::AskDisk };
        self.0.misses.fetch_add(1, Ordering::Relaxed);
        let Ok(outcome) = timeout(LOAD_TIMEOUT, self.load(&entry, began_ns)).await else {
            return refused(StatusCode::SERVICE_UNAVAILABLE);
        };
        match outcome.found {
            LoadResult::Version(version) => FromMemory::Answer(answer::answer(&version, method, request)),
            LoadResult::Missing => refused(StatusCode::NOT_FOUND),
            LoadResult::NoMemory | LoadResult::BeingWritten => FromMemory::AskDisk,
            LoadResult::Failed => refused(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// Whether a playlist lists it.
    pub(crate) fn is_listed(&self, target: &Target) -> bool {
        self.0.loader.entries.with(&target.uri_path(), |_| ()).is_some()
    }

    fn entry(&self, target: &Target) -> Option<Arc<FileEntry>> {
        match target.kind {
            ResourceKind::Playlist | ResourceKind::Status => {
                Some(self.0.loader.entries.get_or_insert(target))
            }
            // Only what a playlist lists is asked for by everyone.
            ResourceKind::Segment => self.0.loader.entries.get(&target.uri_path()),
            ResourceKind::Page => None,
        }
    }

    /// What the file was at most `TRUST` before `began_ns`.
    pub(super) async fn load(&self, entry: &Arc<FileEntry>, began_ns: u64) -> Outcome {
        for _ in 0..MOST_LOADS {
            let mut load = entry.join_or_begin(|result| {
                let (loader, entry) = (self.0.loader.clone(), entry.clone());
                self.0.threads.run(move || {
                    result.send_replace(Some(loader.load(&entry)));
                });
            });
            let Ok(outcome) = load.wait_for(Option::is_some).await.map(|outcome| outcome.clone()) else {
                break;
            };
            if let Some(outcome) = outcome
                && entry.is_new_enough(outcome.checked_at_ns, began_ns)
            {
                return outcome;
            }
        }
        Outcome { checked_at_ns: began_ns, found: LoadResult::Failed }
    }

    /// Answers without a look at the disk, answers after one, and bytes in memory.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        let Shared { hits, misses, loader, .. } = &*self.0;
        (hits.load(Ordering::Relaxed), misses.load(Ordering::Relaxed), loader.used_bytes())
    }
}

fn refused(status: StatusCode) -> FromMemory {
    let mut response = refusal(status);
    headers::set_cors(response.headers_mut());
    FromMemory::Answer(response)
}
