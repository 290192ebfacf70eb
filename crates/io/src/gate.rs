//! A value that two halves share, used by one at a time; the other one's task waits, not its thread.
//!
//! | state \ event | enter                       | leave                  |
//! |---------------|-----------------------------|------------------------|
//! | FREE          | BUSY, go in                 | -                      |
//! | BUSY          | WANTED, leave a waker       | FREE                   |
//! | WANTED        | leave the waker (again)     | FREE, wake that waker  |
//!
//! 1. An [`Inside`] exists exactly while the state is BUSY or WANTED, and there is one at most: it alone touches the
//!    value.
//! 2. Whoever has to wait leaves its waker first and looks at the state after; whoever leaves frees the state first and
//!    takes the waker after. So one sees the other (rule 3 of `WakerCell`).
//! 3. No lock is held while the value is polled, or while a waker runs. A waker that polls the other half on the spot
//!    finds it busy and is woken again: it does not deadlock.
//! 4. A gate is in an `Arc` from its birth, and its value is moved out only if it is `Unpin`: until then it is pinned.
//! 5. At most two use a gate: the halves of `split`. Whoever leaves a waker found the other one inside, who leaves none
//!    before it is out and finds this one inside. So one place for a waker is enough, and they never meet there.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use unstuck_base::WakeBatch;
use unstuck_base::local::{self, WaitKind};
use unstuck_base::sync::atomic::{AtomicU8, Ordering};
use unstuck_base::sync::{Arc, UnsafeCell, hint};
use unstuck_base::waker_cell::WakerCell;

const FREE: u8 = 0;
const BUSY: u8 = 1;
const WANTED: u8 = 2;

/// How often one looks before the task goes to wait: about a microsecond, the length of a short operation.
const PATIENCE: u32 = 64;

pub(crate) struct Gate<T> {
    state: AtomicU8,
    waiting: WakerCell,
    value: UnsafeCell<T>,
    /// What a task that waits here is said to wait for.
    made_at: &'static Location<'static>,
}

// SAFETY: rule 1: a shared gate lets one thread at a time at the value, handed on by Release and Acquire of the state.
// So it is as if the value were sent from one to the next.
unsafe impl<T: Send> Sync for Gate<T> {}

/// The right to use the value.
pub(crate) struct Inside<'a, T>(&'a Gate<T>);

impl<T> Gate<T> {
    pub(crate) fn new(value: T, made_at: &'static Location<'static>) -> Arc<Self> {
        Arc::new(Gate { state: AtomicU8::new(FREE), waiting: WakerCell::new(), value: UnsafeCell::new(value), made_at })
    }

    /// Goes in as soon as nobody is inside: now, after a few looks, or when the task is woken.
    #[inline]
    pub(crate) fn enter(&self, cx: &mut Context<'_>) -> Poll<Inside<'_, T>> {
        self.enter_after(PATIENCE, cx)
    }

    /// As `enter`, with so many looks.
    #[inline]
    pub(crate) fn enter_after(&self, looks: u32, cx: &mut Context<'_>) -> Poll<Inside<'_, T>> {
        match self.try_enter() {
            Some(inside) => Poll::Ready(inside),
            None => self.enter_later(looks, cx),
        }
    }

    #[inline]
    fn try_enter(&self) -> Option<Inside<'_, T>> {
        // Acquire: pairs with the Release in `Inside::drop`, to see what was done to the value before.
        let entered = self.state.compare_exchange(FREE, BUSY, Ordering::Acquire, Ordering::Relaxed);
        entered.is_ok().then(|| Inside(self))
    }

    /// What `enter` does when the other one is inside.
    #[cold]
    fn enter_later(&self, looks: u32, cx: &mut Context<'_>) -> Poll<Inside<'_, T>> {
        for _ in 0..looks {
            hint::spin_loop();
            if let Some(inside) = self.try_enter() {
                return Poll::Ready(inside);
            }
        }
        self.waiting.register(cx.waker());
        loop {
            if let Some(inside) = self.try_enter() {
                // Our waker stays where it is: taking it out could take out that of the other one, who waits by now.
                return Poll::Ready(inside);
            }
            // Release: pairs with the Acquire in `Inside::drop`, which must find our waker. Seeing WANTED is as good: it is
            // not yet taken back, so the waker is not yet taken either (rule 2).
            match self.state.compare_exchange(BUSY, WANTED, Ordering::Release, Ordering::Relaxed) {
                Ok(_) | Err(WANTED) => break,
                Err(_free) => {}
            }
        }
        local::wait_for(WaitKind::Io, std::ptr::from_ref(self).addr(), self.made_at);
        Poll::Pending
    }

    /// Takes the value out of a gate that nobody else has. `None` if somebody has it: then it lives on there.
    pub(crate) fn into_inner(this: Arc<Self>) -> Option<T>
    where
        T: Unpin,
    {
        Arc::try_unwrap(this).ok().map(|gate| gate.value.into_inner())
    }
}

impl<T> Inside<'_, T> {
    pub(crate) fn with<R>(&mut self, operate: impl FnOnce(Pin<&mut T>) -> R) -> R {
        self.0.value.with_mut(|value| {
            // SAFETY: rule 1: we are the one who is inside. Rule 4: the value stays where it is.
            operate(unsafe { Pin::new_unchecked(&mut *value) })
        })
    }
}

impl<T> Drop for Inside<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `try_enter`. Acquire: pairs with the Release in `enter_later`.
        if self.0.state.swap(FREE, Ordering::AcqRel) == WANTED {
            wake(&self.0.waiting);
        }
    }
}

/// Through a batch, which contains a panic of the waker while the poll inside is panicking already.
#[cold]
fn wake(waiting: &WakerCell) {
    let mut batch = WakeBatch::new();
    waiting.take().into_iter().for_each(|waker| batch.push(waker));
    batch.wake_all();
}
