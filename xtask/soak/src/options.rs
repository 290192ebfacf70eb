//! The command line.

use std::time::Duration;

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) limit: Duration,
    /// `None`: any.
    pub(crate) seed: Option<u64>,
    /// This round again and again.
    pub(crate) round: Option<u64>,
    /// Only these; none: all.
    pub(crate) scenarios: Vec<String>,
    /// The one that the program was built with.
    pub(crate) sanitizer: Option<String>,
}

impl Options {
    pub(crate) fn parse(words: &[&str]) -> Result<Options, String> {
        let mut options = Options {
            limit: Duration::from_secs(120),
            seed: None,
            round: None,
            scenarios: Vec::new(),
            sanitizer: None,
        };
        for pair in words.chunks(2) {
            let &[flag, value] = pair else { return Err(format!("`{}` needs a value", pair[0])) };
            let number = || value.parse::<u64>().map_err(|_| format!("`{flag} {value}`: it takes a whole number"));
            match flag {
                "--minutes" => options.limit = minutes(value)?,
                "--seed" => options.seed = Some(number()?),
                "--round" => options.round = Some(number()?),
                "--only" => options.scenarios = value.split(',').map(str::to_owned).collect(),
                "--sanitizer" => options.sanitizer = Some(value.to_owned()),
                _ => return Err(format!("`{flag}`: it takes --minutes, --seed, --round, --only, --sanitizer")),
            }
        }
        crate::scenarios::check_names(&options.scenarios)?;
        Ok(options)
    }

    /// The command that does a round again: as often as fits into some minutes, since threads may decide differently.
    pub(crate) fn repeat(&self, seed: u64, round: u64) -> String {
        let only =
            if self.scenarios.is_empty() { String::new() } else { format!(" --only {}", self.scenarios.join(",")) };
        let sanitizer = self.sanitizer.as_ref().map_or(String::new(), |name| format!(" --sanitizer {name}"));
        format!("cargo xtask soak --minutes 5 --seed {seed} --round {round}{only}{sanitizer}")
    }
}

fn minutes(value: &str) -> Result<Duration, String> {
    let minutes = value.parse::<f64>().ok().filter(|minutes| (0.0..1e6).contains(minutes));
    minutes.map(|minutes| Duration::from_secs_f64(60.0 * minutes)).ok_or(format!("`--minutes {value}`: how many?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_understood() {
        let options = Options::parse(&["--minutes", "0.5", "--seed", "7", "--round", "3", "--only", "tasks,mutex"]);
        let options = options.unwrap();
        assert_eq!((options.limit, options.seed, options.round), (Duration::from_secs(30), Some(7), Some(3)));
        assert_eq!(options.scenarios, ["tasks", "mutex"]);
    }

    #[test]
    fn the_command_that_repeats_a_round_mixes_the_same_scenarios() {
        for flags in [&[][..], &["--only", "tasks,mutex"], &["--sanitizer", "address"]] {
            let options = Options::parse(flags).unwrap();
            let repeat = options.repeat(7, 3);
            let words: Vec<_> = repeat.strip_prefix("cargo xtask soak ").unwrap().split(' ').collect();
            let again = Options::parse(&words).unwrap();
            assert_eq!((again.seed, again.round), (Some(7), Some(3)));
            assert_eq!((again.scenarios, again.sanitizer), (options.scenarios, options.sanitizer));
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for words in [&["--minutes"][..], &["--minutes", "-1"], &["--seed", "x"], &["--hours", "1"], &["--only", "x"]] {
            assert!(Options::parse(words).is_err(), "{words:?}");
        }
    }
}
