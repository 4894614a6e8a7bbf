//! The answer that says no. Pure: a status in, an answer out, as hyper takes it, or as bytes where hyper has no say.

use std::fmt::Write;
use std::time::SystemTime;

use axum::http::StatusCode;
use axum::http::header::{ALLOW, CONNECTION, HeaderValue, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};

use super::headers::{self, Caching};

/// A short plain text that repeats nothing of the request.
pub(crate) fn refusal(status: StatusCode) -> Response {
    refusal_in_words(
        status,
        match status {
            StatusCode::BAD_REQUEST => "bad request\n",
            StatusCode::NOT_FOUND => "not found\n",
            StatusCode::METHOD_NOT_ALLOWED => "method not allowed\n",
            StatusCode::PRECONDITION_FAILED => "precondition failed\n",
            StatusCode::RANGE_NOT_SATISFIABLE => "range not satisfiable\n",
            StatusCode::URI_TOO_LONG => "address too long\n",
            StatusCode::SERVICE_UNAVAILABLE => "not available now\n",
            _ => "server error\n",
        },
    )
}

/// The same with a reason that is not plain from the status.
pub(crate) fn refusal_in_words(status: StatusCode, text: &'static str) -> Response {
    let mut response = (status, text).into_response();
    headers::set_caching(response.headers_mut(), Caching::Never);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(headers::METHODS));
    }
    response
}

/// The last bytes on a connection of HTTP/1 that no request has come from, or none that was understood.
pub(crate) fn last_bytes(status: StatusCode, text: &'static str, retry_after_s: Option<u32>) -> Vec<u8> {
    let mut response = refusal_in_words(status, text);
    let headers = response.headers_mut();
    headers::set_cors(headers);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.extend(retry_after_s.map(|s| (RETRY_AFTER, HeaderValue::from(s))));
    let mut head = format!("HTTP/1.1 {status}\r\n");
    for (name, value) in response.headers() {
        // All of them are ours, and plain.
        let _ = write!(head, "{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    let date = httpdate::fmt_http_date(SystemTime::now());
    let _ = write!(head, "content-length: {}\r\ndate: {date}\r\n\r\n{text}", text.len());
    head.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_bytes_are_a_whole_answer_of_http_1() {
        let bytes = last_bytes(StatusCode::SERVICE_UNAVAILABLE, "too many\n", Some(10));
        let mut headers = [httparse::EMPTY_HEADER; 20];
        let mut answer = httparse::Response::new(&mut headers);
        let head_bytes = answer.parse(&bytes).unwrap().unwrap();
        assert_eq!((answer.code, answer.reason), (Some(503), Some("Service Unavailable")));
        assert_eq!(&bytes[head_bytes..], b"too many\n");
        let value = |name: &str| {
            let mut found = answer.headers.iter().filter(|it| it.name.eq_ignore_ascii_case(name));
            let value = found.next().map_or("", |it| str::from_utf8(it.value).unwrap());
            assert!(found.next().is_none(), "{name} twice");
            value
        };
        assert_eq!(value("content-length"), "9");
        assert_eq!(value("retry-after"), "10");
        assert_eq!(value("connection"), "close");
        assert_eq!(value("content-type"), "text/plain; charset=utf-8");
        assert_eq!(value("cache-control"), "no-cache, no-store, must-revalidate");
        assert!(httpdate::parse_http_date(value("date")).is_ok());
    }
}
