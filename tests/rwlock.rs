//! `RwLock`, with and without poisoning: readers, writers, upgrades, time-outs, tasks, mapped guards, misuse.

mod common;

use std::pin::Pin;
use std::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use common::{LATER, LONG, SHORT, Task, now, timed};
use web_sync::{
    Instant, MappedRwLockReadGuard, MappedRwLockWriteGuard, RwLock, RwLockReadGuard,
    RwLockUpgradableReadGuard as Upgradable, RwLockWriteGuard, TryLockError, nonpoison,
};
use web_sync_testkit::time;

/// A timed attempt of a task: true if it has the lock.
type Attempt<L> = fn(&L, Duration) -> Pin<Box<dyn Future<Output = bool> + '_>>;

/// All of them, of a kind of lock. What is made by the call is made before the task is.
macro_rules! attempts {
    ($($call:ident $unit:ident),*) => {
        [$(|lock, timeout| {
            let locks = lock.$call(attempts!(@$unit timeout));
            Box::pin(async { locks.await.is_ok() })
        }),*]
    };
    (@time $timeout:ident) => { $timeout };
    (@instant $timeout:ident) => { Instant::now() + $timeout };
}

const ATTEMPTS: [Attempt<RwLock<i32>>; 6] = attempts!(
    try_read_for_async time, try_read_until_async instant,
    try_write_for_async time, try_write_until_async instant,
    try_upgradable_read_for_async time, try_upgradable_read_until_async instant
);

const BARE_ATTEMPTS: [Attempt<nonpoison::RwLock<i32>>; 6] = attempts!(
    try_read_for_async time, try_read_until_async instant,
    try_write_for_async time, try_write_until_async instant,
    try_upgradable_read_for_async time, try_upgradable_read_until_async instant
);

#[test]
fn readers_share_and_writers_do_not() {
    let lock = RwLock::new(1);
    {
        let readers = [lock.read().unwrap(), lock.read().unwrap()];
        assert_eq!(*readers[0] + *readers[1], 2);
        assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
    }
    {
        let mut writer = lock.write().unwrap();
        *writer = 2;
        assert!(matches!(lock.try_read(), Err(TryLockError::WouldBlock)));
        assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
        assert!(matches!(
            lock.try_upgradable_read(),
            Err(TryLockError::WouldBlock)
        ));
    }
    assert_eq!(*lock.try_read().unwrap(), 2);
}

#[test]
fn accessors() {
    let mut lock = RwLock::from(String::from("a"));
    assert_eq!(lock.get_cloned().unwrap(), "a");
    lock.set("b".into()).unwrap();
    assert_eq!(lock.replace("c".into()).unwrap(), "b");
    lock.get_mut().unwrap().push('d');
    let pointer = lock.data_ptr();
    assert_eq!(pointer.cast_const(), &*lock.read().unwrap() as *const _);
    assert_eq!(lock.into_inner().unwrap(), "cd");

    let bare = nonpoison::RwLock::from(1);
    bare.with_mut(|number| *number += 1);
    assert_eq!(bare.with(|number| *number), 2);
    assert_eq!((bare.replace(3), bare.get_cloned()), (2, 3));
    bare.set(4);
    assert_eq!(bare.into_inner(), 4);
}

#[test]
fn one_reader_may_upgrade() {
    let lock = RwLock::new(1);
    let upgradable = lock.upgradable_read().unwrap();
    let reader = lock.read().unwrap();
    assert!(lock.try_upgradable_read().is_err() && lock.try_write().is_err());

    let upgradable = Upgradable::try_upgrade(upgradable).unwrap_err();
    drop(reader);
    let mut writer = Upgradable::try_upgrade(upgradable).unwrap();
    *writer += 1;
    assert!(lock.try_read().is_err());

    let upgradable = RwLockWriteGuard::downgrade_to_upgradable(writer);
    assert!(lock.try_read().is_ok() && lock.try_upgradable_read().is_err());
    let writer = Upgradable::upgrade(upgradable);
    let reader = RwLockWriteGuard::downgrade(writer);
    assert!(lock.try_upgradable_read().is_ok() && lock.try_write().is_err());
    drop(reader);

    let reader = Upgradable::downgrade(lock.upgradable_read().unwrap());
    assert!(lock.try_upgradable_read().is_ok() && lock.try_write().is_err());
    drop(reader);
    assert_eq!(lock.into_inner().unwrap(), 2);
}

