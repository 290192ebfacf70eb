//! h2: many streams over one connection, with flow control.

use bytes::Bytes;
use http::{Request, Response};
use tokio::net::{TcpListener, TcpStream};

const PER_STREAM: usize = 200_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_larger_than_the_window_are_echoed_on_many_streams() {
    let _limit = crate::limit();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let mut connection = h2::server::handshake(listener.accept().await.unwrap().0).await.unwrap();
        while let Some(request) = connection.accept().await {
            let (request, mut respond) = request.unwrap();
            tokio::spawn(async move {
                let mut send = respond.send_response(Response::new(()), false).unwrap();
                let mut body = request.into_body();
                while let Some(data) = body.data().await {
                    let data = data.unwrap();
                    body.flow_control().release_capacity(data.len()).unwrap();
                    send.send_data(data, false).unwrap();
                }
                send.send_data(Bytes::new(), true).unwrap();
            });
        }
    });

    let stream = TcpStream::connect(address).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let mut streams = tokio::task::JoinSet::new();
    for number in 0..20_u8 {
        let request = Request::builder().method("POST").uri("http://a/").body(()).unwrap();
        let (response, mut send) = client.send_request(request, false).unwrap();
        send.send_data(Bytes::from(vec![number; PER_STREAM]), true).unwrap();
        streams.spawn(async move {
            let mut body = response.await.unwrap().into_body();
            let mut received = 0;
            while let Some(data) = body.data().await {
                let data = data.unwrap();
                assert!(data.iter().all(|byte| *byte == number));
                received += data.len();
                body.flow_control().release_capacity(data.len()).unwrap();
            }
            received
        });
        client = client.ready().await.unwrap();
    }
    assert_eq!(streams.join_all().await, [PER_STREAM; 20]);
    drop(client);
    connection.await.unwrap().unwrap();
    server.await.unwrap();
}
