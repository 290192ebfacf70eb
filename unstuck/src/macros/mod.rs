//! The macros that users write, and what their expansions need.
//!
//! 1. `select!`, `join!` and `try_join!` hand the user's tokens and `$crate` to `unstuck_macros`, which does the work. So
//!    they can be re-exported and renamed, and their expansions name only `::core` and [`support`].
//! 2. [`support`] and the macros that begin with `__` are public for the expansions alone.

pub mod support;

#[doc(hidden)]
pub use unstuck_macros::{__join, __select, __try_join};
// For the package named `tokio`, whose users know no path that begins with `unstuck`.
pub use unstuck_macros::{tokio_main, tokio_test};

/// Makes an async function an ordinary one, which runs it in a runtime of its own.
///
/// Mostly for `main`. On another function it works too: every call then builds a runtime and shuts it down; where that
/// happens often, keep a [`Runtime`](crate::runtime::Runtime) instead. The function is the root future of
/// [`Runtime::block_on`](crate::runtime::Runtime::block_on): it runs on the thread that calls it, not on a worker.
/// When it returns, the runtime is shut down with the tasks that are left.
///
/// # Arguments
///
/// | argument | value | default |
/// |---|---|---|
/// | `flavor` | `"multi_thread"`, `"current_thread"`, or `"local"` for a [`LocalRuntime`](crate::runtime::LocalRuntime) | `"multi_thread"` |
/// | `worker_threads` | how many threads run tasks, at least 1; `multi_thread` only | the number of CPUs |
/// | `start_paused` | `true` stops the clock of [`time`](crate::time) from the start; not with `multi_thread` | `false` |
/// | `unhandled_panic` | `"ignore"` or `"shutdown_runtime"`: what a panicking task does to the runtime; not with `multi_thread` | `"ignore"` |
/// | `name` | a string: the name of the runtime | none |
/// | `crate` | a string: the path at which this crate is found | `"::unstuck"` |
///
/// I/O and time are enabled. For anything else use a [`Builder`](crate::runtime::Builder).
///
/// `main` itself takes no arguments, other functions may. The return type is free; as in an ordinary `main`, a `Result`
/// lets you use `?`.
///
/// # Panics
///
/// When the operating system refuses what the runtime needs (threads, file descriptors), and when called from within a
/// runtime.
///
/// # Examples
///
/// ```
/// #[unstuck::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let answer = unstuck::spawn(async { "42".parse::<u32>() }).await??;
///     assert_eq!(answer, 42);
///     Ok(())
/// }
/// ```
///
/// The same without the macro:
///
/// ```
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let runtime = unstuck::runtime::Builder::new_multi_thread().enable_all().build()?;
///     runtime.block_on(async {
///         let answer = unstuck::spawn(async { "42".parse::<u32>() }).await??;
///         assert_eq!(answer, 42);
///         Ok(())
///     })
/// }
/// ```
///
/// One thread for everything, which also suits a function inside an otherwise synchronous program:
///
/// ```
/// #[unstuck::main(flavor = "current_thread")]
/// async fn sum(numbers: &[u32]) -> u32 {
///     unstuck::task::yield_now().await;
///     numbers.iter().sum()
/// }
///
/// assert_eq!(sum(&[1, 2, 3]), 6);
/// ```
pub use unstuck_macros::main;

/// Makes an async function a test, which runs it in a runtime of its own.
///
/// Takes the arguments of [`main`](macro@main), with one other default: `flavor` is `"current_thread"`. What stands for
/// `#[test]` also goes with it: `#[should_panic]`, `#[ignore]`, a `Result` as return type.
///
/// # Examples
///
/// ```
/// #[unstuck::test]
/// async fn a_task_returns_its_value() {
///     assert_eq!(unstuck::spawn(async { 1 + 1 }).await.unwrap(), 2);
/// }
///
/// #[unstuck::test(flavor = "multi_thread", worker_threads = 2)]
/// async fn parses() -> Result<(), std::num::ParseIntError> {
///     let number: u32 = "7".parse()?;
///     assert_eq!(number, 7);
///     Ok(())
/// }
/// ```
///
/// With the clock stopped, time passes only when there is nothing else to do, and then at once:
///
/// ```
/// use std::time::Duration;
/// use unstuck::time::{Instant, sleep};
///
/// #[unstuck::test(start_paused = true)]
/// async fn an_hour_passes_quickly() {
///     let start = Instant::now();
///     sleep(Duration::from_secs(3600)).await;
///     assert!(start.elapsed() >= Duration::from_secs(3600));
/// }
/// ```
pub use unstuck_macros::test;

