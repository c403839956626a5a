//! `Barrier`: who is let through when, who leads, futures that are dropped.

mod common;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use common::{Task, now};
use web_sync::{Barrier, BarrierWaitResult};

fn leads(task: Task<'_, BarrierWaitResult>) -> bool {
    task.finish().is_leader()
}

#[test]
fn nobody_waits_alone() {
    for size in [0, 1] {
        let barrier = Barrier::new(size);
        for _ in 0..3 {
            assert!(barrier.wait().is_leader());
            assert!(now(barrier.wait_async()).is_leader());
        }
    }
}

#[test]
fn the_last_one_lets_all_through() {
    let barrier = Barrier::new(4);
    for _ in 0..3 {
        let tasks = [(); 3].map(|()| Task::waiting(barrier.wait_async()));
        assert_eq!(tasks.each_ref().map(Task::wakes), [0; 3]);
        assert!(barrier.wait().is_leader());
        assert_eq!(tasks.each_ref().map(Task::wakes), [1; 3]);
        for task in tasks {
            assert!(!leads(task));
        }
    }
}

/// More than are woken at one go.
#[test]
fn many_are_let_through() {
    const MANY: usize = 100;
    let barrier = Barrier::new(MANY + 1);
    let tasks: Vec<_> = (0..MANY)
        .map(|_| Task::waiting(barrier.wait_async()))
        .collect();
    assert!(now(barrier.wait_async()).is_leader());
    for task in tasks {
        assert_eq!(task.wakes(), 1);
        assert!(!leads(task));
    }
}

#[test]
fn who_comes_for_the_next_time_is_not_let_through() {
    let barrier = Barrier::new(2);
    let first = Task::waiting(barrier.wait_async());
    let second = now(barrier.wait_async());
    let early = Task::waiting(barrier.wait_async());
    assert!(second.is_leader() && !leads(first));
    assert_eq!(early.wakes(), 0);
    assert!(barrier.wait().is_leader() && !leads(early));
}

#[test]
fn a_future_does_not_arrive_before_it_is_polled() {
    let barrier = Barrier::new(2);
    let arrival = barrier.wait_async();
    let other = Task::waiting(barrier.wait_async());
    assert!(now(arrival).is_leader());
    assert!(!leads(other));
}

#[test]
fn a_dropped_future_has_not_arrived() {
    let barrier = Barrier::new(3);
    let stays = Task::waiting(barrier.wait_async());
    for _ in 0..5 {
        drop(Task::waiting(barrier.wait_async()));
    }
    let also_stays = Task::waiting(barrier.wait_async());
    assert_eq!(stays.wakes(), 0);
    assert!(barrier.wait().is_leader());
    assert!(!leads(stays) && !leads(also_stays));
}

/// The others have been let through already.
#[test]
fn a_future_that_is_dropped_after_the_barrier_has_opened_takes_nothing_back() {
    let barrier = Barrier::new(2);
    let dropped = Task::waiting(barrier.wait_async());
    assert!(barrier.wait().is_leader());
    assert_eq!(dropped.wakes(), 1);
    drop(dropped);
    let next = Task::waiting(barrier.wait_async());
    assert!(barrier.wait().is_leader() && !leads(next));
}

#[test]
fn a_leaked_wait_has_arrived_for_good() {
    let barrier = Barrier::new(2);
    std::mem::forget(Task::waiting(barrier.wait_async()));
    assert!(barrier.wait().is_leader());
    drop(Task::waiting(barrier.wait_async()));
}

/// Wakers are foreign code: they may use the barrier that wakes them.
#[test]
fn wakers_may_use_the_barrier() {
    struct Uses(Arc<Barrier>);
    impl Uses {
        fn touch(&self) {
            let mut wait = pin!(self.0.wait_async());
            let polled = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
        }
    }
    impl Wake for Uses {
        fn wake(self: Arc<Self>) {
            self.touch();
        }
    }
    impl Drop for Uses {
        fn drop(&mut self) {
            self.touch();
        }
    }
    let barrier = Arc::new(Barrier::new(3));
    let waker = || Waker::from(Arc::new(Uses(Arc::clone(&barrier))));
    let mut waits = [(); 2].map(|()| Box::pin(barrier.wait_async()));
    for wait in &mut waits {
        // The waker of the first poll is dropped by the second, where one place is taken at most twice.
        let polled = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    drop(waits);
    let mut wait = Box::pin(barrier.wait_async());
    for _ in 0..2 {
        let polled = wait.as_mut().poll(&mut Context::from_waker(&waker()));
        assert!(polled.is_pending());
    }
    let other = Task::waiting(barrier.wait_async());
    assert!(barrier.wait().is_leader());
    let polled = wait.as_mut().poll(&mut Context::from_waker(&waker()));
    assert!(polled.is_ready());
    assert!(!leads(other));
}

#[test]
fn it_says_little_when_debugged() {
    let barrier = Barrier::new(1);
    assert_eq!(format!("{barrier:?}"), "Barrier { .. }");
    let result = barrier.wait();
    assert_eq!(
        format!("{result:?}"),
        "BarrierWaitResult { is_leader: true }"
    );
}

#[cfg(not(target_family = "wasm"))]
mod threads {
    use super::*;
    use common::{SHORT, Spinning};
    use std::thread;

    #[test]
    fn threads_and_a_task_are_let_through_together() {
        let barrier = Barrier::new(4);
        thread::scope(|scope| {
            let waiters = [false, true].map(|spins| {
                let barrier = &barrier;
                scope.spawn(move || {
                    let _spinning = spins.then(Spinning::new);
                    barrier.wait().is_leader()
                })
            });
            let task = scope.spawn(|| pollster::block_on(barrier.wait_async()).is_leader());
            thread::sleep(SHORT);
            assert!(!task.is_finished() && !waiters.iter().any(|waiter| waiter.is_finished()));
            let mut leaders = usize::from(barrier.wait().is_leader());
            leaders += usize::from(task.join().unwrap());
            for waiter in waiters {
                leaders += usize::from(waiter.join().unwrap());
            }
            assert_eq!(leaders, 1);
        });
    }
}
