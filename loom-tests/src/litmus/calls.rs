// SPDX-License-Identifier: GPL-2.0-only
//! The kernel's primitives, by name.

use super::code::{Barrier, Gives, Instr, Order, Pure, Reg, Update};
use super::lexer::ParseError;
use super::lower::Lowering;
use super::tree::{Call, Expr};

/// Adds the instructions of a call, whose value goes to the register, if somebody wants it.
pub(super) fn lower(lowering: &mut Lowering, call: &Call, to: Option<Reg>) -> Result<(), ParseError> {
    let line = call.line;
    if let Some((instr, count)) = without_value(call.name.as_str()) {
        arguments(call, count)?;
        if to.is_some() {
            return error(call, "returns nothing");
        }
        if let Some(instr) = instr {
            lowering.push(instr, line);
        }
        return Ok(());
    }
    let wanted = to.is_some();
    let to = to.unwrap_or_else(|| lowering.fresh());
    let void = |instr: Instr| if wanted { error(call, "returns nothing") } else { Ok(instr) };
    let instr = match call.name.as_str() {
        "READ_ONCE" | "rcu_dereference" => {
            arguments(call, 1)?;
            Instr::Read { to, at: arg_lvalue(lowering, call)?, order: Order::Once }
        }
        "smp_load_acquire" => {
            arguments(call, 1)?;
            Instr::Read { to, at: argument(lowering, call, 0)?, order: Order::Acquire }
        }
        "WRITE_ONCE" | "rcu_assign_pointer" | "smp_store_mb" => {
            arguments(call, 2)?;
            let at = arg_lvalue(lowering, call)?;
            let value = lowering.expr(&call.args[1], line)?;
            let order = if call.name == "rcu_assign_pointer" { Order::Release } else { Order::Once };
            lowering.push(void(Instr::Write { at, value, order })?, line);
            if call.name == "smp_store_mb" {
                lowering.push(Instr::Fence(Barrier::Mb), line);
            }
            return Ok(());
        }
        "smp_store_release" => {
            arguments(call, 2)?;
            void(Instr::Write {
                at: argument(lowering, call, 0)?,
                value: argument(lowering, call, 1)?,
                order: Order::Release,
            })?
        }
        "spin_lock" | "spin_unlock" | "spin_trylock" | "spin_is_locked" => {
            arguments(call, 1)?;
            let at = argument(lowering, call, 0)?;
            match call.name.as_str() {
                "spin_lock" => void(Instr::Lock { at })?,
                "spin_unlock" => void(Instr::Unlock { at })?,
                "spin_trylock" => Instr::TryLock { to, at },
                _ => Instr::IsLocked { to, at },
            }
        }
        "srcu_read_lock" | "srcu_down_read" => {
            arguments(call, 1)?;
            Instr::SrcuLock { to, at: argument(lowering, call, 0)? }
        }
        "srcu_read_unlock" | "srcu_up_read" => {
            arguments(call, 2)?;
            void(Instr::SrcuUnlock { at: argument(lowering, call, 0)?, cookie: argument(lowering, call, 1)? })?
        }
        "synchronize_srcu" | "synchronize_srcu_expedited" => {
            arguments(call, 1)?;
            void(Instr::SrcuSync { at: argument(lowering, call, 0)? })?
        }
        name => return atomic(lowering, call, name, to, wanted),
    };
    lowering.push(instr, line);
    Ok(())
}

/// Primitives that take and return nothing. `barrier()` orders nothing between processes.
fn without_value(name: &str) -> Option<(Option<Instr>, usize)> {
    let instr = match name {
        "smp_mb" => Instr::Fence(Barrier::Mb),
        "smp_wmb" => Instr::Fence(Barrier::Wmb),
        "smp_rmb" => Instr::Fence(Barrier::Rmb),
        "smp_mb__before_atomic" => Instr::Fence(Barrier::BeforeAtomic),
        "smp_mb__after_atomic" => Instr::Fence(Barrier::AfterAtomic),
        "smp_mb__after_spinlock" => Instr::Fence(Barrier::AfterSpinlock),
        "smp_mb__after_unlock_lock" => Instr::Fence(Barrier::AfterUnlockLock),
        "smp_mb__after_srcu_read_unlock" => Instr::Fence(Barrier::AfterSrcuReadUnlock),
        "rcu_read_lock" => Instr::RcuLock,
        "rcu_read_unlock" => Instr::RcuUnlock,
        "synchronize_rcu" | "synchronize_rcu_expedited" => Instr::RcuSync,
        "barrier" => return Some((None, 0)),
        _ => return None,
    };
    Some((Some(instr), 0))
}