/// Waits on several futures at once, and continues with the branch that completes first. The others are dropped.
///
/// ```text
/// select! {
///     biased;                                            // optional
///     pattern = future => handler,
///     pattern = future, if condition => handler,         // up to 64 branches
///     else => handler,                                   // optional
/// }
/// ```
///
/// It is an expression inside an async function, block or closure. All branches run in the current task: concurrently,
/// but one at a time. To use several threads, [`spawn`](crate::spawn) the work and select over the handles.
///
/// `future` is an expression of any type that implements [`IntoFuture`]. It is evaluated in the surrounding function,
/// so it may use `?` or `.await`. The futures are stored in the surrounding future, without allocating, and need not be
/// `Unpin`, `Send` or `'static`. To go on with the same future in the next round of a loop, [pin](crate::pin!) it outside
/// and select over `&mut future`.
///
/// `handler` is a block, or an expression followed by a comma. It may use what `pattern` has bound. When it runs all
/// futures are gone, except those that you only lent: so handlers may borrow what the futures had borrowed. `?`, `break`
/// and `return` mean what they mean outside the macro. All handlers have the same type, which is that of the macro.
///
/// # What happens, in order
///
/// 1. Every `condition` is evaluated. A branch whose condition is false is disabled until `select!` is entered again.
/// 2. Every `future` is evaluated, also those of disabled branches, which are never polled.
/// 3. When all branches are disabled, the handler of `else` runs and the macro returns.
/// 4. Otherwise the enabled futures are polled, beginning with one chosen at random.
/// 5. When a future completes and its value matches the pattern, all futures are dropped, the handler runs and the
///    macro returns. When it does not match, the value is dropped and the branch is disabled: go on with 3.
///
/// Beside the futures themselves, the macro asks whether the task has used up its share of this poll, and yields if so.
/// A loop around a `select!` whose branches are always ready therefore does not starve other tasks.
///
/// # Order
///
/// Starting at random is fair: a branch that is always ready cannot keep the others from being polled. With `biased;` as
/// first token, branches are polled from the first to the last. That saves the random number and gives a priority, such
/// as "shut down before new work". Fairness is then yours to keep: put the branch that is nearly always ready last.
///
/// # Panics
///
/// When all branches are disabled and there is no `else`.
///
/// # Cancel safety
///
/// Losing branches are dropped half-way. Whether that loses something depends on their future. Nothing is lost with
/// these, which you can call anew in the next round:
///
///  * the `recv` of every channel, `changed` of [`watch`](crate::sync::watch), a receiver of
///    [`oneshot`](crate::sync::oneshot) selected by `&mut`,
///  * `accept` of every listener, `recv` of every [signal](crate::signal), `readable` and `writable` of sockets,
///  * [`AsyncReadExt::read`](crate::io::AsyncReadExt::read), [`read_buf`](crate::io::AsyncReadExt::read_buf) and
///    [`AsyncWriteExt::write`](crate::io::AsyncWriteExt::write),
///  * [`Interval::tick`](crate::time::Interval::tick), and a [`sleep`](crate::time::sleep) that you hold by `&mut`.
///
/// These keep their place in a queue while they wait, and lose it: [`Mutex::lock`](crate::sync::Mutex::lock),
/// [`RwLock`](crate::sync::RwLock), [`Semaphore::acquire`](crate::sync::Semaphore::acquire),
/// [`Notify::notified`](crate::sync::Notify::notified).
///
/// Part of the data may be lost with these: [`read_exact`](crate::io::AsyncReadExt::read_exact),
/// [`read_to_end`](crate::io::AsyncReadExt::read_to_end), [`read_to_string`](crate::io::AsyncReadExt::read_to_string),
/// [`write_all`](crate::io::AsyncWriteExt::write_all), and the message of an mpsc
/// [`send`](crate::sync::mpsc::Sender::send) (use [`reserve`](crate::sync::mpsc::Sender::reserve) as the future, and send
/// in the handler).
///
/// An async block or function is cancelled at the `.await` where it stands. Make it safe by pinning it outside the
/// loop, or by spawning it.
///
/// # Examples
///
/// The first of two messages:
///
/// ```
/// use unstuck::sync::oneshot;
///
/// #[unstuck::main(flavor = "current_thread")]
/// async fn main() {
///     let (left, from_left) = oneshot::channel();
///     let (_right, from_right) = oneshot::channel::<&str>();
///     left.send("left").unwrap();
///
///     let first = unstuck::select! {
///         message = from_left => message,
///         message = from_right => message,
///     };
///     assert_eq!(first, Ok("left"));
/// }
/// ```
///
/// A loop that ends when both streams of messages have ended: a closed channel does not match `Some`, which disables its
/// branch.
///
/// ```
/// use unstuck::sync::mpsc;
///
/// #[unstuck::main(flavor = "current_thread")]
/// async fn main() {
///     let (numbers, mut number) = mpsc::channel(8);
///     let (words, mut word) = mpsc::channel(8);
///     unstuck::spawn(async move {
///         numbers.send(1).await.unwrap();
///         words.send("one").await.unwrap();
///         numbers.send(2).await.unwrap();
///     });
///
///     let (mut sum, mut text) = (0, String::new());
///     loop {
///         unstuck::select! {
///             Some(n) = number.recv() => sum += n,
///             Some(w) = word.recv() => text.push_str(w),
///             else => break,
///         }
///     }
///     assert_eq!((sum, text.as_str()), (3, "one"));
/// }
/// ```
///
/// One operation that must not start over, beside others that do: it is pinned outside the loop. The condition keeps a
/// completed future from being polled again.
///
/// ```
/// use unstuck::sync::mpsc;
///
/// async fn download() -> &'static str {
///     unstuck::task::yield_now().await;
///     "the file"
/// }
///
/// #[unstuck::main(flavor = "current_thread")]
/// async fn main() {
///     let (commands, mut command) = mpsc::channel(8);
///     unstuck::spawn(async move { commands.send("status?").await.unwrap() });
///
///     let download = download();
///     unstuck::pin!(download);
///     let mut file = None;
///     let mut asked = 0;
///     loop {
///         unstuck::select! {
///             content = &mut download, if file.is_none() => file = Some(content),
///             Some(_) = command.recv() => asked += 1,
///             else => break,
///         }
///     }
///     assert_eq!((file, asked), (Some("the file"), 1));
/// }
/// ```
///
/// Stop has priority over work:
///
/// ```
/// use unstuck::sync::{mpsc, watch};
///
/// #[unstuck::main(flavor = "current_thread")]
/// async fn main() {
///     let (stop, mut stopped) = watch::channel(false);
///     let (jobs, mut job) = mpsc::unbounded_channel();
///     jobs.send("work").unwrap();
///     stop.send(true).unwrap();
///
///     let done = unstuck::select! {
///         biased;
///         _ = stopped.changed() => "stopped",
///         _ = job.recv() => "worked",
///     };
///     assert_eq!(done, "stopped");
/// }
/// ```
///
/// [`IntoFuture`]: std::future::IntoFuture
#[macro_export]
macro_rules! select {
    ($($branches:tt)*) => {
        $crate::macros::__select! { ($crate) $($branches)* }
    };
}

