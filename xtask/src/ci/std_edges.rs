//! Makes the object file by which the thread sanitizer learns what std's locks and threads order.
//!
//! 1. std's functions are found by the end and the middle of their names in its own library, since a name also holds a
//!    number that differs between compilers. One that is not found, or found twice, is an error: a new std needs a look.
//! 2. `xtask/sanitizers/std_edges.rs.in` is compiled by the same compiler, with these names in place of `{role}`.

use std::fs;
use std::path::{Path, PathBuf};

use super::Invocation;

/// The functions of std that order memory where its inlined code does not: `(role, a part of the name, its end)`.
const FUNCTIONS: &[(&str, &str, &str)] = &[
    ("mutex_lock", "3sys4sync5mutex5futex", "14lock_contended"),
    ("rwlock_read", "3sys4sync6rwlock5futex", "14read_contended"),
    ("rwlock_write", "3sys4sync6rwlock5futex", "15write_contended"),
    ("condvar_wait", "3sys4sync7condvar5futex", "7Condvar4wait"),
    ("condvar_wait_timeout", "3sys4sync7condvar5futex", "7Condvar12wait_timeout"),
    ("barrier_wait", "4sync7barrier", "7Barrier4wait"),
    ("once_call", "3sys4sync4once5futex", "4Once4call"),
    ("scope_thread_ends", "6thread6scoped", "29decrement_num_running_threads"),
    ("park", "3std6thread9functions", "4park"),
    ("park_timeout", "3std6thread9functions", "12park_timeout"),
];

/// The names of these functions in one std, by role.
pub(super) struct StdEdges(Vec<(&'static str, String)>);

impl StdEdges {
    /// Looks them up in the shared library of std that is in `library`: its table of names is plain text.
    pub(super) fn find(library: &Path) -> Result<StdEdges, String> {
        let failed = |error: std::io::Error| format!("cannot read {}: {error}", library.display());
        let is_std = |name: &str| name.starts_with("libstd-") && name.ends_with(".so");
        let names = fs::read_dir(library).map_err(failed)?.filter_map(Result::ok).map(|entry| entry.path());
        let mut found = names.filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_std));
        let path = found.next().ok_or_else(|| format!("there is no libstd-*.so in {}", library.display()))?;
        StdEdges::among(&fs::read(path).map_err(failed)?)
    }

    fn among(bytes: &[u8]) -> Result<StdEdges, String> {
        let names = bytes.split(|&byte| byte == 0).filter(|name| name.starts_with(b"_R"));
        let names: Vec<&str> = names.filter_map(|name| std::str::from_utf8(name).ok()).collect();
        let look_up = |&(role, part, end): &(&'static str, &str, &str)| {
            let fits = |name: &&&str| name.starts_with("_RNv") && name.contains(part) && name.ends_with(end);
            let mut fitting: Vec<_> = names.iter().filter(fits).collect();
            fitting.dedup();
            match fitting[..] {
                [name] => Ok((role, (*name).to_owned())),
                _ => Err(format!(
                    "this nightly's std has {} functions like `..{part}..{end}`; see how it waits now, and correct the \
                     table in xtask/src/ci/std_edges.rs",
                    fitting.len()
                )),
            }
        };
        FUNCTIONS.iter().map(look_up).collect::<Result<_, _>>().map(StdEdges)
    }

    /// The linker's arguments that send calls of these functions to ours, which are in `object`.
    fn linker_arguments(&self, object: &Path) -> String {
        let wraps: String = self.0.iter().map(|(_, name)| format!("-Wl,--wrap={name}\n")).collect();
        format!("{}\n{wraps}", object.display())
    }

    /// The source with every `{role}` replaced.
    fn fill(&self, template: &str) -> String {
        self.0.iter().fold(template.to_owned(), |text, (role, name)| text.replace(&format!("{{{role}}}"), name))
    }
}

/// Compiles the functions that stand in, in `target`, and returns the file of arguments that the linker must get.
pub(super) fn build(root: &Path, edges: &StdEdges, target: &Path) -> Result<PathBuf, String> {
    let failed = |error: std::io::Error| format!("cannot write to {}: {error}", target.display());
    let template = root.join("xtask/sanitizers/std_edges.rs.in");
    let text = fs::read_to_string(&template).map_err(|error| format!("cannot read {}: {error}", template.display()))?;
    let file = |extension| target.join("std_edges").with_extension(extension);
    let (source, object, arguments) = (file("rs"), file("o"), file("args"));
    fs::create_dir_all(target).map_err(failed)?;
    fs::write(&source, edges.fill(&text)).map_err(failed)?;
    fs::write(&arguments, edges.linker_arguments(&object)).map_err(failed)?;
    let line = "rustc +nightly --edition 2024 --crate-type lib --emit obj -Cpanic=abort -Copt-level=1 -o";
    let mut command = Invocation::new(line).command(root);
    match command.arg(&object).arg(&source).status() {
        Ok(status) if status.success() => Ok(arguments),
        _ => Err(format!("{} does not compile; it is made of {}", source.display(), template.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names as a compiler makes them, NUL-terminated as in a library.
    fn library(names: impl Iterator<Item = String>) -> Vec<u8> {
        names.flat_map(|name| format!("\0{name}\0").into_bytes()).collect()
    }

    fn name((_, part, end): &(&str, &str, &str)) -> String {
        format!("_RNvMNtNtCs1_{part}NtB2_{end}")
    }

    #[test]
    fn each_function_is_found_once_and_wrapped() {
        let edges = StdEdges::among(&library(FUNCTIONS.iter().map(name))).unwrap();
        let arguments = edges.linker_arguments(Path::new("std_edges.o"));
        assert!(arguments.starts_with("std_edges.o\n-Wl,--wrap=_RNv"), "{arguments}");
        assert_eq!(arguments.lines().count(), 1 + FUNCTIONS.len());
        let lock = name(&FUNCTIONS[0]);
        assert_eq!(edges.fill("__wrap_{mutex_lock};"), format!("__wrap_{lock};"));
    }

    #[test]
    fn a_std_that_waits_otherwise_is_an_error() {
        let Err(message) = StdEdges::among(&library(FUNCTIONS.iter().skip(1).map(name))) else { panic!("found") };
        assert!(message.starts_with("this nightly's std has 0 functions like `..3sys4sync5mutex5futex"), "{message}");
    }

    #[test]
    fn the_source_names_every_role() {
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("sanitizers/std_edges.rs.in");
        let text = fs::read_to_string(template).unwrap();
        for (role, ..) in FUNCTIONS {
            assert_eq!(text.matches(&format!("_{{{role}}}\"")).count(), 2, "{role}: one real and one wrapped");
        }
        assert!(!StdEdges::among(&library(FUNCTIONS.iter().map(name))).unwrap().fill(&text).contains("_{"));
    }
}
