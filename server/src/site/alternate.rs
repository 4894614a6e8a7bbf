//! Where the same stream can be had with low latency: told with a playlist to whoever asks, by this server alone, as only a
//! server that holds requests may tell it.
//!
//! In: the query and the target of a request, what is known of the other list. Out: a `Link` header (RFC 8288). Pure.

use livedir_layout::files::LOW_LATENCY_PLAYLIST;

use crate::http::paths::{self, ResourceKind, Target};

/// The query of `stream.m3u8?low-latency`. A server of plain files answers with the list too, and without the header.
const QUESTION: &str = "low-latency";

/// Whether a query asks for the other list.
pub(crate) fn is_asked(query: Option<&str>) -> bool {
    query == Some(QUESTION)
}

/// The low-latency playlist beside a plain one; `None` for what is no playlist, or is that one itself.
pub(crate) fn of(target: &Target) -> Option<Target> {
    let (directory, name) = match target.path.rsplit_once('/') {
        Some((directory, name)) => (format!("{directory}/"), name),
        None => (String::new(), target.path.as_str()),
    };
    let is_plain = target.kind == ResourceKind::Playlist && name != LOW_LATENCY_PLAYLIST;
    is_plain.then(|| paths::resolve_plain(&format!("{directory}{LOW_LATENCY_PLAYLIST}")))?
}

/// The value of the header; the address is relative to that of the request.
pub(crate) const LINK: &str = "<ll.m3u8>; rel=\"alternate\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<&str>) {
        let target = paths::resolve(path).unwrap();
        assert_eq!(of(&target).map(|it| it.path).as_deref(), expected, "{path}");
    }

    #[test]
    fn the_other_list_lies_beside_the_plain_one() {
        check("/stream.m3u8", Some("ll.m3u8"));
        check("/one/stream.m3u8", Some("one/ll.m3u8"));
        check("/ll.m3u8", None);
        check("/one/ll.m3u8", None);
        check("/live/seg-00000001.ts", None);
        check("/", None);
    }

    #[test]
    fn only_one_question_asks_for_it() {
        assert!(is_asked(Some("low-latency")));
        for other in [None, Some(""), Some("_HLS_msn=1"), Some("low-latency=1&_=2")] {
            assert!(!is_asked(other), "{other:?}");
        }
    }

    #[test]
    fn the_header_names_the_list() {
        assert!(LINK.starts_with(&format!("<{LOW_LATENCY_PLAYLIST}>")));
    }
}
