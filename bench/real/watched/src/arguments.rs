//! The command line.

use crate::operation::Operation;

/// What was asked for.
pub(crate) struct Arguments {
    /// An operation is measured when its name contains this.
    pub(crate) filter: String,
    /// How often everything is measured; `None`: as often as this way of measuring needs.
    pub(crate) rounds: Option<usize>,
    /// Count instructions, rather than seconds.
    pub(crate) instructions: bool,
}

pub(crate) const HELP: &str = "\
usage: cargo run --release -p watched -- [--instructions] [--filter PART_OF_A_NAME] [--rounds N]

  --instructions           count instructions, with valgrind, rather than CPU seconds
  --filter PART_OF_A_NAME  only operations whose name contains it
  --rounds N               measure everything N times
";

impl Arguments {
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Arguments, String> {
        let mut arguments = Arguments { filter: String::new(), rounds: None, instructions: false };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("`{word}` needs a value"));
            match word.as_str() {
                "--instructions" => arguments.instructions = true,
                "--filter" => arguments.filter = value()?,
                "--rounds" => arguments.rounds = Some(rounds(&value()?)?),
                _ => return Err(format!("`{word}` is no option")),
            }
        }
        Ok(arguments)
    }

    /// The operations that were asked for, each with its place in the table.
    pub(crate) fn wanted<'t, R>(&self, all: &'t [Operation<R>]) -> impl Iterator<Item = (usize, &'t Operation<R>)> {
        all.iter().enumerate().filter(|(_, operation)| operation.name.contains(&self.filter))
    }
}

fn rounds(value: &str) -> Result<usize, String> {
    let rounds = value.parse().ok().filter(|&rounds| rounds > 0);
    rounds.ok_or(format!("`{value}` rounds is no count from 1 up"))
}
