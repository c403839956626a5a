//! Poisoning: which panic poisons, what it does to each call, and what it does not.
#![cfg(panic = "unwind")]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use common::{Task, now};
use web_sync::{
    Condvar, MappedMutexGuard, MappedRwLockWriteGuard, Mutex, MutexGuard, PoisonError, RwLock,
    RwLockReadGuard, RwLockUpgradableReadGuard as Upgradable, RwLockWriteGuard, TryLockError,
    nonpoison,
};

/// Runs `f` and panics before what it returns is dropped.
fn panic_with<G>(f: impl FnOnce() -> G) {
    let result = catch_unwind(AssertUnwindSafe(|| {
        let _held = f();
        // Without the hook's message.
        resume_unwind(Box::new(()));
    }));
    assert!(result.is_err());
}

fn poisoned_mutex() -> Mutex<i32> {
    let mutex = Mutex::new(1);
    panic_with(|| mutex.lock().unwrap());
    assert!(mutex.is_poisoned());
    mutex
}

fn poisoned_lock() -> RwLock<i32> {
    let lock = RwLock::new(1);
    panic_with(|| lock.write().unwrap());
    assert!(lock.is_poisoned());
    lock
}

#[test]
fn each_call_on_a_poisoned_mutex_says_so_and_gives_the_guard() {
    let mutex = poisoned_mutex();
    let timeout = Duration::from_secs(1);
    assert_eq!(*mutex.lock().unwrap_err().into_inner(), 1);
    assert!(
        matches!(mutex.try_lock(), Err(TryLockError::Poisoned(guard)) if **guard.get_ref() == 1)
    );
    assert!(matches!(
        mutex.try_lock_for(timeout),
        Err(TryLockError::Poisoned(_))
    ));
    let deadline = web_sync::Instant::now() + timeout;
    assert!(matches!(
        mutex.try_lock_until(deadline),
        Err(TryLockError::Poisoned(_))
    ));
    assert_eq!(*now(mutex.lock_async()).unwrap_err().into_inner(), 1);
    assert!(mutex.get_cloned().is_err());
    assert_eq!(mutex.set(2).unwrap_err().into_inner(), 2);
    assert_eq!(mutex.replace(2).unwrap_err().into_inner(), 2);

    let guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(
        matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)),
        "the error's guard holds it"
    );
    drop(guard);
    mutex.clear_poison();
    assert!(!mutex.is_poisoned() && mutex.lock().is_ok());

    let mut mutex = poisoned_mutex();
    assert_eq!(**mutex.get_mut().unwrap_err().get_ref(), 1);
    assert_eq!(mutex.into_inner().unwrap_err().into_inner(), 1);
}

#[test]
fn each_call_on_a_poisoned_lock_says_so_and_gives_the_guard() {
    let lock = poisoned_lock();
    let timeout = Duration::from_secs(1);
    assert_eq!(*lock.read().unwrap_err().into_inner(), 1);
    assert_eq!(*lock.write().unwrap_err().into_inner(), 1);
    assert_eq!(*lock.upgradable_read().unwrap_err().into_inner(), 1);
    assert!(matches!(lock.try_read(), Err(TryLockError::Poisoned(_))));
    assert!(matches!(lock.try_write(), Err(TryLockError::Poisoned(_))));
    assert!(matches!(
        lock.try_upgradable_read(),
        Err(TryLockError::Poisoned(_))
    ));
    assert!(matches!(
        lock.try_read_for(timeout),
        Err(TryLockError::Poisoned(_))
    ));
    assert!(matches!(
        lock.try_write_for(timeout),
        Err(TryLockError::Poisoned(_))
    ));
    assert!(matches!(
        lock.try_upgradable_read_for(timeout),
        Err(TryLockError::Poisoned(_))
    ));
    assert!(now(lock.read_async()).is_err());
    assert!(now(lock.write_async()).is_err());
    assert!(now(lock.upgradable_read_async()).is_err());
    assert!(lock.get_cloned().is_err() && lock.set(2).is_err() && lock.replace(2).is_err());

    lock.clear_poison();
    assert!(lock.read().is_ok() && lock.write().is_ok());

    let mut lock = poisoned_lock();
    assert!(lock.get_mut().is_err());
    assert_eq!(lock.into_inner().unwrap_err().into_inner(), 1);
}

#[test]
fn every_guard_that_can_write_poisons() {
    let mutex = Mutex::new((1, 2));
    let check = |what: &str| {
        assert!(mutex.is_poisoned(), "{what}");
        mutex.clear_poison();
    };
    panic_with(|| MutexGuard::map(mutex.lock().unwrap(), |pair| &mut pair.0));
    check("mapped");
    panic_with(|| {
        let mapped = MutexGuard::map(mutex.lock().unwrap(), |pair| pair);
        MappedMutexGuard::filter_map(mapped, |pair| Some(&mut pair.0)).ok()
    });
    check("mapped twice");
    panic_with(|| now(mutex.lock_async()));
    check("from a task");
    panic_with(|| mutex.try_lock());
    check("tried");

    let lock = RwLock::new((1, 2));
    let check = |what: &str| {
        assert!(lock.is_poisoned(), "{what}");
        lock.clear_poison();
    };
    panic_with(|| RwLockWriteGuard::map(lock.write().unwrap(), |pair| &mut pair.0));
    check("mapped");
    panic_with(|| {
        let mapped = RwLockWriteGuard::map(lock.write().unwrap(), |pair| pair);
        MappedRwLockWriteGuard::map(mapped, |pair| &mut pair.1)
    });
    check("mapped twice");
    panic_with(|| Upgradable::upgrade(lock.upgradable_read().unwrap()));
    check("upgraded");
    panic_with(|| Upgradable::try_upgrade(lock.upgradable_read().unwrap()));
    check("tried to upgrade");
    panic_with(|| now(Upgradable::upgrade_async(lock.upgradable_read().unwrap())));
    check("upgraded by a task");
}

