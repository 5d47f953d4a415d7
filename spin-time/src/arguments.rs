// SPDX-License-Identifier: GPL-2.0-only
//! The command line of a benchmark.

use clap::Parser;
use std::path::PathBuf;

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq, Parser)]
#[command(bin_name = "cargo bench -p CRATE --bench NAME --", about = "Measures the ports on real threads")]
pub(crate) struct Arguments {
    /// Only shows that it works: few and short blocks
    #[arg(long)]
    pub(crate) quick: bool,
    /// Where the results go; target/spin-time otherwise, its folder quick if quick
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Only experiments whose name contains one of these words; all if none is given
    #[arg(value_name = "EXPERIMENT")]
    words: Vec<String>,
    /// Cargo says so when it benchmarks, and nothing when it only tests that benchmarks work.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    /// Those of the process, whose first one is the program. As a test of its own it is quick.
    ///
    /// # Errors
    /// What clap has to say.
    pub(crate) fn read(process: impl IntoIterator<Item = String>) -> Result<Arguments, clap::Error> {
        let mut arguments = Arguments::try_parse_from(process)?;
        arguments.quick |= !arguments.bench;
        Ok(arguments)
    }

    /// Whether an experiment of this name is asked for.
    pub(crate) fn wants(&self, experiment: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| experiment.contains(word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::read(["bench"].into_iter().chain(line.split_whitespace()).map(str::to_owned))
    }

    #[test]
    fn what_cargo_says_is_understood() {
        let full = read("--bench").expect("it is right");
        assert!(!full.quick && full.out.is_none() && full.wants("anything"));
        assert!(read("").expect("it is right").quick, "as a test it is quick");
        assert!(read("--quick --bench").expect("it is right").quick);
    }

    #[test]
    fn words_choose_experiments() {
        let arguments = read("--bench hand fair --out here").expect("it is right");
        assert!(arguments.wants("hand-over") && arguments.wants("fairness") && !arguments.wants("uncontended"));
        assert_eq!(arguments.out, Some(PathBuf::from("here")));
    }

    #[test]
    fn a_wrong_argument_is_one_line() {
        for line in ["--frist", "-x", "--bench --out"] {
            let error = usage::complaint(&read(line).expect_err("it is wrong"));
            assert!(!error.contains('\n') && error.len() < 80, "{error}");
        }
    }
}
