//! The part of TOML that this repository's manifests use: tables, keys, and values that are told apart by their text.
//!
//! 1. A value is kept as it is written. The checks ask whether it names a workspace, a path or a version, nothing more.

/// One `key = value` line of a manifest.
pub(crate) struct Entry<'a> {
    /// The table's header between its brackets, such as `target.'cfg(unix)'.dependencies`.
    pub(crate) table: &'a str,
    /// The key, without the `.workspace` that may follow it.
    pub(crate) key: &'a str,
    /// The value; a `key.workspace = true` gives `{ workspace = true }`.
    pub(crate) value: String,
    /// The line, from 1.
    pub(crate) line: usize,
}

/// What a table of dependencies is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// The crate itself: `[dependencies]`, its build script, a target's.
    Shipped,
    /// Its tests, examples and benchmarks: `[dev-dependencies]`.
    Tests,
}

/// The entries of a manifest, in order. Values over several lines (arrays) are joined.
pub(crate) fn entries(text: &str) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut table = "";
    let mut open = false;
    for (index, raw) in text.lines().enumerate() {
        let line = without_comment(raw).trim();
        if open {
            let entry = entries.last_mut().expect("only an entry can be open");
            entry.value.push_str(line);
            open = !is_complete(&entry.value);
            continue;
        }
        if line.starts_with('[') {
            table = line.trim_start_matches('[').trim_end_matches(']');
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let (key, value) = (key.trim(), value.trim());
        let (key, value) = match key.split_once('.') {
            Some((name, field)) => (name, format!("{{ {field} = {value} }}")),
            None => (key, value.to_owned()),
        };
        open = !is_complete(&value);
        entries.push(Entry { table, key, value, line: index + 1 });
    }
    entries
}

/// The value of `key` in `table`, without quotes.
pub(crate) fn value<'a>(entries: &'a [Entry<'_>], table: &str, key: &str) -> Option<&'a str> {
    let entry = entries.iter().find(|entry| entry.table == table && entry.key == key)?;
    Some(entry.value.trim_matches('"'))
}

/// The dependencies of a package, with what each is for. `[dependencies.name]` tables count as one entry `name`.
pub(crate) fn dependencies(text: &str) -> Vec<(Purpose, Entry<'_>)> {
    let mut found: Vec<(Purpose, Entry<'_>)> = Vec::new();
    for entry in entries(text) {
        if let Some(purpose) = purpose(entry.table) {
            found.push((purpose, entry));
            continue;
        }
        let Some((table, name)) = entry.table.rsplit_once('.') else { continue };
        let Some(purpose) = purpose(table) else { continue };
        let field = format!("{} = {}", entry.key, entry.value);
        match found.last_mut() {
            Some((_, last)) if last.table == entry.table => last.value = format!("{}, {field}", last.value),
            _ => found.push((purpose, Entry { table: entry.table, key: name, value: field, line: entry.line })),
        }
    }
    found
}

/// The field of an inline table: `field(r#"{ path = "a", version = "1" }"#, "version")` is `1`.
pub(crate) fn field<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let at = crate::source::words(value, name).find(|&at| value[at + name.len()..].trim_start().starts_with('='))?;
    let after = value[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
    match after.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => after.split([',', '}']).next().map(str::trim),
    }
}

fn purpose(table: &str) -> Option<Purpose> {
    let last = table.rsplit('.').next().unwrap_or(table);
    let whole = table == last || table.starts_with("target.");
    match last {
        "dependencies" | "build-dependencies" if whole => Some(Purpose::Shipped),
        "dev-dependencies" if whole => Some(Purpose::Tests),
        _ => None,
    }
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    for (at, character) in line.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '#' if !quoted => return &line[..at],
            _ => {}
        }
    }
    line
}

fn is_complete(value: &str) -> bool {
    let count = |bracket: char| value.matches(bracket).count();
    count('[') == count(']') && count('{') == count('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"
[package]
name = "sample" # with a comment
keywords = [
    "a", # one
    "b",
]

[dependencies]
one.workspace = true
two = { workspace = true, optional = true }

[dependencies.three]
version = "3"
features = ["x"]

[target.'cfg(unstuck_loom)'.dependencies]
four = "4"

[dev-dependencies]
five = "5"

[workspace.dependencies]
six = "6"
"#;

    #[test]
    fn every_form_of_dependency_is_found_once() {
        let names: Vec<_> = dependencies(SAMPLE).iter().map(|(purpose, entry)| (*purpose, entry.key)).collect();
        assert_eq!(
            names,
            [
                (Purpose::Shipped, "one"),
                (Purpose::Shipped, "two"),
                (Purpose::Shipped, "three"),
                (Purpose::Shipped, "four"),
                (Purpose::Tests, "five"),
            ]
        );
    }

    #[test]
    fn values_over_several_lines_are_one_entry() {
        let entries = entries(SAMPLE);
        assert_eq!(value(&entries, "package", "name"), Some("sample"));
        assert_eq!(value(&entries, "package", "keywords"), Some("[\"a\",\"b\",]"));
        assert_eq!(value(&entries, "workspace.dependencies", "six"), Some("6"));
    }

    #[test]
    fn fields_of_inline_tables_are_read() {
        assert_eq!(field(r#"{ path = "crates/base", version = "=0.1.0" }"#, "version"), Some("=0.1.0"));
        assert_eq!(field("{ workspace = true, optional = true }", "optional"), Some("true"));
        assert_eq!(field("{ workspace = true }", "optional"), None);
        assert_eq!(field("\"1.2\"", "version"), None);
    }
}
