// SPDX-License-Identifier: GPL-2.0-only
//! From a source line to the kernel function that it is in.
//!
//! Every facade call knows its place (`#[track_caller]`). A crate of ports hands its sources over once with
//! [`register_sources`]; then reports can say `cpu_stop_queue_two_works()` without a word of annotation in the port.

use std::collections::{BTreeSet, HashMap};
use std::panic::Location;

/// A place in the sources.
pub type Place = &'static Location<'static>;

/// A source file: its path as the compiler names it, and its text.
pub type Source = (&'static str, &'static str);

static SOURCES: parking_lot::RwLock<Option<HashMap<&'static str, &'static str>>> = parking_lot::RwLock::new(None);

/// The source files of the calling crate for [`register_sources`]: `ksync::sources!("stopper"; "lib.rs", "queue.rs")`.
#[macro_export]
macro_rules! sources {
    ($crate_dir:literal; $($file:literal),* $(,)?) => {
        &[$((concat!($crate_dir, "/src/", $file), include_str!($file))),*]
    };
}

/// Lets reports find function names in these files. Doing it again changes nothing.
pub fn register_sources(sources: &[Source]) {
    SOURCES.write().get_or_insert_with(HashMap::new).extend(sources.iter().copied());
}

/// Checks that a crate's list of sources names every file below `CRATE/src`, for that crate's tests.
///
/// # Panics
/// If the list and the directory differ.
pub fn assert_sources_are_all(sources: &[Source], crate_dir: &str) {
    let top = std::path::Path::new(crate_dir);
    let name = top.file_name().expect("a crate has a folder").display();
    let files: BTreeSet<String> = std::fs::read_dir(top.join("src"))
        .expect("the sources are here")
        .map(|entry| format!("{name}/src/{}", entry.expect("readable").file_name().display()))
        .collect();
    assert_eq!(sources.iter().map(|(file, _)| (*file).to_owned()).collect::<BTreeSet<_>>(), files);
}

/// The function around a place, or `file:line` where the source is not known.
pub fn function_at(place: Place) -> String {
    let line = place.line() as usize;
    let found = SOURCES.read().as_ref().and_then(|sources| {
        let path = place.file().replace('\\', "/");
        let (_, text) = sources.iter().find(|(file, _)| path.ends_with(*file))?;
        text.lines().take(line).filter_map(function_name).last()
    });
    found.map_or_else(|| format!("{}:{line}", place.file()), str::to_owned)
}

/// The name in `pub fn name(…`, if the line begins a function.
fn function_name(line: &str) -> Option<&str> {
    let code = line.trim_start();
    let at = code.strip_prefix("fn ").or_else(|| {
        let (before, after) = code.split_once(" fn ")?;
        let qualifies = |word| ["pub", "const", "unsafe", "async"].contains(&word) || word.starts_with("pub(");
        before.split_whitespace().all(qualifies).then_some(after)
    })?;
    let end = at.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
    Some(&at[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_name_of_a_function_and_nothing_else() {
        assert_eq!(function_name("    pub(crate) fn set_state(&self) {"), Some("set_state"));
        assert_eq!(function_name("fn f<T>("), Some("f"));
        assert_eq!(function_name("    // the fn set_state() of C"), None);
        assert_eq!(function_name("    let f: fn(u32) = g;"), None);
    }

    #[test]
    fn names_the_function_around_a_line() {
        register_sources(&[("ksync/src/place.rs", include_str!("place.rs"))]);
        assert_eq!(function_at(Location::caller()), "names_the_function_around_a_line");
    }
}
