//! What all guards are made of: a hold on a raw lock and the place of the data.
//!
//! - A *hold* ([`Locked`], [`ReadLocked`], [`UpgradableLocked`], [`WriteLocked`]) is one acquisition of a raw lock; dropping it releases
//!   the lock. [`Poisoning`] wraps a hold and poisons the lock first when a panic is what drops it.
//! - An [`Access`] is a hold with the data that it protects. It is invariant in `T`, as `&mut T` is. [`Shared`] is its covariant
//!   sibling for readers.
//! - The public guards are thin wrappers around these two. They are not `Send`, as std's are not.
//! - [`Away`] is the data without a hold. A future keeps one while it waits to have the lock back, and so can be `Send`.
//!
//! What could put a shorter lifetime into the data must not compile:
//!
//! ```compile_fail
//! fn shorten<'a>(guard: web_sync::MutexGuard<'a, &'static str>) -> web_sync::MutexGuard<'a, &'a str> {
//!     guard
//! }
//! ```
//! ```compile_fail
//! use web_sync::RwLockUpgradableReadGuard as Guard;
//! fn shorten<'a>(guard: Guard<'a, &'static str>) -> Guard<'a, &'a str> {
//!     guard
//! }
//! ```
//! ```compile_fail
//! use web_sync::MappedRwLockWriteGuard as Guard;
//! fn shorten<'a>(guard: Guard<'a, &'static str>) -> Guard<'a, &'a str> {
//!     guard
//! }
//! ```
//! ```compile_fail
//! use web_sync::nonpoison::MappedMutexGuard as Guard;
//! fn shorten<'a>(guard: Guard<'a, &'static str>) -> Guard<'a, &'a str> {
//!     guard
//! }
//! ```
//!
//! Nor what would keep a part of the data beyond the guard:
//!
//! ```compile_fail,E0521
//! let mutex = web_sync::Mutex::new(1);
//! let mut kept = None;
//! web_sync::MutexGuard::map(mutex.lock().unwrap(), |number| {
//!     kept = Some(&*number);
//!     Box::leak(Box::new(2))
//! });
//! ```

use core::marker::PhantomData;
use core::mem;
use core::ptr::NonNull;

use crate::poison::{PanicWatch, UNWINDS};
use crate::raw::{RawMutex, RawRwLock};

/// One acquisition of a raw lock, released by `Drop`.
pub(crate) trait Hold<'a>: Sized {
    /// The raw lock that is held.
    type Raw;

    /// Takes over an acquisition that nobody owns.
    ///
    /// # Safety
    /// `raw` must be held in this hold's mode, and nothing else may release that acquisition.
    unsafe fn adopt(raw: &'a Self::Raw) -> Self;

    /// The raw lock, still held.
    fn raw(&self) -> &'a Self::Raw;

    /// Gives the acquisition up without releasing it: from now on the caller owns it.
    #[inline]
    fn disarm(self) -> &'a Self::Raw {
        let raw = self.raw();
        mem::forget(self);
        raw
    }
}

/// A hold beside which nobody else has access, so that a panic may leave the data half changed.
pub(crate) trait Exclusive {
    /// Marks the lock as poisoned.
    fn poison(&self);

    /// Whether the lock is poisoned and this hold minds.
    fn sees_poison(&self) -> bool {
        false
    }
}

macro_rules! holds {
    ($($(#[$doc:meta])* $Name:ident($Raw:ident), released by $release:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $Name<'a>(&'a $Raw);

        impl<'a> Hold<'a> for $Name<'a> {
            type Raw = $Raw;

            #[inline]
            unsafe fn adopt(raw: &'a $Raw) -> Self {
                Self(raw)
            }

            #[inline]
            fn raw(&self) -> &'a $Raw {
                self.0
            }
        }

        impl Drop for $Name<'_> {
            #[inline]
            fn drop(&mut self) {
                // SAFETY: by `Hold::adopt` the lock is held in this mode, and only this hold releases it.
                unsafe { self.0.$release() };
            }
        }
    )*};
}

holds! {
    /// A locked mutex.
    Locked(RawMutex), released by unlock;
    /// A read lock.
    ReadLocked(RawRwLock), released by unlock_read;
    /// A read lock that may be upgraded.
    UpgradableLocked(RawRwLock), released by unlock_upgradable;
    /// A write lock.
    WriteLocked(RawRwLock), released by unlock_write;
}

impl Exclusive for Locked<'_> {
    #[inline]
    fn poison(&self) {
        self.0.poison();
    }
}

impl Exclusive for WriteLocked<'_> {
    #[inline]
    fn poison(&self) {
        self.0.poison();
    }
}

/// A hold that poisons its lock when a panic drops it that began after it was taken.
pub(crate) struct Poisoning<H: Exclusive> {
    hold: H,
    watch: PanicWatch,
}

