// SPDX-License-Identifier: GPL-2.0-only
//! A request in words, for counterexamples: `lock stopper26.lock`, `migration/1.on_cpu = 0 (release)`.

use crate::op::{CellId, Fence, MemOp, Observe, Order, Rmw};
use crate::request::Request;
use std::fmt;

/// What happened: the request, and the value that the engine answered with. `name` names the words.
pub(crate) fn describe(request: &Request, value: u64, name: &dyn Fn(CellId) -> String) -> String {
    let value = Number(value);
    match request {
        Request::Mem(op) => memory(op, value, name),
        Request::Sleep { cell, .. } => format!("the sleep on {} ends", name(*cell)),
        Request::PreemptOff(true) => "preempt_disable()".into(),
        Request::PreemptOff(false) => "preempt_enable()".into(),
        Request::IrqsOff(true) => "interrupts off".into(),
        Request::IrqsOff(false) => "interrupts on".into(),
        Request::Cpu => format!("smp_processor_id() -> {value}"),
        Request::SetAllowed(cpus) => format!("may run on the CPUs of mask {cpus:#x}"),
        Request::Nondet(n) => format!("choose {value} of {n}"),
        Request::Raise(irq) => format!("raise interrupt {irq}"),
        Request::IrqReturn(_) => "return from interrupt".into(),
        Request::Work(work) => format!("one more round of work {work}"),
        Request::Frame(frame, true) => format!("frame {frame} begins"),
        Request::Frame(frame, false) => format!("frame {frame} ends"),
        Request::Busy(ns) => format!("compute for {ns} ns"),
        Request::Away(ns) => format!("away for {ns} ns"),
        Request::Idle => "idle".into(),
        Request::Halt => "the machine stops".into(),
        Request::Distil => "a block begins".into(),
        Request::Distilled { result, .. } => format!("the block ends with {result}"),
        Request::Now => format!("now -> {value} ns"),
        Request::Timer(irq, Some(at)) => format!("arm interrupt {irq} for {at} ns"),
        Request::Timer(irq, None) => format!("disarm interrupt {irq}"),
    }
}

/// The kind of the request and its word, without values: what a step of one revision has in common with a step of
/// another.
pub(crate) fn operation(request: &Request, name: &dyn Fn(CellId) -> String) -> String {
    let Request::Mem(op) = request else {
        let shown = format!("{request:?}");
        return shown.split([' ', '{']).next().unwrap_or_default().to_owned();
    };
    let kind = match op {
        MemOp::Load { .. } => "load",
        MemOp::Store { .. } => "store",
        MemOp::Rmw { .. } => "rmw",
        MemOp::Await { .. } => "await",
        MemOp::Fence(kind) => return fence(*kind).to_owned(),
        MemOp::Lock { .. } => "lock",
        MemOp::TryLock { .. } => "trylock",
        MemOp::Unlock { .. } => "unlock",
        MemOp::IsLocked { .. } => "is_locked",
        MemOp::Read { .. } => "read",
        MemOp::Write { .. } => "write",
    };
    op.cell().map_or_else(|| kind.to_owned(), |cell| format!("{kind} {}", name(cell)))
}

/// A request that waits and was not answered; any other reads as if it had been answered with 0.
pub(crate) fn describe_wait(request: &Request, name: &dyn Fn(CellId) -> String) -> String {
    match request {
        Request::Mem(MemOp::Await { cell, .. }) => format!("wait for {}", name(*cell)),
        Request::Mem(MemOp::Lock { cell, .. }) => format!("wait for {}", name(*cell)),
        Request::Sleep { cell, .. } => format!("sleep until {} changes", name(*cell)),
        other => describe(other, 0, name),
    }
}

