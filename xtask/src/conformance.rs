//! `cargo xtask conformance`: the tests that Tokio and its companions ship in their own packages, run on unstuck.
//!
//! 1. The tests come from Cargo's copy of the packages and are built below the target folder; none is in the repository.
//! 2. What may fail is listed with its reason in `conformance/`; anything else that fails makes the command fail.
//! 3. With `--real` the same is run on Tokio itself, and its names are kept for the count of what does not compile here.

mod build;
mod execute;
mod known;
mod libtest;
mod options;
mod report;
mod scratch;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value};

use crate::packages::{self, Package};
use build::Built;
use known::Lists;
use libtest::Outcome;
use options::{Options, Suite};
use report::{FileResult, SuiteResult};
use scratch::Scratch;

/// Files without a test inside: that they compile is the test, since they assert what types implement.
const COMPILE_ONLY: &[&str] = &["async_send_sync"];

/// What such a file counts as.
const COMPILES: &str = "(compiles)";

/// How much longer than a file of tests all examples together may run.
const EXAMPLES_LIMIT: u32 = 20;

/// Runs what `arguments` ask for on the repository at `root`.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<(), String> {
    let options = Options::parse(arguments)?;
    let lists = Lists::read(root)?;
    let folder = crate::target_folder(root).join("conformance");
    let mut everything = Map::new();
    let mut wrong = Vec::new();
    for suite in &options.suites {
        let place = Place { root, folder: &folder, options: &options, suite };
        let result = place.run()?;
        let names = place.names_on_tokio();
        println!("{}", result.summary(result.total(&lists.machine, &names), !names.is_empty()));
        wrong.extend(lists.judge(&result, options.real));
        everything.insert(suite.name.to_owned(), result.json());
        if options.real && options.files.is_none() {
            packages::write(&place.names_file(), &result.json().to_string())?;
        }
    }
    if let Some(out) = &options.out {
        packages::write(out, &format!("{:#}\n", Value::Object(everything)))?;
    }
    if wrong.is_empty() {
        return Ok(());
    }
    println!();
    wrong.iter().for_each(|line| println!("wrong: {line}"));
    Err(format!("conformance: {} things are wrong; each line above says what to do", wrong.len()))
}

/// One suite of one run, and where its things are.
struct Place<'a> {
    root: &'a Path,
    folder: &'a Path,
    options: &'a Options,
    suite: &'a Suite,
}

impl Place<'_> {
    fn run(&self) -> Result<SuiteResult, String> {
        let source = packages::fetch(self.suite.package, self.folder)?;
        let tested = match self.options.real {
            true => packages::fetch("tokio", self.folder)?,
            false => packages::local(&self.root.join("compat/tokio"))?,
        };
        let whose = if self.options.real { "tokio" } else { "unstuck" };
        let folder = self.folder.join(format!("{whose}-{}{}", self.suite.name, self.suffix()));
        let scratch = scratch::write(&folder, self.suite, &source, &tested, self.options)?;
        let flags = if self.options.unstable { "--cfg tokio_unstable" } else { "" };
        let target = self.folder.join(format!("target{}", self.suffix()));
        println!(
            "\n{}",
            report::head(&format!("{} {} on {whose}", self.suite.package, packages::version(self.suite.package)))
        );
        let built = build::run(&scratch, &target, flags)?;
        for (name, errors) in &built.broken_libraries {
            println!("{name} does not compile: {}", errors[0]);
        }
        let files = match self.suite.examples {
            true => self.examples(&source, &scratch, &built, &target, flags)?,
            false => self.files(&scratch, &built)?,
        };
        Ok(SuiteResult { suite: self.suite.name, files })
    }

    /// Runs the programs that were built, file by file.
    fn files(&self, scratch: &Scratch, built: &Built) -> Result<BTreeMap<String, FileResult>, String> {
        let logs = scratch.folder.join("logs");
        fs::create_dir_all(&logs).map_err(|error| format!("cannot make {}: {error}", logs.display()))?;
        let mut files = BTreeMap::new();
        for file in &scratch.files {
            let mut result = FileResult::default();
            match built.programs.get(file) {
                Some(program) => {
                    let log = logs.join(file).with_extension("log");
                    result.tests = execute::tests(program, &scratch.folder, &log, self.options.limit)?;
                    if COMPILE_ONLY.contains(&file.as_str()) {
                        result.tests.insert(COMPILES.to_owned(), Outcome::Passed);
                    }
                }
                None => result.errors = why(file, built),
            }
            if !result.tests.is_empty() || !result.errors.is_empty() {
                println!("{}", result.row(file));
            }
            files.insert(file.clone(), result);
        }
        Ok(files)
    }

    /// Runs the examples of the package's documentation, linked with the tested Tokio.
    fn examples(
        &self,
        source: &Package,
        scratch: &Scratch,
        built: &Built,
        target: &Path,
        flags: &str,
    ) -> Result<BTreeMap<String, FileResult>, String> {
        let edition = source.metadata["edition"].as_str().unwrap_or("2021");
        let mut rustdoc = Command::new("rustdoc");
        rustdoc.arg("--test").arg(source.folder.join("src/lib.rs")).current_dir(&scratch.folder);
        rustdoc.args(["--crate-name", "tokio", "--edition", edition, "--cap-lints", "allow"]);
        rustdoc
            .arg("-L")
            .arg(format!("dependency={}", target.join("debug/deps").display()))
            .args(flags.split(' ').filter(|flag| !flag.is_empty()));
        for feature in scratch::all_features(source, &scratch.features) {
            rustdoc.arg("--cfg").arg(format!("feature={feature:?}"));
        }
        for name in scratch::crates(source) {
            if let Some(library) = built.libraries.get(&name) {
                rustdoc.arg("--extern").arg(format!("{name}={}", library.display()));
            }
        }
        let log = scratch.folder.join("examples.log");
        let printed = execute::examples(&mut rustdoc, &log, self.options.limit * EXAMPLES_LIMIT)?;
        let mut files = BTreeMap::new();
        for (file, tests) in libtest::examples(&printed).into_iter().filter(|(file, _)| self.options.wants(file)) {
            let result = FileResult { tests, errors: Vec::new() };
            println!("{}", result.row(&file));
            files.insert(file, result);
        }
        match files.is_empty() {
            true => Err(format!("rustdoc ran no examples; what it printed is in {}", log.display())),
            false => Ok(files),
        }
    }

    fn suffix(&self) -> &'static str {
        if self.options.unstable { "-unstable" } else { "" }
    }

    /// Where a run on Tokio leaves the names of the tests that it passes.
    fn names_file(&self) -> PathBuf {
        self.folder.join(format!("names-{}{}.json", self.suite.name, self.suffix()))
    }

    fn names_on_tokio(&self) -> BTreeMap<String, Vec<String>> {
        let text = fs::read_to_string(self.names_file()).unwrap_or_default();
        report::passed_names(&serde_json::from_str(&text).unwrap_or_default())
    }
}

/// Why `file` was not built: its own errors, or those of what it needs.
fn why(file: &str, built: &Built) -> Vec<String> {
    let of_libraries =
        || built.broken_libraries.keys().map(|name| format!("it needs `{name}`, which does not compile"));
    match built.errors.get(file) {
        Some(errors) => errors.clone(),
        None => of_libraries().take(1).chain(["Cargo does not say why".to_owned()]).take(1).collect(),
    }
}
