// SPDX-License-Identifier: GPL-2.0-only
//! What a run says about the facts of incident 002.

use compound::investigation::Fact;
use compound::page_flags::PageFlag;
use compound::scenarios_incident_002::TASK_24194;
use ksync::{Report, Severity, TraceStep, Verdict, WaitsFor};

/// What a run has to do with a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// The run ends so.
    Explains,
    /// The run ends otherwise.
    Contradicts,
    /// The run has nothing of the kind.
    Nothing,
}

impl Says {
    /// A mark for the table.
    pub fn mark(self) -> char {
        match self {
            Says::Explains => '+',
            Says::Contradicts => '-',
            Says::Nothing => '.',
        }
    }

    fn is(explains: bool) -> Says {
        if explains { Says::Explains } else { Says::Contradicts }
    }
}

/// A run that ends in a failure, with what can be read off it.
#[derive(Debug)]
pub struct Run<'a> {
    verdict: &'a Verdict,
    steps: &'a [TraceStep],
}

impl<'a> Run<'a> {
    /// The run of a report that has one.
    pub fn of(report: &'a Report) -> Option<Run<'a>> {
        let trace = report.trace.as_ref()?;
        Some(Run { verdict: &report.verdict, steps: &trace.steps })
    }

    /// What the run says about the fact.
    pub fn says(&self, fact: Fact) -> Says {
        let spinners = self.spinners();
        let holder = self.holder();
        match fact {
            Fact::Spin if spinners.is_empty() => Says::Contradicts,
            Fact::Spin if spinners.len() == 1 => Says::Nothing,
            Fact::Spin => Says::Explains,
            Fact::SavedFlags if spinners.is_empty() || self.steps.iter().all(|step| !step.irqs_off) => Says::Nothing,
            Fact::SavedFlags => Says::is(spinners.iter().all(|&at| self.turned_them_off(at))),
            Fact::Bit if self.bit_is_set() => Says::Explains,
            Fact::Bit => Says::Nothing,
            Fact::Page if !self.steps.iter().any(|step| step.operation.ends_with("head.flags")) => Says::Nothing,
            Fact::Page => Says::is(!self.steps.iter().any(is_last_put)),
            Fact::BeforeBtsl | Fact::NeedResched if !self.has(TASK_24194) => Says::Nothing,
            Fact::BeforeBtsl => Says::is(holder != Some(TASK_24194)),
            Fact::NeedResched => Says::is(!self.is_off_its_cpu(TASK_24194)),
            Fact::Section => match holder {
                Some(task) if task.starts_with("fas_readwriter") || task.starts_with("put_page") => Says::Contradicts,
                Some(_) => Says::Nothing,
                None if self.bit_is_set() => Says::Explains,
                None => Says::Nothing,
            },
            Fact::HardLockup => match self.verdict {
                Verdict::Lockup(lockup) => Says::is(lockup.severity == Severity::Hard),
                Verdict::Violated { property } => Says::is(property.contains("hard LOCKUP")),
                _ => Says::Nothing,
            },
        }
    }

    fn has(&self, task: &str) -> bool {
        self.steps.iter().any(|step| step.task == task)
    }

    /// For each task that spins on the bit: the step at which it found it set for the last time.
    fn spinners(&self) -> Vec<usize> {
        let last_of = |at: &usize| {
            let step = &self.steps[*at];
            !self.steps[at + 1..].iter().any(|later| later.task == step.task && later.operation == step.operation)
        };
        (0..self.steps.len()).filter(|at| finds_it_set(&self.steps[*at])).filter(last_of).collect()
    }

    /// Whether the task of this step had interrupts on until it turned them off itself.
    fn turned_them_off(&self, at: usize) -> bool {
        let mine: Vec<&TraceStep> =
            self.steps[..=at].iter().filter(|step| step.task == self.steps[at].task).collect();
        let off = mine.iter().rposition(|step| !step.irqs_off).map_or(0, |last_on| last_on + 1);
        mine.get(off).is_some_and(|step| step.irqs_off && step.function == "compound_lock_irqsave")
    }

    /// Who took the bit and has it at the end.
    fn holder(&self) -> Option<&'a str> {
        self.bit().1
    }

    fn bit_is_set(&self) -> bool {
        self.bit().0
    }

    /// Whether the bit is set at the end, and who took it: nobody, where a plain write brought it back.
    fn bit(&self) -> (bool, Option<&'a str>) {
        self.steps.iter().fold((false, None), |(set, holder), step| match after(step) {
            None => (set, holder),
            Some(true) if takes_it(step) => (true, Some(step.task.as_str())),
            Some(true) if set => (set, holder),
            Some(now) => (now, None),
        })
    }

    fn is_off_its_cpu(&self, task: &str) -> bool {
        let Verdict::Lockup(lockup) = self.verdict else { return false };
        lockup.waits.iter().any(|wait| wait.task == task && matches!(wait.what, WaitsFor::Cpu(_)))
    }
}

fn in_lock(step: &TraceStep) -> bool {
    matches!(step.function.as_str(), "bit_spin_lock" | "bit_spin_trylock") && step.operation.starts_with("rmw ")
}

fn finds_it_set(step: &TraceStep) -> bool {
    in_lock(step) && step.action.contains("was set")
}

fn takes_it(step: &TraceStep) -> bool {
    in_lock(step) && step.action.contains("was clear")
}

/// Whether the bit is set after a step that changes it; `None` for any other step.
fn after(step: &TraceStep) -> Option<bool> {
    if takes_it(step) {
        return Some(true);
    }
    if step.function == "bit_spin_unlock" && step.operation.starts_with("rmw ") {
        return Some(false);
    }
    let value = step.action.strip_prefix("head.flags = ")?;
    let value: u64 = value.split(' ').next()?.parse().ok()?;
    Some(PageFlag::CompoundLock.is_in(value))
}

fn is_last_put(step: &TraceStep) -> bool {
    step.operation == "rmw head._refcount" && step.action.contains("now zero")
}
