//! Which steps there are, in which order: the cheap ones that fail most come after the tests, the long ones last.
//!
//! 1. A step whose subject is missing is [`Action::Impossible`], never left out: a run that passed has run everything.
//! 2. To add a step, add a function that returns it and one line to [`all`].

use std::path::Path;

use super::{Action, Extent, Invocation, Step, features, sanitizers};
use crate::manifest;
use crate::target_folder;
use crate::tidy::{self, has_loom_tests};
use crate::tree::Tree;

/// The steps of `extent`, in order.
pub(super) fn all(root: &Path, extent: Extent) -> Result<Vec<Step>, String> {
    let tree = Tree::read(root)?;
    let target = target_folder(root);
    let mut steps = vec![
        readme_tests(&tree),
        run("format", "cargo fmt --all --check"),
        run("lints", "cargo clippy --workspace --all-targets -- -D warnings"),
        run("documentation", "cargo doc --workspace --no-deps").with("RUSTDOCFLAGS", "-D warnings"),
        loom(&tree, &target),
        Step { name: "tidy", action: Action::Check(tidy::run) },
        simulator_seeds(&tree, "100 simulator seeds", 100),
        Step { name: "features", action: Action::Check(features::check) },
        ecosystem(&tree, &target),
        benchmarks(&tree, &target),
        run("conformance", "cargo xtask conformance --quick"),
        run("soak", "cargo xtask soak --minutes 2"),
    ];
    if extent == Extent::Full {
        steps.extend([
            simulator_seeds(&tree, "1000 simulator seeds", 1000),
            panic_abort(&tree, &target),
            run("api", "cargo xtask api"),
            run("whole conformance", "cargo xtask conformance --suite all"),
            run("long soak", "cargo xtask soak --minutes 10"),
            sanitizers::address(root, &target),
            run("soak with address sanitizer", "cargo xtask soak --minutes 2 --sanitizer address"),
            sanitizers::thread(root, &target),
        ]);
    }
    Ok(steps)
}

/// The command that the README tells a newcomer to run, read from there so that the two can't differ.
fn readme_tests(tree: &Tree) -> Step {
    const NAME: &str = "tests";
    let readme = tree.file("README.md").map_or("", |file| &file.text);
    match test_command(readme) {
        Some(command) => run(NAME, command),
        None => impossible(NAME, "README.md has no line that begins with `cargo test`"),
    }
}

