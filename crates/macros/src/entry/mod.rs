//! `#[main]` and `#[test]`: make an async function an ordinary one that runs its body in a runtime of its own.
//!
//! ```text
//! fn name(arguments) -> Output {
//!     let body = async {
//!         if let Some(output) = None::<Output> { return output; }    // tells the compiler what the body returns
//!         { the user's body }
//!     };
//!     let runtime = Builder::new_multi_thread().enable_all().build().expect("..");
//!     runtime.block_on(body)
//! }
//! ```
//!
//! 1. The body is copied without being parsed. It may hold syntax that this crate does not know, and half-written code
//!    in an editor stays code.
//! 2. What is wrong with the arguments is reported alone: the function is still made an ordinary one, with defaults,
//!    so that the compiler has nothing to add.
//! 3. Without the dead `return`, the type of an async block is found from its first `return` or its end, and a mismatch is
//!    reported at the call of `block_on`. With it, the compiler checks the body as that of a function that declares its
//!    return type, and points at the expression that is wrong.

mod arguments;
mod function;
#[cfg(test)]
mod tests;

use crate::expansion::{own, own_at};
use arguments::{Arguments, Flavor};
use function::Function;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use std::fmt;
use syn::spanned::Spanned;
use syn::{ReturnType, Type};

/// One of the attributes, as one crate exports it.
#[derive(Clone, Copy)]
pub(crate) struct Attribute {
    kind: Kind,
    /// `unstuck` or `tokio`.
    package: &'static str,
    /// Whether the package has the flavor `multi_thread`.
    has_pool: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Main,
    Test,
}

impl Attribute {
    /// `#[package::main]`
    pub(crate) fn main_of(package: &'static str) -> Attribute {
        Attribute { kind: Kind::Main, package, has_pool: true }
    }

    /// `#[package::test]`
    pub(crate) fn test_of(package: &'static str) -> Attribute {
        Attribute { kind: Kind::Test, package, has_pool: true }
    }

    /// As a package exports it that is built without its feature `rt-multi-thread`.
    pub(crate) fn without_pool(self) -> Attribute {
        Attribute { has_pool: false, ..self }
    }

    /// As one writes it, with these arguments.
    fn with(self, arguments: &str) -> String {
        format!("#[{}::{}({arguments})]", self.package, self.kind.name())
    }

    /// Expands this attribute with `arguments` on `function`.
    pub(crate) fn expand(self, arguments: TokenStream, function: TokenStream) -> TokenStream {
        match syn::parse2::<Function>(function.clone()) {
            Ok(function) => self.expand_function(arguments, function),
            Err(error) => {
                let error = error.into_compile_error();
                quote! { #error #function }
            }
        }
    }

    fn expand_function(self, arguments: TokenStream, function: Function) -> TokenStream {
        let checked = Arguments::parse(self, arguments).and_then(|arguments| function.check(self).map(|()| arguments));
        match checked {
            Ok(arguments) => self.run_in_runtime(&arguments, &function),
            Err(error) => {
                let function = self.run_in_runtime(&Arguments::default(), &function);
                let error = error.into_compile_error();
                quote! { #error #function }
            }
        }
    }

    fn run_in_runtime(self, arguments: &Arguments, function: &Function) -> TokenStream {
        let Function { outer_attributes, inner_attributes, visibility, signature, body } = function;
        let mut signature = signature.clone();
        signature.asyncness = None;
        let test = (self.kind == Kind::Test).then(|| own! { #[::core::prelude::v1::test] });
        let output = Output::of(&signature.output, signature.ident.span());
        let returns = output.return_never_taken();
        let pinned = (self.kind == Kind::Test).then(|| output.pin_body());
        let runtime = self.runtime(arguments);
        let run = own! {
            let body = async {
                #returns
                #body
            };
            #pinned
            let runtime = #runtime;
            runtime.block_on(body)
        };
        quote! {
            #(#outer_attributes)*
            #test
            #visibility #signature {
                #(#inner_attributes)*
                #run
            }
        }
    }

    /// The expression that builds the runtime.
    fn runtime(self, arguments: &Arguments) -> TokenStream {
        let root = match &arguments.root {
            Some(path) => path.to_token_stream(),
            None => {
                let package = syn::Ident::new(self.package, Span::mixed_site());
                own! { ::#package }
            }
        };
        let builder = match arguments.flavor(self) {
            Flavor::MultiThread => own! { new_multi_thread },
            Flavor::CurrentThread | Flavor::Local => own! { new_current_thread },
        };
        let build = match arguments.flavor(self) {
            Flavor::MultiThread | Flavor::CurrentThread => own! { build() },
            Flavor::Local => own! { build_local(::core::default::Default::default()) },
        };
        let worker_threads = arguments.worker_threads.as_ref().map(|n| own! { .worker_threads(#n) });
        let start_paused = arguments.start_paused.as_ref().map(|paused| own! { .start_paused(#paused) });
        let name = arguments.name.as_ref().map(|name| own! { .name(#name) });
        let unhandled_panic = arguments.unhandled_panic.map(|behaviour| {
            let behaviour = behaviour.variant();
            own! { .unhandled_panic(#root::runtime::UnhandledPanic::#behaviour) }
        });
        own! {
            #root::runtime::Builder::#builder()
                .enable_all()
                #worker_threads
                #start_paused
                #unhandled_panic
                #name
                .#build
                .expect("Failed building the Runtime")
        }
    }
}

/// As one writes it, without arguments.
impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`#[{}::{}]`", self.package, self.kind.name())
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Main => "main",
            Kind::Test => "test",
        }
    }
}

/// What the function returns.
struct Output {
    /// None where the type cannot be named inside the function: `impl Trait`, `!`.
    named: Option<TokenStream>,
    span: Span,
}

impl Output {
    fn of(declared: &ReturnType, function_name: Span) -> Output {
        match declared {
            ReturnType::Default => Output { named: Some(own! { () }), span: function_name },
            ReturnType::Type(_, declared) => {
                let span = declared.span();
                let named = can_be_named(declared).then(|| declared.to_token_stream());
                Output { named, span }
            }
        }
    }

    /// Rule 3. Located at the type, which is what the compiler shows for "expected because of this".
    fn return_never_taken(&self) -> TokenStream {
        let named = self.named.iter();
        quote_spanned! { own_at(&self.span) =>
            #(if let ::core::option::Option::Some(output) = ::core::option::Option::None::<#named> {
                return output;
            })*
        }
    }

    /// Makes `body` a trait object: thousands of tests then share one `block_on` instead of compiling one each.
    fn pin_body(&self) -> Option<TokenStream> {
        let named = self.named.as_ref()?;
        Some(own! {
            let body: ::core::pin::Pin<&mut dyn ::core::future::Future<Output = #named>> = ::core::pin::pin!(body);
        })
    }
}

/// Whether a variable may have this type: neither `impl` nor `!` stands in it.
fn can_be_named(declared: &Type) -> bool {
    fn nameable(tokens: TokenStream) -> bool {
        tokens.into_iter().all(|token| match token {
            proc_macro2::TokenTree::Ident(ident) => ident != "impl",
            proc_macro2::TokenTree::Punct(punct) => punct.as_char() != '!',
            proc_macro2::TokenTree::Group(group) => nameable(group.stream()),
            proc_macro2::TokenTree::Literal(_) => true,
        })
    }
    nameable(declared.to_token_stream())
}
