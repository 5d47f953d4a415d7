// SPDX-License-Identifier: GPL-2.0-only
//! Times as people write them, in nanoseconds.

/// The units, largest first, in ns.
const UNITS: [(&str, u64); 4] = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];
/// No time on the command line is longer.
const LONGEST: u64 = 1_000_000_000_000;

/// Parses a time as `250us`.
///
/// # Errors
/// One line if it is none, is 0, or is longer than 1000 s.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit = UNITS.iter().find(|(name, _)| *name == unit);
    let ns = unit.and_then(|(_, ns)| number.parse::<u64>().ok()?.checked_mul(*ns));
    match ns {
        Some(0) => Err("it must not be 0".to_owned()),
        Some(ns) if ns <= LONGEST => Ok(ns),
        Some(_) => Err("it must not be longer than 1000s".to_owned()),
        None => Err("a time is a whole number with ns, us, ms or s behind it, as in 250us".to_owned()),
    }
}

/// A time in the largest unit that it has, with at most three decimals.
pub(super) fn in_words(ns: u64) -> String {
    let (unit, size) = UNITS.iter().find(|(_, size)| ns >= *size).unwrap_or(&("ns", 1));
    let number = format!("{:.3}", ns as f64 / *size as f64);
    format!("{} {unit}", number.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        for (text, ns) in [("1ns", 1), ("250us", 250_000), ("100ms", 100_000_000), ("1000s", LONGEST)] {
            assert_eq!(parse(text), Ok(ns), "{text}");
        }
        for text in ["", "1", "ms", "-1ms", "1.5ms", "1 ms", "1m", "0ms", "1001s", "99999999999999999999s", "1µs"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn words_have_three_decimals_at_most() {
        for (ns, words) in
            [(0, "0 ns"), (200, "200 ns"), (1_000, "1 us"), (10_024_000, "10.024 ms"), (1_500, "1.5 us")]
        {
            assert_eq!(in_words(ns), words);
        }
    }
}
