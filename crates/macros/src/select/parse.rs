//! The grammar of `select!`, and what is said to those who leave it.
//!
//! ```text
//! select := ( "biased" ";" )? branch* else?
//! branch := pattern "=" expression ( "," "if" expression )? "=>" handler
//! else   := "else" "=>" handler
//! handler := block ","? | expression "," | expression <end>
//! ```
//!
//! A handler that begins with a brace ends with its brace, as in Tokio, and what is between its braces is not parsed.

use crate::head::{Head, peek_word, wrong_after};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Expr, Pat, Result, Token, token};

/// One bit of a `u64` for each branch.
const MAX_BRANCHES: usize = 64;

/// The input of `select!`.
pub(super) struct Select {
    pub(super) head: Head,
    pub(super) branches: Vec<Branch>,
    pub(super) otherwise: Option<TokenStream>,
}

/// `pattern = future, if condition => handler`
pub(super) struct Branch {
    pub(super) pattern: Pat,
    pub(super) future: Expr,
    pub(super) condition: Option<Expr>,
    pub(super) handler: TokenStream,
}

impl Parse for Select {
    fn parse(input: ParseStream) -> Result<Self> {
        let head = input.parse()?;
        let mut branches = Vec::new();
        while !input.is_empty() && !input.peek(Token![else]) {
            if branches.len() == MAX_BRANCHES {
                return Err(input.error("`select!` takes at most 64 branches: move some into a `select!` of their own"));
            }
            branches.push(input.parse()?);
        }
        let otherwise = if input.is_empty() { None } else { Some(parse_else(input)?) };
        if branches.is_empty() && otherwise.is_none() {
            return Err(Error::new(input.span(), "`select!` needs a branch: write `pattern = future => handler`"));
        }
        Ok(Select { head, branches, otherwise })
    }
}

impl Parse for Branch {
    fn parse(input: ParseStream) -> Result<Self> {
        let pattern = parse_pattern(input)?;
        let future = parse_future(input)?;
        let condition = parse_condition(&future, input)?;
        match &condition {
            Some(condition) => parse_arrow(condition, input)?,
            None => parse_arrow(&future, input)?,
        }
        Ok(Branch { pattern, future, condition, handler: parse_handler(input)? })
    }
}

/// `pattern =`
fn parse_pattern(input: ParseStream) -> Result<Pat> {
    if input.peek(Token![#]) {
        return Err(input.error("a branch of `select!` takes no attributes"));
    }
    if peek_word(input, "biased") && (input.peek2(Token![;]) || input.peek2(Token![,])) {
        return Err(input.error("write `biased;`, once, before the first branch"));
    }
    let is_else = peek_word(input, "default") || peek_word(input, "complete");
    if is_else && input.peek2(Token![=>]) {
        return Err(input.error("`select!` has no such branch: when all others are disabled, `else => handler` runs"));
    }
    let pattern = Pat::parse_multi_with_leading_vert(input)?;
    if input.peek(Token![if]) {
        return Err(input.error("a condition stands behind the future: `pattern = future, if condition => handler`"));
    }
    if !input.peek(Token![=]) || input.peek(Token![=>]) || input.peek(Token![==]) {
        let message =
            "expected `=`: a branch is `pattern = future => handler`, and `_ = future => handler` ignores the value";
        return Err(wrong_after(&pattern, input, message));
    }
    input.parse::<Token![=]>()?;
    if input.is_empty() || input.peek(Token![=>]) {
        return Err(wrong_after(&pattern, input, "expected a future: a branch is `pattern = future => handler`"));
    }
    Ok(pattern)
}

fn parse_future(input: ParseStream) -> Result<Expr> {
    let future = input.parse()?;
    if input.peek(Token![if]) {
        return Err(input.error("expected `,` before `if`: `pattern = future, if condition => handler`"));
    }
    Ok(future)
}

/// `, if condition`
fn parse_condition(future: &Expr, input: ParseStream) -> Result<Option<Expr>> {
    if !input.peek(Token![,]) {
        return Ok(None);
    }
    if !input.peek2(Token![if]) {
        let message = "expected `=> handler`, or `, if condition => handler`, after this future";
        return Err(Error::new_spanned(future, message));
    }
    input.parse::<Token![,]>()?;
    let if_token: Token![if] = input.parse()?;
    if input.peek(Token![let]) {
        return Err(input.error("a condition cannot bind: match in the pattern before `=`, or test with `matches!`"));
    }
    if input.is_empty() || input.peek(Token![=>]) {
        return Err(wrong_after(&if_token, input, "expected a condition of type `bool`"));
    }
    Ok(Some(input.parse()?))
}

fn parse_arrow(before: &impl ToTokens, input: ParseStream) -> Result<()> {
    if !input.peek(Token![=>]) {
        return Err(wrong_after(before, input, "expected `=>` and a handler: `pattern = future => handler`"));
    }
    let arrow: Token![=>] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(wrong_after(&arrow, input, "expected a handler after `=>`: write `{}` to do nothing"));
    }
    Ok(())
}

fn parse_handler(input: ParseStream) -> Result<TokenStream> {
    if input.peek(token::Brace) {
        let block: TokenTree = input.parse()?;
        if input.peek(Token![.]) || input.peek(Token![?]) {
            return Err(input.error("a handler ends with its closing brace: put all of it between braces"));
        }
        input.parse::<Option<Token![,]>>()?;
        return Ok(block.into());
    }
    let handler: Expr = input.parse()?;
    if !input.is_empty() && !input.peek(Token![,]) {
        return Err(input.error("expected `,` before this: only a handler in braces needs none after it"));
    }
    input.parse::<Option<Token![,]>>()?;
    Ok(handler.into_token_stream())
}

/// `else => handler`, with nothing behind it.
fn parse_else(input: ParseStream) -> Result<TokenStream> {
    let else_token: Token![else] = input.parse()?;
    if input.peek(Token![if]) {
        return Err(input.error("`else` takes no condition: it runs when all branches are disabled"));
    }
    if !input.peek(Token![=>]) {
        return Err(wrong_after(&else_token, input, "expected `=>`: write `else => handler`"));
    }
    parse_arrow(&else_token, input)?;
    let handler = parse_handler(input)?;
    if !input.is_empty() {
        return Err(Error::new_spanned(else_token, "`else` must be the last branch: move it behind the others"));
    }
    Ok(handler)
}
