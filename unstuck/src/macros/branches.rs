//! The macros that run several futures in one task.

#[doc(hidden)]
pub use unstuck_macros::{__join, __select, __try_join};

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
        $crate::macros::branches::__select! { ($crate) $($branches)* }
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
        $crate::macros::branches::__join! { ($crate) $($futures)* }
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
        $crate::macros::branches::__try_join! { ($crate) $($futures)* }
    };
}
