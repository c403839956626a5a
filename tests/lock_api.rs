//! The raw locks under `lock_api`'s types, the same tests for 0.5 and 0.4.
#![cfg(any(feature = "lock_api", feature = "lock_api_04"))]

mod common;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

macro_rules! version {
    ($name:ident, $locks:ident, $api:ident) => {
        mod $name {
            use std::time::Duration;

            use web_sync::Instant;
            use web_sync::$locks::{
                MappedMutexGuard, Mutex, MutexGuard, RwLock, RwLockReadGuard,
                RwLockUpgradableReadGuard as Upgradable, RwLockWriteGuard,
            };

            use super::common::{SHORT, timed};
            #[cfg(target_arch = "wasm32")]
            use super::test;

            static MUTEX: Mutex<u32> = Mutex::new(0);
            static LOCK: RwLock<u32> = RwLock::new(0);

            #[test]
            fn a_mutex_locks() {
                *MUTEX.lock() += 1;
                let guard = MUTEX.try_lock().unwrap();
                assert!(MUTEX.is_locked() && MUTEX.try_lock().is_none());
                MutexGuard::unlock_fair(guard);
                assert!(!MUTEX.is_locked());
                let mut guard = MUTEX.lock();
                MutexGuard::bump(&mut guard);
                MutexGuard::unlocked(&mut guard, || assert!(MUTEX.try_lock().is_some()));
                let mapped: MappedMutexGuard<'_, u32> = MutexGuard::map(guard, |number| number);
                assert_eq!(*mapped, 1);
            }

            #[test]
            fn a_mutex_times_out_and_not_early() {
                let mutex = Mutex::new(1);
                let guard = mutex.lock();
                let (got, took) = timed(|| mutex.try_lock_for(SHORT).is_some());
                assert!(!got && took >= SHORT);
                let (got, took) = timed(|| mutex.try_lock_until(Instant::now() + SHORT).is_some());
                assert!(!got && took >= SHORT);
                drop(guard);
                assert!(mutex.try_lock_for(Duration::MAX).is_some());
            }

            #[test]
            fn a_lock_lets_readers_in_or_one_writer() {
                let reader = LOCK.read();
                assert!(LOCK.is_locked() && !LOCK.is_locked_exclusive());
                assert!(LOCK.try_read().is_some() && LOCK.try_write().is_none());
                RwLockReadGuard::unlock_fair(reader);
                let mut writer = LOCK.write();
                *writer += 1;
                assert!(LOCK.is_locked_exclusive() && LOCK.try_read().is_none());
                RwLockWriteGuard::bump(&mut writer);
                let reader = RwLockWriteGuard::downgrade(writer);
                assert!(LOCK.try_read().is_some() && LOCK.try_write().is_none());
                drop(reader);
                RwLockWriteGuard::unlock_fair(LOCK.write());
                assert!(!LOCK.is_locked());
            }

            #[test]
            fn a_lock_upgrades_and_downgrades() {
                let lock = RwLock::new(1);
                let upgradable = lock.upgradable_read();
                assert!(lock.try_upgradable_read().is_none());
                let reader = lock.try_read().unwrap();
                let upgradable = Upgradable::try_upgrade(upgradable).unwrap_err();
                let upgradable = Upgradable::try_upgrade_for(upgradable, SHORT).unwrap_err();
                drop(reader);
                let writer = Upgradable::upgrade(upgradable);
                let upgradable = RwLockWriteGuard::downgrade_to_upgradable(writer);
                let writer = Upgradable::try_upgrade(upgradable).unwrap();
                let upgradable = RwLockWriteGuard::downgrade_to_upgradable(writer);
                Upgradable::unlock_fair(upgradable);
                let upgradable = lock.try_upgradable_read().expect("unlocked");
                let reader = Upgradable::downgrade(upgradable);
                assert!(lock.try_upgradable_read().is_some() && lock.try_write().is_none());
                drop(reader);
                assert!(lock.try_upgradable_read_for(SHORT).is_some());
            }

            #[test]
            fn a_lock_times_out_and_not_early() {
                let lock = RwLock::new(1);
                let late = |attempt: &dyn Fn() -> bool| {
                    let (got, took) = timed(attempt);
                    assert!(!got && took >= SHORT, "{took:?}");
                };
                let writer = lock.write();
                late(&|| lock.try_read_for(SHORT).is_some());
                late(&|| lock.try_write_for(SHORT).is_some());
                late(&|| lock.try_upgradable_read_for(SHORT).is_some());
                late(&|| lock.try_read_until(Instant::now() + SHORT).is_some());
                late(&|| lock.try_write_until(Instant::now() + SHORT).is_some());
                drop(writer);
                assert!(lock.try_read_for(Duration::MAX).is_some());
                assert!(lock.try_write_for(Duration::MAX).is_some());
            }

            #[test]
            fn guards_stay_on_their_agent() {
                trait No {
                    const SEND: bool = false;
                }
                impl<T> No for T {}
                struct Probe<T>(std::marker::PhantomData<T>);
                #[allow(dead_code)]
                impl<T: Send> Probe<T> {
                    const SEND: bool = true;
                }
                const {
                    assert!(!Probe::<MutexGuard<'_, u32>>::SEND);
                    assert!(!Probe::<RwLockWriteGuard<'_, u32>>::SEND);
                    assert!(Probe::<u32>::SEND);
                }
                const fn same<T: $api::RawMutexFair + $api::RawMutexTimed>() {}
                same::<web_sync::$locks::RawMutex>();
            }

            #[cfg(not(target_family = "wasm"))]
            #[test]
            fn threads_exclude_each_other() {
                const ROUNDS: u32 = if cfg!(miri) { 20 } else { 1_000 };
                let pair = (Mutex::new(0), RwLock::new(0));
                std::thread::scope(|scope| {
                    for _ in 0..3 {
                        scope.spawn(|| {
                            for _ in 0..ROUNDS {
                                let mut guard = pair.0.lock();
                                *guard += 1;
                                MutexGuard::unlock_fair(guard);
                                *Upgradable::upgrade(pair.1.upgradable_read()) += 1;
                            }
                        });
                    }
                });
                assert_eq!((*pair.0.lock(), *pair.1.read()), (3 * ROUNDS, 3 * ROUNDS));
            }
        }
    };
}

#[cfg(feature = "lock_api")]
version!(v05, lock_api, lock_api);
#[cfg(feature = "lock_api_04")]
version!(v04, lock_api_04, lock_api_04);

#[cfg(feature = "lock_api")]
mod condvar {
    use web_sync::Instant;
    use web_sync::lock_api::{Condvar, Mutex};

    use super::common::{SHORT, timed};
    #[cfg(target_arch = "wasm32")]
    use super::test;

    #[test]
    fn a_condvar_times_out_and_not_early() {
        let (mutex, condvar) = (Mutex::new(0), Condvar::new());
        assert!(!condvar.notify_one());
        assert_eq!(condvar.notify_all(), 0);
        let mut guard = mutex.lock();
        let (result, took) = timed(|| condvar.wait_for(&mut guard, SHORT));
        assert!(result.timed_out() && took >= SHORT);
        let (result, took) = timed(|| condvar.wait_until(&mut guard, Instant::now() + SHORT));
        assert!(result.timed_out() && took >= SHORT);
        assert!(mutex.is_locked());
    }

    /// What the trait asks for where a wait may end without a notification: the results say nothing.
    #[cfg(not(target_family = "wasm"))]
    #[test]
    fn a_condvar_notifies_one_and_all() {
        let (mutex, condvar) = (Mutex::new((0, 0)), Condvar::new());
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut guard = mutex.lock();
                    guard.0 += 1;
                    condvar.wait_while(&mut guard, |(_, go)| *go == 0);
                    guard.1 -= 1;
                });
            }
            while mutex.lock().0 < 3 {
                std::thread::yield_now();
            }
            mutex.lock().1 = 1;
            assert!(!condvar.notify_one());
            while mutex.lock().1 > 0 {
                std::thread::yield_now();
            }
            mutex.lock().1 = 2;
            assert_eq!(condvar.notify_all(), 0);
        });
        assert_eq!(mutex.lock().1, 0);
    }
}
