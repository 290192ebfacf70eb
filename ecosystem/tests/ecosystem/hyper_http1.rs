//! hyper: an HTTP/1 server and client by hand, with keep-alive and a streamed body.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

async fn shout(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    Ok(Response::new(Full::new(body.to_ascii_uppercase().into())))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_serves_one_request_after_the_other() {
    let _limit = crate::limit();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service_fn(shout))
            .await
            .unwrap();
    });

    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    for round in 0..20 {
        // The body comes piece by piece, from another task.
        let (pieces, body) = mpsc::channel::<Bytes>(1);
        tokio::spawn(async move {
            for piece in ["round ", &round.to_string(), &"x".repeat(10_000)] {
                pieces.send(Bytes::copy_from_slice(piece.as_bytes())).await.unwrap();
            }
        });
        let body = StreamBody::new(ReceiverStream::new(body).map(|piece| Ok::<_, Infallible>(Frame::data(piece))));
        let request = Request::builder().method(Method::POST).uri("/").header("host", "a").body(body).unwrap();
        sender.ready().await.unwrap();
        let response = sender.send_request(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, format!("ROUND {round}{}", "X".repeat(10_000)));
    }
    drop(sender);
    connection.await.unwrap().unwrap();
    server.await.unwrap();
}
