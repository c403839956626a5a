//! Where agents pass batches of free blocks to each other: sixteen places for each size class, each with one batch or none.
//!
//! Who frees what others allocate has magazines that overflow; who allocates for others has empty ones. Here a whole batch changes
//! hands by one exchange. A batch that is put compares with null only, and one that is taken is swapped for null, so no address is
//! compared with one that may have come back.

use core::ptr;

use super::block::Node;
use crate::sys::shim::{AtomicPtr, MODEL, Ordering, array_new, const_new};

/// Places for each class: as many as are a cache line on wasm32. What comes and goes here visits no arena. With four of them agents of
/// which some were interrupted inside arenas made more arenas, and held half as much memory again (four workers of "larson", two busy
/// cores: 14 to 18 MiB against 12). Fewer in a model and in an interpreter, where more of them make no difference.
pub const PLACES: usize = if MODEL || cfg!(miri) { 4 } else { 16 };

/// The places of `CLASSES` size classes.
#[derive(Debug)]
pub struct Exchange<const CLASSES: usize> {
    places: [[AtomicPtr<Node>; PLACES]; CLASSES],
}

impl<const CLASSES: usize> Exchange<CLASSES> {
    const_new! {
        /// Empty places.
        #[allow(clippy::new_without_default, reason = "not const")]
        pub fn new() -> Self {
            Self {
                places: array_new!(array_new!(AtomicPtr::new(ptr::null_mut()))),
            }
        }
    }

    /// Leaves a batch for whoever needs one; false if there is no room.
    ///
    /// # Safety
    ///
    /// The batch is the caller's, and no longer when this returns true (I5).
    pub unsafe fn put(&self, class: usize, batch: *mut Node) -> bool {
        let Some(places) = self.places.get(class) else {
            return false;
        };
        places.iter().any(|place| {
            place.load(Ordering::Relaxed).is_null()
                // ORDERING: Release, partner of the swap in `take`: the links, and what was done to the blocks before.
                && place
                    .compare_exchange(ptr::null_mut(), batch, Ordering::Release, Ordering::Relaxed)
                    .is_ok()
        })
    }

    /// Takes a batch; null if there is none.
    pub fn take(&self, class: usize) -> *mut Node {
        let places = self.places.get(class).into_iter().flatten();
        for place in places {
            if place.load(Ordering::Relaxed).is_null() {
                continue;
            }
            // ORDERING: Acquire, partner of the exchange in `put`.
            let batch = place.swap(ptr::null_mut(), Ordering::Acquire);
            if !batch.is_null() {
                return batch;
            }
        }
        ptr::null_mut()
    }
}
