//! A Rust file as the checks see it: code without its comments and strings, comments without the code.
//!
//! 1. Both views keep the line numbers of the file, so that a finding can name its line.
//! 2. This is a scanner, not a parser: it knows comments, literals, attributes and brackets, and nothing else. A check
//!    that needs more belongs into a lint of the compiler.

use std::ops::Range;

/// What the scanner made of one file.
pub(crate) struct Source {
    /// The file with every comment, and the inside of every string and character literal, replaced by spaces.
    code: String,
    /// Where each line of `code` begins.
    starts: Vec<usize>,
    /// The text of the comments of each line, with their slashes.
    comments: Vec<String>,
    /// Whether each line belongs to an item behind a `cfg` that names `test`.
    test: Vec<bool>,
}

/// One attribute: `#[..]` or `#![..]`.
pub(crate) struct Attribute<'a> {
    /// The line of its `#`, counted from 1.
    pub(crate) line: usize,
    /// Whether it is `#![..]`.
    pub(crate) inner: bool,
    /// What stands between the brackets; string literals are blank.
    pub(crate) text: &'a str,
    /// The code after it, where further attributes and then its item begin.
    pub(crate) rest: usize,
}

impl Source {
    pub(crate) fn scan(text: &str) -> Source {
        let (code, comments) = separate(text);
        let mut starts = vec![0];
        starts.extend(code.match_indices('\n').map(|(at, _)| at + 1));
        let test = vec![false; starts.len()];
        let mut source = Source { code, starts, comments, test };
        source.mark_test_items();
        source
    }

    /// All code, lines kept.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// The lines of code, numbered from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.split('\n').enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The code of `line`; empty past the end.
    pub(crate) fn line(&self, line: usize) -> &str {
        let Some(&start) = line.checked_sub(1).and_then(|index| self.starts.get(index)) else { return "" };
        self.code[start..].split('\n').next().unwrap_or("")
    }

    /// The comments of `line`; empty past the end.
    pub(crate) fn comment(&self, line: usize) -> &str {
        line.checked_sub(1).and_then(|index| self.comments.get(index)).map_or("", String::as_str)
    }

    /// Whether `line` belongs to a test.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        line.checked_sub(1).and_then(|index| self.test.get(index)).is_some_and(|&test| test)
    }

    /// Declares the whole file a test: its `mod` line elsewhere says so.
    pub(crate) fn mark_all_test(&mut self) {
        self.test.fill(true);
    }

    /// The line, from 1, of an offset into [`code`](Self::code).
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|&start| start <= offset)
    }

    /// The attributes, in order.
    pub(crate) fn attributes(&self) -> Vec<Attribute<'_>> {
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices('#') {
            let after = &self.code[at + 1..];
            let inner = after.starts_with('!');
            let open = at + 1 + usize::from(inner);
            if !self.code[open..].starts_with('[') {
                continue;
            }
            let end = self.closing(open);
            let text = self.code[open + 1..end].trim_end_matches(']').trim();
            found.push(Attribute { line: self.line_of(at), inner, text, rest: end });
        }
        found
    }

    /// The item that an attribute stands before, without the attributes that follow.
    pub(crate) fn item_after(&self, attribute: &Attribute<'_>) -> &str {
        &self.code[self.item_range(attribute.rest)]
    }

    /// The names of the modules `mod name;` that are behind a `cfg` that names `test`.
    pub(crate) fn test_modules(&self) -> Vec<&str> {
        let behind_test = self.attributes().into_iter().filter(|attribute| names_test(attribute.text));
        let items = behind_test.map(|attribute| self.item_range(attribute.rest));
        items.filter_map(|item| self.code[item].strip_suffix(';')?.split("mod ").nth(1)).map(str::trim).collect()
    }

    fn mark_test_items(&mut self) {
        let last_line = |attribute: &Attribute<'_>| match attribute.inner {
            true => self.test.len(),
            false => self.line_of(self.item_range(attribute.rest).end.saturating_sub(1)),
        };
        let attributes = self.attributes();
        let behind_test = attributes.iter().filter(|attribute| names_test(attribute.text));
        let ranges: Vec<(usize, usize)> = behind_test.map(|attribute| (attribute.line, last_line(attribute))).collect();
        for (first, last) in ranges {
            self.test[first - 1..last].fill(true);
        }
    }

    /// From the first character that is neither blank nor part of an attribute to the item's `;` or closing brace.
    fn item_range(&self, mut from: usize) -> Range<usize> {
        loop {
            let rest = &self.code[from..];
            from += rest.len() - rest.trim_start().len();
            if !self.code[from..].starts_with("#[") {
                break;
            }
            from = self.closing(from + 1);
        }
        let mut at = from;
        while let Some(character) = self.code[at..].chars().next() {
            match character {
                ';' => return from..at + 1,
                '{' => return from..self.closing(at),
                '(' | '[' => at = self.closing(at),
                _ => at += character.len_utf8(),
            }
        }
        from..at
    }

    /// The offset after the bracket that closes the one at `open`; the end of the file when none does.
    fn closing(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for (offset, character) in self.code[open..].char_indices() {
            match character {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return open + offset + 1;
                    }
                }
                _ => {}
            }
        }
        self.code.len()
    }
}

