//! Blocking requests: those for what is not there yet wait until it is (draft-pantos-hls-rfc8216bis 6.2.5.2, 6.2.6).
//!
//! In: a request for a low-latency playlist, or for the part that it hints at. Out: the answer, when the playlist on disk
//! says that it is time, after three target durations, or at the stop. There is no other state: everything is decided from files
//! on disk. So any number of servers can do this side by side, and each can be restarted at any time.

#[cfg(test)]
mod tests;
pub(crate) mod waiters;

use livedir_layout::formats::without_ending;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, RANGE, RETRY_AFTER,
};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use livedir_layout::files::LOW_LATENCY_PLAYLIST;
use livedir_playlist::{Directives, Reload};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::http::headers;
use crate::http::paths::{self, ResourceKind, Target};
use crate::http::refusal::refusal;
use crate::memory::{Newest, Version};
use waiters::{BlockedRequests, End, Waiter};

/// bis 6.2.5.2: a request that is blocked for longer than three target durations SHOULD be answered with 503.
const TARGETS_BLOCKED: u64 = 3;

/// Nobody is blocked for longer, whatever a playlist says.
const LONGEST_BLOCKED_S: u64 = 60;

/// The request headers that the answer depends on.
const HEEDED: [HeaderName; 7] =
    [ACCEPT_ENCODING, IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, IF_RANGE, RANGE];

/// Whether a query asks for more than the file as it is.
pub(crate) fn concerns(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.contains("_HLS_"))
}

/// The part of a request that is needed while it is blocked, copied: the buffer that it came in is many times larger.
pub(crate) fn kept<B>(request: &Request<B>, target: &Target) -> Request<()> {
    let mut kept = Request::new(());
    kept.method_mut().clone_from(request.method());
    if let Ok(uri) = target.uri_path().parse() {
        *kept.uri_mut() = uri;
    }
    for name in HEEDED {
        for value in request.headers().get_all(&name) {
            kept.headers_mut()
                .extend(HeaderValue::from_bytes(value.as_bytes()).ok().map(|value| (name.clone(), value)));
        }
    }
    kept
}

/// How long the request of this answer was blocked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockedFor(pub(crate) Duration);

/// Who waits, and with whom.
#[derive(Clone)]
pub(crate) struct Waits {
    pub(crate) all: Arc<BlockedRequests>,
    pub(crate) waiter: Arc<dyn Waiter>,
}

/// Answers a request for a playlist with delivery directives.
pub(crate) async fn reload(
    mut versions: watch::Receiver<Newest>,
    asked: Result<Directives, &'static str>,
    kept: Request<()>,
    waits: Waits,
) -> Response {
    match wait(&mut versions, &waits, |newest| is_settled(newest, asked)).await {
        Waited::Until(newest, blocked_for) => {
            let mut response = answer(&newest, asked, &kept);
            response.extensions_mut().insert(BlockedFor(blocked_for));
            response
        }
        Waited::InVain(refusal) => refusal,
    }
}

/// Whether there is nothing to wait for.
pub(crate) fn is_settled(newest: &Newest, asked: Result<Directives, &'static str>) -> bool {
    judge(newest, asked) != Verdict::Wait
}

/// The answer, when there is nothing to wait for any more.
pub(crate) fn answer(
    newest: &Newest,
    asked: Result<Directives, &'static str>,
    kept: &Request<()>,
) -> Response {
    match (newest, judge(newest, asked)) {
        // The server stops. It answers with the current list, so that the player asks the next server at once. The draft does not
        // cover this case. After a 503, players wait for a second and stall.
        (Newest::Version(version), Verdict::Wait) => version.answer(false, kept.method(), kept.headers()),
        (Newest::Version(version), Verdict::Answer { skip }) => {
            version.answer(skip, kept.method(), kept.headers())
        }
        (_, Verdict::BadRequest(why)) => bad_request(why),
        (Newest::Missing, _) => refused(StatusCode::NOT_FOUND),
        (Newest::Unknown | Newest::NoMemory, _) => unavailable(),
    }
}

/// What to do with a request that has delivery directives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Wait,
    Answer { skip: bool },
    BadRequest(&'static str),
}

fn judge(newest: &Newest, asked: Result<Directives, &'static str>) -> Verdict {
    let edge = match newest {
        Newest::Unknown => return Verdict::Wait,
        Newest::Missing | Newest::NoMemory => None,
        Newest::Version(version) => version.edge(),
    };
    // bis 6.2.5.2: with EXT-X-ENDLIST all directives MUST be ignored, wrong ones too. Where there is no list, there is
    // nothing that they could be wrong for.
    let Some(edge) = edge.filter(|edge| !edge.ended) else { return Verdict::Answer { skip: false } };
    match asked {
        Err(why) if edge.can_block_reload => Verdict::BadRequest(why),
        Err(_) => Verdict::Answer { skip: false },
        Ok(directives) => match edge.judge(directives) {
            Reload::Now => Verdict::Answer { skip: directives.skip },
            Reload::Wait => Verdict::Wait,
            Reload::BadRequest(why) => Verdict::BadRequest(why),
        },
    }
}

