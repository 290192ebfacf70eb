//! Decimal integers as Redis reads and writes them.

/// Parses a decimal integer, strictly: `-` is the only sign, and spaces, leading zeros and `-0` are refused, so that
/// every number has one spelling and `INCR` never changes how a value looks.
pub(crate) fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [] | [b'0', ..] => return None,
        _ => {}
    }
    // Counts downward: `i64::MIN` has no positive counterpart.
    let mut value: i64 = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_sub(i64::from(digit - b'0'))?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

/// Appends `value` in decimal.
pub(crate) fn push_i64(out: &mut Vec<u8>, value: i64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_the_round_trip() {
        for value in [0, 1, -1, 9, 10, 1234567890, i64::MAX, i64::MIN, i64::MIN + 1] {
            let mut text = Vec::new();
            push_i64(&mut text, value);
            assert_eq!(text, value.to_string().as_bytes());
            assert_eq!(parse_i64(&text), Some(value));
        }
    }

    #[test]
    fn every_number_has_one_spelling() {
        let refused: [&[u8]; 13] = [
            b"",
            b"-",
            b"-0",
            b"00",
            b"01",
            b"+1",
            b" 1",
            b"1 ",
            b"1a",
            b"0x1",
            b"1.0",
            b"9223372036854775808",
            b"-9223372036854775809",
        ];
        for text in refused {
            assert_eq!(parse_i64(text), None, "{:?}", String::from_utf8_lossy(text));
        }
    }
}
