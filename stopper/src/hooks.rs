// SPDX-License-Identifier: GPL-2.0-only
//! What a waiting stopper calls in other parts of the kernel: the architecture, the watchdog and RCU.
//!
//! The watchdog stands upon the stopper here, so the stopper does not know it. Who has something to listen there says
//! so in the setup; else nothing is called, and a model does not see it.

use crate::machine::{Ctx, Machine};
use ksync::{Body, Current};
use std::fmt;
use std::sync::Arc;

/// A function of another part of the kernel, if the scenario has that part.
#[derive(Clone, Default)]
pub struct Hook(Option<Body>);

impl Hook {
    fn call(&self, current: &Current) {
        if let Some(function) = &self.0 {
            function(current);
        }
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Hook" } else { "no Hook" })
    }
}

impl Machine {
    /// `stop_machine_yield()` is this function, called at the top of each iteration of `multi_cpu_stop()`.
    pub fn on_stop_machine_yield(&mut self, give_way: impl Fn(&Current) + Send + Sync + 'static) {
        self.stop_machine_yield = Hook(Some(Arc::new(give_way)));
    }

    /// `touch_nmi_watchdog()` is this function, called on the CPU that waits.
    pub fn on_touch_nmi_watchdog(&mut self, touch: impl Fn(&Current) + Send + Sync + 'static) {
        self.touch_nmi_watchdog = Hook(Some(Arc::new(touch)));
    }

    /// `rcu_momentary_eqs()` is this function, called on the CPU that waits.
    pub fn on_rcu_momentary_eqs(&mut self, eqs: impl Fn(&Current) + Send + Sync + 'static) {
        self.rcu_momentary_eqs = Hook(Some(Arc::new(eqs)));
    }
}

/// `stop_machine_yield()` of an architecture, 38f2c691a4b3 and 4ecf0a43e729; the generic one relaxes, as the wait does.
///
/// DEVIATION: without C's mask of the CPUs that are stopped: no hook here asks which of them to run instead.
pub(crate) fn stop_machine_yield(ctx: &Ctx) {
    ctx.machine.stop_machine_yield.call(ctx.current);
}

/// `touch_nmi_watchdog()`: "this CPU is not stuck", as far as it can know.
pub(crate) fn touch_nmi_watchdog(ctx: &Ctx) {
    ctx.machine.touch_nmi_watchdog.call(ctx.current);
}

/// `rcu_momentary_eqs()`, up to 32a9f26e5e26 `rcu_momentary_dyntick_idle()`: this CPU holds up no grace period.
pub(crate) fn rcu_momentary_eqs(ctx: &Ctx) {
    ctx.machine.rcu_momentary_eqs.call(ctx.current);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::kernel;
    use crate::machine::Machine;
    use crate::multi_cpu_stop::multi_cpu_stop;
    use crate::task::Birth;
    use ksync::{Atomic, Relaxed, Setup, run_threads};
    use std::sync::Arc;

    /// Four states, so at least four iterations.
    #[test]
    fn each_iteration_of_each_stopper_gives_way() {
        run_threads(&|setup: &mut Setup| {
            let mut machine = Machine::new(&[0, 1], kernel::MAINLINE);
            let calls: Arc<[Atomic<u32>; 2]> = Arc::new([0, 1].map(|_| Atomic::new(0)));
            let count = calls.clone();
            machine.on_stop_machine_yield(move |current| count[current.cpu() as usize].inc());
            let func = machine.stop_fn("nothing", |_, _| 0);
            let request = machine.msdata_for("request", func, None);
            let tasks = [machine.new_task("a", 0, Birth::Running), machine.new_task("b", 1, Birth::Running)];
            let machine = Arc::new(machine);
            for task in tasks {
                machine.spawn(setup, task, move |ctx| assert_eq!(multi_cpu_stop(ctx, request), 0));
            }
            setup.finally(move |_| {
                for calls in &*calls {
                    assert!(calls.load(Relaxed) >= 4, "it was not called");
                }
            });
        });
    }
}
