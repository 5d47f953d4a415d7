// SPDX-License-Identifier: GPL-2.0-only
//! Incident 000 as a trace made by hand, in every format.

use super::calls::Calls;
use super::story::Story;
use super::{Format, html, mermaid, text};
use crate::engine::undecided;
use expect_test::expect;
use ksync::{Holder, Lockup, Report, Severity, Trace, TraceStep, Verdict, Wait, WaitsFor};

fn step(
    task: &str,
    cpu: u32,
    function: &str,
    operation: &str,
    action: &str,
    holds: &[&str],
    irqs_off: bool,
) -> TraceStep {
    TraceStep {
        task: task.to_owned(),
        cpu,
        function: function.to_owned(),
        place: "x.rs:1".to_owned(),
        operation: operation.to_owned(),
        way: 0,
        action: action.to_owned(),
        holds: holds.iter().map(|&lock| lock.to_owned()).collect(),
        irqs_off,
    }
}

fn incident() -> Report {
    let m = |function, action, holds: &[&str]| step("migration/1", 1, function, action, action, holds, true);
    let c = |function, action, holds: &[&str]| step("custom_exporter", 26, function, action, action, holds, true);
    let two = "cpu_stop_queue_two_works";
    let (s1, s26, rq1) = ("stopper1.lock", "stopper26.lock", "rq1.lock");
    let steps = vec![
        step("migration/1", 1, "__schedule", "PreemptOff(true)", "preempt_disable()", &[], false),
        step("migration/1", 1, "__schedule", "IrqsOff(true)", "interrupts off", &[], true),
        m("__schedule", "lock rq1.lock", &[rq1]),
        m("__schedule", "migration/1.on_rq = 0", &[rq1]),
        step("custom_exporter", 26, two, "IrqsOff(true)", "interrupts off", &[], true),
        c(two, "lock stopper1.lock", &[s1]),
        c(two, "lock stopper26.lock", &[s1, s26]),
        c("try_to_wake_up", "lock migration/1.pi_lock", &[s1, s26, "migration/1.pi_lock"]),
        c("try_to_wake_up", "read migration/1.on_rq -> 0", &[s1, s26, "migration/1.pi_lock"]),
        m("idle_balance", "unlock rq1.lock", &[]),
    ];
    let wait = |task: &str, cpu, what, function: &str, (holder, at, since): (&str, u32, &str)| Wait {
        task: task.to_owned(),
        cpu,
        irqs_off: true,
        what,
        function: function.to_owned(),
        holder: Some(Holder { task: holder.to_owned(), cpu: at, function: since.to_owned() }),
    };
    let waits = vec![
        wait("migration/1", 1, WaitsFor::Lock(s26.into()), "cpu_stop_queue_work", ("custom_exporter", 26, two)),
        wait(
            "custom_exporter",
            26,
            WaitsFor::Word("migration/1.on_cpu".into()),
            "try_to_wake_up",
            ("migration/1", 1, "finish_task"),
        ),
    ];
    let mut report = undecided(String::new());
    report.verdict = Verdict::Lockup(Lockup { severity: Severity::Hard, waits, cycle: 2 });
    report.trace = Some(Trace { steps, minimal: true });
    report
}

