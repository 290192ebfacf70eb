//! What the documentation of a public item lacks.
//!
//! 1. What counts is what rustdoc shows: the text at the item, and that at each `pub use` which leads to it.
//! 2. Everything has a text. What is called, or named as a type, has an example that is compiled. What may fail says how under
//!    `# Errors`; what is awaited says under `# Cancel safety` what becomes of it when it is dropped, itself or the type of
//!    its future.
//! 3. Items of other packages are theirs, and hidden ones nobody's.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use super::crates::{Crate, kind, list};
use super::render::future_output;
use super::walk::Walk;

/// What the public items of a crate say of themselves.
#[derive(Default, Debug)]
pub(super) struct Documentation {
    /// By the path of the item: what it lacks, and where it is written.
    lacking: BTreeMap<String, (Vec<&'static str>, String)>,
    total: usize,
}

impl Documentation {
    /// Reads what `walk` found.
    pub(super) fn of(walk: &Walk<'_>) -> Documentation {
        let find = |krate: &Rc<Crate>, id: &Value| walk.resolve(krate, id);
        let mut reader = Reader { find: &find, out: Documentation::default() };
        let is_ours = |name: &str| walk.crates.ours.contains(name);
        for ((path, ident), found) in &walk.found {
            match &found.item {
                Some(item) if is_ours(&found.krate.name) && walk.names[ident] == *path => {
                    reader.item(&found.krate, item, path, &found.docs);
                }
                // The walk does not enter the crates of procedural macros: they have no other items.
                None if ident.kind.starts_with("proc_") && is_ours(&ident.path[0]) => match walk.definition(ident) {
                    Some((home, item)) => reader.item(&home, &item, path, &found.docs),
                    None => reader.add(path, &Value::Null, vec!["a crate with documentation"]),
                },
                _ => {}
            }
        }
        reader.out
    }

    /// Prints which items lack something.
    pub(super) fn judge(&self) -> Result<(), String> {
        println!("\nnot documented as it should be: {}", self.lacking.len());
        for (path, (lacks, place)) in &self.lacking {
            println!("  {path}: {}{place}", lacks.join(", "));
        }
        println!("\napi: {} of {} items are documented", self.total - self.lacking.len(), self.total);
        match self.lacking.len() {
            0 => Ok(()),
            wrong => Err(format!("api: {wrong} items lack a part of their documentation; write it")),
        }
    }
}

/// Finds the item that an id of a crate stands for, in whichever crate.
type Find<'a> = &'a dyn Fn(&Rc<Crate>, &Value) -> Option<(Rc<Crate>, Value)>;

struct Reader<'a> {
    find: Find<'a>,
    out: Documentation,
}

impl Reader<'_> {
    /// An item, and what belongs to it.
    fn item(&mut self, krate: &Rc<Crate>, item: &Value, path: &str, before: &str) {
        let (what, data) = kind(item);
        let own = item["docs"].as_str().unwrap_or_default();
        let docs = format!("{before}\n{own}");
        let signature = (what == "function").then(|| Signature::of(data, |id| self.future_docs(krate, id)));
        self.add(path, &item["span"], lacks(what, &docs, signature.as_ref()));
        let shape = if matches!(what, "struct" | "variant") { &data["kind"] } else { data };
        let parts =
            list(&shape["plain"]["fields"]).chain(list(&shape["struct"]["fields"])).chain(list(&shape["fields"]));
        let parts = parts.chain(list(&data["variants"])).chain(list(&data["items"]).filter(|_| what == "trait"));
        let implementations = list(&data["impls"]).filter_map(|id| krate.item(id)).map(|item| kind(item).1);
        let inherent = implementations.filter(|implementation| implementation["trait"].is_null());
        for member in parts.chain(inherent.flat_map(|own| list(&own["items"]))).filter_map(|id| krate.item(id)) {
            self.item(krate, member, &format!("{path}::{}", member["name"].as_str().unwrap_or_default()), "");
        }
    }

    /// The documentation of the type of that id, if it is a future.
    fn future_docs(&self, krate: &Rc<Crate>, id: &Value) -> Option<String> {
        let (home, item) = (self.find)(krate, id)?;
        let mut implementations = list(&kind(&item).1["impls"]).filter_map(|id| home.item(id)).map(|item| kind(item).1);
        let is_future = |of: &Value| of["trait"]["path"].as_str().is_some_and(|path| last(path) == "Future");
        implementations.any(is_future).then(|| item["docs"].as_str().unwrap_or_default().to_owned())
    }

    fn add(&mut self, path: &str, span: &Value, lacks: Vec<&'static str>) {
        self.out.total += 1;
        if !lacks.is_empty() {
            let place = span["filename"].as_str().map(|file| format!(" ({file}:{})", span["begin"][0]));
            self.out.lacking.insert(path.to_owned(), (lacks, place.unwrap_or_default()));
        }
    }
}

