//! `Condvar`, with and without poisoning: waiting, time-outs, tasks, several mutexes.

mod common;

use std::task::{Context, Waker};
use std::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use common::{LONG, SHORT, Spinning, Task, now, timed};
use web_sync::{Condvar, Mutex, nonpoison};

const TIMEOUTS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_micros(300),
    Duration::from_millis(3),
    SHORT,
];

#[test]
fn notifying_nobody_does_nothing() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    condvar.notify_one();
    condvar.notify_all();
    let waited = condvar.wait_timeout(mutex.lock().unwrap(), SHORT);
    assert!(waited.unwrap().1.timed_out(), "a notification was kept");
}

#[test]
fn a_time_out_is_not_early() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    for timeout in TIMEOUTS {
        let guard = mutex.lock().unwrap();
        let (waited, took) = timed(|| condvar.wait_timeout(guard, timeout));
        let (guard, result) = waited.unwrap();
        assert!(result.timed_out() && mutex.try_lock().is_err());
        assert!(took >= timeout && took < LONG, "{took:?} for {timeout:?}");

        let (waited, took) = timed(|| condvar.wait_timeout_while(guard, timeout, |_| true));
        assert!(waited.unwrap().1.timed_out());
        assert!(took >= timeout && took < LONG, "{took:?} for {timeout:?}");
    }
}

#[test]
fn a_time_out_without_poisoning_is_not_early() {
    let (mutex, condvar) = (nonpoison::Mutex::new(0), nonpoison::Condvar::new());
    for timeout in TIMEOUTS {
        let mut guard = mutex.lock();
        let (result, took) = timed(|| condvar.wait_timeout(&mut guard, timeout));
        assert!(
            result.timed_out() && took >= timeout && took < LONG,
            "{took:?}"
        );
        let (result, took) = timed(|| condvar.wait_timeout_while(&mut guard, timeout, |_| true));
        assert!(
            result.timed_out() && took >= timeout && took < LONG,
            "{took:?}"
        );
        assert!(mutex.try_lock().is_err());
    }
}

#[test]
fn a_condition_that_is_false_needs_no_wait() {
    let (mutex, condvar) = (Mutex::new(3), Condvar::new());
    let guard = condvar
        .wait_while(mutex.lock().unwrap(), |number| *number == 0)
        .unwrap();
    let (guard, result) = condvar
        .wait_timeout_while(guard, Duration::ZERO, |_| false)
        .unwrap();
    assert!(!result.timed_out());
    let guard = now(condvar.wait_while_async(guard, |_| false)).unwrap();
    let waited = now(condvar.wait_timeout_while_async(guard, Duration::ZERO, |_| false));
    assert!(!waited.unwrap().1.timed_out());

    let (mutex, condvar) = (nonpoison::Mutex::new(3), nonpoison::Condvar::new());
    let mut guard = mutex.lock();
    condvar.wait_while(&mut guard, |number| *number == 0);
    let result = condvar.wait_timeout_while(&mut guard, Duration::ZERO, |_| false);
    assert!(!result.timed_out());
    let guard = now(condvar.wait_while_async(guard, |_| false));
    let waited = now(condvar.wait_timeout_while_async(guard, Duration::ZERO, |_| false));
    assert!(!waited.1.timed_out());
}

#[test]
fn tasks_are_notified_in_the_order_of_their_first_poll() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut one = Task::waiting(condvar.wait_async(mutex.lock().unwrap()));
    let mut two = Task::waiting(condvar.wait_async(mutex.lock().unwrap()));
    let mut three = Task::waiting(condvar.wait_async(mutex.lock().unwrap()));
    condvar.notify_one();
    assert!(two.poll().is_none() && three.poll().is_none());
    assert!(one.poll().is_some());
    condvar.notify_all();
    assert!(two.poll().is_some() && three.poll().is_some());
}

#[test]
fn a_notified_task_waits_for_the_mutex() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut task = Task::waiting(condvar.wait_async(mutex.lock().unwrap()));
    let guard = mutex.lock().unwrap();
    condvar.notify_one();
    assert_eq!(task.wakes(), 1);
    assert!(task.poll().is_none(), "the mutex is locked");
    drop(guard);
    assert_eq!(task.wakes(), 2);
    let guard = task.finish().unwrap();
    assert!(mutex.try_lock().is_err());
    drop(guard);
}

