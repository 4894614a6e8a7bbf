//! The site: a request in, its answer out. What everyone asks for is answered from memory, all else by `from_disk`.

mod alternate;
mod from_disk;

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

use crate::blocking::waiters::{Waiter, Waiting};
use crate::blocking::{self, Waits};
use crate::http::headers;
use crate::http::paths::{self, Kind, Target};
use crate::memory::{CacheSettings, Hot, Told};
use from_disk::Files;

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Site(Arc<Shared>);

struct Shared {
    hot: Option<Hot>,
    files: TowerToHyperService<Router>,
    waiting: Arc<Waiting>,
}

impl Site {
    /// `cache` says where the files are, too. At most `most_held` requests are held at a time.
    pub(crate) fn new(cache: &CacheSettings, most_held: usize) -> Site {
        let files = Router::new()
            .fallback(from_disk::answer)
            .with_state(Files::new(&cache.webroot, cache.segment_max_age_s))
            .layer(CompressionLayer::new().compress_when(headers::is_gzipped));
        let (files, waiting) = (TowerToHyperService::new(files), Waiting::new(most_held));
        Site(Arc::new(Shared { hot: Hot::new(cache), files, waiting }))
    }

    /// Answers any request; one that everyone asks is answered at once.
    pub(crate) fn answer<W: Waiter + 'static>(
        &self,
        request: Request<Incoming>,
        waiter: &Arc<W>,
    ) -> Answering {
        let hot = self.0.hot.as_ref();
        let query = request.uri().query();
        let hot = hot.filter(|_| !blocking::concerns(query) && !alternate::is_asked(query));
        let told =
            hot.and_then(|hot| hot.answer_now(request.method(), request.uri().path(), request.headers()));
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
        let (target, hot) = reading(request).zip(self.0.hot.clone())?;
        let waits = || Waits { all: self.0.waiting.clone(), waiter: waiter.clone() };
        if let Some(query) = request.uri().query().filter(|query| blocking::concerns(Some(query)))
            && target.kind == Kind::Playlist
        {
            let (asked, versions) = (Directives::of_query(query), hot.follow(&target));
            let reload = blocking::reload(versions, asked, blocking::kept(request, &target), waits());
            return Some(Box::pin(async { finished(reload.await) }));
        }
        let playlist = blocking::playlist_of(&target).filter(|_| !hot.has(request.uri().path()))?;
        let (site, kept, waits) = (self.clone(), blocking::kept(request, &target), waits());
        Some(Box::pin(async move { site.part(hot, kept, &target, &playlist, waits).await }))
    }

    fn answer_later<W: Waiter + 'static>(&self, request: Request<Incoming>, waiter: &Arc<W>) -> Answering {
        if let Some(later) = self.blocking(&request, waiter) {
            return Answering::Later(later);
        }
        let site = self.clone();
        let Some((target, hot)) = reading(&request).zip(self.0.hot.clone()) else {
            return Answering::Later(Box::pin(async move { site.file(request).await }));
        };
        if alternate::is_asked(request.uri().query())
            && let Some(other) = alternate::of(&target)
        {
            return Answering::Later(Box::pin(
                async move { site.with_link(hot, request, &target, &other).await },
            ));
        }
        Answering::Later(Box::pin(async move { site.look(&hot, request, &target).await }))
    }

    /// A file, from memory where it is kept there.
    async fn look(&self, hot: &Hot, request: Request<Incoming>, target: &Target) -> Response {
        match hot.answer_later(target, request.method(), request.headers()).await {
            Told::Answer(response) => finished(response),
            Told::NotHot => self.file(request).await,
        }
    }

    /// A playlist, with the address of the other one where that is there.
    async fn with_link(
        self,
        hot: Hot,
        request: Request<Incoming>,
        target: &Target,
        other: &Target,
    ) -> Response {
        let is_there = match hot.answer_later(other, &Method::HEAD, &HeaderMap::new()).await {
            Told::Answer(response) => response.status() == StatusCode::OK,
            Told::NotHot => false,
        };
        let mut response = self.look(&hot, request, target).await;
        if is_there && response.status() == StatusCode::OK {
            response.headers_mut().insert(LINK, HeaderValue::from_static(alternate::LINK));
        }
        response
    }

    /// A part: at once, or when it is there.
    async fn part(
        self,
        hot: Hot,
        request: Request<()>,
        target: &Target,
        playlist: &Target,
        waits: Waits,
    ) -> Response {
        // In boxes: most of what the first needs is not needed while the part is waited for.
        let response = Box::pin(self.part_now(&hot, &request, target)).await;
        if response.status() != StatusCode::NOT_FOUND {
            return response;
        }
        match blocking::part(hot.follow(playlist), target, &waits).await {
            Ok(held_for) => {
                let mut response = Box::pin(self.part_now(&hot, &request, target)).await;
                response.extensions_mut().insert(held_for);
                response
            }
            Err(refusal) => refusal,
        }
    }

    async fn part_now(&self, hot: &Hot, request: &Request<()>, target: &Target) -> Response {
        match hot.answer_later(target, request.method(), request.headers()).await {
            Told::Answer(response) => finished(response),
            Told::NotHot => {
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

    /// Lets all go who are held, now and from now on.
    pub(crate) fn stop_holding(&self) {
        if let Some(hot) = &self.0.hot {
            hot.stop_following();
        }
    }

    pub(crate) fn waiting(&self) -> &Waiting {
        &self.0.waiting
    }

    /// Answers from memory, answers after a look at the file, and bytes in memory.
    pub(crate) fn cache_counts(&self) -> (u64, u64, u64) {
        self.0.hot.as_ref().map_or((0, 0, 0), Hot::counts)
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
