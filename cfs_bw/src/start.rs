// SPDX-License-Identifier: GPL-2.0-only
//! Where a scenario starts: who runs, who is throttled, and who has just been dequeued.

use crate::cfs_bandwidth::CfsRq;
use crate::list::{list_add_tail, list_add_tail_rcu};
use crate::machine::Machine;
use crate::task_throttle::Task;
use ksync::{Id, Relaxed};

impl Machine {
    /// The group's first task runs here, and may for so long.
    pub fn start_running(&self, cfs_rq: Id<CfsRq>, remaining: i64) {
        self.cfs_rq(cfs_rq).runtime_remaining.set(remaining);
        self.cfs_rq(cfs_rq).curr.set(true);
        self.start_queued(self.task_of(cfs_rq));
    }

    /// The task wants to run, and no group of it is throttled.
    pub fn start_queued(&self, task: Id<Task>) {
        self.task(task).on_rq.set(true);
        let mut level = Some(self.task(task).cfs_rq);
        let mut queued = false;
        while let Some(cfs_rq) = level {
            let this = self.cfs_rq(cfs_rq);
            this.nr_queued.set(this.nr_queued.get() + u32::from(!queued));
            this.h_nr_running.set(this.h_nr_running.get() + 1);
            queued = this.on_rq.get();
            this.on_rq.set(true);
            level = self.parent_cfs_rq(cfs_rq);
        }
        let nr_running = &self.rq_of(self.task(task).cfs_rq).nr_running;
        nr_running.store(nr_running.load(Relaxed) + 1, Relaxed);
    }

    /// The group is throttled here with this debt, behind those throttled before; its first task wants to run.
    pub fn start_throttled(&self, cfs_rq: Id<CfsRq>, debt: i64) {
        let this = self.cfs_rq(cfs_rq);
        this.runtime_remaining.set(-debt);
        this.throttled.set(true);
        for tg in self.groups_from(this.tg) {
            let below = self.cfs_rq(self.tg_cfs_rq(tg, this.rq));
            below.throttle_count.set(below.throttle_count.get() + 1);
        }
        list_add_tail_rcu(self, this.throttled_list, self.cfs_b(this.tg).throttled_cfs_rq);
        if self.kernel.throttle.each_task.is_some() {
            self.start_in_limbo(self.task_of(cfs_rq));
        } else {
            self.task(self.task_of(cfs_rq)).on_rq.set(true);
            this.nr_queued.set(1);
            this.h_nr_running.set(1);
        }
    }

    /// The task was throttled by itself, since its group or one around it is.
    pub fn start_in_limbo(&self, task: Id<Task>) {
        let this = self.task(task);
        this.throttled.set(true);
        list_add_tail(self, this.throttle_node, self.cfs_rq(this.cfs_rq).throttled_limbo_list);
    }
}
