//! Walks a crate from its root as a user sees it, through `pub use` into other crates, and gives each item one name.
//!
//! 1. Items are named by the path at which a user reaches them, so which crate of ours defines one does not matter.
//! 2. An item with several paths is called by the one that `prefer` knows, else by the shortest.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use serde_json::Value;

use super::crates::{Crate, Crates, Ident, STD, kind, list};

/// What a path leads to.
pub(super) struct Found {
    pub(super) krate: Rc<Crate>,
    /// The item; `None` when it is of a crate whose insides don't matter, such as std.
    pub(super) item: Option<Value>,
    /// What is written at each `pub use` on the way: rustdoc shows it above the item's own documentation.
    pub(super) docs: String,
}

/// What the `pub use`s that led to an item say of it.
#[derive(Default)]
struct Via {
    /// The name that the first one gave.
    name: Option<String>,
    docs: String,
}

/// Everything that a user can name.
pub(super) struct Walk<'a> {
    pub(super) crates: &'a Crates,
    pub(super) found: BTreeMap<(String, Ident), Found>,
    /// The one name of each item: rule 2.
    pub(super) names: HashMap<Ident, String>,
}

impl<'a> Walk<'a> {
    /// Walks the crate `tokio`.
    pub(super) fn new(crates: &'a Crates, prefer: &BTreeSet<String>) -> Result<Walk<'a>, String> {
        let root = crates.load("tokio");
        crates.failure()?;
        let root = root.ok_or("there is no crate `tokio`")?;
        let mut walk = Walk { crates, found: BTreeMap::new(), names: HashMap::new() };
        let item = root.any_item(&root.root).cloned().ok_or("the crate has no root")?;
        walk.module(&root, &item, "tokio", &mut Vec::new());
        crates.failure()?;
        let rank = |path: &str| (!prefer.contains(path), path.matches("::").count(), path.to_owned());
        for ((path, ident), found) in &walk.found {
            if found.item.is_some() {
                let name = walk.names.entry(ident.clone()).or_insert_with(|| path.clone());
                if rank(path) < rank(name) {
                    *name = path.clone();
                }
            }
        }
        Ok(walk)
    }

    fn module(&mut self, krate: &Rc<Crate>, module: &Value, path: &str, above: &mut Vec<(String, String)>) {
        let here = (krate.name.clone(), module["id"].to_string());
        if above.contains(&here) {
            return;
        }
        above.push(here);
        let (_, inner) = kind(module);
        for id in list(&inner["items"]).chain(list(&inner["variants"])) {
            if let Some(item) = krate.item(id) {
                self.member(krate, item, path, above, Via::default());
            }
        }
        above.pop();
    }

    fn member(&mut self, krate: &Rc<Crate>, item: &Value, path: &str, above: &mut Vec<(String, String)>, via: Via) {
        let (what, _) = kind(item);
        if what == "use" {
            self.reexport(krate, item, path, above, via);
            return;
        }
        let path = format!("{path}::{}", via.name.as_deref().or(item["name"].as_str()).unwrap_or_default());
        let unnamed =
            || Ident { path: vec![krate.name.clone(), "#".to_owned(), item["id"].to_string()], kind: what.to_owned() };
        match what {
            // The module `doc` exists for rustdoc alone.
            "module" if path == "tokio::doc" => {}
            "module" => {
                self.add(krate, unnamed(), Some(item), path.clone(), via.docs);
                self.module(krate, item, &path, above);
            }
            _ => self.add(krate, krate.ident(&item["id"]).unwrap_or_else(unnamed), Some(item), path, via.docs),
        }
    }

    fn reexport(
        &mut self,
        krate: &Rc<Crate>,
        item: &Value,
        path: &str,
        above: &mut Vec<(String, String)>,
        mut via: Via,
    ) {
        let (_, data) = kind(item);
        let name = via.name.take().unwrap_or_else(|| data["name"].as_str().unwrap_or_default().to_owned());
        for line in item["docs"].as_str().unwrap_or_default().lines() {
            via.docs += line;
            via.docs.push('\n');
        }
        match (self.resolve(krate, &data["id"]), data["is_glob"] == true) {
            (Some((home, target)), true) if matches!(kind(&target).0, "module" | "enum") => {
                self.module(&home, &target, path, above);
            }
            (_, true) => {}
            (Some((home, target)), false) => {
                self.member(&home, &target, path, above, Via { name: Some(name), docs: via.docs });
            }
            (None, false) => {
                if let Some(ident) = krate.ident(&data["id"]) {
                    self.add(krate, ident, None, format!("{path}::{name}"), via.docs);
                }
            }
        }
    }

    fn add(&mut self, krate: &Rc<Crate>, ident: Ident, item: Option<&Value>, path: String, docs: String) {
        self.found.insert((path, ident), Found { krate: Rc::clone(krate), item: item.cloned(), docs });
    }

    /// The item that an id stands for, in whichever crate.
    pub(super) fn resolve(&self, krate: &Rc<Crate>, id: &Value) -> Option<(Rc<Crate>, Value)> {
        let ident = krate.ident(id);
        let here = krate.any_item(&id.to_string());
        if let (Some(item), false) = (here, krate.is_foreign(id)) {
            return Some((Rc::clone(krate), item.clone()));
        }
        self.definition(&ident.filter(|ident| !ident.kind.starts_with("proc_"))?)
    }

    /// The item that is defined there, in a crate that is not one of std's.
    pub(super) fn definition(&self, ident: &Ident) -> Option<(Rc<Crate>, Value)> {
        let name = Some(ident.path[0].as_str()).filter(|name| !STD.contains(name))?;
        let home = self.crates.load(name)?;
        let id = if ident.path.len() == 1 { home.root.clone() } else { home.find(ident)?.to_owned() };
        let item = home.any_item(&id)?.clone();
        Some((home, item))
    }
}

/// How an item of another crate is called: `Option`, `std::io::Error`; outside std by its whole path.
pub(super) fn foreign_name(path: &[String]) -> String {
    let last = path.last().map_or("", String::as_str);
    if !STD.contains(&path[0].as_str()) {
        return path.join("::");
    }
    let is_result = path.len() == 3 && path[1] == "result" && last == "Result";
    match path.get(1) {
        _ if PRELUDE.contains(&last) || is_result => last.to_owned(),
        Some(module) if path.len() > 2 => format!("std::{module}::{last}"),
        _ => format!("std::{last}"),
    }
}

/// What needs no path in any program.
const PRELUDE: &[&str] = &[
    "Option",
    "Vec",
    "String",
    "Box",
    "Send",
    "Sync",
    "Unpin",
    "Sized",
    "Fn",
    "FnMut",
    "FnOnce",
    "Drop",
    "Into",
    "From",
    "TryFrom",
    "TryInto",
    "AsRef",
    "AsMut",
    "Iterator",
    "IntoIterator",
    "Clone",
    "Copy",
    "Default",
    "PartialEq",
    "Eq",
    "Hash",
    "Ord",
    "PartialOrd",
    "Debug",
    "Display",
    "Future",
    "IntoFuture",
];
