//! What the expansions of `select!`, `join!` and `try_join!` have in common.

use proc_macro2::{Literal, Span, TokenStream};
use quote::quote_spanned;
use syn::Index;
use syn::spanned::Spanned;

/// Quotes tokens of the macro's own: see rule 2 in `lib.rs`.
macro_rules! own {
    ($($tokens:tt)*) => { ::quote::quote_spanned! { ::proc_macro2::Span::mixed_site() => $($tokens)* } };
}
pub(crate) use own;

/// The span of the macro's own tokens, shown to the user at `tokens`: where the compiler's complaint about what the macro
/// does with them must point.
pub(crate) fn own_at(tokens: &impl Spanned) -> Span {
    Span::mixed_site().located_at(tokens.span())
}

/// Runs each of `polls` once, beginning with the one whose number is in the variable `turn`, and leaves there what was
/// found there.
pub(crate) fn in_turns(polls: Vec<TokenStream>) -> TokenStream {
    let count = Literal::u32_suffixed(polls.len() as u32);
    let last = polls.len() - 1;
    let arms = polls.into_iter().enumerate().map(|(index, poll)| {
        if index == last {
            return own! { _ => { #poll } };
        }
        let turn = Literal::u32_suffixed(index as u32);
        own! { #turn => { #poll } }
    });
    own! {
        for _ in 0u32..#count {
            match turn { #(#arms)* }
            turn = if turn + 1u32 == #count { 0u32 } else { turn + 1u32 };
        }
    }
}

/// Field `index` of the tuple that `futures` borrows, pinned, with [`own_at`]'s span. The caller's expansion owes: nothing
/// moves that tuple before its drop.
pub(crate) fn pinned(index: usize, span: Span) -> TokenStream {
    let field = Index { index: index as u32, span: Span::mixed_site() };
    // SAFETY: of the code that this makes: a field is pinned by its tuple, which the caller's expansion never moves.
    quote_spanned! { span => unsafe { ::core::pin::Pin::new_unchecked(&mut futures.#field) } }
}
