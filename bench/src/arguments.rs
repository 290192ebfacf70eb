//! The command line.

/// What was asked for.
pub(crate) struct Arguments {
    /// A case runs when its row's name contains one of these; all run when there is none.
    pub(crate) filters: Vec<String>,
    /// How often each side of a case is measured.
    pub(crate) rounds: usize,
    pub(crate) list: bool,
    pub(crate) help: bool,
}

pub(crate) const HELP: &str = "\
usage: cargo run --release -- [--filter TEXT]... [--rounds N] [--list]

  --filter TEXT  only rows whose name contains TEXT; may be given more than once
  --rounds N     measure both sides N times in turn (default 11)
  --list         print the names and end
";

impl Arguments {
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Arguments, String> {
        let mut arguments = Arguments { filters: Vec::new(), rounds: 11, list: false, help: false };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("`{word}` needs a value"));
            match word.as_str() {
                "--filter" => arguments.filters.push(value()?),
                "--rounds" => arguments.rounds = rounds(&value()?)?,
                "--list" => arguments.list = true,
                "--help" | "-h" => arguments.help = true,
                _ => return Err(format!("`{word}` is no option")),
            }
        }
        Ok(arguments)
    }

    pub(crate) fn wants(&self, name: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| name.contains(filter))
    }
}

fn rounds(value: &str) -> Result<usize, String> {
    let rounds = value.parse().ok().filter(|&rounds| rounds > 0);
    rounds.ok_or(format!("`{value}` rounds is no count from 1 up"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn any_filter_lets_a_row_through() {
        let arguments = parse("--filter mpsc --filter sleep --rounds 3").unwrap();
        assert!(arguments.wants("MT2 mpsc(100) 1->1"));
        assert!(!arguments.wants("MT2 oneshot"));
        assert_eq!(arguments.rounds, 3);
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parse("--round 3").err().unwrap(), "`--round` is no option");
        assert_eq!(parse("--filter").err().unwrap(), "`--filter` needs a value");
        assert_eq!(parse("--rounds 0").err().unwrap(), "`0` rounds is no count from 1 up");
    }
}
