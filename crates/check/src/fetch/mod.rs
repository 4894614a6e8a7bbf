//! Fetch: brings playlists and segments here, from disk or over HTTP.

pub(crate) mod address;
pub(crate) mod fetcher;
pub(crate) mod subject;
