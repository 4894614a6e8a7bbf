//! The site: a request in, its answer out. What everyone asks for is answered from memory, all else by `from_disk`.

mod alternate;
mod from_disk;
mod in_parts;

use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{CONTENT_LENGTH, LINK};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use axum::response::Response;
use axum::{BoxError, Router};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use livedir_playlist::Directives;
use tower_http::compression::CompressionLayer;

use crate::blocking::waiters::{BlockedRequests, Waiter};
use crate::blocking::{self, Waits};
use crate::http::headers;
use crate::http::paths::{self, ResourceKind, Target};
use crate::memory::{CacheSettings, FromMemory, Memory};
use from_disk::Files;

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Site(Arc<Shared>);

struct Shared {
    memory: Option<Memory>,
    files: TowerToHyperService<Router>,
    waiting: Arc<BlockedRequests>,
}

impl Site {
    /// `cache` says where the files are, too. At most `most_blocked` requests are blocked at a time.
    pub(crate) fn new(cache: &CacheSettings, most_blocked: usize) -> Site {
        let files = Router::new()
            .fallback(from_disk::answer)
            .with_state(Files::new(&cache.webroot, cache.segment_max_age_s))
            .layer(CompressionLayer::new().compress_when(headers::is_gzipped));
        let (files, waiting) = (TowerToHyperService::new(files), BlockedRequests::new(most_blocked));
        Site(Arc::new(Shared { memory: Memory::new(cache), files, waiting }))
    }

    /// Answers any request; one that everyone asks is answered at once.
    pub(crate) fn answer<W: Waiter + 'static>(
        &self,
        request: Request<Incoming>,
        waiter: &Arc<W>,
    ) -> Answering {
        let memory = self.0.memory.as_ref();
        let query = request.uri().query();
        let memory = memory.filter(|_| !blocking::concerns(query) && !alternate::is_asked(query));
        let told = memory
            .and_then(|memory| memory.answer_now(request.method(), request.uri().path(), request.headers()));
        match told {
            Some(response) => Answering::Now(finished(response)),
            None => self.answer_later(request, waiter),
        }
    }

    /// The answer to a request for what may not be there yet; `None` for all others.
    pub(crate) fn blocking<B, W: Waiter + 'static>(
        &self,
        request: &Request<B>,
        waiter: &Arc<W>,
    ) -> Option<Later> {
        let (target, memory) = reading(request).zip(self.0.memory.clone())?;
        let waits = || Waits { all: self.0.waiting.clone(), waiter: waiter.clone() };
        if let Some(query) = request.uri().query().filter(|query| blocking::concerns(Some(query)))
            && target.kind == ResourceKind::Playlist
        {
            let (asked, versions) = (Directives::of_query(query), memory.follow(&target));
            let reload = blocking::reload(versions, asked, blocking::kept(request, &target), waits());
            return Some(Box::pin(async { finished(reload.await) }));
        }
        let playlist = blocking::playlist_of(&target).filter(|_| !memory.has(request.uri().path()))?;
        let (site, kept, waits) = (self.clone(), blocking::kept(request, &target), waits());
        Some(Box::pin(async move { site.part(memory, kept, &target, &playlist, waits).await }))
    }

    fn answer_later<W: Waiter + 'static>(&self, request: Request<Incoming>, waiter: &Arc<W>) -> Answering {
        if let Some(later) = self.blocking(&request, waiter) {
            return Answering::Later(later);
        }
        let site = self.clone();
        let Some((target, memory)) = reading(&request).zip(self.0.memory.clone()) else {
            return Answering::Later(Box::pin(async move { site.file(request).await }));
        };
        if alternate::is_asked(request.uri().query())
            && let Some(other) = alternate::of(&target)
        {
            return Answering::Later(Box::pin(async move {
                site.with_link(memory, request, &target, &other).await
            }));
        }
        Answering::Later(Box::pin(async move { site.memory_or_disk(&memory, request, &target).await }))
    }

    /// A file, from memory where it is kept there, else from disk.
    async fn memory_or_disk(&self, memory: &Memory, request: Request<Incoming>, target: &Target) -> Response {
        match memory.answer_later(target, request.method(), request.headers()).await {
            FromMemory::Answer(response) => finished(response),
            FromMemory::AskDisk => self.file(request).await,
        }
    }

    /// A playlist, with the address of the other one where that is there.
    async fn with_link(
        self,
        memory: Memory,
        request: Request<Incoming>,
        target: &Target,
        other: &Target,
    ) -> Response {
        let is_there = match memory.answer_later(other, &Method::HEAD, &HeaderMap::new()).await {
            FromMemory::Answer(response) => response.status() == StatusCode::OK,
            FromMemory::AskDisk => false,
        };
        let mut response = self.memory_or_disk(&memory, request, target).await;
        if is_there && response.status() == StatusCode::OK {
            response.headers_mut().insert(LINK, HeaderValue::from_static(alternate::LINK));
        }
        response
    }

    /// A part: at once, or when it is there.
    async fn part(
        self,
        memory: Memory,
        request: Request<()>,
        target: &Target,
        playlist: &Target,
        waits: Waits,
    ) -> Response {
        // In boxes: most of what the first needs is not needed while the part is waited for.
        let response = Box::pin(self.part_now(&memory, &request, target)).await;
        if response.status() != StatusCode::NOT_FOUND {
            return response;
        }
        match blocking::part(memory.follow(playlist), target, &waits).await {
            Ok(blocked_for) => {
                let mut response = Box::pin(self.part_now(&memory, &request, target)).await;
                response.extensions_mut().insert(blocked_for);
                response
            }
            Err(refusal) => refusal,
        }
    }

    async fn part_now(&self, memory: &Memory, request: &Request<()>, target: &Target) -> Response {
        match memory.answer_later(target, request.method(), request.headers()).await {
            FromMemory::Answer(response) => finished(response),
            FromMemory::AskDisk => {
                let mut again = Request::new(Body::empty());
                again.method_mut().clone_from(request.method());
                again.uri_mut().clone_from(request.uri());
                again.headers_mut().clone_from(request.headers());
                self.file(again).await
            }
        }
    }

    async fn file<B>(&self, request: Request<B>) -> Response
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        match self.0.files.call(request).await {
            Ok(response) => finished(response),
            Err(never) => match never {},
        }
    }

    /// Lets all go who are blocked, now and from now on.
    pub(crate) fn stop_blocking(&self) {
        if let Some(memory) = &self.0.memory {
            memory.stop_following();
        }
    }

    pub(crate) fn waiting(&self) -> &BlockedRequests {
        &self.0.waiting
    }

    /// Answers from memory, answers after a check of the file, and bytes in memory.
    pub(crate) fn cache_counts(&self) -> (u64, u64, u64) {
        self.0.memory.as_ref().map_or((0, 0, 0), Memory::counts)
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
