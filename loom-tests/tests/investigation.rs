// SPDX-License-Identifier: GPL-2.0-only
//! The investigation of incident 002: what its table says is what the runs show.
#![cfg(loom)]

use compound::investigation::{Fact, HYPOTHESES};
use ksync::Verdict;
use loom_tests::catalogue::catalogue;
use loom_tests::show::evidence::Says::{self, Contradicts, Explains, Nothing};
use loom_tests::show::investigation::{Finding, WIDTH, findings, table};
use std::process::Command;

fn named<'a, 'b>(findings: &'a [Finding<'b>], name: &str) -> &'a Finding<'b> {
    findings.iter().find(|finding| finding.hypothesis.name == name).expect("a hypothesis")
}

fn contradicted(finding: &Finding<'_>) -> Vec<Fact> {
    Fact::ALL.into_iter().filter(|&fact| finding.says(fact) == Contradicts).collect()
}

#[test]
fn the_runs_explain_and_contradict_what_the_table_says() {
    let rows = catalogue();
    let findings = findings(&rows);
    assert_eq!(findings.len(), HYPOTHESES.len());
    for finding in &findings {
        let name = finding.hypothesis.name;
        assert_eq!(finding.without.verdict, Verdict::Holds, "{name}: it takes what the hypothesis adds");
        assert!(!matches!(finding.report.verdict, Verdict::Holds | Verdict::Unknown { .. }), "{name}");
    }
    let says = |name: &str| -> Vec<Says> { Fact::ALL.map(|fact| named(&findings, name).says(fact)).to_vec() };
    // The report's own: the run has the task of CPU 3 behind its lock btsl, in the section, and off its CPU.
    let switched_out = named(&findings, "holder switched out");
    assert_eq!(contradicted(switched_out), [Fact::BeforeBtsl, Fact::NeedResched, Fact::Section]);
    // Who takes the bit in an interrupt had interrupts off before, so its saved flags would not be 0x246.
    assert_eq!(contradicted(named(&findings, "interrupt takes the bit")), [Fact::SavedFlags, Fact::Section]);
    // Nobody spins, and the head has no reference any more.
    let freed = contradicted(named(&findings, "freed with the bit set"));
    assert_eq!(freed, [Fact::Spin, Fact::Page, Fact::Section, Fact::HardLockup]);
    // These three are what the dump leaves, and the lost release is the one that needs no holder.
    for name in ["lost release", "virtual CPU stopped", "starvation"] {
        assert_eq!(contradicted(named(&findings, name)), [], "{name}");
    }
    let lost = [Explains, Explains, Explains, Explains, Nothing, Nothing, Explains, Explains];
    assert_eq!(says("lost release"), lost);
    assert_eq!(says("virtual CPU stopped")[6], Nothing, "the holder is none of the stacks that were looked at");
    let table = table(&findings);
    for line in table.lines() {
        assert!(line.chars().count() <= WIDTH, "{line}");
    }
    for hypothesis in HYPOTHESES {
        assert!(table.lines().any(|line| line.starts_with(hypothesis.name)), "{table}");
    }
}

fn show(format: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockup"));
    let output = command.args(["show", "compound-lock", "--format", format]).output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_program_prints_the_table_and_a_run_for_each_hypothesis() {
    for (format, heading) in [("text", "What the dump shows:"), ("html", "<h2>What the dump shows</h2>")] {
        let (status, stdout, stderr) = show(format);
        assert_eq!((status, stderr.as_str()), (Some(0), ""), "{format}");
        assert!(stdout.contains(heading), "{stdout}");
        for hypothesis in HYPOTHESES {
            let (incident, scenario, revision) = hypothesis.row;
            let title = format!("{incident}/{scenario}@{revision}: ");
            assert_eq!(stdout.matches(&title).count(), 1, "{format}: {title}");
        }
    }
    let (status, stdout, stderr) = show("mermaid");
    assert_eq!((status, stdout.as_str(), stderr.lines().count()), (Some(2), "", 1), "{stderr}");
}