const SOURCE: &str = "
    fn stop_two_cpus() { }
        cpu_stop_queue_two_works();
    fn cpu_stop_queue_two_works() {
        __cpu_stop_queue_work();
    fn __cpu_stop_queue_work() {
        wake_up_process();
    fn wake_up_process() {
        try_to_wake_up();
    fn try_to_wake_up() {
    fn __schedule() {
        pick_next_task();
    fn pick_next_task() {
        idle_balance();
    fn idle_balance() {
        stop_one_cpu_nowait();
    fn stop_one_cpu_nowait() {
        cpu_stop_queue_work();
    fn cpu_stop_queue_work() {
";

const TITLE: &str = "migrate-swap/incident@0b26351b910f^: wakes under both locks";

fn story(report: &Report) -> Story {
    Story::of(TITLE, "sc", report, &Calls::of(&[("x.rs", SOURCE)])).expect("it has a trace")
}

#[test]
fn text_draws_what_the_commit_message_drew() {
    expect![[r#"
        migrate-swap/incident@0b26351b910f^: wakes under both locks
        Lockup (hard) under sc, after 10 steps and 2 context switches; no run that fails is shorter.

        CPU1                                             CPU26
        migration/1                                      custom_exporter
        -----------------------------------------------  -----------------------------------------------
          __schedule()
        #   lock rq1.lock
        #   migration/1.on_rq = 0
                                                           cpu_stop_queue_two_works()
                                                         #   lock stopper1.lock
                                                         #   lock stopper26.lock
                                                         #   __cpu_stop_queue_work()
                                                         #     wake_up_process()
                                                         #       try_to_wake_up()
                                                         #         lock migration/1.pi_lock
                                                         #         read migration/1.on_rq -> 0
        #   pick_next_task()
        #     idle_balance()
        #       unlock rq1.lock
        #       stop_one_cpu_nowait()
        #         cpu_stop_queue_work()
        #           -- waits for stopper26.lock, held
        #               by CPU26
                                                         #         -- spins on migration/1.on_cpu,
                                                         #             written by CPU1

        # Interrupts are off. Data steps: plain accesses, and words that no other task touches here.

        migration/1 on CPU1 waits for stopper26.lock in cpu_stop_queue_work(), held by custom_exporter
          on CPU26 since cpu_stop_queue_two_works().
        custom_exporter on CPU26 spins on migration/1.on_cpu in try_to_wake_up(), which migration/1 on
          CPU1 writes in finish_task(); it holds stopper1.lock, stopper26.lock, migration/1.pi_lock.
        Cycle: migration/1 -> custom_exporter -> migration/1.
    "#]]
    .assert_eq(&text::page(&story(&incident())));
}

#[test]
fn mermaid_draws_notes_and_arrows() {
    expect![[r#"
        ---
        title: "migrate-swap/incident@0b26351b910f^: wakes under both locks"
        ---
        sequenceDiagram
            participant C1 as CPU1<br/>migration/1
            participant C26 as CPU26<br/>custom_exporter
            Note over C1: __schedule()<br/>lock rq1.lock [irqs off]<br/>migration/1.on_rq = 0
            Note over C26: cpu_stop_queue_two_works()<br/>lock stopper1.lock [irqs off]<br/>lock stopper26.lock<br/>__cpu_stop_queue_work()<br/>wake_up_process()<br/>try_to_wake_up()<br/>lock migration/1.pi_lock<br/>read migration/1.on_rq -#gt; 0
            Note over C1: pick_next_task()<br/>idle_balance()<br/>unlock rq1.lock<br/>stop_one_cpu_nowait()<br/>cpu_stop_queue_work()
            C1-xC26: waits for stopper26.lock, held by CPU26
            C26-xC1: spins on migration/1.on_cpu, written by CPU1
    "#]].assert_eq(&mermaid::draw(&story(&incident())));
}

#[test]
fn html_escapes_what_it_shows() {
    let mut report = incident();
    report.trace.as_mut().expect("it has one").steps[2].action = "cmpxchg <0 & 1>".to_owned();
    let page = html::page(&story(&report));
    assert!(page.contains("cmpxchg &lt;0 &amp; 1&gt;") && !page.contains("<0"), "{page}");
    assert_eq!(page.matches("<tr>").count(), page.matches("</tr>").count());
}

#[test]
fn every_format_names_both_waits() {
    let story = story(&incident());
    for format in [Format::Text, Format::Html, Format::Mermaid] {
        let drawn = format.draw(&story);
        for wait in ["waits for stopper26.lock", "spins on migration/1.on_cpu", "custom_exporter", "try_to_wake_up()"]
        {
            assert!(drawn.contains(wait), "no {wait} in {drawn}");
        }
    }
}

#[test]
fn a_violation_ends_with_its_message() {
    let mut report = incident();
    report.verdict = Verdict::Violated { property: "x.rs:7: nr_todo is 2".to_owned() };
    let page = text::page(&story(&report));
    assert!(page.ends_with("\n\nViolated (x.rs:7: nr_todo is 2)\n"), "{page}");
}

#[test]
fn two_tasks_of_one_cpu_are_told_apart() {
    let mut report = incident();
    let preempted = step("custom_exporter", 1, "migrate_swap", "PreemptOff(true)", "preempt_disable()", &[], false);
    report.trace.as_mut().expect("it has one").steps.insert(0, preempted);
    let page = text::page(&story(&report));
    assert!(page.contains("[custom_exporter]") && page.contains("[migration/1]"), "{page}");
    assert!(page.contains("preempt_disable()"), "where two tasks share a CPU it decides who runs: {page}");
}

#[test]
fn data_steps_at_the_head_of_a_function_are_counted() {
    let mut report = incident();
    let steps = &mut report.trace.as_mut().expect("it has one").steps;
    for (kind, word) in [("store", "work.fn"), ("store", "work.arg"), ("write", "work.done")] {
        let (operation, action) = (format!("{kind} {word}"), format!("{word} = 1"));
        steps.push(step("migration/1", 1, "stop_one_cpu_nowait", &operation, &action, &[], true));
    }
    let page = text::page(&story(&report));
    assert!(page.contains("stop_one_cpu_nowait()\n#         [3 data steps]\n"), "{page}");

    // What another task reads is drawn; the plain word after it does not stand at the head any more.
    let read = step("custom_exporter", 26, "migrate_swap", "load work.fn", "read work.fn -> 1", &[], true);
    report.trace.as_mut().expect("it has one").steps.push(read);
    let page = text::page(&story(&report));
    assert!(page.contains("work.fn = 1\n") && page.contains("work.done = 1\n"), "{page}");
}

#[test]
fn after_a_race_every_access_matters() {
    let mut report = incident();
    report.verdict = Verdict::Race { word: "work.done".to_owned() };
    let steps = &mut report.trace.as_mut().expect("it has one").steps;
    for word in ["work.fn", "work.done"] {
        let (operation, action) = (format!("write {word}"), format!("{word} = 1"));
        steps.push(step("migration/1", 1, "stop_one_cpu_nowait", &operation, &action, &[], true));
    }
    let page = text::page(&story(&report));
    assert!(page.contains("work.done = 1\n") && page.ends_with("\nRace (on work.done)\n"), "{page}");
}