/// Whether an attribute is a `cfg` that is only true in tests.
pub(crate) fn names_test(attribute: &str) -> bool {
    let dense: String = attribute.chars().filter(|character| !character.is_whitespace()).collect();
    (dense.starts_with("cfg(") || dense.starts_with("cfg_attr("))
        && has_word(&dense, "test")
        && !dense.contains("not(test")
        && !dense.contains("any(")
}

/// Whether `word` stands in `text` with no identifier character on either side.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    words(text, word).next().is_some()
}

/// The offsets at which `word` stands in `text` with no identifier character on either side.
pub(crate) fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let belongs = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        !text[..at].chars().next_back().is_some_and(belongs)
            && !text[at + word.len()..].chars().next().is_some_and(belongs)
    })
}

/// Where the scanner is.
enum Within {
    Code,
    LineComment,
    /// How many `/*` are open: block comments nest.
    BlockComment(usize),
    Text,
    /// How many `#` end it.
    RawText(usize),
    Character,
}

/// Splits a file into its code, with all else blanked, and the comments of each line.
fn separate(text: &str) -> (String, Vec<String>) {
    let characters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut comments = vec![String::new()];
    let mut within = Within::Code;
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        let next = characters.get(at + 1).copied();
        if character == '\n' {
            code.push('\n');
            comments.push(String::new());
            if matches!(within, Within::LineComment) {
                within = Within::Code;
            }
            at += 1;
            continue;
        }
        let line = comments.last_mut().expect("there is always a line");
        // How many characters this step consumes; in code it keeps them, elsewhere it blanks them.
        let mut width = 1;
        let mut keep = false;
        match within {
            Within::Code => match (character, next) {
                ('/', Some('/')) => {
                    within = Within::LineComment;
                    line.push(character);
                }
                ('/', Some('*')) => {
                    within = Within::BlockComment(1);
                    line.push_str("/*");
                    width = 2;
                }
                ('"', _) => {
                    within = Within::Text;
                    keep = true;
                }
                ('r', Some('"' | '#')) if !follows_identifier(&characters, at) => {
                    keep = true;
                    if let Some(hashes) = raw_text_hashes(&characters[at + 1..]) {
                        within = Within::RawText(hashes);
                        width = hashes + 2;
                    }
                }
                ('\'', Some(first)) if first == '\\' || characters.get(at + 2) == Some(&'\'') => {
                    within = Within::Character;
                    // The first character inside may itself be a quote or a backslash: step over both at once.
                    width = if first == '\\' { 3 } else { 2 };
                }
                _ => keep = true,
            },
            Within::LineComment => line.push(character),
            Within::BlockComment(depth) => {
                line.push(character);
                match (character, next) {
                    ('/', Some('*')) => {
                        within = Within::BlockComment(depth + 1);
                        width = 2;
                    }
                    ('*', Some('/')) => {
                        within = if depth == 1 { Within::Code } else { Within::BlockComment(depth - 1) };
                        width = 2;
                    }
                    _ => {}
                }
            }
            Within::Text => match character {
                '\\' if next != Some('\n') => width = 2,
                '"' => {
                    within = Within::Code;
                    keep = true;
                }
                _ => {}
            },
            Within::RawText(hashes) => {
                let closes = characters[at + 1..].iter().take(hashes).filter(|&&hash| hash == '#').count() == hashes;
                if character == '"' && closes {
                    within = Within::Code;
                    width = hashes + 1;
                    keep = true;
                }
            }
            Within::Character => {
                if character == '\'' {
                    within = Within::Code;
                }
            }
        }
        for &consumed in characters[at..].iter().take(width) {
            code.push(if keep { consumed } else { ' ' });
        }
        at += width;
    }
    (code, comments)
}

