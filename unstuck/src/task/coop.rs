//! The budget of a poll: how a task that could go on for ever gives way to others.
//!
//! A socket that always has data, a channel that is never empty: a loop over them would never wait, and no other task
//! would run on its thread. So each poll of a task has a budget of operations. Every operation of this crate takes one;
//! when none is left, operations say that they would have to wait, and the task is queued again behind the others. This
//! needs no care on your side.
//!
//! A task whose parts are polled in a fixed order, the first of them always busy, gives the others a share in some polls;
//! and one that polls on without returning to the runtime gets a little more now and then. So what has no budget comes
//! later, but it comes.
//!
//! Two cases need care. Code that computes for long without any such operation can take part by [`consume_budget`] or
//! [`cooperative`]. And a future that must not be interrupted, say since it polls others only if they are ready at once,
//! can be exempted by [`unconstrained`].
//!
//! # Examples
//!
//! ```
//! # #[unstuck::main(flavor = "current_thread")]
//! # async fn main() {
//! let mut sum = 0_u64;
//! for n in 0..10_000 {
//!     sum += n;
//!     unstuck::task::coop::consume_budget().await; // other tasks run now and then
//! }
//! assert_eq!(sum, 49_995_000);
//! # }
//! ```

use std::cell::Cell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use unstuck_base::local::{self, Charge};

/// Whether an operation of this crate could complete now, as far as the budget is concerned. Outside a task: `true`.
///
/// # Examples
///
/// ```
/// use unstuck::task::coop::{consume_budget, has_budget_remaining};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let batch = unstuck::spawn(async {
///     let mut done = 0;
///     while has_budget_remaining() {
///         consume_budget().await; // an operation, of a socket say
///         done += 1;
///     }
///     done // then others should have their turn
/// });
/// assert!(batch.await.unwrap() > 1);
/// # }
/// ```
pub fn has_budget_remaining() -> bool {
    local::has_budget()
}

/// Takes one operation of the budget, and yields if none is left.
///
/// # Cancel safety
///
/// Cancel safe: there is nothing to lose.
///
/// # Examples
///
/// ```
/// use unstuck::task::coop::consume_budget;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let other = unstuck::spawn(async { "had its turn" });
/// let mut sum = 0_u64;
/// while !other.is_finished() {
///     sum += 1; // a long computation
///     consume_budget().await;
/// }
/// assert_eq!(other.await.unwrap(), "had its turn");
/// # }
/// ```
pub async fn consume_budget() {
    poll_fn(|cx| {
        ready!(local::poll_budget(cx)).made_progress();
        Poll::Ready(())
    })
    .await;
}

/// Takes one operation of the budget; gives it back when the result is dropped without
/// [`made_progress`](RestoreOnPending::made_progress). For futures written by hand.
///
/// Pending says that the budget is spent: the task is woken already, so return Pending.
///
/// # Examples
///
/// ```
/// use std::task::{Context, Poll, ready};
/// use unstuck::task::coop::poll_proceed;
///
/// struct Numbers(u32);
///
/// impl Numbers {
///     fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<u32> {
///         let charge = ready!(poll_proceed(cx));
///         self.0 += 1;
///         charge.made_progress();
///         Poll::Ready(self.0)
///     }
/// }
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// # let mut numbers = Numbers(0);
/// # assert_eq!(std::future::poll_fn(|cx| numbers.poll_next(cx)).await, 1);
/// # }
/// ```
pub fn poll_proceed(cx: &mut Context<'_>) -> Poll<RestoreOnPending> {
    local::poll_budget(cx).map(|charge| RestoreOnPending { charge: Cell::new(Some(charge)), _this_thread: PhantomData })
}

