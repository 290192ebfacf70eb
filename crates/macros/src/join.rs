//! `join!` and `try_join!`: run several futures at once, in one task, until all are done or the first one fails.
//!
//! 1. The async expressions are evaluated once, in the order written, outside the poll function.
//! 2. The futures and their outputs live in one tuple of `MaybeDone` on the stack of the caller. It is borrowed once and
//!    then never moved.
//! 3. Each poll begins with another future than the one before, so that none uses up the task's budget every time;
//!    `biased;` keeps the order written.

#[cfg(test)]
mod tests;

use crate::expansion::{in_turns, own, own_at, pinned};
use crate::head::Head;
use proc_macro2::{Literal, TokenStream};
use quote::quote_spanned;
use syn::parse::{Parse, ParseStream};
use syn::{Expr, Result, Token};

/// When the macro stops waiting: what makes `join!` and `try_join!` different.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// `join!`
    AllAreDone,
    /// `try_join!`
    OneFails,
}

/// Expands `(crate root) futures`.
pub(crate) fn expand(until: Until, input: TokenStream) -> TokenStream {
    match syn::parse2::<Join>(input) {
        Ok(join) => join.into_tokens(until),
        Err(error) => error.into_compile_error(),
    }
}

/// The input of `join!` and `try_join!`.
struct Join {
    head: Head,
    futures: Vec<Expr>,
}

impl Parse for Join {
    fn parse(input: ParseStream) -> Result<Self> {
        let head = input.parse()?;
        let mut futures = Vec::new();
        while !input.is_empty() {
            let future: Expr = input.parse()?;
            if !input.is_empty() && !input.peek(Token![,]) {
                return Err(input.error(message_after_future(input)));
            }
            input.parse::<Option<Token![,]>>()?;
            futures.push(future);
        }
        Ok(Join { head, futures })
    }
}

fn message_after_future(input: ParseStream) -> &'static str {
    if input.peek(Token![;]) {
        "expected `,` between the futures; `biased;` stands before the first one"
    } else if input.peek(Token![=]) || input.peek(Token![=>]) {
        "expected `,`: futures are joined without pattern and handler, and their outputs returned as a tuple"
    } else {
        "expected `,` between the futures"
    }
}

impl Join {
    fn into_tokens(self, until: Until) -> TokenStream {
        if self.futures.is_empty() {
            return match until {
                Until::AllAreDone => own! { () },
                Until::OneFails => own! { ::core::result::Result::Ok(()) },
            };
        }
        let futures = self.futures();
        let polls = self.polls(until);
        let outputs = self.outputs(until);
        // A `join!` that keeps its order has no turn to remember.
        let first = (!self.head.biased).then(|| own! { let mut first = 0u32; });
        own! {{
            #futures
            #first
            ::core::future::poll_fn(move |cx| {
                let mut waiting = false;
                #polls
                if waiting {
                    return ::core::task::Poll::Pending;
                }
                ::core::task::Poll::Ready(#outputs)
            })
            .await
        }}
    }

    /// Evaluates the async expressions.
    fn futures(&self) -> TokenStream {
        let root = &self.head.root;
        let futures = self.futures.iter().map(|future| {
            quote_spanned! { own_at(future) => #root::macros::support::maybe_done(#future) }
        });
        own! {
            #[allow(unused_parens)]
            let mut futures = (#(#futures,)*);
            let futures = &mut futures;
        }
    }

    fn polls(&self, until: Until) -> TokenStream {
        let polls: Vec<_> = (0..self.futures.len()).map(|index| self.poll_future(index, until)).collect();
        if self.head.biased {
            return own! { #(#polls)* };
        }
        let count = Literal::u32_suffixed(self.futures.len() as u32);
        let polls = in_turns(polls);
        own! {
            let mut turn = first;
            first = if first + 1u32 == #count { 0u32 } else { first + 1u32 };
            #polls
        }
    }

    /// The tuple of outputs, when all are there.
    fn outputs(&self, until: Until) -> TokenStream {
        let root = &self.head.root;
        let taken = self.futures.iter().enumerate().map(|(index, future)| {
            // SAFETY (of the expansion): rule 2.
            let future = pinned(index, own_at(future));
            match until {
                Until::AllAreDone => own! { #root::macros::support::MaybeDone::take_output(#future) },
                Until::OneFails => own! { #root::macros::support::MaybeDone::take_ok(#future) },
            }
        });
        match until {
            Until::AllAreDone => own! { (#(#taken,)*) },
            Until::OneFails => own! { ::core::result::Result::Ok((#(#taken,)*)) },
        }
    }

    fn poll_future(&self, index: usize, until: Until) -> TokenStream {
        let root = &self.head.root;
        let span = own_at(&self.futures[index]);
        // SAFETY (of the expansion): rule 2.
        let future = pinned(index, span);
        match until {
            Until::AllAreDone => quote_spanned! { span =>
                if #root::macros::support::MaybeDone::poll_done(#future, cx).is_pending() {
                    waiting = true;
                }
            },
            Until::OneFails => quote_spanned! { span =>
                match #root::macros::support::MaybeDone::poll_ok(#future, cx) {
                    ::core::task::Poll::Pending => waiting = true,
                    ::core::task::Poll::Ready(::core::result::Result::Ok(())) => {}
                    ::core::task::Poll::Ready(::core::result::Result::Err(error)) => {
                        return ::core::task::Poll::Ready(::core::result::Result::Err(error));
                    }
                }
            },
        }
    }
}
