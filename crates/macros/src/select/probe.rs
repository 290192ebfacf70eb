//! A pattern that tells whether another one matches, without taking the value apart.
//!
//! 1. It matches exactly when the original does.
//! 2. It moves nothing out of the value, which is matched once more, by the original, when it has left the poll function.
//!
//! Whether a lone name in a pattern binds or is a constant (`None`) cannot be seen in the tokens, so names cannot simply
//! become `_`. Matched behind a reference, a pattern that has lost its `ref` and `mut` obeys both rules, except where it
//! contains `&`: the compiler takes no `&` behind a reference that it went through by itself. Such a pattern is matched
//! in place, and there names that begin in lower case become `_`.

use proc_macro2::Span;
use syn::{Pat, PatIdent, PatWild, Token};

/// How to match, and which pattern.
pub(super) enum Probe {
    /// Match `&value`.
    ByReference(Pat),
    /// Match `value`.
    InPlace(Pat),
}

impl Probe {
    pub(super) fn of(pattern: &Pat) -> Probe {
        let mut probe = pattern.clone();
        if dereferences(&mut probe) {
            remove_names(&mut probe);
            Probe::InPlace(probe)
        } else {
            remove_modifiers(&mut probe);
            Probe::ByReference(probe)
        }
    }
}

fn dereferences(pattern: &mut Pat) -> bool {
    matches!(pattern, Pat::Reference(_)) || parts(pattern).into_iter().any(dereferences)
}

fn remove_modifiers(pattern: &mut Pat) {
    if let Pat::Ident(name) = pattern {
        name.by_ref = None;
        name.mutability = None;
    }
    parts(pattern).into_iter().for_each(remove_modifiers);
}

fn remove_names(pattern: &mut Pat) {
    if let Pat::Struct(structure) = pattern {
        for field in &mut structure.fields {
            // `Point { x }` must become `Point { x: _ }`.
            field.colon_token.get_or_insert(Token![:](Span::mixed_site()));
        }
    }
    if let Pat::Ident(name) = pattern
        && binds(name)
    {
        *pattern = match name.subpat.take() {
            Some((_, part)) => *part,
            None => Pat::Wild(PatWild { attrs: Vec::new(), underscore_token: Token![_](name.ident.span()) }),
        };
        return remove_names(pattern);
    }
    parts(pattern).into_iter().for_each(remove_names);
}

/// Whether this is a variable, as far as tokens can tell: constants and unit structs begin in upper case.
fn binds(name: &PatIdent) -> bool {
    let has_modifier = name.by_ref.is_some() || name.mutability.is_some() || name.subpat.is_some();
    has_modifier || !name.ident.to_string().trim_start_matches("r#").starts_with(char::is_uppercase)
}

/// The patterns directly inside this one.
fn parts(pattern: &mut Pat) -> Vec<&mut Pat> {
    match pattern {
        Pat::Ident(name) => name.subpat.iter_mut().map(|(_, part)| &mut **part).collect(),
        Pat::Or(or) => or.cases.iter_mut().collect(),
        Pat::Paren(paren) => vec![&mut *paren.pat],
        Pat::Reference(reference) => vec![&mut *reference.pat],
        Pat::Slice(slice) => slice.elems.iter_mut().collect(),
        Pat::Struct(structure) => structure.fields.iter_mut().map(|field| &mut *field.pat).collect(),
        Pat::Tuple(tuple) => tuple.elems.iter_mut().collect(),
        Pat::TupleStruct(structure) => structure.elems.iter_mut().collect(),
        _ => Vec::new(),
    }
}
