//! What a panic says when a future is polled where it can't work: at which line it was asked for.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Waker};

use unstuck::fs::{self, DirBuilder, File, OpenOptions};
use unstuck::net::{TcpListener, TcpSocket, TcpStream, UdpSocket, UnixListener, UnixSocket, UnixStream, lookup_host};
use unstuck::runtime::Builder;

/// Polls `future` once, outside a runtime or in one that is too little for it. It must panic, and name the line of the call,
/// which is that of the caller.
#[track_caller]
fn names_this_line(future: impl Future) {
    let message = panic_of(future).expect("a panic");
    assert!(message.contains(&line_of(Location::caller())), "{message}");
}

/// How a message names a line.
fn line_of(at: &Location<'_>) -> String {
    format!("(called at {}:{}:", at.file(), at.line())
}

/// What a panic in the first poll says. `None`: there was none.
fn panic_of(future: impl Future) -> Option<String> {
    let poll = AssertUnwindSafe(|| {
        let _polled = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    });
    catch_unwind(poll).err().map(|panic| *panic.downcast().expect("a text"))
}

#[test]
fn file_operations_outside_a_runtime_name_their_call() {
    let path = Path::new("/nowhere/at/all");
    names_this_line(fs::read(path));
    names_this_line(fs::read_to_string(path));
    names_this_line(fs::write(path, ""));
    names_this_line(fs::copy(path, path));
    names_this_line(fs::metadata(path));
    names_this_line(fs::symlink_metadata(path));
    names_this_line(fs::set_permissions(path, std::fs::metadata("/").unwrap().permissions()));
    names_this_line(fs::try_exists(path));
    names_this_line(fs::canonicalize(path));
    names_this_line(fs::read_link(path));
    names_this_line(fs::read_dir(path));
    names_this_line(fs::create_dir(path));
    names_this_line(fs::create_dir_all(path));
    names_this_line(fs::remove_dir(path));
    names_this_line(fs::remove_dir_all(path));
    names_this_line(fs::remove_file(path));
    names_this_line(fs::rename(path, path));
    names_this_line(fs::hard_link(path, path));
    names_this_line(fs::symlink(path, path));
    names_this_line(DirBuilder::new().create(path));
}

#[test]
fn files_outside_a_runtime_name_their_call() {
    let path = Path::new("/nowhere/at/all");
    names_this_line(File::open(path));
    names_this_line(File::create(path));
    names_this_line(File::create_new(path));
    names_this_line(OpenOptions::new().read(true).open(path));

    let file = File::from_std(std::fs::File::open(std::env::current_exe().unwrap()).unwrap());
    names_this_line(file.metadata());
    names_this_line(file.set_len(1));
    names_this_line(file.sync_all());
    names_this_line(file.sync_data());
    names_this_line(file.try_clone());
    names_this_line(file.set_modified(std::time::SystemTime::UNIX_EPOCH));
}

#[test]
fn a_folder_that_is_read_on_outside_its_runtime_names_the_call() {
    let path = std::env::temp_dir().join(format!("unstuck-panics-{}", std::process::id()));
    std::fs::create_dir(&path).unwrap();
    for name in 0..100 {
        std::fs::write(path.join(name.to_string()), "").unwrap();
    }
    let runtime = Builder::new_current_thread().build().unwrap();
    let mut entries = runtime.block_on(fs::read_dir(&path)).unwrap();
    let entry = runtime.block_on(entries.next_entry()).unwrap().unwrap();
    std::fs::remove_dir_all(path).unwrap();

    names_this_line(entry.metadata());
    // Some entries were read ahead, but not all of them.
    let message = loop {
        let next = entries.next_entry();
        if let Some(message) = panic_of(next) {
            break message;
        }
    };
    assert!(message.contains(concat!("(called at ", file!())), "{message}");
}

#[test]
fn sockets_outside_a_runtime_name_their_call() {
    let address = "127.0.0.1:9";
    names_this_line(lookup_host("localhost:80"));
    names_this_line(TcpListener::bind(address));
    names_this_line(TcpStream::connect(address));
    names_this_line(UdpSocket::bind(address));
    names_this_line(unstuck::signal::ctrl_c());

    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let socket = runtime.block_on(async { TcpSocket::new_v4() }).unwrap();
    names_this_line(socket.connect(address.parse().unwrap()));
    let socket = runtime.block_on(UdpSocket::bind("127.0.0.1:0")).unwrap();
    names_this_line(socket.connect("localhost:80"));
    names_this_line(socket.send_to(b"hello", "localhost:80"));
}

#[test]
fn unix_streams_outside_a_runtime_name_their_call() {
    let path = std::env::temp_dir().join(format!("unstuck-panics-{}.sock", std::process::id()));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(async { UnixListener::bind(&path) }).unwrap();
    let address = listener.local_addr().unwrap();

    names_this_line(UnixStream::connect(&path));
    names_this_line(UnixStream::connect_addr(&address));
    names_this_line(UnixSocket::new_stream().unwrap().connect(&path));
    std::fs::remove_file(path).unwrap();
}

#[test]
fn sockets_in_a_runtime_without_io_name_their_call() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let _entered = runtime.enter();
    names_this_line(TcpListener::bind("127.0.0.1:0"));
    names_this_line(UdpSocket::bind("127.0.0.1:0"));
    names_this_line(unstuck::signal::ctrl_c());
}

#[test]
fn an_address_needs_no_runtime() {
    assert_eq!(panic_of(lookup_host("127.0.0.1:80")), None);
}