#[test]
fn a_free_lock_is_had_at_once_whatever_the_time_out() {
    let lock = RwLock::new(1);
    for timeout in [Duration::ZERO, SHORT, Duration::MAX] {
        assert!(lock.try_read_for(timeout).is_ok());
        assert!(lock.try_write_for(timeout).is_ok());
        let upgradable = lock.try_upgradable_read_for(timeout).unwrap();
        assert!(Upgradable::try_upgrade_for(upgradable, timeout).is_ok());
    }
    assert!(lock.try_read_until(Instant::now()).is_ok());
    assert!(lock.try_write_until(Instant::now()).is_ok());
    let upgradable = lock.try_upgradable_read_until(Instant::now()).unwrap();
    assert!(Upgradable::try_upgrade_until(upgradable, Instant::now()).is_ok());
}

#[test]
fn a_time_out_is_not_early() {
    let lock = RwLock::new(1);
    let late = |attempt: &dyn Fn() -> bool| {
        let (got, took) = timed(attempt);
        assert!(!got && took >= SHORT && took < LONG, "{took:?}");
    };
    let soon = || Instant::now() + SHORT;

    let reader = lock.read().unwrap();
    late(&|| lock.try_write_for(SHORT).is_ok());
    late(&|| lock.try_write_until(soon()).is_ok());
    assert!(
        lock.try_read().is_ok(),
        "a writer that gave up is in nobody's way"
    );
    let upgradable = lock.upgradable_read().unwrap();
    late(&|| lock.try_upgradable_read_for(SHORT).is_ok());
    let (result, took) = timed(|| Upgradable::try_upgrade_for(upgradable, SHORT));
    assert!(took >= SHORT);
    let upgradable = result.unwrap_err();
    let (result, took) = timed(|| Upgradable::try_upgrade_until(upgradable, soon()));
    assert!(took >= SHORT);
    drop((result.unwrap_err(), reader));

    let writer = lock.write().unwrap();
    late(&|| lock.try_read_for(SHORT).is_ok());
    late(&|| lock.try_read_until(soon()).is_ok());
    late(&|| lock.try_upgradable_read_until(soon()).is_ok());
    drop(writer);
    assert!(lock.try_write().is_ok());
}

#[test]
fn a_task_has_a_free_lock_at_once_whatever_the_time_out() {
    let (lock, bare) = (RwLock::new(1), nonpoison::RwLock::new(1));
    for timeout in [Duration::ZERO, SHORT, LONG] {
        for (attempt, bare_attempt) in ATTEMPTS.into_iter().zip(BARE_ATTEMPTS) {
            assert!(now(attempt(&lock, timeout)) && now(bare_attempt(&bare, timeout)));
        }
        let reader = lock.upgradable_read().unwrap();
        assert!(now(Upgradable::try_upgrade_for_async(reader, timeout)).is_ok());
        let reader = bare.upgradable_read();
        let upgrades = nonpoison::RwLockUpgradableReadGuard::try_upgrade_for_async(reader, timeout);
        assert!(now(upgrades).is_ok());
    }
    assert!(now(lock.try_read_for_async(Duration::MAX)).is_ok());
    assert_eq!(*now(lock.try_write_for_async(Duration::MAX)).unwrap(), 1);
    let reader = now(lock.try_upgradable_read_until_async(Instant::now())).unwrap();
    let upgrades = Upgradable::try_upgrade_until_async(reader, Instant::now());
    *now(upgrades).unwrap() += 1;
    assert_eq!(lock.into_inner().unwrap(), 2);
}

#[test]
fn a_task_whose_time_is_over_leaves_the_queue() {
    let (lock, bare) = (RwLock::new(1), nonpoison::RwLock::new(1));
    let writers = (lock.write().unwrap(), bare.write());
    // The time begins with the call, not with the first poll.
    let tasks = ATTEMPTS.map(|attempt| {
        assert!(!now(attempt(&lock, Duration::ZERO)));
        (
            Task::waiting(attempt(&lock, LATER)),
            Task::new(attempt(&lock, LATER)),
        )
    });
    let bare_tasks = BARE_ATTEMPTS.map(|attempt| {
        (
            Task::waiting(attempt(&bare, LATER)),
            Task::new(attempt(&bare, LATER)),
        )
    });
    let next = Task::waiting(lock.read_async());
    let bare_next = Task::waiting(bare.write_async());
    time::spin(LATER);
    for (waiting, unpolled) in tasks.into_iter().chain(bare_tasks) {
        assert!(!waiting.finish() && !unpolled.finish());
    }
    drop(writers);
    assert_eq!((next.wakes(), bare_next.wakes()), (1, 1));
    assert!(next.finish().is_ok());
    drop(bare_next.finish());
    assert!(lock.try_write().is_ok() && bare.try_write().is_ok());
}

