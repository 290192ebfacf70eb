//! What children cost and see of us: descriptors, the handler of `SIGCHLD`. One test, since all of this is the process's.

mod common;

use std::process::Stdio;
use std::time::{Duration, Instant};

use unstuck::net::TcpListener;
use unstuck::process::Command;

/// How many descriptors are open, but for the driver's timer: it makes that before its first sleep, which a slow thread puts
/// off.
fn open_descriptors() -> usize {
    let links = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| entry.unwrap().path().read_link().ok());
    links.filter(|link| !link.to_string_lossy().contains("timerfd")).count()
}

/// Whether `SIGCHLD` is as it was when the process began.
fn no_handler_for_children() -> bool {
    // SAFETY: all zeros are a sigaction.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: the pointers are good for the call, or null.
    assert_eq!(unsafe { libc::sigaction(libc::SIGCHLD, std::ptr::null(), &mut action) }, 0);
    action.sa_sigaction == libc::SIG_DFL
}

fn limit_descriptors(to: libc::rlim_t) {
    let mut limits = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointers are good for the calls.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limits), 0);
        limits.rlim_cur = to;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limits), 0);
    }
}

#[test]
fn children_cost_nothing_for_long_and_get_nothing_that_is_not_theirs() {
    // The test itself may have been given some that it passes on.
    let inherited = std::process::Command::new("ls").arg("/proc/self/fd").output().unwrap();
    let runtime = common::current_thread();
    runtime.block_on(async {
        let before = open_descriptors();

        // Sockets, a timer's descriptor, pipes and descriptors of other children are open: a child sees none of them.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut other = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        unstuck::time::sleep(Duration::from_millis(1)).await;
        let list = Command::new("ls").arg("/proc/self/fd").output().await.unwrap();
        assert_eq!(String::from_utf8(list.stdout).unwrap(), String::from_utf8(inherited.stdout).unwrap());
        assert!(other.wait().await.unwrap().success());
        drop((other, listener));

        // Children leave nothing.
        assert_eq!(open_descriptors(), before);
        for _ in 0..10 {
            let output = Command::new("sh").args(["-c", "echo x"]).stdin(Stdio::piped()).output().await.unwrap();
            assert_eq!(output.stdout, b"x\n");
            Command::new("true").status().await.unwrap();
            Command::new("sleep").arg("1000").kill_on_drop(true).stdout(Stdio::piped()).spawn().unwrap();
            Command::new("/no/such/program").stdout(Stdio::piped()).spawn().unwrap_err();
        }
        let limit = Instant::now() + Duration::from_secs(60);
        while open_descriptors() > before {
            assert!(Instant::now() < limit, "{} are open instead of {before}", open_descriptors());
            unstuck::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(no_handler_for_children(), "where there are descriptors for processes, nobody needs the signal");

        // A start that can't be completed is undone.
        let mut started = None;
        let refused = Command::new("sleep").arg("1000").stdout(Stdio::piped()).spawn_with(|command| {
            let child = command.spawn()?;
            started = Some(child.id());
            limit_descriptors(0);
            Ok(child)
        });
        limit_descriptors(256);
        assert_eq!(refused.unwrap_err().raw_os_error(), Some(libc::EMFILE));
        let pid = started.unwrap();
        while std::path::Path::new(&format!("/proc/{pid}")).exists() {
            assert!(Instant::now() < limit, "the program runs on");
            unstuck::time::sleep(Duration::from_millis(1)).await;
        }
    });
}
