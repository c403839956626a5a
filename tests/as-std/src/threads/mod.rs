//! `std::thread` on workers that run already, with std's names and signatures. It waits by this project's own locks, so that joining
//! works on a main thread too. What concerns the agent that runs alone (parking, sleeping) is `web_sync::thread`.

mod packet;
mod pool;
mod scope;

use std::io;
use std::num::NonZero;
use std::sync::Arc;

pub use pool::ready;
pub use scope::{Scope, ScopedJoinHandle, scope};
pub use std::thread::{AccessError, LocalKey, Result, panicking};
pub use web_sync::thread::*;

use packet::Packet;

/// Runs a closure on a worker.
#[track_caller]
pub fn spawn<F, T>(work: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let spawned = Builder::new().spawn(work);
    spawned.expect("the pool panics where it has no worker")
}

/// What a thread is to be: like any other, for the workers have their names and their stacks.
#[derive(Debug, Default)]
pub struct Builder;

impl Builder {
    /// A thread.
    pub fn new() -> Self {
        Self
    }

    /// Changes nothing.
    pub fn name(self, _: String) -> Self {
        self
    }

    /// Changes nothing.
    pub fn stack_size(self, _: usize) -> Self {
        self
    }

    /// Runs a closure on a worker.
    #[track_caller]
    pub fn spawn<F, T>(self, work: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let packet = Arc::new(Packet::new());
        let theirs = packet.clone();
        pool::run(Box::new(move || {
            theirs.fill(work);
        }));
        Ok(JoinHandle { packet })
    }
}

/// A running thread.
pub struct JoinHandle<T> {
    packet: Arc<Packet<T>>,
}

impl<T> JoinHandle<T> {
    /// Waits for its end: what the closure has returned, or the payload of its panic.
    #[track_caller]
    pub fn join(self) -> Result<T> {
        self.packet.wait()
    }

    /// Has it ended?
    pub fn is_finished(&self) -> bool {
        self.packet.is_full()
    }
}

/// A number that fits into the pool.
pub fn available_parallelism() -> io::Result<NonZero<usize>> {
    Ok(NonZero::new(4).expect("not zero"))
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