#[test]
fn a_task_gets_a_lock_that_comes_with_the_end_of_its_time() {
    for attempt in ATTEMPTS {
        let lock = RwLock::new(1);
        let writer = lock.write().unwrap();
        let task = Task::waiting(attempt(&lock, LATER));
        time::spin(LATER);
        drop(writer);
        assert!(task.finish());
    }
}

#[test]
fn a_dropped_timed_task_leaves_nothing_behind() {
    let lock = RwLock::new(1);
    let reader = lock.read().unwrap();
    let writer = Task::waiting(lock.try_write_for_async(LONG));
    let mut second = Task::waiting(lock.try_read_for_async(LONG));
    drop(writer);
    assert_eq!(second.wakes(), 1);
    assert!(second.poll().unwrap().is_ok());
    let upgradable = lock.upgradable_read().unwrap();
    drop(Task::waiting(lock.try_upgradable_read_for_async(LONG)));
    assert!(lock.try_read().is_ok());
    drop((reader, upgradable));
    assert!(lock.try_write().is_ok());
}

/// A time-out gives the guard back, and lets readers in again; a drop releases the lock.
#[test]
fn a_tasks_timed_upgrade_gives_the_guard_back() {
    let lock = RwLock::new(1);
    let reader = lock.read().unwrap();
    let upgradable = lock.upgradable_read().unwrap();
    let task = Task::waiting(Upgradable::try_upgrade_for_async(upgradable, LATER));
    assert!(lock.try_read().is_err(), "no new readers");
    time::spin(LATER);
    let upgradable = task.finish().unwrap_err();
    assert!(lock.try_read().is_ok() && lock.try_upgradable_read().is_err());

    // The time begins with the call.
    let until = Instant::now() + LATER;
    let unpolled = Task::new(Upgradable::try_upgrade_until_async(upgradable, until));
    time::spin(LATER);
    let upgradable = unpolled.finish().unwrap_err();

    let mut task = Task::waiting(Upgradable::try_upgrade_for_async(upgradable, LATER));
    time::spin(LATER);
    drop(reader);
    let mut writer = task.poll().unwrap().expect("no reader is left");
    *writer += 1;
    assert!(lock.try_read().is_err());
    drop(writer);

    let reader = lock.read().unwrap();
    let upgradable = lock.upgradable_read().unwrap();
    let task = Task::waiting(Upgradable::try_upgrade_for_async(upgradable, LONG));
    drop(task);
    assert!(lock.try_upgradable_read().is_ok() && lock.try_read().is_ok());
    drop(reader);
    assert_eq!(*lock.write().unwrap(), 2);

    let bare = nonpoison::RwLock::new(1);
    let reader = bare.read();
    let upgrade = nonpoison::RwLockUpgradableReadGuard::try_upgrade_for_async;
    let upgradable = now(upgrade(bare.upgradable_read(), Duration::ZERO)).unwrap_err();
    drop(reader);
    *now(upgrade(upgradable, Duration::ZERO)).unwrap() += 1;
    assert_eq!(bare.into_inner(), 2);
}

#[cfg(panic = "unwind")]
#[test]
fn a_timed_task_is_told_of_poison() {
    let lock = RwLock::new(1);
    common::panic_of(|| {
        let _guard = lock.write().unwrap();
        panic!("half done");
    });
    macro_rules! poisoned {
        ($($attempt:expr),*) => {$(
            assert!(matches!(now($attempt), Err(TryLockError::Poisoned(_))));
        )*};
    }
    let until = Instant::now();
    poisoned!(
        lock.try_read_for_async(LONG),
        lock.try_read_until_async(until),
        lock.try_write_for_async(LONG),
        lock.try_write_until_async(until),
        lock.try_upgradable_read_for_async(LONG),
        lock.try_upgradable_read_until_async(until)
    );
}