/// What the signature of a function makes it say.
struct Signature {
    may_fail: bool,
    /// It is awaited; what the type of its future says.
    future: Option<String>,
}

impl Signature {
    /// `future_docs` says what the type of an id says of itself, if it is a future.
    fn of(function: &Value, future_docs: impl Fn(&Value) -> Option<String>) -> Signature {
        let output = &function["sig"]["output"];
        let is_async = function["header"]["is_async"] == true || future_output(output).is_some();
        let named = output.get("resolved_path").and_then(|named| future_docs(&named["id"]));
        Signature { may_fail: names_result(output), future: named.or(is_async.then(String::new)) }
    }
}

/// What an item of that kind lacks: rule 2.
fn lacks(what: &str, docs: &str, signature: Option<&Signature>) -> Vec<&'static str> {
    let has = |heading: &str, docs: &str| docs.lines().any(|line| line.trim() == heading);
    let mut lacks = Vec::new();
    if docs.trim().is_empty() {
        lacks.push("text");
    }
    let only_text =
        matches!(what, "module" | "struct_field" | "variant" | "constant" | "static" | "assoc_const" | "assoc_type");
    if !only_text && !has_example(docs) {
        lacks.push("example");
    }
    if signature.is_some_and(|signature| signature.may_fail) && !has("# Errors", docs) {
        lacks.push("# Errors");
    }
    let future = signature.and_then(|signature| signature.future.as_ref());
    if future.is_some_and(|of_type| !has("# Cancel safety", docs) && !has("# Cancel safety", of_type)) {
        lacks.push("# Cancel safety");
    }
    lacks
}

/// Whether there is a block of code that is compiled, and meant to be.
fn has_example(docs: &str) -> bool {
    let fences = docs.lines().filter_map(|line| line.trim().strip_prefix("```"));
    // Every other fence ends a block.
    fences
        .step_by(2)
        .any(|tag| tag.split(',').all(|word| matches!(word.trim(), "" | "rust" | "no_run" | "should_panic")))
}

/// Whether some part of a type is a `Result`.
fn names_result(ty: &Value) -> bool {
    match ty {
        Value::Object(object) => {
            object.get("path").and_then(Value::as_str).is_some_and(|path| last(path) == "Result")
                || object.values().any(names_result)
        }
        Value::Array(array) => array.iter().any(names_result),
        _ => false,
    }
}

