//! Which types and futures are `Send`, `Sync`, `Unpin`, `UnwindSafe`: as documented for the types that they stand for.

use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::time::Duration;

use unstuck_sync::{broadcast, mpsc, oneshot, watch};

/// Send and Sync, only Send, neither.
type Both = u32;
type Sends = Cell<u32>;
type Stays = Rc<u32>;

/// Asks whether `T` has a trait: of two methods of one name the inherent one is preferred, which exists if it has.
struct Asks<T: ?Sized>(PhantomData<fn() -> Box<T>>);

trait Lacks {
    fn is_send(&self) -> bool {
        false
    }
    fn is_sync(&self) -> bool {
        false
    }
    fn is_unpin(&self) -> bool {
        false
    }
}

impl<T> Lacks for Asks<T> {}

impl<T: Send> Asks<T> {
    fn is_send(&self) -> bool {
        true
    }
}

impl<T: Sync> Asks<T> {
    fn is_sync(&self) -> bool {
        true
    }
}

impl<T: Unpin> Asks<T> {
    fn is_unpin(&self) -> bool {
        true
    }
}

macro_rules! of_type {
    ($type:ty) => {{
        let asks = Asks::<$type>(PhantomData);
        (asks.is_send(), asks.is_sync(), asks.is_unpin())
    }};
}

macro_rules! of_future {
    ($make:expr) => {{
        #[allow(unused_parens, reason = "a closure in parentheses can be passed on")]
        let asks = asks_result($make);
        (asks.is_send(), asks.is_sync(), asks.is_unpin())
    }};
}

/// Asks about what `make` would return; it is not called.
fn asks_result<A, T>(_make: fn(A) -> T) -> Asks<T> {
    Asks(PhantomData)
}

#[test]
fn ends_go_to_other_threads_if_the_messages_do() {
    macro_rules! check {
        ($($end:ident :: $type:ident),*) => {$(
            assert_eq!(of_type!($end::$type<Both>), (true, true, true));
            assert_eq!(of_type!($end::$type<Sends>), (true, true, true));
            assert_eq!(of_type!($end::$type<Stays>), (false, false, true));
        )*};
    }
    check!(
        oneshot::Sender,
        oneshot::Receiver,
        mpsc::Sender,
        mpsc::WeakSender,
        mpsc::Receiver,
        mpsc::UnboundedSender,
        mpsc::WeakUnboundedSender,
        mpsc::UnboundedReceiver,
        mpsc::OwnedPermit,
        broadcast::Sender,
        broadcast::WeakSender,
        broadcast::Receiver
    );
    assert_eq!(of_type!(mpsc::Permit<'static, Sends>), (true, true, true));
    assert_eq!(of_type!(mpsc::PermitIterator<'static, Stays>), (false, false, true));
}

#[test]
fn watched_values_are_shared_so_they_must_be_sync() {
    macro_rules! check {
        ($($type:ident),*) => {$(
            assert_eq!(of_type!(watch::$type<Both>), (true, true, true));
            assert_eq!(of_type!(watch::$type<Sends>), (false, false, true));
            assert_eq!(of_type!(watch::$type<Stays>), (false, false, true));
        )*};
    }
    check!(Sender, Receiver);
    assert_eq!(of_type!(watch::Ref<'static, Both>), (false, true, true));
    assert_eq!(of_type!(watch::Ref<'static, Sends>), (false, false, true));
}

#[test]
fn futures_have_the_traits_of_async_functions() {
    type Tx<T> = &'static mpsc::Sender<T>;
    type Rx<T> = &'static mut mpsc::Receiver<T>;
    assert_eq!(of_future!(|rx: Rx<Sends>| rx.recv()), (true, true, false));
    assert_eq!(of_future!(|rx: Rx<Stays>| rx.recv()), (false, false, false));
    assert_eq!(of_future!(|tx: Tx<Both>| tx.send(1)), (true, true, false));
    assert_eq!(of_future!(|tx: Tx<Sends>| tx.send(Cell::new(1))), (true, false, false));
    assert_eq!(of_future!(|tx: Tx<Stays>| tx.send(Rc::new(1))), (false, false, false));
    assert_eq!(of_future!(|tx: Tx<Both>| tx.send_timeout(1, Duration::ZERO)), (true, true, false));
    assert_eq!(of_future!(|tx: Tx<Sends>| tx.send_timeout(Cell::new(1), Duration::ZERO)), (true, false, false));
    assert_eq!(of_future!(|tx: Tx<Sends>| tx.reserve()), (true, true, false));
    assert_eq!(of_future!(|tx: Tx<Sends>| tx.reserve_many(1)), (true, true, false));
    assert_eq!(of_future!(|tx: mpsc::Sender<Sends>| tx.reserve_owned()), (true, true, false));
    assert_eq!(of_future!(|tx: Tx<Stays>| tx.closed()), (false, false, false));
    assert_eq!(of_future!(|tx: &'static mut oneshot::Sender<Sends>| tx.closed()), (true, true, false));
    assert_eq!(of_future!(|rx: &'static mut broadcast::Receiver<Sends>| rx.recv()), (true, true, false));
    assert_eq!(of_future!(|tx: &'static broadcast::Sender<Sends>| tx.closed()), (true, true, false));
    assert_eq!(of_future!(|rx: &'static mut watch::Receiver<Both>| rx.changed()), (true, true, false));
    assert_eq!(of_future!(|rx: &'static mut watch::Receiver<Both>| rx.wait_for(|_| true)), (true, true, false));
    assert_eq!(of_future!(|rx: &'static mut watch::Receiver<Sends>| rx.changed()), (false, false, false));
    assert_eq!(of_future!(|tx: &'static watch::Sender<Both>| tx.closed()), (true, true, false));
}

#[test]
fn mpsc_channels_survive_panics() {
    fn survives<T: UnwindSafe + RefUnwindSafe>() {}
    fn all<T: 'static>() {
        survives::<mpsc::Sender<T>>();
        survives::<mpsc::WeakSender<T>>();
        survives::<mpsc::Receiver<T>>();
        survives::<mpsc::UnboundedSender<T>>();
        survives::<mpsc::WeakUnboundedSender<T>>();
        survives::<mpsc::UnboundedReceiver<T>>();
        survives::<mpsc::Permit<'static, T>>();
        survives::<mpsc::PermitIterator<'static, T>>();
        survives::<mpsc::OwnedPermit<T>>();
    }
    all::<Rc<Cell<u32>>>();
}
