// SPDX-License-Identifier: GPL-2.0-only
//! Counts the instructions of one function by running this program under callgrind.

use std::cell::RefCell;
use std::collections::HashMap;
use std::process::{Command, Stdio};

/// Two numbers of rounds: what is the same for both is no part of a round.
const ROUNDS: [u64; 2] = [1_000, 3_000];

/// What the program is to run, if it was started by itself.
pub(crate) fn asked_for() -> Option<(String, u64)> {
    let arguments: Vec<String> = std::env::args().collect();
    match &arguments[1..] {
        [flag, name, rounds] if flag == "--count" => Some((name.clone(), rounds.parse().ok()?)),
        _ => None,
    }
}

/// Whether there is a valgrind.
pub(crate) fn has_valgrind() -> bool {
    let valgrind = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    valgrind.is_ok_and(|status| status.success())
}

/// The instructions of one round of a loop. They are the same each time, so each loop is counted once.
///
/// # Errors
/// What valgrind said.
pub(crate) fn of(form: &str, name: &str) -> Result<f64, String> {
    let function = format!("{form}_{name}");
    if let Some(known) = KNOWN.with_borrow(|known| known.get(&function).copied()) {
        return Ok(known);
    }
    let [few, many] = ROUNDS;
    let (few_took, many_took) = (total(&function, few)?, total(&function, many)?);
    let count = (many_took - few_took) as f64 / (many - few) as f64;
    KNOWN.with_borrow_mut(|known| known.insert(function, count));
    Ok(count)
}

thread_local! {
    static KNOWN: RefCell<HashMap<String, f64>> = RefCell::default();
}

fn total(function: &str, rounds: u64) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let out = std::env::temp_dir().join(format!("instructions-{}.out", std::process::id()));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", &format!("--toggle-collect={function}")])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args(["--count", function, &rounds.to_string()])
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let text = std::fs::read_to_string(&out).map_err(|error| error.to_string())?;
    let _ = std::fs::remove_file(&out);
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
    let total = totals.and_then(|totals| totals.split(' ').next()?.parse().ok());
    total.filter(|&total| total >= rounds).ok_or_else(|| format!("{function} was not counted"))
}
