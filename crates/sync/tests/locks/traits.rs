//! Which types and futures are `Send`, `Sync` and `Unpin`: as documented for the types that they stand for.

use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use unstuck_sync::cancel::{CancellationToken, WaitForCancellationFuture};
use unstuck_sync::futures::{Notified, OwnedNotified};
use unstuck_sync::{
    MappedMutexGuard, Mutex, MutexGuard, Notify, OwnedMappedMutexGuard, OwnedMutexGuard, OwnedSemaphorePermit,
    Semaphore, SemaphorePermit,
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
}
