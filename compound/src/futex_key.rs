// SPDX-License-Identifier: GPL-2.0-only
//! C: `get_futex_key()`, `kernel/futex.c`, 2011 to v4.4 and RHEL 7: the caller of the stacks of incident 002.
//!
//! ```text
//! CPU0, get_futex_key()                      CPU1
//! page = a pinned tail
//! page_head = compound_head(page)
//!                                            splits the huge page, frees the head
//! get_page(page_head): 0 -> 1                the head is another's
//! ```
//!
//! Property: the head that is returned has a reference of the caller's.

use crate::compound_head::{compound_head, page_tail};
use crate::gup::{__get_user_pages_fast, Mm, get_user_pages_fast};
use crate::machine::Ctx;
use crate::page::Page;
use crate::put_page::{get_page, put_page};
use ksync::Id;

/// A revision of `get_futex_key()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// How it comes from a tail to a head that stays.
    pub head: Head,
}

/// How it comes from a tail to a head that stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// It pins the tail once more with interrupts off, and before they are on again the head.
    IrqsOff,
    /// The same with interrupts on.
    IrqsOn,
}

/// "thp: update futex compound knowledge": a5b338f2b0b1.
pub const IRQS_OFF: Rev = Rev { head: Head::IrqsOff };

/// As it stood when it was last there, in v4.4.
pub const MAINLINE: Rev = IRQS_OFF;

/// `get_futex_key()`, the part that finds the page: its head, pinned.
///
/// # Errors
/// `EFAULT` where nothing is mapped.
pub fn get_futex_key(ctx: &Ctx, mm: &Mm, address: Id<Page>) -> Result<Id<Page>, Efault> {
    let rev = ctx.machine.kernel.futex_key.head;
    'again: loop {
        if !get_user_pages_fast(ctx, mm, address) {
            return Err(Efault);
        }
        let page = address;
        if !page_tail(ctx, page) {
            return Ok(page);
        }
        // The spinning CPUs of incident 002 are in this one.
        put_page(ctx, page);
        // "serialize against __split_huge_page_splitting()"
        if rev != Head::IrqsOn {
            ctx.current.local_irq_disable();
        }
        if !__get_user_pages_fast(ctx, mm, address) {
            ctx.current.local_irq_enable();
            continue 'again;
        }
        let page_head = compound_head(ctx, page);
        if page != page_head {
            get_page(ctx, page_head);
            put_page(ctx, page);
        }
        ctx.current.local_irq_enable();
        return Ok(page_head);
    }
}

/// `-EFAULT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Efault;
