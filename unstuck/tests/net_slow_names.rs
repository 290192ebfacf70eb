//! The system's resolver never comes back: nobody waits for it. This program brings its own `getaddrinfo`, which std calls.

mod common;

use std::ffi::{CStr, c_char, c_int};
use std::process::Command;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use common::{both, current_thread, multi_thread};
use unstuck::net::{TcpStream, lookup_host};
use unstuck::runtime::Builder;
use unstuck::task::spawn_blocking;
use unstuck::time::{Instant, timeout};

/// What `getaddrinfo` sends when it has begun with a name that it never comes back from.
static BEGAN: Mutex<Option<mpsc::Sender<()>>> = Mutex::new(None);

/// As that of the C library, in a world with two names: one takes for ever, the other has no address.
///
/// # Safety
/// `node` is a C string.
#[unsafe(no_mangle)]
unsafe extern "C" fn getaddrinfo(
    node: *const c_char,
    _service: *const c_char,
    _hints: *const libc::addrinfo,
    _found: *mut *mut libc::addrinfo,
) -> c_int {
    // SAFETY: the caller's.
    if unsafe { CStr::from_ptr(node) } != c"forever.test" {
        return libc::EAI_NONAME;
    }
    if let Some(began) = &*BEGAN.lock().unwrap() {
        began.send(()).unwrap();
    }
    loop {
        std::thread::park();
    }
}

/// From now on tells when a lookup has begun that never ends.
fn lookups() -> mpsc::Receiver<()> {
    let (begin, begun) = mpsc::channel();
    *BEGAN.lock().unwrap() = Some(begin);
    begun
}

/// The tests tell each other's lookups apart by being one at a time.
static ONE: Mutex<()> = Mutex::new(());

#[test]
fn dropping_a_runtime_does_not_wait_for_a_lookup() {
    let _one = ONE.lock();
    for runtime in both() {
        let begun = lookups();
        let connects = runtime.spawn(async { TcpStream::connect("forever.test:80").await.map(drop) });
        let looks = runtime.spawn(async { lookup_host("forever.test:80").await.map(|found| found.count()) });
        let handle = runtime.handle().clone();
        runtime.block_on(async {
            let both_began = spawn_blocking(move || (begun.recv().unwrap(), begun.recv().unwrap()));
            both_began.await.unwrap();
        });
        drop(runtime);
        assert!(handle.block_on(connects).unwrap_err().is_cancelled());
        assert!(handle.block_on(looks).unwrap_err().is_cancelled());
    }
}

#[test]
fn a_lookup_takes_no_thread_from_blocking_work_and_is_not_in_the_report() {
    let _one = ONE.lock();
    let begun = lookups();
    let runtime = Builder::new_multi_thread().worker_threads(1).max_blocking_threads(1).enable_all().build().unwrap();
    runtime.spawn(lookup_host("forever.test:1"));
    begun.recv().unwrap();
    assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 5)).unwrap(), 5);
    let report = runtime.shutdown_report(Duration::from_secs(1000));
    assert!(report.is_empty(), "{report}");
}

#[test]
fn a_name_without_an_address_is_told_while_others_wait() {
    let _one = ONE.lock();
    let begun = lookups();
    let runtime = current_thread();
    runtime.spawn(lookup_host("forever.test:1"));
    runtime.block_on(async {
        let error = lookup_host("nobody.test:1").await.map(drop).unwrap_err();
        assert!(error.to_string().contains("lookup address information"), "{error}");
    });
    begun.recv().unwrap();
}

#[test]
fn a_paused_clock_stands_while_a_name_is_looked_up() {
    let _one = ONE.lock();
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let start = Instant::now();
        let answer = timeout(Duration::from_secs(3600), lookup_host("nobody.test:1")).await;
        assert!(answer.expect("it takes no time of this clock").is_err());
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn the_program_ends_while_a_name_is_looked_up() {
    if std::env::var_os("UNSTUCK_TEST_ALONE").is_none() {
        let mut alone = Command::new(std::env::current_exe().unwrap());
        alone.args(["--exact", "the_program_ends_while_a_name_is_looked_up", "--test-threads=1"]);
        let mut alone = alone.env("UNSTUCK_TEST_ALONE", "1").spawn().unwrap();
        let limit = std::time::Instant::now() + Duration::from_secs(100);
        let status = loop {
            match alone.try_wait().unwrap() {
                Some(status) => break status,
                None if std::time::Instant::now() > limit => {
                    alone.kill().unwrap();
                    panic!("the program does not end");
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        assert!(status.success(), "{status}");
        return;
    }
    let begun = lookups();
    let runtime = multi_thread(2);
    runtime.spawn(lookup_host("forever.test:1"));
    begun.recv().unwrap();
    drop(runtime);
}