fn last(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ALL: &str = "Does it.\n\n# Errors\nNone.\n\n# Cancel safety\nSafe.\n\n```\ndoes_it();\n```";

    fn function(output: Value, docs: &str) -> Value {
        let data = json!({ "header": { "is_async": false }, "sig": { "output": output } });
        json!({ "name": "does_it", "docs": docs, "attrs": [], "inner": { "function": data } })
    }

    /// A crate with these items, by their ids.
    fn crate_of(items: &[(&str, Value)]) -> Rc<Crate> {
        let index: serde_json::Map<String, Value> =
            items.iter().map(|(id, item)| ((*id).to_owned(), item.clone())).collect();
        let json = json!({ "format_version": 57, "root": 0, "paths": {}, "index": index });
        Rc::new(Crate::new("tokio", json).expect("the format is known"))
    }

    fn read(krate: &Rc<Crate>, id: &str, before: &str) -> Documentation {
        let find = |krate: &Rc<Crate>, id: &Value| Some((krate.clone(), krate.item(id)?.clone()));
        let mut reader = Reader { find: &find, out: Documentation::default() };
        reader.item(krate, krate.any_item(id).expect("it is there"), "tokio::it", before);
        reader.out
    }

    fn lacking<'a>(found: &'a Documentation, path: &str) -> &'a [&'static str] {
        found.lacking.get(path).map_or(&[], |(lacks, _)| lacks)
    }

    #[test]
    fn a_function_says_what_its_signature_asks_for() {
        let result = json!({ "resolved_path": { "path": "io::Result", "id": 9 } });
        let future = json!({ "impl_trait": [{ "trait_bound": { "trait": { "path": "Future", "args": { "angle_bracketed": {
            "constraints": [{ "binding": { "equality": { "type": result } } }]
        } } } } }] });
        let text = "Does it.\n\n```\ndoes_it();\n```";
        for (output, docs, expected) in [
            (Value::Null, "", &["text", "example"][..]),
            (Value::Null, text, &[]),
            (result.clone(), text, &["# Errors"]),
            (future.clone(), text, &["# Errors", "# Cancel safety"]),
            (future, ALL, &[]),
        ] {
            let found = read(&crate_of(&[("1", function(output, docs))]), "1", "");
            assert_eq!((found.total, lacking(&found, "tokio::it")), (1, expected), "{docs}");
            assert_eq!(found.judge().is_ok(), expected.is_empty());
        }
    }

    #[test]
    fn the_type_of_a_future_may_say_what_a_drop_means() {
        let named = function(json!({ "resolved_path": { "path": "Wait", "id": 2 } }), "Waits.\n\n```\nwait();\n```");
        let implementation =
            json!({ "attrs": [], "inner": { "impl": { "trait": { "path": "Future" }, "items": [] } } });
        let ty =
            |docs: &str| json!({ "attrs": [], "docs": docs, "inner": { "struct": { "kind": "unit", "impls": [3] } } });
        let of = |docs: &str| crate_of(&[("1", named.clone()), ("2", ty(docs)), ("3", implementation.clone())]);
        assert_eq!(lacking(&read(&of("A wait."), "1", ""), "tokio::it"), ["# Cancel safety"]);
        assert_eq!(lacking(&read(&of(ALL), "1", ""), "tokio::it"), [""; 0]);
    }

    #[test]
    fn what_is_written_at_a_reexport_counts() {
        let krate = crate_of(&[("1", function(Value::Null, "Does it."))]);
        assert_eq!(lacking(&read(&krate, "1", ""), "tokio::it"), ["example"]);
        assert_eq!(lacking(&read(&krate, "1", "```\ndoes_it();\n```"), "tokio::it"), [""; 0]);
    }

    #[test]
    fn methods_and_fields_are_read_hidden_ones_and_those_of_traits_are_not() {
        let field = json!({ "name": "size", "attrs": [], "docs": "", "inner": { "struct_field": {} } });
        let mut hidden = function(Value::Null, "");
        hidden["attrs"] = json!([{ "other": "#[doc(hidden)]" }]);
        let own = json!({ "attrs": [], "inner": { "impl": { "trait": null, "items": [4, 5] } } });
        let of_trait = json!({ "attrs": [], "inner": { "impl": { "trait": { "path": "Clone" }, "items": [6] } } });
        let data = json!({ "kind": { "plain": { "fields": [1] } }, "impls": [2, 3] });
        let ty = json!({ "name": "It", "attrs": [], "docs": ALL, "inner": { "struct": data } });
        let krate = crate_of(&[
            ("0", ty),
            ("1", field),
            ("2", own),
            ("3", of_trait),
            ("4", function(Value::Null, "")),
            ("5", hidden),
            ("6", function(Value::Null, "")),
        ]);
        let found = read(&krate, "0", "");
        assert_eq!(found.total, 3);
        assert_eq!(lacking(&found, "tokio::it::size"), ["text"]);
        assert_eq!(lacking(&found, "tokio::it::does_it"), ["text", "example"]);
    }

    #[test]
    fn an_example_is_code_that_is_compiled() {
        for (docs, expected) in [
            ("```\na();\n```", true),
            ("```no_run\na();\n```", true),
            ("```text\na\n```\n\nand\n\n```should_panic\na();\n```", true),
            ("```text\na\n```", false),
            ("```ignore\na();\n```", false),
            ("", false),
        ] {
            assert_eq!(has_example(docs), expected, "{docs}");
        }
    }
}
