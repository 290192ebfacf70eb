//! A package and what it re-exports, as rustdoc's JSON: each crate's is built when the walk first reaches it.
//!
//! 1. An item is known by where it is defined and what kind it is, which is the same in every crate's JSON.
//! 2. What is hidden from the documentation is not part of the API, unless an open `pub use` shows it.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use serde_json::Value;

use crate::packages;

/// The formats whose fields that are used here are the same.
const FORMATS: std::ops::Range<u64> = 45..70;

/// Crates that come with the compiler, which have no JSON of their own.
pub(super) const STD: &[&str] = &["std", "core", "alloc", "proc_macro", "test"];

/// Where an item is defined, and its kind: rule 1.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Ident {
    pub(super) path: Vec<String>,
    pub(super) kind: String,
}

/// The JSON of one crate.
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) root: String,
    index: Value,
    paths: Value,
    local: HashMap<Ident, String>,
}

/// The crates that a package leads to.
pub(super) struct Crates {
    folder: PathBuf,
    flags: String,
    /// Cargo's name for the package of each crate.
    packages: HashMap<String, String>,
    /// The crates of this repository.
    pub(super) ours: HashSet<String>,
    loaded: RefCell<HashMap<String, Option<Rc<Crate>>>>,
    failure: RefCell<Option<String>>,
}

impl Crates {
    /// Writes a package into `folder` that depends on `tokio` as `dependency` says, and asks Cargo what that brings.
    pub(super) fn new(folder: PathBuf, dependency: &str, flags: &str) -> Result<Crates, String> {
        let manifest = format!(
            "[package]\nname = \"wrapper\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[workspace]\n\
             [dependencies]\ntokio = {{ {dependency} }}\n"
        );
        packages::write(&folder.join("src/lib.rs"), "")?;
        packages::write(&folder.join("Cargo.toml"), &manifest)?;
        let metadata = packages::metadata(&folder, &[])?;
        let (mut names, mut ours) = (HashMap::new(), HashSet::new());
        for package in metadata["packages"].as_array().into_iter().flatten() {
            for target in package["targets"].as_array().into_iter().flatten() {
                let kinds = target["kind"].as_array().into_iter().flatten();
                let is_library =
                    kinds.filter_map(Value::as_str).any(|kind| matches!(kind, "lib" | "rlib" | "proc-macro"));
                if let (true, Some(name), Some(id)) = (is_library, target["name"].as_str(), package["id"].as_str()) {
                    let name = name.replace('-', "_");
                    if package["source"].is_null() {
                        ours.insert(name.clone());
                    }
                    names.insert(name, id.to_owned());
                }
            }
        }
        let (loaded, failure) = Default::default();
        Ok(Crates { folder, flags: flags.to_owned(), packages: names, ours, loaded, failure })
    }

    /// The crate of that name; `None` when it has no JSON. Why one could not be built is kept for [`Crates::failure`].
    pub(super) fn load(&self, name: &str) -> Option<Rc<Crate>> {
        if let Some(known) = self.loaded.borrow().get(name) {
            return known.clone();
        }
        let built = self.packages.get(name).map(|package| self.build(name, package));
        let found = match built {
            Some(Ok(found)) => Some(Rc::new(found)),
            Some(Err(message)) => {
                self.failure.borrow_mut().get_or_insert(message);
                None
            }
            None => None,
        };
        self.loaded.borrow_mut().insert(name.to_owned(), found.clone());
        found
    }

