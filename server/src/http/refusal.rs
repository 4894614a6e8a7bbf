//! The answer that says no. Pure: a status in, an answer out.

use axum::http::StatusCode;
use axum::http::header::{ALLOW, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::headers::{self, Caching};

/// A short plain text that repeats nothing of the request.
pub(crate) fn refusal(status: StatusCode) -> Response {
    let text = match status {
        StatusCode::BAD_REQUEST => "bad request\n",
        StatusCode::NOT_FOUND => "not found\n",
        StatusCode::METHOD_NOT_ALLOWED => "method not allowed\n",
        StatusCode::PRECONDITION_FAILED => "precondition failed\n",
        StatusCode::RANGE_NOT_SATISFIABLE => "range not satisfiable\n",
        StatusCode::SERVICE_UNAVAILABLE => "not available now\n",
        _ => "server error\n",
    };
    let mut response = (status, text).into_response();
    headers::set_caching(response.headers_mut(), Caching::Never);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    }
    response
}
