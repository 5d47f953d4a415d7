// SPDX-License-Identifier: GPL-2.0-only
//! What fits into a shared word.
//!
//! A pointer is not a word: an address differs from run to run, so two equal states would look different. Ports
//! name objects by small ids instead ([`Id`]).

use std::marker::PhantomData;

/// A value that a shared word can hold.
///
/// ```compile_fail
/// let target = 1u32;
/// ksync::Atomic::new(&raw const target); // an address is no word
/// ```
pub trait Word: Copy + 'static {
    /// The machine word that holds it on real atomics.
    type Repr: crate::backend::Repr;
    /// Bits that the type has, for arithmetic that wraps.
    const MASK: u64;
    /// The value as bits, the same bits for equal values.
    fn to_bits(self) -> u64;
    /// The value that these bits stand for.
    fn from_bits(bits: u64) -> Self;
}

macro_rules! integer_word {
    ($($int:ty => $unsigned:ty, $repr:ty;)*) => {$(
        impl Word for $int {
            type Repr = $repr;
            const MASK: u64 = <$unsigned>::MAX as u64;
            #[inline(always)]
            fn to_bits(self) -> u64 {
                u64::from(self as $unsigned)
            }
            #[inline(always)]
            fn from_bits(bits: u64) -> Self {
                bits as $int
            }
        }
    )*};
}

integer_word! {
    u8 => u8, crate::backend::Word8;
    u16 => u16, crate::backend::Word16;
    u32 => u32, crate::backend::Word32;
    i32 => u32, crate::backend::Word32;
    u64 => u64, crate::backend::Word64;
    i64 => u64, crate::backend::Word64;
}

/// Nothing: the result of a block that has none.
impl Word for () {
    type Repr = crate::backend::Word8;
    const MASK: u64 = 0;
    #[inline(always)]
    fn to_bits(self) -> u64 {
        0
    }
    #[inline(always)]
    fn from_bits(_bits: u64) -> Self {}
}

impl Word for bool {
    type Repr = crate::backend::Word8;
    const MASK: u64 = 1;
    #[inline(always)]
    fn to_bits(self) -> u64 {
        u64::from(self)
    }
    #[inline(always)]
    fn from_bits(bits: u64) -> Self {
        bits != 0
    }
}

/// Where C has a pointer to a `T`: the number of an object that the setup made.
pub struct Id<T> {
    number: u32,
    what: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// Names the object of this number.
    pub const fn new(number: u32) -> Self {
        Id { number, what: PhantomData }
    }

    /// The object's place in the table that holds it.
    pub const fn index(self) -> usize {
        self.number as usize
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}
impl<T> Eq for Id<T> {}
impl<T> std::fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}", self.number)
    }
}

impl<T: 'static> Word for Id<T> {
    type Repr = crate::backend::Word32;
    const MASK: u64 = u32::MAX as u64;
    #[inline(always)]
    fn to_bits(self) -> u64 {
        u64::from(self.number)
    }
    #[inline(always)]
    fn from_bits(bits: u64) -> Self {
        Id::new(bits as u32)
    }
}

/// A pointer that may be `NULL`: zero stands for `None`.
impl<T: 'static> Word for Option<Id<T>> {
    type Repr = crate::backend::Word32;
    const MASK: u64 = u32::MAX as u64;
    #[inline(always)]
    fn to_bits(self) -> u64 {
        self.map_or(0, |id| u64::from(id.number) + 1)
    }
    #[inline(always)]
    fn from_bits(bits: u64) -> Self {
        bits.checked_sub(1).map(Word::from_bits)
    }
}

/// The end of a word that holds no value of its type. Out of line, so that a load of an enum stays short.
///
/// # Panics
/// Always.
#[doc(hidden)]
#[cold]
#[inline(never)]
pub fn no_such_value(what: &str, bits: u64) -> ! {
    panic!("no {what} has the value {bits}")
}

/// Lets a C-like enum with `u32` values live in a shared word: `enum_word!(MultiStopState { None, Prepare });`.
#[macro_export]
macro_rules! enum_word {
    ($name:ident { $($variant:ident),+ $(,)? }) => {
        impl $crate::Word for $name {
            type Repr = <u32 as $crate::Word>::Repr;
            const MASK: u64 = u32::MAX as u64;
            #[inline(always)]
            fn to_bits(self) -> u64 {
                self as u64
            }
            #[inline(always)]
            fn from_bits(bits: u64) -> Self {
                $(if bits == $name::$variant as u64 { return $name::$variant; })+
                $crate::no_such_value(stringify!($name), bits)
            }
        }
    };
}
