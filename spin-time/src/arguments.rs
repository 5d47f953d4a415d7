// SPDX-License-Identifier: GPL-2.0-only
//! The command line of a benchmark.

use std::path::PathBuf;

/// What it says when it is asked.
pub(crate) const USAGE: &str = "\
usage: cargo bench -p CRATE --bench NAME -- [--quick] [--out DIR] [EXPERIMENT ...]
  --quick     only shows that it works: few and short blocks
  --out DIR   where the results go; target/spin-time otherwise, its folder quick if quick
  EXPERIMENT  only experiments whose name contains one of these words";

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) quick: bool,
    pub(crate) out: Option<PathBuf>,
    pub(crate) words: Vec<String>,
    pub(crate) help: bool,
}

impl Arguments {
    /// Reads them. Cargo says `--bench` when it benchmarks, and nothing when it only tests that benchmarks work.
    ///
    /// # Errors
    /// One line that says what is wrong.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Arguments, String> {
        let (mut parsed, mut bench) = (Arguments::default(), false);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bench" => bench = true,
                "--quick" | "--test" => parsed.quick = true,
                "--help" | "-h" => parsed.help = true,
                "--out" => parsed.out = Some(arguments.next().ok_or("--out needs a directory")?.into()),
                flag if flag.starts_with('-') => return Err(format!("unknown argument {flag}; --help lists them")),
                _ => parsed.words.push(argument),
            }
        }
        parsed.quick |= !bench;
        Ok(parsed)
    }

    /// Whether an experiment of this name is asked for.
    pub(crate) fn wants(&self, experiment: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| experiment.contains(word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_cargo_says_is_understood() {
        assert_eq!(parse("--bench"), Ok(Arguments::default()));
        assert!(parse("").expect("it is right").quick, "as a test it is quick");
        assert!(parse("--quick --bench").expect("it is right").quick);
    }

    #[test]
    fn words_choose_experiments() {
        let arguments = parse("--bench hand fair --out here").expect("it is right");
        assert!(arguments.wants("hand-over") && arguments.wants("fairness") && !arguments.wants("uncontended"));
        assert_eq!(arguments.out, Some(PathBuf::from("here")));
        assert!(Arguments::default().wants("anything"));
    }

    #[test]
    fn a_wrong_argument_is_one_line() {
        for line in ["--frist", "-x", "--bench --out"] {
            let error = parse(line).expect_err("it is wrong");
            assert!(!error.contains('\n') && error.len() < 80, "{error}");
        }
    }
}
