// SPDX-License-Identifier: GPL-2.0-only
//! The Linux kernel memory model: the axioms that an execution has to satisfy. Names are those of
//! `tools/memory-model/linux-kernel.cat`, and `explanation.txt` beside it says what they mean.

use super::super::code::Barrier;
use super::event::Kind;
use super::fences::Fences;
use super::relation::Rel;
use super::skeleton::{Sets, Skeleton};
use super::{plain, rcu};

/// Which parts of the model apply. The whole model is what the kernel promises; the parts that can be left out tell
/// what a test rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Address, data and control dependencies order.
    pub dependencies: bool,
    /// A read may return what a write gives that comes later: `po | rf` may have cycles.
    pub load_buffering: bool,
}

/// The model as the kernel has it.
pub const WHOLE: Parts = Parts { dependencies: true, load_buffering: true };

/// What the model says of an execution that it allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Flags {
    pub(super) data_race: bool,
    pub(super) mixed_accesses: bool,
}

/// What is known before it is known who reads from whom.
pub(super) struct Given<'a> {
    pub(super) skeleton: &'a Skeleton,
    pub(super) sets: Sets,
    pub(super) fences: Fences,
}

/// Who reads from whom, and in which order the writes of each address come.
pub(super) struct Communication {
    pub(super) rf: Rel,
    pub(super) co: Rel,
}

/// Relations that the later axioms build on.
pub(super) struct Orders {
    pub(super) addr: Rel,
    pub(super) fr: Rel,
    pub(super) nonrw_fence: Rel,
    pub(super) fence: Rel,
    pub(super) strong_fence: Rel,
    pub(super) cumul_fences: Rel,
    pub(super) rmw_sequence: Rel,
    pub(super) prop: Rel,
    pub(super) hb: Rel,
    pub(super) pb: Rel,
    pub(super) rb: Rel,
}

impl<'a> Given<'a> {
    pub(super) fn new(skeleton: &'a Skeleton) -> Given<'a> {
        let sets = Sets::new(skeleton);
        let fences = Fences::new(skeleton, &sets);
        Given { skeleton, sets, fences }
    }

    /// Whether the model allows this execution, and what it remarks about it. Coherence within each address and the
    /// atomicity of read-modify-writes hold already.
    pub(super) fn allows(&self, com: &Communication, parts: Parts) -> Option<Flags> {
        let Given { skeleton, sets, fences } = self;
        let (po, int, marked) = (&skeleton.po, &skeleton.int, sets.marked);
        let (rf, co) = (&com.rf, &com.co);
        if !parts.load_buffering && !(po | rf).acyclic() {
            return None;
        }
        let fr = rf.inverse().then(co);
        let (rfi, rfe) = (rf & int, rf - int);

        // Dependencies, also those that are carried through memory by their own process.
        let none = Rel::none(skeleton.len());
        let (addr, data, ctrl) = if parts.dependencies {
            let not_srcu = skeleton.all() & !skeleton.is(Kind::SrcuUnlock);
            let carry_dep = skeleton.data.to(not_srcu).then(&rfi).star();
            (carry_dep.then(&skeleton.addr), carry_dep.then(&skeleton.data), carry_dep.then(&skeleton.ctrl))
        } else {
            (none.clone(), none.clone(), none.clone())
        };

        // Fences.
        let (lkr, ul) = (skeleton.is(Kind::LockRead), skeleton.is(Kind::Unlock));
        let handed_on = |by: &Rel| po.to(ul).then(by).to(lkr).then(po);
        let po_unlock_lock_po = handed_on(&(po | rf));
        let after_unlock_lock = skeleton.is(Kind::Fence(Barrier::AfterUnlockLock));
        let mb = &fences.mb | &po_unlock_lock_po.from(sets.m).to(after_unlock_lock).then(po).to(sets.m);
        let strong_fence = &mb | &fences.gp;
        let nonrw_fence = &strong_fence | &fences.po_rel | &fences.acq_po;
        let fence = &nonrw_fence | &fences.wmb | &fences.rmb;

        // Preserved program order.
        let overwrite = co | &fr;
        let dep = &addr | &data;
        let rwdep = (&dep | &ctrl).to(sets.w);
        let to_w = rwdep | &(&overwrite & int) | &addr.to(sets.plain).then(&fences.wmb);
        let to_r = addr.to(sets.r) | &dep.to(marked).then(&rfi);
        let ppo = to_r | &to_w | &(&fence & int) | &(&po_unlock_lock_po & int);

        // Propagation: what has to be seen by whoever sees something later.
        let a_cumul = |order: &Rel| rfe.to(marked).maybe().then(order);
        let rmw_sequence = rf.then(&skeleton.rmw).star();
        let cumul_fence = (a_cumul(&(&strong_fence | &fences.po_rel)) | &fences.wmb | &po_unlock_lock_po)
            .from(marked)
            .to(marked)
            .then(&rmw_sequence);
        let cumul_fences = cumul_fence.star();
        let prop =
            (&overwrite - int).maybe().from(marked).then(&cumul_fences).to(marked).then(&rfe.maybe()).to(marked);

        // Happens before.
        let identity = Rel::of(skeleton.all(), skeleton.len());
        let hb = (ppo | &rfe | &(&(&prop - &identity) & int)).from(marked).to(marked);
        if !hb.acyclic() {
            return None;
        }
        let hbs = hb.star();
        let pb = prop.then(&strong_fence).then(&hbs).to(marked);
        let pbs = pb.plus();
        if !pbs.irreflexive() {
            return None;
        }

        let mut orders =
            Orders { addr, fr, nonrw_fence, fence, strong_fence, cumul_fences, rmw_sequence, prop, hb, pb, rb: none };
        if sets.gp != 0 && !rcu::holds(self, com, &mut orders, &hbs, &pbs.maybe()) {
            return None;
        }
        if sets.plain == 0 { Some(Flags::default()) } else { plain::holds(self, com, &orders) }
    }
}
