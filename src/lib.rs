//! `std::sync` for Rust in the browser: locks that the main thread can share with workers.
//!
//! A page's main thread must not sleep: browsers make the wait instruction trap there. std's locks execute it as soon as two
//! threads want the same one, and so does everything that is built on them, now and then even to *unlock*. The types of this crate
//! have std's names and signatures, and work on every agent of a page, in Node and natively:
//!
//! ```
//! use std::thread;
//! use web_sync::{Arc, Condvar, Mutex}; // as `use std::sync::{Arc, Condvar, Mutex}`
//!
//! let shared = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
//! let theirs = Arc::clone(&shared);
//! let worker = thread::spawn(move || {
//!     theirs.0.lock().unwrap().push("from the worker");
//!     theirs.1.notify_one();
//! });
//!
//! # pollster::block_on(async {
//! // On the main thread: each blocking call has an async twin, on the same object and in the same queue.
//! let (list, changed) = &*shared;
//! let guard = list.lock_async().await.unwrap();
//! let guard = changed.wait_while_async(guard, |list| list.is_empty()).await.unwrap();
//! assert_eq!(guard[0], "from the worker");
//! # });
//! # worker.join().unwrap();
//! ```
//!
//! # Which one?
//!
//! | you have | use |
//! |---|---|
//! | data that only one agent may use at a time | [`Mutex`] |
//! | data that is read far more often than written, with reads long enough to overlap | [`RwLock`]; for short ones `Mutex` is faster |
//! | a check that sometimes becomes a change | [`RwLock::upgradable_read`] |
//! | the same, in functions that call each other and each lock | [`ReentrantLock`] |
//! | to wait until data has changed | [`Condvar`] beside the `Mutex` |
//! | a limit on how many do something at a time, or on how much there is of something | [`Semaphore`] |
//! | something to be done one time, by whoever comes first | [`Once`] |
//! | a value that is made one time, by whoever comes first | [`OnceLock`] |
//! | a value that one fixed function computes on first use, such as a `static` | [`LazyLock`] |
//! | to wait until somebody says go, or stop: a flag | [`Event`] |
//! | agents that start the next step together | [`Barrier`] |
//! | messages from many to one | [`mpsc::channel`], [`mpsc::sync_channel`] |
//! | messages from many to many | [`mpmc`] |
//! | one message, one time | [`oneshot`] |
//! | whichever of several channels comes first | [`select!`], [`select_async!`] |
//! | items from one agent to one other, where neither may ever wait: an audio worklet | [`spsc`] |
//! | the newest value from one agent to one other, likewise | [`triple_buffer`] |
//! | to wait until another agent says so, or for some time | [`thread::park`], [`thread::sleep`] |
//! | a counter or a flag | [`atomic`], re-exported from std |
//! | locks without poisoning | [`nonpoison`]: `lock()` is the guard, no `unwrap` |
//! | code that is generic over `lock_api` | `web_sync::lock_api`, or `web_sync::lock_api_04`, behind the features of these names |
//! | a primitive of your own to build | [`futex`] |
//! | a main thread and workers that allocate | [`alloc::Arenas`] as the global allocator: no agent waits for another |
//! | the same, and an allocator of another crate, or std's own | [`alloc::NeverWait`] around it |
//! | code that never runs on a main thread, in a worklet or in a service worker | std's types do |
//!
//! # What each agent may call
//!
//! An *agent* is what ECMAScript calls a thread. Everything may be called everywhere; the difference is what waiting costs.
//!
//! | agent | `lock`, `read`, `write`, `acquire`, `wait` | `*_async` | `try_*`, unlock, `notify_*` |
//! |---|---|---|---|
//! | dedicated or shared worker, Node, native thread | sleeps | suspends the task | at once |
//! | page's main thread, service worker | spins, is served first; no event runs meanwhile | suspends the task: **prefer it** | at once |
//! | worklet (audio, paint, …) | spins, is served first; may miss its deadline | suspends the task | at once: **prefer `try_*`**, or [`spsc`] and [`triple_buffer`] |
//! | a build without threads | panics if it would wait for ever | suspends the task | at once |
//!
//! A spin of more than a second is reported on the console, with the call's place and what to use instead
//! ([`agent::report_spins_after`] sets how long). [`agent::may_block`] tells what the running agent may do. Never wait on the main
//! thread for something that needs the main thread's event loop first, such as a worker that has not started yet.
//!
//! # Promises
//!
//! | | |
//! |---|---|
//! | P1 | **Never traps.** No agent that must not sleep ever executes a wait instruction of this crate. |
//! | P2 | **Releasing never waits.** Unlock, notify, set, send to an unbounded channel, dropping a guard: none of them waits for another agent (only a worker that notifies an agent which must not block may spin for a few instructions). Dropping a future may spin for the few instructions in which another agent changes the same queue; over a channel that holds nothing it locks the place where the ends meet. |
//! | P3 | **The main thread goes first.** Once it has queued it gets a contended lock at the next unlock, however many workers compete. |
//! | P4 | **Each blocking call has an async twin** on the same object, in the same queue; only [`ReentrantLock`] has none. Dropping a future loses no wake-up and leaves nothing behind. |
//! | P5 | **Locks cost what two atomic operations cost.** `const fn new`, no heap, no call to JS where nobody competes; 8 bytes on wasm32. |
//! | P6 | **What is verified is what ships.** One source of each algorithm for wasm, natively and the model checker. |
//! | P7 | **std's shape.** `use web_sync` in place of `use std::sync` compiles, and behaves. |
//! | P8 | **Degrades, never refuses.** Without threads, without cross-origin isolation, natively: the module loads and does what the platform can. |
//!
//! # Setup
//!
//! Natively, and for wasm without threads, there is nothing to set up. In a browser with threads a program needs a nightly compiler, `-Zbuild-std`, some flags for
//! the linker and two HTTP headers; the README has them, under "Your own project".
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `lock_api` | no | `web_sync::lock_api`: `RawMutex`, `RawRwLock` and `RawCondvar` for `lock_api` 0.5 |
//! | `lock_api_04` | no | `web_sync::lock_api_04`: the mutex and the rwlock for `lock_api` 0.4 |
//! | `futures` | no | `web_sync::stream` and `web_sync::sink`: receivers as `Stream`s, senders as `Sink`s |
//!
//! # Safety
//!
//! `unsafe` code is in the waiters, the locks, the channels, the rings, the allocator and the platform layer, with the reason beside each block. The unsafe items that are
//! public are `get_unchecked` and `get_unchecked_mut`, the trait [`alloc::Engine`], and what `lock_api` defines. Leaking a guard or a future is
//! safe: the lock stays taken, or a place in the queue stays occupied.
//!
//! # Instead of `std::sync`
//!
//! What changes, and what does not, for programs that used std, parking_lot, crossbeam-channel, flume, async-channel, tokio or rtrb: [`migrating`].
//!
//! [`Arc`], [`Weak`], [`atomic`] and the error types are std's own. What std keeps unstable is here as well: mapped guards, the
//! modules [`poison`] and [`nonpoison`], `get_cloned`, `set`, `replace`, `data_ptr`. [`Instant`] is web-time's, which works in browsers
//! (but not in worklets: there use durations).
#![cfg_attr(
    all(target_arch = "wasm32", target_feature = "atomics"),
    feature(stdarch_wasm_atomic_wait)
)]

