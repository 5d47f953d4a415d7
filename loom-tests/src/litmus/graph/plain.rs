// SPDX-License-Identifier: GPL-2.0-only
//! Plain accesses: what the compiler must leave alone, and when two of them race.

use super::model::{Communication, Flags, Given, Orders};
use super::relation::Rel;

/// Whether plain accesses are coherent where they have to be, and what there is to remark.
pub(super) fn holds(given: &Given<'_>, com: &Communication, orders: &Orders) -> Option<Flags> {
    let Given { skeleton, sets, fences } = given;
    let (int, marked) = (&skeleton.int, sets.marked);
    let (rf, co, fr) = (&com.rf, &com.co, &orders.fr);
    let not_noreturn = skeleton.all() & !sets.noreturn;
    let rfe = rf - int;

    // Executes-before and visibility.
    let xbstar = (&orders.hb | &orders.pb | &orders.rb).star();
    let vis = orders
        .cumul_fences
        .then(&rfe.maybe())
        .to(marked)
        .then(&(orders.strong_fence.to(marked).then(&xbstar) | &(&xbstar & &int.maybe())));

    // How far a plain access can move.
    let w_pre = (&orders.addr | &orders.fence).maybe().from(marked);
    let rmb_before = fences.between_rmb.from(sets.r4rmb).to(not_noreturn);
    let r_pre = (&orders.addr | &orders.nonrw_fence | &rmb_before).maybe().from(marked);
    let w_post = orders.fence.maybe().to(marked).then(&orders.rmw_sequence);
    let rmb_after = fences.between_rmb.from(not_noreturn).to(sets.r4rmb);
    let r_post = (&orders.nonrw_fence | &rmb_after).maybe().to(marked);

    let strong = orders.strong_fence.then(&xbstar);
    let seen = w_post.then(&vis);
    let ww_vis = &orders.fence | &strong.then(&w_pre) | &seen.then(&w_pre);
    let wr_vis = &orders.fence | &strong.then(&r_pre) | &seen.then(&r_pre);
    let rw_xbstar = &orders.fence | &r_post.then(&xbstar).then(&w_pre);

    let potential = |pairs: &Rel| {
        let external = pairs - int;
        external.from(sets.plain).to(sets.m) | &external.from(sets.m & !sets.init).to(sets.plain)
    };
    let incoherent = &potential(rf) & &rw_xbstar.inverse()
        | &(&potential(fr) & &wr_vis.inverse())
        | &(&potential(co) & &ww_vis.inverse());
    if !incoherent.is_empty() {
        return None;
    }

    let after_marked = |order: &Rel| &ww_vis.from(marked) | &(&ww_vis & order);
    let before_marked = |pairs: Rel| pairs.to(marked) | &(&pairs & &wr_vis);
    let ww_nonrace = before_marked(after_marked(&rw_xbstar));
    let ww_race = &potential(co) - &ww_nonrace;
    let wr_race = &(&potential(&co.maybe().then(rf)) - &wr_vis) - &rw_xbstar.inverse();
    let rw_race = &potential(fr) - &rw_xbstar;
    let mixed = &skeleton.po & &skeleton.loc;
    let mixed = &mixed - &fences.barrier;
    let plain_w = sets.plain & sets.w;
    let mixed = mixed.from(plain_w).to(marked) | &mixed.from(marked).to(plain_w);
    Some(Flags { data_race: !(ww_race | &wr_race | &rw_race).is_empty(), mixed_accesses: !mixed.is_empty() })
}