/// Runs several futures at once and waits for all of them. Returns the tuple of their outputs.
///
/// It is an expression inside an async function, block or closure. All futures run in the current task: concurrently,
/// but one at a time, and one that blocks the thread blocks the others. To use several threads, [`spawn`](crate::spawn)
/// the work and join the handles.
///
/// The arguments are expressions of any type that implements [`IntoFuture`](std::future::IntoFuture); there is no limit
/// to their number. They are evaluated in the order written before the first future is polled. Futures are stored in the
/// surrounding future, without allocating; each is dropped as soon as it has completed.
///
/// It waits for all also when some return errors: to stop at the first error, use [`try_join!`](crate::try_join!).
///
/// # Order
///
/// Every poll begins with the next future: in the first with the first, in the second with the second. So no future can
/// use up the task's share of every poll before the others. With `biased;` as first token, futures are polled from the
/// first to the last in every poll. That is a little cheaper, and fairness is then yours to keep: a future that is nearly
/// always ready belongs at the end.
///
/// # Cancel safety
///
/// Dropping the surrounding future drops all joined futures, half-way, and the outputs of those that had completed.
///
/// # Examples
///
/// ```
/// async fn name() -> &'static str {
///     unstuck::task::yield_now().await;
///     "Ada"
/// }
///
/// async fn born() -> u32 {
///     1815
/// }
///
/// #[unstuck::main(flavor = "current_thread")]
/// async fn main() {
///     let (name, born) = unstuck::join!(name(), born());
///     assert_eq!((name, born), ("Ada", 1815));
///
///     let both = unstuck::join!(biased; async { 1 }, async { 2 });
///     assert_eq!(both, (1, 2));
/// }
/// ```
#[macro_export]
macro_rules! join {
    ($($futures:tt)*) => {
        $crate::macros::__join! { ($crate) $($futures)* }
    };
}