/// `xchg`, `cmpxchg` and everything that begins with `atomic_`: an optional width, the operation, what it returns,
/// and how it is ordered.
fn atomic(lowering: &mut Lowering, call: &Call, name: &str, to: Reg, wanted: bool) -> Result<(), ParseError> {
    let Some(shape) = shape(name) else { return error(call, "is not a primitive that litmus tests have") };
    arguments(call, shape.arguments())?;
    let line = call.line;
    let mut args = Vec::new();
    for arg in &call.args {
        args.push(lowering.expr(arg, line)?);
    }
    let pointer = if shape.value_first { args.len() - 1 } else { 0 };
    let at = args.remove(pointer);
    let mut args = args.into_iter();
    let mut next = || args.next().unwrap_or(Pure::Int(1));
    let order = shape.order;
    let update = match shape.operation {
        "read" => {
            lowering.push(Instr::Read { to, at, order }, line);
            return Ok(());
        }
        "set" if wanted => return error(call, "returns nothing"),
        "set" => {
            lowering.push(Instr::Write { at, value: next(), order }, line);
            return Ok(());
        }
        "xchg" => Update::Xchg(next()),
        "cmpxchg" => Update::CmpXchg(next(), next()),
        "add" | "inc" => Update::Add(next()),
        "sub" | "dec" => Update::Sub(next()),
        "add_unless" => Update::AddUnless(next(), next()),
        "inc_not_zero" => Update::AddUnless(Pure::Int(1), Pure::Int(0)),
        "and" => Update::And(next()),
        "or" => Update::Or(next()),
        "xor" => Update::Xor(next()),
        _ => Update::AndNot(next()),
    };
    if wanted && order == Order::Void {
        return error(call, "returns nothing");
    }
    lowering.push(Instr::Rmw { to, at, update, order, gives: shape.gives }, line);
    Ok(())
}

struct Shape<'a> {
    operation: &'a str,
    order: Order,
    gives: Gives,
    /// `atomic_add(value, pointer)` has the pointer last, `atomic_xchg(pointer, value)` first.
    value_first: bool,
}

impl Shape<'_> {
    fn arguments(&self) -> usize {
        match self.operation {
            "read" | "inc" | "dec" | "inc_not_zero" => 1,
            "cmpxchg" | "add_unless" => 3,
            _ => 2,
        }
    }
}

/// Takes the name of an atomic operation apart.
fn shape(name: &str) -> Option<Shape<'_>> {
    let prefixes = ["atomic_long_", "atomic64_", "atomic_"];
    let (bare, prefixed) = match prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)) {
        Some(rest) => (rest, true),
        None => (name, false),
    };
    let suffixes = [("_relaxed", Order::Once), ("_acquire", Order::Acquire), ("_release", Order::Release)];
    let (bare, suffix) = suffixes
        .iter()
        .find_map(|&(suffix, order)| Some((bare.strip_suffix(suffix)?, Some(order))))
        .unwrap_or((bare, None));
    let full = suffix.unwrap_or(Order::Full);
    let simple = |operation| Shape { operation, order: full, gives: Gives::Old, value_first: false };
    match (bare, suffix) {
        ("xchg" | "cmpxchg", _) => return Some(simple(bare)),
        _ if !prefixed => return None,
        ("read", None | Some(Order::Acquire)) | ("set", None | Some(Order::Release)) => {
            return Some(Shape { order: suffix.unwrap_or(Order::Once), ..simple(bare) });
        }
        ("add_unless" | "inc_not_zero", None) => return Some(Shape { gives: Gives::Success, ..simple(bare) }),
        ("add_negative", _) => {
            return Some(Shape { gives: Gives::NewIsNegative, value_first: true, ..simple("add") });
        }
        _ => {}
    }
    let arithmetic = ["add", "sub", "inc", "dec"];
    let known =
        |operation: &str| arithmetic.contains(&operation) || ["and", "or", "xor", "andnot"].contains(&operation);
    let (operation, gives, order) = if let Some(operation) = bare.strip_suffix("_and_test") {
        (operation, Gives::NewIsZero, suffix.is_none().then_some(full)?)
    } else if let Some(operation) = bare.strip_suffix("_return") {
        (operation, Gives::New, full)
    } else if let Some(operation) = bare.strip_prefix("fetch_") {
        (operation, Gives::Old, full)
    } else {
        (bare, Gives::Old, suffix.is_none().then_some(Order::Void)?)
    };
    let only_numbers = matches!(gives, Gives::New | Gives::NewIsZero);
    let fits = if only_numbers { arithmetic.contains(&operation) } else { known(operation) };
    fits.then_some(Shape { operation, order, gives, value_first: true })
}

fn argument(lowering: &mut Lowering, call: &Call, at: usize) -> Result<Pure, ParseError> {
    lowering.expr(&call.args[at], call.line)
}

/// The address of a first argument that has to say `*pointer`.
fn arg_lvalue(lowering: &mut Lowering, call: &Call) -> Result<Pure, ParseError> {
    match &call.args[0] {
        Expr::Deref(at) => lowering.expr(at, call.line),
        _ => error(call, "takes '*pointer' first"),
    }
}

fn arguments(call: &Call, count: usize) -> Result<(), ParseError> {
    if call.args.len() == count {
        return Ok(());
    }
    error(call, &format!("takes {count} argument{}, found {}", if count == 1 { "" } else { "s" }, call.args.len()))
}

fn error<T>(call: &Call, what: &str) -> Result<T, ParseError> {
    Err(ParseError { line: call.line, what: format!("'{}' {what}", call.name) })
}
