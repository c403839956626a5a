//! `Event`: who goes on when, pulses, time-outs, futures that are dropped.

mod common;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use common::{LATER, LONG, SHORT, Spinning, Task, now, timed};
use web_sync::{Event, Instant};

#[test]
fn nobody_waits_while_it_is_set() {
    let event = Event::new();
    assert!(!event.is_set());
    event.set();
    for _ in 0..2 {
        event.wait();
        assert!(!event.wait_timeout(Duration::ZERO).timed_out());
        assert!(!event.wait_deadline(Instant::now()).timed_out());
        now(event.wait_async());
        assert!(!now(event.wait_timeout_async(Duration::ZERO)).timed_out());
        assert!(!now(event.wait_deadline_async(Instant::now())).timed_out());
        event.set();
        assert!(event.is_set());
    }
    assert!(event.reset() && !event.is_set() && !event.reset());
    assert!(event.wait_timeout(Duration::ZERO).timed_out());
    drop(Task::waiting(event.wait_async()));
}

#[test]
fn all_who_wait_go_on() {
    let event = Event::new();
    for _ in 0..3 {
        let tasks = [(); 3].map(|()| Task::waiting(event.wait_async()));
        let timed = Task::waiting(event.wait_timeout_async(LONG));
        let until = Task::waiting(event.wait_deadline_async(Instant::now() + LONG));
        event.set();
        assert_eq!(tasks.each_ref().map(Task::wakes), [1; 3]);
        for task in tasks {
            task.finish();
        }
        assert!(!timed.finish().timed_out() && !until.finish().timed_out());
        event.reset();
    }
}

/// More than are woken at one go.
#[test]
fn many_go_on() {
    let event = Event::new();
    let tasks: Vec<_> = (0..100)
        .map(|_| Task::waiting(event.wait_async()))
        .collect();
    event.set();
    for task in tasks {
        assert_eq!(task.wakes(), 1);
        task.finish();
    }
}

#[test]
fn who_waits_goes_on_though_it_is_reset_at_once() {
    let event = Event::new();
    let before = Task::waiting(event.wait_async());
    let unpolled = event.wait_async();
    event.set();
    event.reset();
    let after = Task::waiting(event.wait_async());
    assert_eq!((before.wakes(), after.wakes()), (1, 0));
    before.finish();
    // It began to wait with the call.
    now(unpolled);
    event.set();
    after.finish();
}

/// It was set when the wait began.
#[test]
fn a_wait_that_began_while_it_was_set_is_over() {
    let event = Event::new();
    event.set();
    let wait = event.wait_async();
    event.reset();
    now(wait);
}

#[test]
fn a_dropped_future_leaves_nothing_behind() {
    let event = Event::new();
    let stays = Task::waiting(event.wait_async());
    drop(Task::waiting(event.wait_async()));
    event.set();
    let [dropped, next] = [(); 2].map(|()| Task::new(event.wait_async()));
    drop(dropped);
    next.finish();
    stays.finish();
}

/// It stays in the queue, where the next `set` finds it.
#[test]
fn a_leaked_wait_holds_up_nobody() {
    let event = Event::new();
    std::mem::forget(Task::waiting(event.wait_async()));
    let task = Task::waiting(event.wait_async());
    event.set();
    assert_eq!(task.wakes(), 1);
    task.finish();
}

#[test]
fn a_time_out_that_comes_after_the_event_is_none() {
    let event = Event::new();
    let task = Task::waiting(event.wait_timeout_async(LATER));
    let until = Task::waiting(event.wait_deadline_async(Instant::now() + LATER));
    event.set();
    event.reset();
    web_sync_testkit::time::spin(LATER);
    assert!(!task.finish().timed_out() && !until.finish().timed_out());
}

