//! Holding: requests for what is not there yet wait until it is (draft-pantos-hls-rfc8216bis 6.2.5.2, 6.2.6).
//!
//! In: a request for a low-latency playlist, or for the part that it hints at. Out: the answer, when the playlist on disk
//! says that it is time, or after three target durations. There is no other state: what is held for lies on the disk, so
//! that any number of servers can do this beside each other, and each can be restarted at any time.

use std::time::Duration;

use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use livedir_playlist::{Directives, Edge, Reload};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::answer::refusal;
use crate::headers;
use crate::hot::{Hot, Newest, Version};
use crate::paths::{self, Kind, Target};

/// bis 6.2.5.2: a request that is held for longer than three target durations SHOULD be answered with 503.
const TARGETS_HELD: u64 = 3;

/// Nobody is held for longer, whatever a playlist says.
const LONGEST_HELD_S: u64 = 60;

/// The playlist whose hints are heeded, beside the directory of the parts.
const LOW_LATENCY_PLAYLIST: &str = "ll.m3u8";

/// Whether a query asks for more than the file as it is.
pub(crate) fn concerns(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.contains("_HLS_"))
}

/// Answers a request for a playlist with delivery directives.
pub(crate) async fn reload(
    hot: &Hot,
    target: &Target,
    query: &str,
    method: &Method,
    request: &HeaderMap,
) -> Response {
    let Ok(directives) = Directives::of_query(query) else {
        return refused(StatusCode::BAD_REQUEST);
    };
    let judge = |edge: Option<&Edge>| edge.map_or(Reload::Now, |edge| edge.judge(directives));
    let mut versions = hot.follow(target);
    let is_settled = |newest: &Newest| match newest {
        Newest::Unknown => false,
        Newest::Missing => true,
        Newest::Version(version) => judge(version.edge()) != Reload::Wait,
    };
    let Some(newest) = held(&mut versions, is_settled).await else {
        return refused(StatusCode::SERVICE_UNAVAILABLE);
    };
    let Newest::Version(version) = newest else { return refused(StatusCode::NOT_FOUND) };
    match judge(version.edge()) {
        Reload::BadRequest(_) => refused(StatusCode::BAD_REQUEST),
        Reload::Now | Reload::Wait => version.answer(directives.skip, method, request),
    }
}

/// Waits for a part that is not there for as long as its playlist hints at it. Then it is there, or never will be.
pub(crate) async fn part(hot: &Hot, target: &Target, playlist: &Target) -> Result<(), Response> {
    let mut versions = hot.follow(playlist);
    let is_hinted = |newest: &Newest| matches!(newest, Newest::Version(version) if version.hint().is_some_and(|hint| hint.path == target.path));
    let is_settled = |newest: &Newest| !matches!(newest, Newest::Unknown) && !is_hinted(newest);
    let settled = held(&mut versions, is_settled).await;
    settled.map(|_| ()).ok_or_else(|| refused(StatusCode::SERVICE_UNAVAILABLE))
}

/// The first state that is settled; `None` when the time is over.
async fn held(
    versions: &mut watch::Receiver<Newest>,
    is_settled: impl Fn(&Newest) -> bool + Copy,
) -> Option<Newest> {
    let began = Instant::now();
    let until = |held_s: u64| began + Duration::from_secs(held_s);
    let known = |newest: &Newest| !matches!(newest, Newest::Unknown);
    let known = timeout_at(until(LONGEST_HELD_S), versions.wait_for(known)).await.ok()?.ok()?.clone();
    if is_settled(&known) {
        return Some(known);
    }
    let target_duration_s = match &known {
        Newest::Version(version) => version.edge().map_or(1, |edge| edge.target_duration_s),
        Newest::Unknown | Newest::Missing => 1,
    };
    drop(known);
    let held_s = target_duration_s.saturating_mul(TARGETS_HELD).min(LONGEST_HELD_S);
    let settled = timeout_at(until(held_s), versions.wait_for(|newest| is_settled(newest))).await.ok()?;
    settled.ok().map(|newest| newest.clone())
}

/// The low-latency playlist that lists the parts beside this one; `None` for what is no part.
pub(crate) fn playlist_of(part: &Target) -> Option<Target> {
    let (directory, name) = part.path.rsplit_once('/')?;
    let (_, number) = name.strip_suffix(".ts")?.rsplit_once(".p")?;
    let is_part = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let webroot = directory.strip_suffix("live").filter(|_| part.kind == Kind::Segment && is_part)?;
    paths::resolve_plain(&format!("{webroot}{LOW_LATENCY_PLAYLIST}"))
}

fn refused(status: StatusCode) -> Response {
    let mut response = refusal(status);
    headers::set_cors(response.headers_mut());
    response
}

impl Version {
    fn hint(&self) -> Option<Target> {
        self.resolve(self.edge()?.hint.as_deref()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<&str>) {
        let target = paths::resolve(path).unwrap();
        assert_eq!(playlist_of(&target).map(|it| it.path).as_deref(), expected, "{path}");
    }

    #[test]
    fn parts_belong_to_the_playlist_beside_their_directory() {
        check("/live/seg-00000001.p00.ts", Some("ll.m3u8"));
        check("/one/live/seg-00000001.p123.ts", Some("one/ll.m3u8"));
        check("/live/seg-00000001.ts", None);
        check("/live/seg-00000001.p.ts", None);
        check("/live/seg-00000001.pa.ts", None);
        check("/other/seg-00000001.p00.ts", None);
    }

    #[test]
    fn only_delivery_directives_concern_this_stage() {
        assert!(concerns(Some("a=b&_HLS_msn=3")));
        assert!(!concerns(Some("token=1")));
        assert!(!concerns(None));
    }
}
