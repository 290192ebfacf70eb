//! Which types and futures are `Send`, `Sync` and `Unpin`: as documented for the types that they stand for.

use std::cell::Cell;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use unstuck_sync::cancel::{CancellationToken, WaitForCancellationFuture};
use unstuck_sync::futures::{Notified, OwnedNotified};
use unstuck_sync::{
    Barrier, BarrierWaitResult, MappedMutexGuard, Mutex, MutexGuard, Notify, OnceCell, OwnedMappedMutexGuard,
    OwnedMutexGuard, OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, OwnedSemaphorePermit,
    RwLock, RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit, SetOnce,
};

/// Send and Sync, only Send, neither.
type Both = u32;
type Sends = Cell<u32>;
type Stays = Rc<u32>;

/// Asks whether `T` is `Send`, `Sync` and `Unpin`: of two methods of one name the inherent one is preferred, which
/// exists if the trait is there.
struct Asks<T>(PhantomData<fn() -> T>);

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

macro_rules! traits_of {
    ($type:ty) => {{
        let asks = Asks::<$type>(PhantomData);
        (asks.is_send(), asks.is_sync(), asks.is_unpin())
    }};
}

/// The same for the type of a future, which is never made.
macro_rules! traits_of_future {
    ($future:expr) => {{
        let asks = result_of(|| $future);
        (asks.is_send(), asks.is_sync(), asks.is_unpin())
    }};
}

fn result_of<F>(_: impl FnOnce() -> F) -> Asks<F> {
    Asks(PhantomData)
}

