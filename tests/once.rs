//! `Once`: one initialiser, those who wait for it, poisoning, recursion, futures that are dropped.

mod common;

use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use common::{Gate, Task, now};
use web_sync::{Once, OnceState};

/// An initialiser that never returns, for the time being.
async fn stuck() {
    core::future::pending::<()>().await;
}

/// As std's, for statics that are older than `const fn`.
#[test]
#[expect(deprecated)]
fn the_old_constant_is_a_new_once() {
    static ONCE: Once = web_sync::ONCE_INIT;
    assert!(!ONCE.is_completed());
    ONCE.call_once(|| ());
    assert!(ONCE.is_completed());
}

#[test]
fn the_first_call_counts() {
    let (once, count) = (Once::new(), Cell::new(0));
    let add = || count.set(count.get() + 1);
    assert!(!once.is_completed());
    once.call_once(add);
    assert!(once.is_completed());
    once.call_once(add);
    once.call_once_force(|_| add());
    now(once.call_once_async(async || add()));
    now(once.call_once_force_async(async |_| add()));
    once.wait();
    once.wait_force();
    now(once.wait_async());
    now(once.wait_force_async());
    assert_eq!(count.get(), 1);
}

#[test]
fn an_initialiser_may_be_a_closure_that_returns_a_future() {
    fn returns_a_future(count: &Cell<i32>) -> impl Future<Output = ()> {
        count.set(count.get() + 1);
        async {}
    }
    let (one, two, count) = (Once::new(), Once::new(), Cell::new(0));
    now(one.call_once_async(|| returns_a_future(&count)));
    now(two.call_once_force_async(|state: &OnceState| {
        assert!(!state.is_poisoned());
        returns_a_future(&count)
    }));
    assert_eq!(count.get(), 2);
}

#[test]
fn a_future_does_nothing_before_it_is_polled() {
    let once = Once::new();
    let call = once.call_once_async(async || ());
    assert!(!once.is_completed());
    once.call_once(|| ());
    now(call);
}

#[test]
fn tasks_wait_for_the_one_that_runs() {
    let once = Once::new();
    let gate = Gate::default();
    let mut first = Task::waiting(once.call_once_async(async || gate.pass().await));
    let tasks = [
        Task::waiting(once.call_once_async(async || unreachable!("it is done once"))),
        Task::waiting(once.call_once_force_async(async |_| unreachable!("it is done once"))),
        Task::waiting(once.wait_async()),
        Task::waiting(once.wait_force_async()),
    ];
    assert!(!once.is_completed() && first.poll().is_none());
    assert_eq!(tasks.each_ref().map(Task::wakes), [0; 4]);
    gate.open();
    assert!(first.poll().is_some() && once.is_completed());
    assert_eq!(tasks.each_ref().map(Task::wakes), [1; 4]);
    for task in tasks {
        task.finish();
    }
}

#[test]
fn a_dropped_run_is_as_if_it_had_not_been() {
    let once = Once::new();
    drop(Task::waiting(once.call_once_async(stuck)));
    assert!(!once.is_completed());
    once.call_once_force(|state| assert!(!state.is_poisoned()));
    assert!(once.is_completed());
}

/// One of those who wait has its turn, and the others wait for that one.
#[test]
fn a_dropped_run_gives_another_its_turn() {
    let once = Once::new();
    let run = Task::waiting(once.call_once_async(stuck));
    let mut tasks = [(); 3].map(|()| Task::waiting(once.call_once_async(async || ())));
    let mut waits = Task::waiting(once.wait_async());
    drop(run);
    // It wakes all who could have the turn; who only waits has nothing to do yet.
    assert_eq!(tasks.each_ref().map(Task::wakes), [1; 3]);
    assert_eq!(waits.wakes(), 0);
    assert!(waits.poll().is_none());
    assert!(tasks[2].poll().is_some() && once.is_completed());
    assert_eq!(waits.wakes(), 1);
    assert!(waits.poll().is_some());
    assert!(tasks[0].poll().is_some() && tasks[1].poll().is_some());
}

