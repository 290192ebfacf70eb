//! Builds a scratch package with Cargo and reads its messages: which files became programs, which did not compile and why.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::scratch::Scratch;

/// What came of a build.
#[derive(Default, Debug)]
pub(super) struct Built {
    /// The test programs, by file.
    pub(super) programs: BTreeMap<String, PathBuf>,
    /// Why a file did not compile: its first errors.
    pub(super) errors: BTreeMap<String, Vec<String>>,
    /// The same for a library; no file that needs it could be compiled.
    pub(super) broken_libraries: BTreeMap<String, Vec<String>>,
    /// The compiled libraries, by the crate's name in code.
    pub(super) libraries: BTreeMap<String, PathBuf>,
}

/// How many errors of one file are kept.
const ERRORS_KEPT: usize = 5;

/// Builds all targets of `scratch`; those that fail stop none of the others.
pub(super) fn run(scratch: &Scratch, target: &Path, flags: &str) -> Result<Built, String> {
    let mut command = Command::new("cargo");
    command.args(["build", "--tests", "--keep-going", "--message-format", "json", "--quiet"]);
    command.args(["--features", &scratch.features.join(",")]).current_dir(&scratch.folder);
    command.env("CARGO_TARGET_DIR", target).env("RUSTFLAGS", flags).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("cannot start cargo: {error}"))?;
    let built = read(&String::from_utf8_lossy(&output.stdout));
    // Cargo may also fail before it compiles anything: a version that can't be had, say.
    if !output.status.success() && built.errors.is_empty() && built.broken_libraries.is_empty() {
        return Err(format!("cargo built nothing:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(built)
}

/// The part of Cargo's messages that matters here.
fn read(messages: &str) -> Built {
    let mut built = Built::default();
    for message in messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let Some(name) = message["target"]["name"].as_str() else { continue };
        let is_test = message["target"]["kind"][0] == "test";
        let error = &message["message"];
        if message["reason"] == "compiler-artifact" {
            artifact(&mut built, &message, name, is_test);
        } else if message["reason"] == "compiler-message" && error["level"] == "error" {
            let errors = if is_test { &mut built.errors } else { &mut built.broken_libraries };
            let errors = errors.entry(name.to_owned()).or_default();
            if errors.len() < ERRORS_KEPT {
                errors.push(format!("{}{}", place(error), error["message"].as_str().unwrap_or_default()));
            }
        }
    }
    built
}

fn artifact(built: &mut Built, message: &Value, name: &str, is_test: bool) {
    if let (true, Some(program)) = (is_test, message["executable"].as_str()) {
        built.programs.insert(name.to_owned(), program.into());
    }
    let mut files = message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(library) = files.rfind(|file| file.ends_with(".rlib") || file.ends_with(".so")) {
        built.libraries.insert(name.replace('-', "_"), library.into());
    }
}

/// `file:line: ` of an error, empty when it has none.
fn place(error: &Value) -> String {
    let mut spans = error["spans"].as_array().into_iter().flatten();
    let primary = spans.find(|span| span["is_primary"] == true);
    primary.map_or(String::new(), |span| {
        format!("{}:{}: ", span["file_name"].as_str().unwrap_or_default(), span["line_start"])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_libraries_and_errors_are_told_apart() {
        let built = read(
            r#"{"reason":"compiler-artifact","target":{"name":"tokio-test","kind":["lib"]},"filenames":["/t/a.rlib","/t/a.rmeta"],"executable":null}
not JSON
{"reason":"compiler-artifact","target":{"name":"udp","kind":["test"]},"filenames":["/t/udp"],"executable":"/t/udp"}
{"reason":"compiler-message","target":{"name":"dump","kind":["test"]},"message":{"level":"error","message":"no `Dump`","spans":[{"is_primary":true,"file_name":"tests/dump.rs","line_start":3}]}}
{"reason":"compiler-message","target":{"name":"dump","kind":["test"]},"message":{"level":"warning","message":"unused","spans":[]}}
{"reason":"compiler-message","target":{"name":"tokio-util","kind":["lib"]},"message":{"level":"error","message":"broken","spans":[]}}"#,
        );
        assert_eq!(built.programs["udp"], Path::new("/t/udp"));
        assert_eq!(built.libraries["tokio_test"], Path::new("/t/a.rlib"));
        assert_eq!(built.errors["dump"], ["tests/dump.rs:3: no `Dump`"]);
        assert_eq!(built.broken_libraries["tokio-util"], ["broken"]);
        assert_eq!(built.programs.len() + built.errors.len(), 2);
    }
}
