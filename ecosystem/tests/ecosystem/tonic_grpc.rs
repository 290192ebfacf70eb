//! tonic: a gRPC service with an answer and a stream of answers.

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_asks_and_watches_while_the_status_changes() {
    let _limit = crate::limit();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (reporter, service) = tonic_health::server::health_reporter();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(
        Server::builder()
            .add_service(service)
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), async { drop(stopped.await) }),
    );

    let channel = Channel::from_shared(address).unwrap().connect().await.unwrap();
    let mut client = HealthClient::new(channel);
    let about = |service: &str| HealthCheckRequest { service: service.to_owned() };

    let unknown = client.check(about("store")).await.unwrap_err();
    assert_eq!(unknown.code(), tonic::Code::NotFound);

    reporter.set_service_status("store", ServingStatus::NotServing).await;
    let mut statuses = client.watch(about("store")).await.unwrap().into_inner();
    assert_eq!(statuses.next().await.unwrap().unwrap().status, ServingStatus::NotServing as i32);
    reporter.set_service_status("store", ServingStatus::Serving).await;
    assert_eq!(statuses.next().await.unwrap().unwrap().status, ServingStatus::Serving as i32);

    let checks = (0..50).map(|_| {
        let mut client = client.clone();
        async move { client.check(about("store")).await.unwrap().into_inner().status }
    });
    assert_eq!(futures_util::future::join_all(checks).await, [ServingStatus::Serving as i32; 50]);

    drop((statuses, client));
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}
