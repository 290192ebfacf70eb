//! Every unsafe block and impl says why it is sound; every unsafe function and trait says what its caller must keep.
//!
//! 1. The compiler's lints ask the same of blocks. This check also sees code that the current platform leaves out, and
//!    private functions.
//! 2. A function's contract is a `# Safety` section; a private one, such as an entry of a vtable, may also say in a
//!    SAFETY comment above itself who calls it and why that is enough.
//! 3. A method of a trait that another trait's documentation binds (an `unsafe fn` inside `impl .. for ..`) needs no
//!    `# Safety` of its own.

use super::Finding;
use crate::source::{self, Source};
use crate::tree::Tree;

/// How far above an unsafe block its reason may stand. A run of comment lines counts as one.
const REACH: usize = 6;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in tree.rust() {
        for at in source::words(source.code(), "unsafe") {
            let line = source.line_of(at);
            let after = source.code()[at + "unsafe".len()..].trim_start();
            let message = match kind(after) {
                Some(Kind::Argument) if !has_reason(source, line) => {
                    "unsafe without a SAFETY comment that says why it is sound"
                }
                Some(Kind::Contract) if !has_contract(source, line) && !implements_trait(source.code(), at) => {
                    "an unsafe fn or trait that does not say what its caller owes (`# Safety`)"
                }
                _ => continue,
            };
            findings.push(Finding::at(&file.path, line, message));
        }
    }
    findings
}

/// What a piece of unsafe code owes its reader.
enum Kind {
    /// It relies on something: why does that hold?
    Argument,
    /// It asks for something: what must the caller keep?
    Contract,
}

/// Judges by what follows the word `unsafe`; types and attributes owe nothing.
fn kind(after: &str) -> Option<Kind> {
    let declares = |keyword: &str| {
        let name = after.strip_prefix(keyword)?.trim_start();
        name.starts_with(|first: char| first.is_alphabetic() || first == '_').then_some(Kind::Contract)
    };
    if after.starts_with('{') || source::words(after, "impl").next() == Some(0) {
        return Some(Kind::Argument);
    }
    if let Some(external) = after.strip_prefix("extern") {
        // The string that names the ABI is blank but for its quotes.
        let behind_abi = external.trim_start_matches([' ', '\n', '"']);
        return kind(behind_abi);
    }
    declares("fn ").or_else(|| declares("trait "))
}

/// Whether a SAFETY comment stands on the line, closely above it, or in the run of comments that ends there.
fn has_reason(source: &Source, line: usize) -> bool {
    let says = |number: usize| source.comment(number).contains("SAFETY");
    let near = (line.saturating_sub(REACH)..=line).any(says);
    near || comment_run_above(source, line).any(says)
}

fn has_contract(source: &Source, line: usize) -> bool {
    comment_run_above(source, line).any(|number| {
        let comment = source.comment(number);
        comment.contains("# Safety") || comment.contains("SAFETY")
    })
}

/// The lines above `line` that hold only comments and attributes.
fn comment_run_above(source: &Source, line: usize) -> impl Iterator<Item = usize> {
    (1..line).rev().take_while(|&number| {
        let code = source.line(number).trim();
        let attribute = code.starts_with("#[") || code.ends_with(']') && !code.contains(';');
        attribute || code.is_empty() && !source.comment(number).is_empty()
    })
}

/// Whether the code at `at` stands directly inside an `impl Trait for Type`.
fn implements_trait(code: &str, at: usize) -> bool {
    let mut depth = 0_usize;
    for (open, character) in code[..at].char_indices().rev() {
        match character {
            '}' => depth += 1,
            '{' if depth == 0 => {
                let header = code[..open].rsplit(['{', '}', ';']).next().unwrap_or("");
                return source::has_word(header, "impl") && source::has_word(header, "for");
            }
            '{' => depth -= 1,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        check(&Tree::of(&[("crates/task/src/run.rs", text)])).len()
    }

    #[test]
    fn a_block_without_a_reason_is_found() {
        assert_eq!(found("fn a() {\n    unsafe { b() }\n}\n"), 1);
        assert_eq!(found("unsafe impl Send for A {}\n"), 1);
        assert_eq!(found("unsafe extern \"C\" {\n    fn b();\n}\n"), 1);
    }

    #[test]
    fn a_reason_above_or_beside_is_enough() {
        assert_eq!(found("// SAFETY: rule 2.\nunsafe { b() }\n"), 0);
        assert_eq!(found("unsafe { b() } // SAFETY: rule 2.\n"), 0);
        assert_eq!(found("// SAFETY: rule 2.\nlet a =\n    unsafe { b() };\n"), 0);
    }

    #[test]
    fn a_long_reason_counts_from_its_last_line() {
        let reason = format!("// SAFETY: rule 2.\n{}unsafe {{ b() }}\n", "// and more\n".repeat(9));
        assert_eq!(found(&reason), 0);
        let far = format!("// SAFETY: rule 2.\n{}unsafe {{ b() }}\n", "let a;\n".repeat(9));
        assert_eq!(found(&far), 1);
    }

    #[test]
    fn an_unsafe_fn_states_its_contract() {
        assert_eq!(found("unsafe fn a(b: *const ()) {}\n"), 1);
        assert_eq!(found("/// Does.\n///\n/// # Safety\n///\n/// `b` lives.\n#[inline]\nunsafe fn a() {}\n"), 0);
        assert_eq!(found("/// # Safety\npub unsafe extern \"C\" fn a() {}\n"), 0);
        assert_eq!(found("pub unsafe extern \"C\" fn a() {}\n"), 1);
        assert_eq!(found("unsafe trait A {}\n"), 1);
        assert_eq!(found("// SAFETY: only VTABLE names it.\nunsafe fn a() {}\n"), 0);
    }

    #[test]
    fn a_pointer_to_an_unsafe_fn_and_an_attribute_owe_nothing() {
        assert_eq!(found("struct A { poll: unsafe fn(*const ()) }\n"), 0);
        assert_eq!(found("#[unsafe(no_mangle)]\nfn a() {}\n"), 0);
        assert_eq!(found("// unsafe { }\nlet a = \"unsafe { }\";\n"), 0);
    }

    #[test]
    fn a_trait_method_is_bound_by_the_traits_documentation() {
        assert_eq!(
            found("// SAFETY: forwards.\nunsafe impl Alloc for A {\n    fn x() {}\n    unsafe fn a() {}\n}\n"),
            0
        );
        assert_eq!(found("impl A {\n    fn x() {}\n    unsafe fn a() {}\n}\n"), 1);
    }
}