fn memory(op: &MemOp, value: Number, name: &dyn Fn(CellId) -> String) -> String {
    match op {
        MemOp::Load { cell, order } => format!("read {} -> {value}{}", name(*cell), Suffix(*order)),
        MemOp::Store { cell, value, order } => format!("{} = {}{}", name(*cell), Number(*value), Suffix(*order)),
        MemOp::Rmw { cell, rmw, mask, order, observe } => {
            let change = read_modify_write(*rmw, *mask, *observe, value.0);
            format!("{}: {change}{}", name(*cell), Suffix(*order))
        }
        MemOp::Await { cell, order, .. } => format!("wait for {} -> {value}{}", name(*cell), Suffix(*order)),
        MemOp::Fence(kind) => fence(*kind).into(),
        MemOp::Lock { cell, .. } => format!("lock {}", name(*cell)),
        MemOp::TryLock { cell, .. } if value.0 != 0 => format!("trylock {}", name(*cell)),
        MemOp::TryLock { cell, .. } => format!("trylock {} fails", name(*cell)),
        MemOp::Unlock { cell } => format!("unlock {}", name(*cell)),
        MemOp::IsLocked { cell } if value.0 != 0 => format!("{} is locked", name(*cell)),
        MemOp::IsLocked { cell } => format!("{} is not locked", name(*cell)),
        MemOp::Read { cell } => format!("read {} -> {value}", name(*cell)),
        MemOp::Write { cell, value } => format!("{} = {}", name(*cell), Number(*value)),
    }
}

/// `xchg 1 -> 0`, `add 1: 3 -> 4`, `sub 1: not zero`: as much as the caller was shown.
fn read_modify_write(rmw: Rmw, mask: u64, observe: Observe, shown: u64) -> String {
    let verb = match rmw {
        Rmw::Xchg(new) if observe == Observe::Old => return format!("xchg {} -> {}", Number(shown), Number(new)),
        Rmw::CmpXchg { old, new } if observe == Observe::Old && shown == old => {
            return format!("cmpxchg {} -> {}", Number(old), Number(new));
        }
        Rmw::Xchg(new) => format!("xchg {}", Number(new)),
        Rmw::CmpXchg { old, new } => format!("cmpxchg {} -> {}", Number(old), Number(new)),
        Rmw::Add(add) => addition(add, mask),
        Rmw::AddUnless { add, unless } => format!("{} unless {}", addition(add, mask), Number(unless)),
        Rmw::And(bits) => format!("and {bits:#x}"),
        Rmw::Or(bits) => format!("or {bits:#x}"),
        Rmw::Xor(bits) => format!("xor {bits:#x}"),
        Rmw::Bits { mask, new } => format!("xchg of bits {mask:#x}: {new:#x}"),
    };
    match observe {
        Observe::Nothing => verb,
        Observe::Old => match rmw.apply(shown, mask) {
            Some(new) => format!("{verb}: {} -> {}", Number(shown), Number(new)),
            None => format!("{verb} fails: it is {}", Number(shown)),
        },
        Observe::NewIsZero => format!("{verb}: {}", if shown != 0 { "now zero" } else { "not zero" }),
        Observe::Success => format!("{verb}{}", if shown != 0 { "" } else { " fails" }),
        Observe::OldBits(_) => format!("{verb}, was {shown:#x}"),
        Observe::OldHas(bits) => format!("{verb}: {bits:#x} was {}", if shown != 0 { "set" } else { "clear" }),
    }
}

/// Subtraction arrives as the addition of a negative number of the word's width.
fn addition(add: u64, mask: u64) -> String {
    if add > mask / 2 { format!("sub {}", add.wrapping_neg() & mask) } else { format!("add {add}") }
}

fn fence(kind: Fence) -> &'static str {
    match kind {
        Fence::Mb => "smp_mb()",
        Fence::Wmb => "smp_wmb()",
        Fence::Rmb => "smp_rmb()",
        Fence::BeforeAtomic => "smp_mb__before_atomic()",
        Fence::AfterAtomic => "smp_mb__after_atomic()",
        Fence::AfterSpinlock => "smp_mb__after_spinlock()",
        Fence::AfterUnlockLock => "smp_mb__after_unlock_lock()",
        Fence::AcquireAfterCtrlDep => "smp_acquire__after_ctrl_dep()",
    }
}

