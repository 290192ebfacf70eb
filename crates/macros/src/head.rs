//! What stands before the branches of `select!`, `join!` and `try_join!`: the crate root, then perhaps `biased;`.
//!
//! The crate root comes from the wrapper and is always there; `biased;` is the user's.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, Result, Token, parenthesized};

/// The first tokens of a function-like macro's input.
pub(crate) struct Head {
    /// The path of the crate whose `macros::support` the expansion uses.
    pub(crate) root: TokenStream,
    /// Whether the branches are polled from the first to the last.
    pub(crate) biased: bool,
}

impl Parse for Head {
    fn parse(input: ParseStream) -> Result<Self> {
        let root;
        parenthesized!(root in input);
        Ok(Head { root: root.parse()?, biased: parse_biased(input)? })
    }
}

fn parse_biased(input: ParseStream) -> Result<bool> {
    if !peek_word(input, "biased") || !input.peek2(Token![;]) {
        return Ok(false);
    }
    input.parse::<Ident>()?;
    input.parse::<Token![;]>()?;
    Ok(true)
}

/// Whether the next token is the identifier `word`.
pub(crate) fn peek_word(input: ParseStream, word: &str) -> bool {
    input.fork().parse::<Ident>().is_ok_and(|ident| ident == word)
}

/// An error at the next token; where the input has ended, at `before`, which is the last thing that was right.
pub(crate) fn wrong_after(before: &impl ToTokens, input: ParseStream, message: &str) -> Error {
    if input.is_empty() { Error::new_spanned(before, message) } else { input.error(message) }
}
