//! `Mutex`, with and without poisoning: locking, time-outs, tasks, mapped guards, misuse.

mod common;

use std::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use common::{LATER, LONG, SHORT, Task, now, timed};
use web_sync::{Instant, MappedMutexGuard, Mutex, MutexGuard, TryLockError, nonpoison};
use web_sync_testkit::time;

#[test]
fn locks_and_unlocks() {
    let mutex = Mutex::new(1);
    *mutex.lock().unwrap() += 1;
    {
        let guard = mutex.try_lock().unwrap();
        assert_eq!(*guard, 2);
        assert!(matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)));
    }
    assert!(mutex.try_lock().is_ok());
    assert_eq!(mutex.into_inner().unwrap(), 2);
}

#[test]
fn accessors() {
    let mut mutex = Mutex::from(String::from("a"));
    assert_eq!(mutex.get_cloned().unwrap(), "a");
    mutex.set("b".into()).unwrap();
    assert_eq!(mutex.replace("c".into()).unwrap(), "b");
    mutex.get_mut().unwrap().push('d');
    let pointer = mutex.data_ptr();
    assert_eq!(pointer.cast_const(), &*mutex.lock().unwrap() as *const _);
    assert_eq!(mutex.into_inner().unwrap(), "cd");

    let bare = nonpoison::Mutex::from(1);
    assert_eq!(bare.with_mut(|number| std::mem::replace(number, 2)), 1);
    assert_eq!((bare.replace(3), bare.get_cloned()), (2, 3));
    bare.set(4);
    assert_eq!(bare.into_inner(), 4);
}

/// `set` drops the old value when the mutex is unlocked: its destructor may lock.
#[test]
fn the_old_value_is_dropped_unlocked() {
    struct Locks(&'static Mutex<Option<Locks>>);
    impl Drop for Locks {
        fn drop(&mut self) {
            assert!(self.0.try_lock().is_ok());
        }
    }
    static MUTEX: Mutex<Option<Locks>> = Mutex::new(None);
    assert!(MUTEX.set(Some(Locks(&MUTEX))).is_ok());
    assert!(MUTEX.set(None).is_ok());
}

#[test]
fn a_free_mutex_is_had_at_once_whatever_the_time_out() {
    let mutex = Mutex::new(1);
    for timeout in [Duration::ZERO, SHORT, Duration::MAX] {
        assert!(mutex.try_lock_for(timeout).is_ok());
    }
    assert!(mutex.try_lock_until(Instant::now()).is_ok());
}

#[test]
fn a_time_out_is_not_early() {
    let mutex = Mutex::new(1);
    let guard = mutex.lock().unwrap();
    for timeout in [Duration::from_micros(300), Duration::from_millis(3), SHORT] {
        let (result, took) = timed(|| mutex.try_lock_for(timeout));
        assert!(matches!(result, Err(TryLockError::WouldBlock)));
        assert!(took >= timeout && took < LONG, "{took:?} for {timeout:?}");
        let (result, took) = timed(|| mutex.try_lock_until(Instant::now() + timeout));
        assert!(matches!(result, Err(TryLockError::WouldBlock)));
        assert!(took >= timeout && took < LONG, "{took:?} for {timeout:?}");
    }
    let (result, took) = timed(|| mutex.try_lock_for(Duration::ZERO));
    assert!(result.is_err() && took < LONG);
    drop(guard);
    assert!(mutex.try_lock_for(SHORT).is_ok());
}

#[test]
fn tasks_get_the_mutex_in_the_order_of_their_first_poll() {
    let mutex = Mutex::new(Vec::new());
    let guard = mutex.lock().unwrap();
    let mut one = Task::waiting(mutex.lock_async());
    let mut two = Task::waiting(mutex.lock_async());
    assert_eq!((one.wakes(), two.wakes()), (0, 0));
    drop(guard);
    assert_eq!((one.wakes(), two.wakes()), (1, 0));
    one.poll().unwrap().unwrap().push(1);
    assert_eq!(two.wakes(), 1);
    two.poll().unwrap().unwrap().push(2);
    assert_eq!(*mutex.lock().unwrap(), [1, 2]);
}

/// Until it is dropped, or, where threads wait, for 10 ms.
#[test]
fn a_free_mutex_is_kept_for_a_task_that_has_lost_twice() {
    let mutex = Mutex::new(1);
    let mut guard = mutex.lock().unwrap();
    let mut task = Task::waiting(mutex.lock_async());
    for lost in 0..2 {
        drop(guard);
        assert_eq!(task.wakes(), lost + 1);
        guard = mutex.try_lock().expect("it is kept too early");
        assert!(task.poll().is_none());
    }
    drop(guard);
    assert!(matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)));
    // A thread that sleeps looks after the task, one that spins goes before it.
    #[cfg(not(target_family = "wasm"))]
    for spins in [false, true] {
        let _spinning = spins.then(common::Spinning::new);
        assert!(mutex.try_lock_for(LONG).is_ok());
    }
    drop(task);
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn a_task_is_ready_at_once_when_the_mutex_is_free() {
    let mutex = Mutex::new(1);
    *now(mutex.lock_async()).unwrap() += 1;
    let bare = nonpoison::Mutex::new(1);
    *now(bare.lock_async()) += 1;
    assert_eq!((mutex.into_inner().unwrap(), bare.into_inner()), (2, 2));
}

