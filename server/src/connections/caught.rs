//! An answer that ends in a panic is a 500: logged and counted as all answers, and what else its connection asks for is answered.

use std::any::Any;
use std::convert::Infallible;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use tower::{Service, service_fn};
use tower_http::catch_panic::CatchPanic;
use tracing::error;

use crate::http::headers;
use crate::http::refusal::refusal;
use crate::site::Later;

/// The same answer, or the 500.
pub(super) fn caught(later: Later) -> Later {
    let arrival = service_fn(|coming: Request<Later>| {
        let later = coming.into_body();
        async move { Ok::<_, Infallible>(later.await) }
    });
    let answered = CatchPanic::custom(arrival, fault).call(Request::new(later));
    Box::pin(async move {
        let Ok(response) = answered.await;
        response.map(Body::new)
    })
}

/// What it was, and where, Rust has written to stderr already.
fn fault(_: Box<dyn Any + Send>) -> Response {
    error!("a request was answered with 500 for a fault of livedir-server; please report the lines before");
    let mut response = refusal(StatusCode::INTERNAL_SERVER_ERROR);
    headers::set_cors(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use axum::body::to_bytes;
    use axum::http::header::ACCESS_CONTROL_ALLOW_ORIGIN;

    use super::*;

    async fn broken() -> Response {
        assert!(ready(false).await, "on purpose");
        Response::default()
    }

    #[tokio::test]
    async fn a_panic_is_a_500_and_all_else_stays() {
        let response = caught(Box::pin(broken())).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*");

        let later = async {
            let mut response = Response::new(Body::from("as it was"));
            response.extensions_mut().insert(7);
            response
        };
        let response = caught(Box::pin(later)).await;
        assert_eq!((response.status(), response.extensions().get()), (StatusCode::OK, Some(&7)));
        assert_eq!(to_bytes(response.into_body(), 99).await.unwrap(), "as it was");
    }
}
