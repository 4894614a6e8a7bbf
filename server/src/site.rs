//! The site: a request in, its answer out. What everyone asks for is answered from memory, all else by `answer`.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tower_http::compression::CompressionLayer;

use crate::answer::{self, Files};
use crate::headers;
use crate::hold;
use crate::hot::{Hot, Told};
use crate::paths::{self, Kind};
use crate::settings::Settings;

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Site(Arc<Shared>);

struct Shared {
    hot: Option<Hot>,
    files: TowerToHyperService<Router>,
}

impl Site {
    pub(crate) fn new(settings: &Settings) -> Site {
        let files = Router::new()
            .fallback(answer::answer)
            .with_state(Files::new(settings))
            .layer(CompressionLayer::new().compress_when(headers::is_gzipped));
        Site(Arc::new(Shared { hot: Hot::new(settings), files: TowerToHyperService::new(files) }))
    }

    /// Answers any request; one that everyone asks is answered when this returns.
    pub(crate) fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Response> + Send + use<> {
        let hot = self.0.hot.as_ref();
        let hot = hot.filter(|_| !hold::concerns(request.uri().query()));
        let told =
            hot.and_then(|hot| hot.answer_now(request.method(), request.uri().path(), request.headers()));
        // In a box, so that the many connections that never wait are small.
        let answer = told.ok_or_else(|| Box::pin(self.clone().answer_later(request)));
        async move {
            let mut response = match answer {
                Ok(response) => response,
                Err(later) => later.await,
            };
            if response.status() == StatusCode::NOT_MODIFIED {
                // RFC 9110 8.6: MUST NOT unless it is the length of the 200; axum writes the 0 of the empty body
                response.headers_mut().remove(CONTENT_LENGTH);
            }
            response
        }
    }

    async fn answer_later(self, request: Request<Incoming>) -> Response {
        if let Some(hot) = &self.0.hot
            && matches!(*request.method(), Method::GET | Method::HEAD)
            && let Some(target) = paths::resolve(request.uri().path())
        {
            if let Some(query) = request.uri().query().filter(|query| hold::concerns(Some(query)))
                && target.kind == Kind::Playlist
            {
                return hold::reload(hot, &target, query, request.method(), request.headers()).await;
            }
            let told = hot.answer_later(&target, request.method(), request.headers()).await;
            let is_there =
                matches!(&told, Told::Answer(response) if response.status() != StatusCode::NOT_FOUND);
            let told = match hold::playlist_of(&target).filter(|_| !is_there) {
                Some(playlist) => {
                    if let Err(refusal) = hold::part(hot, &target, &playlist).await {
                        return refusal;
                    }
                    hot.answer_later(&target, request.method(), request.headers()).await
                }
                None => told,
            };
            if let Told::Answer(response) = told {
                return response;
            }
        }
        match self.0.files.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// Answers from memory, answers after a look at the file, and bytes in memory.
    pub(crate) fn cache_counts(&self) -> (u64, u64, u64) {
        self.0.hot.as_ref().map_or((0, 0, 0), Hot::counts)
    }
}