/// The bits of a word for people. A request does not say whether its word is signed: what lies just below the
/// top of 32 or 64 bits is taken for a small negative number.
#[derive(Clone, Copy)]
struct Number(u64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SMALL: u64 = 1 << 12;
        let Number(bits) = *self;
        let below_32 = (u64::from(u32::MAX) + 1).wrapping_sub(bits);
        let below_64 = bits.wrapping_neg();
        match (below_32, below_64) {
            (1..=SMALL, _) => write!(f, "-{below_32}"),
            (_, 1..=SMALL) => write!(f, "-{below_64}"),
            _ => write!(f, "{bits}"),
        }
    }
}

/// ` (acquire)`; nothing for a relaxed access.
struct Suffix(Order);

impl fmt::Display for Suffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Order::Relaxed => "",
            Order::Acquire => " (acquire)",
            Order::Release => " (release)",
            Order::Full => " (full)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Cond;
    use std::rc::Rc;

    fn on_works(op: MemOp, value: u64) -> String {
        describe(&Request::Mem(op), value, &|_| "works".into())
    }

    fn rmw(rmw: Rmw, observe: Observe, value: u64) -> String {
        on_works(MemOp::Rmw { cell: 0, rmw, mask: u64::from(u32::MAX), order: Order::Full, observe }, value)
    }

    #[test]
    fn accesses_show_values_and_orderings() {
        assert_eq!(on_works(MemOp::Load { cell: 0, order: Order::Relaxed }, 3), "read works -> 3");
        assert_eq!(on_works(MemOp::Store { cell: 0, value: 0, order: Order::Release }, 0), "works = 0 (release)");
        assert_eq!(on_works(MemOp::Write { cell: 0, value: u64::from(u32::MAX) }, 0), "works = -1");
        assert_eq!(on_works(MemOp::Read { cell: 0 }, u64::MAX - 1), "read works -> -2");
        assert_eq!(on_works(MemOp::TryLock { cell: 0, holder: 1 }, 0), "trylock works fails");
        assert_eq!(on_works(MemOp::Fence(Fence::Wmb), 0), "smp_wmb()");
    }

    #[test]
    fn read_modify_writes_show_no_more_than_their_caller_saw() {
        let minus_one = u64::from(u32::MAX);
        assert_eq!(rmw(Rmw::Xchg(0), Observe::Old, 1), "works: xchg 1 -> 0 (full)");
        assert_eq!(rmw(Rmw::CmpXchg { old: 0, new: 1 }, Observe::Old, 0), "works: cmpxchg 0 -> 1 (full)");
        assert_eq!(
            rmw(Rmw::CmpXchg { old: 0, new: 1 }, Observe::Old, 2),
            "works: cmpxchg 0 -> 1 fails: it is 2 (full)"
        );
        assert_eq!(rmw(Rmw::Add(minus_one), Observe::Old, 4), "works: sub 1: 4 -> 3 (full)");
        assert_eq!(rmw(Rmw::Add(minus_one), Observe::NewIsZero, 1), "works: sub 1: now zero (full)");
        assert_eq!(rmw(Rmw::Add(1), Observe::Nothing, 0), "works: add 1 (full)");
        assert_eq!(rmw(Rmw::Or(4), Observe::OldHas(4), 1), "works: or 0x4: 0x4 was set (full)");
        let unless = Rmw::AddUnless { add: 1, unless: 0 };
        assert_eq!(rmw(unless, Observe::Success, 0), "works: add 1 unless 0 fails (full)");
    }

    #[test]
    fn a_wait_that_did_not_end_has_no_value() {
        let cond = Cond(Rc::new(|value| value == 0));
        let spin = Request::Mem(MemOp::Await { cell: 0, cond, order: Order::Acquire });
        assert_eq!(describe(&spin, 0, &|_| "on_cpu".into()), "wait for on_cpu -> 0 (acquire)");
        assert_eq!(describe_wait(&spin, &|_| "on_cpu".into()), "wait for on_cpu");
    }
}
