//! The head of a request that may have to wait: bytes in, the request out. Pure.
//!
//! While a request waits, hyper does not know of it. When there is an answer, hyper is given the same bytes, and reads them
//! itself. So what is read here decides only whether to wait, and for what.

use axum::http::header::{CONTENT_LENGTH, EXPECT, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use axum::http::{Method, Request};

use super::limits::MAX_HEAD_BYTES;

/// As many as hyper takes.
const MOST_HEADERS: usize = 100;

/// With one of these more follows than the next head.
const NOT_PLAIN: [HeaderName; 4] = [CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING, UPGRADE];

/// A GET or HEAD of HTTP/1.1 without a body, when its head is complete. `None` leaves the bytes to hyper, wrong ones too.
pub(super) fn read(bytes: &[u8]) -> Option<Request<()>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length_bytes) = head.parse(bytes).ok()? else { return None };
    let method = match head.method? {
        "GET" => Method::GET,
        "HEAD" => Method::HEAD,
        _ => return None,
    };
    if length_bytes > MAX_HEAD_BYTES || head.version? != 1 {
        return None;
    }
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = head.path?.parse().ok()?;
    for header in head.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        if NOT_PLAIN.contains(&name) {
            return None;
        }
        request.headers_mut().append(name, HeaderValue::from_bytes(header.value).ok()?);
    }
    Some(request)
}

/// Whether this is the beginning of a request line, and may become one yet. What is none already is for hyper to refuse.
pub(super) fn is_only_begun(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Option<&str>) {
        let actual = read(bytes).map(|request| format!("{} {}", request.method(), request.uri()));
        assert_eq!(actual.as_deref(), expected, "{}", String::from_utf8_lossy(bytes));
    }

    #[test]
    fn a_head_that_asks_for_a_file_is_read() {
        check(b"GET /ll.m3u8?_HLS_msn=1 HTTP/1.1\r\nHost: a\r\n\r\n", Some("GET /ll.m3u8?_HLS_msn=1"));
        check(b"HEAD / HTTP/1.1\r\n\r\nGET /next HTTP/1.1\r\n", Some("HEAD /"));
        let request = read(b"GET / HTTP/1.1\r\nRange: bytes=0-\r\nrange: bytes=1-\r\n\r\n").unwrap();
        assert_eq!(request.headers().get_all("range").iter().collect::<Vec<_>>(), ["bytes=0-", "bytes=1-"]);
    }

    #[test]
    fn all_else_is_left_to_hyper() {
        for bytes in [
            &b""[..],
            b"GET / HTTP/1.1\r\nHost: a\r\n",
            b"GET / HTTP/1.0\r\n\r\n",
            b"POST / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
            b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"GET / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n",
            b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n",
            b"GET / HTTP/1.1\r\na b: c\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\x00",
        ] {
            check(bytes, None);
        }
        let long = format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "a".repeat(MAX_HEAD_BYTES));
        check(long.as_bytes(), None);
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(MOST_HEADERS + 1));
        check(many.as_bytes(), None);
    }
}