pub mod alloc;
mod barrier;
mod channel;
mod condvar;
mod event;
mod guard;
mod iter;
mod lazy_lock;
#[cfg(any(feature = "lock_api", feature = "lock_api_04"))]
mod lock_apis;
#[doc = include_str!("../docs/migrating.md")]
pub mod migrating {}
pub mod mpmc;
pub mod mpsc;
mod mutex;
pub mod nonpoison;
mod once;
mod once_lock;
pub mod oneshot;
pub mod poison;
mod queue;
#[cfg_attr(
    not(any(feature = "lock_api", feature = "lock_api_04")),
    allow(dead_code, reason = "some of it serves these features only")
)]
mod raw;
mod realtime;
mod reentrant_lock;
mod rwlock;
pub mod select;
mod select_macro;
mod semaphore;
#[cfg(feature = "futures")]
pub mod sink;
pub mod spsc;
#[cfg(feature = "futures")]
pub mod stream;
mod sys;
pub mod thread;
pub mod triple_buffer;

pub use std::sync::{Arc, Weak, atomic};

#[cfg(feature = "lock_api_04")]
#[doc(inline)]
pub use lock_apis::v04 as lock_api_04;
#[cfg(feature = "lock_api")]
#[doc(inline)]
pub use lock_apis::v05 as lock_api;

pub use barrier::{Barrier, BarrierWaitResult};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use event::Event;
pub use lazy_lock::LazyLock;
pub use mutex::{MappedMutexGuard, Mutex, MutexGuard};
sys::shim::unmodelled! {
    #[expect(deprecated, reason = "std has it")]
    pub use once::ONCE_INIT;
}
pub use once::{Once, OnceState};
pub use once_lock::OnceLock;
pub use poison::{LockResult, PoisonError, TryLockError, TryLockResult};
pub use reentrant_lock::{ReentrantLock, ReentrantLockGuard};
pub use rwlock::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, RwLock, RwLockReadGuard,
    RwLockUpgradableReadGuard, RwLockWriteGuard,
};
pub use semaphore::{
    AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError,
};
#[cfg(feature = "__test")]
#[doc(hidden)]
pub use sys::conformance as __conformance;
pub use sys::public::{agent, futex};
pub use web_time::Instant;
