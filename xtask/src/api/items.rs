//! The API as a list: for each item that a user can name one line, and for each type which auto traits it has.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value;

use super::crates::{Crate, kind, list};
use super::render::{Form, Render};
use super::walk::{Walk, foreign_name};

/// One item in both forms.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Line {
    pub(super) written: String,
    pub(super) compared: String,
    /// It is listed under another name, and is here only to be found under this one too.
    pub(super) again: bool,
}

/// Whether a type has an auto trait, from least to most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Level {
    No,
    If,
    Yes,
}

/// What is known of one auto trait of one type.
#[derive(Clone, Debug)]
pub(super) struct Auto {
    /// `None` where rustdoc does not say.
    pub(super) level: Option<Level>,
    pub(super) line: Line,
}

/// A crate's API, by keys such as `fn tokio::spawn` and `impl Clone for tokio::time::Instant`.
#[derive(Default, Debug)]
pub(super) struct Items {
    pub(super) items: BTreeMap<String, BTreeSet<Line>>,
    pub(super) autos: BTreeMap<String, Auto>,
}

const AUTO_TRAITS: &[&str] = &["Send", "Sync", "Unpin", "UnwindSafe", "RefUnwindSafe"];

/// Traits that say nothing to a caller: marks of the compiler, and what a drop does.
const NOT_LISTED: &[&str] = &["StructuralPartialEq", "TrivialClone", "Freeze", "UnsafeUnpin", "Drop"];

impl Items {
    /// Lists what `walk` found.
    pub(super) fn of(walk: &Walk<'_>) -> Items {
        let mut lister = Lister { walk, out: Items::default(), again: false };
        for ((path, ident), found) in &walk.found {
            let Some(item) = &found.item else {
                let is_macro = ident.kind.starts_with("proc_") || ident.kind.starts_with("macro");
                let (word, name) = if is_macro { ("macro", String::new()) } else { ("use", foreign_name(&ident.path)) };
                lister.add(format!("{word} {path}"), format!("pub {word} {path} {name}"), name);
                continue;
            };
            let name = &walk.names[ident];
            if name != path {
                lister.add(format!("use {path}"), format!("pub use {path} = {name}"), name.clone());
            }
            lister.again = name != path;
            lister.definition(&found.krate, item, path);
            lister.again = false;
        }
        for krate in walk.crates.loaded() {
            for item in krate.items() {
                if let ("impl", data) = kind(item) {
                    lister.implementation(&krate, data);
                }
            }
        }
        lister.out
    }

    /// The paths of all items: what the other side's names are chosen by.
    pub(super) fn paths(&self) -> BTreeSet<String> {
        let keys = self.items.keys().filter(|key| !key.starts_with("impl") && !key.starts_with("use"));
        keys.filter_map(|key| key.split_once(' ')).map(|(_, path)| path.to_owned()).collect()
    }
}

struct Lister<'a> {
    walk: &'a Walk<'a>,
    out: Items,
    again: bool,
}