/// The one that has been woken to have its turn may be dropped, or never be polled again.
#[test]
fn a_turn_that_is_not_taken_is_nobody_elses_loss() {
    let once = Once::new();
    let run = Task::waiting(once.call_once_async(stuck));
    let mut tasks = [(); 3].map(|()| Task::waiting(once.call_once_async(async || ())));
    drop(run);
    let [_, _, last] = &mut tasks;
    assert!(last.poll().is_some());
}

#[test]
fn the_initialiser_is_dropped_before_another_one_begins() {
    struct OnDrop<'a>(&'a Once, &'a Cell<bool>);
    impl Drop for OnDrop<'_> {
        fn drop(&mut self) {
            assert!(
                Task::new(self.0.call_once_async(async || ()))
                    .poll()
                    .is_none()
            );
            self.1.set(true);
        }
    }
    let (once, dropped) = (Once::new(), Cell::new(false));
    let run = Task::waiting(once.call_once_async(async || {
        let _held = OnDrop(&once, &dropped);
        stuck().await;
    }));
    drop(run);
    assert!(dropped.get());
    once.call_once(|| ());
}

/// Wakers are foreign code: they may use the once that wakes them.
#[test]
fn wakers_may_use_the_once() {
    struct Uses(Once);
    struct OnDrop(Arc<Uses>);
    impl OnDrop {
        fn touch(&self) {
            let once = &self.0.0;
            let mut wait = pin!(once.wait_async());
            let polled = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(polled.is_ready(), once.is_completed());
        }
    }
    impl Wake for OnDrop {
        fn wake(self: Arc<Self>) {
            self.touch();
        }
    }
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.touch();
        }
    }
    let uses = Arc::new(Uses(Once::new()));
    let waker = || Waker::from(Arc::new(OnDrop(Arc::clone(&uses))));
    let mut waits = [(); 3].map(|()| Box::pin(uses.0.wait_async()));
    for wait in &mut waits {
        for _ in 0..2 {
            let polled = wait.as_mut().poll(&mut Context::from_waker(&waker()));
            assert!(polled.is_pending());
        }
    }
    let [dropped, woken, leaves] = waits;
    drop(dropped);
    uses.0.call_once(|| ());
    for mut wait in [woken, leaves] {
        let polled = wait.as_mut().poll(&mut Context::from_waker(&waker()));
        assert!(polled.is_ready());
    }
}

/// A leaked future stays in the queue, where the end of the run finds it.
#[test]
fn a_leaked_wait_is_woken_like_any_other() {
    let once = Once::new();
    std::mem::forget(Task::waiting(once.wait_async()));
    let task = Task::waiting(once.wait_async());
    once.call_once(|| ());
    assert_eq!(task.wakes(), 1);
    task.finish();
}

#[cfg(panic = "unwind")]
mod panics {
    use std::panic::panic_any;

    use super::*;
    use common::{Spinning, panic_of};

    fn poisoned() -> Once {
        let once = Once::new();
        assert_eq!(panic_of(|| once.call_once(|| panic!("mine"))), "mine");
        once
    }

    #[test]
    fn a_panic_poisons() {
        let once = poisoned();
        assert!(!once.is_completed());
        let name = |text: String| {
            assert!(text.contains("poisoned"), "{text}");
            text.split(':').take(3).collect::<String>()
        };
        let never = || unreachable!("it is poisoned");
        assert_eq!(name(panic_of(|| once.call_once(never))), "Oncecall_once");
        assert_eq!(name(panic_of(|| once.wait())), "Oncewait");
        let call = || now(once.call_once_async(async || never()));
        assert_eq!(name(panic_of(call)), "Oncecall_once_async");
        let wait = || now(once.wait_async());
        assert_eq!(name(panic_of(wait)), "Oncewait_async");
        assert!(!once.is_completed());
    }

    #[test]
    fn force_ends_the_poisoning() {
        let once = poisoned();
        let force = || once.call_once_force(|state| panic_any(state.is_poisoned().to_string()));
        assert_eq!(panic_of(force), "true");
        let force = || {
            let call = once.call_once_force_async(async |state| {
                panic_any(state.is_poisoned().to_string());
            });
            now(call);
        };
        assert_eq!(panic_of(force), "true");
        once.call_once_force(|state| assert!(state.is_poisoned()));
        once.call_once(|| unreachable!("it is done"));
        assert!(once.is_completed());
    }

