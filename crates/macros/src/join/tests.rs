//! The grammar of `join!` and `try_join!` and its errors. What they do is tested in `unstuck`, where there is a runtime.

use super::{Join, Until, expand};
use proc_macro2::TokenStream;

fn input(futures: &str) -> TokenStream {
    format!("(::unstuck) {futures}").parse().expect("the test's tokens")
}

fn parse(futures: &str) -> Join {
    syn::parse2(input(futures)).unwrap_or_else(|error| panic!("{error} in {futures}"))
}

#[track_caller]
fn assert_complaint(futures: &str, message: &str, at: &str) {
    let Err(error) = syn::parse2::<Join>(input(futures)) else { panic!("{futures} was accepted") };
    assert!(error.to_string().contains(message), "{futures}\n  says: {error}\n  not:  {message}");
    assert_eq!(error.span().source_text().unwrap_or_default(), at, "{futures}\n  says: {error}");
}

fn expansion(until: Until, futures: &str) -> String {
    let expansion = expand(until, input(futures));
    syn::parse2::<syn::Expr>(expansion.clone()).unwrap_or_else(|error| panic!("{error} in {expansion}"));
    expansion.to_string()
}

#[test]
fn reads_futures_between_commas() {
    for (futures, count) in [("", 0), ("a", 1), ("a,", 1), ("f::<A, B>(), async { x(y, z) }, c,", 3), ("biased", 1)] {
        let join = parse(futures);
        assert_eq!(join.futures.len(), count, "{futures}");
        assert!(!join.head.biased, "{futures}");
    }
}

#[test]
fn reads_biased_before_the_futures() {
    for (futures, count) in [("biased;", 0), ("biased; a", 1), ("biased; biased, b", 2)] {
        let join = parse(futures);
        assert_eq!(join.futures.len(), count, "{futures}");
        assert!(join.head.biased, "{futures}");
    }
}

#[test]
fn says_what_stands_between_futures() {
    assert_complaint("a b", "expected `,` between the futures", "b");
    assert_complaint("a; b", "`biased;` stands before the first one", ";");
    assert_complaint("x = a => b", "without pattern and handler", "=");
    assert_complaint("a, , b", "expected", ",");
}

#[test]
fn nothing_to_join_is_done_at_once() {
    assert_eq!(expansion(Until::AllAreDone, ""), "()");
    assert_eq!(expansion(Until::AllAreDone, "biased;"), "()");
    assert_eq!(expansion(Until::OneFails, ""), ":: core :: result :: Result :: Ok (())");
}

#[test]
fn only_a_rotating_join_remembers_whose_turn_it_is() {
    for until in [Until::AllAreDone, Until::OneFails] {
        assert!(expansion(until, "a, b").contains("let mut first = 0u32"));
        assert!(!expansion(until, "biased; a, b").contains("first"));
    }
}

#[test]
fn an_error_becomes_a_compile_error() {
    let expansion = expand(Until::OneFails, input("a b"));
    assert!(expansion.to_string().starts_with(":: core :: compile_error !"), "{expansion}");
}