/// The condvar outlives the mutex that the leaked future borrowed: notifying must not look at it.
#[test]
fn a_leaked_wait_keeps_nothing_alive_and_notifies_nobody_else() {
    let condvar = Condvar::new();
    let mutex = Box::new(Mutex::new(0));
    let mut leaked = Box::pin(condvar.wait_async(mutex.lock().unwrap()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(leaked.as_mut().poll(&mut context).is_pending());
    core::mem::forget(leaked);
    drop(mutex);
    let mutex = Mutex::new(0);
    let mut task = Task::waiting(condvar.wait_async(mutex.lock().unwrap()));
    condvar.notify_all();
    assert!(task.poll().is_some());
}

#[test]
fn a_wait_keeps_the_mutex_until_it_is_polled() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut task = Task::new(condvar.wait_async(mutex.lock().unwrap()));
    assert!(mutex.try_lock().is_err());
    assert!(task.poll().is_none());
    assert!(mutex.try_lock().is_ok());
    drop(task);
    let unpolled = condvar.wait_async(mutex.lock().unwrap());
    assert!(mutex.try_lock().is_err());
    drop(unpolled);
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn a_tasks_wait_while_ends_when_the_condition_does() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut task = Task::new(condvar.wait_while_async(mutex.lock().unwrap(), |n| *n < 2));
    for number in 0..2 {
        assert!(task.poll().is_none());
        assert_eq!(*mutex.lock().unwrap(), number);
        *mutex.lock().unwrap() += 1;
        condvar.notify_one();
    }
    assert_eq!(*task.finish().unwrap(), 2);
}

#[test]
fn a_tasks_time_out_is_not_early() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut task = Task::waiting(condvar.wait_timeout_async(mutex.lock().unwrap(), LONG));
    assert!(mutex.try_lock().is_ok());
    condvar.notify_one();
    let (guard, result) = task.poll().expect("notified").unwrap();
    assert!(!result.timed_out());
    drop(guard);

    let task = Task::waiting(condvar.wait_timeout_async(mutex.lock().unwrap(), Duration::MAX));
    drop(task);
    let guard = mutex.lock().unwrap();
    let task = Task::waiting(condvar.wait_timeout_while_async(guard, LONG, |_| true));
    drop(task);
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn one_condvar_serves_several_mutexes() {
    let (mutexes, condvar) = ([Mutex::new(0), Mutex::new(1)], Condvar::new());
    let mut tasks: Vec<_> = mutexes
        .iter()
        .map(|mutex| Task::waiting(condvar.wait_async(mutex.lock().unwrap())))
        .collect();
    // One of them is locked: that holds up its own waiter and nobody else.
    let guard = mutexes[0].lock().unwrap();
    condvar.notify_all();
    assert!(tasks[0].poll().is_none());
    assert_eq!(*tasks[1].poll().unwrap().unwrap(), 1);
    drop(guard);
    assert_eq!(*tasks[0].poll().unwrap().unwrap(), 0);
    for mutex in &mutexes {
        let waited = condvar.wait_timeout(mutex.lock().unwrap(), Duration::ZERO);
        assert!(waited.unwrap().1.timed_out());
    }
}

/// On an agent that must not sleep a wait is a spin, but all else is the same.
#[test]
fn an_agent_that_must_not_sleep_waits_as_well() {
    let _spinning = Spinning::new();
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    for timeout in TIMEOUTS {
        let guard = mutex.lock().unwrap();
        let (waited, took) = timed(|| condvar.wait_timeout(guard, timeout));
        assert!(
            waited.unwrap().1.timed_out() && took >= timeout,
            "{took:?} for {timeout:?}"
        );
    }
}

#[cfg(not(target_family = "wasm"))]
mod threads {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    const ROUNDS: u32 = if cfg!(miri) { 20 } else { 1_000 };

    /// Two sides take turns, each in a way of its own.
    fn ping_pong(
        side: impl Fn(&Mutex<u32>, &Condvar, u32) + Sync,
        other: impl Fn(&Mutex<u32>, &Condvar, u32) + Sync,
    ) {
        let (mutex, condvar) = (Mutex::new(0), Condvar::new());
        thread::scope(|scope| {
            scope.spawn(|| (0..ROUNDS).for_each(|_| side(&mutex, &condvar, 0)));
            scope.spawn(|| (0..ROUNDS).for_each(|_| other(&mutex, &condvar, 1)));
        });
        assert_eq!(mutex.into_inner().unwrap(), 2 * ROUNDS);
    }

    fn thread_turn(mutex: &Mutex<u32>, condvar: &Condvar, side: u32) {
        let mut turn = condvar
            .wait_while(mutex.lock().unwrap(), |turn| *turn % 2 != side)
            .unwrap();
        *turn += 1;
        condvar.notify_one();
    }

    fn spinning_turn(mutex: &Mutex<u32>, condvar: &Condvar, side: u32) {
        let _spinning = Spinning::new();
        thread_turn(mutex, condvar, side);
    }

    fn timed_turn(mutex: &Mutex<u32>, condvar: &Condvar, side: u32) {
        let waited =
            condvar.wait_timeout_while(mutex.lock().unwrap(), LONG, |turn| *turn % 2 != side);
        let (mut turn, result) = waited.unwrap();
        assert!(!result.timed_out());
        *turn += 1;
        condvar.notify_all();
    }

    fn task_turn(mutex: &Mutex<u32>, condvar: &Condvar, side: u32) {
        pollster::block_on(async {
            let guard = mutex.lock_async().await.unwrap();
            let waited = condvar
                .wait_while_async(guard, |turn| *turn % 2 != side)
                .await;
            *waited.unwrap() += 1;
            condvar.notify_one();
        });
    }

    fn timed_task_turn(mutex: &Mutex<u32>, condvar: &Condvar, side: u32) {
        pollster::block_on(async {
            let guard = mutex.lock_async().await.unwrap();
            let waited = condvar
                .wait_timeout_while_async(guard, LONG, |turn| *turn % 2 != side)
                .await;
            let (mut turn, result) = waited.unwrap();
            assert!(!result.timed_out());
            *turn += 1;
            condvar.notify_one();
        });
    }

    #[test]
    fn threads_take_turns() {
        ping_pong(thread_turn, thread_turn);
    }

    #[test]
    fn an_agent_that_must_not_sleep_takes_turns() {
        ping_pong(thread_turn, spinning_turn);
    }

    #[test]
    fn threads_and_tasks_take_turns() {
        ping_pong(thread_turn, task_turn);
        ping_pong(task_turn, spinning_turn);
    }

    #[test]
    fn timed_waits_take_turns() {
        ping_pong(timed_turn, timed_task_turn);
    }

    #[test]
    fn a_tasks_time_out_wakes_it() {
        let (mutex, condvar) = (Mutex::new(0), Condvar::new());
        for timeout in TIMEOUTS {
            let (waited, took) = timed(|| {
                pollster::block_on(async {
                    let guard = mutex.lock_async().await.unwrap();
                    condvar.wait_timeout_async(guard, timeout).await
                })
            });
            assert!(waited.unwrap().1.timed_out());
            assert!(took >= timeout && took < LONG, "{took:?} for {timeout:?}");
            let (waited, took) = timed(|| {
                pollster::block_on(async {
                    let guard = mutex.lock_async().await.unwrap();
                    condvar
                        .wait_timeout_while_async(guard, timeout, |_| true)
                        .await
                })
            });
            assert!(waited.unwrap().1.timed_out());
            assert!(took >= timeout && took < LONG, "{took:?} for {timeout:?}");
        }
    }

    #[test]
    fn a_long_time_out_is_no_time_out() {
        let (mutex, condvar) = (Mutex::new(false), Condvar::new());
        thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let guard = mutex.lock().unwrap();
                let waited = condvar.wait_timeout_while(guard, Duration::MAX, |ready| !*ready);
                waited.unwrap().1.timed_out()
            });
            thread::sleep(SHORT);
            assert!(!waiter.is_finished());
            *mutex.lock().unwrap() = true;
            condvar.notify_one();
            assert!(!waiter.join().unwrap());
        });
    }

    #[test]
    fn notify_all_reaches_every_kind_of_waiter() {
        const WAITERS: u32 = 6;
        let (mutex, condvar) = (Mutex::new((0, false)), Condvar::new());
        let woken = AtomicU32::new(0);
        thread::scope(|scope| {
            for index in 0..WAITERS {
                let (mutex, condvar, woken) = (&mutex, &condvar, &woken);
                scope.spawn(move || {
                    let _spinning = (index % 3 == 0).then(Spinning::new);
                    let mut guard = mutex.lock().unwrap();
                    guard.0 += 1;
                    if index % 3 == 1 {
                        let waited = condvar.wait_while_async(guard, |(_, go)| !*go);
                        drop(pollster::block_on(waited).unwrap());
                    } else {
                        drop(condvar.wait_while(guard, |(_, go)| !*go).unwrap());
                    }
                    woken.fetch_add(1, Ordering::Relaxed);
                });
            }
            while mutex.lock().unwrap().0 < WAITERS {
                thread::yield_now();
            }
            mutex.lock().unwrap().1 = true;
            condvar.notify_all();
        });
        assert_eq!(woken.into_inner(), WAITERS);
    }
}
