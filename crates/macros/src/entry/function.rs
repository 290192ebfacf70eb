//! The function that an attribute stands on: its signature parsed, its body not.

use super::{Attribute, Kind};
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Error, Path, Result, Signature, Visibility};

/// `#[outer] pub async fn name() -> Output { #![inner] body }`
pub(super) struct Function {
    pub(super) outer_attributes: Vec<syn::Attribute>,
    pub(super) inner_attributes: Vec<syn::Attribute>,
    pub(super) visibility: Visibility,
    pub(super) signature: Signature,
    pub(super) body: Body,
}

/// The statements between the braces at `span`.
pub(super) struct Body {
    statements: TokenStream,
    span: Span,
}

impl Parse for Function {
    fn parse(input: ParseStream) -> Result<Self> {
        let outer_attributes = input.call(syn::Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        let (inner_attributes, body) = parse_body(input)?;
        Ok(Function { outer_attributes, inner_attributes, visibility, signature, body })
    }
}

/// The body's attributes apply to the function: they move out of the block, which becomes an async one.
fn parse_body(input: ParseStream) -> Result<(Vec<syn::Attribute>, Body)> {
    let error = input.error("expected a function with a body in braces");
    let braces = input.parse().ok().and_then(in_braces).ok_or(error)?;
    let split =
        |content: ParseStream| Ok((content.call(syn::Attribute::parse_inner)?, content.parse::<TokenStream>()?));
    let (attributes, statements) = split.parse2(braces.stream())?;
    Ok((attributes, Body { statements, span: braces.span() }))
}

/// The block, also where it comes through a `macro_rules!` as `$body:block`: then it stands in invisible delimiters.
fn in_braces(token: TokenTree) -> Option<Group> {
    let TokenTree::Group(group) = token else { return None };
    match group.delimiter() {
        Delimiter::Brace => Some(group),
        Delimiter::None => in_braces(group.stream().into_iter().next()?),
        Delimiter::Parenthesis | Delimiter::Bracket => None,
    }
}

/// A block, located at the user's braces but not theirs: of those the compiler would say that they are not needed.
impl ToTokens for Body {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let mut block = Group::new(Delimiter::Brace, self.statements.clone());
        block.set_span(Span::mixed_site().located_at(self.span));
        block.to_tokens(tokens);
    }
}

impl Function {
    /// Whether `attribute` may stand on this function.
    pub(super) fn check(&self, attribute: Attribute) -> Result<()> {
        let name = &self.signature.ident;
        if self.signature.asyncness.is_none() {
            let message = format!("{attribute} runs an async function: write `async fn {name}`");
            return Err(Error::new_spanned(self.signature.fn_token, message));
        }
        if attribute.kind == Kind::Main && name == "main" && !self.signature.inputs.is_empty() {
            let message = "`main` takes no arguments: read the program's with `std::env::args`";
            return Err(Error::new_spanned(&self.signature.inputs, message));
        }
        if attribute.kind == Kind::Test
            && let Some(second) = self.outer_attributes.iter().find(|other| marks_a_test(other.path()))
        {
            let message = format!("{attribute} makes this a test already: remove `{}`", written(second));
            return Err(Error::new_spanned(second, message));
        }
        Ok(())
    }
}

/// Whether this attribute would make the compiler run the function a second time.
fn marks_a_test(path: &Path) -> bool {
    let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    matches!(segments[..], ["test"] | ["core" | "std", "prelude", _, "test"] | ["tokio" | "unstuck", "test"])
}

fn written(attribute: &syn::Attribute) -> String {
    attribute.to_token_stream().to_string().replace(' ', "")
}