impl<H: Exclusive> Poisoning<H> {
    #[inline]
    pub(crate) fn new(hold: H) -> Self {
        Self {
            hold,
            watch: PanicWatch::new(),
        }
    }
}

impl<'a, H: Hold<'a> + Exclusive> Hold<'a> for Poisoning<H> {
    type Raw = H::Raw;

    #[inline]
    unsafe fn adopt(raw: &'a H::Raw) -> Self {
        // SAFETY: the caller's promise is the same.
        Self::new(unsafe { H::adopt(raw) })
    }

    #[inline]
    fn raw(&self) -> &'a H::Raw {
        self.hold.raw()
    }
}

impl Exclusive for Poisoning<Locked<'_>> {
    #[inline]
    fn poison(&self) {
        self.hold.poison();
    }

    #[inline]
    fn sees_poison(&self) -> bool {
        UNWINDS && self.hold.0.is_poisoned()
    }
}

impl Exclusive for Poisoning<WriteLocked<'_>> {
    #[inline]
    fn poison(&self) {
        self.hold.poison();
    }

    #[inline]
    fn sees_poison(&self) -> bool {
        UNWINDS && self.hold.0.is_poisoned()
    }
}

impl<H: Exclusive> Drop for Poisoning<H> {
    /// Poisons while the lock is still held; the field's own drop then releases it.
    #[inline]
    fn drop(&mut self) {
        if self.watch.panic_began() {
            self.hold.poison();
        }
    }
}

/// A hold and the data that it gives access to.
pub(crate) struct Access<'a, H, T: ?Sized> {
    hold: H,
    /// A pointer, not a reference: a guard that is an argument of a function may be dropped before that function returns, and a
    /// reference would promise the compiler that the data stays untouched for longer.
    data: NonNull<T>,
    _invariant: PhantomData<&'a mut T>,
}

// SAFETY: a shared `Access` only hands out `&T`, and shared holds do nothing but name their raw lock.
unsafe impl<H: Sync, T: ?Sized + Sync> Sync for Access<'_, H, T> {}

impl<'a, H, T: ?Sized> Access<'a, H, T> {
    /// # Safety
    /// As long as `hold` lives, `data` must be valid: to read and, if the hold is exclusive, to write, with no other access.
    #[inline]
    pub(crate) unsafe fn new(hold: H, data: NonNull<T>) -> Self {
        Self {
            hold,
            data,
            _invariant: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn hold(&self) -> &H {
        &self.hold
    }

    #[inline]
    pub(crate) fn into_parts(self) -> (H, NonNull<T>) {
        (self.hold, self.data)
    }

    /// Takes the access apart for a future that waits: so the two can go with it to another thread. `L` is the lock's type.
    #[inline]
    pub(crate) fn leave<L: ?Sized>(self) -> (H, Away<'a, T, L>) {
        let away = Away {
            data: self.data,
            _lock: PhantomData,
        };
        (self.hold, away)
    }

    #[inline]
    pub(crate) fn get(&self) -> &T {
        // SAFETY: by `new` it is valid to read as long as the hold lives, which `self` owns.
        unsafe { self.data.as_ref() }
    }
}

impl<'a, H: Exclusive, T: ?Sized> Access<'a, H, T> {
    #[inline]
    pub(crate) fn get_mut(&mut self) -> &mut T {
        // SAFETY: the hold is exclusive and `self` owns it, so by `new` this is the only access.
        unsafe { self.data.as_mut() }
    }

    /// Narrows the access to what `f` picks. If `f` panics, the lock is released (and poisoned, with a poisoning hold).
    #[inline]
    pub(crate) fn map<U: ?Sized>(mut self, f: impl FnOnce(&mut T) -> &mut U) -> Access<'a, H, U> {
        let data = NonNull::from(f(self.get_mut()));
        // SAFETY: `f` works for every lifetime, so what it returned is part of the data or lives for ever.
        unsafe { Access::new(self.hold, data) }
    }

    /// As [`map`](Self::map), if there is something to pick; otherwise the access as it was.
    #[inline]
    pub(crate) fn filter_map<U: ?Sized>(
        mut self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<Access<'a, H, U>, Self> {
        match f(self.get_mut()).map(NonNull::from) {
            // SAFETY: as in `map`.
            Some(data) => Ok(unsafe { Access::new(self.hold, data) }),
            None => Err(self),
        }
    }
}

impl<'a, H: Hold<'a> + Exclusive, T: ?Sized> Access<'a, H, T> {
    /// The same access, now with a hold that poisons.
    #[inline]
    pub(crate) fn poisoning(self) -> Access<'a, Poisoning<H>, T> {
        // SAFETY: the hold is the same one.
        unsafe { Access::new(Poisoning::new(self.hold), self.data) }
    }
}