/// Who reads lets all go first who wait, if only for the right to upgrade.
#[test]
fn readers_wait_behind_one_who_waits_to_read_upgradably() {
    let lock = RwLock::new(1);
    let upgradable = lock.upgradable_read().unwrap();
    let waits = Task::waiting(lock.upgradable_read_async());
    assert!(lock.try_read().is_err());
    drop(waits);
    assert!(lock.try_read().is_ok());
    drop(upgradable);
}

#[test]
fn a_free_lock_is_kept_for_a_task_that_has_lost_twice() {
    let lock = RwLock::new(1);
    let mut writer = lock.write().unwrap();
    let mut task = Task::waiting(lock.write_async());
    for _ in 0..2 {
        drop(writer);
        writer = lock.try_write().expect("it is kept too early");
        assert!(task.poll().is_none());
    }
    drop(writer);
    assert!(lock.try_read().is_err() && lock.try_write().is_err());
    assert!(lock.try_upgradable_read().is_err());
    drop(task);
    assert!(lock.try_read().is_ok() && lock.try_write().is_ok());
}

#[test]
fn waiting_readers_and_writers_take_turns() {
    let lock = RwLock::new(Vec::new());
    let reader = lock.read().unwrap();
    let mut writer = Task::waiting(lock.write_async());
    let mut second = Task::waiting(lock.read_async());
    assert!(
        lock.try_read().is_err(),
        "who comes later does not pass the writer"
    );

    drop(reader);
    assert_eq!(writer.wakes(), 1);
    let mut guard = writer.poll().unwrap().unwrap();
    guard.push(1);
    assert!(second.poll().is_none());
    drop(guard);
    assert_eq!(**second.poll().unwrap().as_ref().unwrap(), [1]);
}

#[test]
fn all_readers_in_front_are_let_in_together() {
    let lock = RwLock::new(1);
    let writer = lock.write().unwrap();
    let mut readers: Vec<_> = (0..3).map(|_| Task::waiting(lock.read_async())).collect();
    drop(writer);
    let guards: Vec<_> = readers
        .iter_mut()
        .map(|reader| reader.poll().unwrap().unwrap())
        .collect();
    assert_eq!(guards.iter().map(|guard| **guard).sum::<i32>(), 3);
}

#[test]
fn tasks_upgrade_when_the_readers_are_gone() {
    let lock = RwLock::new(1);
    let upgradable = now(lock.upgradable_read_async()).unwrap();
    let reader = now(lock.read_async()).unwrap();
    let mut upgrade = Task::waiting(Upgradable::upgrade_async(upgradable));
    assert!(lock.try_read().is_err(), "no new readers");
    drop(reader);
    assert_eq!(upgrade.wakes(), 1);
    *upgrade.poll().unwrap() += 1;
    assert_eq!(*lock.read().unwrap(), 2);
}

#[test]
fn dropping_an_upgrade_releases_the_lock() {
    let lock = RwLock::new(1);
    let reader = lock.read().unwrap();
    let upgrade = Task::waiting(Upgradable::upgrade_async(lock.upgradable_read().unwrap()));
    drop(upgrade);
    assert!(lock.try_upgradable_read().is_ok());
    let unpolled = Upgradable::upgrade_async(lock.upgradable_read().unwrap());
    drop((reader, unpolled));
    assert!(lock.try_write().is_ok());
}

#[test]
fn dropping_a_waiting_writer_lets_the_readers_behind_it_in() {
    let lock = RwLock::new(1);
    let reader = lock.read().unwrap();
    let writer = Task::waiting(lock.write_async());
    let mut second = Task::waiting(lock.read_async());
    drop(writer);
    assert_eq!(second.wakes(), 1);
    let second = second.poll().unwrap().unwrap();
    assert_eq!(*second + *reader, 2);
    assert!(lock.try_read().is_ok());
}

