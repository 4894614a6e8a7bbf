//! The site: a request in, its answer out. What everyone asks for is answered from memory, all else by `from_disk`.

mod alternate;
mod file_body;
mod from_disk;

use std::pin::Pin;
use std::sync::Arc;

use axum::http::header::{CONTENT_LENGTH, LINK};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use axum::response::Response;
use livedir_playlist::Directives;

use crate::accounts::{Accounts, Share};
use crate::blocking::waiters::{BlockedRequests, Waiter};
use crate::blocking::{self, Waits};
use crate::http::paths::{self, ResourceKind, Target};
use crate::memory::{CacheSettings, FromMemory, Memory, Newest};
use from_disk::Files;

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Site(Arc<Shared>);

struct Shared {
    memory: Memory,
    files: Files,
    waiting: Arc<BlockedRequests>,
}

impl Site {
    /// `cache` says where the files are, too. At most `most_blocked` requests are blocked at a time.
    pub(crate) fn new(cache: &CacheSettings, accounts: Arc<Accounts>, most_blocked: usize) -> Site {
        let files = Files::new(&cache.webroot, cache.segment_max_age_s);
        let (memory, waiting) = (Memory::new(cache, accounts), BlockedRequests::new(most_blocked));
        Site(Arc::new(Shared { memory, files, waiting }))
    }

