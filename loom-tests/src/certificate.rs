// SPDX-License-Identifier: GPL-2.0-only
//! The JSON report of `lockup prove`: what was claimed, what was found, and what was explored to find it.

use crate::engine::Job;
use ksync::{Holder, Lockup, Report, Verdict, Wait, WaitsFor};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The whole report.
#[derive(Debug, Serialize)]
pub struct Certificate {
    /// The program and its version.
    pub tool: String,
    /// SHA-256 of the ports' sources, see [`sources_hash`].
    pub sources: String,
    /// One result per row and engine, in the catalogue's order.
    pub results: Vec<Entry>,
    /// Every verdict is the expected one.
    pub all_as_expected: bool,
}

/// What one engine says about one row.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// The incident.
    pub incident: String,
    /// The scenario of the incident.
    pub scenario: String,
    /// The revision: its commit, or `commit^` for the commit's parent.
    pub revision: String,
    /// `explore` or `loom`.
    pub engine: String,
    /// `sc`, `rc11` or `lkmm`; `c11` under loom.
    pub model: String,
    /// CPUs of the scenario.
    pub cpus: usize,
    /// Tasks of the scenario.
    pub tasks: usize,
    /// The verdict that the catalogue expects.
    pub expected: Kind,
    /// The verdict found.
    pub verdict: Finding,
    /// They agree.
    pub as_expected: bool,
    /// Distinct states; 0 under loom.
    pub states: u64,
    /// Executions under loom; complete paths in the explorer.
    pub executions: u64,
    /// The bounds that were set.
    pub bounds: String,
    /// Everything was explored.
    pub exhausted: bool,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// The verdict in a sentence for people.
    pub detail: String,
}

/// A verdict's name alone.
#[derive(Debug, Serialize)]
pub struct Kind {
    /// As in [`Verdict::kind`].
    pub kind: &'static str,
}

/// A verdict as JSON: `kind` and what belongs to it.
#[derive(Debug, Serialize)]
#[serde(tag = "kind")]
#[allow(missing_docs, reason = "the variants and fields are those of ksync::Verdict")]
pub enum Finding {
    Holds,
    Lockup { severity: String, cycle: usize, waits: Vec<Waiter> },
    LostWakeup { waits: Vec<Waiter> },
    Unbounded { work: String, bound: u64, pump: Vec<String> },
    Violated { property: String },
    Race { word: String },
    Unknown { bound: String },
}

/// One task that cannot go on.
#[derive(Debug, Serialize)]
pub struct Waiter {
    /// The task.
    pub task: String,
    /// Its CPU.
    pub cpu: u32,
    /// Interrupts are off on it.
    pub irqs_off: bool,
    /// What it does: `lock`, `spin`, `sleep` or `cpu`.
    pub how: &'static str,
    /// The lock, word or CPU that it waits for.
    pub what: String,
    /// The function in which it waits.
    pub function: String,
    /// Who could end the wait, where that is known.
    pub holder: Option<Owner>,
}

/// Who could end a wait.
#[derive(Debug, Serialize)]
pub struct Owner {
    /// The task.
    pub task: String,
    /// Its CPU.
    pub cpu: u32,
    /// Where it took the lock, would write the word, or is.
    pub function: String,
}

impl Certificate {
    /// The report over these results.
    pub fn new(results: Vec<Entry>) -> Certificate {
        Certificate {
            tool: format!("lockup {}", env!("CARGO_PKG_VERSION")),
            sources: sources_hash(),
            all_as_expected: results.iter().all(|entry| entry.as_expected),
            results,
        }
    }

    /// The report as indented JSON with a newline at the end.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).expect("strings and finite numbers only");
        json.push('\n');
        json
    }
}

impl Entry {
    /// What came out of this run.
    pub fn new(job: &Job<'_>, report: &Report) -> Entry {
        let row = job.row;
        Entry {
            incident: row.incident.to_owned(),
            scenario: row.scenario.to_owned(),
            revision: row.revision.to_owned(),
            engine: job.engine.to_string(),
            model: job.model_name(),
            cpus: report.cpus,
            tasks: report.tasks,
            expected: Kind { kind: row.expected.kind() },
            as_expected: row.expected.kind() == report.verdict.kind(),
            verdict: Finding::from(&report.verdict),
            states: report.states,
            executions: report.executions,
            bounds: report.bounds.clone(),
            exhausted: report.exhausted,
            seconds: report.seconds,
            detail: report.verdict.to_string(),
        }
    }

