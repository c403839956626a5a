//! Permits: what a semaphore gives, until they are dropped.

use core::fmt;
use core::mem;
use std::sync::Arc;

use super::Semaphore;

/// Defines a kind of permit, `$Permit`, that refers to its semaphore by `$field`.
macro_rules! permit {
    (
        $(#[$meta:meta])* $Permit:ident $(<$a:lifetime>)?, $Reference:ty;
        $(#[$semaphore:meta])* semaphore;
        $(#[$merge:meta])* merge;
        $(#[$split:meta])* split;
    ) => {
        $(#[$meta])*
        #[must_use = "if it is not used the permits are given back at once"]
        pub struct $Permit $(<$a>)? {
            semaphore: $Reference,
            permits: u32,
        }

        impl $(<$a>)? $Permit $(<$a>)? {
            /// For a caller that has acquired them.
            pub(super) fn new(semaphore: $Reference, permits: u32) -> Self {
                Self { semaphore, permits }
            }

            /// How many permits this stands for.
            ///
            /// # Examples
            /// See [`split`](Self::split).
            pub fn num_permits(&self) -> usize {
                self.permits as usize
            }

            $(#[$semaphore])*
            pub fn semaphore(&self) -> &$Reference {
                &self.semaphore
            }

            /// Uses the permits up: they are not given back.
            ///
            /// # Examples
            /// ```
            /// use web_sync::Semaphore;
            ///
            /// let semaphore = Semaphore::new(2);
            /// semaphore.acquire().unwrap().forget();
            /// assert_eq!(semaphore.available_permits(), 1);
            /// ```
            pub fn forget(mut self) {
                self.permits = 0;
            }

            $(#[$merge])*
            #[track_caller]
            pub fn merge(&mut self, mut other: Self) {
                let same = core::ptr::eq::<Semaphore>(&*self.semaphore, &*other.semaphore);
                assert!(same, "permits of different semaphores cannot be merged");
                // No more than there can be permits, unless more have been made while these were held.
                let all = self.permits.checked_add(other.permits);
                self.permits = all.expect("too many permits to merge");
                other.permits = 0;
            }

            $(#[$split])*
            pub fn split(&mut self, n: usize) -> Option<Self> {
                let split = u32::try_from(n).ok()?;
                self.permits = self.permits.checked_sub(split)?;
                // `Arc` is cloned, a reference copied.
                Some(Self::new(self.semaphore.clone(), split))
            }
        }

        impl $(<$a>)? fmt::Debug for $Permit $(<$a>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Permit))
                    .field("permits", &self.permits)
                    .finish_non_exhaustive()
            }
        }

        impl $(<$a>)? Drop for $Permit $(<$a>)? {
            fn drop(&mut self) {
                let permits = mem::take(&mut self.permits);
                if permits > 0 {
                    self.semaphore.raw.put_back(permits);
                }
            }
        }
    };
}

permit! {
    /// Permits of a [`Semaphore`], given back when this is dropped.
    ///
    /// It may be dropped on another agent. Where more permits have been added meanwhile than can be counted with these, the rest is lost.
    ///
    /// # Examples
    /// ```
    /// use web_sync::{Semaphore, SemaphorePermit};
    ///
    /// let semaphore = Semaphore::new(1);
    /// let permit: SemaphorePermit<'_> = semaphore.acquire().unwrap();
    /// drop(permit);
    /// assert_eq!(semaphore.available_permits(), 1);
    /// ```
    SemaphorePermit<'a>, &'a Semaphore;

    /// The semaphore.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(3);
    /// let permit = semaphore.acquire().unwrap();
    /// assert_eq!(permit.semaphore().available_permits(), 2);
    /// ```
    semaphore;

    /// Takes the permits of another one into this one.
    ///
    /// # Panics
    /// If they are of another semaphore, or together more than 2<sup>32</sup> - 1.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(3);
    /// let mut permit = semaphore.acquire().unwrap();
    /// permit.merge(semaphore.acquire_many(2).unwrap());
    /// assert_eq!(permit.num_permits(), 3);
    /// ```
    merge;

    /// Takes `n` permits out of this one, if it has so many.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(3);
    /// let mut permit = semaphore.acquire_many(3).unwrap();
    /// let other = permit.split(1).unwrap();
    /// assert_eq!((permit.num_permits(), other.num_permits()), (2, 1));
    /// assert!(permit.split(3).is_none());
    /// ```
    split;
}

permit! {
    /// Permits of a [`Semaphore`] that they own a share of, given back when this is dropped.
    ///
    /// # Examples
    /// ```
    /// use web_sync::{Arc, OwnedSemaphorePermit, Semaphore};
    ///
    /// let semaphore = Arc::new(Semaphore::new(1));
    /// let permit: OwnedSemaphorePermit = semaphore.clone().acquire_owned().unwrap();
    /// std::thread::spawn(move || drop(permit)).join().unwrap();
    /// assert_eq!(semaphore.available_permits(), 1);
    /// ```
    OwnedSemaphorePermit, Arc<Semaphore>;

    /// The semaphore.
    ///
    /// # Examples
    /// ```
    /// use web_sync::{Arc, Semaphore};
    ///
    /// let permit = Arc::new(Semaphore::new(3)).acquire_owned().unwrap();
    /// assert_eq!(permit.semaphore().available_permits(), 2);
    /// ```
    semaphore;

    /// Takes the permits of another one into this one.
    ///
    /// # Panics
    /// If they are of another semaphore, or together more than 2<sup>32</sup> - 1.
    ///
    /// # Examples
    /// See [`SemaphorePermit::merge`].
    merge;

    /// Takes `n` permits out of this one, if it has so many.
    ///
    /// # Examples
    /// See [`SemaphorePermit::split`].
    split;
}
