//! tower-http: layers with timers and limits around a service.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};
use http_body_util::BodyExt;
use tower::{ServiceBuilder, ServiceExt};
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

fn service() -> Router {
    Router::new()
        .route("/never", get(std::future::pending::<&'static str>))
        .route("/text", get(|| async { "compress me ".repeat(1_000) }))
        .route("/upload", post(|body: bytes::Bytes| async move { body.len().to_string() }))
        .layer(
            ServiceBuilder::new()
                .layer(TraceLayer::new_for_http())
                .layer(CompressionLayer::new())
                .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(30)))
                .layer(RequestBodyLimitLayer::new(1_000)),
        )
}

/// The clock stands still and jumps, so half a minute takes no time.
#[tokio::test(start_paused = true)]
async fn a_handler_that_never_ends_is_given_up() {
    let _limit = crate::limit();
    let before = tokio::time::Instant::now();
    let response = service().oneshot(Request::get("/never").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(before.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn an_answer_is_compressed_for_who_accepts_it() {
    let _limit = crate::limit();
    let request = Request::get("/text").header("accept-encoding", "gzip").body(Body::empty()).unwrap();
    let response = service().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(&[0x1f, 0x8b]) && body.len() < 1_000, "{} bytes", body.len());
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let _limit = crate::limit();
    let upload = |length: usize| service().oneshot(Request::post("/upload").body(Body::from(vec![0; length])).unwrap());
    assert_eq!(upload(1_000).await.unwrap().status(), StatusCode::OK);
    assert_eq!(upload(1_001).await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
}
