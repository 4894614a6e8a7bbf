//! An answer from memory: a version and a request's headers in, the answer out. Pure.

use std::ops::Range;

use axum::body::Body;
use axum::http::Method;
use axum::http::header::HeaderMap;
use axum::response::Response;

use super::encoding::takes_gzip;
use super::version::{Representation, Version};
use crate::http::chosen::Chosen;

impl Version {
    /// The answer to a request for this version, or for its delta update.
    pub(crate) fn answer(&self, skip: bool, method: &Method, request: &HeaderMap) -> Response {
        let delta = if skip { self.delta.get_or_init(|| self.delta()).as_ref() } else { None };
        match delta {
            Some(delta) => of(&delta.plain, delta.gzip.as_ref(), self, method, request),
            None => answer(self, method, request),
        }
    }
}

pub(super) fn answer(version: &Version, method: &Method, request: &HeaderMap) -> Response {
    of(&version.plain, version.gzip.as_ref(), version, method, request)
}

/// The same for what is made of a version.
pub(super) fn of(
    plain: &Representation,
    gzip: Option<&Representation>,
    version: &Version,
    method: &Method,
    request: &HeaderMap,
) -> Response {
    let Representation { body, tag, headers } = gzip.filter(|_| takes_gzip(request)).unwrap_or(plain);
    let (kind, length, modified) = (version.kind, body.len() as u64, version.modified);
    let chosen = Chosen { kind, length, tag, is_in_memory: true, modified, headers };
    let piece = |part: Range<u64>| Body::from(body.slice(part.start as usize..part.end as usize));
    chosen.answer(method, request, piece)
}