    #[test]
    fn a_panic_of_a_task_poisons() {
        for suspended in [false, true] {
            let once = Once::new();
            let gate = Gate::default();
            if !suspended {
                gate.open();
            }
            let mut run = Task::new(once.call_once_async(async || {
                gate.pass().await;
                panic!("mine");
            }));
            if suspended {
                assert!(run.poll().is_none());
                gate.open();
            }
            assert_eq!(panic_of(|| run.poll()), "mine");
            let text = panic_of(|| once.call_once(|| ()));
            assert!(text.contains("poisoned"), "{text}");
        }
    }

    /// The closure that makes the future belongs to the initialiser.
    #[test]
    fn a_panic_before_the_first_await_poisons() {
        let once = Once::new();
        let call = || {
            now(once.call_once_async(|| -> core::future::Ready<()> { panic!("mine") }));
        };
        assert_eq!(panic_of(call), "mine");
        assert!(panic_of(|| once.wait()).contains("poisoned"));
    }

    #[test]
    fn those_who_wait_see_the_panic() {
        let once = Once::new();
        let gate = Gate::default();
        let mut run = Task::waiting(once.call_once_async(async || {
            gate.pass().await;
            panic!("mine");
        }));
        let mut calls = Task::waiting(once.call_once_async(async || ()));
        let mut waits = Task::waiting(once.wait_async());
        let mut waits_on = Task::waiting(once.wait_force_async());
        let mut forces = Task::waiting(once.call_once_force_async(async |state| {
            assert!(state.is_poisoned());
        }));
        gate.open();
        assert_eq!(panic_of(|| run.poll()), "mine");
        let wakes = [&calls, &waits, &waits_on, &forces].map(Task::wakes);
        assert_eq!(wakes, [1, 1, 0, 1]);
        assert!(panic_of(|| calls.poll()).contains("poisoned"));
        assert!(panic_of(|| waits.poll()).contains("poisoned"));
        assert!(waits_on.poll().is_none());
        assert!(forces.poll().is_some() && waits_on.poll().is_some());
    }

    /// Who drops the future may panic itself: the initialiser has not.
    #[test]
    fn a_future_that_a_panic_drops_is_only_dropped() {
        let once = Once::new();
        let dropped = || {
            let _run = Task::waiting(once.call_once_async(stuck));
            panic!("beside it");
        };
        assert_eq!(panic_of(dropped), "beside it");
        once.call_once_force(|state| assert!(!state.is_poisoned()));
    }

    #[test]
    fn a_dropped_run_leaves_a_poisoned_once_poisoned() {
        let once = poisoned();
        drop(Task::waiting(
            once.call_once_force_async(async |_| stuck().await),
        ));
        assert!(panic_of(|| once.call_once(|| ())).contains("poisoned"));
        once.call_once_force(|state| assert!(state.is_poisoned()));
    }

    #[track_caller]
    fn assert_says(text: &str, call: &str) {
        for word in [call, file!(), "this agent runs the initialiser already"] {
            assert!(text.contains(word), "no {word:?} in {text:?}");
        }
    }

    /// An initialiser that needs itself never ends: it says so.
    #[test]
    fn recursion_panics() {
        let once = Once::new();
        assert_says(
            &panic_of(|| once.call_once(|| once.call_once(|| ()))),
            "Once::call_once",
        );
        let force = || once.call_once_force(|_| once.call_once_force(|_| ()));
        assert_says(&panic_of(force), "Once::call_once_force");
        assert_says(
            &panic_of(|| once.call_once_force(|_| once.wait_force())),
            "Once::wait_force",
        );
        let once = Once::new();
        assert_says(&panic_of(|| once.call_once(|| once.wait())), "Once::wait");
    }

    /// The same out of an initialiser that is a future.
    #[test]
    fn recursion_in_a_task_panics() {
        let once = Once::new();
        let call = || now(once.call_once_async(async || once.call_once(|| ())));
        assert_says(&panic_of(call), "Once::call_once");
    }

