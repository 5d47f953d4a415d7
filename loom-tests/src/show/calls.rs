// SPDX-License-Identifier: GPL-2.0-only
//! Who calls whom in the ports, read off their sources.
//!
//! A trace names the innermost function of each step only. The indentation of a counterexample, and the functions
//! that make no step of their own, come from here.

use ksync::Source;
use std::collections::{HashMap, HashSet};

/// So many calls in a row may be without a step. A longer chain is more likely one of namesakes.
const LONGEST: usize = 4;

/// The static call graph of some source files.
#[derive(Debug, Default)]
pub struct Calls {
    callees: HashMap<&'static str, HashSet<&'static str>>,
}

impl Calls {
    /// Reads the call graph off these files. Two functions of one name count as one.
    pub fn of(sources: &[Source]) -> Calls {
        let mut calls = Calls::default();
        for line in sources.iter().flat_map(|(_, text)| text.lines()) {
            if let Some(name) = declared(line.trim_start()) {
                calls.callees.entry(name).or_default();
            }
        }
        let mut inside = None;
        for line in sources.iter().flat_map(|(_, text)| text.lines()) {
            // What follows a function or the items in a block is not in it.
            if line.starts_with('}') {
                inside = None;
            }
            let line = line.trim_start();
            if line.starts_with("//") {
                continue;
            }
            let body = match declared(line) {
                Some(name) => {
                    inside = Some(name);
                    line.split_once('{').map_or("", |(_, body)| body)
                }
                None => line,
            };
            let Some(inside) = inside else { continue };
            let callees: Vec<_> = called(body).filter(|name| calls.callees.contains_key(name)).collect();
            calls.callees.entry(inside).or_default().extend(callees);
        }
        calls
    }

    /// The one shortest chain of calls from `caller` to `callee`, without `caller`, ending in `callee`. `None` where
    /// there is none of at most `LONGEST` calls, or where two are equally short: then nobody can tell which one ran.
    pub fn path(&self, caller: &str, callee: &str) -> Option<Vec<&'static str>> {
        let mut level: Vec<Vec<&'static str>> = vec![Vec::new()];
        let mut seen: HashSet<&str> = HashSet::from([caller]);
        for _ in 0..LONGEST {
            let next: Vec<Vec<&'static str>> =
                level.iter().flat_map(|path| self.longer(caller, path, &seen)).collect();
            let mut arrived = next.iter().filter(|path| path.last() == Some(&callee));
            if let Some(path) = arrived.next() {
                return arrived.next().is_none().then(|| path.clone());
            }
            if next.is_empty() {
                return None;
            }
            seen.extend(next.iter().filter_map(|path| path.last().copied()));
            level = next;
        }
        None
    }

    /// The path, longer by each function that its last one calls and that was not seen yet.
    fn longer(&self, start: &str, path: &[&'static str], seen: &HashSet<&str>) -> Vec<Vec<&'static str>> {
        let last = path.last().copied().unwrap_or(start);
        let callees = self.callees.get(last).into_iter().flatten().filter(|name| !seen.contains(*name));
        callees.map(|&name| path.iter().copied().chain([name]).collect()).collect()
    }
}

/// The name that follows `fn ` in a line that declares a function.
fn declared(line: &'static str) -> Option<&'static str> {
    if line.starts_with("//") {
        return None;
    }
    let at = line.find("fn ").filter(|&at| at == 0 || line[..at].ends_with(' '))?;
    let name = &line[at + 3..];
    let end = name.find(|c: char| !is_word(c))?;
    (end > 0 && name[end..].starts_with(['(', '<'])).then(|| &name[..end])
}

/// Every word of a line that stands before an opening parenthesis.
fn called(line: &'static str) -> impl Iterator<Item = &'static str> {
    line.match_indices('(').filter_map(move |(at, _)| {
        let before = &line[..at];
        let name = &before[before.rfind(|c: char| !is_word(c)).map_or(0, |at| at + 1)..];
        (!name.is_empty()).then_some(name)
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "
        pub fn migrate_swap(t: &Current) {
            // stop_one_cpu() would be wrong here.
            stop_two_cpus(t);
        }
        fn stop_two_cpus(t: &Current) { // the brace opens here
            let f: fn(u32) = queue;
            self.queue(t, prepare(1));
        }
        fn queue<T>(t: T) {
            wake(t)
        }
        fn prepare(n: u32) -> u32 { wake(n) }
        fn wake() {}
        fn stop_one_cpu() {}
}
        const WHAT: &str = \"wakes what prepare() left\";
    ";

    fn path(caller: &str, callee: &str) -> Option<Vec<&'static str>> {
        Calls::of(&[("x.rs", SOURCE)]).path(caller, callee)
    }

    #[test]
    fn a_chain_names_the_functions_between() {
        assert_eq!(path("migrate_swap", "stop_two_cpus"), Some(vec!["stop_two_cpus"]));
        assert_eq!(path("migrate_swap", "queue"), Some(vec!["stop_two_cpus", "queue"]));
    }

    #[test]
    fn a_long_chain_is_none() {
        let source = "fn a() { b() }\nfn b() { c() }\nfn c() { d() }\nfn d() { e() }\nfn e() { f() }\nfn f() {}";
        let calls = Calls::of(&[("x.rs", source)]);
        assert_eq!(calls.path("a", "e"), Some(vec!["b", "c", "d", "e"]));
        assert_eq!(calls.path("a", "f"), None);
    }

    #[test]
    fn no_chain_and_two_chains_give_none() {
        assert_eq!(path("queue", "migrate_swap"), None);
        assert_eq!(path("migrate_swap", "wake"), None, "through queue() or prepare(): nobody knows");
        assert_eq!(path("migrate_swap", "stop_one_cpu"), None, "it stands in a comment");
        assert_eq!(path("stop_one_cpu", "prepare"), None, "it stands behind the last function");
        assert_eq!(path("no_such_function", "wake"), None);
    }
}
