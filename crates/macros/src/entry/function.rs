//! The function that an attribute stands on: its signature parsed, its body not.

use super::{Attribute, Kind};
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
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

/// What stands between the braces at `span`.
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
    let Ok(TokenTree::Group(group)) = input.parse() else { return Err(error) };
    match group.delimiter() {
        // The body comes through a `macro_rules!` as `$body:block`: no attributes can stand in it.
        Delimiter::None => {
            Ok((Vec::new(), Body { span: group.span(), statements: group.into_token_stream() }))
        }
        Delimiter::Brace => {
            let split = |content: ParseStream| {
                Ok((content.call(syn::Attribute::parse_inner)?, content.parse::<TokenStream>()?))
            };
            let (attributes, statements) = split.parse2(group.stream())?;
            Ok((attributes, Body { statements, span: group.span() }))
        }
        Delimiter::Parenthesis | Delimiter::Bracket => Err(error),
    }
}

impl Body {
    /// The body in its braces, behind `first`.
    pub(super) fn after(&self, first: &TokenStream) -> Group {
        let statements = &self.statements;
        // No block around the statements alone: the compiler would say that its braces are not needed.
        let mut block = Group::new(Delimiter::Brace, quote! { #first #statements });
        block.set_span(self.span);
        block
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
