//! Child processes where the system gives no descriptors for them, as an old one or one that forbids the call: each test
//! forbids it to its own thread first.

#![cfg(any(target_os = "linux", target_os = "android"))]

use std::io::ErrorKind;
use std::process::Stdio;
use std::time::{Duration, Instant};

use unstuck::process::{Child, ChildStdin, Command};
use unstuck::runtime::{Builder, Runtime};
use unstuck::task::JoinSet;
use unstuck::time::timeout;

/// Makes `pidfd_open` fail on this thread and those that it starts.
fn forbid_descriptors() {
    let number = libc::SYS_pidfd_open as u32;
    let refusal = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    let step = |code: u32, jt: u8, jf: u8, k: u32| libc::sock_filter { code: code as u16, jt, jf, k };
    let mut program = [
        // The number of the system call is the first word.
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, number),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, refusal),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the program is one, and good for the call; the others take numbers.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program), 0);
        assert_eq!(libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0), -1);
    }
    assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::ENOSYS));
}

fn both() -> [Runtime; 2] {
    forbid_descriptors();
    [
        Builder::new_current_thread().enable_all().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
    ]
}

/// A program that runs until its input ends, and its input.
fn cat() -> (Child, ChildStdin) {
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let stdin = child.stdin.take().unwrap();
    (child, stdin)
}

/// Until the child has been collected.
fn wait_until_gone(pid: u32, runtime: Option<&Runtime>) {
    let limit = Instant::now() + Duration::from_secs(60);
    while std::path::Path::new(&format!("/proc/{pid}")).exists() {
        assert!(Instant::now() < limit, "nobody collects the child");
        match runtime {
            Some(runtime) => runtime.block_on(async { unstuck::time::sleep(Duration::from_millis(1)).await }),
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

#[test]
fn the_end_is_told() {
    for runtime in both() {
        runtime.block_on(async {
            let (mut child, stdin) = cat();
            assert!(timeout(Duration::from_millis(1), child.wait()).await.is_err());
            assert_eq!(child.try_wait().unwrap(), None);
            drop(stdin);
            assert!(child.wait().await.unwrap().success());
            assert!(child.wait().await.unwrap().success());
            let output = Command::new("sh").args(["-c", "echo x; exit 3"]).output().await.unwrap();
            assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(3), b"x\n".as_slice()));
            assert_eq!(Command::new("/no/such/program").spawn().unwrap_err().kind(), ErrorKind::NotFound);
        });
    }
}

#[test]
fn of_many_children_each_is_told_its_own_end() {
    for runtime in both() {
        runtime.block_on(async {
            let mut children = JoinSet::new();
            for number in 0..30 {
                children.spawn(async move {
                    let status = Command::new("sh").args(["-c", &format!("exit {number}")]).status().await;
                    (number, status.unwrap().code())
                });
            }
            while let Some(ended) = children.join_next().await {
                let (number, code) = ended.unwrap();
                assert_eq!(code, Some(number));
            }
        });
    }
}

#[test]
fn orphans_are_collected_by_their_runtime_and_after_its_end() {
    for runtime in both() {
        let (dropped, first) = runtime.block_on(async { cat() });
        let (left, second) = runtime.block_on(async { cat() });
        let (late, third) = runtime.block_on(async { cat() });
        let [a, b, c] = [&dropped, &left, &late].map(|child| child.id().unwrap());
        drop(dropped);
        drop(first);
        wait_until_gone(a, Some(&runtime));
        drop(left);
        drop(runtime);
        drop(second);
        wait_until_gone(b, None);
        drop(late);
        drop(third);
        wait_until_gone(c, None);
    }
}

#[test]
fn a_dropped_child_is_killed_and_collected_if_that_was_asked() {
    for runtime in both() {
        let pid = runtime.block_on(async {
            let child = Command::new("sleep").arg("1000").kill_on_drop(true).spawn().unwrap();
            child.id().unwrap()
        });
        wait_until_gone(pid, Some(&runtime));
    }
}

#[test]
fn a_child_is_waited_for_after_the_end_of_its_runtime() {
    for runtime in both() {
        let (mut child, stdin) = runtime.block_on(async { cat() });
        drop(runtime);
        let other = Builder::new_current_thread().enable_all().build().unwrap();
        other.block_on(async {
            assert!(timeout(Duration::from_millis(1), child.wait()).await.is_err());
            drop(stdin);
            assert!(child.wait().await.unwrap().success());
        });
    }
}