/// Runs several futures that return [`Result`]s at once: until all have succeeded, or the first one fails.
///
/// Returns `Ok` with the tuple of their values, or the first error; the futures that have not completed are then
/// dropped. All have the same type of error. Everything else, such as `biased;`, is as in [`join!`](crate::join!).
///
/// # Cancel safety
///
/// Dropping the surrounding future drops all joined futures, half-way, and the values of those that had succeeded. So
/// does the first error.
///
/// # Examples
///
/// ```
/// use std::num::ParseIntError;
///
/// async fn parse(text: &str) -> Result<u32, ParseIntError> {
///     unstuck::task::yield_now().await;
///     text.parse()
/// }
///
/// #[unstuck::main(flavor = "current_thread")]
/// async fn main() {
///     assert_eq!(unstuck::try_join!(parse("1"), parse("2")), Ok((1, 2)));
///     assert!(unstuck::try_join!(parse("1"), parse("two")).is_err());
/// }
/// ```
///
/// Handles of spawned tasks return a `Result` of their own, around that of the task:
///
/// ```
/// use unstuck::task::JoinHandle;
///
/// async fn flatten<T>(handle: JoinHandle<Result<T, String>>) -> Result<T, String> {
///     match handle.await {
///         Ok(result) => result,
///         Err(error) => Err(error.to_string()),
///     }
/// }
///
/// #[unstuck::main(flavor = "current_thread")]
/// async fn main() {
///     let good = unstuck::spawn(async { Ok::<_, String>(1) });
///     let bad = unstuck::spawn(async { Err::<u32, _>("no luck".to_string()) });
///
///     assert_eq!(unstuck::try_join!(flatten(good), flatten(bad)), Err("no luck".to_string()));
/// }
/// ```
#[macro_export]
macro_rules! try_join {
    ($($futures:tt)*) => {
        $crate::macros::__try_join! { ($crate) $($futures)* }
    };
}

/// Pins futures to the stack, so that they can be polled through a reference.
///
/// `pin!(future)` takes the value of the variable `future` and gives the variable the type `Pin<&mut F>`. Several
/// variables may be named, and `let` statements may stand inside instead. [`std::pin::pin!`] does the same as an
/// expression.
///
/// `&mut future` is then a future, also where `F` is not `Unpin`: that is what [`select!`](crate::select!) in a loop
/// needs. The value stays where it is until the end of the surrounding block; to move it elsewhere, use
/// [`Box::pin`].
///
/// # Examples
///
/// ```
/// async fn work() -> u32 {
///     unstuck::task::yield_now().await;
///     7
/// }
///
/// #[unstuck::main(flavor = "current_thread")]
/// async fn main() {
///     let work = work();
///     unstuck::pin!(work);
///     let result = loop {
///         unstuck::select! {
///             result = &mut work => break result,
///             _ = unstuck::task::yield_now() => {}
///         }
///     };
///     assert_eq!(result, 7);
/// }
/// ```
///
/// Several at once:
///
/// ```
/// # async fn left() -> u32 { 1 }
/// # async fn right() -> u32 { 2 }
/// #[unstuck::main(flavor = "current_thread")]
/// async fn main() {
///     unstuck::pin! {
///         let left = left();
///         let right = right();
///     }
///     unstuck::select! {
///         value = &mut left => assert_eq!(value, 1),
///         value = &mut right => assert_eq!(value, 2),
///     }
/// }
/// ```
#[macro_export]
macro_rules! pin {
    ($($variable:ident),* $(,)?) => {
        $(
            #[allow(unused_mut)]
            let mut $variable = ::core::pin::pin!($variable);
        )*
    };
    ($(let $variable:ident = $value:expr;)*) => {
        $(
            let $variable = $value;
            #[allow(unused_mut)]
            let mut $variable = ::core::pin::pin!($variable);
        )*
    };
}
