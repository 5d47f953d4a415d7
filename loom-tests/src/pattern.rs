// SPDX-License-Identifier: GPL-2.0-only
//! `incident[/scenario][@revision]`, each part with `*` and `?`: how the command line names rows of the catalogue.

use std::collections::BTreeSet;
use std::fmt;
use wildmatch::WildMatch;

/// What a row is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'a> {
    /// The incident, as in `migrate-swap`.
    pub incident: &'a str,
    /// The scenario of the incident.
    pub scenario: &'a str,
    /// The revision: a commit, the parent of one as `commit^`, or the name of a mutant.
    pub revision: &'a str,
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.incident, self.scenario, self.revision)
    }
}

/// A parsed pattern. A part that is not written matches everything.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    incident: String,
    scenario: String,
    revision: String,
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// Says in one line which part is empty.
    pub fn parse(text: &str) -> Result<Pattern, String> {
        let (path, revision) = match text.split_once('@') {
            Some((path, revision)) => (path, revision),
            None => (text, "*"),
        };
        let (incident, scenario) = match path.split_once('/') {
            Some((incident, scenario)) => (incident, scenario),
            None => (path, "*"),
        };
        for (part, value) in [("incident", incident), ("scenario", scenario), ("revision", revision)] {
            if value.is_empty() {
                return Err(format!(
                    "the pattern '{text}' has an empty {part}; a pattern is incident[/scenario][@revision]"
                ));
            }
        }
        Ok(Pattern {
            text: text.to_owned(),
            incident: incident.to_owned(),
            scenario: scenario.to_owned(),
            revision: revision.to_owned(),
        })
    }

    /// Whether the pattern means this row.
    pub fn matches(&self, name: Name<'_>) -> bool {
        self.matches_scenario(name) && revision_matches(&self.revision, name.revision)
    }

    fn matches_incident(&self, name: Name<'_>) -> bool {
        glob(&self.incident, name.incident)
    }

    fn matches_scenario(&self, name: Name<'_>) -> bool {
        self.matches_incident(name) && glob(&self.scenario, name.scenario)
    }

    /// One line on why the pattern matches none of these rows: the first part that does not, and what there is.
    fn explain(&self, names: &[Name<'_>]) -> String {
        let of_incident = || names.iter().filter(|&&name| self.matches_incident(name));
        let of_scenario = || names.iter().filter(|&&name| self.matches_scenario(name));
        let (part, written, known) = if of_incident().next().is_none() {
            ("incident", &self.incident, names.iter().map(|name| name.incident).collect::<BTreeSet<_>>())
        } else if of_scenario().next().is_none() {
            ("scenario", &self.scenario, of_incident().map(|name| name.scenario).collect())
        } else {
            ("revision", &self.revision, of_scenario().map(|name| name.revision).collect())
        };
        let near = known
            .iter()
            .map(|candidate| (strsim::jaro_winkler(written, candidate), candidate))
            .filter(|(similarity, _)| *similarity > 0.75)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, candidate)| format!("did you mean '{candidate}'? "))
            .unwrap_or_default();
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        format!("'{}' matches nothing: no {part} '{written}'; {near}there is {known}", self.text)
    }
}

