// SPDX-License-Identifier: GPL-2.0-only
//! C: `struct page`, `include/linux/mm_types.h`, v3.10 to v4.4: one for each page of memory, 64 bytes.
//!
//! ```text
//! byte   0  flags                          PG_head, PG_tail, PG_compound_lock and the other bits
//!       24  _mapcount      28  _refcount   one aligned 64-bit word; of a tail of RHEL 7: its pins, less one
//!       32  compound_head                  lru.next before v4.4
//!       48  first_page                     private, ptl or slab_cache of a page that is no tail
//! ```
//!
//! The lock bit and the count are in one cache line: what waits for the bit takes the line from whoever pins.

use crate::compound_head::Relation;
use crate::kernel::Kernel;
use crate::machine::Ctx;
use crate::page_flags::PageFlag;
use ksync::{Atomic, Id, Plain};
use std::fmt;

/// `struct page`, as far as its words are used here.
#[derive(Debug)]
#[repr(C)]
pub struct Page {
    /// Bits of [`PageFlag`].
    pub flags: Atomic<u64>,
    /// Whose page it is: any number but 0. Of a tail, nothing.
    pub mapping: Atomic<u64>,
    index: u64,
    /// Mappings less one. Of a tail that has pins of its own (2011 to v4.4): those pins less one.
    pub _mapcount: Atomic<i32>,
    /// References: `_count` before 0139aa7b7fa1. Always 0 on a tail.
    pub _refcount: Atomic<i32>,
    /// Since v4.4 the head of a tail, with bit 0 set; before it `lru.next`.
    pub compound_head: Atomic<u64>,
    lru_prev: u64,
    /// The head of a tail, before v4.4.
    pub first_page: Atomic<u64>,
    mem_cgroup: u64,
}

/// What a page is when a scenario begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The head of a compound page, followed by its tails.
    Head,
    /// A tail; the page of this number is its head.
    Tail(u32),
    /// A page by itself.
    Single,
    /// With the allocator.
    Free,
}

/// A page as a scenario begins: by default with one mapping, and the reference of that mapping.
#[derive(Debug, Clone, Copy)]
pub struct PageInit {
    name: &'static str,
    kind: Kind,
    mapcount: i32,
    refcount: i32,
    flags: u64,
}

impl PageInit {
    /// A page that reports call by this name.
    pub fn new(name: &'static str, kind: Kind) -> Self {
        let owned = i32::from(matches!(kind, Kind::Head | Kind::Single));
        PageInit { name, kind, mapcount: owned, refcount: owned, flags: 0 }
    }

    /// The same with so many references.
    #[must_use]
    pub fn refcount(self, refcount: i32) -> Self {
        PageInit { refcount, ..self }
    }

    /// The same with so many mappings; of a tail before v4.5, with so many pins of its own.
    #[must_use]
    pub fn mapcount(self, mapcount: i32) -> Self {
        PageInit { mapcount, ..self }
    }

    /// The same with one more flag.
    #[must_use]
    pub fn flag(self, flag: PageFlag) -> Self {
        PageInit { flags: self.flags | flag.mask(), ..self }
    }
}

impl Page {
    fn new(kernel: &Kernel, init: &PageInit) -> Self {
        let PageInit { name, kind, mapcount, refcount, mut flags } = *init;
        let one_word = kernel.compound_head.relation == Relation::OneWord;
        let (mut first_page, mut compound_head) = (0, 0);
        match kind {
            Kind::Head => flags |= PageFlag::Head.mask(),
            Kind::Tail(head) if one_word => compound_head = Page::address(Id::new(head)) | 1,
            Kind::Tail(head) => {
                flags |= PageFlag::Tail.mask();
                first_page = Page::address(Id::new(head));
            }
            Kind::Single | Kind::Free => {}
        }
        Page {
            flags: Atomic::named(flags, format_args!("{name}.flags")),
            mapping: Atomic::named(
                u64::from(matches!(kind, Kind::Head | Kind::Single)),
                format_args!("{name}.mapping"),
            ),
            index: 0,
            _mapcount: Atomic::named(mapcount - 1, format_args!("{name}._mapcount")),
            _refcount: Atomic::named(refcount, format_args!("{name}._refcount")),
            compound_head: Atomic::named(compound_head, format_args!("{name}.compound_head")),
            lru_prev: 0,
            first_page: Atomic::named(first_page, format_args!("{name}.first_page")),
            mem_cgroup: 0,
        }
    }

    /// A pointer to a page as a word holds it: never 0, and bit 0 is clear.
    pub const fn address(page: Id<Page>) -> u64 {
        (page.index() as u64 + 1) << 6
    }

