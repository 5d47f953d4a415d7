// SPDX-License-Identifier: GPL-2.0-only
//! Each incident once on a kernel that has the bug and once on one that has not, as users run it.
//!
//! The limits in time are no part of what is tested: a run waits for the lockup, or for its rounds.
#![cfg(not(loom))]

use reenact::incident::ALL;
use reenact::run::{Limits, Load, Outcome, Run, Told, cores, run};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

struct Ran {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs the program with its output in pipes.
fn reenact(args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reenact"));
    let output = command.args(args).stdin(Stdio::null()).output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// An hour is not what ends a run.
const FOR_AS_LONG_AS_IT_TAKES: [&str; 2] = ["--seconds", "3600"];

/// Where there is one core, the incidents that need two have to say so.
fn has_the_cores(incident: &str, Ran { status, stdout, stderr }: &Ran) -> bool {
    let takes = ALL.iter().find(|other| other.name == incident).expect("an incident").cores;
    let enough = !(1..takes).contains(&cores().len());
    assert_eq!((*status, stderr.as_str()), (Some(i32::from(!enough)), ""), "{stdout}");
    assert_eq!(stdout.contains("\nNot as expected: it takes 2 cores, "), !enough, "{stdout}");
    enough
}

/// Runs an incident until it locks up, and gives the reports.
fn locks_up(incident: &str) -> Option<Vec<String>> {
    let ran = reenact(&[&[incident][..], &FOR_AS_LONG_AS_IT_TAKES].concat());
    if !has_the_cores(incident, &ran) {
        return None;
    }
    let stdout = ran.stdout;
    let mut parts: Vec<String> = stdout.split("\n\n").map(str::to_owned).collect();
    let last = parts.pop().expect("there is always one");
    assert!(last.starts_with("Locked up in round ") && last.contains(": as expected.\n"), "{stdout}");
    assert!(last.ends_with("; all threads are joined.\n"), "{stdout}");
    assert!(parts[0].starts_with(&format!("{incident}@")), "{stdout}");
    parts.remove(0);
    Some(parts)
}

/// Runs an incident on a fixed kernel to its end.
fn runs_through(incident: &str, revision: &str, rounds: &str) {
    let args = [&[incident, "--revision", revision, "--rounds", rounds][..], &FOR_AS_LONG_AS_IT_TAKES].concat();
    let ran = reenact(&args);
    if !has_the_cores(incident, &ran) {
        return;
    }
    let stdout = ran.stdout;
    assert!(stdout.contains(&format!("\n\nDid not lock up in {rounds} rounds and ")), "{stdout}");
    assert!(stdout.ends_with(": as expected.\nAll threads are joined.\n"), "{stdout}");
    assert!(!stdout.contains("BUG"), "{stdout}");
}

/// The report on this CPU has this thread, and on Linux these functions, innermost first.
fn reported(reports: &[String], cpu: u32, comm: &str, functions: &[&str]) {
    let message = format!("watchdog: BUG: soft lockup - CPU#{cpu} stuck for ");
    let report = reports.iter().find(|report| report.starts_with(&message));
    let report = report.unwrap_or_else(|| panic!("nothing about CPU{cpu}: {reports:?}"));
    let first = report.lines().next().expect("there is always one");
    assert!(first.contains(&format!("s! [{comm}:")) && first.ends_with(']'), "{report}");
    if cfg!(target_os = "linux") {
        let mut rest = report.as_str();
        for function in functions {
            let line = format!("\n {function} (");
            rest =
                rest.split_once(&line).unwrap_or_else(|| panic!("{function} is not where it should be: {report}")).1;
        }
    }
}

#[test]
fn migrate_swap_locks_up() {
    let Some(reports) = locks_up("migrate-swap") else { return };
    assert_eq!(reports.len(), 2);
    let exporter = ["try_to_wake_up", "wake_up_process", "cpu_stop_queue_two_works", "stop_two_cpus", "migrate_swap"];
    reported(&reports, 26, "custom_exporter", &exporter);
    let migration = ["cpu_stop_queue_work", "stop_one_cpu_nowait", "load_balance", "newidle_balance", "__schedule"];
    reported(&reports, 1, "migration/1", &migration);
}

#[test]
fn migrate_swap_runs_through_where_it_is_fixed() {
    runs_through("migrate-swap", "0b26351b910f", "100");
}

#[test]
fn stop_machine_waits_in_prepare() {
    let Some(reports) = locks_up("stop-machine-prepare") else { return };
    assert_eq!(reports.len(), 2, "the CPU that they wait for is not reported");
    for cpu in [0, 1] {
        reported(&reports, cpu, &format!("migration/{cpu}"), &["multi_cpu_stop", "cpu_stopper_thread"]);
    }
}

#[test]
fn stop_machine_runs_through_where_the_busy_cpu_reschedules() {
    runs_through("stop-machine-prepare", "ade81479c7dd", "20");
}

#[test]
fn nobody_holds_the_compound_lock() {
    let Some(reports) = locks_up("compound-lock") else { return };
    assert_eq!(reports.len(), 1, "the only one who takes it");
    reported(&reports, 10, "fas_readwriter", &["bit_spin_lock", "compound_lock_irqsave"]);
}

#[test]
fn the_compound_lock_is_released_where_flags_are_set_atomically() {
    runs_through("compound-lock", "v7.1", "50");
}

#[test]
fn a_distribution_repeats_itself() {
    let Some(reports) = locks_up("cfs-distribute") else { return };
    let counted = "timer/50: one distribution visited 8 runqueues ";
    assert!(reports.iter().any(|report| report.starts_with(counted)), "{reports:?}");
}

#[test]
fn a_distribution_ends_where_it_is_fixed() {
    runs_through("cfs-distribute", "c06f04c70489", "200");
}

#[test]
fn list_names_all() {
    let Ran { status, stdout, stderr } = reenact(&["list"]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    for incident in ALL {
        assert!(stdout.lines().any(|line| line == incident.name), "{stdout}");
    }
    assert!(stdout.contains("  0b26351b910f^       locks up  wakes the stoppers under their locks\n"), "{stdout}");
}

#[test]
fn bad_usage_is_one_line() {
    for (args, says) in [
        (&["migrate"][..], "migrate"),
        (&["migrate-swap", "--revision", "v2.6"], "v2.6"),
        (&["migrate-swap", "--seconds", "0"], "--seconds"),
        (&["migrate-swap", "--rounds", "many"], "--rounds"),
        (&["list", "all"], "all"),
    ] {
        let Ran { status, stdout, stderr } = reenact(args);
        assert_eq!((status, stdout.as_str()), (Some(2), ""), "{args:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{args:?}: {stderr}");
        assert!(stderr.starts_with("reenact: ") && stderr.contains(says), "{args:?}: {stderr}");
    }
}

/// Runs a load in this process.
fn here(load: &Arc<dyn Load>, rounds: u64) -> Result<Outcome, String> {
    run(load, Limits { time: Duration::from_hours(1), rounds }, &mut |_: Told<'_>| {})
}

/// Waits until no thread of this process is called so: the system may take a moment to forget one that has ended.
fn gone(names: &[&str]) {
    let there = || {
        let tasks = std::fs::read_dir("/proc/self/task").expect("Linux has it");
        let mut comms = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
        comms.any(|comm| names.contains(&comm.trim_end()))
    };
    while cfg!(target_os = "linux") && there() {
        std::thread::yield_now();
    }
}

#[test]
fn a_lockup_leaves_no_thread_behind() {
    let revision = ALL[3].revision(None).expect("there is one");
    let outcome = here(&(revision.load)(), u64::MAX).expect("no assertion fails");
    assert!(outcome.locked_up && outcome.rounds > 0);
    gone(&["migration/0", "migration/1", "migration/2", "stop_machine", "mysqld", "watchdog", "reenact"]);
}

/// One thread fails, and the other one waits for it at a meeting.
struct Fails(reenact::meeting::Meeting);

impl Load for Fails {
    fn declare(self: Arc<Self>, setup: &mut ksync::Setup, run: &Arc<Run>) {
        for cpu in 0..2 {
            let (load, of) = (self.clone(), run.clone());
            setup.task(format!("fails/{cpu}"), cpu, move |current| {
                let watched = of.watch(current);
                while let Some(round) = load.0.next_round(&of, &watched) {
                    assert!(round != 3 || cpu == 0, "the third time");
                }
            });
        }
    }

    fn stuck_cpus(&self) -> &'static [u32] {
        &[]
    }

    fn release(&self) {}

    fn released_by(&self) -> &'static str {
        "nothing"
    }
}

#[test]
fn an_assertion_that_fails_ends_the_run() {
    let load: Arc<dyn Load> = Arc::new(Fails(reenact::meeting::Meeting::of(2)));
    assert_eq!(here(&load, 10).expect_err("an assertion fails"), "the third time");
    gone(&["fails/0", "fails/1", "reenact"]);
}
