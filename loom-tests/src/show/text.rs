// SPDX-License-Identifier: GPL-2.0-only
//! The picture as text.

use super::calls::Calls;
use super::picture::{Picture, What, waits};
use ksync::{Lockup, Report, Trace, Verdict};

/// The width of the whole picture, in characters.
const WIDTH: usize = 96;
/// Between two columns.
const GAP: usize = 2;
/// The margin of a column: a mark where interrupts are off.
const MARGIN: usize = 2;
/// The indentation of a cell's further lines.
const HANG: usize = 4;

/// The whole page: what failed, the picture, and where everybody ends.
pub fn page(title: &str, model: &str, report: &Report, calls: &Calls) -> String {
    let mut text = wrapped(title, 0);
    let Some(trace) = &report.trace else {
        return text + &wrapped(&format!("{} (no trace was kept)", report.verdict), 0);
    };
    let (steps, switches) = (trace.steps.len(), trace.switches());
    let es = if switches == 1 { "" } else { "es" };
    let minimal = if trace.minimal { "; no shorter run fails" } else { "" };
    text += &format!(
        "{} under {model}, after {steps} steps and {switches} context switch{es}{minimal}.\n\n",
        headline(&report.verdict)
    );
    text += &picture(&Picture::of(trace, &report.verdict, calls));
    text.push('\n');
    text += &ending(trace, &report.verdict);
    text
}

/// A column per CPU.
fn picture(picture: &Picture) -> String {
    let count = picture.columns.len().max(1);
    let mut page = Page { width: (WIDTH + GAP) / count - GAP, text: String::new() };
    page.row(picture.columns.iter().map(|column| format!("CPU{}", column.cpu)));
    page.row(picture.columns.iter().map(|column| column.tasks.join(", ")));
    page.row((0..count).map(|_| "-".repeat(page.width)).collect::<Vec<_>>());
    for line in &picture.lines {
        let text = match &line.what {
            What::Task(task) => format!("[{task}]"),
            What::Enter(function) => format!("{function}()"),
            What::Step(action) => action.clone(),
            What::Wait(wait) => format!("-- {wait}"),
        };
        page.cell(line.column, line.irqs_off, 2 * line.depth, &text);
    }
    if picture.lines.iter().any(|line| line.irqs_off) {
        page.text.push_str("\n# Interrupts are off on that CPU.\n");
    }
    page.text
}

/// Everybody who waits, with the locks that he holds, and the cycle; for other verdicts the verdict itself.
fn ending(trace: &Trace, verdict: &Verdict) -> String {
    let waits = waits(verdict);
    if waits.is_empty() {
        return wrapped(&verdict.to_string(), 0);
    }
    let mut text = String::new();
    for wait in waits {
        let last = trace.steps.iter().rfind(|step| step.task == wait.task);
        let holds = last.map(|step| step.holds.join(", ")).filter(|holds| !holds.is_empty());
        let holds = holds.map_or(String::new(), |holds| format!("; it holds {holds}"));
        text += &wrapped(&format!("{wait}{holds}."), 2);
    }
    if let Verdict::Lockup(Lockup { cycle: cycle @ 1.., waits, .. }) = verdict {
        let round = waits[..*cycle].iter().chain([&waits[0]]);
        let tasks: Vec<&str> = round.map(|wait| wait.task.as_str()).collect();
        text += &wrapped(&format!("Cycle: {}.", tasks.join(" -> ")), 2);
    }
    text
}

/// The verdict in two words.
fn headline(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Lockup(Lockup { severity, .. }) => format!("Lockup ({severity})"),
        _ => verdict.kind().to_owned(),
    }
}

struct Page {
    width: usize,
    text: String,
}