    /// And out of what a cancelled initialiser drops, while its run is still to end.
    #[test]
    fn recursion_in_a_drop_of_a_cancelled_task_panics() {
        struct Needs<'a>(&'a Once);
        impl Drop for Needs<'_> {
            fn drop(&mut self) {
                self.0.call_once(|| ());
            }
        }
        let once = Once::new();
        let run = Task::waiting(once.call_once_async(async || {
            let _needs = Needs(&once);
            stuck().await;
        }));
        assert_says(&panic_of(|| drop(run)), "Once::call_once");
        // The run has ended all the same, cancelled.
        once.call_once(|| ());
        assert!(once.is_completed());
    }

    /// On an agent that must not sleep, a task that runs the initialiser cannot go on while another call waits for it.
    #[test]
    fn a_call_that_would_freeze_its_own_task_panics() {
        let _spinning = Spinning::new();
        let once = Once::new();
        let run = Task::waiting(once.call_once_async(stuck));
        assert_says(&panic_of(|| once.call_once(|| ())), "Once::call_once");
        assert_says(&panic_of(|| once.wait()), "Once::wait");
        drop(run);
        once.call_once(|| ());
    }

    /// A waker that panics keeps nobody else from being woken, and ends nobody's call.
    #[test]
    fn a_waker_that_panics_is_alone() {
        struct Bomb;
        impl Wake for Bomb {
            fn wake(self: Arc<Self>) {
                panic!("a waker");
            }
        }
        let once = Once::new();
        let mut first = pin!(once.wait_async());
        let bomb = Waker::from(Arc::new(Bomb));
        let polled = first.as_mut().poll(&mut Context::from_waker(&bomb));
        assert!(polled.is_pending());
        let second = Task::waiting(once.wait_async());
        once.call_once(|| ());
        assert_eq!(second.wakes(), 1);
        now(first);
        second.finish();
    }
}

#[cfg(not(target_family = "wasm"))]
mod threads {
    use std::sync::Barrier;
    use std::thread;

    use super::*;
    use common::{SHORT, Spinning};

    #[test]
    fn threads_wait_for_the_one_that_runs() {
        for spins in [false, true] {
            let once = Once::new();
            let begun = Barrier::new(2);
            let done = Gate::default();
            thread::scope(|scope| {
                scope.spawn(|| {
                    once.call_once(|| {
                        begun.wait();
                        thread::sleep(SHORT);
                        done.open();
                    });
                });
                begun.wait();
                let waits: [fn(&Once); 4] = [
                    |once| once.call_once(|| unreachable!("it is done once")),
                    |once| once.call_once_force(|_| unreachable!("it is done once")),
                    Once::wait,
                    Once::wait_force,
                ];
                for wait in waits {
                    let (once, done) = (&once, &done);
                    scope.spawn(move || {
                        let _spinning = spins.then(Spinning::new);
                        wait(once);
                        assert!(done.is_open(), "it did not wait");
                    });
                }
            });
        }
    }

    #[test]
    fn a_thread_waits_for_what_has_not_begun() {
        let once = Once::new();
        let done = Gate::default();
        thread::scope(|scope| {
            scope.spawn(|| {
                once.wait();
                assert!(done.is_open());
            });
            thread::sleep(SHORT);
            once.call_once(|| done.open());
        });
    }

    /// A task that has been suspended may go on elsewhere, so a call here is no recursion.
    #[test]
    fn a_run_may_move_to_another_thread() {
        let once = Once::new();
        let gate = Gate::default();
        let mut run = Box::pin(once.call_once_async(async || gate.pass().await));
        let mut context = Context::from_waker(Waker::noop());
        assert!(run.as_mut().poll(&mut context).is_pending());
        gate.open();
        thread::scope(|scope| {
            scope.spawn(move || {
                thread::sleep(SHORT);
                let mut context = Context::from_waker(Waker::noop());
                assert!(run.as_mut().poll(&mut context).is_ready());
            });
            once.call_once(|| unreachable!("it is done once"));
        });
    }

    /// A thread waits behind a task that is dropped.
    #[test]
    fn a_dropped_run_gives_a_thread_its_turn() {
        let once = Once::new();
        let ran = Gate::default();
        thread::scope(|scope| {
            let run = Task::waiting(once.call_once_async(stuck));
            scope.spawn(|| once.call_once(|| ran.open()));
            thread::sleep(SHORT);
            assert!(!ran.is_open());
            drop(run);
        });
        assert!(ran.is_open());
    }
}
