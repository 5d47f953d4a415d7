// SPDX-License-Identifier: GPL-2.0-only
//! The axiom of RCU and SRCU: no read-side critical section spans a grace period.

use super::event::Kind;
use super::model::{Communication, Given, Orders};
use super::relation::Rel;

/// Whether the axiom holds. What grace periods order is added to the fences, for those who look at plain accesses.
pub(super) fn holds(given: &Given<'_>, com: &Communication, orders: &mut Orders, hbs: &Rel, pbs: &Rel) -> bool {
    let (skeleton, marked) = (given.skeleton, given.sets.marked);
    let (po, loc) = (&skeleton.po, &skeleton.loc);
    let or_same = po.maybe();
    let only = |kind| Rel::of(skeleton.is(kind), skeleton.len());

    // A section of SRCU ends where its cookie is given back, wherever the cookie went meanwhile.
    let (lock, unlock) = (skeleton.is(Kind::SrcuLock), skeleton.is(Kind::SrcuUnlock));
    let data = &skeleton.data;
    let carried = data.to(skeleton.all() & !unlock).then(&com.rf).star();
    let srcu_rscs = &carried.then(data).from(lock).to(unlock) & loc;

    let (rcu_gp, srcu_gp) = (only(Kind::RcuSync), only(Kind::SrcuSync));
    let (rcu_rscsi, srcu_rscsi) = (skeleton.rcu_rscs.inverse(), srcu_rscs.inverse());
    let link = or_same.then(hbs).then(pbs).then(&orders.prop).then(po);

    let around = |inner: &Rel| {
        let rcu = rcu_gp.then(inner).then(&rcu_rscsi) | &rcu_rscsi.then(inner).then(&rcu_gp);
        let srcu = srcu_gp.then(inner).then(&srcu_rscsi) | &srcu_rscsi.then(inner).then(&srcu_gp);
        rcu | &(&srcu & loc)
    };
    let mut rcu_order = &rcu_gp | &srcu_gp;
    loop {
        let linked = link.then(&rcu_order).then(&link);
        let more = &rcu_order | &around(&(&link | &linked)) | &rcu_order.then(&link).then(&rcu_order);
        if more == rcu_order {
            break;
        }
        rcu_order = more;
    }
    let rcu_fence = po.then(&rcu_order).then(&or_same);
    let rb = orders.prop.then(&rcu_fence).then(hbs).then(pbs).to(marked);
    if !rb.irreflexive() {
        return false;
    }
    orders.fence = &orders.fence | &rcu_fence;
    orders.strong_fence = &orders.strong_fence | &rcu_fence;
    orders.rb = rb;
    true
}
