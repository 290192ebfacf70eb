//! What `cargo metadata` says, as far as the doctor asks: which packages are called `tokio`, and who wants them.
//!
//! 1. A stand-in is known by its manifest (`package.metadata.unstuck.stands-in-for`), not by its path: it may come from
//!    anywhere.

use std::collections::HashMap;

use semver::{Version, VersionReq};
use serde_json::Value;

/// One package called `tokio`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Runtime {
    pub(crate) version: Version,
    /// A folder, or a place that packages come from.
    pub(crate) origin: String,
    pub(crate) is_stand_in: bool,
    pub(crate) wanted_by: Vec<Dependant>,
}

/// A package that depends on a `tokio`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependant {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) asks_for: VersionReq,
}

/// Every `tokio` of a workspace.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) root: String,
    pub(crate) runtimes: Vec<Runtime>,
}

impl Graph {
    /// Reads what `cargo metadata --format-version 1` printed.
    ///
    /// # Errors
    /// What is missing or not as expected.
    pub(crate) fn read(json: &str) -> Result<Graph, String> {
        let metadata: Value = serde_json::from_str(json).map_err(|error| format!("`cargo metadata`: {error}"))?;
        let packages = list(&metadata["packages"], "packages")?;
        let by_id: HashMap<&str, &Value> =
            packages.iter().filter_map(|package| Some((package["id"].as_str()?, package))).collect();
        let nodes = list(&metadata["resolve"]["nodes"], "resolve.nodes")?;
        let mut runtimes = Vec::new();
        for package in packages.iter().filter(|package| package["name"] == "tokio") {
            let id = text(&package["id"], "id")?;
            let mut wanted_by = nodes
                .iter()
                .filter(|node| node["deps"].as_array().is_some_and(|deps| deps.iter().any(|dep| dep["pkg"] == id)))
                .filter_map(|node| by_id.get(node["id"].as_str()?))
                .map(|dependant| Dependant::read(dependant))
                .collect::<Result<Vec<_>, _>>()?;
            wanted_by.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
            let version = text(&package["version"], "version")?;
            runtimes.push(Runtime {
                version: version.parse().map_err(|error| format!("tokio's version {version}: {error}"))?,
                origin: match package["source"].as_str() {
                    Some(source) => source.to_owned(),
                    None => {
                        text(&package["manifest_path"], "manifest_path")?.trim_end_matches("/Cargo.toml").to_owned()
                    }
                },
                is_stand_in: package["metadata"]["unstuck"]["stands-in-for"] == "tokio",
                wanted_by,
            });
        }
        runtimes.sort_by(|a, b| a.version.cmp(&b.version));
        Ok(Graph { root: text(&metadata["workspace_root"], "workspace_root")?.to_owned(), runtimes })
    }
}

impl Dependant {
    fn read(package: &Value) -> Result<Dependant, String> {
        let name = text(&package["name"], "name")?;
        let asks_for = list(&package["dependencies"], "dependencies")?
            .iter()
            .find(|dependency| dependency["name"] == "tokio")
            .and_then(|dependency| dependency["req"].as_str())
            .unwrap_or("*");
        Ok(Dependant {
            name: name.to_owned(),
            version: text(&package["version"], "version")?.to_owned(),
            asks_for: asks_for.parse().map_err(|error| format!("{name} asks for tokio {asks_for}: {error}"))?,
        })
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, String> {
    value
        .as_str()
        .ok_or_else(|| format!("`cargo metadata` has no text at `{name}`; is this Cargo newer than the doctor?"))
}

fn list<'a>(value: &'a Value, name: &str) -> Result<&'a Vec<Value>, String> {
    value
        .as_array()
        .ok_or_else(|| format!("`cargo metadata` has no list at `{name}`; is this Cargo newer than the doctor?"))
}