/// Waits for a part that is not there for as long as its playlist hints at it. Then it is there, or never will be.
pub(crate) async fn part(
    mut versions: watch::Receiver<Newest>,
    target: &Target,
    waits: &Waits,
) -> Result<BlockedFor, Response> {
    let is_hinted = |newest: &Newest| hints_at(newest, target);
    let is_settled = |newest: &Newest| !matches!(newest, Newest::Unknown) && !is_hinted(newest);
    match wait(&mut versions, waits, is_settled).await {
        // The server stops, and whoever comes after it can be asked in a second.
        Waited::Until(newest, _) if is_hinted(&newest) => Err(unavailable()),
        Waited::Until(Newest::NoMemory, _) => Err(unavailable()),
        Waited::Until(_, blocked_for) => Ok(BlockedFor(blocked_for)),
        Waited::InVain(refusal) => Err(refusal),
    }
}

/// Whether a playlist promises this part.
pub(crate) fn hints_at(newest: &Newest, part: &Target) -> bool {
    matches!(newest, Newest::Version(version) if version.hint() == Some(part))
}

/// How waiting for a playlist came out.
enum Waited {
    /// The first state that is settled, or the last one before the stop, after this time.
    Until(Newest, Duration),
    /// This is the answer.
    InVain(Response),
}

async fn wait(
    versions: &mut watch::Receiver<Newest>,
    waits: &Waits,
    is_settled: impl Fn(&Newest) -> bool,
) -> Waited {
    let began = Instant::now();
    let until = |blocked_s: u64| began + Duration::from_secs(blocked_s);
    let is_known = |newest: &Newest| !matches!(newest, Newest::Unknown);
    let known = timeout_at(until(LONGEST_BLOCKED_S), versions.wait_for(is_known)).await;
    let Some(known) = known.ok().and_then(|known| known.ok().map(|it| it.clone())) else {
        return Waited::InVain(unavailable());
    };
    if is_settled(&known) {
        return Waited::Until(known, Duration::ZERO);
    }
    let target_duration_s = match &known {
        Newest::Version(version) => version.edge().map_or(1, |edge| edge.target_duration_s),
        Newest::Unknown | Newest::Missing | Newest::NoMemory => 1,
    };
    // The old version is of no use to those who wait for the next one.
    drop(known);
    let Some(blocked_request) = waits.all.begin(&waits.waiter) else { return Waited::InVain(unavailable()) };
    let blocked_s = target_duration_s.saturating_mul(TARGETS_BLOCKED).min(LONGEST_BLOCKED_S);
    let waited = timeout_at(until(blocked_s), versions.wait_for(is_settled))
        .await
        .map(|settled| settled.ok().map(|it| it.clone()));
    match waited {
        Ok(Some(settled)) => Waited::Until(settled, blocked_request.finish(End::Settled)),
        // Nobody tells of this playlist any more.
        Ok(None) => Waited::Until(versions.borrow().clone(), blocked_request.finish(End::Stopped)),
        Err(_) => {
            let blocked_for = BlockedFor(blocked_request.finish(End::TooLate));
            let mut response = unavailable();
            response.extensions_mut().insert(blocked_for);
            Waited::InVain(response)
        }
    }
}

/// The low-latency playlist that lists the parts beside this one: beside `live/`, or beside the parts of a rung, as in
/// `live/720p/`. `None` for what is no part.
pub(crate) fn playlist_of(part: &Target) -> Option<Target> {
    let (directory, name) = part.path.rsplit_once('/')?;
    let (_, number) = without_ending(name)?.rsplit_once(".p")?;
    let is_part = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if part.kind != ResourceKind::Segment || !is_part {
        return None;
    }
    let playlist = match directory.strip_suffix("live").filter(|it| it.is_empty() || it.ends_with('/')) {
        Some(webroot) => format!("{webroot}{LOW_LATENCY_PLAYLIST}"),
        None => format!("{directory}/{LOW_LATENCY_PLAYLIST}"),
    };
    paths::resolve_plain(&playlist)
}

fn refused(status: StatusCode) -> Response {
    let mut response = refusal(status);
    headers::set_cors(response.headers_mut());
    response
}

fn bad_request(why: &'static str) -> Response {
    let mut response = refused(StatusCode::BAD_REQUEST);
    *response.body_mut() = Body::from(format!("{why}\n"));
    response
}

/// A proxy or a player may try again, elsewhere or a second later.
pub(crate) fn unavailable() -> Response {
    let mut response = refused(StatusCode::SERVICE_UNAVAILABLE);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

impl Version {
    fn hint(&self) -> Option<&Target> {
        let read = || self.resolve(self.edge()?.hint.as_deref()?);
        self.hint_target.get_or_init(read).as_ref()
    }
}
