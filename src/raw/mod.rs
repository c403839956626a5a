//! The algorithms: no `T`, no guards; every memory ordering of the locks is here or in `queue`.
//!
//! [`Lock`](lock::Lock) is the one lock of the crate: exclusive, shared and upgradable. A mutex is the part of it that knows only
//! exclusive holders, so both share one algorithm, one proof and, in a finished module, one copy of the cold paths.

mod barrier;
mod condvar;
mod event;
mod flag;
mod future;
mod listener;
mod lock;
mod mutex;
mod once;
mod once_run;
mod parker;
mod reentrant;
mod release;
mod requeue;
mod resolve;
mod rwlock;
mod semaphore;
mod served;
mod state;

pub(crate) use barrier::RawBarrier;
pub(crate) use condvar::{CondvarFuture, RawCondvar};
pub(crate) use event::RawEvent;
pub(crate) use flag::RawFlag;
pub(crate) use listener::Listener;
pub(crate) use mutex::RawMutex;
pub(crate) use once::{RawOnce, Wish, poisoned};
pub(crate) use once_run::Running;
pub(crate) use parker::{Parker, sleep};
pub(crate) use reentrant::RawReentrant;
pub(crate) use rwlock::RawRwLock;
pub(crate) use semaphore::{Closed, MAX_PERMITS, RawSemaphore};
pub(crate) use served::in_time;
