//! The package that a suite is built in: the tests of a package of crates.io with the dependencies that they name.
//!
//! 1. It asks for Tokio as the tested package does. Only `[patch]` decides whose Tokio that is, so that also the crates
//!    which the tests use run on it.
//! 2. Each file of tests is a target of its own: one that does not compile hides no other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex_lite::Regex;

use super::options::{Options, Suite};
use crate::packages::{self, Package};

/// Dependencies of tests inside the packages, or of other platforms.
const NOT_USED: &[&str] = &["loom", "mockall", "wasm-bindgen-test", "windows-sys", "mio-aio"];

/// What the helper crates' own tests need of Tokio.
const TOKIO_FOR_OTHERS: &[&str] = &["full", "test-util"];

/// A package that is ready to build.
pub(super) struct Scratch {
    pub(super) folder: PathBuf,
    /// The names of the files of tests, sorted; none for examples.
    pub(super) files: Vec<String>,
    pub(super) features: Vec<&'static str>,
}

/// Writes the package of `suite` into `folder`: `source` holds the tests, `tested` is the Tokio that they are run on.
pub(super) fn write(
    folder: &Path,
    suite: &Suite,
    source: &Package,
    tested: &Package,
    options: &Options,
) -> Result<Scratch, String> {
    let tests = folder.join("tests");
    if tests.exists() {
        fs::remove_dir_all(&tests).map_err(|error| format!("cannot empty {}: {error}", tests.display()))?;
    }
    let mut files = Vec::new();
    let mut text = String::new();
    if !suite.examples {
        copy(&source.folder.join("tests"), &tests, &mut text, &mut |name| {
            let wanted = options.wants(name);
            files.extend(wanted.then(|| name.to_owned()));
            wanted
        })?;
        files.sort();
    }
    let mut features = suite.features.to_vec();
    features.extend(suite.unstable_features.iter().filter(|_| options.unstable));
    let uses = |name: &str| !NOT_USED.contains(&name) && (suite.examples || names_crate(&text, name));
    packages::write(&folder.join("src/lib.rs"), "")?;
    packages::write(&folder.join("Cargo.toml"), &manifest(suite, source, tested, options.real, &uses))?;
    Ok(Scratch { folder: folder.to_owned(), files, features })
}

/// Copies the wanted files of tests and every folder beside them, and gathers their text.
fn copy(from: &Path, to: &Path, text: &mut String, wanted: &mut dyn FnMut(&str) -> bool) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", from.display());
    for entry in fs::read_dir(from).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let target = to.join(path.file_name().expect("it was found in a folder"));
        if path.is_dir() {
            copy(&path, &target, text, &mut |_| true)?;
            continue;
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if path.extension().is_some_and(|extension| extension == "rs") && wanted(&name) {
            let file = fs::read_to_string(&path).map_err(failed)?;
            packages::write(&target, &file)?;
            text.push_str(&file);
        }
    }
    Ok(())
}

fn names_crate(text: &str, name: &str) -> bool {
    let word = format!(r"\b{}\b", name.replace('-', "_"));
    Regex::new(&word).is_ok_and(|word| word.is_match(text))
}

fn manifest(suite: &Suite, source: &Package, tested: &Package, real: bool, uses: &dyn Fn(&str) -> bool) -> String {
    // A test looks for this address in the manifest.
    let mut text = String::from(
        "[package]\nname = \"conformance\"\nversion = \"0.0.0\"\nedition = \"2021\"\npublish = false\n\
         homepage = \"https://tokio.rs\"\n[workspace]\n[lints.rust]\nunexpected_cfgs = \"allow\"\n\
         [profile.dev]\ndebug = \"line-tables-only\"\nincremental = false\n",
    );
    let (tables, written) = dependencies(source, uses);
    text += &tables;
    text += &format!("[dependencies.tokio]\nversion = \"={}\"\n", packages::version("tokio"));
    if suite.package != "tokio" {
        let version = packages::version(suite.package);
        text +=
            &format!("features = {TOKIO_FOR_OTHERS:?}\n[dependencies.{}]\nversion = \"={version}\"\n", suite.package);
    }
    text += "[features]\n";
    text += &features(suite, source, tested, &written);
    if !real {
        text += &format!("[patch.crates-io]\ntokio = {{ path = {:?} }}\n", tested.folder);
    }
    text
}

