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
}

impl Options {
    pub(crate) fn parse(words: &[&str]) -> Result<Options, String> {
        let mut options = Options { limit: Duration::from_secs(120), seed: None, round: None, scenarios: Vec::new() };
        for pair in words.chunks(2) {
            let &[flag, value] = pair else { return Err(format!("`{}` needs a value", pair[0])) };
            let number = || value.parse::<u64>().map_err(|_| format!("`{flag} {value}`: it takes a whole number"));
            match flag {
                "--minutes" => options.limit = minutes(value)?,
                "--seed" => options.seed = Some(number()?),
                "--round" => options.round = Some(number()?),
                "--only" => options.scenarios = value.split(',').map(str::to_owned).collect(),
                _ => return Err(format!("`{flag}`: it takes --minutes, --seed, --round, --only")),
            }
        }
        crate::scenarios::check_names(&options.scenarios)?;
        Ok(options)
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
    fn what_is_not_understood_is_an_error() {
        for words in [&["--minutes"][..], &["--minutes", "-1"], &["--seed", "x"], &["--hours", "1"], &["--only", "x"]] {
            assert!(Options::parse(words).is_err(), "{words:?}");
        }
    }
}
