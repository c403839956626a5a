//! `ReentrantLock`: its holder, and other threads.

mod common;

use std::cell::{Cell, RefCell};
use std::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use common::Spinning;
use web_sync::{Instant, ReentrantLock};

#[test]
fn the_holder_locks_as_often_as_it_likes() {
    let lock = ReentrantLock::new(Cell::new(0));
    let mut guards = vec![lock.lock()];
    guards.push(lock.try_lock().unwrap());
    guards.push(lock.try_lock_for(Duration::ZERO).unwrap());
    guards.push(lock.try_lock_until(Instant::now()).unwrap());
    for guard in &guards {
        guard.set(guard.get() + 1);
    }
    assert_eq!(lock.lock().get(), 4);
}

/// Guards are dropped in any order.
#[test]
fn the_data_is_shared_by_all_guards() {
    let lock = ReentrantLock::new(RefCell::new(vec![1]));
    let outer = lock.lock();
    let inner = lock.lock();
    inner.borrow_mut().push(2);
    drop(outer);
    inner.borrow_mut().push(3);
    assert_eq!(*lock.lock().borrow(), [1, 2, 3]);
    drop(inner);
    assert_eq!(lock.into_inner().into_inner(), [1, 2, 3]);
}

#[test]
fn who_owns_the_lock_needs_no_guard() {
    let mut lock = ReentrantLock::from(1);
    *lock.get_mut() += 1;
    assert_eq!(*lock.lock(), 2);
    assert!(std::ptr::eq(lock.data_ptr(), &*lock.lock()));
    assert_eq!(*ReentrantLock::<i32>::default().lock(), 0);
    let unsized_data: &ReentrantLock<[i32]> = &ReentrantLock::new([1, 2]);
    assert_eq!(unsized_data.lock().len(), 2);
    static CONST: ReentrantLock<i32> = ReentrantLock::new(3);
    assert_eq!(*CONST.lock(), 3);
}

#[test]
fn it_shows_its_data() {
    let lock = ReentrantLock::new(7);
    assert_eq!(format!("{lock:?}"), "ReentrantLock { data: 7, .. }");
    let guard = lock.lock();
    assert_eq!(format!("{lock:?}"), "ReentrantLock { data: 7, .. }");
    assert_eq!(format!("{guard:?} {guard}"), "7 7");
}

#[test]
fn an_agent_that_must_not_sleep_locks_as_well() {
    let _spinning = Spinning::new();
    let lock = ReentrantLock::new(1);
    let outer = lock.lock();
    let inner = lock.try_lock_for(Duration::ZERO).unwrap();
    assert_eq!(*outer + *inner, 2);
}

#[cfg(panic = "unwind")]
#[test]
fn a_panic_unlocks_and_does_not_poison() {
    let lock = ReentrantLock::new(1);
    let text = common::panic_of(|| {
        let (_outer, _inner) = (lock.lock(), lock.lock());
        panic!("mine");
    });
    assert_eq!(text, "mine");
    #[cfg(not(target_family = "wasm"))]
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(*lock.lock(), 1));
    });
    assert_eq!(*lock.lock(), 1);
}

#[cfg(not(target_family = "wasm"))]
mod threads {
    use super::*;
    use common::{SHORT, timed};
    use std::thread;

    #[test]
    fn others_wait_for_the_last_guard() {
        let lock = ReentrantLock::new(Cell::new(0));
        let (outer, inner) = (lock.lock(), lock.lock());
        let looked = std::sync::Barrier::new(3);
        thread::scope(|scope| {
            let waiters = [false, true].map(|spins| {
                let lock = &lock;
                let looked = &looked;
                scope.spawn(move || {
                    let _spinning = spins.then(Spinning::new);
                    assert!(lock.try_lock().is_none());
                    looked.wait();
                    let guard = lock.lock();
                    // It has been handed over, and is held all the same.
                    let again = lock.lock();
                    drop(guard);
                    again.set(again.get() + 1);
                })
            });
            looked.wait();
            thread::sleep(SHORT);
            drop(outer);
            thread::sleep(SHORT);
            assert!(!waiters.iter().any(|waiter| waiter.is_finished()));
            assert_eq!(inner.get(), 0);
            drop(inner);
        });
        assert_eq!(lock.lock().get(), 2);
    }

    #[test]
    fn time_outs_are_not_early() {
        let lock = ReentrantLock::new(1);
        let _held = lock.lock();
        thread::scope(|scope| {
            for spins in [false, true] {
                let lock = &lock;
                scope.spawn(move || {
                    let _spinning = spins.then(Spinning::new);
                    for timeout in [Duration::ZERO, Duration::from_micros(900), SHORT] {
                        let (got, took) = timed(|| lock.try_lock_for(timeout).is_some());
                        assert!(!got && took >= timeout, "{took:?} for {timeout:?}");
                    }
                    let deadline = Instant::now() + SHORT;
                    assert!(lock.try_lock_until(deadline).is_none());
                    assert!(Instant::now() >= deadline);
                    assert_eq!(format!("{lock:?}"), "ReentrantLock { data: <locked>, .. }");
                });
            }
        });
    }
}
