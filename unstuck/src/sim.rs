//! The simulator: runs a program on one thread, in an order that a seed decides, with simulated time and a network in
//! memory.
//!
//! The same seed gives the same run: the same order of tasks, the same latencies, the same random numbers. So a test runs
//! a service with many seeds, and a failure that comes once in a thousand runs comes back with its seed, as often as it
//! takes to understand it. The service is not changed for that: [`unstuck::spawn`](crate::spawn), [`net`](crate::net),
//! [`time`](crate::time) and the rest find the simulated world as they find a real runtime.
//!
//! ```
//! use std::time::Duration;
//! use unstuck::io::{AsyncReadExt, AsyncWriteExt};
//! use unstuck::net::{TcpListener, TcpStream};
//! use unstuck::sim;
//!
//! // An hour of the service, on 20 seeds, in no time.
//! for seed in 0..20 {
//!     let run = sim::run(seed, || async {
//!         let listener = TcpListener::bind("10.0.0.1:80").await?;
//!         unstuck::spawn(async move {
//!             while let Ok((mut stream, _)) = listener.accept().await {
//!                 unstuck::time::sleep(Duration::from_secs(3600)).await;
//!                 stream.write_all(b"done").await.unwrap();
//!             }
//!         });
//!         let mut client = TcpStream::connect("10.0.0.1:80").await?;
//!         let mut answer = String::new();
//!         client.read_to_string(&mut answer).await?;
//!         std::io::Result::Ok(answer)
//!     });
//!     assert_eq!(run.output.unwrap(), "done");
//!     assert!(run.elapsed >= Duration::from_secs(3600));
//! }
//! ```
//!
//! # What the seed decides
//!
//! * **Who runs next.** Each time, one of the tasks that are ready is picked, the main future among them.
//! * **The network.** Every packet takes a time of its own. TCP keeps the order of each connection, cuts what is sent into
//!   segments, and pushes back when the reader is slow. Datagrams overtake each other. There is one host, which has every
//!   address; [`Builder::host`] gives it names.
//! * **Random numbers** of `select!` and its like.
//!
//! Time passes only where the program waits, and a little for each poll. When every task waits, it jumps to the next packet
//! or deadline. When there is none, nothing would ever happen: the run ends with a panic that says for every task where it
//! was spawned and what it waits for.
//!
//! # What it does not decide
//!
//! What a program asks of std: `std::time::Instant` and `SystemTime`, the order of a `HashMap`, addresses in memory, what a
//! static kept from the run before. [`Builder::run_twice`] finds out whether a program depends on any of them.
//!
//! Files, the standard streams, Unix sockets, pipes and other programs belong to the real system: using them is refused, with
//! an error that says why.
//!
//! Blocking work ([`spawn_blocking`](crate::task::spawn_blocking)) runs on the simulator's own thread when it is picked. It
//! must not wait for a task: that panics. [`block_in_place`](crate::task::block_in_place) panics, and so do
//! [`time::pause`](crate::time::pause) and [`time::advance`](crate::time::advance), which have no use here. A socket of std
//! can be adopted as long as the real system has decided nothing about it: unconnected, and bound to no port or to a small
//! one.

pub use unstuck_sim::{Builder, Decision, Difference, Kind, Run, Trace, raise, run};