/// Whether the character at `at` continues an identifier, as the `r` of `for` does.
fn follows_identifier(characters: &[char], at: usize) -> bool {
    let Some(&before) = at.checked_sub(1).and_then(|before| characters.get(before)) else { return false };
    // `br".."` and `cr".."` are raw strings too.
    let prefix = matches!(before, 'b' | 'c') && !follows_identifier(characters, at - 1);
    (before.is_alphanumeric() || before == '_') && !prefix
}

/// How many `#` open the raw string whose text after the `r` is given; `None` for a raw identifier.
fn raw_text_hashes(after: &[char]) -> Option<usize> {
    let hashes = after.iter().take_while(|&&character| character == '#').count();
    (after.get(hashes) == Some(&'"')).then_some(hashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        Source::scan(text).code().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_strings_are_not_code() {
        assert_eq!(code("let a = 1; // unsafe"), "let a = 1;");
        assert_eq!(code("/* a /* nested */ unsafe */ let b;"), "let b;");
        assert_eq!(code(r#"f("unsafe \" { //", x)"#), "f(\" \", x)");
        assert_eq!(code("f(\"\\\\\", unsafe_after)"), "f(\" \", unsafe_after)");
    }

    #[test]
    fn raw_strings_end_at_their_own_hashes() {
        assert_eq!(code("f(r#\"a \" unsafe\"#, y)"), "f(r#\" \"#, y)");
        assert_eq!(code("f(br\"a\\\", y)"), "f(br\" \", y)");
        assert_eq!(code("let r#type = 1;"), "let r#type = 1;");
        assert_eq!(code("for\"x\""), "for\" \"");
    }

    #[test]
    fn lifetimes_are_code_and_characters_are_not() {
        assert_eq!(code("fn f<'a>(x: &'a str) -> char { '{' }"), "fn f<'a>(x: &'a str) -> char { }");
        assert_eq!(code("['\\'', '\"', '\\\\', 'x'] + y"), "[ , , , ] + y");
    }

    #[test]
    fn comments_keep_their_lines() {
        let source = Source::scan("let a;\n// SAFETY: one\nlet b; // two\n/* three\nfour */ c\n");
        assert_eq!(source.comment(2), "// SAFETY: one");
        assert_eq!(source.comment(3), "// two");
        assert_eq!(source.comment(5).trim_end(), "four *");
        assert_eq!(source.line(5).trim(), "c");
        assert_eq!(source.comment(99), "");
    }

    #[test]
    fn an_item_behind_cfg_test_is_a_test_to_its_last_brace() {
        let source = Source::scan("fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { }\n}\nfn c() {}\n");
        let tests: Vec<bool> = (1..=6).map(|line| source.is_test(line)).collect();
        assert_eq!(tests, [false, true, true, true, true, false]);
    }

    #[test]
    fn cfg_not_test_and_any_are_no_tests() {
        assert!(names_test("cfg(test)"));
        assert!(names_test("cfg(all(test, unstuck_loom))"));
        assert!(names_test("cfg(all(test, not(unstuck_loom)))"));
        assert!(!names_test("cfg(not(test))"));
        assert!(!names_test("cfg(any(test, feature = \"x\"))"));
        assert!(!names_test("derive(test)"));
        assert!(!names_test("cfg(feature = \"    \", testing)"));
    }

    #[test]
    fn an_attribute_finds_its_item_behind_other_attributes() {
        let source = Source::scan("#[cfg(unix)]\n#[allow(x)]\npub mod unix;\nfn f() {}\n");
        let attributes = source.attributes();
        assert_eq!(attributes[0].text, "cfg(unix)");
        assert_eq!(source.item_after(&attributes[0]), "pub mod unix;");
    }

    #[test]
    fn test_modules_in_files_are_found_by_name() {
        let source =
            Source::scan("#[cfg(test)]\nmod tests;\n#[cfg(test)]\npub(crate) mod probe;\n#[cfg(unix)]\nmod a;\n");
        assert_eq!(source.test_modules(), ["tests", "probe"]);
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("an unsafe block", "unsafe"));
        assert!(!has_word("unsafe_block", "unsafe"));
        assert_eq!(words("a.a a_a a", "a").collect::<Vec<_>>(), [0, 2, 8]);
    }
}
