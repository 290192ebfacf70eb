//! That it is unstuck which all of this runs on.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Somebody who depends on the real Tokio by another way would bring a second runtime: its types would be others.
#[tokio::test]
async fn there_is_one_runtime_and_it_is_unstuck() {
    let _limit = crate::limit();
    let handle = tokio::runtime::Handle::current();
    assert!(std::any::type_name_of_val(&handle).starts_with("unstuck"), "{}", std::any::type_name_of_val(&handle));

    let tree = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--invert", "tokio", "--depth", "0", "--edges", "all"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    let packages: Vec<&str> = tree.lines().filter(|line| line.starts_with("tokio v")).collect();
    assert_eq!(packages.len(), 1, "{tree}");
    assert!(packages[0].contains("compat/tokio"), "{tree}");
}

/// Types can't tell which runtime a crate uses inside; the driver that watches its sockets can.
#[tokio::test]
async fn a_socket_that_a_crate_opens_by_itself_is_watched_by_unstuck() {
    let _limit = crate::limit();
    let metrics = tokio::runtime::Handle::current().metrics();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let before = metrics.io_driver_fd_registered_count();
    let answer = tokio::spawn(async move { reqwest::get(url).await.unwrap().text().await.unwrap() });
    let (mut stream, _) = listener.accept().await.unwrap();
    assert_eq!(metrics.io_driver_fd_registered_count() - before, 2, "the client's socket and the server's");
    stream.read_u8().await.unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await.unwrap();
    assert_eq!(answer.await.unwrap(), "hello");
}
