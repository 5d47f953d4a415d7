// SPDX-License-Identifier: GPL-2.0-only
//! Backtraces for people: from addresses to lines of `Call Trace:`, as `scripts/decode_stacktrace.sh` prints them.

use std::fmt;
use std::path::Path;

/// A function on a stack, also one that the compiler inlined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The function without its path; a closure with the function that it stands in.
    pub function: String,
    /// Its source file from the crate's folder on, and the line, where the program has debug information.
    pub place: Option<(String, u32)>,
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.function)?;
        match &self.place {
            Some((file, line)) => write!(f, " ({file}:{line})"),
            None => Ok(()),
        }
    }
}

/// Where Rust's threads begin; below it nothing is of interest.
const THREAD_START: &str = "__rust_begin_short_backtrace";

/// The functions of a stack, innermost first. The first pointer is an address, the others are return addresses.
pub(crate) fn symbolize(pointers: &[usize]) -> Vec<Frame> {
    let mut frames = Vec::new();
    for (depth, &pointer) in pointers.iter().enumerate() {
        // `resolve()` takes a return address, and looks at the call before it.
        let address = if depth == 0 { pointer + 1 } else { pointer };
        let mut known = false;
        backtrace::resolve(address as *mut _, |symbol| {
            let Some(name) = symbol.name() else { return };
            known = true;
            let place = symbol.filename().zip(symbol.lineno()).map(|(file, line)| (short_path(file), line));
            frames.push(Frame { function: short_name(&format!("{name:#}")), place });
        });
        if !known {
            frames.push(Frame { function: format!("0x{pointer:016x}"), place: None });
        }
        if let Some(start) = frames.iter().position(|frame| frame.function == THREAD_START) {
            frames.truncate(start);
            break;
        }
    }
    frames
}

/// The last part of a path that is a name, as C has it: without crate, modules, types and their parameters.
fn short_name(name: &str) -> String {
    let mut parts = vec![String::new()];
    let (mut depth, mut last) = (0, ' ');
    for c in name.chars() {
        match c {
            '<' => depth += 1,
            '>' if last != '-' => depth -= 1,
            _ => {}
        }
        let part = parts.last_mut().expect("there is always one");
        if depth == 0 && c == ':' && last == ':' {
            part.pop();
            parts.push(String::new());
        } else {
            part.push(c);
        }
        last = c;
    }
    let mut parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.starts_with('<')).collect();
    let closure = parts.iter().position(|part| part.starts_with('{')).filter(|&at| at > 0);
    match closure {
        Some(at) => format!("{}::{{closure}}", parts[at - 1]),
        None => parts.pop().unwrap_or(name).to_owned(),
    }
}

/// `stopper/src/ttwu.rs` of wherever that is.
fn short_path(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    let of_a_crate = |part: &std::borrow::Cow<str>| ["src", "tests", "benches", "examples"].contains(&&**part);
    let from = parts.iter().rposition(of_a_crate).map_or(parts.len() - 1, |folder| folder.saturating_sub(1));
    parts[from..].join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_c_has_them() {
        for (name, short) in [
            ("stopper::ttwu::try_to_wake_up", "try_to_wake_up"),
            ("ksync::atomic::Atomic<T>::cond_load", "cond_load"),
            ("<ksync::atomic::Atomic<bool>>::cond_load::<ksync::order::Acquire>", "cond_load"),
            ("<F as core::ops::function::Fn<fn(A) -> B>>::call", "call"),
            ("stopper::furnish::<impl stopper::machine::Machine>::spawn_on::{{closure}}", "spawn_on::{closure}"),
            ("a::f::{closure#0}::{closure#1}", "f::{closure}"),
            ("main", "main"),
        ] {
            assert_eq!(short_name(name), short, "{name}");
        }
    }

    #[test]
    fn paths_begin_with_the_crate() {
        assert_eq!(short_path(Path::new("/home/me/lockup/stopper/src/ttwu.rs")), "stopper/src/ttwu.rs");
        assert_eq!(short_path(Path::new("stopper/src/ttwu.rs")), "stopper/src/ttwu.rs");
        assert_eq!(short_path(Path::new("/home/me/lockup/watchdog/tests/it.rs")), "watchdog/tests/it.rs");
        assert_eq!(short_path(Path::new("/rustc/0/library/core/src/hint.rs")), "core/src/hint.rs");
        assert_eq!(short_path(Path::new("/build/main.rs")), "main.rs");
    }

    #[test]
    fn a_frame_is_a_line_of_a_decoded_stack() {
        let place = Some(("stopper/src/ttwu.rs".to_owned(), 181));
        let frame = Frame { function: "try_to_wake_up".to_owned(), place };
        assert_eq!(frame.to_string(), "try_to_wake_up (stopper/src/ttwu.rs:181)");
    }
}
