//! hyper-util: a server of both HTTP versions that shuts down in order, and its pooling client.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::service::service_fn;
use hyper::{Response, Uri, Version};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_server_ends() {
    let _limit = crate::limit();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri: Uri = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let (began, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (stop, stopped) = oneshot::channel::<()>();

    let server = tokio::spawn({
        let (began, go_on) = (began.clone(), go_on.clone());
        async move {
            let graceful = GracefulShutdown::new();
            let http = auto::Builder::new(TokioExecutor::new());
            let mut stopped = stopped;
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let (began, go_on) = (began.clone(), go_on.clone());
                        let service = service_fn(move |_request| {
                            let (began, go_on) = (began.clone(), go_on.clone());
                            async move {
                                began.notify_one();
                                go_on.notified().await;
                                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"answered"))))
                            }
                        });
                        let connection = http.serve_connection(TokioIo::new(accepted.unwrap().0), service);
                        tokio::spawn(graceful.watch(connection.into_owned()));
                    }
                    _ = &mut stopped => break,
                }
            }
            graceful.shutdown().await;
        }
    });

    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = tokio::spawn(client.get(uri));
    began.notified().await;
    stop.send(()).unwrap();
    tokio::task::yield_now().await;
    assert!(!server.is_finished());
    go_on.notify_one();
    let response = request.await.unwrap().unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "answered");
    server.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_port_speaks_both_versions() {
    let _limit = crate::limit();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri: Uri = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let service = service_fn(|request| async move {
                    let version = format!("{:?}", hyper::Request::<hyper::body::Incoming>::version(&request));
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(version))))
                });
                // A client that goes away is no failure of the server.
                let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let client: Client<_, Empty<Bytes>> =
            Client::builder(TokioExecutor::new()).http2_only(version == Version::HTTP_2).build_http();
        let gets = (0..50).map(|_| client.get(uri.clone()));
        for response in futures_util::future::try_join_all(gets).await.unwrap() {
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, format!("{version:?}"));
        }
    }
    server.abort();
}