    /// The page that such a word points to.
    ///
    /// # Panics
    /// Where C would follow `NULL` or a wild pointer.
    pub fn at(address: u64) -> Id<Page> {
        let number = (address >> 6).checked_sub(1).expect("a page is no NULL pointer");
        assert_eq!(address & 63, 0, "a pointer to a page is aligned");
        Id::new(u32::try_from(number).expect("a pointer to a page, and no other value of that word"))
    }
}

/// `mem_map`: all pages, and what is in them.
pub struct MemMap {
    pages: Vec<Page>,
    contents: Vec<Plain<u32>>,
    free: Vec<Atomic<bool>>,
    /// `HPAGE_PMD_NR`: pages in a compound page; 512 on `x86_64`, 2 in a model.
    pub hpage_pmd_nr: u32,
}

impl MemMap {
    /// The pages of a machine. A compound page has as many as the first run of a head and its tails.
    pub fn new(kernel: &Kernel, inits: &[PageInit]) -> Self {
        let tails = inits.iter().skip_while(|init| init.kind != Kind::Head).skip(1);
        let hpage_pmd_nr = 1 + tails.take_while(|init| matches!(init.kind, Kind::Tail(_))).count() as u32;
        let content = |init: &PageInit| {
            Plain::named(u32::from(init.kind != Kind::Free), format_args!("the memory of {}", init.name))
        };
        let free = |init: &PageInit| Atomic::named(init.kind == Kind::Free, format_args!("{}.free", init.name));
        MemMap {
            pages: inits.iter().map(|init| Page::new(kernel, init)).collect(),
            contents: inits.iter().map(content).collect(),
            free: inits.iter().map(free).collect(),
            hpage_pmd_nr,
        }
    }

    /// The `struct page`. It outlives what it describes: that a page is free makes no access to it wrong.
    pub fn page(&self, page: Id<Page>) -> &Page {
        &self.pages[page.index()]
    }

    /// The memory itself: 0 where it belongs to the allocator, the owner's otherwise. Only a reference keeps it.
    pub fn content(&self, page: Id<Page>) -> &Plain<u32> {
        &self.contents[page.index()]
    }

    /// Whether the page is on a free list.
    pub(crate) fn free(&self, page: Id<Page>) -> &Atomic<bool> {
        &self.free[page.index()]
    }

    /// The tails of the compound page with this head, or that will have it.
    pub fn tails(&self, head: Id<Page>) -> impl DoubleEndedIterator<Item = Id<Page>> + use<> {
        let first = head.index() as u32;
        (first + 1..first + self.hpage_pmd_nr).map(Id::new)
    }
}

impl fmt::Debug for MemMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemMap").field("pages", &self.pages.len()).finish_non_exhaustive()
    }
}

impl Ctx<'_> {
    /// `page->…`.
    #[inline]
    pub fn page(&self, page: Id<Page>) -> &Page {
        self.machine.mem_map.page(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_goes_into_a_word_and_back() {
        for number in [0, 1, 511] {
            let page = Id::new(number);
            assert_eq!(Page::at(Page::address(page)), page);
            assert_eq!(Page::address(page) & 1, 0, "bit 0 says that the page is a tail");
        }
    }

    #[test]
    fn the_tail_of_incident_002_is_where_its_address_says() {
        let (head, tail) = (0xffff_ea01_2330_0000_u64, 0xffff_ea01_2330_2a40_u64);
        let number = (tail - head) / 64;
        assert_eq!(number, 169, "below the 512 pages of a huge page");
        assert_eq!(0x48_cc00_0000 + number * 4096, 0x48_cc0a_9000, "the physical address that kmem prints");
    }
}

/// The layout on real atomics, as far as the incident and its kernel say.
#[cfg(all(test, not(loom)))]
mod layout {
    use super::Page;
    use static_assertions::{const_assert, const_assert_eq};
    use std::mem::{offset_of, size_of};

    // `(struct page *)0xffffea0123300000 + 1` is 0xffffea0123300040.
    const_assert_eq!(size_of::<Page>(), 64);
    // `lock btsl $0x18,(%r12)` with the head in r12.
    const_assert_eq!(offset_of!(Page, flags), 0);
    // Both counters are in one aligned 64-bit word.
    const_assert_eq!(offset_of!(Page, _mapcount) % 8, 0);
    const_assert_eq!(offset_of!(Page, _refcount), offset_of!(Page, _mapcount) + 4);
    // Bit and count are in one cache line, of a page that is aligned to one.
    const_assert!(offset_of!(Page, _refcount) / 64 == offset_of!(Page, flags) / 64);
    // A pointer fits, and what shares its word with it.
    const_assert_eq!(offset_of!(Page, compound_head) % 8, 0);
    const_assert_eq!(offset_of!(Page, first_page) % 8, 0);
}
