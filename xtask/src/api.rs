//! `cargo xtask api`: our public API beside Tokio's, item by item, and whether each item is documented.
//!
//! 1. Both sides are read by the same code from rustdoc's JSON, Tokio's from its own package, so nothing here can be out of
//!    date. That JSON is known to the nightly toolchain alone.
//! 2. What may differ is listed with its reason in `conformance/api.toml`. A row that is no longer needed is an error.
//! 3. Macros are compared by name; blanket impls and hidden items are not compared.
//! 4. Documentation is asked for under the paths of `compat/tokio`, which users of both packages have; `docs.rs` says what.

mod compare;
mod crates;
mod docs;
mod items;
mod render;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::manifest;
use crate::packages;
use compare::{Comparison, Difference};
use crates::Crates;
use docs::Documentation;
use items::Items;
use walk::Walk;

/// What is turned on on both sides.
const FEATURES: &[&str] = &["full", "test-util", "tracing"];

/// What is turned on in addition with `--unstable`. Dumps of tasks (feature `taskdump`) are not compared: unstuck has none
/// yet, and the stand-in does not pretend to.
const UNSTABLE_FEATURES: &[&str] = &["io-uring", "schedule-latency"];

/// Compares `compat/tokio` of the repository at `root` with Tokio.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<(), String> {
    let (flags, suffix, features) = match arguments {
        [] => ("", "", FEATURES.to_vec()),
        ["--unstable"] => ("--cfg tokio_unstable", "-unstable", [FEATURES, UNSTABLE_FEATURES].concat()),
        _ => return Err(format!("`api {}`: it takes nothing or `--unstable`", arguments.join(" "))),
    };
    let allowed = allowed(root)?;
    let folder = crate::target_folder(root).join("api");
    let version = packages::version("tokio");
    let real = format!("version = \"={version}\", default-features = false, features = {features:?}");
    let real = Crates::new(folder.join(format!("tokio{suffix}")), &real, flags)?;
    let theirs = Items::of(&Walk::new(&real, &BTreeSet::new())?);
    real.failure()?;
    let stand_in = root.join("compat/tokio");
    let ours = format!("path = {stand_in:?}, default-features = false, features = {features:?}");
    let ours_crates = Crates::new(folder.join(format!("unstuck{suffix}")), &ours, flags)?;
    let walk = Walk::new(&ours_crates, &theirs.paths())?;
    let (ours, documentation) = (Items::of(&walk), Documentation::of(&walk));
    ours_crates.failure()?;
    let compared = judge(&compare::compare(&theirs, &ours), &allowed);
    let documented = documentation.judge();
    compared.and(documented)
}

/// Prints what differs and is not allowed to.
fn judge(found: &Comparison, allowed: &BTreeMap<String, String>) -> Result<(), String> {
    let mut unused: BTreeSet<&str> = allowed.keys().map(String::as_str).collect();
    let mut count = 0;
    for (title, differences) in [
        ("missing", &found.missing),
        ("different", &found.different),
        ("auto traits weaker, or Send and Sync under other conditions", &found.weaker),
    ] {
        let open: Vec<_> = differences.iter().filter(|difference| !allowed.contains_key(&difference.key)).collect();
        differences.iter().for_each(|difference| _ = unused.remove(difference.key.as_str()));
        println!("\n{title}: {} ({} more are allowed)", open.len(), differences.len() - open.len());
        open.iter().for_each(|difference| print!("{}", text(difference)));
        count += open.len();
    }
    let same = found.total - found.missing.len() - found.different.len();
    println!("\napi: {same} of {} items of Tokio are here and the same", found.total);
    for key in &unused {
        println!("wrong: conformance/api.toml allows `{key}` to differ, but it does not: take the row out");
    }
    match count + unused.len() {
        0 => Ok(()),
        wrong => Err(format!("api: {wrong} differences; mend each, or allow it with a reason in conformance/api.toml")),
    }
}

fn text(difference: &Difference) -> String {
    let side = |mark: &str, text: &str| text.lines().map(|line| format!("    {mark} {line}\n")).collect::<String>();
    format!("  {}\n{}{}", difference.key, side("-", &difference.theirs), side("+", &difference.ours))
}

/// The rows of `conformance/api.toml`: an item and why it may differ.
fn allowed(root: &Path) -> Result<BTreeMap<String, String>, String> {
    let path = root.join("conformance/api.toml");
    let text = fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    parse(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
    let row = |entry: manifest::Entry<'_>| {
        let reason = entry.value.trim_matches('"').to_owned();
        match entry.table == "allowed" && reason.ends_with('.') {
            true => Ok((entry.key.trim_matches('"').to_owned(), reason)),
            false => Err(format!("line {}: a row is `\"ITEM\" = \"A sentence.\"` in [allowed]", entry.line)),
        }
    };
    manifest::entries(text).into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(key: &str) -> Comparison {
        let difference = Difference { key: key.to_owned(), theirs: "pub fn a()".to_owned(), ours: String::new() };
        Comparison { missing: vec![difference], total: 2, ..Comparison::default() }
    }

    #[test]
    fn a_difference_is_an_error_unless_it_is_allowed() {
        let allowed = parse("[allowed]\n\"fn tokio::a\" = \"It only works on another platform.\"\n").unwrap();
        assert!(judge(&comparison("fn tokio::a"), &allowed).is_ok());
        assert!(judge(&comparison("fn tokio::b"), &BTreeMap::new()).is_err());
    }

    #[test]
    fn a_row_that_is_no_longer_needed_is_an_error() {
        let allowed = parse("[allowed]\n\"fn tokio::a\" = \"It only works on another platform.\"\n").unwrap();
        assert!(judge(&Comparison::default(), &allowed).is_err());
    }

    #[test]
    fn every_row_has_a_reason() {
        assert!(parse("[allowed]\n\"fn tokio::a\" = \"\"\n").is_err());
        assert!(allowed(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()).is_ok());
    }
}
