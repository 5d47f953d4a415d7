// SPDX-License-Identifier: GPL-2.0-only
//! What can be re-enacted: incidents, and the kernels to do it on.

use crate::run::Load;
use crate::{cfs_distribute, compound_lock, migrate_swap, stop_machine_prepare};
use ksync::catalogue::{Case, Expected, Label};
use std::sync::Arc;

/// All incidents, in the order of their reports.
pub const ALL: [Incident; 4] =
    [migrate_swap::INCIDENT, cfs_distribute::INCIDENT, compound_lock::INCIDENT, stop_machine_prepare::INCIDENT];

/// An incident that real threads can show.
#[derive(Debug, Clone, Copy)]
pub struct Incident {
    /// As in the catalogue.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    /// What its threads do, and what real threads cannot show of it.
    pub help: &'static str,
    /// So many threads have to run at the same time. With fewer cores a race is lost by nobody, and a run shows nothing.
    pub cores: usize,
    /// The kernels, oldest first.
    pub revisions: fn() -> Vec<Revision>,
}

/// A kernel, and what real threads are expected to do on it.
pub struct Revision {
    /// A commit, `commit^` for the kernel before it, or the name of a mutant.
    pub name: &'static str,
    /// The commit in its own words, or what the mutant does.
    pub what: &'static str,
    /// It was never merged.
    pub mutant: bool,
    /// The threads lock up.
    pub locks_up: bool,
    /// Makes the load.
    pub load: Box<dyn Fn() -> Arc<dyn Load>>,
}

impl std::fmt::Debug for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revision").field("name", &self.name).field("locks_up", &self.locks_up).finish_non_exhaustive()
    }
}

/// The rows of a scenario of the catalogue, with their verdicts, for a load that does what the scenario does.
///
/// # Panics
/// If there is no such scenario.
pub fn rows_of<K: ksync::catalogue::Revision>(
    cases: &[Case<K>],
    scenario: &str,
    keep: fn(&Label) -> bool,
    load: fn(K) -> Arc<dyn Load>,
) -> Vec<Revision> {
    let case = cases.iter().find(|case| case.name == scenario).expect("a scenario of the catalogue");
    let rows = case.rows.iter().map(|&(kernel, expected)| (kernel, kernel.label(), expected));
    // Real atomics keep their orderings: what only loses one is for the models.
    rows.filter(|(_, label, _)| label.weaken.is_empty() && keep(label))
        .map(|(kernel, label, expected)| Revision {
            name: label.revision,
            what: label.what,
            mutant: label.mutant,
            locks_up: expected != Expected::Holds,
            load: Box::new(move || load(kernel)),
        })
        .collect()
}

impl Incident {
    /// The revision of this name, or the only one whose commit begins so. Without a name it is the last kernel that
    /// has the bug; where only a mutant has it, the mutant.
    ///
    /// # Errors
    /// One line that names the choices.
    pub fn revision(&self, name: Option<&str>) -> Result<Revision, String> {
        let mut all = (self.revisions)();
        let found: Vec<usize> = match name {
            None => {
                let bug = |merged: bool| all.iter().rposition(|rev| rev.locks_up && rev.mutant != merged);
                bug(true).or_else(|| bug(false)).into_iter().collect()
            }
            Some(name) => match all.iter().position(|rev| rev.name == name) {
                Some(exact) => vec![exact],
                None => (0..all.len()).filter(|&at| begins(all[at].name, name)).collect(),
            },
        };
        match (&found[..], name) {
            (&[at], _) => Ok(all.swap_remove(at)),
            (_, name) => {
                let names: Vec<&str> = all.iter().map(|rev| rev.name).collect();
                let which = if found.is_empty() { "no revision" } else { "more than one revision" };
                let name = name.unwrap_or_default();
                Err(format!("{} has {which} '{name}'; it has {}", self.name, names.join(", ")))
            }
        }
    }
}

/// Whether this is the beginning of a commit; `commit^` is another one.
fn begins(commit: &str, beginning: &str) -> bool {
    match (commit.strip_suffix('^'), beginning.strip_suffix('^')) {
        (Some(commit), Some(beginning)) => commit.starts_with(beginning),
        (None, None) => commit.starts_with(beginning),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(incident: Incident, name: Option<&str>) -> Result<&'static str, String> {
        incident.revision(name).map(|revision| revision.name)
    }

    #[test]
    fn the_bug_is_the_default() {
        let defaults = ALL.map(|incident| chosen(incident, None).expect("there is one"));
        assert_eq!(defaults, ["0b26351b910f^", "c06f04c70489^", "plain-set", "ade81479c7dd^"]);
    }

    #[test]
    fn a_revision_may_be_abbreviated() {
        assert_eq!(chosen(ALL[0], Some("0b26")), Ok("0b26351b910f"));
        assert_eq!(chosen(ALL[0], Some("0b26^")), Ok("0b26351b910f^"));
        let error = chosen(ALL[0], Some("2.6.39")).expect_err("there is none");
        assert!(error.starts_with("migrate-swap has no revision '2.6.39'; it has b17718d02f54, "), "{error}");
        assert!(chosen(ALL[0], Some("")).expect_err("all of them").contains("more than one revision"));
    }

    #[test]
    fn each_incident_has_a_kernel_with_the_bug_and_one_without() {
        for incident in ALL {
            let revisions = (incident.revisions)();
            assert!(revisions.iter().any(|rev| rev.locks_up) && revisions.iter().any(|rev| !rev.locks_up));
        }
    }
}
