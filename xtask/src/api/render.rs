//! Types and signatures as text, in two forms: as they are written, and as they are compared.
//!
//! 1. Compared, generics are numbered, lifetimes but `'static` and the names of arguments are left out, bounds are sorted,
//!    and `-> impl Future<Output = T>` reads `async -> T`: what is left is what a caller can tell.
//! 2. A type of a crate that the walk went through is called as a user calls it; one that no user can name reads `~`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use serde_json::Value;

use super::crates::{Crate, kind, list};
use super::walk::{Walk, foreign_name};

/// Which of the two forms.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Written,
    Compared,
}

/// Renders one item.
pub(super) struct Render<'a> {
    walk: &'a Walk<'a>,
    krate: Rc<Crate>,
    form: Form,
    /// What each generic is called, by its name in the source.
    names: RefCell<HashMap<String, String>>,
    /// What `Self` is, inside an impl.
    own: RefCell<Option<String>>,
}

impl<'a> Render<'a> {
    pub(super) fn new(walk: &'a Walk<'a>, krate: &Rc<Crate>, form: Form) -> Render<'a> {
        let (names, own) = Default::default();
        Render { walk, krate: Rc::clone(krate), form, names, own }
    }

    /// From now on `Self` reads like this.
    pub(super) fn set_self(&self, own: &str) {
        *self.own.borrow_mut() = Some(own.to_owned());
    }

    fn compared(&self) -> bool {
        self.form == Form::Compared
    }

    fn rename(&self, name: &str) -> String {
        if !self.compared() {
            return name.to_owned();
        }
        if name == "Self" {
            return self.own.borrow().clone().unwrap_or_else(|| name.to_owned());
        }
        let mut names = self.names.borrow_mut();
        let next = format!("${}", names.len());
        names.entry(name.to_owned()).or_insert(next).clone()
    }

    /// A lifetime as text, empty when it says nothing.
    fn life(&self, name: &Value) -> String {
        match name.as_str() {
            Some("'static") => "'static".to_owned(),
            None | Some("'_") => String::new(),
            Some(_) if self.compared() => String::new(),
            Some(name) => name.to_owned(),
        }
    }

    pub(super) fn ty(&self, ty: &Value) -> String {
        let Some((kind, data)) = ty.as_object().and_then(|object| object.iter().next()) else { return "_".to_owned() };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match kind.as_str() {
            "resolved_path" => self.path(data),
            "generic" => self.rename(data.as_str().unwrap_or_default()),
            "primitive" if data == "never" => "!".to_owned(),
            "primitive" => text(data),
            "tuple" => {
                let types: Vec<_> = list(data).map(|ty| self.ty(ty)).collect();
                format!("({}{})", types.join(", "), if types.len() == 1 { "," } else { "" })
            }
            "slice" => format!("[{}]", self.ty(data)),
            "array" => format!("[{}; {}]", self.ty(&data["type"]), text(&data["len"])),
            "borrowed_ref" => {
                let life = self.life(&data["lifetime"]);
                let space = if life.is_empty() { "" } else { " " };
                let mutable = if data["is_mutable"] == true { "mut " } else { "" };
                format!("&{life}{space}{mutable}{}", self.ty(&data["type"]))
            }
            "raw_pointer" => {
                let word = if data["is_mutable"] == true { "mut" } else { "const" };
                format!("*{word} {}", self.ty(&data["type"]))
            }
            "impl_trait" => format!("impl {}", self.bounds(data)),
            "dyn_trait" => {
                let mut traits: Vec<_> = list(&data["traits"]).map(|bound| self.poly(bound)).collect();
                traits.sort();
                traits.extend(Some(self.life(&data["lifetime"])).filter(|life| !life.is_empty()));
                format!("dyn {}", traits.join(" + "))
            }
            "qualified_path" => {
                let own = self.ty(&data["self_type"]);
                let own = match data["trait"]["path"].as_str() {
                    None | Some("") => own,
                    Some(_) => format!("<{own} as {}>", self.path(&data["trait"])),
                };
                format!("{own}::{}{}", text(&data["name"]), self.arguments(&data["args"]))
            }
            "function_pointer" => {
                format!("{}fn{}", self.higher_ranked(&data["generic_params"]), self.call(&data["sig"]))
            }
            other => format!("{other}:{data}"),
        }
    }

    fn call(&self, signature: &Value) -> String {
        let inputs: Vec<_> = list(&signature["inputs"]).map(|input| self.ty(&input[1])).collect();
        let output = Some(&signature["output"]).filter(|output| !output.is_null());
        let output = output.map_or(String::new(), |output| format!(" -> {}", self.ty(output)));
        format!("({}){output}", inputs.join(", "))
    }

    /// A path with its arguments: rule 2.
    pub(super) fn path(&self, path: &Value) -> String {
        let arguments = self.arguments(&path["args"]);
        let Some(ident) = self.krate.ident(&path["id"]) else { return text_of(&path["path"]) + &arguments };
        let parts: Vec<_> = ident.path.iter().map(String::as_str).collect();
        if self.compared() && matches!(parts[..], ["std" | "core", "io", "error", "Result"]) {
            return format!("Result<{}, std::io::Error>", arguments.trim_start_matches('<').trim_end_matches('>'));
        }
        if self.compared() && matches!(parts[..], ["std" | "core", "fmt", "Result"]) {
            return "Result<(), std::fmt::Error>".to_owned();
        }
        if let Some(name) = self.walk.names.get(&ident) {
            return name.clone() + &arguments;
        }
        let home = match self.krate.is_foreign(&path["id"]) {
            false => Some(Rc::clone(&self.krate)),
            true if self.walk.crates.ours.contains(&ident.path[0]) => self.walk.crates.load(&ident.path[0]),
            true => None,
        };
        let Some(home) = home else { return foreign_name(&ident.path) + &arguments };
        let item = home.find(&ident).and_then(|id| home.any_item(id));
        match item.map(kind) {
            Some(("type_alias", alias)) if self.compared() => self.alias(&home, alias, path),
            _ if self.compared() => "~".to_owned(),
            _ => format!("{}{arguments}", ident.path.last().map_or("", String::as_str)),
        }
    }

    /// What an alias that no user can name stands for.
    fn alias(&self, home: &Rc<Crate>, alias: &Value, path: &Value) -> String {
        let inside = Render::new(self.walk, home, self.form);
        let values = list(&path["args"]["angle_bracketed"]["args"]).filter_map(|value| value.get("type"));
        for (parameter, value) in list(&alias["generics"]["params"]).zip(values) {
            inside.names.borrow_mut().insert(text_of(&parameter["name"]), self.ty(value));
        }
        inside.ty(&alias["type"])
    }

    fn arguments(&self, arguments: &Value) -> String {
        if let Some(call) = arguments.get("parenthesized") {
            let inputs: Vec<_> = list(&call["inputs"]).map(|ty| self.ty(ty)).collect();
            let output = Some(&call["output"]).filter(|output| !output.is_null());
            let output = output.map_or(String::new(), |output| format!(" -> {}", self.ty(output)));
            return format!("({}){output}", inputs.join(", "));
        }
        let Some(arguments) = arguments.get("angle_bracketed") else { return String::new() };
        let argument = |argument: &Value| match argument {
            _ if argument.get("lifetime").is_some() => self.life(&argument["lifetime"]),
            _ if argument.get("type").is_some() => self.ty(&argument["type"]),
            _ if argument.get("const").is_some() => text_of(&argument["const"]["expr"]),
            _ => "_".to_owned(),
        };
        let constraint = |constraint: &Value| {
            let (name, binding) = (text_of(&constraint["name"]), &constraint["binding"]);
            match binding.get("equality") {
                Some(equal) if equal.get("type").is_some() => format!("{name} = {}", self.ty(&equal["type"])),
                Some(equal) => format!("{name} = {}", text_of(&equal["constant"]["expr"])),
                None => format!("{name}: {}", self.bounds(&binding["constraint"])),
            }
        };
        let all = list(&arguments["args"]).map(argument).chain(list(&arguments["constraints"]).map(constraint));
        bracketed(all)
    }

    fn poly(&self, bound: &Value) -> String {
        self.higher_ranked(&bound["generic_params"]) + &self.path(&bound["trait"])
    }

    fn higher_ranked(&self, parameters: &Value) -> String {
        let lives: Vec<_> = list(parameters).map(|parameter| self.life(&parameter["name"])).collect();
        let lives: Vec<_> = lives.into_iter().filter(|life| !life.is_empty()).collect();
        if lives.is_empty() { String::new() } else { format!("for<{}> ", lives.join(", ")) }
    }

    pub(super) fn bounds(&self, bounds: &Value) -> String {
        self.bound_set(bounds).into_iter().collect::<Vec<_>>().join(" + ")
    }

    fn bound_set(&self, bounds: &Value) -> BTreeSet<String> {
        let bound = |bound: &Value| match bound.get("trait_bound") {
            Some(bound) if bound["modifier"] == "maybe" => format!("?{}", self.poly(bound)),
            Some(bound) => self.poly(bound),
            None => self.life(&bound["outlives"]),
        };
        list(bounds).map(bound).filter(|bound| !bound.is_empty()).collect()
    }

    /// The parameters in angle brackets, without their bounds.
    pub(super) fn parameters(&self, generics: &Value) -> String {
        let parameter = |parameter: &Value| {
            let kind = &parameter["kind"];
            let name = || self.rename(&text_of(&parameter["name"]));
            if kind.get("lifetime").is_some() {
                return self.life(&parameter["name"]);
            }
            if let Some(constant) = kind.get("const") {
                return format!("const {}: {}", name(), self.ty(&constant["type"]));
            }
            match &kind["type"]["default"] {
                _ if kind["type"]["is_synthetic"] == true => String::new(),
                Value::Null => name(),
                default => format!("{} = {}", name(), self.ty(default)),
            }
        };
        bracketed(list(&generics["params"]).map(parameter))
    }

    /// All bounds, wherever they are written, as one `where`.
    pub(super) fn conditions(&self, generics: &[&Value]) -> String {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for generics in generics {
            for parameter in list(&generics["params"]) {
                let kind = &parameter["kind"];
                if let Some(lifetime) = kind.get("lifetime") {
                    let lives = list(&lifetime["outlives"]).map(|life| self.life(life));
                    all.entry(self.life(&parameter["name"])).or_default().extend(lives);
                } else if kind["type"]["is_synthetic"] == false && kind["type"]["bounds"] != Value::Array(Vec::new()) {
                    let name = self.rename(&text_of(&parameter["name"]));
                    all.entry(name).or_default().extend(self.bound_set(&kind["type"]["bounds"]));
                }
            }
            for condition in list(&generics["where_predicates"]) {
                if let Some(bound) = condition.get("bound_predicate") {
                    let name = self.higher_ranked(&bound["generic_params"]) + &self.ty(&bound["type"]);
                    all.entry(name).or_default().extend(self.bound_set(&bound["bounds"]));
                } else if let Some(lifetime) = condition.get("lifetime_predicate") {
                    let lives = list(&lifetime["outlives"]).map(|life| self.life(life));
                    all.entry(self.life(&lifetime["lifetime"])).or_default().extend(lives);
                }
            }
        }
        let lines = all.into_iter().filter_map(|(name, mut bounds)| {
            bounds.remove("");
            if bounds.contains("Sized") && bounds.remove("?Sized") {
                bounds.remove("Sized");
            }
            let bounds: Vec<_> = bounds.into_iter().collect();
            (!name.is_empty() && !bounds.is_empty()).then(|| format!("{name}: {}", bounds.join(" + ")))
        });
        let lines: Vec<_> = lines.collect();
        if lines.is_empty() { String::new() } else { format!(" where {}", lines.join(", ")) }
    }

    /// A function that is reached at `path`, with the generics of its impl.
    pub(super) fn function(&self, data: &Value, path: &str, around: Option<&Value>) -> String {
        let (header, mut output) = (&data["header"], &data["sig"]["output"]);
        let mut is_async = header["is_async"] == true;
        if let Some(value) = Some(output).filter(|_| self.compared()).and_then(future_output) {
            (is_async, output) = (true, value);
        }
        let parameters = self.parameters(&data["generics"]);
        let inputs: Vec<_> = list(&data["sig"]["inputs"]).map(|input| self.input(input)).collect();
        let mut words = String::new();
        for (is, word) in
            [(header["is_const"] == true, "const "), (is_async, "async "), (header["is_unsafe"] == true, "unsafe ")]
        {
            words += if is { word } else { "" };
        }
        if header["abi"] != "Rust" {
            words += &format!("extern {} ", header["abi"]);
        }
        let unit = output.is_null() || *output == serde_json::json!({ "tuple": [] });
        let output = if unit { String::new() } else { format!(" -> {}", self.ty(output)) };
        let generics: Vec<_> = around.into_iter().chain([&data["generics"]]).collect();
        format!("{words}fn {path}{parameters}({}){output}{}", inputs.join(", "), self.conditions(&generics))
    }

    fn input(&self, input: &Value) -> String {
        let (name, text) = (text_of(&input[0]), self.ty(&input[1]));
        let own = self.rename("Self");
        match (name.as_str(), text.strip_suffix(&own)) {
            ("self", Some("")) => "self".to_owned(),
            ("self", Some(start)) if start.starts_with('&') => format!("{start}self"),
            ("self", _) => format!("self: {text}"),
            _ if self.compared() => text,
            _ => format!("{name}: {text}"),
        }
    }
}

/// The type `T` of an `impl Future<Output = T>`.
pub(super) fn future_output(output: &Value) -> Option<&Value> {
    let future =
        list(output.get("impl_trait")?).filter_map(|bound| bound.get("trait_bound")).map(|bound| &bound["trait"]);
    let mut future = future.filter(|bound| text_of(&bound["path"]).rsplit("::").next() == Some("Future"));
    future.next()?["args"]["angle_bracketed"]["constraints"][0]["binding"]["equality"].get("type")
}

fn bracketed(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { String::new() } else { format!("<{}>", parts.join(", ")) }
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
