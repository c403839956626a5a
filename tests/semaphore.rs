//! `Semaphore`: permits, their order, closing, futures that are dropped.

mod common;

use std::sync::Arc;
use std::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use common::{LATER, LONG, SHORT, Spinning, Task, now, timed};
use web_sync::{AcquireError, Instant, Semaphore, TryAcquireError, agent};
use web_sync_testkit::time;

#[test]
fn permits_are_taken_and_given_back() {
    let semaphore = Semaphore::new(9);
    let deadline = Instant::now();
    let permits = [
        semaphore.acquire().unwrap(),
        semaphore.try_acquire().unwrap(),
        semaphore.try_acquire_for(Duration::ZERO).unwrap(),
        semaphore.try_acquire_until(deadline).unwrap(),
        now(semaphore.acquire_async()).unwrap(),
    ];
    assert_eq!(semaphore.available_permits(), 4);
    assert!(semaphore.try_acquire_many(5).is_err());
    drop(permits);
    let permits = [
        semaphore.acquire_many(1).unwrap(),
        semaphore.try_acquire_many(2).unwrap(),
        semaphore.try_acquire_many_for(3, Duration::ZERO).unwrap(),
        semaphore.try_acquire_many_until(1, deadline).unwrap(),
        now(semaphore.acquire_many_async(2)).unwrap(),
    ];
    assert_eq!(
        permits.each_ref().map(|permit| permit.num_permits()),
        [1, 2, 3, 1, 2]
    );
    assert_eq!(semaphore.available_permits(), 0);
    assert_eq!(
        semaphore.try_acquire().unwrap_err(),
        TryAcquireError::NoPermits
    );
    drop(permits);
    assert_eq!(semaphore.available_permits(), 9);
}

#[test]
fn owned_permits_keep_the_semaphore() {
    let semaphore = Arc::new(Semaphore::new(7));
    let mut permits = vec![
        semaphore.clone().acquire_owned().unwrap(),
        semaphore.clone().acquire_many_owned(2).unwrap(),
        semaphore.clone().try_acquire_owned().unwrap(),
        semaphore.clone().try_acquire_many_owned(1).unwrap(),
        now(semaphore.clone().acquire_owned_async()).unwrap(),
    ];
    assert!(semaphore.clone().try_acquire_many_owned(2).is_err());
    permits.push(now(semaphore.clone().acquire_many_owned_async(1)).unwrap());
    assert_eq!(semaphore.available_permits(), 0);
    assert!(
        permits
            .iter()
            .all(|permit| Arc::ptr_eq(permit.semaphore(), &semaphore))
    );
    let last = permits.pop().unwrap();
    drop(permits);
    assert_eq!(semaphore.available_permits(), 6);
    drop(semaphore);
    assert_eq!(last.semaphore().available_permits(), 6);
}

#[test]
fn no_permits_are_always_there() {
    let semaphore = Semaphore::new(0);
    assert_eq!(semaphore.acquire_many(0).unwrap().num_permits(), 0);
    assert!(semaphore.try_acquire_many(0).is_ok() && now(semaphore.acquire_many_async(0)).is_ok());
    // But they keep their place.
    let one = Task::waiting(semaphore.acquire_async());
    let none = Task::waiting(semaphore.acquire_many_async(0));
    drop(one);
    assert_eq!(none.wakes(), 1);
    assert!(none.finish().is_ok());
}

#[test]
fn permits_can_be_added_and_forgotten() {
    let semaphore = Semaphore::new(1);
    semaphore.add_permits(3);
    semaphore.acquire_many(2).unwrap().forget();
    assert_eq!(semaphore.available_permits(), 2);
    assert_eq!(semaphore.forget_permits(1), 1);
    assert_eq!(semaphore.forget_permits(usize::MAX), 1);
    assert_eq!(semaphore.forget_permits(1), 0);
    semaphore.add_permits(Semaphore::MAX_PERMITS);
    assert_eq!(semaphore.available_permits(), Semaphore::MAX_PERMITS);
}

