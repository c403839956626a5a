//! `thread`: the token, its order, its time-outs; sleeping.

mod common;

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use common::{LONG, SHORT, Spinning, Task, timed};
use web_sync::{Instant, thread};
use web_sync_testkit::time;

/// How long `f` takes if it parks: at least `SHORT` means that it found no token.
#[track_caller]
fn finds_no_token(f: impl FnOnce()) {
    let ((), took) = timed(f);
    assert!(took >= SHORT, "{took:?}");
}

#[test]
fn a_token_that_is_there_ends_a_park_at_once() {
    for spins in [false, true] {
        let _spinning = spins.then(Spinning::new);
        thread::current().unpark();
        thread::park();
        thread::current().unpark();
        let ((), took) = timed(|| thread::park_timeout(LONG));
        assert!(took < LONG);
        thread::current().unpark();
        Task::new(thread::park_async()).finish();
        thread::current().unpark();
        Task::new(thread::park_timeout_async(LONG)).finish();
        finds_no_token(|| thread::park_timeout(SHORT));
    }
}

#[test]
fn two_tokens_are_one() {
    let here = thread::current();
    here.unpark();
    here.clone().unpark();
    thread::park();
    finds_no_token(|| thread::park_timeout(SHORT));
}

#[test]
fn a_park_without_a_token_waits_for_the_whole_time() {
    finds_no_token(|| thread::park_timeout(SHORT));
    let _spinning = Spinning::new();
    finds_no_token(|| thread::park_timeout(SHORT));
}

/// On real time: the first poll begins the wait, the second one comes when the time is over.
#[test]
fn a_task_without_a_token_waits_for_the_whole_time() {
    let mut task = Task::waiting(thread::park_timeout_async(SHORT * 8));
    assert!(task.poll().is_none());
    time::spin(SHORT * 8);
    task.finish();
    drop(Task::waiting(thread::park_timeout_async(Duration::MAX)));

    // A token in time is used up by the task, even if it looks late.
    let task = Task::waiting(thread::park_timeout_async(SHORT * 8));
    thread::current().unpark();
    time::spin(SHORT * 8);
    task.finish();
    finds_no_token(|| thread::park_timeout(SHORT));
}