    /// Answers any request; one that everyone asks is answered at once. What is read ahead of the client is read for `share`.
    pub(crate) fn answer<W: Waiter + 'static>(
        &self,
        request: Request<()>,
        share: &Arc<Share>,
        waiter: &Arc<W>,
    ) -> Answering {
        let query = request.uri().query();
        let is_plain = !blocking::concerns(query) && !alternate::is_asked(query);
        let (method, path, headers) = (request.method(), request.uri().path(), request.headers());
        match is_plain.then(|| self.0.memory.answer_now(method, path, headers)).flatten() {
            Some(response) => Answering::Now(finished(response)),
            None => Answering::Later(self.answer_later(request, share, waiter)),
        }
    }

    /// The answer to a request for what may not be there yet; `None` for all others.
    pub(crate) fn blocking<B, W: Waiter + 'static>(
        &self,
        request: &Request<B>,
        share: impl FnOnce() -> Arc<Share>,
        waiter: &Arc<W>,
    ) -> Option<Later> {
        let target = reading(request)?;
        let waits = || Waits { all: self.0.waiting.clone(), waiter: waiter.clone() };
        let site = self.clone();
        if let Some(query) = request.uri().query().filter(|query| blocking::concerns(Some(query)))
            && target.kind == ResourceKind::Playlist
        {
            let (asked, kept) = (Directives::of_query(query), blocking::kept(request, &target));
            let waits = waits();
            return Some(Box::pin(async move { site.reload(asked, kept, &target, waits).await }));
        }
        let has = || self.0.memory.has(request.uri().path());
        let playlist = blocking::playlist_of(&target).filter(|_| !has())?;
        let (kept, share, waits) = (blocking::kept(request, &target), share(), waits());
        Some(Box::pin(async move { site.part(kept, &share, &target, &playlist, waits).await }))
    }

    fn answer_later<W: Waiter + 'static>(
        &self,
        request: Request<()>,
        share: &Arc<Share>,
        waiter: &Arc<W>,
    ) -> Later {
        if let Some(later) = self.blocking(&request, || share.clone(), waiter) {
            return later;
        }
        let (site, share) = (self.clone(), share.clone());
        let Some(target) = reading(&request) else {
            return Box::pin(async move { finished(site.0.files.answer(&request, &share).await) });
        };
        let other = alternate::is_asked(request.uri().query()).then(|| alternate::of(&target)).flatten();
        match other {
            Some(other) => Box::pin(async move { site.with_link(request, &share, &target, &other).await }),
            None => Box::pin(async move { site.file(&request, &share, &target).await }),
        }
    }

    /// A file, from memory where it is kept there, else from disk.
    async fn file(&self, request: &Request<()>, share: &Arc<Share>, target: &Target) -> Response {
        match self.0.memory.answer_later(target, request.method(), request.headers()).await {
            FromMemory::Answer(response) => finished(response),
            FromMemory::AskDisk => finished(self.0.files.answer(request, share).await),
        }
    }

    /// A playlist, with the address of the other one where that is there.
    async fn with_link(
        self,
        request: Request<()>,
        share: &Arc<Share>,
        target: &Target,
        other: &Target,
    ) -> Response {
        let is_there = match self.0.memory.answer_later(other, &Method::HEAD, &HeaderMap::new()).await {
            FromMemory::Answer(response) => response.status() == StatusCode::OK,
            FromMemory::AskDisk => false,
        };
        let mut response = self.file(&request, share, target).await;
        if is_there && response.status() == StatusCode::OK {
            response.headers_mut().insert(LINK, HeaderValue::from_static(alternate::LINK));
        }
        response
    }

    /// A playlist with delivery directives. Only one that is there, and has to come first, is followed.
    async fn reload(
        self,
        asked: Result<Directives, &'static str>,
        kept: Request<()>,
        target: &Target,
        waits: Waits,
    ) -> Response {
        // In a box: most of what it needs is not needed while the next version is waited for.
        let newest = Box::pin(self.0.memory.newest(target)).await;
        if blocking::is_settled(&newest, asked) {
            return finished(blocking::answer(&newest, asked, &kept));
        }
        drop(newest);
        finished(blocking::reload(self.0.memory.follow(target), asked, kept, waits).await)
    }

    /// A part: at once, or when it is there.
    async fn part(
        self,
        request: Request<()>,
        share: &Arc<Share>,
        target: &Target,
        playlist: &Target,
        waits: Waits,
    ) -> Response {
        // In boxes: most of what the first needs is not needed while the part is waited for.
        let (response, has_playlist) = Box::pin(self.part_now(&request, share, target, playlist)).await;
        if response.status() != StatusCode::NOT_FOUND || !has_playlist {
            return response;
        }
        match Box::pin(self.0.memory.newest(playlist)).await {
            Newest::NoMemory => return blocking::unavailable(),
            newest if blocking::hints_at(&newest, target) || matches!(newest, Newest::Unknown) => {}
            // It may have come between the two.
            _ if self.0.memory.is_listed(target) => {
                return Box::pin(self.file(&request, share, target)).await;
            }
            _ => return response,
        }
        drop(response);
        match blocking::part(self.0.memory.follow(playlist), target, &waits).await {
            Ok(blocked_for) => {
                let mut response = Box::pin(self.file(&request, share, target)).await;
                response.extensions_mut().insert(blocked_for);
                response
            }
            Err(refusal) => refusal,
        }
    }

    /// A part as far as it is there; with whether its playlist may be if it is not.
    async fn part_now(
        &self,
        request: &Request<()>,
        share: &Arc<Share>,
        target: &Target,
        playlist: &Target,
    ) -> (Response, bool) {
        match self.0.memory.answer_later(target, request.method(), request.headers()).await {
            FromMemory::Answer(response) => (finished(response), true),
            FromMemory::AskDisk => {
                let (response, has_playlist) =
                    self.0.files.answer_or_look(target, playlist, request, share).await;
                (finished(response), has_playlist)
            }
        }
    }

    /// Lets all go who are blocked, now and from now on.
    pub(crate) fn stop_blocking(&self) {
        self.0.memory.stop_following();
    }

    pub(crate) fn waiting(&self) -> &BlockedRequests {
        &self.0.waiting
    }

    /// Answers from memory, answers after a check of the file, and bytes in memory.
    pub(crate) fn cache_counts(&self) -> (u64, u64, u64) {
        self.0.memory.counts()
    }
}

/// The answer to a request, or that it will come.
pub(crate) enum Answering {
    Now(Response),
    /// In a box, so that the many connections that never wait are small.
    Later(Later),
}

pub(crate) type Later = Pin<Box<dyn Future<Output = Response> + Send>>;

/// The file that a request wants to read.
fn reading<B>(request: &Request<B>) -> Option<Target> {
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
    is_reading.then(|| paths::resolve(request.uri().path()))?
}

fn finished(mut response: Response) -> Response {
    if response.status() == StatusCode::NOT_MODIFIED {
        // RFC 9110 8.6: MUST NOT unless it is the length of the 200; axum writes the 0 of the empty body
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    response
}
