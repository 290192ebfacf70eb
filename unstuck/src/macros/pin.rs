//! Pinning a local variable.

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
