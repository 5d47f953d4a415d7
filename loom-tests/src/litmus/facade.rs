// SPDX-License-Identifier: GPL-2.0-only
//! A litmus test as a scenario: the same test, asked through the facade's own calls. So it runs wherever a port runs: on
//! the explorer, on loom, and on real threads.

use super::code::{Barrier, Code, Gives, Instr, Order, Program, Pure, Update, variable};
use super::outcome::{Final, Outcomes, condition_holds, filtered_out};
use ksync::{
    Acquire, Atomic, Current, Full, Plain, Relaxed, Release, RmwOrder, Scenario, Setup, SpinGuard, SpinLock,
};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The final states of all executions so far.
pub type Finals = Arc<Mutex<BTreeSet<Final>>>;

/// A shared variable.
enum Word {
    Data(Atomic<u64>),
    Lock(SpinLock),
}

/// The test as a scenario that adds the final state of each execution to `finals`.
///
/// # Errors
/// What the test needs that the facade does not have.
pub fn scenario(program: &Program, finals: &Finals) -> Result<Box<Scenario>, String> {
    let locks = check(program)?;
    let (program, finals) = (Arc::new(program.clone()), finals.clone());
    Ok(Box::new(move |setup: &mut Setup| {
        let word = |(at, (name, value)): (usize, &(String, i64))| {
            if locks[at] {
                Word::Lock(SpinLock::named(format_args!("{name}")))
            } else {
                Word::Data(Atomic::named(*value as u64, format_args!("{name}")))
            }
        };
        let words: Arc<Vec<Word>> = Arc::new(program.variables.iter().enumerate().map(word).collect());
        let mut registers = Vec::new();
        for (number, code) in program.processes.iter().enumerate() {
            // A register leaves its process through memory, where the final check can see it.
            let regs: Arc<Vec<Plain<u64>>> =
                Arc::new(code.regs.iter().map(|value| Plain::new(*value as u64)).collect());
            registers.push(regs.clone());
            let (program, words) = (program.clone(), words.clone());
            setup.task(format!("P{number}"), number as u32, move |current| {
                let code = &program.processes[number];
                let ended = Run { words: &words, regs: code.regs.clone() }.run(code, current);
                for (at, (to, value)) in regs.iter().zip(ended).enumerate() {
                    if at < code.names.len() && value != code.regs[at] {
                        to.set(value as u64);
                    }
                }
            });
        }
        let (program, finals) = (program.clone(), finals.clone());
        setup.finally(move |_| {
            let regs = registers.iter().map(|regs| regs.iter().map(|reg| reg.get() as i64).collect()).collect();
            let value = |word: &Word| match word {
                Word::Data(word) => word.load(Relaxed) as i64,
                Word::Lock(_) => 0,
            };
            let end = Final { regs, shared: words.iter().map(value).collect() };
            if !filtered_out(&program, &end) {
                finals.lock().insert(end);
            }
        });
    }))
}

/// What the collected states say.
pub fn outcomes(program: &Program, finals: &Finals) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for end in finals.lock().iter() {
        outcomes.add(program, end, condition_holds(program, end));
    }
    outcomes
}

/// The variables that are locks. Refuses tests with what the facade has no word for.
fn check(program: &Program) -> Result<Vec<bool>, String> {
    let mut locks = vec![false; program.variables.len()];
    for code in &program.processes {
        for (instr, line) in &code.instrs {
            let missing = |what: &str| Err(format!("{what} (line {line})"));
            match instr {
                Instr::Lock { at }
                | Instr::Unlock { at }
                | Instr::TryLock { at, .. }
                | Instr::IsLocked { at, .. } => {
                    let Pure::Reg(reg) = at else { return missing("a computed lock") };
                    let Some(lock) = variable(code.regs[*reg], locks.len()) else {
                        return missing("a computed lock");
                    };
                    locks[lock] = true;
                }
                Instr::RcuLock
                | Instr::RcuUnlock
                | Instr::RcuSync
                | Instr::SrcuLock { .. }
                | Instr::SrcuUnlock { .. }
                | Instr::SrcuSync { .. }
                | Instr::Fence(Barrier::AfterSrcuReadUnlock) => return missing("RCU"),
                Instr::Rmw { update: Update::Xor(_), .. } => return missing("an exclusive or"),
                Instr::Rmw {
                    order: Order::Void, update: Update::And(_) | Update::Or(_) | Update::AndNot(_), ..
                } => {
                    return missing("a void bit operation");
                }
                Instr::Jump(to) if code.instrs[*to].1 < *line => return missing("a loop"),
                _ => {}
            }
        }
    }
    Ok(locks)
}

struct Run<'a> {
    words: &'a [Word],
    regs: Vec<i64>,
}

