//! Whether the client has the content already, or something else than it thinks. Pure: RFC 9110 13.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::header::{
    HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE,
};

/// What the conditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// Go on.
    Holds,
    /// 304: the client has it.
    NotModified,
    /// 412: it is not what the client thinks.
    Failed,
}

/// Evaluates the conditions of a GET or HEAD in the order of RFC 9110 13.2.2.
pub(crate) fn evaluate(request: &HeaderMap, tag: &HeaderValue, modified: Option<SystemTime>) -> Precondition {
    if request.contains_key(IF_MATCH) {
        // RFC 9110 13.1.1: strong comparison
        if !lists(request, &IF_MATCH, tag, false) {
            return Precondition::Failed;
        }
    } else if let Some((modified, date)) = seconds(modified).zip(date_s(request, &IF_UNMODIFIED_SINCE))
        && modified > date
    {
        return Precondition::Failed;
    }
    if request.contains_key(IF_NONE_MATCH) {
        // RFC 9110 13.1.2: weak comparison
        if lists(request, &IF_NONE_MATCH, tag, true) {
            return Precondition::NotModified;
        }
    } else if let Some((modified, date)) = seconds(modified).zip(date_s(request, &IF_MODIFIED_SINCE))
        && modified <= date
    {
        return Precondition::NotModified;
    }
    Precondition::Holds
}

/// Whether a list of tags names this one; `*` is any.
fn lists(request: &HeaderMap, name: &HeaderName, tag: &HeaderValue, may_be_weak: bool) -> bool {
    request.get_all(name).iter().any(|line| {
        let mut rest = line.as_bytes().trim_ascii();
        if rest == b"*" {
            return true;
        }
        loop {
            while let [b' ' | b'\t' | b',', after @ ..] = rest {
                rest = after;
            }
            let strong = rest.strip_prefix(b"W/");
            let is_weak = strong.is_some();
            let opaque = strong.unwrap_or(rest);
            // RFC 9110 8.8.3: quotes belong to the tag, and a comma may be in it
            let Some(after) = opaque.strip_prefix(b"\"") else { return false };
            let Some(end) = after.iter().position(|byte| *byte == b'"') else { return false };
            let is_this = &opaque[..end + 2] == tag.as_bytes();
            if is_this && (may_be_weak || !is_weak) {
                return true;
            }
            rest = &opaque[end + 2..];
        }
    })
}

/// A date that is none is ignored, as RFC 9110 13.1.3 says; so is one of several.
fn date_s(request: &HeaderMap, name: &HeaderName) -> Option<u64> {
    let mut lines = request.get_all(name).iter();
    let date = httpdate::parse_http_date(lines.next()?.to_str().ok()?).ok()?;
    if lines.next().is_some() { None } else { seconds(Some(date)) }
}

/// Dates of HTTP have whole seconds.
fn seconds(time: Option<SystemTime>) -> Option<u64> {
    Some(time?.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[track_caller]
    fn check(lines: &[(&HeaderName, &'static str)], expected: Precondition) {
        let mut request = HeaderMap::new();
        for (name, value) in lines {
            request.append(*name, HeaderValue::from_static(value));
        }
        // Sun, 22 Nov 2026 14:39:16.5
        let modified = UNIX_EPOCH + Duration::from_millis(1_795_358_356_500);
        let actual = evaluate(&request, &HeaderValue::from_static("\"a,b\""), Some(modified));
        assert_eq!(actual, expected, "{lines:?}");
    }

    const BEFORE: &str = "Sun, 22 Nov 2026 14:39:15 GMT";
    const SAME: &str = "Sun, 22 Nov 2026 14:39:16 GMT";

    #[test]
    fn a_tag_is_found_in_a_list_by_the_comparison_that_the_field_has() {
        for (list, if_none_match, if_match) in [
            ("\"a,b\"", Precondition::NotModified, Precondition::Holds),
            ("\"x\",\"a,b\"", Precondition::NotModified, Precondition::Holds),
            (" , \"x\" ,\t\"a,b\" ", Precondition::NotModified, Precondition::Holds),
            ("*", Precondition::NotModified, Precondition::Holds),
            ("W/\"a,b\"", Precondition::NotModified, Precondition::Failed),
            ("\"x\"", Precondition::Holds, Precondition::Failed),
            ("a,b", Precondition::Holds, Precondition::Failed),
            ("\"a", Precondition::Holds, Precondition::Failed),
            ("", Precondition::Holds, Precondition::Failed),
            ("W/", Precondition::Holds, Precondition::Failed),
            ("\"", Precondition::Holds, Precondition::Failed),
        ] {
            check(&[(&IF_NONE_MATCH, list)], if_none_match);
            check(&[(&IF_MATCH, list)], if_match);
        }
        check(&[(&IF_NONE_MATCH, "\"x\""), (&IF_NONE_MATCH, "\"a,b\"")], Precondition::NotModified);
        check(&[(&IF_MATCH, "\"x\""), (&IF_MATCH, "\"a,b\"")], Precondition::Holds);
    }

    #[test]
    fn dates_count_only_where_no_tag_does() {
        check(&[(&IF_MODIFIED_SINCE, SAME)], Precondition::NotModified);
        check(&[(&IF_MODIFIED_SINCE, BEFORE)], Precondition::Holds);
        check(&[(&IF_MODIFIED_SINCE, "nonsense")], Precondition::Holds);
        check(&[(&IF_MODIFIED_SINCE, SAME), (&IF_MODIFIED_SINCE, SAME)], Precondition::Holds);
        check(&[(&IF_MODIFIED_SINCE, SAME), (&IF_NONE_MATCH, "\"x\"")], Precondition::Holds);
        check(&[(&IF_UNMODIFIED_SINCE, BEFORE)], Precondition::Failed);
        check(&[(&IF_UNMODIFIED_SINCE, SAME)], Precondition::Holds);
        check(&[(&IF_UNMODIFIED_SINCE, BEFORE), (&IF_MATCH, "\"a,b\"")], Precondition::Holds);
    }

    #[test]
    fn without_a_date_only_tags_count() {
        let request = HeaderMap::from_iter([(IF_MODIFIED_SINCE, HeaderValue::from_static(SAME))]);
        assert_eq!(evaluate(&request, &HeaderValue::from_static("\"a\""), None), Precondition::Holds);
    }
}
