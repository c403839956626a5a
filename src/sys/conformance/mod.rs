//! The contract's promises as tests: one body each, run by loom, by native threads, and by the agents of a page or of Node.
//!
//! The bodies that need other agents run on the web in `tests/browser`, which takes them from here by the feature `__test`.

pub mod bodies;

/// Calls a macro with the name of every body that can do with one agent, and with the number of spurious wake-ups and of time-outs
/// that loom may choose in it.
#[macro_export]
#[doc(hidden)]
macro_rules! __for_each_lone_body {
    ($run:ident) => {
        $run! {
            w1_mismatch_returns_at_once(1, 1);
            w3_a_wait_times_out_and_never_early(1, 3);
            w4_a_deadline_that_has_passed_compares_first(1, 1);
            k2_a_wake_does_not_touch_the_word(0, 0);
            a1_a_task_is_told_of_a_mismatch(0, 0);
            a2_an_agent_wakes_its_own_task(0, 0);
            a_timer_that_has_passed_is_ready(0, 0);
            n1_a_nap_ends_by_itself(1, 2);
        }
    };
}

/// The same for the bodies that need other agents.
#[macro_export]
#[doc(hidden)]
macro_rules! __for_each_shared_body {
    ($run:ident) => {
        $run! {
            w2_a_store_and_a_wake_end_a_wait(1, 0);
            w5_the_longest_time_out_saturates(1, 0);
            w6_an_agent_that_must_not_block_sees_the_store(0, 0);
            w6_this_agent_waits_for_another(1, 0);
            k1_each_wake_ends_one_wait(1, 0);
            k1_a_spinner_takes_no_wake(1, 0);
            a2_a_store_and_a_wake_complete_a_task(0, 0);
            k1_threads_and_tasks_share_an_address(1, 0);
            k1_a_wake_is_for_its_address_alone(1, 0);
            ids_differ(0, 0);
            n1_a_store_and_a_wake_end_a_nap(1, 0);
        }
    };
}

/// Native threads.
#[cfg(all(
    test,
    not(web_sync_loom),
    not(all(target_arch = "wasm32", target_os = "unknown"))
))]
mod native {
    use core::time::Duration;

    use web_sync_testkit::{Handle, Pool, block_on, time};

    use super::bodies::{self, World};

    impl World for Pool {
        type Job = Handle<()>;

        async fn spawn(&self, job: impl FnOnce() + Send + 'static) -> Handle<()> {
            let handle = Pool::spawn(self, job);
            handle.started().await.unwrap();
            handle
        }

        async fn join(&self, job: Handle<()>) {
            job.join_async().await.unwrap();
        }

        async fn settle(&self) {
            time::sleep(Duration::from_millis(10)).await;
        }
    }

    macro_rules! run {
        ($($name:ident $budgets:tt;)*) => {
            $(#[test]
            fn $name() {
                block_on(async {
                    bodies::$name(&Pool::start(2).await.unwrap()).await;
                });
            })*
        };
    }

    __for_each_lone_body!(run);
    __for_each_shared_body!(run);
    run! {
        timers_complete_in_time();
        a_late_poll_finds_the_timer_ready();
    }
}

/// One agent of the web, in a module with or without threads: what is done by "another" is done here.
#[cfg(all(test, target_arch = "wasm32", target_os = "unknown"))]
mod web {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::bodies::{self, World};

    struct Alone;

    impl World for Alone {
        type Job = ();

        async fn spawn(&self, job: impl FnOnce() + Send + 'static) {
            job();
        }

        async fn join(&self, (): ()) {}

        async fn settle(&self) {}
    }

    macro_rules! run {
        ($($name:ident $budgets:tt;)*) => {
            $(#[wasm_bindgen_test]
            async fn $name() {
                bodies::$name(&Alone).await;
            })*
        };
    }

    __for_each_lone_body!(run);
    run! {
        timers_complete_in_time();
        a_late_poll_finds_the_timer_ready();
    }
}

/// Under loom: every schedule with at most three preemptions.
#[cfg(all(test, web_sync_loom))]
mod model {
    use core::sync::atomic::Ordering;
    use core::time::Duration;
    use std::collections::HashSet;
    use std::sync::{Arc, Mutex};

    use loom::model::Builder;
    use loom::thread::{self, JoinHandle};

