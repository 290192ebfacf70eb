//! reqwest: its asynchronous client with a timeout and a streamed body, and its blocking one, which brings a runtime of its
//! own.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::net::TcpListener;

/// A server with something slow, something large, and something small.
async fn serve() -> (String, tokio::task::JoinHandle<()>) {
    let large = || async {
        let pieces = tokio_stream::iter((0..100_u8).map(|n| Ok::<_, std::io::Error>(Bytes::from(vec![n; 10_000]))));
        Body::from_stream(pieces)
    };
    let service = Router::new()
        .route("/never", get(std::future::pending::<&'static str>))
        .route("/large", get(large))
        .route("/small", get(|| async { "small" }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    (base, tokio::spawn(async move { axum::serve(listener, service).await.unwrap() }))
}

#[tokio::test]
async fn a_request_that_is_never_answered_times_out() {
    let _limit = crate::limit();
    let (base, server) = serve().await;
    let client = reqwest::Client::builder().timeout(Duration::from_millis(50)).build().unwrap();
    let error = client.get(format!("{base}/never")).send().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    server.abort();
}

#[tokio::test]
async fn a_large_body_arrives_piece_by_piece() {
    let _limit = crate::limit();
    let (base, server) = serve().await;
    let mut body = reqwest::get(format!("{base}/large")).await.unwrap().bytes_stream();
    let mut received = Vec::new();
    while let Some(piece) = body.next().await {
        received.extend_from_slice(&piece.unwrap());
    }
    let expected: Vec<u8> = (0..100_u8).flat_map(|n| vec![n; 10_000]).collect();
    assert!(received == expected, "{} bytes", received.len());
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_blocking_client_works_on_a_blocking_thread() {
    let _limit = crate::limit();
    let (base, server) = serve().await;
    let body =
        tokio::task::spawn_blocking(move || reqwest::blocking::get(format!("{base}/small")).unwrap().text().unwrap());
    assert_eq!(body.await.unwrap(), "small");
    server.abort();
}
