//! Layers import downward only, as the table says; in `unstuck`, only `runtime` names a scheduler or a kernel.

use super::{Finding, tables};
use crate::manifest::{self, Purpose};
use crate::source;
use crate::tree::{File, Tree};

/// Compares the manifests with the table.
pub(super) fn imports(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.manifests("") {
        if tables::OTHER_WORKSPACES.iter().any(|folder| file.path.starts_with(folder)) {
            continue;
        }
        let Some(package) = package_name(file) else { continue };
        match tables::LAYERS.iter().find(|layer| layer.package == package) {
            Some(layer) => check_layer(file, layer, &mut findings),
            None => findings.push(Finding::about(
                &file.path,
                format!("`{package}` has no row in the layer table (xtask/src/tidy/tables.rs)"),
            )),
        }
    }
    findings
}

/// Looks for the names of schedulers and kernels in the user-facing crate, outside its `runtime` module.
pub(super) fn runtime_alone(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in tree.rust() {
        let Some(path) = file.path.strip_prefix("unstuck/src/") else { continue };
        if path == "runtime.rs" || path.starts_with("runtime/") {
            continue;
        }
        for (number, line) in source.lines() {
            for name in ["unstuck_scheduler", "unstuck_os"] {
                if source::has_word(line, name) && !source.is_test(number) {
                    let message = format!("`{name}` is named outside `runtime`; ask `runtime` for what you need");
                    findings.push(Finding::at(&file.path, number, message));
                }
            }
        }
    }
    findings
}

fn package_name(file: &File) -> Option<String> {
    manifest::value(&manifest::entries(&file.text), "package", "name").map(str::to_owned)
}

fn check_layer(file: &File, layer: &tables::Layer, findings: &mut Vec<Finding>) {
    for (purpose, entry) in manifest::dependencies(&file.text) {
        let name = entry.key;
        let is_ours = tables::LAYERS.iter().any(|layer| layer.package == name);
        if !is_ours {
            continue;
        }
        let allowed =
            layer.may_import.contains(&name) || purpose == Purpose::Tests && layer.tests_may_import.contains(&name);
        if !allowed {
            let message =
                format!("`{}` may not import `{name}`; see the layer table in ARCHITECTURE.md", layer.package);
            findings.push(Finding::at(&file.path, entry.line, message));
        }
        let optional = manifest::field(&entry.value, "optional") == Some("true");
        if layer.optional.contains(&name) && purpose == Purpose::Shipped && !optional {
            let message = format!("`{name}` must be optional: only a feature of `{}` brings it in", layer.package);
            findings.push(Finding::at(&file.path, entry.line, message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::printed;
    use super::*;

    fn manifest(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"{name}\"\n{rest}")
    }

    #[test]
    fn an_arrow_downward_is_fine() {
        let task = manifest("unstuck-task", "[dependencies]\nunstuck-base.workspace = true\nslab = \"1\"\n");
        assert_eq!(printed(imports(&Tree::of(&[("crates/task/Cargo.toml", &task)]))), [""; 0]);
    }

    #[test]
    fn an_arrow_sideways_is_found_with_its_line() {
        let task = manifest("unstuck-task", "[dependencies]\nunstuck-driver.workspace = true\n");
        let findings = printed(imports(&Tree::of(&[("crates/task/Cargo.toml", &task)])));
        assert_eq!(
            findings,
            ["crates/task/Cargo.toml:4: `unstuck-task` may not import `unstuck-driver`; see the layer table in \
                 ARCHITECTURE.md"]
        );
    }

    #[test]
    fn tests_obey_the_table_too() {
        let sync = manifest("unstuck-sync", "[dev-dependencies]\nunstuck.workspace = true\n");
        assert_eq!(imports(&Tree::of(&[("crates/sync/Cargo.toml", &sync)])).len(), 1);
    }

    #[test]
    fn the_macros_import_nothing_of_ours_and_a_stranger_has_no_row() {
        let macros = manifest("unstuck-macros", "[dependencies]\nunstuck-base.workspace = true\n");
        assert_eq!(imports(&Tree::of(&[("crates/macros/Cargo.toml", &macros)])).len(), 1);
        let stranger = manifest("unstuck-extra", "");
        let findings = printed(imports(&Tree::of(&[("crates/extra/Cargo.toml", &stranger)])));
        assert!(findings[0].contains("`unstuck-extra` has no row"));
    }

    #[test]
    fn the_runtime_nobody_asked_for_may_not_be_imported() {
        let sim = manifest("unstuck-sim", "[dependencies]\ntokio = \"1\"\n");
        assert_eq!(imports(&Tree::of(&[("crates/sim/Cargo.toml", &sim)])).len(), 1);
    }

    #[test]
    fn the_simulator_hides_behind_a_feature() {
        let plain = manifest("unstuck", "[dependencies]\nunstuck-sim.workspace = true\n");
        let findings = printed(imports(&Tree::of(&[("unstuck/Cargo.toml", &plain)])));
        assert!(findings[0].contains("must be optional"));
        let optional = manifest("unstuck", "[dependencies]\nunstuck-sim = { workspace = true, optional = true }\n");
        assert!(imports(&Tree::of(&[("unstuck/Cargo.toml", &optional)])).is_empty());
    }

    #[test]
    fn only_runtime_names_a_scheduler() {
        let tree = Tree::of(&[
            ("unstuck/src/runtime/builder.rs", "use unstuck_scheduler::Pool;\n"),
            ("unstuck/src/time.rs", "// unstuck_os is not named\nuse unstuck_os::Clock;\n"),
            ("crates/sim/src/lib.rs", "use unstuck_os::X;\n"),
        ]);
        let findings = printed(runtime_alone(&tree));
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("unstuck/src/time.rs:2: `unstuck_os`"));
    }
}
