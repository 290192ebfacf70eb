//! Patterns of `KEYS`, `SCAN MATCH`, `PSUBSCRIBE` and `CONFIG GET`, over bytes.
//!
//! `*` any bytes; `?` any one byte; `[ab]`, `[a-z]`, `[^a]` one byte of a set; `\` takes the next byte literally.
//!
//! 1. The time is bounded by pattern times text: only the last `*` is ever retried, since what an earlier one could
//!    take instead, the last one can take as well.

/// True if `pattern` covers all of `text`.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern_at, mut text_at) = (0, 0);
    // Where to go on if what follows the last star fails: the pattern behind it, and the text that it has not taken.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if pattern.get(pattern_at) == Some(&b'*') {
            pattern_at += 1;
            retry = Some((pattern_at, text_at));
            continue;
        }
        let step = match text.get(text_at) {
            None if pattern_at == pattern.len() => return true,
            // A star that takes still more text leaves even less for the rest.
            None => return false,
            Some(byte) => one(&pattern[pattern_at..], *byte),
        };
        match (step, &mut retry) {
            (Some(length), _) => {
                pattern_at += length;
                text_at += 1;
            }
            (None, Some((behind_star, untaken))) => {
                *untaken += 1;
                (pattern_at, text_at) = (*behind_star, *untaken);
            }
            (None, None) => return false,
        }
    }
}

/// Matches one byte; how much of the pattern that took.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'[', set @ ..] => {
            let (found, length) = in_set(set, byte);
            found.then_some(1 + length)
        }
        [b'\\', literal, ..] => (*literal == byte).then_some(2),
        [literal, ..] => (*literal == byte).then_some(1),
    }
}

/// Whether the set holds `byte`, and how long the set is with its bracket. A set that is not closed ends with the pattern.
fn in_set(set: &[u8], byte: u8) -> (bool, usize) {
    let negated = set.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut found = false;
    let length = loop {
        match set[at..] {
            [] => break at,
            [b']', ..] => break at + 1,
            [b'\\', literal, ..] => {
                found |= literal == byte;
                at += 2;
            }
            [from, b'-', to, ..] => {
                found |= (from.min(to)..=from.max(to)).contains(&byte);
                at += 3;
            }
            [literal, ..] => {
                found |= literal == byte;
                at += 1;
            }
        }
    };
    (found != negated, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_what_redis_says_they_cover() {
        let table = [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything", true),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h*llo", "heeeello", true),
            ("h*llo", "hell", false),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-c]llo", "hbllo", true),
            ("h[c-a]llo", "hbllo", true),
            ("h[a-c]llo", "hdllo", false),
            (r"\*", "*", true),
            (r"\*", "a", false),
            (r"a\", r"a\", true),
            (r"[\]]", "]", true),
            ("[abc", "b", true),
            ("[", "", false),
            ("user:*:name", "user:1:2:name", true),
            ("*:*:*", "a:b", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
            ("**a", "a", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn many_stars_do_not_take_exponential_time() {
        let pattern = b"a*".repeat(200);
        let text = vec![b'a'; 20_000];
        assert!(matches(&pattern, &text));
        assert!(!matches(&[&pattern[..], b"b"].concat(), &text));
    }
}