#[test]
fn a_lock_future_does_nothing_until_it_is_polled() {
    let mutex = Mutex::new(1);
    let future = mutex.lock_async();
    assert!(mutex.try_lock().is_ok());
    drop(future);
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn a_task_has_a_free_mutex_at_once_whatever_the_time_out() {
    let (mutex, bare) = (Mutex::new(1), nonpoison::Mutex::new(1));
    let passed = Instant::now();
    for timeout in [Duration::ZERO, SHORT, Duration::MAX] {
        assert!(now(mutex.try_lock_for_async(timeout)).is_ok());
        assert!(now(bare.try_lock_for_async(timeout)).is_ok());
    }
    *now(mutex.try_lock_until_async(passed)).unwrap() += 1;
    *now(bare.try_lock_until_async(passed)).unwrap() += 1;
    assert_eq!((mutex.into_inner().unwrap(), bare.into_inner()), (2, 2));
}

#[test]
fn a_task_whose_time_is_over_leaves_the_queue() {
    let (mutex, bare) = (Mutex::new(1), nonpoison::Mutex::new(1));
    let guards = (mutex.lock().unwrap(), bare.lock());
    assert!(now(mutex.try_lock_for_async(Duration::ZERO)).is_err());
    let until = Instant::now() + LATER;
    let tasks = [
        Task::waiting(mutex.try_lock_for_async(LATER)),
        Task::waiting(mutex.try_lock_until_async(until)),
        // The time begins with the call, not with the first poll.
        Task::new(mutex.try_lock_for_async(LATER)),
        Task::new(mutex.try_lock_until_async(until)),
    ];
    let bare_tasks = [
        Task::waiting(bare.try_lock_for_async(LATER)),
        Task::waiting(bare.try_lock_until_async(until)),
        Task::new(bare.try_lock_for_async(LATER)),
    ];
    let next = Task::waiting(mutex.lock_async());
    let bare_next = Task::waiting(bare.lock_async());
    time::spin(LATER);
    for task in tasks {
        let result = task.finish();
        assert!(matches!(result, Err(TryLockError::WouldBlock)));
    }
    for task in bare_tasks {
        assert_eq!(task.finish().err(), Some(nonpoison::WouldBlock));
    }
    drop(guards);
    assert_eq!((next.wakes(), bare_next.wakes()), (1, 1));
    assert!(next.finish().is_ok());
    drop(bare_next.finish());
    assert!(mutex.try_lock().is_ok() && bare.try_lock().is_ok());
}

/// The mutex counts, whoever looked first.
#[test]
fn a_task_gets_a_mutex_that_comes_with_the_end_of_its_time() {
    let mutex = Mutex::new(1);
    let guard = mutex.lock().unwrap();
    let mut task = Task::waiting(mutex.try_lock_for_async(LATER));
    time::spin(LATER);
    drop(guard);
    assert!(task.wakes() > 0);
    *task.poll().unwrap().unwrap() += 1;
    assert_eq!(*mutex.lock().unwrap(), 2);
}

#[test]
fn a_dropped_timed_task_passes_the_mutex_on() {
    let mutex = Mutex::new(1);
    let guard = mutex.lock().unwrap();
    let woken = Task::waiting(mutex.try_lock_for_async(LONG));
    let queued = Task::waiting(mutex.try_lock_for_async(LONG));
    let next = Task::waiting(mutex.lock_async());
    drop(queued);
    drop(guard);
    assert_eq!((woken.wakes(), next.wakes()), (1, 0));
    drop(woken);
    assert_eq!(next.wakes(), 1);
    assert!(next.finish().is_ok());
    assert!(mutex.try_lock().is_ok());
}

#[cfg(panic = "unwind")]
#[test]
fn a_timed_task_is_told_of_poison() {
    let mutex = Mutex::new(1);
    common::panic_of(|| {
        let _guard = mutex.lock().unwrap();
        panic!("half done");
    });
    let poisoned = |result| matches!(result, Err(TryLockError::Poisoned(_)));
    assert!(poisoned(now(mutex.try_lock_for_async(LONG))));
    assert!(poisoned(now(mutex.try_lock_until_async(Instant::now()))));
    let Err(TryLockError::Poisoned(guard)) = now(mutex.try_lock_for_async(LONG)) else {
        panic!("not poisoned");
    };
    assert_eq!(**guard.get_ref(), 1);
}

#[test]
fn mapped_guards_keep_the_mutex_locked() {
    let mutex = Mutex::new((1, [2, 3]));
    let array = MutexGuard::map(mutex.lock().unwrap(), |all| &mut all.1);
    assert!(mutex.try_lock().is_err());
    let Err(array) = MappedMutexGuard::filter_map(array, |array| array.get_mut(2)) else {
        panic!("there is no third");
    };
    let mut second = MappedMutexGuard::filter_map(array, |array| array.get_mut(1)).unwrap();
    *second += 1;
    assert!(mutex.try_lock().is_err());
    drop(second);
    let guard = MutexGuard::filter_map(mutex.lock().unwrap(), |_| None::<&mut i32>).unwrap_err();
    assert_eq!(*guard, (1, [2, 4]));
}

/// An agent that locks what it holds would wait for ever, whether it sleeps or spins: it is told instead.
#[cfg(panic = "unwind")]
#[test]
fn locking_again_on_the_same_agent_panics() {
    for spins in [false, true] {
        let _spinning = spins.then(common::Spinning::new);
        locks_again();
    }
}

#[cfg(panic = "unwind")]
fn locks_again() {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    let mutex = Mutex::new(1);
    let guard = mutex.lock().unwrap();
    let panic = catch_unwind(AssertUnwindSafe(|| drop(mutex.lock()))).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("Mutex::lock"), "{message}");
    assert!(message.contains(file!()), "the call's place: {message}");
    drop(guard);
    assert!(
        !mutex.is_poisoned(),
        "the guard was dropped before the next panic"
    );
    assert!(mutex.lock().is_ok());

    // A task's guard belongs to the agent that polled the task.
    let guard = now(mutex.lock_async()).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(mutex.lock()))).is_err());
    drop(guard);
    assert!(mutex.lock().is_ok());
}

