//! What the simulated network does that a real one does, and when.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::time::Duration;

use unstuck_driver::socket::SocketOption;
use unstuck_sim::{Builder, run};

use crate::tools::{Datagrams, Listener, Stream, address, millis, now, pair, sleep, spawn};

/// Every packet takes 10 ms, and nothing else takes time.
fn even() -> Builder {
    Builder::new().latency(millis(10)..=millis(10)).poll_time(Duration::ZERO)
}

#[test]
fn connecting_takes_a_round_trip_and_bytes_half_of_one() {
    even().run(1, || async {
        let listener = Listener::bind("10.0.0.1:80");
        let start = now();
        let client = Stream::connect(address("10.0.0.1:80")).await.unwrap();
        assert_eq!(now() - start, millis(20));
        client.send_all(b"hello").await.unwrap();
        assert_eq!(now() - start, millis(20), "sending waits for nobody");
        let server = listener.accept().await;
        assert_eq!(now() - start, millis(30));
        assert_eq!(server.recv_all(5).await.unwrap(), b"hello");
        assert_eq!(now() - start, millis(30));
        assert_eq!(server.0.local_addr().unwrap(), address("10.0.0.1:80"));
        assert_eq!(server.0.peer_addr().unwrap(), client.0.local_addr().unwrap());
        assert_eq!(client.0.local_addr().unwrap().ip(), address("10.0.0.1:80").ip());
    });
}

#[test]
fn nobody_listens_is_known_after_a_round_trip() {
    even().run(1, || async {
        let start = now();
        let refused = Stream::connect(address("10.0.0.1:80")).await.err().unwrap();
        assert_eq!((refused.kind(), now() - start), (ErrorKind::ConnectionRefused, millis(20)));
    });
}

#[test]
fn a_full_backlog_delays_connections_until_somebody_accepts() {
    even().run(1, || async {
        let listener = Listener::with_backlog("10.0.0.1:80", 2);
        let start = now();
        let connect = || spawn(async { Stream::connect(address("10.0.0.1:80")).await.map(|stream| (stream, now())) });
        let clients = [connect(), connect(), connect()];
        sleep(millis(500)).await;
        let mut accepted = vec![listener.accept().await];
        let mut waits = Vec::new();
        for client in clients {
            let (stream, at) = client.await.unwrap().unwrap();
            waits.push(at - start);
            accepted.push(stream);
        }
        waits.sort();
        assert_eq!(waits, [millis(20), millis(20), millis(1_020)]);
    });
}

#[test]
fn a_backlog_that_stays_full_times_out() {
    even().run(1, || async {
        let listener = Listener::with_backlog("10.0.0.1:80", 1);
        let _first = Stream::connect(address("10.0.0.1:80")).await.unwrap();
        let start = now();
        let late = Stream::connect(address("10.0.0.1:80")).await.err().unwrap();
        assert_eq!(late.kind(), ErrorKind::TimedOut);
        assert!(now() - start > Duration::from_secs(100));
        drop(listener);
    });
}

#[test]
fn a_listener_that_goes_resets_those_that_wait_for_it() {
    even().run(1, || async {
        let listener = Listener::bind("10.0.0.1:80");
        let waiting = Stream::connect(address("10.0.0.1:80")).await.unwrap();
        let half_open = spawn(Stream::connect(address("10.0.0.1:80")));
        sleep(millis(11)).await;
        drop(listener);
        assert_eq!(waiting.recv(1).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        match half_open.await.unwrap() {
            Ok(stream) => assert_eq!(stream.recv(1).await.unwrap_err().kind(), ErrorKind::ConnectionReset),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionRefused),
        }
    });
}

#[test]
fn bytes_keep_their_order_though_segments_take_different_times() {
    for seed in 0..30 {
        run(seed, || async {
            let (a, b) = pair().await;
            let sent: Vec<u8> = (0..100_000u32).map(|n| (n % 251) as u8).collect();
            let expected = sent.clone();
            let sending = spawn(async move {
                for chunk in sent.chunks(777) {
                    a.send_all(chunk).await.unwrap();
                }
            });
            let received = b.recv_all(expected.len()).await.unwrap();
            sending.await.unwrap();
            assert!(received == expected);
            assert!(b.recv(1).await.unwrap().is_empty());
        });
    }
}

#[test]
fn what_is_sent_in_one_piece_need_not_arrive_in_one() {
    let in_one_piece = |seed| {
        run(seed, || async {
            let (a, b) = pair().await;
            a.send_all(b"0123456789").await.unwrap();
            b.recv(100).await.unwrap().len() == 10
        })
        .output
    };
    let pieces: BTreeSet<bool> = (0..30).map(in_one_piece).collect();
    assert_eq!(pieces.len(), 2, "some seeds cut, some do not");
}

#[test]
fn a_sender_waits_when_its_buffer_is_full_and_goes_on_when_the_reader_reads() {
    even().run(1, || async {
        let (a, b) = pair().await;
        let much = vec![7; 200_000];
        assert_eq!(a.send(&much).await.unwrap(), 64 * 1024);
        let more = a.clone();
        let waits = spawn(async move { more.send(&[8]).await });
        sleep(Duration::from_secs(1)).await;
        assert!(!waits.is_finished());
        assert_eq!(b.recv(10).await.unwrap().len(), 10, "who waits is told of the least room");
        let start = now();
        assert_eq!(waits.await.unwrap().unwrap(), 1);
        assert_eq!(now() - start, millis(10));
        a.0.set_option(SocketOption::SendBuffer(1 << 20)).unwrap();
        assert_eq!(a.send(&much).await.unwrap(), much.len());
    });
}