/// A read lock and the data that it gives access to: as [`Access`], but covariant in `T`.
pub(crate) struct Shared<'a, T: ?Sized> {
    hold: ReadLocked<'a>,
    /// A pointer for the same reason as in [`Access`].
    data: NonNull<T>,
}

// SAFETY: as for `Access`.
unsafe impl<T: ?Sized + Sync> Sync for Shared<'_, T> {}

impl<'a, T: ?Sized> Shared<'a, T> {
    /// # Safety
    /// As long as `hold` lives, `data` must be valid to read.
    #[inline]
    pub(crate) unsafe fn new(hold: ReadLocked<'a>, data: NonNull<T>) -> Self {
        Self { hold, data }
    }

    #[inline]
    pub(crate) fn get(&self) -> &T {
        // SAFETY: by `new` it is valid to read as long as the hold lives, which `self` owns.
        unsafe { self.data.as_ref() }
    }

    #[inline]
    pub(crate) fn map<U: ?Sized>(self, f: impl FnOnce(&T) -> &U) -> Shared<'a, U> {
        let data = NonNull::from(f(self.get()));
        // SAFETY: `f` works for every lifetime, so what it returned is part of the data or lives for ever.
        unsafe { Shared::new(self.hold, data) }
    }

    #[inline]
    pub(crate) fn filter_map<U: ?Sized>(
        self,
        f: impl FnOnce(&T) -> Option<&U>,
    ) -> Result<Shared<'a, U>, Self> {
        match f(self.get()).map(NonNull::from) {
            // SAFETY: as in `map`.
            Some(data) => Ok(unsafe { Shared::new(self.hold, data) }),
            None => Err(self),
        }
    }
}

/// The data of a lock `L` as a future keeps it that waits to have the lock back: no access, only the place.
pub(crate) struct Away<'a, T: ?Sized, L: ?Sized> {
    data: NonNull<T>,
    _lock: PhantomData<&'a L>,
}

// SAFETY: gives no access by itself; who gets the lock back with it could as well have got it through the `&L` that it stands for.
unsafe impl<T: ?Sized, L: ?Sized + Sync> Send for Away<'_, T, L> {}
// SAFETY: as above.
unsafe impl<T: ?Sized, L: ?Sized + Sync> Sync for Away<'_, T, L> {}

impl<'a, T: ?Sized, L: ?Sized> Away<'a, T, L> {
    /// Access again.
    ///
    /// # Safety
    /// `hold` must be on the lock whose data this is.
    #[inline]
    pub(crate) unsafe fn back<H>(self, hold: H) -> Access<'a, H, T> {
        // SAFETY: the caller's promise.
        unsafe { Access::new(hold, self.data) }
    }
}

/// Gives a public guard, a struct with the one field `access`, the traits that each guard has.
macro_rules! guard_traits {
    ($Guard:ident) => {
        impl<T: ?Sized> ::core::ops::Deref for $Guard<'_, T> {
            type Target = T;

            #[inline]
            fn deref(&self) -> &T {
                self.access.get()
            }
        }

        impl<T: ?Sized + ::core::fmt::Debug> ::core::fmt::Debug for $Guard<'_, T> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(&**self, f)
            }
        }

        impl<T: ?Sized + ::core::fmt::Display> ::core::fmt::Display for $Guard<'_, T> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(&**self, f)
            }
        }
    };
    ($Guard:ident, mut) => {
        $crate::guard::guard_traits!($Guard);

        impl<T: ?Sized> ::core::ops::DerefMut for $Guard<'_, T> {
            #[inline]
            fn deref_mut(&mut self) -> &mut T {
                self.access.get_mut()
            }
        }
    };
}
pub(crate) use guard_traits;

/// Gives a public guard `map` and `filter_map`, which make the mapped guard out of it. Stands in the guard's `impl` and brings the docs.
macro_rules! guard_maps {
    (
        $Guard:ident $(, $mut:tt)? => $Mapped:ident;
        $(#[$map:meta])* map;
        $(#[$filter_map:meta])* filter_map;
    ) => {
        $(#[$map])*
        pub fn map<U, F>(orig: Self, f: F) -> $Mapped<'a, U>
        where
            F: FnOnce(&$($mut)? T) -> &$($mut)? U,
            U: ?Sized,
        {
            $Mapped { access: orig.access.map(f) }
        }

        $(#[$filter_map])*
        pub fn filter_map<U, F>(orig: Self, f: F) -> Result<$Mapped<'a, U>, Self>
        where
            F: FnOnce(&$($mut)? T) -> Option<&$($mut)? U>,
            U: ?Sized,
        {
            match orig.access.filter_map(f) {
                Ok(access) => Ok($Mapped { access }),
                Err(access) => Err($Guard { access }),
            }
        }
    };
}
pub(crate) use guard_maps;
