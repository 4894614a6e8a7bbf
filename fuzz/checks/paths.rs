//! What holds of the server's reading of paths whatever is sent. The fuzzer runs it, and a plain test over the seeds.

use crate::http::paths::{ResourceKind, Target, resolve, resolve_plain};
use crate::memory::listed;

pub fn check(bytes: &[u8]) {
    let text = &String::from_utf8_lossy(bytes);
    let target = resolve(text);
    if let Some(target) = &target {
        check_target(target, text);
    }
    // As a playlist that is beside what it lists, or above it.
    for playlist in ["/stream.m3u8", "/live/low.m3u8"] {
        let playlist = resolve(playlist).expect("a path");
        for target in listed::segments(&playlist, bytes) {
            assert_eq!(target.kind, ResourceKind::Segment, "{text:?}");
            check_target(&target, text);
        }
    }
}

/// Nothing hidden, nothing outside, and one way to write it.
fn check_target(target: &Target, text: &str) {
    assert!(
        !target.path.is_empty() && !target.path.starts_with('/') && !target.path.contains('\\'),
        "{text:?}"
    );
    assert!(!target.path.contains(char::is_control), "{text:?}");
    assert!(target.path.split('/').all(|part| !part.is_empty() && !part.starts_with('.')), "{text:?}");
    let is_in_live = target.path.split('/').rev().skip(1).any(|directory| directory == "live");
    assert!(target.kind != ResourceKind::Segment || is_in_live, "{text:?}");
    let written = target.uri_path();
    assert!(written.is_ascii() && !written.contains(['?', '#', ' ']), "{text:?}");
    assert_eq!(resolve(&written).as_ref(), Some(target), "{text:?}");
    assert_eq!(resolve_plain(&target.path).as_ref(), Some(target), "{text:?}");
}
