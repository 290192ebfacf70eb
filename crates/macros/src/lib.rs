//! Internal crate of unstuck, published in lockstep with it: the attribute and function-like macros.
//!
//! 1. An expansion names nothing but `::core` and the crate root that it was told: `::unstuck` or `::tokio` for the
//!    attributes (their `crate` argument overrides it), the path in the first parentheses for the others.
//! 2. The user's tokens keep their spans, so that the compiler's errors point at what the user wrote. Every other token
//!    has the span of the macro ([`Span::mixed_site`]): its variables cannot be seen by the user's code, and its lints
//!    are not reported there.
//! 3. The user's expressions and blocks are copied once. Only patterns are copied twice.
//! 4. What is wrong with the input becomes a compile error at the token that is wrong, saying what to write instead.
//!
//! Users meet these macros as `unstuck::{main, test, select, join, try_join}`, documented there. The wrappers in
//! `unstuck::macros` pass their `$crate` to the function-like ones.
//!
//! [`Span::mixed_site`]: proc_macro2::Span::mixed_site

mod entry;
mod expansion;
mod head;
mod join;
mod select;

use entry::Attribute;
use proc_macro::TokenStream;

/// `#[unstuck::main]`. A crate that offers unstuck under another path says so in `crate`.
///
/// # Examples
///
/// ```
#[doc = include_str!("facade.md")]
/// #[unstuck_macros::main(crate = "facade")]
/// async fn answer(question: &str) -> usize {
///     question.len()
/// }
///
/// assert_eq!(answer("How long is this?"), 17);
/// ```
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, function: TokenStream) -> TokenStream {
    Attribute::main_of("unstuck").expand(arguments.into(), function.into()).into()
}

/// `#[unstuck::test]`. A crate that offers unstuck under another path says so in `crate`.
///
/// # Examples
///
/// ```
#[doc = include_str!("facade.md")]
/// #[unstuck_macros::test(crate = "facade")]
/// async fn one_and_one_is_two() {
///     assert_eq!(async { 1 + 1 }.await, 2);
/// }
/// ```
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, function: TokenStream) -> TokenStream {
    Attribute::test_of("unstuck").expand(arguments.into(), function.into()).into()
}

/// `#[tokio::main]`, as the package that stands in for Tokio exports it. Without `crate`, it names `::tokio`.
///
/// # Examples
///
/// ```
#[doc = include_str!("facade.md")]
/// use unstuck_macros::tokio_main as main;
///
/// #[main(crate = "facade", flavor = "multi_thread")]
/// async fn parsed(text: &str) -> Result<u32, std::num::ParseIntError> {
///     Ok(async { text }.await.parse::<u32>()? * 2)
/// }
///
/// assert_eq!(parsed("21"), Ok(42));
/// assert!(parsed("twenty-one").is_err());
/// ```
#[proc_macro_attribute]
pub fn tokio_main(arguments: TokenStream, function: TokenStream) -> TokenStream {
    Attribute::main_of("tokio").expand(arguments.into(), function.into()).into()
}

/// `#[tokio::test]`, as the package that stands in for Tokio exports it. Without `crate`, it names `::tokio`.
///
/// # Examples
///
/// ```
#[doc = include_str!("facade.md")]
/// use unstuck_macros::tokio_test as test;
///
/// #[test(crate = "facade", flavor = "current_thread")]
/// async fn parses() -> Result<(), std::num::ParseIntError> {
///     assert_eq!("21".parse::<u32>()?, 21);
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn tokio_test(arguments: TokenStream, function: TokenStream) -> TokenStream {
    Attribute::test_of("tokio").expand(arguments.into(), function.into()).into()
}

/// `#[tokio::main]` where the package that stands in for Tokio is built without its feature `rt-multi-thread`:
/// the flavor `multi_thread` is missing.
///
/// # Examples
///
/// ```
#[doc = include_str!("facade.md")]
/// use unstuck_macros::tokio_main_rt as main;
///
/// #[main(crate = "facade", flavor = "current_thread")]
/// async fn joined(words: &[&str]) -> String {
///     words.join(" ")
/// }
///
/// assert_eq!(joined(&["one", "thread"]), "one thread");
/// ```
#[proc_macro_attribute]
pub fn tokio_main_rt(arguments: TokenStream, function: TokenStream) -> TokenStream {
    Attribute::main_of("tokio").without_pool().expand(arguments.into(), function.into()).into()
}

/// `#[tokio::test]` where the package that stands in for Tokio is built without its feature `rt-multi-thread`.
///
/// # Examples
///
/// ```
#[doc = include_str!("facade.md")]
/// use unstuck_macros::tokio_test_rt as test;
///
/// #[test(crate = "facade")]
/// #[should_panic(expected = "too few")]
/// async fn a_test_may_have_to_panic() {
///     panic!("too few");
/// }
/// ```
#[proc_macro_attribute]
pub fn tokio_test_rt(arguments: TokenStream, function: TokenStream) -> TokenStream {
    Attribute::test_of("tokio").without_pool().expand(arguments.into(), function.into()).into()
}

/// What `unstuck::select!` expands to: `__select! { (crate root) branches }`.
#[doc(hidden)]
#[proc_macro]
pub fn __select(input: TokenStream) -> TokenStream {
    select::expand(input.into()).into()
}

/// What `unstuck::join!` expands to: `__join! { (crate root) futures }`.
#[doc(hidden)]
#[proc_macro]
pub fn __join(input: TokenStream) -> TokenStream {
    join::expand(join::Until::AllAreDone, input.into()).into()
}

/// What `unstuck::try_join!` expands to: `__try_join! { (crate root) futures }`.
#[doc(hidden)]
#[proc_macro]
pub fn __try_join(input: TokenStream) -> TokenStream {
    join::expand(join::Until::OneFails, input.into()).into()
}