#[test]
fn permits_can_be_merged_and_split() {
    let semaphore = Arc::new(Semaphore::new(6));
    let mut permit = semaphore.acquire_many(3).unwrap();
    permit.merge(semaphore.acquire().unwrap());
    assert_eq!(
        (permit.num_permits(), semaphore.available_permits()),
        (4, 2)
    );
    assert!(permit.split(5).is_none() && permit.split(usize::MAX).is_none());
    let other = permit.split(3).unwrap();
    drop(permit);
    assert_eq!(semaphore.available_permits(), 3);
    drop(other);

    let mut permit = semaphore.clone().acquire_many_owned(3).unwrap();
    permit.merge(semaphore.clone().acquire_owned().unwrap());
    let all = permit.split(4).unwrap();
    assert_eq!((permit.num_permits(), all.num_permits()), (0, 4));
    drop(permit);
    assert_eq!(semaphore.available_permits(), 2);
    all.forget();
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn tasks_are_served_in_the_order_of_their_first_poll() {
    let semaphore = Semaphore::new(0);
    let unpolled = Task::new(semaphore.acquire_async());
    let mut tasks = [(); 3].map(|()| Task::waiting(semaphore.acquire_async()));
    let mut last = unpolled;
    assert!(last.poll().is_none());
    semaphore.add_permits(1);
    assert_eq!(tasks.each_ref().map(Task::wakes), [1, 0, 0]);
    let first = tasks[0].poll().unwrap().unwrap();
    drop(first);
    assert_eq!(tasks.each_ref().map(Task::wakes), [1, 1, 0]);
    semaphore.add_permits(2);
    assert_eq!((tasks[2].wakes(), last.wakes()), (1, 1));
    for task in tasks.into_iter().skip(1) {
        task.finish().unwrap().forget();
    }
    last.finish().unwrap().forget();
    assert_eq!(semaphore.available_permits(), 0);
}

/// Nobody overtakes who waits for many, though there are permits enough for one.
#[test]
fn who_waits_for_many_is_not_overtaken() {
    let semaphore = Semaphore::new(2);
    let many = Task::waiting(semaphore.acquire_many_async(3));
    assert_eq!(
        semaphore.try_acquire().unwrap_err(),
        TryAcquireError::NoPermits
    );
    // Only an agent that must not sleep goes before all others, if it waits, were it for no time.
    let tried = semaphore.try_acquire_for(Duration::ZERO).map(drop);
    assert_eq!(tried.is_ok(), !agent::may_block());
    let one = Task::waiting(semaphore.acquire_async());
    assert_eq!(semaphore.available_permits(), 2);
    semaphore.add_permits(1);
    assert_eq!((many.wakes(), one.wakes()), (1, 0));
    drop(many.finish());
    assert_eq!(one.wakes(), 1);
    drop(one.finish());
    assert_eq!(semaphore.available_permits(), 3);
}

/// Permits that were kept for it are for the next.
#[test]
fn a_dropped_wait_for_many_lets_the_next_go_on() {
    let semaphore = Semaphore::new(2);
    let many = Task::waiting(semaphore.acquire_many_async(3));
    let tasks = [(); 3].map(|()| Task::waiting(semaphore.acquire_async()));
    drop(many);
    assert_eq!(tasks.each_ref().map(Task::wakes), [1, 1, 0]);
}

#[test]
fn permits_that_a_dropped_task_was_handed_are_for_the_next() {
    let semaphore = Semaphore::new(0);
    let one = Task::waiting(semaphore.acquire_many_async(2));
    let others = [(); 2].map(|()| Task::waiting(semaphore.acquire_async()));
    semaphore.add_permits(2);
    assert_eq!(semaphore.available_permits(), 0);
    drop(one);
    assert_eq!(others.each_ref().map(Task::wakes), [1, 1]);
    drop(others);
    assert_eq!(semaphore.available_permits(), 2);
}

/// More than are woken at one go.
#[test]
fn many_are_served() {
    const MANY: usize = 100;
    let semaphore = Semaphore::new(0);
    let tasks: Vec<_> = (0..MANY)
        .map(|_| Task::waiting(semaphore.acquire_async()))
        .collect();
    semaphore.add_permits(MANY - 1);
    assert_eq!(tasks.iter().map(Task::wakes).sum::<usize>(), MANY - 1);
    semaphore.close();
    assert!(tasks.iter().all(|task| task.wakes() == 1));
    let outcomes: Vec<_> = tasks
        .into_iter()
        .map(|task| task.finish().is_ok())
        .collect();
    assert!(!outcomes[MANY - 1] && outcomes[..MANY - 1].iter().all(|&served| served));
}

#[test]
fn a_closed_semaphore_gives_no_permits() {
    let semaphore = Arc::new(Semaphore::new(3));
    let held = semaphore.acquire().unwrap();
    let waits = Task::waiting(semaphore.acquire_many_async(3));
    let served = Task::waiting(semaphore.acquire_async());
    assert!(!semaphore.is_closed());
    semaphore.close();
    assert!(semaphore.is_closed());
    assert_eq!((waits.wakes(), served.wakes()), (1, 1));
    assert!(waits.finish().is_err() && served.finish().is_err());
    assert!(semaphore.acquire().is_err() && now(semaphore.acquire_async()).is_err());
    let closed = TryAcquireError::Closed;
    assert_eq!(semaphore.try_acquire().unwrap_err(), closed);
    assert_eq!(semaphore.try_acquire_for(SHORT).unwrap_err(), closed);
    assert_eq!(semaphore.clone().try_acquire_owned().unwrap_err(), closed);
    assert!(semaphore.clone().acquire_owned().is_err());
    assert!(now(semaphore.clone().acquire_owned_async()).is_err());
    drop(held);
    semaphore.add_permits(1);
    assert_eq!(semaphore.available_permits(), 4);
    semaphore.close();
}

/// It was served before.
#[test]
fn closing_takes_nothing_back() {
    let semaphore = Semaphore::new(0);
    let served = Task::waiting(semaphore.acquire_async());
    let dropped = Task::waiting(semaphore.acquire_async());
    semaphore.add_permits(2);
    semaphore.close();
    drop(dropped);
    assert!(served.finish().is_ok());
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn it_shows_its_permits() {
    let semaphore = Arc::new(Semaphore::new(3));
    let permit = semaphore.acquire_many(2).unwrap();
    assert_eq!(
        format!("{semaphore:?}"),
        "Semaphore { permits: 1, closed: false }"
    );
    assert_eq!(format!("{permit:?}"), "SemaphorePermit { permits: 2, .. }");
    let owned = semaphore.clone().acquire_owned().unwrap();
    assert_eq!(
        format!("{owned:?}"),
        "OwnedSemaphorePermit { permits: 1, .. }"
    );
    semaphore.close();
    let error: AcquireError = semaphore.acquire().unwrap_err();
    assert_eq!(error.to_string(), "semaphore closed");
    assert_eq!(TryAcquireError::from(error), TryAcquireError::Closed);
    assert_eq!(TryAcquireError::Closed.to_string(), "semaphore closed");
    assert_eq!(
        TryAcquireError::NoPermits.to_string(),
        "no permits available"
    );
}

#[test]
fn time_outs_are_not_early() {
    let semaphore = Semaphore::new(0);
    for spins in [false, true] {
        let _spinning = spins.then(Spinning::new);
        for timeout in [Duration::ZERO, Duration::from_micros(900), SHORT] {
            let (acquired, took) = timed(|| semaphore.try_acquire_for(timeout));
            assert_eq!(acquired.unwrap_err(), TryAcquireError::NoPermits);
            assert!(took >= timeout, "{took:?} for {timeout:?}");
        }
        let deadline = Instant::now() + SHORT;
        assert!(semaphore.try_acquire_many_until(2, deadline).is_err());
        assert!(Instant::now() >= deadline);
    }
    // They have left the queue.
    semaphore.add_permits(1);
    assert!(semaphore.try_acquire().is_ok());
}

#[test]
fn a_task_has_permits_that_are_there_at_once_whatever_the_time_out() {
    let semaphore = Semaphore::new(7);
    let passed = Instant::now();
    let permits = [
        now(semaphore.try_acquire_for_async(Duration::ZERO)).unwrap(),
        now(semaphore.try_acquire_for_async(Duration::MAX)).unwrap(),
        now(semaphore.try_acquire_until_async(passed)).unwrap(),
        now(semaphore.try_acquire_many_for_async(2, Duration::ZERO)).unwrap(),
        now(semaphore.try_acquire_many_until_async(2, passed)).unwrap(),
    ];
    assert_eq!(
        permits.each_ref().map(|permit| permit.num_permits()),
        [1, 1, 1, 2, 2]
    );
    assert_eq!(semaphore.available_permits(), 0);
    let none = TryAcquireError::NoPermits;
    let tried = now(semaphore.try_acquire_for_async(Duration::ZERO));
    assert_eq!(tried.unwrap_err(), none);
    let tried = now(semaphore.try_acquire_many_until_async(2, passed));
    assert_eq!(tried.unwrap_err(), none);
    drop(permits);
    assert_eq!(semaphore.available_permits(), 7);
    semaphore.close();
    let closed = now(semaphore.try_acquire_for_async(LONG));
    assert_eq!(closed.unwrap_err(), TryAcquireError::Closed);
}

#[test]
fn a_task_whose_time_is_over_leaves_the_queue() {
    let semaphore = Semaphore::new(1);
    let until = Instant::now() + LATER;
    let tasks = [
        Task::waiting(semaphore.try_acquire_many_for_async(2, LATER)),
        Task::waiting(semaphore.try_acquire_many_until_async(2, until)),
        // The time begins with the call, not with the first poll.
        Task::new(semaphore.try_acquire_many_for_async(2, LATER)),
        Task::new(semaphore.try_acquire_many_until_async(2, until)),
    ];
    let singles = [
        Task::waiting(semaphore.try_acquire_for_async(LATER)),
        Task::waiting(semaphore.try_acquire_until_async(until)),
    ];
    let next = Task::waiting(semaphore.acquire_async());
    time::spin(LATER);
    for task in tasks {
        assert_eq!(task.finish().unwrap_err(), TryAcquireError::NoPermits);
    }
    // Nobody is in their way any more.
    assert!(singles.into_iter().all(|task| task.finish().is_ok()));
    assert_eq!(next.wakes(), 1);
    drop(next.finish());
    assert_eq!(semaphore.available_permits(), 1);
    assert!(semaphore.try_acquire().is_ok());
}

#[test]
fn permits_that_a_dropped_timed_task_was_handed_are_for_the_next() {
    let semaphore = Semaphore::new(0);
    let one = Task::waiting(semaphore.try_acquire_many_for_async(2, LONG));
    let others = [(); 2].map(|()| Task::waiting(semaphore.try_acquire_for_async(LONG)));
    semaphore.add_permits(2);
    assert_eq!(semaphore.available_permits(), 0);
    drop(one);
    assert_eq!(others.each_ref().map(Task::wakes), [1, 1]);
    drop(others);
    assert_eq!(semaphore.available_permits(), 2);
}

/// Closing while it waits, and permits that come with the end of the time.
#[test]
fn a_timed_task_knows_how_its_wait_ended() {
    let semaphore = Semaphore::new(0);
    let served = Task::waiting(semaphore.try_acquire_for_async(LATER));
    let closed = Task::waiting(semaphore.try_acquire_for_async(LATER));
    semaphore.add_permits(1);
    time::spin(LATER);
    semaphore.close();
    assert!(served.finish().is_ok());
    assert_eq!(closed.finish().unwrap_err(), TryAcquireError::Closed);
}

/// They are in nobody's hands: who waits for more has not taken them.
#[test]
fn permits_that_are_kept_for_one_who_waits_can_be_forgotten() {
    let semaphore = Semaphore::new(2);
    let many = Task::waiting(semaphore.acquire_many_async(3));
    assert_eq!(semaphore.forget_permits(2), 2);
    semaphore.add_permits(1);
    assert_eq!(many.wakes(), 0);
    semaphore.add_permits(2);
    assert!(many.finish().is_ok());
}

#[cfg(panic = "unwind")]
#[test]
fn more_permits_than_can_be_counted_panic() {
    use common::panic_of;

    const MOST: usize = Semaphore::MAX_PERMITS;
    let says_so = |text: String| assert!(text.contains("at most"), "{text}");
    says_so(panic_of(|| Semaphore::new(MOST + 1)));
    let semaphore = Semaphore::new(MOST);
    says_so(panic_of(|| semaphore.add_permits(1)));
    says_so(panic_of(|| semaphore.add_permits(usize::MAX)));
    says_so(panic_of(|| semaphore.acquire_many(MOST as u32 + 1)));
    says_so(panic_of(|| semaphore.try_acquire_many(u32::MAX)));
    says_so(panic_of(|| semaphore.acquire_many_async(u32::MAX)));
    says_so(panic_of(|| {
        semaphore.try_acquire_many_for_async(u32::MAX, SHORT)
    }));
    says_so(panic_of(|| {
        semaphore.try_acquire_many_until_async(u32::MAX, Instant::now())
    }));
    assert_eq!(
        semaphore.acquire_many(MOST as u32).unwrap().num_permits(),
        MOST
    );

    let other = Semaphore::new(1);
    let text = panic_of(|| {
        let mut permit = semaphore.acquire().unwrap();
        permit.merge(other.acquire().unwrap());
    });
    assert!(text.contains("different semaphores"), "{text}");
    assert_eq!(
        (semaphore.available_permits(), other.available_permits()),
        (MOST, 1)
    );
}

#[cfg(not(target_family = "wasm"))]
mod threads {
    use super::*;
    use std::thread;

    #[test]
    fn an_agent_that_must_not_sleep_is_served_first() {
        // That the thread has queued is not to be seen from here.
        let is_first = |pause| {
            let semaphore = Semaphore::new(0);
            let before = Task::waiting(semaphore.acquire_async());
            thread::scope(|scope| {
                let urgent = scope.spawn(|| {
                    let _spinning = Spinning::new();
                    semaphore.acquire().unwrap().forget();
                });
                thread::sleep(pause);
                assert!(!urgent.is_finished());
                semaphore.add_permits(1);
                let is_first = before.wakes() == 0;
                semaphore.add_permits(1);
                urgent.join().unwrap();
                assert!(before.finish().is_ok());
                is_first
            })
        };
        assert!(
            [1, 10, 100]
                .into_iter()
                .any(|times| is_first(times * SHORT))
        );
    }

    #[test]
    fn a_tasks_time_out_wakes_it() {
        let semaphore = Semaphore::new(0);
        let wait = || pollster::block_on(semaphore.try_acquire_for_async(SHORT)).map(drop);
        let (acquired, took) = timed(wait);
        assert_eq!(acquired, Err(TryAcquireError::NoPermits));
        assert!(took >= SHORT && took < LONG, "{took:?}");
        thread::scope(|scope| {
            scope.spawn(|| semaphore.add_permits(2));
            let acquired = pollster::block_on(semaphore.try_acquire_many_for_async(2, LONG));
            assert_eq!(acquired.unwrap().num_permits(), 2);
        });
    }

    #[test]
    fn closing_ends_every_wait() {
        let semaphore = Semaphore::new(1);
        thread::scope(|scope| {
            let waiters = [false, true].map(|spins| {
                let semaphore = &semaphore;
                scope.spawn(move || {
                    let _spinning = spins.then(Spinning::new);
                    semaphore.acquire_many(2).is_err()
                })
            });
            let timed =
                scope.spawn(|| semaphore.try_acquire_many_for(2, common::LONG).unwrap_err());
            let task = scope.spawn(|| pollster::block_on(semaphore.acquire_many_async(2)).is_err());
            thread::sleep(SHORT);
            semaphore.close();
            assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap()));
            assert_eq!(timed.join().unwrap(), TryAcquireError::Closed);
            assert!(task.join().unwrap());
        });
    }
}
