// SPDX-License-Identifier: GPL-2.0-only
//! The orders that fences, acquires, releases and locks of one process give, whoever reads from whom.

use super::super::code::Barrier;
use super::event::Kind;
use super::relation::Rel;
use super::skeleton::{Sets, Skeleton};

pub(super) struct Fences {
    pub(super) acq_po: Rel,
    pub(super) po_rel: Rel,
    pub(super) rmb: Rel,
    pub(super) wmb: Rel,
    /// `mb`, without what `smp_mb__after_unlock_lock()` orders after another CPU's unlock.
    pub(super) mb: Rel,
    pub(super) gp: Rel,
    /// `fencerel(Rmb)`
    pub(super) between_rmb: Rel,
    /// Pairs that the compiler keeps in order.
    pub(super) barrier: Rel,
}

impl Fences {
    pub(super) fn new(skeleton: &Skeleton, sets: &Sets) -> Fences {
        let (po, m) = (&skeleton.po, sets.m);
        let or_same = po.maybe();
        let fencerel = |barrier| skeleton.fencerel(barrier);
        let between_rmb = fencerel(Barrier::Rmb);
        let srcu_unlock = skeleton.is(Kind::SrcuUnlock);
        let mb = fencerel(Barrier::Mb).from(m).to(m)
            // A read-modify-write without a suffix acts as if it stood between two smp_mb().
            | &po.from(m).to(sets.full_r)
            | &po.from(sets.full_w).to(m)
            | &fencerel(Barrier::BeforeAtomic).from(m).to(sets.rmw).then(&or_same).to(m)
            | &or_same.from(m).to(sets.rmw).then(&fencerel(Barrier::AfterAtomic)).to(m)
            | &or_same.from(m).to(skeleton.is(Kind::LockWrite)).then(&fencerel(Barrier::AfterSpinlock)).to(m)
            | &or_same.from(m).to(srcu_unlock).then(&fencerel(Barrier::AfterSrcuReadUnlock)).to(m);
        let acq_po = po.from(sets.acquire).to(m);
        let po_rel = po.from(m).to(sets.release);
        let compiler = skeleton.set(|kind| {
            !matches!(
                kind,
                Kind::Init
                    | Kind::Read(..)
                    | Kind::Write(..)
                    | Kind::LockRead
                    | Kind::LockWrite
                    | Kind::Unlock
                    | Kind::SeenLocked
                    | Kind::SeenFree
            )
        }) | sets.acquire
            | sets.release;
        let barrier = po.to(compiler).then(po) | &po.to(sets.release) | &po.from(sets.acquire);
        Fences {
            rmb: between_rmb.from(sets.r4rmb).to(sets.r4rmb),
            wmb: fencerel(Barrier::Wmb).from(sets.w).to(sets.w),
            mb,
            gp: po.to(sets.gp).then(&or_same),
            acq_po,
            po_rel,
            between_rmb,
            barrier,
        }
    }
}
