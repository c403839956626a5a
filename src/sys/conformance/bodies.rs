//! One body per promise of the contract.

use core::future::Future;
use core::panic::Location;
use core::pin::pin;
use core::sync::atomic::Ordering::{Acquire, Release};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::Arc;

use crate::sys::agent::{Policy, set_policy};
use crate::sys::clock::Deadline;
use crate::sys::futex::{self, Outcome};
use crate::sys::shim::AtomicU32;
use crate::sys::timer::Timer;
use crate::sys::{Call, agent};

/// Where a body runs: under loom, on native threads, or on the agents of a page.
pub trait World {
    /// A job that has been started.
    type Job;
    /// Starts a job on another agent; ready when it runs.
    fn spawn(&self, job: impl FnOnce() + Send + 'static) -> impl Future<Output = Self::Job>;
    /// Ready when the job has ended; fails with the job.
    fn join(&self, job: Self::Job) -> impl Future<Output = ()>;
    /// Gives the other agents time to fall asleep, where time is real.
    fn settle(&self) -> impl Future<Output = ()>;
}

#[track_caller]
pub(crate) fn wait(word: &AtomicU32, expected: u32, deadline: Option<Deadline>) -> Outcome {
    let call = Call {
        name: "conformance",
        instead: "conformance",
        caller: Location::caller(),
    };
    futex::wait(word, expected, deadline, &call)
}

/// Waits as callers do: until the word has changed.
fn wait_while(word: &AtomicU32, expected: u32) {
    while word.load(Acquire) == expected {
        wait(word, expected, None);
    }
}

fn store_and_wake(word: &AtomicU32, value: u32) {
    word.store(value, Release);
    futex::wake(word);
}

fn in_ms(millis: u64) -> Deadline {
    Deadline::after(Duration::from_millis(millis))
}

/// Waits until the deadline, through wake-ups that nobody sent.
fn wait_until_timed_out(word: &AtomicU32, deadline: Deadline) {
    loop {
        match wait(word, word.load(Acquire), Some(deadline)) {
            Outcome::TimedOut => return,
            Outcome::Woken => {}
            Outcome::Mismatch => panic!("nobody changes the word"),
        }
    }
}

/// Runs a check on this agent, and on another one as it is and as one that must not block.
async fn on_every_kind_of_agent(world: &impl World, check: fn()) {
    check();
    for policy in [Policy::Auto, Policy::Spin] {
        let job = move || {
            set_policy(policy);
            check();
            set_policy(Policy::Auto);
        };
        world.join(world.spawn(job).await).await;
    }
}

/// W1.
pub async fn w1_mismatch_returns_at_once(world: &impl World) {
    on_every_kind_of_agent(world, || {
        let word = AtomicU32::new(1);
        assert_eq!(wait(&word, 0, None), Outcome::Mismatch);
        assert_eq!(wait(&word, 0, Some(in_ms(60_000))), Outcome::Mismatch);
        assert_eq!(word.load(Acquire), 1);
    })
    .await;
}

/// W2.
pub async fn w2_a_store_and_a_wake_end_a_wait(world: &impl World) {
    let word = Arc::new(AtomicU32::new(0));
    let theirs = Arc::clone(&word);
    let job = world.spawn(move || wait_while(&theirs, 0)).await;
    world.settle().await;
    store_and_wake(&word, 1);
    world.join(job).await;
}

/// W3.
pub async fn w3_a_wait_times_out_and_never_early(world: &impl World) {
    on_every_kind_of_agent(world, || {
        let word = AtomicU32::new(0);
        let deadline = in_ms(15);
        wait_until_timed_out(&word, deadline);
        assert!(deadline.passed());
    })
    .await;
}

/// W4.
pub async fn w4_a_deadline_that_has_passed_compares_first(world: &impl World) {
    on_every_kind_of_agent(world, || {
        let word = AtomicU32::new(0);
        let passed = Deadline::after(Duration::ZERO);
        assert!(passed.passed());
        assert_eq!(wait(&word, 1, Some(passed)), Outcome::Mismatch);
        wait_until_timed_out(&word, passed);
    })
    .await;
}

/// W5.
pub async fn w5_the_longest_time_out_saturates(world: &impl World) {
    for policy in [Policy::Auto, Policy::Spin] {
        let word = Arc::new(AtomicU32::new(0));
        let theirs = Arc::clone(&word);
        let job = world
            .spawn(move || {
                set_policy(policy);
                let longest = Deadline::after(Duration::MAX);
                while theirs.load(Acquire) == 0 {
                    assert_ne!(wait(&theirs, 0, Some(longest)), Outcome::TimedOut);
                }
                set_policy(Policy::Auto);
            })
            .await;
        world.settle().await;
        store_and_wake(&word, 1);
        world.join(job).await;
    }
}

/// W6, where the other agent spins.
pub async fn w6_an_agent_that_must_not_block_sees_the_store(world: &impl World) {
    let word = Arc::new(AtomicU32::new(0));
    let theirs = Arc::clone(&word);
    let job = world
        .spawn(move || {
            set_policy(Policy::Spin);
            assert!(!futex::sleeps());
            assert_eq!(wait(&theirs, 0, None), Outcome::Mismatch);
            set_policy(Policy::Auto);
        })
        .await;
    world.settle().await;
    // No wake.
    word.store(1, Release);
    world.join(job).await;
}

/// W2 or W6, by what this agent is: the window spins, a thread sleeps.
pub async fn w6_this_agent_waits_for_another(world: &impl World) {
    let word = Arc::new(AtomicU32::new(0));
    let theirs = Arc::clone(&word);
    let job = world.spawn(move || store_and_wake(&theirs, 1)).await;
    wait_while(&word, 0);
    world.join(job).await;
}

/// K1.
pub async fn k1_each_wake_ends_one_wait(world: &impl World) {
    let word = Arc::new(AtomicU32::new(0));
    let mut jobs = Vec::new();
    for _ in 0..2 {
        let theirs = Arc::clone(&word);
        jobs.push(world.spawn(move || wait_while(&theirs, 0)).await);
    }
    world.settle().await;
    store_and_wake(&word, 1);
    futex::wake(&*word);
    for job in jobs {
        world.join(job).await;
    }
}

/// K1: the one wake is the sleeper's.
pub async fn k1_a_spinner_takes_no_wake(world: &impl World) {
    let word = Arc::new(AtomicU32::new(0));
    let mut jobs = Vec::new();
    for policy in [Policy::Spin, Policy::Auto] {
        let theirs = Arc::clone(&word);
        let job = move || {
            set_policy(policy);
            wait_while(&theirs, 0);
            set_policy(Policy::Auto);
        };
        jobs.push(world.spawn(job).await);
    }
    world.settle().await;
    store_and_wake(&word, 1);
    for job in jobs {
        world.join(job).await;
    }
}

/// K2.
pub async fn k2_a_wake_does_not_touch_the_word(world: &impl World) {
    on_every_kind_of_agent(world, || {
        let word = Box::new(AtomicU32::new(0));
        futex::wake(&*word);
        let address: *const AtomicU32 = &raw const *word;
        drop(word);
        // Miri and AddressSanitizer would see an access.
        futex::wake(address);
    })
    .await;
}

/// A word for the length of one body; nobody waits for it any more when the body ends.
struct Word(&'static AtomicU32);

impl Word {
    fn new() -> Self {
        Self(Box::leak(Box::new(AtomicU32::new(0))))
    }
}

impl Drop for Word {
    fn drop(&mut self) {
        // SAFETY: from `leak` in `new`; each body has joined its jobs and completed its futures.
        drop(unsafe { Box::from_raw(core::ptr::from_ref(self.0).cast_mut()) });
    }
}

/// A1.
pub async fn a1_a_task_is_told_of_a_mismatch(_: &impl World) {
    let word = Word::new();
    assert_eq!(futex::wait_async(word.0, 1).await, Outcome::Mismatch);
}

/// A2.
pub async fn a2_a_store_and_a_wake_complete_a_task(world: &impl World) {
    let word = Word::new();
    let theirs = word.0;
    let job = world.spawn(move || store_and_wake(theirs, 1)).await;
    while word.0.load(Acquire) == 0 {
        assert_ne!(futex::wait_async(word.0, 0).await, Outcome::TimedOut);
    }
    world.join(job).await;
}

/// A2, where one agent does both: the wake comes while the task waits.
pub async fn a2_an_agent_wakes_its_own_task(_: &impl World) {
    let word = Word::new();
    let mut task = pin!(futex::wait_async(word.0, 0));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(task.as_mut().poll(&mut context), Poll::Pending);
    assert_eq!(task.as_mut().poll(&mut context), Poll::Pending);
    store_and_wake(word.0, 1);
    assert_eq!(task.await, Outcome::Woken);
}

/// K1 for both kinds: a thread and a task wait for one word, two wakes end both.
pub async fn k1_threads_and_tasks_share_an_address(world: &impl World) {
    let word = Word::new();
    let theirs = word.0;
    let sleeper = world.spawn(move || wait_while(theirs, 0)).await;
    let waker = world
        .spawn(move || {
            store_and_wake(theirs, 1);
            futex::wake(theirs);
        })
        .await;
    while word.0.load(Acquire) == 0 {
        futex::wait_async(word.0, 0).await;
    }
    world.join(waker).await;
    world.join(sleeper).await;
}

/// K1: a wake is for its address alone, whoever else waits elsewhere.
pub async fn k1_a_wake_is_for_its_address_alone(world: &impl World) {
    let (ours, theirs) = (Word::new(), Word::new());
    let mut task = pin!(futex::wait_async(ours.0, 0));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(task.as_mut().poll(&mut context), Poll::Pending);
    let word = theirs.0;
    let sleeper = world.spawn(move || wait_while(word, 0)).await;
    world.settle().await;
    store_and_wake(word, 1);
    world.join(sleeper).await;
    assert_eq!(task.as_mut().poll(&mut context), Poll::Pending);
    store_and_wake(ours.0, 1);
    assert_eq!(task.await, Outcome::Woken);
}

/// An agent's id is its own.
pub async fn ids_differ(world: &impl World) {
    let mine = agent::id();
    let job = world
        .spawn(move || {
            assert_ne!(agent::id(), mine);
            assert_ne!(agent::id(), 0);
            assert_eq!(agent::id(), agent::id());
        })
        .await;
    world.join(job).await;
    assert_ne!(mine, 0);
    assert_eq!(agent::id(), mine);
}

/// A timer that has passed is ready at once.
pub async fn a_timer_that_has_passed_is_ready(_: &impl World) {
    Timer::new(Deadline::after(Duration::ZERO)).await;
}

/// What a body needs of the clock: timers complete when it has reached their deadline, not before, and the others stay.
#[cfg(not(web_sync_loom))]
pub async fn timers_complete_in_time(world: &impl World) {
    let far = Timer::new(Deadline::after(Duration::MAX));
    let mut far = pin!(far);
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(far.as_mut().poll(&mut context), Poll::Pending);
    // Whoever serves timers is asleep until the far one now.
    world.settle().await;
    let (first, last) = (in_ms(10), in_ms(25));
    let later = Timer::new(last);
    Timer::new(first).await;
    assert!(first.passed());
    later.await;
    assert!(last.passed());
    assert_eq!(far.as_mut().poll(&mut context), Poll::Pending);
}

/// A timer that is polled after its deadline is ready, whether or not anything has called it.
#[cfg(not(web_sync_loom))]
pub async fn a_late_poll_finds_the_timer_ready(_: &impl World) {
    let deadline = in_ms(5);
    let mut timer = pin!(Timer::new(deadline));
    let mut context = Context::from_waker(Waker::noop());
    // On a busy machine the deadline may have passed already.
    let early = timer.as_mut().poll(&mut context);
    assert!(early.is_pending() || deadline.passed());
    if early.is_ready() {
        return;
    }
    wait_until_timed_out(&AtomicU32::new(0), deadline);
    assert_eq!(timer.as_mut().poll(&mut context), Poll::Ready(()));
}

/// N1: the word differs, or nobody wakes.
pub async fn n1_a_nap_ends_by_itself(_: &impl World) {
    set_policy(Policy::Auto);
    if !futex::may_nap() {
        return;
    }
    let word = AtomicU32::new(1);
    assert_eq!(futex::nap(&word, 0), Outcome::Mismatch);
    while futex::nap(&word, 1) != Outcome::TimedOut {}
}

/// N1. An agent that cannot nap looks on.
pub async fn n1_a_store_and_a_wake_end_a_nap(world: &impl World) {
    let word = Arc::new(AtomicU32::new(0));
    let theirs = Arc::clone(&word);
    let job = world
        .spawn(move || {
            set_policy(Policy::Auto);
            while theirs.load(Acquire) == 0 {
                if futex::may_nap() {
                    futex::nap(&theirs, 0);
                } else {
                    wait(&theirs, 0, None);
                }
            }
        })
        .await;
    world.settle().await;
    word.store(1, Release);
    futex::wake_napper(&raw const *word);
    world.join(job).await;
}
