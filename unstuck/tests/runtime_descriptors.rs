//! A runtime that was built without I/O opens no descriptor. One test, since the descriptors are the process's.

use std::time::Instant;

use unstuck::runtime::Builder;
use unstuck::time::{Duration, sleep};

#[test]
fn a_runtime_without_io_opens_no_descriptor() {
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = open();
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let runtime = builder.worker_threads(2).enable_time().build().unwrap();
        let (start, span) = (Instant::now(), Duration::from_millis(3));
        runtime.block_on(async {
            unstuck::spawn(async move { sleep(span).await }).await.unwrap();
            unstuck::task::spawn_blocking(|| ()).await.unwrap();
        });
        assert!(start.elapsed() >= span);
        assert_eq!(open(), before);
        drop(runtime);
        let with_io = builder.enable_io().build().unwrap();
        assert!(open() > before);
        drop(with_io);
        assert_eq!(open(), before);
    }
}