impl Page {
    /// One line with a cell in each column.
    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let width = self.width + GAP;
        let line: String = cells.into_iter().map(|cell| format!("{cell:<width$}")).collect();
        self.push(&line);
    }

    /// One cell, over as many lines as its text needs.
    fn cell(&mut self, column: usize, irqs_off: bool, indent: usize, text: &str) {
        let left = column * (self.width + GAP);
        let mark = if irqs_off { "#" } else { "" };
        let room = self.width.saturating_sub(MARGIN + indent);
        for (hang, part) in wrap(text, room, HANG) {
            self.push(&format!("{:left$}{mark:<MARGIN$}{:indent$}{:hang$}{part}", "", "", ""));
        }
    }

    fn push(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

/// Text over the whole width; the lines after the first hang.
fn wrapped(text: &str, hang: usize) -> String {
    wrap(text, WIDTH, hang).into_iter().map(|(hang, line)| format!("{:hang$}{line}\n", "")).collect()
}

/// Breaks a text at spaces into lines of at most `room`, each with its indentation: none for the first, `hang` for
/// the others. A word is never broken.
fn wrap(text: &str, room: usize, hang: usize) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some((hang, line)) if *hang + line.len() + 1 + word.len() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push((hang, word.to_owned())),
            None => lines.push((0, word.to_owned())),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use ksync::{Holder, Severity, TraceStep, Wait, WaitsFor};

    fn step(task: &str, cpu: u32, function: &str, action: &str, holds: &[&str], irqs_off: bool) -> TraceStep {
        TraceStep {
            task: task.to_owned(),
            cpu,
            function: function.to_owned(),
            place: "x.rs:1".to_owned(),
            action: action.to_owned(),
            holds: holds.iter().map(|&lock| lock.to_owned()).collect(),
            irqs_off,
        }
    }

    fn incident() -> Report {
        let m = |function, action, holds: &[&str]| step("migration/1", 1, function, action, holds, true);
        let c = |function, action, holds: &[&str]| step("exporter", 26, function, action, holds, true);
        let two = "cpu_stop_queue_two_works";
        let (s1, s26, rq1) = ("stopper1.lock", "stopper26.lock", "rq1.lock");
        let steps = vec![
            step("migration/1", 1, "__schedule", "preempt_disable()", &[], false),
            step("migration/1", 1, "__schedule", "interrupts off", &[], true),
            m("__schedule", "lock rq1.lock", &[rq1]),
            m("__schedule", "migration/1.on_rq = 0", &[rq1]),
            step("exporter", 26, two, "interrupts off", &[], true),
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
            wait("migration/1", 1, WaitsFor::Lock(s26.into()), "cpu_stop_queue_work", ("exporter", 26, two)),
            wait(
                "exporter",
                26,
                WaitsFor::Word("migration/1.on_cpu".into()),
                "try_to_wake_up",
                ("migration/1", 1, "finish_task"),
            ),
        ];
        let mut report = crate::engine::undecided(String::new());
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

    #[test]
    fn draws_what_the_commit_message_drew() {
        let calls = Calls::of(&[("x.rs", SOURCE)]);
        expect![[r#"
            migrate-swap/incident@0b26351b910f^: wakes under both locks
            Lockup (hard) under sc, after 10 steps and 2 context switches; no shorter run fails.

            CPU1                                             CPU26
            migration/1                                      exporter
            -----------------------------------------------  -----------------------------------------------
            # __schedule()
            #   lock rq1.lock
            #   migration/1.on_rq = 0
                                                             # cpu_stop_queue_two_works()
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

            # Interrupts are off on that CPU.

            migration/1 on CPU1 waits for stopper26.lock in cpu_stop_queue_work(), held by exporter on CPU26
              since cpu_stop_queue_two_works().
            exporter on CPU26 spins on migration/1.on_cpu in try_to_wake_up(), which migration/1 on CPU1
              writes in finish_task(); it holds stopper1.lock, stopper26.lock, migration/1.pi_lock.
            Cycle: migration/1 -> exporter -> migration/1.
        "#]]
        .assert_eq(&page("migrate-swap/incident@0b26351b910f^: wakes under both locks", "sc", &incident(), &calls));
    }

    #[test]
    fn a_violation_ends_with_its_message() {
        let mut report = incident();
        report.verdict = Verdict::Violated { property: "x.rs:7: nr_todo is 2".to_owned() };
        let page = page("title", "lkmm", &report, &Calls::default());
        assert!(page.ends_with("\n\nViolated (x.rs:7: nr_todo is 2)\n"), "{page}");
    }

    #[test]
    fn long_words_are_never_broken() {
        let lines = wrap("aa bb cccccccccccc d", 5, 2);
        let lines: Vec<(usize, &str)> = lines.iter().map(|(hang, line)| (*hang, line.as_str())).collect();
        assert_eq!(lines, [(0, "aa bb"), (2, "cccccccccccc"), (2, "d")]);
    }
}
