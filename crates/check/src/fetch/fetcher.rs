//! Fetcher: brings a playlist or a segment here, from disk or over HTTP, and asks whether one is still there.
//!
//! In: addresses. Out: bytes, and what the server said of them. On the caller's thread; every wait and every size has a
//! limit.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::rules::{HttpAnswer, Requested};
use flate2::read::MultiGzDecoder;
use ureq::http::Response;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, ResponseExt};
use url::Url;

use crate::fetch::address::Address;
use livedir_address::shown;

/// A playlist of a day's segments of 2 s has about 4 MiB; more is no playlist.
const LONGEST_PLAYLIST_BYTES: u64 = 4 << 20;

/// 10 s of the best video there is on the web.
const LONGEST_SEGMENT_BYTES: u64 = 64 << 20;

/// A server that is silent for so long is not there for a player either.
const TO_FIRST_BYTE: Duration = Duration::from_secs(10);

/// For the whole of an answer: slower than a segment lasts is of no use to a player, but may be the way from here.
const TO_LAST_BYTE: Duration = Duration::from_secs(60);

/// As browsers do at least.
const REDIRECTS: u32 = 10;

/// Why something could not be read. One line with the value.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not there, or no longer.
    #[error("{0} does not exist")]
    Missing(String),
    /// The disk has it and does not give it.
    #[error("cannot read {path}: {error}")]
    Disk {
        /// Which file.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// No answer that could be read.
    #[error("cannot read {url}: {error}")]
    Http {
        /// Which URL.
        url: String,
        /// What went wrong.
        error: String,
    },
    /// The server refuses.
    #[error("{url} is answered with status {status}")]
    Status {
        /// Which URL.
        url: String,
        /// Its answer; boxed, as it is much larger than the rest.
        answer: Box<HttpAnswer>,
        /// As in the answer.
        status: u16,
    },
    /// Nothing came for as long as the caller would wait.
    #[error("{url} was not answered within {} s", .waited.as_secs_f64())]
    Silent {
        /// Which URL.
        url: String,
        /// How long.
        waited: Duration,
    },
    /// More than anyone should send.
    #[error("{what} has more than {limit} bytes")]
    TooLong {
        /// Which file or URL.
        what: String,
        /// The limit.
        limit: u64,
    },
}

impl ReadError {
    /// Whether the answer was lost or late on its way. Whoever does not fetch it in time loses it, too.
    #[must_use]
    pub(crate) fn is_of_the_way(&self) -> bool {
        matches!(self, Self::Http { .. } | Self::Silent { .. })
    }
}

/// What was read.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The content, unpacked.
    pub bytes: Vec<u8>,
    /// What the server said; `None` on disk.
    pub answer: Option<HttpAnswer>,
    /// When it came into being, where that can be known: on disk.
    pub changed_at: Option<SystemTime>,
    /// Where it was found in the end, when that is somewhere else (RFC 3986 5.1.3: what it links to is relative to that).
    pub moved_to: Option<Address>,
}

/// Reads from disk and over HTTP; clones share connections.
#[derive(Debug, Clone)]
pub(crate) struct Fetcher {
    agent: Agent,
}

