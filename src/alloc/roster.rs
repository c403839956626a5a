//! The list of arenas: numbers are given once, in order, and nothing is ever taken off.
//!
//! Two steps, and neither repeats: [`Roster::number`] reserves a number, [`Roster::publish`] writes the address there. An agent that
//! dies in between leaves a place that is empty for ever, which everybody passes over.

use core::ptr;

use crate::sys::shim::{AtomicPtr, AtomicU32, Ordering, array_new, const_new};

/// At most `N` items.
#[derive(Debug)]
pub struct Roster<T, const N: usize> {
    items: [AtomicPtr<T>; N],
    /// Numbers that have been given.
    given: AtomicU32,
}

impl<T: Sync, const N: usize> Roster<T, N> {
    const_new! {
        /// Without items.
        #[allow(clippy::new_without_default, reason = "not const")]
        pub fn new() -> Self {
            Self {
                items: array_new!(AtomicPtr::new(ptr::null_mut())),
                given: AtomicU32::new(0),
            }
        }
    }

    /// A number that nobody else has been given; `None` when all are.
    pub fn number(&self) -> Option<u32> {
        // Relaxed: a number publishes nothing, see `publish`. The look before keeps the count from wrapping round.
        if self.given.load(Ordering::Relaxed) as usize >= N {
            return None;
        }
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        ((number as usize) < N).then_some(number)
    }

    /// Makes an item known under its number.
    ///
    /// # Safety
    ///
    /// The number was given to the caller, who publishes once, and the item stays where it is for as long as the roster.
    pub unsafe fn publish(&self, number: u32, item: *mut T) {
        if let Some(place) = self.items.get(number as usize) {
            // ORDERING: Release, partner of the load in `get`: the item itself.
            place.store(item, Ordering::Release);
        }
    }

    /// The item with a number.
    pub fn get(&self, number: u32) -> Option<&T> {
        let place = self.items.get(number as usize)?;
        // ORDERING: Acquire, partner of the store in `publish`.
        let item = place.load(Ordering::Acquire);
        // SAFETY: null, or published, and then it stays.
        unsafe { item.as_ref() }
    }

    /// How many numbers have been given.
    pub fn count(&self) -> u32 {
        self.given.load(Ordering::Relaxed).min(N as u32)
    }
}