/// The dependencies that the tests may use, by table, and their names.
fn dependencies<'a>(source: &'a Package, uses: &dyn Fn(&str) -> bool) -> (String, BTreeSet<&'a str>) {
    let mut tables: BTreeMap<String, BTreeMap<&str, String>> = BTreeMap::new();
    let mut written = BTreeSet::new();
    for dependency in source.metadata["dependencies"].as_array().into_iter().flatten() {
        let Some(name) = dependency["name"].as_str() else { continue };
        if name == "tokio" || !uses(name) {
            continue;
        }
        let kind = if dependency["kind"] == "dev" { "dev-dependencies" } else { "dependencies" };
        let table = match dependency["target"].as_str() {
            Some(target) => format!("target.'{target}'.{kind}"),
            None => kind.to_owned(),
        };
        let entry = format!(
            "{{ version = {}, default-features = {}, features = {} }}",
            dependency["req"], dependency["uses_default_features"], dependency["features"]
        );
        tables.entry(table).or_default().insert(name, entry);
        written.insert(name);
    }
    let table = |(name, entries): (String, BTreeMap<&str, String>)| {
        let lines: String = entries.iter().map(|(name, entry)| format!("{name} = {entry}\n")).collect();
        format!("[{name}]\n{lines}")
    };
    (tables.into_iter().map(table).collect(), written)
}

/// The package's own features, since its tests ask for them by `cfg(feature)`; each brings the same one of the package.
fn features(suite: &Suite, source: &Package, tested: &Package, written: &BTreeSet<&str>) -> String {
    let mut text = String::new();
    for (name, implied) in source.features() {
        let mut values: Vec<String> = Vec::new();
        for other in implied {
            let known = source.has_feature(other);
            let of_dependency = other.split_once('/').is_some_and(|(package, _)| written.contains(package));
            if known || of_dependency {
                values.push(other.to_owned());
            }
        }
        if suite.package != "tokio" || tested.has_feature(name) {
            values.push(format!("{}/{name}", suite.package));
        }
        text += &format!("{name} = {values:?}\n");
    }
    text
}

/// The features that the scratch package has on, with those that they imply: what the examples see by `cfg(feature)`.
pub(super) fn all_features(source: &Package, features: &[&'static str]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut open: Vec<&str> = features.to_vec();
    while let Some(feature) = open.pop() {
        if source.has_feature(feature) && all.insert(feature.to_owned()) {
            open.extend(source.features().filter(|(name, _)| *name == feature).flat_map(|(_, implied)| implied));
        }
    }
    all
}

/// The package's crate and those that it depends on, by their names in code: what its examples may use.
pub(super) fn crates(source: &Package) -> BTreeSet<String> {
    let dependencies = source.metadata["dependencies"].as_array().into_iter().flatten();
    let named = dependencies.chain([&source.metadata]).filter_map(|named| named["name"].as_str());
    named.map(|name| name.replace('-', "_")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::options::SUITES;

    fn package(json: &str) -> Package {
        Package { metadata: serde_json::from_str(json).unwrap(), folder: PathBuf::from("compat/tokio") }
    }

    const SOURCE: &str = r#"{ "name": "tokio", "dependencies": [
        { "name": "nix", "req": "^0.31.0", "kind": "dev", "optional": false, "uses_default_features": false,
          "features": ["fs"], "target": "cfg(unix)" },
        { "name": "bytes", "req": "^1.2.1", "kind": null, "optional": true, "uses_default_features": true,
          "features": [], "target": null },
        { "name": "futures-test", "req": "^0.3", "kind": "dev", "optional": false, "uses_default_features": true,
          "features": [], "target": null } ],
        "features": { "full": ["rt"], "rt": ["dep:bytes"], "bytes": ["dep:bytes"] } }"#;

    #[test]
    fn the_manifest_has_what_the_tests_name_and_the_patch() {
        let source = package(SOURCE);
        let tested = package(r#"{ "features": { "full": [], "rt": [] } }"#);
        let text = manifest(&SUITES[0], &source, &tested, false, &|name| name == "nix");
        assert!(text.contains(
            "[target.'cfg(unix)'.dev-dependencies]\nnix = { version = \"^0.31.0\", default-features = false"
        ));
        assert!(!text.contains("futures-test"));
        assert!(text.contains("full = [\"rt\", \"tokio/full\"]\n"), "{text}");
        assert!(text.contains("bytes = []\n"), "the tested package has no such feature: {text}");
        assert!(text.ends_with("[patch.crates-io]\ntokio = { path = \"compat/tokio\" }\n"));
        assert!(!manifest(&SUITES[0], &source, &tested, true, &|_| false).contains("[patch"));
    }

    #[test]
    fn a_feature_brings_those_that_it_implies() {
        let all = all_features(&package(SOURCE), &["full"]);
        assert_eq!(all.into_iter().collect::<Vec<_>>(), ["full", "rt"]);
        assert!(crates(&package(SOURCE)).contains("futures_test"));
        assert!(crates(&package(SOURCE)).contains("tokio"));
    }

    #[test]
    fn a_crate_is_found_by_its_whole_name_in_code() {
        assert!(names_crate("use futures_test::x;", "futures-test"));
        assert!(!names_crate("use futures_tests::x;", "futures-test"));
    }
}