#[test]
fn tasks_take_turns() {
    let here = thread::current();
    let mut tasks: [Task<'_, ()>; 3] = std::array::from_fn(|_| Task::waiting(thread::park_async()));
    let wakes = |tasks: &[Task<'_, ()>; 3]| tasks.each_ref().map(Task::wakes);
    here.unpark();
    assert_eq!(wakes(&tasks), [1, 0, 0]);
    // Neither who polls earlier nor who comes later overtakes the one that the token is for.
    assert!(tasks[1].poll().is_none());
    let late = Task::waiting(thread::park_async());
    assert!(tasks[0].poll().is_some());
    here.unpark();
    assert_eq!(wakes(&tasks), [1, 1, 0]);
    here.unpark();
    assert_eq!(wakes(&tasks), [1, 1, 0]);
    assert!(tasks[1].poll().is_some());
    assert_eq!(wakes(&tasks), [1, 1, 0]);
    here.unpark();
    assert_eq!(wakes(&tasks), [1, 1, 1]);
    assert!(tasks[2].poll().is_some());
    here.unpark();
    assert_eq!(late.wakes(), 1);
    late.finish();
}

#[test]
fn a_dropped_task_leaves_its_token() {
    let here = thread::current();
    let mut tasks = [(); 3].map(|()| Some(Task::waiting(thread::park_async())));
    tasks[1] = None;
    here.unpark();
    tasks[0] = None;
    let last = tasks[2].take().unwrap();
    assert_eq!(last.wakes(), 1);
    drop(last);
    thread::park();
}

/// A task may not be run while its agent blocks, so it must not keep the token.
#[test]
fn a_park_takes_a_token_that_a_task_was_woken_for() {
    for spins in [false, true] {
        let _spinning = spins.then(Spinning::new);
        let mut task = Task::waiting(thread::park_async());
        thread::current().unpark();
        assert_eq!(task.wakes(), 1);
        thread::park();
        assert!(task.poll().is_none());
        thread::current().unpark();
        assert_eq!(task.wakes(), 2);
        task.finish();
    }
}

/// A waker is somebody else's code: it may use the token that it is woken for.
#[test]
fn wakers_may_park_and_unpark() {
    struct Uses(thread::Thread, Cell<u32>);
    // SAFETY: it stays on this agent.
    unsafe impl Send for Uses {}
    // SAFETY: as above.
    unsafe impl Sync for Uses {}
    impl Uses {
        fn touch(&self) {
            self.0.unpark();
            thread::park_timeout(Duration::ZERO);
            self.1.set(self.1.get() + 1);
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
    let here = thread::current();
    let waker = || Waker::from(Arc::new(Uses(here.clone(), Cell::new(0))));
    let mut task = Box::pin(thread::park_async());
    let mut poll = || {
        let polled = task.as_mut().poll(&mut Context::from_waker(&waker()));
        polled.is_ready()
    };
    // Queued; replaced and dropped, which wakes the next; queued again and woken.
    assert!(!poll() && !poll() && !poll());
    here.unpark();
    assert!(!poll(), "its waker has taken the token");
    drop(task);
    here.unpark();
    thread::park();
}

#[test]
fn sleeping_takes_at_least_as_long_as_asked() {
    for spins in [false, true] {
        let _spinning = spins.then(Spinning::new);
        for asked in [Duration::ZERO, Duration::from_micros(50), SHORT] {
            let ((), took) = timed(|| thread::sleep(asked));
            assert!(took >= asked && took < LONG, "{took:?} for {asked:?}");
        }
    }
}

/// A token is no reason to wake up.
#[test]
fn a_token_ends_no_sleep() {
    thread::current().unpark();
    let ((), took) = timed(|| thread::sleep(SHORT));
    assert!(took >= SHORT, "{took:?}");
    thread::park();
}

#[test]
fn sleeping_until_a_point_in_time() {
    let ((), took) = timed(|| thread::sleep_until(Instant::now() + SHORT));
    assert!(took + Duration::from_millis(1) >= SHORT, "{took:?}");
    let past = Instant::now();
    time::spin(Duration::from_millis(2));
    let ((), took) = timed(|| thread::sleep_until(past));
    assert!(took < LONG);
    Task::new(thread::sleep_until_async(past)).finish();
}

#[test]
fn a_task_sleeps_until_its_time_is_over() {
    let sleeps = [
        Task::waiting(thread::sleep_async(SHORT * 8)),
        Task::waiting(thread::sleep_until_async(Instant::now() + SHORT * 8)),
    ];
    drop(Task::waiting(thread::sleep_async(Duration::MAX)));
    time::spin(SHORT * 8 + Duration::from_millis(1));
    for sleep in sleeps {
        sleep.finish();
    }
    Task::new(thread::sleep_async(Duration::ZERO)).finish();
}

#[test]
fn yielding_returns() {
    thread::yield_now();
}

#[test]
fn a_handle_shows_what_it_is() {
    assert_eq!(format!("{:?}", thread::current()), "Thread { .. }");
}

#[cfg(all(target_arch = "wasm32", not(target_feature = "atomics")))]
#[test]
#[should_panic(expected = "thread::park")]
fn a_park_that_nobody_can_end_panics() {
    thread::park();
}

#[cfg(not(target_family = "wasm"))]
mod threads {
    use super::*;

    #[test]
    fn each_agent_has_its_own_token() {
        let other = std::thread::spawn(|| {
            thread::current().unpark();
            thread::current()
        });
        let other = other.join().unwrap();
        finds_no_token(|| thread::park_timeout(SHORT));
        // The handle of an agent that is no more.
        other.unpark();
    }

    #[test]
    fn a_waiting_agent_is_woken() {
        for spins in [false, true] {
            let (seat, handle) = std::sync::mpsc::channel();
            let waiter = std::thread::spawn(move || {
                let _spinning = spins.then(Spinning::new);
                seat.send(thread::current()).unwrap();
                thread::park();
                thread::park_timeout(LONG);
            });
            let handle = handle.recv().unwrap();
            for _ in 0..2 {
                std::thread::sleep(SHORT);
                assert!(!waiter.is_finished(), "it does not wait");
                handle.unpark();
            }
            waiter.join().unwrap();
        }
    }

    /// std's tokens are another matter.
    #[test]
    fn std_has_tokens_of_its_own() {
        std::thread::current().unpark();
        finds_no_token(|| thread::park_timeout(SHORT));
        std::thread::park();
        thread::current().unpark();
        finds_no_token(|| std::thread::park_timeout(SHORT));
        thread::park();
    }

    #[test]
    fn a_future_waits_for_the_token_of_the_agent_that_made_it() {
        let future = thread::park_async();
        let here = thread::current();
        let polled = std::thread::spawn(move || {
            thread::current().unpark();
            let mut task = Task::waiting(future);
            here.unpark();
            assert_eq!(task.wakes(), 1);
            task.poll().is_some()
        });
        assert!(polled.join().unwrap());
        finds_no_token(|| thread::park_timeout(SHORT));
    }

    #[test]
    fn a_task_is_woken_when_its_time_is_over() {
        let ((), took) = timed(|| pollster::block_on(thread::sleep_async(SHORT)));
        assert!(took >= SHORT && took < LONG, "{took:?}");
        let ((), took) = timed(|| pollster::block_on(thread::park_timeout_async(SHORT)));
        assert!(took >= SHORT && took < LONG, "{took:?}");
    }
}
