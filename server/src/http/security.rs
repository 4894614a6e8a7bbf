//! Headers that protect the page and its viewers. Pure: the type of an answer in, headers added.
//!
//! The page may stand in a frame of another site: to embed a live picture is what it is for, and there is nothing in it
//! to be tricked into clicking. So no `frame-ancestors`, and no `X-Frame-Options`.

use axum::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};

/// What the player page needs, the same as it says itself. `blob:` is hls.js: its worker, and the media that it hands to
/// the video element.
pub(crate) const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; base-uri 'none'; form-action 'none'";

/// Adds to any answer what it needs; `policy` is for pages.
pub(crate) fn protect(headers: &mut HeaderMap, policy: Option<&HeaderValue>) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html")) {
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if let Some(policy) = policy {
            headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content_type: &'static str, expected: [&str; 3]) {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        protect(&mut headers, Some(&HeaderValue::from_static("default-src 'none'")));
        let names = [X_CONTENT_TYPE_OPTIONS, REFERRER_POLICY, CONTENT_SECURITY_POLICY];
        let actual = names.map(|name| headers.get(name).map_or("", |value| value.to_str().unwrap()));
        assert_eq!(actual, expected, "{content_type}");
    }

    #[test]
    fn pages_are_told_what_they_may_load_and_all_types_are_meant() {
        check("text/html; charset=utf-8", ["nosniff", "no-referrer", "default-src 'none'"]);
        check("video/mp2t", ["nosniff", "", ""]);
        check("text/javascript; charset=utf-8", ["nosniff", "", ""]);
    }

    #[test]
    fn the_page_says_the_same_of_itself() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../webroot/index.html");
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.contains(PAGE_POLICY), "webroot/index.html and PAGE_POLICY differ");
        let nginx = concat!(env!("CARGO_MANIFEST_DIR"), "/../nginx.conf.example");
        let nginx = std::fs::read_to_string(nginx).unwrap();
        assert!(nginx.contains(PAGE_POLICY), "nginx.conf.example and PAGE_POLICY differ");
    }
}
