//! Packages of crates.io as Cargo has them: fetched by Cargo, described by `cargo metadata`, read in its own folder.
//!
//! 1. Nothing of these packages comes into the repository: what is made of them is below the target folder.
//! 2. Each is pinned to the version that unstuck follows, so that a result means the same tomorrow.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The packages that unstuck is compared with, and their versions.
pub(crate) const VERSIONS: &[(&str, &str)] =
    &[("tokio", "1.54.1"), ("tokio-util", "0.7.20"), ("tokio-stream", "0.1.19"), ("tokio-test", "0.4.6")];

/// A package: what Cargo says of it, and where it is.
pub(crate) struct Package {
    pub(crate) metadata: Value,
    pub(crate) folder: PathBuf,
}

/// The pinned version of `name`.
pub(crate) fn version(name: &str) -> &'static str {
    VERSIONS.iter().find(|(known, _)| *known == name).expect("only pinned packages are asked for").1
}

/// Fetches the pinned version of `name` from crates.io, unless Cargo has it, with a manifest in `scratch` that asks for it.
pub(crate) fn fetch(name: &str, scratch: &Path) -> Result<Package, String> {
    let folder = scratch.join("fetch").join(name);
    let manifest = format!(
        "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[workspace]\n[dependencies]\n{name} = \"={}\"\n",
        version(name)
    );
    write(&folder.join("src/lib.rs"), "")?;
    write(&folder.join("Cargo.toml"), &manifest)?;
    let metadata = metadata(&folder, &[])?;
    let wanted = |package: &&Value| package["name"] == name && package["version"] == version(name);
    let mut packages = metadata["packages"].as_array().into_iter().flatten();
    let package = packages.find(wanted).ok_or_else(|| format!("Cargo fetched no {name}"))?;
    Package::of(package)
}

/// A package of this repository.
pub(crate) fn local(folder: &Path) -> Result<Package, String> {
    let metadata = metadata(folder, &["--no-deps"])?;
    let manifest = folder.join("Cargo.toml");
    let here = |package: &&Value| package["manifest_path"].as_str() == manifest.to_str();
    let package = metadata["packages"].as_array().into_iter().flatten().find(here);
    Package::of(package.ok_or_else(|| format!("{} is no package", folder.display()))?)
}

/// What `cargo metadata` says in `folder`.
pub(crate) fn metadata(folder: &Path, flags: &[&str]) -> Result<Value, String> {
    let mut command = Command::new("cargo");
    command.args(["metadata", "--format-version", "1"]).args(flags).current_dir(folder);
    let output = command.output().map_err(|error| format!("cannot start cargo: {error}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`cargo metadata` failed in {}:\n{errors}", folder.display()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("`cargo metadata` wrote no JSON: {error}"))
}

/// Writes a file and the folders above it. A file that already says so is left alone, so that nothing is built anew.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let folder = path.parent().expect("it is a file");
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    written.map_err(|error| format!("cannot write {}: {error}", path.display()))
}

impl Package {
    fn of(metadata: &Value) -> Result<Package, String> {
        let manifest = metadata["manifest_path"].as_str().ok_or("`cargo metadata` names no manifest")?;
        let folder = Path::new(manifest).parent().ok_or("a manifest is in a folder")?.to_owned();
        Ok(Package { metadata: metadata.clone(), folder })
    }

    /// The features with what each implies, also those that an optional dependency makes.
    pub(crate) fn features(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        let features = self.metadata["features"].as_object().into_iter().flatten();
        features.map(|(name, implied)| {
            (name.as_str(), implied.as_array().into_iter().flatten().filter_map(Value::as_str).collect())
        })
    }

    pub(crate) fn has_feature(&self, name: &str) -> bool {
        self.features().any(|(feature, _)| feature == name)
    }
}