/// The models of every crate that has some, built apart because `--cfg` changes every crate.
fn loom(tree: &Tree, target: &Path) -> Step {
    const NAME: &str = "loom";
    let crates = crates_with_loom_tests(tree);
    if crates.is_empty() {
        return impossible(NAME, "no crate has a test whose name begins with `loom_`");
    }
    let packages: Vec<String> = crates.iter().map(|name| format!("-p {name}")).collect();
    run(NAME, &format!("cargo test --release --lib {} loom_", packages.join(" ")))
        .with("RUSTFLAGS", "--cfg unstuck_loom")
        .with("CARGO_TARGET_DIR", target.join("loom").display().to_string())
        // Link-time optimisation takes longer than the models that it would speed up; the assertions are worth it.
        .with("CARGO_PROFILE_RELEASE_LTO", "off")
        .with("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .with("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true")
}

/// The simulator's own test with so many seeds.
fn simulator_seeds(tree: &Tree, name: &'static str, seeds: u32) -> Step {
    const FILE: &str = "unstuck/tests/sim_seeds.rs";
    if tree.file(FILE).is_none() {
        return impossible(name, &format!("there is no {FILE}"));
    }
    run(name, "cargo test -p unstuck --test sim_seeds").with("UNSTUCK_SEEDS", seeds.to_string())
}

/// The tests of crates that were written for Tokio, in their own workspace.
fn ecosystem(tree: &Tree, target: &Path) -> Step {
    const NAME: &str = "ecosystem";
    const MANIFEST: &str = "ecosystem/Cargo.toml";
    if tree.file(MANIFEST).is_none() {
        return impossible(NAME, &format!("there is no {MANIFEST}"));
    }
    run(NAME, &format!("cargo test --manifest-path {MANIFEST}"))
        .with("CARGO_TARGET_DIR", target.join("ecosystem").display().to_string())
}

/// The benchmarks, in their own workspace: that they can be built. What they measure is no business of a test.
fn benchmarks(tree: &Tree, target: &Path) -> Step {
    const NAME: &str = "benchmarks";
    const MANIFEST: &str = "bench/real/Cargo.toml";
    if tree.file(MANIFEST).is_none() {
        return impossible(NAME, &format!("there is no {MANIFEST}"));
    }
    run(NAME, &format!("cargo clippy --manifest-path {MANIFEST} --workspace --all-targets -- -D warnings"))
        .with("CARGO_TARGET_DIR", target.join("bench").display().to_string())
}

/// A program that ends when it panics, as many are built: nothing of ours may need to unwind. Cargo always builds tests so
/// that they unwind, hence a program.
fn panic_abort(tree: &Tree, target: &Path) -> Step {
    const NAME: &str = "panic = abort";
    const MANIFEST: &str = "examples/mini-redis/Cargo.toml";
    if tree.file(MANIFEST).is_none() {
        return impossible(NAME, &format!("there is no {MANIFEST}"));
    }
    run(NAME, "cargo build --release -p mini-redis")
        .with("CARGO_PROFILE_RELEASE_PANIC", "abort")
        .with("CARGO_TARGET_DIR", target.join("panic-abort").display().to_string())
}

/// The first line of `readme` that is a `cargo test` command.
fn test_command(readme: &str) -> Option<&str> {
    readme.lines().map(str::trim).find(|line| line.starts_with("cargo test"))
}

/// The packages with a `loom_` test, by manifest name.
fn crates_with_loom_tests(tree: &Tree) -> Vec<String> {
    let with_models = tree.manifests("crates/").chain(tree.manifests("unstuck/")).filter(|manifest| {
        let sources = format!("{}src/", manifest.folder());
        tree.files().any(|file| file.path.starts_with(&sources) && has_loom_tests(file))
    });
    let name = |text: &str| manifest::value(&manifest::entries(text), "package", "name").map(str::to_owned);
    with_models.filter_map(|manifest| name(&manifest.text)).collect()
}

fn run(name: &'static str, command: &str) -> Step {
    Step { name, action: Action::Run(Invocation::new(command)) }
}

fn impossible(name: &'static str, reason: &str) -> Step {
    Step { name, action: Action::Impossible(reason.to_owned()) }
}

impl Step {
    /// Sets a variable for a step that runs a command; the other kinds have no environment of their own.
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Step {
        if let Action::Run(invocation) = self.action {
            self.action = Action::Run(invocation.with(name, value));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_says_which_tests_to_run() {
        let readme = "# unstuck\n\n```sh\ncargo run --release -p mini-redis\ncargo test --workspace\n```\n";
        let step = readme_tests(&Tree::of(&[("README.md", readme)]));
        let Action::Run(invocation) = step.action else { panic!("it must run") };
        assert_eq!(invocation.to_string(), "cargo test --workspace");
    }

    #[test]
    fn a_readme_without_a_test_command_fails_the_step() {
        let step = readme_tests(&Tree::of(&[("README.md", "# unstuck\n")]));
        assert!(matches!(step.action, Action::Impossible(_)));
    }

    #[test]
    fn loom_runs_in_exactly_the_crates_that_have_models() {
        let model = "#[test]\nfn loom_two_wakes() {}\n";
        let tree = Tree::of(&[
            ("crates/task/Cargo.toml", "[package]\nname = \"unstuck-task\"\n"),
            ("crates/task/src/loom_tests.rs", model),
            ("crates/io/Cargo.toml", "[package]\nname = \"unstuck-io\"\n"),
            ("crates/io/src/lib.rs", "// fn loom_in_prose\n"),
            ("xtask/Cargo.toml", "[package]\nname = \"xtask\"\n"),
            ("xtask/src/a.rs", model),
        ]);
        assert_eq!(crates_with_loom_tests(&tree), ["unstuck-task"]);
        let Action::Run(invocation) = loom(&tree, Path::new("target")).action else { panic!("it must run") };
        let line = invocation.to_string();
        assert!(line.ends_with("cargo test --release --lib -p unstuck-task loom_"), "{line}");
        assert!(line.starts_with("RUSTFLAGS=\"--cfg unstuck_loom\" CARGO_TARGET_DIR=\"target/loom\""), "{line}");
    }

    #[test]
    fn no_models_at_all_is_a_failure_and_so_is_a_missing_simulator_test() {
        let empty = Tree::of(&[]);
        assert!(matches!(loom(&empty, Path::new("target")).action, Action::Impossible(_)));
        assert!(matches!(simulator_seeds(&empty, "seeds", 100).action, Action::Impossible(_)));
    }

    #[test]
    fn a_program_that_aborts_is_built_apart() {
        let tree = Tree::of(&[("examples/mini-redis/Cargo.toml", "[package]\nname = \"mini-redis\"\n")]);
        let Action::Run(invocation) = panic_abort(&tree, Path::new("target")).action else { panic!("it must run") };
        let line = invocation.to_string();
        assert!(
            line.starts_with("CARGO_PROFILE_RELEASE_PANIC=\"abort\" CARGO_TARGET_DIR=\"target/panic-abort\""),
            "{line}"
        );
        assert!(matches!(panic_abort(&Tree::of(&[]), Path::new("target")).action, Action::Impossible(_)));
    }

    #[test]
    fn the_simulator_gets_its_seeds() {
        let tree = Tree::of(&[("unstuck/tests/sim_seeds.rs", "")]);
        let Action::Run(invocation) = simulator_seeds(&tree, "seeds", 100).action else { panic!("it must run") };
        assert_eq!(invocation.to_string(), "UNSTUCK_SEEDS=\"100\" cargo test -p unstuck --test sim_seeds");
    }
}