    /// All that were reached, sorted by name.
    pub(super) fn loaded(&self) -> Vec<Rc<Crate>> {
        let mut all: Vec<_> = self.loaded.borrow().values().flatten().cloned().collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// The first crate whose JSON could not be built, if any.
    pub(super) fn failure(&self) -> Result<(), String> {
        self.failure.borrow().clone().map_or(Ok(()), Err)
    }

    fn build(&self, name: &str, package: &str) -> Result<Crate, String> {
        let target = self.folder.join("target");
        let mut command = Command::new("cargo");
        command.args(["+nightly", "rustdoc", "--quiet", "--lib", "-p", package, "--", "-Zunstable-options"]);
        command.args(["--output-format", "json", "--document-hidden-items", "--cap-lints", "allow"]);
        command.current_dir(&self.folder).env("CARGO_TARGET_DIR", &target);
        command.env("RUSTFLAGS", &self.flags).env("RUSTDOCFLAGS", &self.flags);
        let output = command.output().map_err(|error| format!("cannot start cargo: {error}"))?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(format!("no documentation of `{name}`; it needs a nightly toolchain:\n{errors}"));
        }
        Crate::read(name, &target.join("doc").join(name).with_extension("json"))
    }
}

impl Crate {
    fn read(name: &str, path: &Path) -> Result<Crate, String> {
        let text = fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let json: Value = serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        Crate::new(name, json)
    }

    pub(super) fn new(name: &str, mut json: Value) -> Result<Crate, String> {
        let format = json["format_version"].as_u64().unwrap_or(0);
        if !FORMATS.contains(&format) {
            return Err(format!(
                "rustdoc's JSON format {format} is unknown: see what changed, then adapt xtask/src/api"
            ));
        }
        let mut local = HashMap::new();
        for (id, path) in json["paths"].as_object().into_iter().flatten() {
            if path["crate_id"] == 0 {
                local.insert(ident(path), id.clone());
            }
        }
        let root = json["root"].to_string();
        Ok(Crate { name: name.to_owned(), root, index: json["index"].take(), paths: json["paths"].take(), local })
    }

    /// The item of that id, unless it is hidden.
    pub(super) fn item(&self, id: &Value) -> Option<&Value> {
        self.any_item(&id_text(id)).filter(|item| !is_hidden(item) || id_text(&item["id"]) == self.root)
    }

    /// The item of that id, hidden or not.
    pub(super) fn any_item(&self, id: &str) -> Option<&Value> {
        self.index.get(id)
    }

    /// All items that are not hidden.
    pub(super) fn items(&self) -> impl Iterator<Item = &Value> {
        self.index.as_object().into_iter().flatten().map(|(_, item)| item).filter(|item| !is_hidden(item))
    }

    pub(super) fn ident(&self, id: &Value) -> Option<Ident> {
        self.paths.get(id_text(id)).map(ident)
    }

    /// Whether the id stands for an item of another crate.
    pub(super) fn is_foreign(&self, id: &Value) -> bool {
        self.paths.get(id_text(id)).is_some_and(|path| path["crate_id"] != 0)
    }

    pub(super) fn is_local(&self, id: &Value) -> bool {
        self.paths.get(id_text(id)).is_some_and(|path| path["crate_id"] == 0)
    }

    /// The id of an item that is defined here.
    pub(super) fn find(&self, ident: &Ident) -> Option<&str> {
        self.local.get(ident).map(String::as_str)
    }
}

/// What an item is: `struct`, `function` and so on, with what there is to say of one.
pub(super) fn kind(item: &Value) -> (&str, &Value) {
    let first = item["inner"].as_object().and_then(|inner| inner.iter().next());
    first.map_or(("", &Value::Null), |(kind, data)| (kind.as_str(), data))
}

/// The elements of an array; none of anything else.
pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> + Clone {
    value.as_array().map_or(&[][..], Vec::as_slice).iter()
}

fn is_hidden(item: &Value) -> bool {
    list(&item["attrs"]).any(|attribute| attribute.to_string().contains("doc(hidden)"))
}

fn id_text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

fn ident(path: &Value) -> Ident {
    let parts = list(&path["path"]).filter_map(Value::as_str).map(str::to_owned).collect();
    Ident { path: parts, kind: path["kind"].as_str().unwrap_or_default().to_owned() }
}
