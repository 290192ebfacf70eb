//! The doctor as a program, on workspaces that are made for it. No registry is asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of packages, gone when this is dropped.
struct Packages(PathBuf);

impl Packages {
    fn new(name: &str) -> Packages {
        let folder = std::env::temp_dir().join(format!("unstuck-doctor-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Packages(folder)
    }

    /// A package in the folder `folder`, with these lines below its name and version.
    fn package(self, folder: &str, name: &str, version: &str, lines: &str) -> Packages {
        let path = self.0.join(folder);
        fs::create_dir_all(path.join("src")).unwrap();
        fs::write(path.join("src/lib.rs"), "").unwrap();
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2024\"\n{lines}\n");
        fs::write(path.join("Cargo.toml"), manifest).unwrap();
        self
    }

    fn stand_in(self) -> Packages {
        self.package("stand-in", "tokio", "1.54.1", "[package.metadata.unstuck]\nstands-in-for = \"tokio\"")
    }

    fn real(self, version: &str) -> Packages {
        self.package("real", "tokio", version, "")
    }

    /// A crate that asks for the `tokio` in that folder.
    fn library(self, name: &str, asks_for: &str, folder: &str) -> Packages {
        let dependency = format!("[dependencies]\ntokio = {{ version = \"{asks_for}\", path = \"../{folder}\" }}");
        self.package(name, name, "0.3.0", &dependency)
    }

    fn doctor(&self, package: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_cargo-unstuck"))
            .args(["unstuck", "doctor", "--offline", "--manifest-path"])
            .arg(self.manifest(package))
            .output()
            .unwrap()
    }

    fn manifest(&self, package: &str) -> PathBuf {
        self.0.join(package).join("Cargo.toml")
    }
}

impl Drop for Packages {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn said(output: &Output, code: i32, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    for word in words {
        assert!(text.contains(word), "no {word:?} in: {text}");
    }
}

#[test]
fn a_workspace_where_everybody_gets_the_stand_in_is_well() {
    let packages = Packages::new("well").stand_in().library("service", "1.40", "stand-in");
    said(&packages.doctor("service"), 0, &["well:", "runs on unstuck", "1.54.1"]);
}

#[test]
fn a_workspace_without_tokio_is_well() {
    let packages = Packages::new("none").package("service", "service", "0.1.0", "");
    said(&packages.doctor("service"), 0, &["nothing here depends on tokio"]);
}

#[test]
fn a_workspace_without_the_patch_is_told_which_lines_to_add_and_where() {
    let packages = Packages::new("unpatched").real("1.54.1").library("service", "1", "real");
    let root = packages.0.join("service").join("Cargo.toml");
    let words = ["wrong:", "service 0.3.0", "[patch.crates-io]", root.to_str().unwrap()];
    said(&packages.doctor("service"), 1, &words);
}

#[test]
fn a_dependency_that_asks_for_a_newer_tokio_is_named() {
    let packages = Packages::new("newer").stand_in().real("1.60.0").library("newcomer", "1.60", "real").package(
        "service",
        "service",
        "0.1.0",
        "[dependencies]\ntokio = { version = \"1\", path = \"../stand-in\" }\nnewcomer = { path = \"../newcomer\" }",
    );
    let words = ["side by side", "newcomer 0.3.0 asks for ^1.60", "take an unstuck that stands in for"];
    said(&packages.doctor("service"), 1, &words);
}

#[test]
fn a_dependency_that_would_accept_the_stand_in_is_told_so() {
    let packages = Packages::new("content").stand_in().real("1.60.0").library("easy", "1.40", "real").package(
        "service",
        "service",
        "0.1.0",
        "[dependencies]\ntokio = { version = \"1\", path = \"../stand-in\" }\neasy = { path = \"../easy\" }",
    );
    let words = ["side by side", "cargo update -p tokio@1.60.0 --precise 1.54.1"];
    said(&packages.doctor("service"), 1, &words);
}

#[test]
fn a_manifest_that_is_not_there_is_not_a_verdict() {
    let packages = Packages::new("missing");
    assert!(!Path::new(&packages.manifest("service")).exists());
    said(&packages.doctor("service"), 2, &["cargo metadata", "correct this first"]);
}

#[test]
fn a_reader_that_has_seen_enough_does_not_change_the_verdict() {
    let packages = Packages::new("pipe").stand_in().library("service", "1.40", "stand-in");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_cargo-unstuck"));
    doctor.args(["unstuck", "doctor", "--offline", "--manifest-path"]).arg(packages.manifest("service"));
    assert_eq!(doctor.stdout(writer).status().unwrap().code(), Some(0));
}
