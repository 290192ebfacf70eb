//! The repository's text, read once.
//!
//! 1. Paths are relative to the root and use `/`, so that checks and their tests compare plain strings.
//! 2. Build output and git's own folder are never read; what is not UTF-8 is no text and is left out.

use std::fs;
use std::path::Path;

use crate::source::Source;

/// All text files of a repository, sorted by path.
pub(crate) struct Tree {
    files: Vec<File>,
}

/// One text file.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
    /// What the scanner made of it, when it is Rust.
    pub(crate) source: Option<Source>,
}

impl Tree {
    /// Reads everything below `root`.
    pub(crate) fn read(root: &Path) -> Result<Tree, String> {
        let mut files = Vec::new();
        collect(root, root, &mut files)?;
        Ok(Tree::new(files))
    }

    /// Makes a tree of `(path, text)` pairs: what the tests of the checks call.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Tree {
        Tree::new(files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect())
    }

    fn new(mut texts: Vec<(String, String)>) -> Tree {
        texts.sort();
        let mut files: Vec<File> = texts
            .into_iter()
            .map(|(path, text)| {
                let source = path.ends_with(".rs").then(|| Source::scan(&text));
                File { path, text, source }
            })
            .collect();
        mark_test_files(&mut files);
        Tree { files }
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    /// The Rust files, with what the scanner made of them.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&File, &Source)> {
        self.files.iter().filter_map(|file| Some((file, file.source.as_ref()?)))
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The manifests of the packages below `folder`, which ends with `/`; all of them for the empty string.
    pub(crate) fn manifests(&self, folder: &str) -> impl Iterator<Item = &File> {
        self.files
            .iter()
            .filter(move |file| file.path.starts_with(folder) && file.path.rsplit('/').next() == Some("Cargo.toml"))
    }
}

impl File {
    /// The folder that the file is in, ending with `/`; empty for the root.
    pub(crate) fn folder(&self) -> &str {
        self.path.rfind('/').map_or("", |slash| &self.path[..=slash])
    }

    /// The file's name without `.rs`; for a `mod.rs`, its folder's name.
    pub(crate) fn module(&self) -> &str {
        let path = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let path = path.strip_suffix("/mod").unwrap_or(path);
        path.rsplit('/').next().unwrap_or(path)
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            let name = entry.file_name();
            if name != "target" && name != ".git" {
                collect(root, &path, files)?;
            }
        } else if kind.is_file() {
            let bytes = fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let relative = path.strip_prefix(root).expect("every path was found below the root");
            let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
            files.push((parts.join("/"), text));
        }
    }
    Ok(())
}

/// Marks as test code every file that a `#[cfg(test)] mod name;` brings in, and everything below it, so that a check
/// sees no difference between a test module in braces and one in a file of its own.
fn mark_test_files(files: &mut [File]) {
    let mut prefixes = Vec::new();
    for file in files.iter() {
        let Some(source) = &file.source else { continue };
        let home = if matches!(file.path.rsplit('/').next(), Some("mod.rs" | "lib.rs" | "main.rs")) {
            file.folder().to_owned()
        } else {
            format!("{}/", file.path.strip_suffix(".rs").expect("it is Rust"))
        };
        for name in source.test_modules() {
            prefixes.push(format!("{home}{name}.rs"));
            prefixes.push(format!("{home}{name}/"));
        }
    }
    for file in files {
        let Some(source) = &mut file.source else { continue };
        let beside_the_sources = file.path.split('/').any(|part| part == "tests" || part == "benches");
        if beside_the_sources || prefixes.iter().any(|prefix| file.path.starts_with(prefix)) {
            source.mark_all_test();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_test(tree: &Tree, path: &str) -> bool {
        tree.file(path).unwrap().source.as_ref().unwrap().is_test(1)
    }

    #[test]
    fn a_module_behind_cfg_test_is_test_code_in_its_own_file_too() {
        let tree = Tree::of(&[
            ("crates/a/src/lib.rs", "#[cfg(all(test, unstuck_loom))]\nmod loom_tests;\nmod ring;\n"),
            ("crates/a/src/loom_tests.rs", "fn loom_x() {}\n"),
            ("crates/a/src/ring.rs", "fn push() {}\n#[cfg(test)]\nmod checks;\n"),
            ("crates/a/src/ring/checks.rs", "fn pushed() {}\n"),
        ]);
        assert!(is_test(&tree, "crates/a/src/loom_tests.rs"));
        assert!(is_test(&tree, "crates/a/src/ring/checks.rs"));
        assert!(!is_test(&tree, "crates/a/src/ring.rs"));
    }

    #[test]
    fn the_tests_folder_is_test_code() {
        let tree = Tree::of(&[("unstuck/tests/time.rs", "fn x() {}\n")]);
        assert!(is_test(&tree, "unstuck/tests/time.rs"));
    }

    #[test]
    fn a_mod_file_is_named_after_its_folder() {
        let tree = Tree::of(&[("crates/a/src/pool/mod.rs", ""), ("crates/a/src/pool/ring.rs", "")]);
        let modules: Vec<_> = tree.files().map(File::module).collect();
        assert_eq!(modules, ["pool", "ring"]);
    }
}