#[test]
fn types_have_their_auto_traits() {
    assert_eq!(traits_of!(Semaphore), (true, true, true));
    assert_eq!(traits_of!(SemaphorePermit<'static>), (true, true, true));
    assert_eq!(traits_of!(OwnedSemaphorePermit), (true, true, true));
    assert_eq!(traits_of!(Notify), (true, true, true));
    assert_eq!(traits_of!(Notified<'static>), (true, true, false));
    assert_eq!(traits_of!(OwnedNotified), (true, true, false));
    assert_eq!(traits_of!(CancellationToken), (true, true, true));
    assert_eq!(traits_of!(WaitForCancellationFuture<'static>), (true, true, false));
    assert_eq!(traits_of!(Mutex<Both>), (true, true, true));
    assert_eq!(traits_of!(Mutex<Sends>), (true, true, true));
    assert_eq!(traits_of!(Mutex<Stays>), (false, false, true));
    assert_eq!(traits_of!(MutexGuard<'static, Both>), (true, true, true));
    assert_eq!(traits_of!(MutexGuard<'static, Sends>), (true, false, true));
    assert_eq!(traits_of!(MutexGuard<'static, Stays>), (false, false, true));
    assert_eq!(traits_of!(MappedMutexGuard<'static, Both>), (true, true, true));
    assert_eq!(traits_of!(MappedMutexGuard<'static, Sends>), (true, false, true));
    assert_eq!(traits_of!(MappedMutexGuard<'static, Stays>), (false, false, true));
    assert_eq!(traits_of!(OwnedMutexGuard<Both>), (true, true, true));
    assert_eq!(traits_of!(OwnedMutexGuard<Sends>), (true, false, true));
    assert_eq!(traits_of!(OwnedMutexGuard<Stays>), (false, false, true));
    assert_eq!(traits_of!(OwnedMappedMutexGuard<Both, Both>), (true, true, true));
    assert_eq!(traits_of!(OwnedMappedMutexGuard<Sends, Both>), (true, false, true));
    assert_eq!(traits_of!(OwnedMappedMutexGuard<Both, Sends>), (true, false, true));
    assert_eq!(traits_of!(OwnedMappedMutexGuard<Stays, Both>), (false, false, true));
    assert_eq!(traits_of!(OwnedMappedMutexGuard<Both, Stays>), (false, false, true));
    assert_eq!(traits_of!(Barrier), (true, true, true));
    assert_eq!(traits_of!(BarrierWaitResult), (true, true, true));
}

/// Asserts the same for one type over each sort of value.
macro_rules! assert_traits {
    ($name:ident: $both:expr, $sends:expr, $stays:expr) => {
        assert_eq!(traits_of!($name<Both>), $both);
        assert_eq!(traits_of!($name<Sends>), $sends);
        assert_eq!(traits_of!($name<Stays>), $stays);
    };
}

#[test]
fn cells_and_reader_writer_locks_have_their_auto_traits() {
    const ALL: (bool, bool, bool) = (true, true, true);
    const SEND: (bool, bool, bool) = (true, false, true);
    const UNPIN: (bool, bool, bool) = (false, false, true);
    assert_traits!(OnceCell: ALL, SEND, UNPIN);
    assert_traits!(SetOnce: ALL, SEND, UNPIN);
    assert_traits!(RwLock: ALL, SEND, UNPIN);
    assert_traits!(RwLockReadGuard: ALL, UNPIN, UNPIN);
    assert_traits!(RwLockWriteGuard: ALL, UNPIN, UNPIN);
    assert_traits!(RwLockMappedWriteGuard: ALL, UNPIN, UNPIN);
    assert_traits!(OwnedRwLockReadGuard: ALL, UNPIN, UNPIN);
    assert_traits!(OwnedRwLockWriteGuard: ALL, UNPIN, UNPIN);
    assert_traits!(OwnedRwLockMappedWriteGuard: ALL, UNPIN, UNPIN);
}

fn any<T>() -> T {
    unreachable!("only its type is used")
}

#[test]
fn futures_have_the_auto_traits_of_an_async_fn() {
    assert_eq!(traits_of_future!(any::<&Semaphore>().acquire()), (true, true, false));
    assert_eq!(traits_of_future!(any::<&Semaphore>().acquire_many(1)), (true, true, false));
    assert_eq!(traits_of_future!(any::<Arc<Semaphore>>().acquire_owned()), (true, true, false));
    assert_eq!(traits_of_future!(any::<Arc<Semaphore>>().acquire_many_owned(1)), (true, true, false));
    assert_eq!(traits_of_future!(any::<&Mutex<Both>>().lock()), (true, true, false));
    assert_eq!(traits_of_future!(any::<&Mutex<Sends>>().lock()), (true, true, false));
    assert_eq!(traits_of_future!(any::<&Mutex<Stays>>().lock()), (false, false, false));
    assert_eq!(traits_of_future!(any::<Arc<Mutex<Both>>>().lock_owned()), (true, true, false));
    assert_eq!(traits_of_future!(any::<Arc<Mutex<Sends>>>().lock_owned()), (true, true, false));
    assert_eq!(traits_of_future!(any::<Arc<Mutex<Stays>>>().lock_owned()), (false, false, false));
    assert_eq!(
        traits_of_future!(any::<&CancellationToken>().run_until_cancelled(any::<std::future::Ready<Stays>>())),
        (false, false, false)
    );
    assert_eq!(traits_of_future!(any::<&Barrier>().wait()), (true, true, false));
    assert_eq!(traits_of_future!(any::<&RwLock<Both>>().read()), (true, true, false));
    assert_eq!(traits_of_future!(any::<&RwLock<Both>>().write()), (true, true, false));
    assert_eq!(traits_of_future!(any::<Arc<RwLock<Both>>>().read_owned()), (true, true, false));
    assert_eq!(traits_of_future!(any::<Arc<RwLock<Both>>>().write_owned()), (true, true, false));
    assert_eq!(traits_of_future!(any::<&RwLock<Sends>>().read()), (false, false, false));
    assert_eq!(traits_of_future!(any::<&RwLock<Sends>>().write()), (false, false, false));
    assert_eq!(traits_of_future!(any::<&SetOnce<Both>>().wait()), (true, true, false));
    assert_eq!(traits_of_future!(any::<&SetOnce<Sends>>().wait()), (false, false, false));
}

type Boxed<T> = Pin<Box<dyn Future<Output = T>>>;
type BoxedSend<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type BoxedBoth<T> = Pin<Box<dyn Future<Output = T> + Send + Sync>>;

#[test]
fn initializing_has_the_auto_traits_of_its_parts() {
    fn cell<T>() -> &'static OnceCell<T> {
        any()
    }
    assert_eq!(traits_of_future!(cell::<Both>().get_or_init(any::<fn() -> BoxedBoth<Both>>())), (true, true, false));
    assert_eq!(traits_of_future!(cell::<Both>().get_or_init(any::<fn() -> BoxedSend<Both>>())), (true, false, false));
    assert_eq!(traits_of_future!(cell::<Both>().get_or_init(any::<fn() -> Boxed<Both>>())), (false, false, false));
    assert_eq!(
        traits_of_future!(cell::<Sends>().get_or_init(any::<fn() -> BoxedBoth<Sends>>())),
        (false, false, false)
    );
    type Tried<T> = Result<T, ()>;
    assert_eq!(
        traits_of_future!(cell::<Both>().get_or_try_init(any::<fn() -> BoxedBoth<Tried<Both>>>())),
        (true, true, false)
    );
    assert_eq!(
        traits_of_future!(cell::<Both>().get_or_try_init(any::<fn() -> BoxedSend<Tried<Both>>>())),
        (true, false, false)
    );
}
