//! Wakers that panic, when they are called, cloned or dropped: nobody else loses anything by that, and no lock stays taken. Each was a bug once.
#![cfg(panic = "unwind")]

mod common;

use std::future::Future;
use std::panic::panic_any;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use common::fragile::{self, CLONES, DROPS};
use common::{SHORT, poll};
use web_sync::nonpoison::{Condvar, Mutex, RwLock};
use web_sync::thread;

/// A waker that panics, with a payload that panics when it is dropped, unless the thread panics already.
struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic_any(Payload);
    }
}

struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // Of no size, since it is what nobody dares to drop any more.
            panic_any(());
        }
    }
}

/// A waker that says so on a channel.
struct Sleeper(mpsc::Sender<()>);

impl Sleeper {
    fn pair() -> (Waker, mpsc::Receiver<()>) {
        let (said, heard) = mpsc::channel();
        (Waker::from(Arc::new(Self(said))), heard)
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        let _ = self.0.send(());
    }
}

fn poll_with_bomb<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(Arc::new(Bomb))))
}

/// A waker's panic ended the one thread that all timers of a process have, and nobody started another.
#[test]
fn a_waker_that_panics_stops_no_other_timer() {
    let mut first = pin!(thread::sleep_async(SHORT));
    assert!(poll_with_bomb(first.as_mut()).is_pending());
    // Until the timer has called the waker, which a poll would replace.
    std::thread::sleep(4 * SHORT);
    let mut second = pin!(thread::sleep_async(SHORT));
    let (woken, sleeps) = Sleeper::pair();
    assert!(
        second
            .as_mut()
            .poll(&mut Context::from_waker(&woken))
            .is_pending()
    );
    sleeps
        .recv_timeout(Duration::from_secs(10))
        .expect("the timer calls");
}

/// The payload of a waker's panic unwound a thread whose waiter was still in the condvar's queue, and that went with the stack.
#[test]
fn a_waker_that_panics_unwinds_no_waiting_thread() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut lock = pin!(mutex.lock_async());
    let mut guard = mutex.lock();
    assert!(poll_with_bomb(lock.as_mut()).is_pending());
    assert!(condvar.wait_timeout(&mut guard, SHORT).timed_out());
    assert!(mutex.try_lock().is_err());
    drop(guard);
    // Nobody waits any more.
    condvar.notify_one();
    assert!(poll(lock).is_ready());
}

/// A waker that panics when it is dropped did so out of a `poll` that had just taken the lock: it stayed locked.
#[test]
fn a_waker_that_panics_when_dropped_leaves_no_lock_taken() {
    let mutex = Mutex::new(0);
    let mut lock = pin!(mutex.lock_async());
    let guard = mutex.lock();
    assert!(poll(lock.as_mut()).is_pending());
    drop(guard);
    DROPS.set(1);
    let locked = fragile::poll(lock.as_mut());
    assert_eq!(DROPS.get(), 0, "no clone was dropped");
    assert!(locked.is_ready() && mutex.try_lock().is_err());
    drop(locked);
    assert!(mutex.try_lock().is_ok());
}

/// The same with the waker of an earlier poll, which went with the future, before there was a guard.
#[test]
fn a_waker_that_panics_when_dropped_late_leaves_no_lock_taken() {
    let mutex = Mutex::new(0);
    let guard = mutex.lock();
    let mut first = pin!(mutex.lock_async());
    let mut second = pin!(mutex.lock_async());
    assert!(poll(first.as_mut()).is_pending());
    assert!(fragile::poll(second.as_mut()).is_pending());
    drop(guard);
    // Woken was the first. The second has its waker still, and finds the mutex free.
    DROPS.set(1);
    let locked = poll(second.as_mut());
    DROPS.set(0);
    assert!(locked.is_ready());
    drop(locked);
    assert!(mutex.try_lock().is_ok());
}

/// The same with a wait that has been notified.
#[test]
fn a_waker_that_panics_when_dropped_leaves_no_mutex_taken_by_a_wait() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut wait = pin!(condvar.wait_async(mutex.lock()));
    assert!(poll(wait.as_mut()).is_pending());
    condvar.notify_one();
    DROPS.set(1);
    let locked = fragile::poll(wait.as_mut());
    assert_eq!(DROPS.get(), 0, "no clone was dropped");
    assert!(locked.is_ready());
    drop(locked);
    assert!(mutex.try_lock().is_ok());
}

/// The same with the waker that the timer of such a wait has.
#[test]
fn a_waker_that_panics_when_dropped_by_a_timer_leaves_no_mutex_taken() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut wait = pin!(condvar.wait_timeout_async(mutex.lock(), Duration::from_secs(60)));
    assert!(fragile::poll(wait.as_mut()).is_pending());
    condvar.notify_one();
    DROPS.set(1);
    let locked = poll(wait.as_mut());
    assert_eq!(DROPS.get(), 0, "the timer had no waker");
    assert!(locked.is_ready());
    drop(locked);
    assert!(mutex.try_lock().is_ok());
}

/// Such a waker took the guard with it that an upgrade gives back when its time is over.
#[test]
fn a_waker_that_panics_when_dropped_takes_no_guard_with_it() {
    let lock = RwLock::new(0);
    let (reader, upgradable) = (lock.read(), lock.upgradable_read());
    let time = Duration::ZERO;
    let mut upgrade = pin!(async {
        web_sync::nonpoison::RwLockUpgradableReadGuard::try_upgrade_for_async(upgradable, time)
            .await
    });
    // One for each look: the first was replaced by the second.
    DROPS.set(2);
    let late = fragile::poll(upgrade.as_mut());
    assert_eq!(DROPS.get(), 0, "not both clones were dropped");
    assert!(matches!(late, Poll::Ready(Err(_))));
    drop((late, reader));
    assert!(lock.try_write().is_ok());
}

/// A waker whose `clone` panics ended a wait before it had begun: its mutex stayed locked.
#[test]
fn a_waker_that_is_not_cloned_leaves_no_lock_taken() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut wait = Box::pin(condvar.wait_async(mutex.lock()));
    CLONES.set(1);
    let poll = std::panic::AssertUnwindSafe(|| fragile::poll(wait.as_mut()).is_pending());
    assert!(std::panic::catch_unwind(poll).is_err());
    drop(wait);
    assert!(mutex.try_lock().is_ok());
}

/// The same out of a `poll` that had just taken the lock: nobody had it, and nobody could have it.
#[test]
fn a_waker_that_panics_leaves_no_lock_taken() {
    let lock = RwLock::new(0);
    let mut first = Box::pin(lock.upgradable_read_async());
    let mut second = Box::pin(lock.read_async());
    let writer = lock.write();
    assert!(poll(first.as_mut()).is_pending());
    assert!(poll_with_bomb(second.as_mut()).is_pending());
    drop(writer);
    assert!(poll(first.as_mut()).is_ready());
    assert!(poll(second.as_mut()).is_ready());
    drop((first, second));
    assert!(lock.try_write().is_ok());
}