    use super::bodies::{self, World};
    use crate::sys::clock::Deadline;
    use crate::sys::futex::{self, Outcome};
    use crate::sys::platform;
    use crate::sys::shim::AtomicU32;
    use crate::sys::timer::Timer;

    struct Loom;

    impl World for Loom {
        type Job = JoinHandle<()>;

        async fn spawn(&self, job: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
            thread::spawn(job)
        }

        async fn join(&self, job: JoinHandle<()>) {
            job.join().unwrap();
        }

        async fn settle(&self) {}
    }

    macro_rules! run {
        ($($name:ident($spurious:literal, $timeouts:literal);)*) => {
            $(#[test]
            fn $name() {
                let mut model = Builder::new();
                model.preemption_bound = Some(3);
                model.check(|| {
                    platform::begin($spurious, $timeouts);
                    loom::future::block_on(bodies::$name(&Loom));
                });
            })*
        };
    }

    __for_each_lone_body!(run);
    __for_each_shared_body!(run);

    /// Runs the body in every schedule and returns all the results that it had.
    fn outcomes(
        spurious: u32,
        timeouts: u32,
        body: impl Fn() -> Outcome + Send + Sync + 'static,
    ) -> HashSet<Outcome> {
        let seen = Arc::new(Mutex::new(HashSet::new()));
        let sink = Arc::clone(&seen);
        let mut model = Builder::new();
        model.preemption_bound = Some(3);
        model.check(move || {
            platform::begin(spurious, timeouts);
            sink.lock().unwrap().insert(body());
        });
        Arc::into_inner(seen).unwrap().into_inner().unwrap()
    }

    /// A wait, and another thread that changes the word and wakes.
    fn raced_wait(timed: bool) -> Outcome {
        let word = Arc::new(AtomicU32::new(0));
        let theirs = Arc::clone(&word);
        let other = thread::spawn(move || {
            theirs.store(1, Ordering::Release);
            futex::wake(&*theirs);
        });
        let deadline = timed.then(|| Deadline::after(Duration::from_secs(1)));
        let outcome = bodies::wait(&word, 0, deadline);
        other.join().unwrap();
        outcome
    }

    #[test]
    fn a_timed_wait_ends_in_every_way() {
        let all = HashSet::from([Outcome::Woken, Outcome::Mismatch, Outcome::TimedOut]);
        assert_eq!(outcomes(0, 1, || raced_wait(true)), all);
    }

    #[test]
    fn a_wait_without_deadline_does_not_time_out() {
        let both = HashSet::from([Outcome::Woken, Outcome::Mismatch]);
        assert_eq!(outcomes(1, 1, || raced_wait(false)), both);
    }

    #[test]
    fn a_spurious_wake_up_is_among_the_schedules() {
        let early = outcomes(1, 0, || {
            let word = Arc::new(AtomicU32::new(0));
            let theirs = Arc::clone(&word);
            let other = thread::spawn(move || {
                let outcome = bodies::wait(&theirs, 0, None);
                (outcome, theirs.load(Ordering::Acquire))
            });
            // The step of this thread that the spurious wake-up follows, see `model.rs`.
            assert_eq!(word.load(Ordering::Relaxed), 0);
            word.store(1, Ordering::Release);
            futex::wake(&*word);
            // Reported as a time-out, to tell it from the others.
            match other.join().unwrap() {
                (Outcome::Woken, 0) => Outcome::TimedOut,
                (outcome, _) => outcome,
            }
        });
        assert!(early.contains(&Outcome::TimedOut), "{early:?}");
    }

    #[test]
    #[should_panic(expected = "deadlock")]
    fn a_store_without_a_wake_is_a_deadlock() {
        outcomes(0, 0, || {
            let word = Arc::new(AtomicU32::new(0));
            let theirs = Arc::clone(&word);
            let other = thread::spawn(move || theirs.store(1, Ordering::Release));
            let outcome = bodies::wait(&word, 0, None);
            other.join().unwrap();
            outcome
        });
    }

    #[test]
    fn a_timer_completes_when_the_clock_is_moved() {
        let mut model = Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            platform::begin(0, 0);
            let deadline = Deadline::after(Duration::from_secs(1));
            let far = Timer::new(Deadline::after(Duration::from_secs(2)));
            let clock = thread::spawn(move || platform::advance_to(deadline));
            loom::future::block_on(Timer::new(deadline));
            assert!(deadline.passed());
            clock.join().unwrap();
            drop(far);
        });
    }
}
