// SPDX-License-Identifier: GPL-2.0-only
//! Orderings as types, so that a release load does not compile.
//!
//! ```compile_fail
//! use ksync::{Atomic, Release};
//! let flag = Atomic::new(0u32);
//! flag.load(Release); // a load has nothing to release
//! ```

use crate::op::Order;

/// `READ_ONCE`, `WRITE_ONCE`, `_relaxed`: the access happens once and whole, and orders nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Relaxed;

/// `smp_load_acquire`, `_acquire`: what follows in program order happens after the read.
#[derive(Debug, Clone, Copy)]
pub struct Acquire;

/// `smp_store_release`, `_release`: what stands before in program order happens before the write.
#[derive(Debug, Clone, Copy)]
pub struct Release;

/// No suffix, as in `xchg()` or `atomic_dec_and_test()`: a full barrier before and one after. A failed
/// `cmpxchg()` orders nothing.
#[derive(Debug, Clone, Copy)]
pub struct Full;

/// An ordering of any kind: what a read-modify-write takes.
pub trait RmwOrder: Copy {
    /// The ordering as a value.
    const ORDER: Order;
}

/// An ordering that a load can have.
pub trait LoadOrder: RmwOrder {}

/// An ordering that a store can have.
pub trait StoreOrder: RmwOrder {}

impl RmwOrder for Relaxed {
    const ORDER: Order = Order::Relaxed;
}
impl RmwOrder for Acquire {
    const ORDER: Order = Order::Acquire;
}
impl RmwOrder for Release {
    const ORDER: Order = Order::Release;
}
impl RmwOrder for Full {
    const ORDER: Order = Order::Full;
}
impl LoadOrder for Relaxed {}
impl LoadOrder for Acquire {}
impl StoreOrder for Relaxed {}
impl StoreOrder for Release {}