#[test]
fn mapped_guards_keep_the_lock_held() {
    let lock = RwLock::new((1, [2, 3]));
    let array = RwLockReadGuard::map(lock.read().unwrap(), |all| &all.1);
    let array = MappedRwLockReadGuard::filter_map(array, |array| array.get(2)).unwrap_err();
    let first = MappedRwLockReadGuard::map(array, |array| &array[0]);
    assert_eq!(*first, 2);
    assert!(lock.try_write().is_err() && lock.try_read().is_ok());
    drop(first);

    let array = RwLockWriteGuard::map(lock.write().unwrap(), |all| &mut all.1);
    let array = MappedRwLockWriteGuard::filter_map(array, |array| array.get_mut(2)).unwrap_err();
    let mut first = MappedRwLockWriteGuard::map(array, |array| &mut array[0]);
    *first += 1;
    assert!(lock.try_read().is_err());
    drop(first);
    let reader = RwLockReadGuard::filter_map(lock.read().unwrap(), |_| None::<&i32>).unwrap_err();
    assert_eq!(*reader, (1, [3, 3]));
}

#[cfg(panic = "unwind")]
#[test]
fn locking_again_on_the_same_agent_panics() {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    let lock = RwLock::new(1);
    let writer = lock.write().unwrap();
    let calls = [
        &(|| drop(lock.write())) as &dyn Fn(),
        &|| drop(lock.read()),
        &|| drop(lock.upgradable_read()),
    ];
    // Whether it sleeps or spins.
    for (spins, again) in calls.iter().flat_map(|call| [(false, call), (true, call)]) {
        let _spinning = spins.then(common::Spinning::new);
        let panic = catch_unwind(AssertUnwindSafe(again)).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains("RwLock::"), "{message}");
        assert!(message.contains(file!()), "the call's place: {message}");
    }
    drop(writer);
    assert!(lock.write().is_ok());
}

#[cfg(not(target_family = "wasm"))]
mod threads {
    use super::*;
    use std::thread;

    const ROUNDS: u32 = if cfg!(miri) { 20 } else { 1_000 };

    #[test]
    fn threads_and_tasks_read_write_and_upgrade() {
        let lock = RwLock::new((0, 0));
        let step = |pair: &mut (u32, u32)| {
            assert_eq!(pair.0, pair.1);
            pair.0 += 1;
            pair.1 += 1;
        };
        let look = |pair: &(u32, u32)| assert_eq!(pair.0, pair.1);
        thread::scope(|scope| {
            scope.spawn(|| (0..ROUNDS).for_each(|_| step(&mut lock.write().unwrap())));
            scope.spawn(|| (0..ROUNDS).for_each(|_| look(&lock.read().unwrap())));
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let upgradable = lock.upgradable_read().unwrap();
                    let seen = upgradable.0;
                    let mut writer = Upgradable::upgrade(upgradable);
                    assert_eq!(writer.0, seen, "somebody wrote in between");
                    step(&mut writer);
                    let seen = writer.0;
                    assert_eq!(RwLockWriteGuard::downgrade(writer).0, seen);
                }
            });
            scope.spawn(|| {
                pollster::block_on(async {
                    for _ in 0..ROUNDS {
                        look(&lock.read_async().await.unwrap());
                        step(&mut lock.write_async().await.unwrap());
                        let upgradable = lock.upgradable_read_async().await.unwrap();
                        step(&mut *Upgradable::upgrade_async(upgradable).await);
                    }
                });
            });
        });
        assert_eq!(lock.into_inner().unwrap(), (4 * ROUNDS, 4 * ROUNDS));
    }

    #[test]
    fn a_tasks_time_out_wakes_it() {
        let lock = RwLock::new(1);
        let writer = lock.write().unwrap();
        for attempt in ATTEMPTS {
            let (got, took) = timed(|| pollster::block_on(attempt(&lock, SHORT)));
            assert!(!got && took >= SHORT && took < LONG, "{took:?}");
        }
        drop(writer);
        let reader = lock.read().unwrap();
        let upgradable = lock.upgradable_read().unwrap();
        let upgrades = Upgradable::try_upgrade_for_async(upgradable, SHORT);
        assert!(pollster::block_on(upgrades).is_err());
        drop(reader);
        assert!(lock.try_write().is_ok());
    }

    #[test]
    fn a_long_time_out_is_no_time_out() {
        let lock = RwLock::new(1);
        let reader = lock.read().unwrap();
        thread::scope(|scope| {
            let writer = scope.spawn(|| lock.try_write_for(Duration::MAX).is_ok());
            thread::sleep(SHORT);
            assert!(!writer.is_finished());
            drop(reader);
            assert!(writer.join().unwrap());
        });
    }
}
