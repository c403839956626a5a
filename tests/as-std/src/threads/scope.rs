//! Threads that borrow: the scope does not end before they do.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread::Result;

use web_sync::{Condvar, Mutex};

use super::packet::Packet;
use super::pool;

/// What a scope and its threads share.
struct Shared {
    counts: Mutex<Counts>,
    ended: Condvar,
}

struct Counts {
    running: usize,
    /// Threads that have panicked, less those whose payload somebody has taken.
    panicked: isize,
}

/// One of the running threads.
struct Running(Arc<Shared>);

impl Running {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.counts.lock().unwrap().running += 1;
        Self(shared.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.counts.lock().unwrap().running -= 1;
        self.0.ended.notify_all();
    }
}

/// A scope for [`Scope::spawn`].
pub struct Scope<'scope, 'env: 'scope> {
    shared: Arc<Shared>,
    /// Invariant in both lifetimes, as std's.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// A running thread of a scope.
pub struct ScopedJoinHandle<'scope, T> {
    packet: Arc<Packet<T>>,
    shared: Arc<Shared>,
    scope: PhantomData<&'scope ()>,
}

/// Runs `body`, then waits for every thread that it has spawned.
#[track_caller]
pub fn scope<'env, F, T>(body: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let scope = Scope {
        shared: Arc::new(Shared {
            counts: Mutex::new(Counts {
                running: 0,
                panicked: 0,
            }),
            ended: Condvar::new(),
        }),
        scope: PhantomData,
        env: PhantomData,
    };
    let result = catch_unwind(AssertUnwindSafe(|| body(&scope)));
    let Shared { counts, ended } = &*scope.shared;
    let counts = ended.wait_while(counts.lock().unwrap(), |counts| counts.running > 0);
    let panicked = counts.unwrap().panicked;
    match result {
        Err(payload) => resume_unwind(payload),
        Ok(_) if panicked > 0 => panic!("a scoped thread panicked"),
        Ok(value) => value,
    }
}

impl<'scope> Scope<'scope, '_> {
    /// Runs a closure on a worker.
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, work: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let packet = Arc::new(Packet::new());
        let shared = self.shared.clone();
        let (theirs, counts) = (packet.clone(), shared.clone());
        let work: Box<dyn FnOnce() + Send + 'scope> = Box::new(move || {
            if theirs.fill(work) {
                counts.counts.lock().unwrap().panicked += 1;
            }
        });
        // SAFETY: only the lifetime changes. `scope` does not return while a `Running` lives, and this one lives until `work` and
        // everything that it owned are gone, what the thread has returned included, unless a handle, which borrows, has it.
        let work: Box<dyn FnOnce() + Send + 'static> = unsafe { core::mem::transmute(work) };
        let running = Running::new(&shared);
        pool::run(Box::new(move || {
            work();
            drop(running);
        }));
        ScopedJoinHandle {
            packet,
            shared,
            scope: PhantomData,
        }
    }
}

impl<T> ScopedJoinHandle<'_, T> {
    /// Waits for its end: what the closure has returned, or the payload of its panic.
    #[track_caller]
    pub fn join(self) -> Result<T> {
        let result = self.packet.wait();
        if result.is_err() {
            self.shared.counts.lock().unwrap().panicked -= 1;
        }
        result
    }

    /// Has it ended?
    pub fn is_finished(&self) -> bool {
        self.packet.is_full()
    }
}
