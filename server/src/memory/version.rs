//! One version of a file, ready to be sent: content in, bodies and headers out, made once. Pure.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use axum::http::header::{ETAG, HeaderMap, HeaderValue};
use bytes::Bytes;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use livedir_playlist::{Edge, delta_update};
use xxhash_rust::xxh3::xxh3_128;

use super::listed;
use crate::budget::{Budget, Charge};
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
    /// What its delta update is charged to.
    pub(super) budget: Arc<Budget>,
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
            _listing_charge: Budget::new(0).charge(0).unwrap(),
            budget: Budget::new(u64::MAX),
            edge: OnceLock::new(),
            hint_target: OnceLock::new(),
            delta: OnceLock::new(),
        })
    }

    /// `None` as well when there is no memory for it: then the whole list is the answer, as bis 6.2.5.1 allows.
    pub(super) fn delta(&self) -> Option<Delta> {
        let text = delta_update(str::from_utf8(&self.plain.body).ok()?)?;
        let represent = |content: Vec<u8>, tag: HeaderValue, of: &Representation| {
            let body = self.budget.charge(content.len() as u64)?.keep(content);
            let mut headers = of.headers.clone();
            headers.insert(ETAG, tag);
            let tag = headers[ETAG].clone();
            Some(Representation { body, tag, headers })
        };
        let packed = self.gzip.as_ref().and_then(|of| {
            let packed = gzip(text.as_bytes()).ok()?;
            represent(packed, tag(text.as_bytes(), true), of)
        });
        let tag = tag(text.as_bytes(), false);
        Some(Delta { plain: represent(text.into_bytes(), tag, &self.plain)?, gzip: packed })
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

/// One for all threads: each takes some hundred kilobytes, and an allocator keeps them for each thread.
static PACKER: Mutex<Option<DeflateEncoder<Vec<u8>>>> = Mutex::new(None);

/// RFC 1952 2.3: no name, no time, and no system.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

pub(super) fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut one = PACKER.lock().unwrap_or_else(PoisonError::into_inner);
    let encoder = one.get_or_insert_with(|| DeflateEncoder::new(Vec::new(), Compression::default()));
    let mut packed = Vec::with_capacity(content.len() / 4 + 64);
    packed.extend(GZIP_HEAD);
    encoder.reset(packed)?;
    encoder.write_all(content)?;
    let mut packed = encoder.reset(Vec::new())?;
    let mut crc = Crc::new();
    crc.update(content);
    packed.extend(crc.sum().to_le_bytes());
    packed.extend(crc.amount().to_le_bytes());
    Ok(packed)
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
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_packed_one_after_the_other_is_unpacked_again() {
        for content in [&b"#EXTM3U\n".repeat(1000)[..], b"", b"a"] {
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&gzip(content).unwrap()[..]).read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, content);
        }
    }

    #[test]
    fn a_delta_update_is_charged_and_without_memory_there_is_none() {
        let segments = "#EXTINF:2.0,\nlive/seg-00000001.ts\n".repeat(40);
        let text = format!(
            "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=12.0\n{segments}"
        );
        let mut version = Arc::into_inner(Version::of_text("ll.m3u8", &text)).unwrap();
        let delta = version.delta().unwrap();
        assert!(version.budget.used_bytes() >= delta.plain.body.len() as u64);
        drop(delta);
        assert_eq!(version.budget.used_bytes(), 0);
        version.budget = Budget::new(10);
        assert!(version.delta().is_none());
    }

    #[test]
    fn a_tag_is_strong_and_of_the_content_alone() {
        assert_eq!(tag(b"a", false), tag(b"a", false));
        assert_ne!(tag(b"a", false), tag(b"b", false));
        assert_ne!(tag(b"a", false), tag(b"a", true), "another encoding");
        assert_eq!(tag(b"", false), "\"99aa06d3014798d86001c324468d497f\"");
    }
}
