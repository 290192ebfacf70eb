//! Two lists side by side: what is missing, what differs, and which auto traits are weaker.
//!
//! 1. More than Tokio has is no difference: further items, `const`, a stronger auto trait.

use std::collections::BTreeSet;

use super::items::{Items, Level, Line};

/// Where ours is not as Tokio's: each by its key, with both sides for people.
#[derive(Default, Debug)]
pub(super) struct Comparison {
    pub(super) missing: Vec<Difference>,
    pub(super) different: Vec<Difference>,
    pub(super) weaker: Vec<Difference>,
    /// How many items Tokio has.
    pub(super) total: usize,
}

/// One item that is not as in Tokio.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) key: String,
    pub(super) theirs: String,
    /// Empty when there is none.
    pub(super) ours: String,
}

/// Compares both lists.
pub(super) fn compare(theirs: &Items, ours: &Items) -> Comparison {
    let mut result = Comparison::default();
    let reachable: BTreeSet<&str> = ours.items.keys().filter_map(|key| Some(key.split_once(' ')?.1)).collect();
    for (key, lines) in &theirs.items {
        if lines.iter().all(|line| line.again) {
            continue;
        }
        result.total += 1;
        let difference = |other: Option<&BTreeSet<Line>>| Difference {
            key: key.clone(),
            theirs: written(lines),
            ours: other.map_or_else(String::new, written),
        };
        match ours.items.get(key) {
            Some(other) if same(lines, other) => {}
            Some(other) => result.different.push(difference(Some(other))),
            // Another name there may be an item of its own here.
            None if key.strip_prefix("use ").is_some_and(|path| reachable.contains(path)) => {}
            None => result.missing.push(difference(None)),
        }
    }
    for (key, auto) in &theirs.autos {
        let subject = key.split_once(" for ").map_or("", |(_, subject)| subject);
        let is_here = reachable.contains(subject.split('<').next().unwrap_or_default());
        let (Some(level), true) = (auto.level, is_here) else { continue };
        let other = ours.autos.get(key);
        let ours_level = other.map_or(Some(Level::No), |other| other.level);
        let other_line = other.map_or("", |other| other.line.written.as_str());
        let conditions_differ = other.is_some_and(|other| other.line.compared != auto.line.compared);
        // Under which conditions a type is Send or Sync decides whether it is sound, so these must be the same.
        let is_sharing = key.starts_with("Send ") || key.starts_with("Sync ");
        if ours_level.is_some_and(|ours_level| ours_level < level || is_sharing && conditions_differ) {
            result.weaker.push(Difference {
                key: key.clone(),
                theirs: auto.line.written.clone(),
                ours: other_line.to_owned(),
            });
        }
    }
    result
}

/// Whether the lines say the same, but for a `const` that is ours alone.
fn same(theirs: &BTreeSet<Line>, ours: &BTreeSet<Line>) -> bool {
    let want: BTreeSet<&str> = theirs.iter().map(|line| line.compared.as_str()).collect();
    let have = ours.iter().map(|line| match want.contains(line.compared.as_str()) {
        true => line.compared.clone(),
        false => line.compared.replacen("pub const fn", "pub fn", 1).replacen("pub const async", "pub async", 1),
    });
    let have: BTreeSet<String> = have.collect();
    want.len() == have.len() && have.iter().all(|line| want.contains(line.as_str()))
}

fn written(lines: &BTreeSet<Line>) -> String {
    let lines: Vec<_> = lines.iter().filter(|line| !line.again).map(|line| line.written.as_str()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::items::Auto;
    use super::*;

    fn line(text: &str) -> Line {
        Line { written: text.to_owned(), compared: text.to_owned(), again: false }
    }

    fn items(lines: &[(&str, &str)], autos: &[(&str, Level, &str)]) -> Items {
        let mut items = Items::default();
        for (key, text) in lines {
            items.items.entry((*key).to_owned()).or_default().insert(line(text));
        }
        for (key, level, text) in autos {
            items.autos.insert((*key).to_owned(), Auto { level: Some(*level), line: line(text) });
        }
        items
    }

    #[test]
    fn what_is_missing_and_what_differs_is_told_apart() {
        let theirs =
            items(&[("fn t::a", "pub fn t::a()"), ("fn t::b", "pub fn t::b()"), ("fn t::c", "pub fn t::c()")], &[]);
        let ours =
            items(&[("fn t::a", "pub fn t::a(u8)"), ("fn t::c", "pub const fn t::c()"), ("fn t::d", "more")], &[]);
        let result = compare(&theirs, &ours);
        assert_eq!((result.total, result.missing.len(), result.different.len()), (3, 1, 1));
        assert_eq!(result.missing[0].key, "fn t::b");
        assert_eq!(result.different[0].ours, "pub fn t::a(u8)");
    }

    #[test]
    fn another_name_may_be_an_item_of_its_own() {
        let theirs = items(&[("use t::a", "pub use t::a = t::b::a")], &[]);
        assert!(compare(&theirs, &items(&[("fn t::a", "pub fn t::a()")], &[])).missing.is_empty());
        assert_eq!(compare(&theirs, &items(&[], &[])).missing.len(), 1);
    }

    #[test]
    fn an_auto_trait_may_be_stronger_but_not_weaker() {
        let with =
            |level| items(&[("struct t::A", "pub struct t::A")], &[("Unpin for t::A", level, "impl Unpin for t::A")]);
        assert_eq!(compare(&with(Level::Yes), &with(Level::If)).weaker.len(), 1);
        assert!(compare(&with(Level::If), &with(Level::Yes)).weaker.is_empty());
        assert_eq!(compare(&with(Level::If), &items(&[("struct t::A", "pub struct t::A")], &[])).weaker.len(), 1);
    }

    #[test]
    fn send_under_other_conditions_differs() {
        let with = |text| items(&[("struct t::A", "pub struct t::A")], &[("Send for t::A<$0>", Level::If, text)]);
        let (one, other) = (with("where $0: Send"), with("where $0: Send + Sync"));
        assert_eq!(compare(&one, &other).weaker.len(), 1);
        assert!(compare(&one, &with("where $0: Send")).weaker.is_empty());
    }
}