impl<'a> Run<'a> {
    fn word(&self, at: &Pure) -> &'a Word {
        let at = at.value(&self.regs);
        let number = variable(at, self.words.len());
        number.map_or_else(|| panic!("an access to {at:#x}, where nothing is"), |number| &self.words[number])
    }

    fn data(&self, at: &Pure) -> &'a Atomic<u64> {
        match self.word(at) {
            Word::Data(word) => word,
            Word::Lock(_) => panic!("a lock is used as data"),
        }
    }

    fn lock(&self, at: &Pure) -> (&'a SpinLock, usize) {
        match self.word(at) {
            Word::Lock(lock) => (lock, at.value(&self.regs) as usize),
            Word::Data(_) => panic!("data is used as a lock"),
        }
    }

    /// Runs the process and gives its registers.
    fn run(mut self, code: &Code, current: &Current) -> Vec<i64> {
        let mut held: Vec<(usize, SpinGuard<'_>)> = Vec::new();
        let mut pc = 0;
        while let Some((instr, _)) = code.instrs.get(pc) {
            pc += 1;
            let value = |of: &Pure| of.value(&self.regs);
            match instr {
                Instr::Let { to, value: new } => self.regs[*to] = value(new),
                Instr::Guard { cond, otherwise } if value(cond) == 0 => pc = *otherwise,
                Instr::Jump(to) => pc = *to,
                Instr::Read { to, at, order: Order::Acquire } => self.regs[*to] = self.data(at).load(Acquire) as i64,
                Instr::Read { to, at, .. } => self.regs[*to] = self.data(at).load(Relaxed) as i64,
                Instr::Write { at, value: new, order: Order::Release } => {
                    self.data(at).store(value(new) as u64, Release);
                }
                Instr::Write { at, value: new, .. } => self.data(at).store(value(new) as u64, Relaxed),
                Instr::Rmw { to, at, update, order, gives } => {
                    let word = self.data(at);
                    let seen = match order {
                        Order::Acquire => self.update(word, update, *gives, Acquire),
                        Order::Release => self.update(word, update, *gives, Release),
                        Order::Full => self.update(word, update, *gives, Full),
                        Order::Void => self.void(word, update),
                        Order::Plain | Order::Once => self.update(word, update, *gives, Relaxed),
                    };
                    self.regs[*to] = seen;
                }
                Instr::Fence(barrier) => fence(*barrier),
                Instr::Lock { at } => {
                    let (lock, key) = self.lock(at);
                    held.push((key, lock.lock(current)));
                }
                Instr::TryLock { to, at } => {
                    let (lock, key) = self.lock(at);
                    let guard = lock.try_lock(current);
                    self.regs[*to] = i64::from(guard.is_some());
                    held.extend(guard.map(|guard| (key, guard)));
                }
                Instr::Unlock { at } => {
                    let (_, key) = self.lock(at);
                    let own = held.iter().rposition(|(held, _)| *held == key).expect("an unlock of what it holds");
                    held.remove(own).1.unlock();
                }
                Instr::IsLocked { to, at } => self.regs[*to] = i64::from(self.lock(at).0.is_locked()),
                _ => {}
            }
        }
        // A lock that is never released stays taken.
        for (_, guard) in held {
            std::mem::forget(guard);
        }
        self.regs
    }

    fn update(&self, word: &Atomic<u64>, update: &Update, gives: Gives, order: impl RmwOrder) -> i64 {
        let value = |of: &Pure| of.value(&self.regs) as u64;
        let old = match update {
            Update::Xchg(new) => word.xchg(value(new), order),
            Update::CmpXchg(old, new) => word.cmpxchg(value(old), value(new), order).unwrap_or_else(|seen| seen),
            Update::Add(add) => word.fetch_add(value(add), order),
            Update::Sub(sub) => word.fetch_add(value(sub).wrapping_neg(), order),
            Update::AddUnless(add, unless) => return i64::from(word.add_unless(value(add), value(unless), order)),
            Update::And(bits) => word.fetch_and(value(bits), order),
            Update::Or(bits) | Update::Xor(bits) => word.fetch_or(value(bits), order),
            Update::AndNot(bits) => word.fetch_and(!value(bits), order),
        } as i64;
        gives.of(old, update.apply(old, &self.regs))
    }

    fn void(&self, word: &Atomic<u64>, update: &Update) -> i64 {
        match update {
            Update::Add(add) => word.add(add.value(&self.regs) as u64),
            Update::Sub(sub) => word.add((sub.value(&self.regs) as u64).wrapping_neg()),
            _ => unreachable!("refused before"),
        }
        0
    }
}

fn fence(barrier: Barrier) {
    match barrier {
        Barrier::Mb | Barrier::AfterSrcuReadUnlock => ksync::smp_mb(),
        Barrier::Wmb => ksync::smp_wmb(),
        Barrier::Rmb => ksync::smp_rmb(),
        Barrier::BeforeAtomic => ksync::smp_mb__before_atomic(),
        Barrier::AfterAtomic => ksync::smp_mb__after_atomic(),
        Barrier::AfterSpinlock => ksync::smp_mb__after_spinlock(),
        Barrier::AfterUnlockLock => ksync::smp_mb__after_unlock_lock(),
    }
}