/// Which rows the patterns mean, in the order of the rows; without patterns all of them.
///
/// # Errors
/// Says in one line which pattern matches nothing, and what comes near.
pub fn select(patterns: &[Pattern], names: &[Name<'_>]) -> Result<Vec<usize>, String> {
    let hopeless = patterns.iter().find(|pattern| !names.iter().any(|&name| pattern.matches(name)));
    if let Some(pattern) = hopeless {
        return Err(pattern.explain(names));
    }
    let wanted = |&name: &Name<'_>| patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(name));
    Ok((0..names.len()).filter(|&at| wanted(&names[at])).collect())
}

fn glob(pattern: &str, text: &str) -> bool {
    WildMatch::new(pattern).matches(text)
}

/// A revision is meant by its whole name, or by the beginning of its commit. The `^` of a parent is no part of the
/// commit: `@0b26` means the commit alone and `@0b26^` its parent alone, while `@0b26*` means both.
fn revision_matches(pattern: &str, revision: &str) -> bool {
    let (hex, parent) = split_parent(pattern);
    let (commit, commit_parent) = split_parent(revision);
    let is_commit = commit.chars().all(|c| c.is_ascii_hexdigit());
    glob(pattern, revision) || (is_commit && parent == commit_parent && commit.starts_with(hex))
}

fn split_parent(revision: &str) -> (&str, &str) {
    revision.split_at(revision.trim_end_matches('^').len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    const fn name(incident: &'static str, scenario: &'static str, revision: &'static str) -> Name<'static> {
        Name { incident, scenario, revision }
    }

    const NAMES: &[Name<'static>] = &[
        name("migrate-swap", "two-tasks", "0b26351b910f^"),
        name("migrate-swap", "two-tasks", "0b26351b910f"),
        name("migrate-swap", "with-stoppers", "0b26351b910f^"),
        name("migrate-swap", "with-stoppers", "0b26351b910f"),
        name("stop-cpus", "two-queuers", "7053ea1a34fa"),
        name("stop-cpus", "two-queuers", "flag-tested-early"),
    ];

    fn check(patterns: &[&str], expected: &Expect) {
        let patterns: Vec<Pattern> = patterns.iter().map(|text| Pattern::parse(text).expect("parses")).collect();
        let found = match select(&patterns, NAMES) {
            Ok(rows) => rows.iter().map(|&at| format!("{}\n", NAMES[at])).collect(),
            Err(message) => format!("{message}\n"),
        };
        expected.assert_eq(&found);
    }

    #[test]
    fn a_pattern_means_what_it_says() {
        check(
            &["migrate-swap/two-tasks"],
            &expect![[r#"
                migrate-swap/two-tasks@0b26351b910f^
                migrate-swap/two-tasks@0b26351b910f
            "#]],
        );
        check(
            &["*/two-*@flag*"],
            &expect![[r#"
            stop-cpus/two-queuers@flag-tested-early
        "#]],
        );
        check(
            &["stop-cpus", "*@0b26351b910f"],
            &expect![[r#"
            migrate-swap/two-tasks@0b26351b910f
            migrate-swap/with-stoppers@0b26351b910f
            stop-cpus/two-queuers@7053ea1a34fa
            stop-cpus/two-queuers@flag-tested-early
        "#]],
        );
        assert_eq!(select(&[], NAMES).expect("no pattern means all").len(), NAMES.len());
    }

    #[test]
    fn a_commit_prefix_tells_the_commit_from_its_parent() {
        check(
            &["migrate-swap/two-tasks@0b26"],
            &expect![[r#"
            migrate-swap/two-tasks@0b26351b910f
        "#]],
        );
        check(
            &["migrate-swap/two-tasks@0b26^"],
            &expect![[r#"
            migrate-swap/two-tasks@0b26351b910f^
        "#]],
        );
        check(
            &["migrate-swap/two-tasks@0b26*"],
            &expect![[r#"
                migrate-swap/two-tasks@0b26351b910f^
                migrate-swap/two-tasks@0b26351b910f
            "#]],
        );
    }

    #[test]
    fn a_pattern_that_matches_nothing_names_what_there_is() {
        check(
            &["migrate-swp"],
            &expect![[r#"
            'migrate-swp' matches nothing: no incident 'migrate-swp'; did you mean 'migrate-swap'? there is migrate-swap, stop-cpus
        "#]],
        );
        check(
            &["migrate-swap", "zzz"],
            &expect![[r#"
            'zzz' matches nothing: no incident 'zzz'; there is migrate-swap, stop-cpus
        "#]],
        );
        check(
            &["migrate-swap/two"],
            &expect![[r#"
            'migrate-swap/two' matches nothing: no scenario 'two'; did you mean 'two-tasks'? there is two-tasks, with-stoppers
        "#]],
        );
        check(
            &["stop-cpus@flag"],
            &expect![[r#"
            'stop-cpus@flag' matches nothing: no revision 'flag'; did you mean 'flag-tested-early'? there is 7053ea1a34fa, flag-tested-early
        "#]],
        );
    }

    #[test]
    fn an_empty_part_is_refused() {
        for text in ["", "@0b26", "/two-tasks", "migrate-swap/", "migrate-swap@", "migrate-swap/@0b26"] {
            assert!(Pattern::parse(text).is_err(), "{text:?}");
        }
    }
}