    /// Nothing was decided.
    pub fn is_unknown(&self) -> bool {
        matches!(self.verdict, Finding::Unknown { .. })
    }
}

impl From<&Verdict> for Finding {
    fn from(verdict: &Verdict) -> Self {
        let waiters = |waits: &[Wait]| waits.iter().map(Waiter::from).collect();
        match verdict {
            Verdict::Holds => Finding::Holds,
            Verdict::Lockup(Lockup { severity, waits, cycle }) => {
                Finding::Lockup { severity: severity.to_string(), cycle: *cycle, waits: waiters(waits) }
            }
            Verdict::LostWakeup { waits } => Finding::LostWakeup { waits: waiters(waits) },
            Verdict::Unbounded { work, bound, pump } => {
                Finding::Unbounded { work: work.clone(), bound: *bound, pump: pump.clone() }
            }
            Verdict::Violated { property } => Finding::Violated { property: property.clone() },
            Verdict::Race { word } => Finding::Race { word: word.clone() },
            Verdict::Unknown { bound } => Finding::Unknown { bound: bound.clone() },
        }
    }
}

impl From<&Wait> for Waiter {
    fn from(wait: &Wait) -> Self {
        let (how, what) = match &wait.what {
            WaitsFor::Lock(lock) => ("lock", lock.clone()),
            WaitsFor::Word(word) => ("spin", word.clone()),
            WaitsFor::Sleep(word) => ("sleep", word.clone()),
            WaitsFor::Cpu(cpu) => ("cpu", format!("CPU{cpu}")),
        };
        let holder = wait.holder.as_ref().map(|Holder { task, cpu, function }| Owner {
            task: task.clone(),
            cpu: *cpu,
            function: function.clone(),
        });
        Waiter {
            task: wait.task.clone(),
            cpu: wait.cpu,
            irqs_off: wait.irqs_off,
            how,
            what,
            function: wait.function.clone(),
            holder,
        }
    }
}

/// Names the exact text of the ports that was compiled in. Anybody can check it against a checkout:
///
/// ```sh
/// git ls-files 'stopper/src/*.rs' | LC_ALL=C sort | xargs sha256sum | sha256sum
/// ```
pub fn sources_hash() -> String {
    let mut sources = crate::catalogue::sources();
    sources.sort_unstable();
    let list: String = sources.iter().map(|(path, text)| format!("{}  {path}\n", hex(text))).collect();
    hex(&list)
}

fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_lockup_carries_who_waits_for_whom() {
        let holder = Holder { task: "custom_exporter".into(), cpu: 26, function: "cpu_stop_queue_two_works".into() };
        let wait = Wait {
            task: "migration/1".into(),
            cpu: 1,
            irqs_off: true,
            what: WaitsFor::Lock("stopper26.lock".into()),
            function: "cpu_stop_queue_work".into(),
            holder: Some(holder),
        };
        let verdict = Verdict::Lockup(Lockup { severity: ksync::Severity::Hard, waits: vec![wait], cycle: 0 });
        let json = serde_json::to_string_pretty(&Finding::from(&verdict)).expect("serializes");
        expect![[r#"
            {
              "kind": "Lockup",
              "severity": "hard",
              "cycle": 0,
              "waits": [
                {
                  "task": "migration/1",
                  "cpu": 1,
                  "irqs_off": true,
                  "how": "lock",
                  "what": "stopper26.lock",
                  "function": "cpu_stop_queue_work",
                  "holder": {
                    "task": "custom_exporter",
                    "cpu": 26,
                    "function": "cpu_stop_queue_two_works"
                  }
                }
              ]
            }"#]]
        .assert_eq(&json);
        assert_eq!(serde_json::to_string(&Finding::Holds).expect("serializes"), r#"{"kind":"Holds"}"#);
    }

    #[test]
    fn the_hash_is_that_of_sha256sum() {
        // `printf abc | sha256sum`
        assert_eq!(hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
