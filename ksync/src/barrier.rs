// SPDX-License-Identifier: GPL-2.0-only
//! The kernel's barriers. The explorer keeps their kinds; loom and real atomics have only C11's fences.
#![allow(non_snake_case)] // Two underscores stand in these names, as in C.

use crate::backend::fence;

use crate::op::Fence;

macro_rules! barriers {
    ($($(#[$doc:meta])* $name:ident: $kind:ident;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        #[track_caller]
        pub fn $name() {
            fence(Fence::$kind);
        }
    )*};
}

barriers! {
    /// A full barrier.
    smp_mb: Mb;
    /// Earlier writes before later writes.
    ///
    /// DEVIATION: loom and real atomics use a release fence, which also orders earlier reads and is cumulative; a
    /// missing order of that kind is seen by the explorer only.
    smp_wmb: Wmb;
    /// Earlier reads before later reads.
    ///
    /// DEVIATION: loom and real atomics use an acquire fence, which also orders earlier reads before later writes.
    smp_rmb: Rmb;
    /// A full barrier before the next read-modify-write, whatever that one's own ordering.
    smp_mb__before_atomic: BeforeAtomic;
    /// A full barrier after the last read-modify-write.
    smp_mb__after_atomic: AfterAtomic;
    /// Makes the spin lock just taken a full barrier with respect to what stands before it.
    smp_mb__after_spinlock: AfterSpinlock;
    /// Makes an unlock and the lock that follows it a full barrier, also across CPUs.
    smp_mb__after_unlock_lock: AfterUnlockLock;
    /// Turns the control dependency on an earlier read into an acquire.
    smp_acquire__after_ctrl_dep: AcquireAfterCtrlDep;
}
