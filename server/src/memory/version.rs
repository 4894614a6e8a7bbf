//! One version of a file, ready to be sent: content in, bodies and headers out, made once. Pure.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use axum::http::header::{ETAG, HeaderMap, HeaderValue};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use livedir_playlist::{Edge, delta_update};
use xxhash_rust::xxh3::xxh3_128;

use super::listed;
use crate::budget::Charge;
use crate::http::headers;
use crate::http::paths::{ResourceKind, Target};
use crate::webroot::identity::Identity;

/// What is sent to everyone who asks while the file is this one.
#[derive(Debug)]
pub(crate) struct Version {
    pub(super) identity: Identity,
    /// The identity does not tell it from what may have come right after.
    pub(super) is_ambiguous: bool,
    pub(super) kind: ResourceKind,
    /// Of a file whose date says something: a playlist is replaced more often than dates can tell.
    pub(super) modified: Option<SystemTime>,
    /// As it is asked for, relative to webroot.
    pub(super) path: String,
    pub(super) plain: Representation,
    pub(super) gzip: Option<Representation>,
    /// Entries of the segments that a playlist lists.
    pub(super) listed: Vec<Arc<str>>,
    pub(super) _listing_charge: Charge,
    /// What requests for the next version depend on; `None` in files that are no media playlists.
    pub(super) edge: OnceLock<Option<Edge>>,
    /// The part that it hints at.
    pub(crate) hint_target: OnceLock<Option<Target>>,
    /// The delta update; `None` where there is nothing to skip.
    pub(super) delta: OnceLock<Option<Delta>>,
}

/// A playlist without its old segments, plain and packed.
#[derive(Debug)]
pub(super) struct Delta {
    pub(super) plain: Representation,
    pub(super) gzip: Option<Representation>,
}

impl Version {
    /// The live edge of a playlist.
    pub(crate) fn edge(&self) -> Option<&Edge> {
        let read = || Edge::of(str::from_utf8(&self.plain.body).ok()?);
        self.edge.get_or_init(read).as_ref()
    }

    /// Whether this is what the other one is, read again.
    pub(super) fn is_same_as(&self, other: &Version) -> bool {
        self.plain.tag == other.plain.tag
    }

    /// What a URI in this playlist means.
    pub(crate) fn resolve(&self, uri: &str) -> Option<Target> {
        listed::target(&self.path, uri)
    }

    /// A playlist that comes from no file.
    #[cfg(test)]
    pub(crate) fn of_text(path: &str, text: &str) -> Arc<Version> {
        let target = crate::http::paths::resolve_plain(path).unwrap();
        let represent = |content: Vec<u8>, is_gzip| {
            let tag = tag(&content, is_gzip);
            Representation::new(&target, content.into(), tag, is_gzip, None, 0)
        };
        Arc::new(Version {
            identity: Identity::default(),
            is_ambiguous: false,
            kind: target.kind,
            modified: None,
            path: path.to_owned(),
            plain: represent(text.into(), false),
            gzip: Some(represent(gzip(text.as_bytes()).unwrap(), true)),
            listed: Vec::new(),
            _listing_charge: crate::budget::Budget::new(0).charge(0).unwrap(),
            edge: OnceLock::new(),
            hint_target: OnceLock::new(),
            delta: OnceLock::new(),
        })
    }

    pub(super) fn delta(&self) -> Option<Delta> {
        let text = delta_update(str::from_utf8(&self.plain.body).ok()?)?;
        let represent = |content: Vec<u8>, tag, of: &Representation| {
            let mut headers = of.headers.clone();
            headers.insert(ETAG, tag);
            let tag = headers[ETAG].clone();
            Representation { body: Bytes::from(content), tag, headers }
        };
        let packed = self.gzip.as_ref().and_then(|of| {
            let packed = gzip(text.as_bytes()).ok()?;
            Some(represent(packed, tag(text.as_bytes(), true), of))
        });
        let tag = tag(text.as_bytes(), false);
        Some(Delta { plain: represent(text.into_bytes(), tag, &self.plain), gzip: packed })
    }
}

/// A body with its headers. RFC 9110 8.8.3.3: each encoding has a tag of its own.
#[derive(Debug)]
pub(super) struct Representation {
    pub(super) body: Bytes,
    pub(super) tag: HeaderValue,
    /// Of a 200.
    pub(super) headers: HeaderMap,
}

/// The tag comes from the content: the same bytes have the same tag on every server and after every restart.
pub(super) fn tag(content: &[u8], is_gzip: bool) -> HeaderValue {
    let hash = xxh3_128(content);
    let suffix = if is_gzip { "-gzip" } else { "" };
    HeaderValue::try_from(format!("\"{hash:032x}{suffix}\"")).expect("hex digits are a header value")
}

pub(super) fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(content.len() / 4), Compression::default());
    encoder.write_all(content)?;
    encoder.finish()
}

impl Representation {
    pub(super) fn new(
        target: &Target,
        body: Bytes,
        tag: HeaderValue,
        is_gzip: bool,
        modified: Option<SystemTime>,
        segment_max_age_s: u32,
    ) -> Representation {
        let headers = headers::of_file(target, &tag, is_gzip, modified, segment_max_age_s);
        Representation { body, tag, headers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_strong_and_of_the_content_alone() {
        assert_eq!(tag(b"a", false), tag(b"a", false));
        assert_ne!(tag(b"a", false), tag(b"b", false));
        assert_ne!(tag(b"a", false), tag(b"a", true), "another encoding");
        assert_eq!(tag(b"", false), "\"99aa06d3014798d86001c324468d497f\"");
    }
}
