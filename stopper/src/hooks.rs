// SPDX-License-Identifier: GPL-2.0-only
//! What a waiting stopper calls in other parts of the kernel: the watchdog and RCU.
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
    /// `touch_nmi_watchdog()` is this function, called on the CPU that waits.
    pub fn on_touch_nmi_watchdog(&mut self, touch: impl Fn(&Current) + Send + Sync + 'static) {
        self.touch_nmi_watchdog = Hook(Some(Arc::new(touch)));
    }

    /// `rcu_momentary_eqs()` is this function, called on the CPU that waits.
    pub fn on_rcu_momentary_eqs(&mut self, eqs: impl Fn(&Current) + Send + Sync + 'static) {
        self.rcu_momentary_eqs = Hook(Some(Arc::new(eqs)));
    }
}

/// `touch_nmi_watchdog()`: "this CPU is not stuck", as far as it can know.
pub(crate) fn touch_nmi_watchdog(ctx: &Ctx) {
    ctx.machine.touch_nmi_watchdog.call(ctx.current);
}

/// `rcu_momentary_eqs()`, up to 32a9f26e5e26 `rcu_momentary_dyntick_idle()`: this CPU holds up no grace period.
pub(crate) fn rcu_momentary_eqs(ctx: &Ctx) {
    ctx.machine.rcu_momentary_eqs.call(ctx.current);
}