/// One operation's share of the budget; see [`poll_proceed`].
///
/// # Examples
///
/// ```
/// use std::task::{Context, Poll, ready};
/// use unstuck::task::coop::{RestoreOnPending, poll_proceed};
///
/// /// Takes one from the shelf. An empty shelf has cost nothing: `charge` is dropped.
/// fn poll_take(shelf: &mut Vec<u32>, cx: &mut Context<'_>) -> Poll<u32> {
///     let charge: RestoreOnPending = ready!(poll_proceed(cx));
///     match shelf.pop() {
///         Some(item) => {
///             charge.made_progress();
///             Poll::Ready(item)
///         }
///         None => Poll::Pending, // somebody fills it and wakes us
///     }
/// }
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut shelf = vec![7];
/// assert_eq!(std::future::poll_fn(|cx| poll_take(&mut shelf, cx)).await, 7);
/// # }
/// ```
#[must_use = "call made_progress() when the operation completed"]
pub struct RestoreOnPending {
    charge: Cell<Option<Charge>>,
    _this_thread: PhantomData<*const ()>,
}

impl RestoreOnPending {
    /// The operation completed: its share is used up.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use std::task::Poll;
    /// use unstuck::task::coop::{has_budget_remaining, poll_proceed};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let task = unstuck::spawn(poll_fn(|cx| {
    ///     let mut operations = 0;
    ///     while let Poll::Ready(charge) = poll_proceed(cx) {
    ///         charge.made_progress();
    ///         operations += 1;
    ///     }
    ///     Poll::Ready((operations, has_budget_remaining()))
    /// }));
    /// let (operations, remaining) = task.await.unwrap();
    /// assert!(operations > 0 && !remaining);
    /// # }
    /// ```
    pub fn made_progress(&self) {
        if let Some(charge) = self.charge.take() {
            charge.made_progress();
        }
    }
}

impl fmt::Debug for RestoreOnPending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestoreOnPending").finish_non_exhaustive()
    }
}

pin_project! {
    /// A future that takes part in the budget. Made by [`cooperative`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::{Ready, ready};
    /// use unstuck::task::coop::{Coop, cooperative};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// /// What a library of ours returns.
    /// fn answer() -> Coop<Ready<u32>> {
    ///     cooperative(ready(42))
    /// }
    ///
    /// assert_eq!(answer().await, 42);
    /// # }
    /// ```
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Coop<F: Future> {
        #[pin]
        future: F,
    }
}

/// Makes `future` take one operation of the budget when it completes, and wait for its turn when none is left.
///
/// For resources of other crates, which do not know of budgets.
///
/// # Cancel safety
///
/// As that of `future`: dropping this drops it.
///
/// # Examples
///
/// ```
/// use unstuck::task::coop::cooperative;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// for n in 0..1000 {
///     assert_eq!(cooperative(std::future::ready(n)).await, n); // now and then others run
/// }
/// # }
/// ```
pub fn cooperative<F: Future>(future: F) -> Coop<F> {
    Coop { future }
}

impl<F: Future> Future for Coop<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let charge = ready!(local::poll_budget(cx));
        let output = ready!(self.project().future.poll(cx));
        charge.made_progress();
        Poll::Ready(output)
    }
}

pin_project! {
    /// A future without a budget. Made by [`unconstrained`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::{Ready, ready};
    /// use unstuck::task::coop::{Unconstrained, unconstrained};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let answer: Unconstrained<Ready<u32>> = unconstrained(ready(42));
    /// assert_eq!(answer.await, 42);
    /// # }
    /// ```
    #[must_use = "Unconstrained does nothing unless polled"]
    pub struct Unconstrained<F> {
        #[pin]
        future: F,
    }
}

/// Exempts `future` from the budget: its operations never yield. It should be known to wait now and then.
///
/// # Cancel safety
///
/// As that of `future`: dropping this drops it.
///
/// # Examples
///
/// ```
/// use unstuck::sync::mpsc;
/// use unstuck::task::coop::unconstrained;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// let (sender, mut receiver) = mpsc::unbounded_channel();
/// for n in 0..1000 {
///     sender.send(n).unwrap();
/// }
/// let received = unconstrained(async {
///     let mut received = 0;
///     while received < 1000 && receiver.recv().await.is_some() {
///         received += 1; // never interrupted
///     }
///     received
/// });
/// assert_eq!(received.await, 1000);
/// # }
/// ```
pub fn unconstrained<F>(inner: F) -> Unconstrained<F> {
    Unconstrained { future: inner }
}

impl<F: Future> Future for Unconstrained<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let future = self.project().future;
        local::with_unlimited_budget(|| future.poll(cx))
    }
}