impl Fetcher {
    /// With no connection yet.
    #[must_use]
    pub(crate) fn new() -> Self {
        // As browsers here do, and with SSL_CERT_FILE and SSL_CERT_DIR for those that this machine does not know.
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(REDIRECTS)
            .save_redirect_history(true)
            .user_agent(concat!("livedir-publisher/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(TO_FIRST_BYTE))
            .timeout_recv_response(Some(TO_FIRST_BYTE))
            .timeout_global(Some(TO_LAST_BYTE));
        Self { agent: config.build().into() }
    }

    /// The whole of a playlist.
    pub(crate) fn playlist(&self, address: &Address) -> Result<Reading, ReadError> {
        self.read(address, Requested::Playlist { live_target_duration_s: None }, LONGEST_PLAYLIST_BYTES)
    }

    /// The whole of a segment.
    pub(crate) fn segment(&self, address: &Address) -> Result<Reading, ReadError> {
        self.read(address, Requested::Segment, LONGEST_SEGMENT_BYTES)
    }

    fn read(&self, address: &Address, kind: Requested, limit: u64) -> Result<Reading, ReadError> {
        match address {
            Address::File(path) => read_file(path, limit),
            Address::Url(url) => self.get(url, kind, limit, None),
        }
    }

    /// A playlist that the server may hold back for so long.
    pub(crate) fn held_playlist(&self, url: &Url, patience: Duration) -> Result<Reading, ReadError> {
        let kind = Requested::Playlist { live_target_duration_s: None };
        self.get(url, kind, LONGEST_PLAYLIST_BYTES, Some(patience))
    }

    /// A part that the server may hold back for so long.
    pub(crate) fn held_part(&self, url: &Url, patience: Duration) -> Result<Reading, ReadError> {
        self.get(url, Requested::Segment, LONGEST_SEGMENT_BYTES, Some(patience))
    }

    fn get(
        &self,
        url: &Url,
        kind: Requested,
        limit: u64,
        patience: Option<Duration>,
    ) -> Result<Reading, ReadError> {
        let failed = |error: ureq::Error| match (&error, patience) {
            (ureq::Error::Timeout(_), Some(waited)) => ReadError::Silent { url: shown(url.as_str()), waited },
            _ => ReadError::Http { url: shown(url.as_str()), error: told(&error) },
        };
        // The crate would unpack it, and not tell.
        let mut request = self.agent.get(url.as_str()).header("accept-encoding", "gzip");
        if let Some(patience) = patience {
            let config = request.config().timeout_recv_response(Some(patience));
            request = config.timeout_global(Some(patience.saturating_add(TO_LAST_BYTE))).build();
        }
        let mut response = request.call().map_err(failed)?;
        let mut answer = answer_of(url, kind, &response);
        let mut bytes = Vec::new();
        let mut body = response.body_mut().with_config().reader();
        let read = if answer.was_gzip {
            MultiGzDecoder::new(body.by_ref().take(limit)).take(limit + 1).read_to_end(&mut bytes)
        } else {
            body.by_ref().take(limit + 1).read_to_end(&mut bytes)
        };
        read.map_err(|error| ReadError::Http { url: shown(url.as_str()), error: error.to_string() })?;
        answer.bytes = bytes.len() as u64;
        let status = answer.status;
        if status != 200 {
            return Err(ReadError::Status { url: shown(url.as_str()), answer: Box::new(answer), status });
        }
        if answer.bytes > limit {
            return Err(ReadError::TooLong { what: shown(url.as_str()), limit });
        }
        let moved_to = (answer.redirects > 0)
            .then(|| Url::parse(&response.get_uri().to_string()).ok().map(Address::Url))
            .flatten();
        Ok(Reading { bytes, answer: Some(answer), changed_at: None, moved_to })
    }

    /// Asks for something that has left the playlist, without bringing it here. `kind` is called when the answer has come.
    pub(crate) fn ask(&self, url: &Url, kind: impl FnOnce() -> Requested) -> Result<HttpAnswer, ReadError> {
        let failed = |error: ureq::Error| ReadError::Http { url: shown(url.as_str()), error: told(&error) };
        let mut response = self.agent.head(url.as_str()).call().map_err(failed)?;
        if matches!(response.status().as_u16(), 405 | 501) {
            // One byte is the least that a GET can ask for.
            let first_byte = self.agent.get(url.as_str()).header("range", "bytes=0-0");
            response = first_byte.call().map_err(failed)?;
        }
        Ok(answer_of(url, kind(), &response))
    }
}

impl Default for Fetcher {
    fn default() -> Self {
        Self::new()
    }
}

/// What went wrong, and what to do about it where that is known.
fn told(error: &ureq::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("io: ").unwrap_or(&text);
    if text.contains("peer certificate") || text.contains("CA certificates") {
        format!(
            "its certificate is not trusted here ({text}); name a file with those to trust in SSL_CERT_FILE"
        )
    } else if text.contains("onnection refused") {
        format!("{text}; is the server running, and on this port?")
    } else if text.contains("failed to lookup") {
        format!("{text}; is the name of the server right?")
    } else {
        text.to_owned()
    }
}

fn answer_of(url: &Url, kind: Requested, response: &Response<Body>) -> HttpAnswer {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers: Vec<(String, String)> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())))
        .collect();
    let was_gzip = headers.iter().any(|(name, value)| {
        name == "content-encoding" && ["gzip", "x-gzip"].iter().any(|gzip| value.eq_ignore_ascii_case(gzip))
    });
    let visited = response.get_redirect_history().map_or(1, <[_]>::len);
    HttpAnswer {
        url: shown(url.as_str()),
        kind,
        status: response.status().as_u16(),
        headers,
        bytes: 0,
        was_gzip,
        redirects: visited.saturating_sub(1) as u32,
    }
}

fn read_file(path: &Path, limit: u64) -> Result<Reading, ReadError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => ReadError::Missing(path.display().to_string()),
        _ => ReadError::Disk { path: path.display().to_string(), error },
    };
    // To open a pipe would be to wait for someone who writes to it.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("it is no file")));
    }
    let file = File::open(path).map_err(failed)?;
    // Of the file that was opened: the name may be another's by now.
    let changed_at = file.metadata().and_then(|metadata| metadata.modified()).ok();
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLong { what: path.display().to_string(), limit });
    }
    Ok(Reading { bytes, answer: None, changed_at, moved_to: None })
}