#[test]
fn a_task_whose_time_is_over_leaves_nothing_behind() {
    let event = Event::new();
    assert!(now(event.wait_deadline_async(Instant::now())).timed_out());
    let until = Instant::now() + LATER;
    let waiting = Task::waiting(event.wait_deadline_async(until));
    let unpolled = Task::new(event.wait_deadline_async(until));
    drop(Task::waiting(event.wait_deadline_async(until + LONG)));
    web_sync_testkit::time::spin(LATER);
    assert!(waiting.finish().timed_out() && unpolled.finish().timed_out());
    let next = Task::waiting(event.wait_async());
    event.set();
    assert_eq!(next.wakes(), 1);
    next.finish();
}

#[test]
fn time_outs_are_not_early() {
    let event = Event::new();
    for spins in [false, true] {
        let _spinning = spins.then(Spinning::new);
        for timeout in [Duration::ZERO, Duration::from_micros(900), SHORT] {
            let (result, took) = timed(|| event.wait_timeout(timeout));
            assert!(
                result.timed_out() && took >= timeout,
                "{took:?} for {timeout:?}"
            );
        }
        let deadline = Instant::now() + SHORT;
        assert!(event.wait_deadline(deadline).timed_out());
        assert!(Instant::now() >= deadline);
    }
}

/// Wakers are foreign code: they may use the event that wakes them.
#[test]
fn wakers_may_use_the_event() {
    struct Uses(Arc<Event>);
    impl Uses {
        fn touch(&self) {
            let mut wait = pin!(self.0.wait_async());
            let polled = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(polled.is_ready(), self.0.is_set());
            self.0.reset();
            self.0.set();
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
    let event = Arc::new(Event::new());
    let waker = || Waker::from(Arc::new(Uses(Arc::clone(&event))));
    let mut wait = Box::pin(event.wait_async());
    assert!(
        wait.as_mut()
            .poll(&mut Context::from_waker(&waker()))
            .is_pending()
    );
    // The old waker is dropped, and sets the event.
    let replaced = wait.as_mut().poll(&mut Context::from_waker(&waker()));
    assert!(replaced.is_pending() && event.is_set());
    assert!(
        wait.as_mut()
            .poll(&mut Context::from_waker(&waker()))
            .is_ready()
    );
    event.reset();
    let mut wait = Box::pin(event.wait_async());
    assert!(
        wait.as_mut()
            .poll(&mut Context::from_waker(&waker()))
            .is_pending()
    );
    event.set();
    assert!(
        wait.as_mut()
            .poll(&mut Context::from_waker(&waker()))
            .is_ready()
    );
}

#[test]
fn it_shows_whether_it_is_set() {
    let event = Event::default();
    assert_eq!(format!("{event:?}"), "Event { set: false, .. }");
    event.set();
    assert_eq!(format!("{event:?}"), "Event { set: true, .. }");
}

#[cfg(not(target_family = "wasm"))]
mod threads {
    use super::*;
    use std::thread;

    #[test]
    fn threads_of_each_kind_go_on() {
        let event = Event::new();
        thread::scope(|scope| {
            let waiters = [false, true].map(|spins| {
                let event = &event;
                scope.spawn(move || {
                    let _spinning = spins.then(Spinning::new);
                    event.wait();
                    event.wait_timeout(Duration::MAX).timed_out()
                })
            });
            let task = scope.spawn(|| pollster::block_on(event.wait_async()));
            thread::sleep(SHORT);
            assert!(!task.is_finished() && !waiters.iter().any(|waiter| waiter.is_finished()));
            event.set();
            task.join().unwrap();
            assert!(waiters.into_iter().all(|waiter| !waiter.join().unwrap()));
        });
    }

    #[test]
    fn a_tasks_time_out_wakes_it() {
        let event = Event::new();
        let (result, took) = timed(|| pollster::block_on(event.wait_timeout_async(SHORT)));
        assert!(
            result.timed_out() && took >= SHORT && took < LONG,
            "{took:?}"
        );
        let until = Instant::now() + SHORT;
        assert!(pollster::block_on(event.wait_deadline_async(until)).timed_out());
        assert!(Instant::now() >= until);
    }
}