impl Lister<'_> {
    fn add(&mut self, key: String, written: String, compared: String) {
        self.out.items.entry(key).or_default().insert(Line { written, compared, again: self.again });
    }

    /// Adds what `text` makes of the item in both forms.
    fn put(&mut self, krate: &Rc<Crate>, key: String, text: impl Fn(&Render<'_>) -> String) {
        let form = |form| text(&Render::new(self.walk, krate, form));
        self.add(key, form(Form::Written), form(Form::Compared));
    }

    fn definition(&mut self, krate: &Rc<Crate>, item: &Value, path: &str) {
        let (what, data) = kind(item);
        let generics = &data["generics"];
        let declared = |render: &Render<'_>, word: &str, rest: &str| {
            format!("pub {word} {path}{}{}{rest}", render.parameters(generics), render.conditions(&[generics]))
        };
        match what {
            "module" => self.put(krate, format!("mod {path}"), |_| format!("pub mod {path}")),
            "function" => {
                self.put(krate, format!("fn {path}"), |render| format!("pub {}", render.function(data, path, None)))
            }
            "macro" | "proc_macro" => self.add(format!("macro {path}"), format!("pub macro {path}"), String::new()),
            "constant" | "static" => {
                let word = if what == "static" { "static" } else { "const" };
                self.put(krate, format!("{word} {path}"), |render| {
                    format!("pub {word} {path}: {}", render.ty(&data["type"]))
                });
            }
            "type_alias" => self.put(krate, format!("type {path}"), |render| {
                declared(render, "type", &format!(" = {}", render.ty(&data["type"])))
            }),
            "struct" | "enum" | "union" | "variant" => self.data(krate, item, path),
            "trait" => {
                self.put(krate, format!("trait {path}"), |render| {
                    let unsafety = if data["is_unsafe"] == true { "unsafe trait" } else { "trait" };
                    declared(render, unsafety, &format!(": {}", render.bounds(&data["bounds"])))
                });
                for member in list(&data["items"]).filter_map(|id| krate.item(id)) {
                    self.associated(krate, member, path, None);
                }
            }
            _ => {}
        }
    }

    /// A type or a variant, with its fields, variants and inherent items.
    fn data(&mut self, krate: &Rc<Crate>, item: &Value, path: &str) {
        let (what, data) = kind(item);
        let open = if item["attrs"].to_string().contains("non_exhaustive") { "#[non_exhaustive] " } else { "" };
        let shape = if matches!(what, "struct" | "variant") { &data["kind"] } else { data };
        let fields: Vec<_> = list(&shape["tuple"])
            .chain(list(&shape["plain"]["fields"]))
            .chain(list(&shape["struct"]["fields"]))
            .collect();
        let shown: Vec<_> = fields.iter().filter_map(|id| krate.item(id)).collect();
        let hidden = ["plain", "struct"].iter().any(|shape_name| shape[*shape_name]["has_stripped_fields"] == true);
        let tail = match (what, shape) {
            ("variant", shape) if shape.get("tuple").is_some() => "(..)",
            ("variant", shape) if shape.is_object() => " { .. }",
            ("struct", _) if !hidden && open.is_empty() && shown.len() == fields.len() => " (constructible)",
            _ => "",
        };
        let generics = &data["generics"];
        self.put(krate, format!("{what} {path}"), |render| {
            format!("{open}pub {what} {path}{}{}{tail}", render.parameters(generics), render.conditions(&[generics]))
        });
        for field in shown {
            let name = format!("{path}.{}", field["name"].as_str().unwrap_or_default());
            self.put(krate, format!("field {name}"), |render| {
                format!("pub field {name}: {}", render.ty(kind(field).1))
            });
        }
        for implementation in list(&data["impls"]).filter_map(|id| krate.item(id)).map(|item| kind(item).1) {
            if implementation["trait"].is_null() {
                for member in list(&implementation["items"]).filter_map(|id| krate.item(id)) {
                    self.associated(krate, member, path, Some(implementation));
                }
            }
        }
        for variant in list(&data["variants"]).filter_map(|id| krate.item(id)) {
            self.definition(krate, variant, &format!("{path}::{}", variant["name"].as_str().unwrap_or_default()));
        }
    }

    /// An item of a trait, or of an inherent impl.
    fn associated(&mut self, krate: &Rc<Crate>, member: &Value, path: &str, within: Option<&Value>) {
        let (what, data) = kind(member);
        let name = member["name"].as_str().unwrap_or_default();
        let word = match what {
            "function" => "fn",
            "assoc_const" => "const",
            _ => "type",
        };
        self.put(krate, format!("{word} {path}::{name}"), |render| {
            let mut owner = path.to_owned();
            if let Some(within) = within {
                let own = render.ty(&within["for"]);
                render.set_self(&own);
                owner += own.find('<').map_or("", |at| &own[at..]);
            }
            match what {
                "function" => {
                    let provided = if within.is_none() && data["has_body"] == true { " { .. }" } else { "" };
                    let around = within.map(|within| &within["generics"]);
                    format!("pub {}{provided}", render.function(data, &format!("{owner}::{name}"), around))
                }
                "assoc_const" => format!("pub const {owner}::{name}: {}", render.ty(&data["type"])),
                _ => {
                    let parameters = render.parameters(&data["generics"]);
                    format!(
                        "pub type {owner}::{name}{parameters}: {} = {}",
                        render.bounds(&data["bounds"]),
                        render.ty(&data["type"])
                    )
                }
            }
        });
    }

    /// An impl of a trait, if it is for a type of ours, of a trait of ours, or names one.
    fn implementation(&mut self, krate: &Rc<Crate>, data: &Value) {
        if data["trait"].is_null() || !data["blanket_impl"].is_null() {
            return;
        }
        let mut subject = &data["for"];
        while let Some(inside) = subject.get("borrowed_ref") {
            subject = &inside["type"];
        }
        let id = &subject["resolved_path"]["id"];
        let is_public = krate.ident(id).is_some_and(|ident| self.walk.names.contains_key(&ident));
        let is_private = !is_public && krate.is_local(id);
        if is_private || !is_public && !self.names_ours(krate, &data["trait"]) && !self.names_ours(krate, &data["for"])
        {
            return;
        }
        let name = data["trait"]["path"].as_str().unwrap_or_default().rsplit("::").next().unwrap_or_default();
        if NOT_LISTED.contains(&name) {
            return;
        }
        let not = if data["is_negative"] == true { "!" } else { "" };
        let head = |render: &Render<'_>| format!("{} for {}", render.path(&data["trait"]), render.ty(&data["for"]));
        let conditions = |render: &Render<'_>| render.conditions(&[&data["generics"]]);
        let form = |form, text: &dyn Fn(&Render<'_>) -> String| text(&Render::new(self.walk, krate, form));
        if AUTO_TRAITS.contains(&name) {
            let line = |render: &Render<'_>| format!("impl {not}{}{}", head(render), conditions(render));
            let (written, compared) = (form(Form::Written, &line), form(Form::Compared, &line));
            let level = match () {
                // What a macro for pinned fields makes can't be read from here.
                () if written.contains("PinnedFieldsOf") => None,
                () if !not.is_empty() => Some(Level::No),
                () if compared.contains(" where ") => Some(Level::If),
                () => Some(Level::Yes),
            };
            let key = format!("{name} for {}", form(Form::Compared, &|render| render.ty(&data["for"])));
            self.out.autos.insert(key, Auto { level, line: Line { written, compared, again: false } });
        } else if data["is_synthetic"] != true {
            let key = format!("impl {}", form(Form::Compared, &head));
            self.put(krate, key, |render| {
                let head = head(render);
                let types = list(&data["items"]).filter_map(|id| krate.item(id)).filter_map(|item| match kind(item) {
                    ("assoc_type", ty) => Some(format!("{} = {}", item["name"].as_str()?, render.ty(&ty["type"]))),
                    _ => None,
                });
                let types: BTreeSet<_> = types.collect();
                let types: Vec<_> = types.into_iter().collect();
                format!("impl {not}{head} {{ {} }}{}", types.join(", "), conditions(render))
            });
        }
    }

    /// Whether something in `value` is an item that users of this crate can name.
    fn names_ours(&self, krate: &Crate, value: &Value) -> bool {
        match value {
            Value::Object(object) => {
                let here = object.contains_key("path")
                    && object
                        .get("id")
                        .and_then(|id| krate.ident(id))
                        .is_some_and(|ident| self.walk.names.contains_key(&ident));
                here || object.values().any(|inside| self.names_ours(krate, inside))
            }
            Value::Array(array) => array.iter().any(|inside| self.names_ours(krate, inside)),
            _ => false,
        }
    }
}
