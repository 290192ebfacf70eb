//! Our crates move in lockstep, and every crate of others that ships has its reason in `ARCHITECTURE.md`.

use super::{Finding, tables};
use crate::manifest;
use crate::tree::{File, Tree};

/// The root manifest pins each of our crates to exactly the workspace's version, and members use that pin.
pub(super) fn lockstep(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(root) = tree.file("Cargo.toml") else {
        return vec![Finding::about("Cargo.toml", "there is no root manifest")];
    };
    let entries = manifest::entries(&root.text);
    let pin = format!("={}", manifest::value(&entries, "workspace.package", "version").unwrap_or("?"));
    for entry in entries.iter().filter(|entry| entry.table == "workspace.dependencies" && is_ours(entry.key)) {
        if manifest::field(&entry.value, "version") != Some(&pin) {
            let message = format!("`{}` must be pinned to \"{pin}\": our crates move in lockstep", entry.key);
            findings.push(Finding::at(&root.path, entry.line, message));
        }
    }
    for file in members(tree) {
        for (_, entry) in manifest::dependencies(&file.text) {
            // A program for Tokio asks for it as it would anywhere; the root's patch gives it ours.
            if is_ours(entry.key) && entry.key != "tokio" && manifest::field(&entry.value, "workspace") != Some("true")
            {
                let message = format!("`{}` must come from the workspace, which pins it", entry.key);
                findings.push(Finding::at(&file.path, entry.line, message));
            }
        }
    }
    findings
}

/// The dependency table of `ARCHITECTURE.md` and the manifests name the same crates of others.
pub(super) fn reasons(tree: &Tree) -> Vec<Finding> {
    const PAPER: &str = "ARCHITECTURE.md";
    let mut findings = Vec::new();
    let Some(paper) = tree.file(PAPER) else {
        return vec![Finding::about(PAPER, "is missing; it holds the dependency table")];
    };
    let rows = reason_rows(&paper.text);
    for file in members(tree).filter(|file| is_published(file)) {
        for (_, entry) in manifest::dependencies(&file.text) {
            if !is_ours(entry.key) && !rows.iter().any(|row| row.name == entry.key && row.has_reason) {
                let message = format!("`{}` has no line of reason in {PAPER}", entry.key);
                findings.push(Finding::at(&file.path, entry.line, message));
            }
        }
    }
    let root = tree.file("Cargo.toml").map_or("", |file| &file.text);
    let entries = manifest::entries(root);
    for row in rows {
        let known = entries.iter().any(|entry| entry.table == "workspace.dependencies" && entry.key == row.name);
        if !known {
            let message = format!("explains `{}`, which the root manifest does not name", row.name);
            findings.push(Finding::at(PAPER, row.line, message));
        }
    }
    findings
}

struct ReasonRow<'a> {
    name: &'a str,
    has_reason: bool,
    line: usize,
}

/// The rows of the table under the heading that ends with `Dependencies`: the crate in backticks, then why.
fn reason_rows(paper: &str) -> Vec<ReasonRow<'_>> {
    let lines = paper.lines().enumerate();
    let section = lines.skip_while(|(_, line)| !(line.starts_with('#') && line.ends_with("Dependencies"))).skip(1);
    section
        .take_while(|(_, line)| !line.starts_with('#'))
        .filter_map(|(index, line)| {
            let (name, rest) = line.strip_prefix("| `")?.split_once('`')?;
            let has_reason = rest.chars().filter(|character| character.is_alphabetic()).count() > 10;
            Some(ReasonRow { name, has_reason, line: index + 1 })
        })
        .collect()
}

/// The manifests of the workspace's members. The root's own has no package.
fn members(tree: &Tree) -> impl Iterator<Item = &File> {
    let elsewhere = |file: &File| tables::OTHER_WORKSPACES.iter().any(|folder| file.path.starts_with(folder));
    tree.manifests("").filter(move |file| file.path != "Cargo.toml" && !elsewhere(file))
}

fn is_ours(name: &str) -> bool {
    tables::LAYERS.iter().any(|layer| layer.package == name)
}

fn is_published(file: &File) -> bool {
    manifest::value(&manifest::entries(&file.text), "package", "publish") != Some("false")
}

#[cfg(test)]
mod tests {
    use super::super::printed;
    use super::*;

    const ROOT: &str = "[workspace.package]\nversion = \"0.1.0\"\n[workspace.dependencies]\n\
                        unstuck-base = { path = \"crates/base\", version = \"=0.1.0\" }\nslab = \"0.4\"\n";

    #[test]
    fn a_loose_pin_is_found() {
        assert!(lockstep(&Tree::of(&[("Cargo.toml", ROOT)])).is_empty());
        let loose = ROOT.replace("=0.1.0", "0.1.0");
        let findings = printed(lockstep(&Tree::of(&[("Cargo.toml", &loose)])));
        assert_eq!(
            findings,
            ["Cargo.toml:4: `unstuck-base` must be pinned to \"=0.1.0\": our crates move in lockstep"]
        );
    }

    #[test]
    fn a_member_with_a_pin_of_its_own_is_found() {
        let own = "[dependencies]\nunstuck-base = { path = \"../base\", version = \"=0.1.0\" }\n";
        let tree = Tree::of(&[("Cargo.toml", ROOT), ("crates/task/Cargo.toml", own)]);
        assert_eq!(lockstep(&tree).len(), 1);
        let shared = "[dependencies]\nunstuck-base.workspace = true\n";
        let tree = Tree::of(&[("Cargo.toml", ROOT), ("crates/task/Cargo.toml", shared)]);
        assert!(lockstep(&tree).is_empty());
    }

    const PAPER: &str =
        "# Architecture\n## Dependencies\n| crate | why |\n|---|---|\n| `slab` | stable keys in a vector |\n";

    #[test]
    fn a_dependency_without_a_reason_is_found() {
        let os = "[package]\nname = \"unstuck-os\"\n[dependencies]\nslab.workspace = true\nmio = \"1\"\n";
        let tree = Tree::of(&[("ARCHITECTURE.md", PAPER), ("Cargo.toml", ROOT), ("crates/os/Cargo.toml", os)]);
        assert_eq!(printed(reasons(&tree)), ["crates/os/Cargo.toml:5: `mio` has no line of reason in ARCHITECTURE.md"]);
    }

    #[test]
    fn an_unpublished_package_needs_no_reason_and_an_empty_reason_is_none() {
        let example = "[package]\nname = \"mini-redis\"\npublish = false\n[dependencies]\nmio = \"1\"\n";
        let tree = Tree::of(&[("ARCHITECTURE.md", PAPER), ("Cargo.toml", ROOT), ("examples/a/Cargo.toml", example)]);
        assert!(reasons(&tree).is_empty());
        let empty = PAPER.replace("stable keys in a vector", "");
        let os = "[dependencies]\nslab.workspace = true\n";
        let tree = Tree::of(&[("ARCHITECTURE.md", &empty), ("Cargo.toml", ROOT), ("crates/os/Cargo.toml", os)]);
        assert_eq!(reasons(&tree).len(), 1);
    }

    #[test]
    fn a_reason_for_a_crate_that_nobody_names_is_found() {
        let paper = PAPER.replace("slab", "mio");
        let tree = Tree::of(&[("ARCHITECTURE.md", &paper), ("Cargo.toml", ROOT)]);
        assert_eq!(
            printed(reasons(&tree)),
            ["ARCHITECTURE.md:5: explains `mio`, which the root manifest does not name"]
        );
    }
}