#[test]
fn guards_that_only_read_do_not_poison() {
    let lock = RwLock::new((1, 2));
    panic_with(|| lock.read().unwrap());
    panic_with(|| RwLockReadGuard::map(lock.read().unwrap(), |pair| &pair.0));
    panic_with(|| lock.upgradable_read().unwrap());
    panic_with(|| RwLockWriteGuard::downgrade(lock.write().unwrap()));
    panic_with(|| RwLockWriteGuard::downgrade_to_upgradable(lock.write().unwrap()));
    panic_with(|| Upgradable::downgrade(lock.upgradable_read().unwrap()));
    assert!(!lock.is_poisoned() && lock.write().is_ok());
}

/// A panic in what a mapped guard's function does is one while the guard is held.
#[test]
fn a_panic_in_map_poisons_and_releases() {
    let mutex = Mutex::new(1);
    panic_with(|| {
        MutexGuard::map(mutex.lock().unwrap(), |_| -> &mut i32 {
            resume_unwind(Box::new(()))
        })
    });
    assert!(mutex.is_poisoned() && matches!(mutex.try_lock(), Err(TryLockError::Poisoned(_))));
    let lock = RwLock::new(1);
    panic_with(|| {
        RwLockWriteGuard::filter_map(lock.write().unwrap(), |_| -> Option<&mut i32> {
            resume_unwind(Box::new(()))
        })
    });
    assert!(lock.is_poisoned() && matches!(lock.try_write(), Err(TryLockError::Poisoned(_))));
}

#[test]
fn a_panic_that_was_under_way_does_not_count() {
    struct Locks<'a>(&'a Mutex<i32>, &'a RwLock<i32>);
    impl Drop for Locks<'_> {
        fn drop(&mut self) {
            *self.0.lock().unwrap() += 1;
            *self.1.write().unwrap() += 1;
        }
    }
    let (mutex, lock) = (Mutex::new(1), RwLock::new(1));
    panic_with(|| Locks(&mutex, &lock));
    assert_eq!((*mutex.lock().unwrap(), *lock.read().unwrap()), (2, 2));
}

#[test]
fn a_guard_that_is_leaked_poisons_nothing() {
    let mutex = Mutex::new(1);
    panic_with(|| std::mem::forget(mutex.lock()));
    assert!(!mutex.is_poisoned() && mutex.try_lock().is_err());
}

#[test]
fn waits_say_that_the_mutex_was_poisoned_meanwhile() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let guard = || mutex.lock().unwrap_or_else(PoisonError::into_inner);
    let timeout = Duration::from_secs(60);
    let mut plain = Task::waiting(condvar.wait_async(guard()));
    let mut looping = Task::waiting(condvar.wait_while_async(guard(), |_| true));
    let mut timed = Task::waiting(condvar.wait_timeout_async(guard(), timeout));
    let mut both = Task::waiting(condvar.wait_timeout_while_async(guard(), timeout, |_| true));

    panic_with(|| mutex.lock().unwrap());
    condvar.notify_all();
    assert!(plain.poll().unwrap().is_err());
    assert!(
        looping.poll().unwrap().is_err(),
        "the condition holds, but the data may be wrong"
    );
    assert!(!timed.poll().unwrap().unwrap_err().get_ref().1.timed_out());
    assert!(!both.poll().unwrap().unwrap_err().get_ref().1.timed_out());

    assert!(condvar.wait_timeout(guard(), Duration::ZERO).is_err());
    assert!(
        condvar.wait_while(guard(), |_| false).is_ok(),
        "no wait, no lock, no error"
    );
    assert!(now(condvar.wait_while_async(guard(), |_| false)).is_ok());
}

#[test]
fn dropping_an_unpolled_wait_poisons_as_its_guard_would() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    panic_with(|| condvar.wait_async(mutex.lock().unwrap()));
    assert!(mutex.is_poisoned());
    mutex.clear_poison();
    // A wait that has begun holds nothing.
    panic_with(|| Task::waiting(condvar.wait_async(mutex.lock().unwrap())));
    assert!(!mutex.is_poisoned() && mutex.try_lock().is_ok());
}

#[test]
fn without_poisoning_a_panic_only_unlocks() {
    let mutex = nonpoison::Mutex::new(1);
    panic_with(|| {
        let mut guard = mutex.lock();
        *guard = 2;
        guard
    });
    assert_eq!(*mutex.try_lock().unwrap(), 2);
    let lock = nonpoison::RwLock::new(1);
    panic_with(|| lock.write());
    assert!(lock.try_write().is_ok());
    assert!(
        catch_unwind(AssertUnwindSafe(
            || mutex.with_mut(|_| resume_unwind(Box::new(())))
        ))
        .is_err()
    );
    assert!(mutex.try_lock().is_ok());
}
