//! Half of the tasks compute for long, the other half talk to the outside world.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::rt;
use super::blocked::Others;
use super::{WATCHED, burn, runtime};
use crate::system;

/// As many as there are others.
const BURNERS: usize = 6;

pub(super) fn half() -> String {
    let runtime = runtime();
    for _ in 0..BURNERS {
        runtime.spawn(async {
            loop {
                burn(Duration::from_millis(100));
                rt::task::yield_now().await;
            }
        });
    }
    let over = Arc::new(AtomicBool::new(false));
    let most_threads = std::thread::spawn({
        let over = over.clone();
        move || {
            let mut most = 0;
            while !over.load(Ordering::Relaxed) {
                most = most.max(system::thread_count());
                std::thread::sleep(Duration::from_millis(10));
            }
            // This one and the main thread are not the runtime's.
            most - 2
        }
    });
    let others = Others::start(&runtime);
    let (start, used) = (Instant::now(), system::cpu());
    std::thread::sleep(WATCHED);
    let busy = (system::cpu() - used).as_secs_f64() / start.elapsed().as_secs_f64();
    let report = others.report();
    over.store(true, Ordering::Relaxed);
    let most = most_threads.join().expect("it does not panic");
    runtime.shutdown_background();
    format!("{report}; {busy:.2} cores busy, {most} threads at most")
}
