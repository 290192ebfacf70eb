//! The arguments of `#[main]` and `#[test]`: `name = literal`, separated by commas, each at most once.

use super::{Attribute, Kind};
use proc_macro2::{Span, TokenStream};
use std::fmt;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Ident, Lit, LitBool, LitInt, LitStr, Path, Result, Token};

const KNOWN: &str = "`flavor`, `worker_threads`, `start_paused`, `unhandled_panic`, `name` and `crate`";

/// What the arguments ask for.
#[derive(Default)]
pub(super) struct Arguments {
    flavor: Option<Flavor>,
    pub(super) worker_threads: Option<LitInt>,
    pub(super) start_paused: Option<LitBool>,
    pub(super) unhandled_panic: Option<UnhandledPanic>,
    pub(super) name: Option<LitStr>,
    /// The crate whose runtime is built.
    pub(super) root: Option<Path>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavor {
    MultiThread,
    CurrentThread,
    Local,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum UnhandledPanic {
    Ignore,
    ShutdownRuntime,
}

impl Arguments {
    pub(super) fn parse(attribute: Attribute, tokens: TokenStream) -> Result<Arguments> {
        let settings = Setting::parse_all.parse2(tokens)?;
        let mut arguments = Arguments::default();
        for (index, setting) in settings.iter().enumerate() {
            if settings[..index].iter().any(|earlier| earlier.name == setting.name) {
                return Err(setting.error(format!("`{}` is set twice: remove one", setting.name)));
            }
            arguments.set(attribute, setting)?;
        }
        for setting in &settings {
            arguments.check(attribute, setting)?;
        }
        if !attribute.has_pool && arguments.flavor(attribute) == Flavor::MultiThread {
            return Err(missing_pool(attribute, settings.iter().find(|setting| setting.name == "flavor")));
        }
        Ok(arguments)
    }

    pub(super) fn flavor(&self, attribute: Attribute) -> Flavor {
        self.flavor.unwrap_or(match attribute.kind {
            Kind::Main => Flavor::MultiThread,
            Kind::Test => Flavor::CurrentThread,
        })
    }

    fn set(&mut self, attribute: Attribute, setting: &Setting) -> Result<()> {
        match setting.name.to_string().as_str() {
            "flavor" => self.flavor = Some(setting.flavor()?),
            "worker_threads" => self.worker_threads = Some(setting.positive()?),
            "start_paused" => self.start_paused = Some(setting.boolean()?),
            "unhandled_panic" => self.unhandled_panic = Some(setting.unhandled_panic()?),
            "name" => self.name = Some(setting.string("a name for the runtime")?),
            "crate" => self.root = Some(setting.path()?),
            "core_threads" => return Err(setting.error("`core_threads` is now called `worker_threads`")),
            name => return Err(setting.error(format!("{attribute} has no argument `{name}`: there are {KNOWN}"))),
        }
        Ok(())
    }

    /// Whether `setting` goes with the flavor.
    fn check(&self, attribute: Attribute, setting: &Setting) -> Result<()> {
        let multi_thread = self.flavor(attribute) == Flavor::MultiThread;
        let name = &setting.name;
        if name == "worker_threads" && !multi_thread {
            let example = attribute.with("flavor = \"multi_thread\", worker_threads = 2");
            return Err(setting.error(format!("`worker_threads` needs the `multi_thread` flavor: write `{example}`")));
        }
        if name == "start_paused" && multi_thread {
            let example = attribute.with("flavor = \"current_thread\", start_paused = true");
            return Err(setting.error(format!("`start_paused` needs the `current_thread` flavor: write `{example}`")));
        }
        if name == "unhandled_panic" && multi_thread {
            let example = attribute.with("flavor = \"current_thread\", unhandled_panic = \"shutdown_runtime\"");
            return Err(
                setting.error(format!("`unhandled_panic` needs the `current_thread` flavor: write `{example}`"))
            );
        }
        Ok(())
    }
}

impl UnhandledPanic {
    /// The variant of `runtime::UnhandledPanic`.
    pub(super) fn variant(self) -> Ident {
        let name = match self {
            UnhandledPanic::Ignore => "Ignore",
            UnhandledPanic::ShutdownRuntime => "ShutdownRuntime",
        };
        Ident::new(name, Span::mixed_site())
    }
}

/// `name = value`
struct Setting {
    name: Ident,
    value: Lit,
}

impl Setting {
    fn parse_all(input: ParseStream) -> Result<Vec<Setting>> {
        let mut settings = Vec::new();
        while !input.is_empty() {
            settings.push(Setting::parse(input)?);
            if !input.is_empty() && !input.peek(Token![,]) {
                return Err(input.error("expected `,` between the arguments"));
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(settings)
    }

    fn parse(input: ParseStream) -> Result<Setting> {
        let name = Ident::parse_any(input).map_err(|_| input.error(format!("expected one of {KNOWN}")))?;
        if !input.peek(Token![=]) {
            return Err(Error::new(name.span(), without_value(&name)));
        }
        input.parse::<Token![=]>()?;
        if !input.peek(Lit) {
            let message = format!("expected a literal after `{name} =`");
            return Err(if input.is_empty() { Error::new(name.span(), message) } else { input.error(message) });
        }
        Ok(Setting { name, value: input.parse()? })
    }

    fn error(&self, message: impl fmt::Display) -> Error {
        Error::new(self.name.span(), message)
    }

    fn value_error(&self, message: impl fmt::Display) -> Error {
        Error::new(self.value.span(), message)
    }

    fn string(&self, what: &str) -> Result<LitStr> {
        match &self.value {
            Lit::Str(string) => Ok(string.clone()),
            _ => Err(self.value_error(format!("`{}` takes {what}, in double quotes", self.name))),
        }
    }

    fn boolean(&self) -> Result<LitBool> {
        match &self.value {
            Lit::Bool(boolean) => Ok(boolean.clone()),
            _ => Err(self.value_error(format!("`{}` takes `true` or `false`", self.name))),
        }
    }

    fn positive(&self) -> Result<LitInt> {
        match &self.value {
            Lit::Int(number) if number.base10_parse::<usize>().is_ok_and(|n| n > 0) => Ok(number.clone()),
            _ => Err(self.value_error(format!("`{}` takes a whole number, at least 1", self.name))),
        }
    }

    fn path(&self) -> Result<Path> {
        let string = self.string("the path of a crate")?;
        string
            .parse_with(Path::parse_mod_style)
            .map_err(|_| self.value_error("`crate` takes the path of a crate, such as `\"my_crate::runtime\"`"))
    }

    fn flavor(&self) -> Result<Flavor> {
        let flavors = "the flavors are `multi_thread`, `current_thread` and `local`";
        match self.string("a flavor")?.value().as_str() {
            "multi_thread" => Ok(Flavor::MultiThread),
            "current_thread" => Ok(Flavor::CurrentThread),
            "local" => Ok(Flavor::Local),
            "threaded_scheduler" => Err(self.value_error("`threaded_scheduler` is now called `multi_thread`")),
            "basic_scheduler" | "single_thread" => {
                Err(self.value_error("the flavor with one thread is called `current_thread`"))
            }
            other => Err(self.value_error(format!("there is no flavor `{other}`: {flavors}"))),
        }
    }

    fn unhandled_panic(&self) -> Result<UnhandledPanic> {
        match self.string("a behaviour")?.value().as_str() {
            "ignore" => Ok(UnhandledPanic::Ignore),
            "shutdown_runtime" => Ok(UnhandledPanic::ShutdownRuntime),
            other => Err(self.value_error(format!(
                "there is no behaviour `{other}` on unhandled panics: there are `ignore` and `shutdown_runtime`"
            ))),
        }
    }
}

/// What to tell somebody who wants the flavor `multi_thread`, by name or by default, of a package without it.
fn missing_pool(attribute: Attribute, flavor: Option<&Setting>) -> Error {
    let cure = format!("enable it, or write `{}`", attribute.with("flavor = \"current_thread\""));
    match flavor {
        Some(setting) => setting
            .value_error(format!("The runtime flavor `multi_thread` requires the `rt-multi-thread` feature: {cure}")),
        None => Error::new(
            Span::call_site(),
            format!(
                "The default runtime flavor is `multi_thread`, but the `rt-multi-thread` feature is disabled: {cure}"
            ),
        ),
    }
}

/// What to tell somebody who wrote a name without value: a beginner, or a user of an old version.
fn without_value(name: &Ident) -> String {
    match name.to_string().as_str() {
        "multi_thread" | "current_thread" | "local" => format!("write `flavor = \"{name}\"`"),
        "threaded_scheduler" => "write `flavor = \"multi_thread\"`".into(),
        "basic_scheduler" | "single_thread" => "write `flavor = \"current_thread\"`".into(),
        "flavor" | "unhandled_panic" | "name" | "crate" => format!("`{name}` needs a value: write `{name} = \"..\"`"),
        "worker_threads" => "`worker_threads` needs a value: write `worker_threads = 2`".into(),
        "start_paused" => "`start_paused` needs a value: write `start_paused = true`".into(),
        _ => format!("expected `name = value`, and the names are {KNOWN}"),
    }
}
