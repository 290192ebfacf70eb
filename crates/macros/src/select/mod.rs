//! `select!`: waits on several futures at once and continues with the handler of the first that matches its pattern.
//!
//! 1. All conditions are evaluated, then all async expressions, each once and in the order written, outside the poll
//!    function: they may use `.await`, `?`, `return`.
//! 2. The futures are fields of one tuple on the stack of the caller. It is borrowed once, then never moved, and dropped
//!    before a handler runs; so handlers may borrow what the futures borrowed.
//! 3. Bit *i* of `disabled` is set when the condition of branch *i* was false or when its value did not match. A future
//!    whose bit is set is not polled again.
//! 4. Handlers are the arms of one `match` in the caller's own function: `break` and `return` mean there what they say.
//! 5. Every poll first asks for budget: a `select!` in a loop whose branches are always ready still yields.
//!
//! The grammar is in [`parse`], the pattern test of rule 3 in [`probe`].

mod parse;
mod probe;
#[cfg(test)]
mod tests;

use crate::expansion::{in_turns, own, own_at, pinned};
use parse::{Branch, Select};
use probe::Probe;
use proc_macro2::{Literal, Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::Ident;

/// Expands `(crate root) branches`.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    syn::parse2::<Select>(input).map_or_else(syn::Error::into_compile_error, Select::into_tokens)
}

impl Select {
    fn into_tokens(self) -> TokenStream {
        if self.branches.is_empty() {
            let otherwise = self.otherwise;
            return own! { match () { () => #otherwise } };
        }
        let output_enum = self.output_enum();
        let disabled = self.disabled();
        let futures = self.futures();
        let poll = self.poll();
        let arms = self.arms();
        // In braces the output becomes a temporary, from which a pattern can borrow mutably.
        own! {{
            #output_enum
            let output = {
                #disabled
                #futures
                ::core::future::poll_fn(move |cx| #poll).await
            };
            match { output } { #arms }
        }}
    }

    /// One variant for each branch. The name must be one that nobody has: unlike variables, items of a macro are seen
    /// by the user's code around them.
    fn output_enum(&self) -> TokenStream {
        let variants = self.each(|index, _| variant(index));
        let types = self.each(|index, _| format_ident!("T{index}", span = Span::mixed_site()));
        own! {
            enum __UnstuckSelect<#(#types),*> {
                #(#variants(#types),)*
                AllDisabled,
            }
        }
    }

    /// Evaluates the conditions.
    fn disabled(&self) -> TokenStream {
        let mask = self.mask();
        let conditions = self.branches.iter().enumerate().filter_map(|(index, branch)| {
            let condition = branch.condition.as_ref()?;
            let bit = self.bit(index);
            Some(own! {
                let enabled: ::core::primitive::bool = #condition;
                if !enabled {
                    disabled |= #bit;
                }
            })
        });
        own! {
            let mut disabled: ::core::primitive::#mask = 0;
            #(#conditions)*
        }
    }

    /// Evaluates the async expressions. Each has a `let` of its own, which keeps temporaries such as that of
    /// `&mut ready(())` alive until the futures are dropped. Parentheses around an expression are the user's taste.
    fn futures(&self) -> TokenStream {
        let names = self.each(|index, branch| format_ident!("future{index}", span = own_at(&branch.future)));
        let expressions = self.each(|_, branch| branch.future.clone());
        let into_futures = self.each(|index, branch| {
            let name = &names[index];
            quote_spanned! { own_at(&branch.future) => ::core::future::IntoFuture::into_future(#name) }
        });
        own! {
            #(#[allow(unused_parens)] let #names = #expressions;)*
            let mut futures = (#(#into_futures,)*);
            let futures = &mut futures;
        }
    }

    /// The body of the poll function.
    fn poll(&self) -> TokenStream {
        let root = &self.head.root;
        let polls = self.each(|index, branch| self.poll_branch(index, branch));
        let polls = if self.head.biased || polls.len() == 1 {
            own! { #(#polls)* }
        } else {
            let count = Literal::u32_suffixed(polls.len() as u32);
            let polls = in_turns(polls);
            own! {
                let mut turn = #root::macros::support::thread_rng_n(#count);
                #polls
            }
        };
        own! {{
            if #root::macros::support::poll_budget_available(cx).is_pending() {
                return ::core::task::Poll::Pending;
            }
            let mut waiting = false;
            #polls
            if waiting {
                ::core::task::Poll::Pending
            } else {
                ::core::task::Poll::Ready(__UnstuckSelect::AllDisabled)
            }
        }}
    }

    fn poll_branch(&self, index: usize, branch: &Branch) -> TokenStream {
        let bit = self.bit(index);
        // SAFETY (of the expansion): rule 2.
        let future = pinned(index, own_at(&branch.future));
        let variant = variant(index);
        let (probed, probe) = match Probe::of(&branch.pattern) {
            Probe::ByReference(pattern) => (own! { &value }, pattern),
            Probe::InPlace(pattern) => (own! { value }, pattern),
        };
        // Where the type of the output is left open, as that of a future that only panics, `break` makes the compiler
        // fall back to one.
        own! {
            #[allow(unreachable_code, unused_variables)]
            'branch: {
                if disabled & #bit != 0 {
                    break 'branch;
                }
                let value = match ::core::future::Future::poll(#future, cx) {
                    ::core::task::Poll::Ready(value) => value,
                    ::core::task::Poll::Pending => {
                        waiting = true;
                        break 'branch;
                    }
                };
                match #probed {
                    #probe => return ::core::task::Poll::Ready(__UnstuckSelect::#variant(value)),
                    _ => disabled |= #bit,
                }
            }
        }
    }

    /// The handlers. The last arm is for patterns that can fail: the probe has made sure that they do not.
    fn arms(&self) -> TokenStream {
        let arms = self.each(|index, branch| {
            let variant = variant(index);
            let (pattern, handler) = (&branch.pattern, &branch.handler);
            own! { __UnstuckSelect::#variant(#pattern) => #handler, }
        });
        let otherwise = match &self.otherwise {
            Some(otherwise) => otherwise.clone(),
            None => own! { ::core::panic!("all branches are disabled and there is no else branch") },
        };
        own! {
            #(#arms)*
            __UnstuckSelect::AllDisabled => #otherwise,
            _ => ::core::unreachable!("the value matched before"),
        }
    }

    fn each<T>(&self, make: impl Fn(usize, &Branch) -> T) -> Vec<T> {
        self.branches.iter().enumerate().map(|(index, branch)| make(index, branch)).collect()
    }

    /// The narrowest type with a bit for each branch: it is part of the caller's future.
    fn mask(&self) -> Ident {
        let name = match self.branches.len() {
            0..=8 => "u8",
            9..=16 => "u16",
            17..=32 => "u32",
            _ => "u64",
        };
        Ident::new(name, Span::mixed_site())
    }

    fn bit(&self, index: usize) -> Literal {
        let bit = 1u64 << index;
        match self.branches.len() {
            0..=8 => Literal::u8_suffixed(bit as u8),
            9..=16 => Literal::u16_suffixed(bit as u16),
            17..=32 => Literal::u32_suffixed(bit as u32),
            _ => Literal::u64_suffixed(bit),
        }
    }
}

fn variant(index: usize) -> Ident {
    format_ident!("Branch{index}", span = Span::mixed_site())
}