#[test]
fn a_program_that_reads_slowly_gets_everything() {
    for seed in 0..5 {
        run(seed, || async {
            let (a, b) = pair().await;
            a.0.set_option(SocketOption::SendBuffer(100)).unwrap();
            let sending = spawn(async move { a.send_all(&[1; 5_000]).await });
            let mut received = 0;
            while received < 5_000 {
                received += b.recv(7).await.unwrap().len();
            }
            sending.await.unwrap().unwrap();
        });
    }
}

#[test]
fn one_direction_ends_and_the_other_goes_on() {
    even().run(1, || async {
        let (a, b) = pair().await;
        a.send_all(b"last").await.unwrap();
        a.end();
        assert_eq!(a.send(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(b.recv_all(4).await.unwrap(), b"last");
        assert!(b.recv(1).await.unwrap().is_empty());
        b.send_all(b"still here").await.unwrap();
        assert_eq!(a.recv_all(10).await.unwrap(), b"still here");
        drop(b);
        assert!(a.recv(1).await.unwrap().is_empty());
    });
}

#[test]
fn closing_with_unread_bytes_resets() {
    even().run(1, || async {
        let (a, b) = pair().await;
        a.send_all(b"unread").await.unwrap();
        b.send_all(b"answer").await.unwrap();
        sleep(millis(20)).await;
        drop(b);
        assert_eq!(a.recv_all(6).await.unwrap(), b"answer", "what came before the reset can be read");
        assert_eq!(a.recv(1).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert!(a.recv(1).await.unwrap().is_empty(), "an error is told once");
        assert_eq!(a.send(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(a.0.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
    });
}

#[test]
fn sending_to_a_closed_end_works_until_the_reset_is_back() {
    even().run(1, || async {
        let (a, b) = pair().await;
        drop(b);
        sleep(millis(20)).await;
        a.send_all(b"into the void").await.unwrap();
        sleep(millis(15)).await;
        a.send_all(b"the reset is still on its way").await.unwrap();
        sleep(millis(15)).await;
        assert_eq!(a.send(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn lingering_for_no_time_resets() {
    even().run(1, || async {
        let (a, b) = pair().await;
        b.0.set_option(SocketOption::Linger(Some(Duration::ZERO))).unwrap();
        drop(b);
        assert_eq!(a.recv(1).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_client_that_gives_up_while_it_connects_leaves_nothing_behind() {
    for after in [1, 11, 21, 31] {
        even().run(1, || async move {
            let listener = Listener::with_backlog("10.0.0.1:80", 1);
            let connecting = spawn(async { Stream::connect(address("10.0.0.1:80")).await });
            sleep(millis(after)).await;
            connecting.abort();
            drop(connecting.await);
            sleep(millis(50)).await;
            if after >= 21 {
                // The connection was made, so it waits to be accepted, and has ended.
                assert!(listener.accept().await.recv(1).await.unwrap().is_empty());
            }
            let _next = Stream::connect(address("10.0.0.1:80")).await.unwrap();
            listener.accept().await;
        });
    }
}

#[test]
fn a_wildcard_of_ipv6_serves_ipv4_and_shows_its_addresses_in_their_clothes() {
    run(1, || async {
        let everywhere = Listener::bind("[::]:80");
        let _client = Stream::connect(address("10.0.0.1:80")).await.unwrap();
        let accepted = everywhere.accept().await;
        assert_eq!(accepted.0.local_addr().unwrap(), address("[::ffff:10.0.0.1]:80"));
        assert!(accepted.0.peer_addr().unwrap().is_ipv6());
    });
}

#[test]
#[should_panic(expected = "AddrInUse")]
fn a_taken_address_is_refused() {
    run(1, || async {
        let _one = Listener::bind("0.0.0.0:80");
        Listener::bind("127.0.0.1:80");
    });
}

#[test]
fn datagrams_overtake_each_other_on_some_seeds() {
    let in_order = |seed| {
        run(seed, || async {
            let (a, b) = (Datagrams::bind("127.0.0.1:0"), Datagrams::bind("127.0.0.1:0"));
            for n in 0..5u8 {
                a.send_to(&[n], b.address());
            }
            let mut received = Vec::new();
            for _ in 0..5 {
                received.push(b.recv_from(10).await.unwrap().0[0]);
            }
            let in_order = received.is_sorted();
            received.sort();
            assert_eq!(received, [0, 1, 2, 3, 4]);
            in_order
        })
        .output
    };
    let orders: BTreeSet<bool> = (0..100).map(in_order).collect();
    assert_eq!(orders.len(), 2);
}

#[test]
fn datagrams_for_a_full_buffer_are_lost() {
    run(1, || async {
        let (a, b) = (Datagrams::bind("127.0.0.1:0"), Datagrams::bind("127.0.0.1:0"));
        b.0.set_option(SocketOption::ReceiveBuffer(1_000)).unwrap();
        for _ in 0..30 {
            a.send_to(&[1; 100], b.address());
        }
        sleep(millis(10)).await;
        for _ in 0..10 {
            assert_eq!(b.recv_from(200).await.unwrap().0, [1; 100]);
        }
        a.send_to(b"room again", b.address());
        assert_eq!(b.recv_from(200).await.unwrap().0, b"room again");
    });
}

#[test]
fn a_connected_datagram_socket_hears_that_nobody_is_there() {
    even().run(1, || async {
        let a = Datagrams::bind("0.0.0.0:0");
        a.0.connect(address("127.0.0.1:9")).unwrap();
        assert_eq!(a.address().ip(), address("127.0.0.1:9").ip());
        a.0.send(b"anybody?").unwrap();
        let start = now();
        assert_eq!(a.recv_from(10).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(now() - start, millis(20));
    });
}