/// Locking with a time-out ends by itself, so it does not panic.
#[test]
fn locking_again_with_a_time_out_times_out() {
    let _spinning = common::Spinning::new();
    let mutex = Mutex::new(1);
    let guard = mutex.lock().unwrap();
    let (result, took) = timed(|| mutex.try_lock_for(SHORT));
    assert!(result.is_err() && took >= SHORT);
    drop(guard);
}

#[cfg(not(target_family = "wasm"))]
mod threads {
    use super::*;
    use std::sync::Barrier;
    use std::thread;

    const ROUNDS: u32 = if cfg!(miri) { 20 } else { 2_000 };

    #[test]
    fn threads_and_tasks_exclude_each_other() {
        let mutex = Mutex::new((0, 0));
        let step = |guard: &mut (u32, u32)| {
            assert_eq!(guard.0, guard.1);
            guard.0 += 1;
            guard.1 += 1;
        };
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..ROUNDS).for_each(|_| step(&mut mutex.lock().unwrap())));
                scope.spawn(|| {
                    pollster::block_on(async {
                        for _ in 0..ROUNDS {
                            step(&mut mutex.lock_async().await.unwrap());
                        }
                    });
                });
            }
        });
        assert_eq!(mutex.into_inner().unwrap(), (4 * ROUNDS, 4 * ROUNDS));
    }

    #[test]
    fn a_long_time_out_is_no_time_out() {
        let mutex = Mutex::new(1);
        let guard = mutex.lock().unwrap();
        thread::scope(|scope| {
            let waiter = scope.spawn(|| mutex.try_lock_for(Duration::MAX).is_ok());
            thread::sleep(SHORT);
            assert!(!waiter.is_finished());
            drop(guard);
            assert!(waiter.join().unwrap());
        });
    }

    #[test]
    fn a_tasks_time_out_wakes_it() {
        let mutex = Mutex::new(1);
        let guard = mutex.lock().unwrap();
        let (got, took) = timed(|| pollster::block_on(mutex.try_lock_for_async(SHORT)).map(drop));
        assert!(got.is_err() && took >= SHORT && took < LONG, "{took:?}");
        let until = Instant::now() + SHORT;
        assert!(pollster::block_on(mutex.try_lock_until_async(until)).is_err());
        assert!(Instant::now() >= until);
        thread::scope(|scope| {
            let waiter =
                scope.spawn(|| pollster::block_on(mutex.try_lock_for_async(Duration::MAX)).is_ok());
            thread::sleep(SHORT);
            assert!(!waiter.is_finished());
            drop(guard);
            assert!(waiter.join().unwrap());
        });
    }

    #[test]
    fn an_agent_that_must_not_sleep_is_handed_the_mutex() {
        let mutex = Mutex::new(0);
        let barrier = Barrier::new(3);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    barrier.wait();
                    (0..ROUNDS).for_each(|_| *mutex.lock().unwrap() += 1);
                });
            }
            scope.spawn(|| {
                let _spinning = common::Spinning::new();
                barrier.wait();
                (0..ROUNDS).for_each(|_| *mutex.lock().unwrap() += 1);
            });
        });
        assert_eq!(mutex.into_inner().unwrap(), 3 * ROUNDS);
    }

    /// A mutex that is unlocked in a destructor while it is waited for elsewhere stays usable after everything is gone.
    #[test]
    fn the_mutex_may_go_as_soon_as_the_last_guard_has() {
        for _ in 0..ROUNDS / 10 {
            let mutex = std::sync::Arc::new(Mutex::new(0));
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let mutex = mutex.clone();
                    thread::spawn(move || *mutex.lock().unwrap() += 1)
                })
                .collect();
            drop(mutex);
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
        }
    }
}
