//! The rivals, all through one adapter: [`Rival`], and its extensions for those that have more than locks.

use std::future::Future;
use std::ops::{Deref, DerefMut};

mod async_lock;
mod block_on;
pub mod channels;
mod parking_lot;
mod raw;
mod std_sync;
mod wasm_safe_mutex;
mod wasm_sync;
mod web_sync;

pub use async_lock::AsyncLock;
pub use channels::{Channel, ChannelTasks};
pub use parking_lot::ParkingLot;
pub use raw::Raw;
pub use std_sync::Std;
pub use wasm_safe_mutex::WasmSafeMutex;
pub use wasm_sync::WasmSync;
pub use web_sync::WebSync;

/// A crate with locks. Every call does what a user of that crate would write.
pub trait Rival: 'static {
    /// Its name in the results.
    const NAME: &'static str;
    /// Its mutex.
    type Mutex: Send + Sync + 'static;
    /// Its mutex's guard; dropping it unlocks.
    type Guard<'a>: DerefMut<Target = u32>;
    /// Its reader-writer lock.
    type RwLock: Send + Sync + 'static;
    /// Its reader's guard.
    type ReadGuard<'a>: Deref<Target = u32>;

    /// A new mutex.
    fn mutex() -> Self::Mutex;
    /// Locks, on any agent.
    fn lock(mutex: &Self::Mutex) -> Self::Guard<'_>;
    /// A new reader-writer lock.
    fn rwlock() -> Self::RwLock;
    /// Locks shared, on any agent.
    fn read(lock: &Self::RwLock) -> Self::ReadGuard<'_>;
}

/// A rival with a condition variable.
pub trait Condvars: Rival {
    /// Its condition variable.
    type Condvar: Send + Sync + 'static;

    /// A new condition variable.
    fn condvar() -> Self::Condvar;
    /// Unlocks, waits, locks again.
    fn wait<'a>(condvar: &'a Self::Condvar, guard: Self::Guard<'a>) -> Self::Guard<'a>;
    /// Wakes one waiter.
    fn notify_one(condvar: &Self::Condvar);
}

/// A rival whose mutex a task can wait for.
pub trait Tasks: Rival {
    /// Locks without blocking the agent.
    fn lock_async(mutex: &Self::Mutex) -> impl Future<Output = Self::Guard<'_>>;
}

/// A rival whose condition variable a task can wait for.
pub trait CondvarTasks: Condvars {
    /// Unlocks, waits, locks again without blocking the agent.
    fn wait_async<'a>(
        condvar: &'a Self::Condvar,
        guard: Self::Guard<'a>,
    ) -> impl Future<Output = Self::Guard<'a>>;
}

/// Keeps a lock away from the cache lines of everything else, so that no rival is measured with a neighbour.
#[repr(align(128))]
pub struct Alone<T>(pub T);

impl<T> Deref for Alone<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// A contender for each rival: its name and `$function::<Rival>`.
macro_rules! contenders {
    ($trait:ident, $function:ident as $type:ty: $($rival:path),*) => {
        &[$((<$rival as crate::rivals::$trait>::NAME, $function::<$rival> as $type)),*]
    };
}
pub(crate) use contenders;
