//! What holds of the server's reading of ranges and conditions whatever is sent. The fuzzer runs it, and a plain test
//! over the seeds. In: the length of the body in two bytes, and the value of a header.

use std::time::{Duration, UNIX_EPOCH};

use axum::http::Method;
use axum::http::header::{self, HeaderMap, HeaderValue};

use crate::http::conditions::{Precondition, evaluate};
use crate::http::paths::ResourceKind;
use crate::http::ranges::{ByteRanges, parts, requested};

pub fn check(bytes: &[u8]) {
    let Some((length, sent)) = bytes.split_at_checked(2) else { return };
    let length = u64::from(u16::from_le_bytes([length[0], length[1]]));
    let Ok(sent) = HeaderValue::from_bytes(sent) else { return };
    check_range(&sent, length);
    check_conditions(&sent);
}

fn check_range(sent: &HeaderValue, length: u64) {
    let request = |range: &HeaderValue| HeaderMap::from_iter([(header::RANGE, range.clone())]);
    let Some(range) = requested(ResourceKind::Segment, &Method::GET, &request(sent)) else { return };
    assert_eq!(
        requested(ResourceKind::Segment, &Method::GET, &request(&range)).as_ref(),
        Some(&range),
        "{sent:?}"
    );
    if let ByteRanges::Some(parts) = parts(&range, length) {
        assert!(!parts.is_empty() && parts.len() <= 16, "{sent:?}");
        assert!(parts.iter().all(|part| part.start < part.end && part.end <= length), "{sent:?} of {length}");
        assert!(
            parts.iter().map(|part| part.end - part.start).sum::<u64>() <= length,
            "{sent:?} of {length}"
        );
    }
}

fn check_conditions(sent: &HeaderValue) {
    const TAG: HeaderValue = HeaderValue::from_static("\"0123456789abcdef\"");
    let modified = UNIX_EPOCH + Duration::from_secs(1_795_358_356);
    let names =
        [header::IF_MATCH, header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::IF_UNMODIFIED_SINCE];
    for name in names {
        let mut request = HeaderMap::from_iter([(name.clone(), sent.clone())]);
        let alone = evaluate(&request, &TAG, Some(modified));
        let is_named = sent.as_bytes().windows(TAG.len()).any(|window| window == TAG.as_bytes());
        let may_match = is_named || sent.as_bytes().trim_ascii() == b"*";
        match (name.as_str(), alone) {
            ("if-none-match", Precondition::NotModified) | ("if-match", Precondition::Holds) => {
                assert!(may_match, "{sent:?}: a 304 or a part of something else");
            }
            _ => {}
        }
        // Whatever stands before: a line that names the tag is heard.
        request.append(header::IF_NONE_MATCH, TAG);
        let both = evaluate(&request, &TAG, Some(modified));
        assert!(both != Precondition::Holds, "{sent:?} in {name}: sent again");
    }
}
