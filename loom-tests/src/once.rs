//! The once: threads and tasks that call it, wait for it, panic in it, and drop it in the middle.

use core::cell::UnsafeCell;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Waker};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use crate::Scene;
use crate::scene::Stage;
use crate::tasks::next_wake;
use crate::world::{Begun, Data, Event, Tally, bury, poll_once, urgent};
use web_sync::Once;

models![once: two_call, three_call, three_call_and_wake_for_no_reason, one_calls_and_two_wait,
    an_agent_that_must_not_block_waits, a_thread_and_two_tasks_call, tasks_wait, many_tasks_wait, a_waiting_task_is_dropped,
    a_waiting_task_is_dropped_when_woken, a_dropped_run_leaves_the_once_to_a_thread,
    a_dropped_run_leaves_the_once_to_a_task, a_run_moves_to_another_agent, a_panic_leaves_the_once_to_another;
    stale: two_call, one_calls_and_two_wait, tasks_wait, a_panic_leaves_the_once_to_another];

/// What an initialiser makes: nobody else writes to it, and readers have no lock.
#[derive(Default)]
struct Made(UnsafeCell<Data>);

// SAFETY: `add` is called by initialisers, which the once keeps apart; loom, Miri and ThreadSanitizer watch that.
unsafe impl Sync for Made {}

impl Made {
    fn add(&self) {
        // SAFETY: nobody else is here, as above.
        unsafe { (*self.0.get()).add() }
    }

    fn get(&self) -> u32 {
        // SAFETY: nobody writes any more, as above.
        unsafe { (*self.0.get()).get() }
    }
}

/// A once and what it is for.
#[derive(Default)]
struct Site {
    once: Once,
    made: Made,
    /// The steps that initialisers have taken.
    steps: Tally,
    /// The initialisers that have returned.
    returned: Tally,
    begun: Event,
}

impl Site {
    fn step(&self) {
        self.made.add();
        self.steps.add();
    }

    /// The initialiser.
    fn make(&self) {
        self.step();
        self.returned.add();
    }

    /// Nothing of what was made is missing.
    fn look(&self) {
        assert_eq!(self.made.get(), self.steps.get());
    }

    fn call(&self) {
        self.once.call_once(|| self.make());
        self.look();
    }

    fn wait(&self) {
        self.once.wait();
        self.look();
    }

    async fn call_async(self: Arc<Self>) {
        self.once.call_once_async(async || self.make()).await;
        self.look();
    }

    async fn wait_async(self: Arc<Self>) {
        self.once.wait_async().await;
        self.look();
    }

    /// A run that is in the middle, and will be dropped there: its initialiser takes a step when that happens.
    fn run(self: &Arc<Self>) -> Begun<()> {
        let site = Arc::clone(self);
        Begun::new(async move {
            let call = site.once.call_once_async(async || {
                let _left = Left(&site);
                core::future::pending::<()>().await;
            });
            call.await;
        })
    }

    /// One initialiser has returned.
    fn check(&self) {
        assert!(self.once.is_completed());
        assert_eq!(self.returned.get(), 1);
        self.look();
    }
}

/// Takes a step when it is dropped.
struct Left<'a>(&'a Site);

impl Drop for Left<'_> {
    fn drop(&mut self) {
        self.0.step();
    }
}

/// Two threads: one runs the initialiser, the other waits for it, or comes later.
///
/// Seen to fail: the end does not release; the fast path does not acquire; a waiter queues without settling.
#[must_use]
pub fn two_call() -> Scene {
    Stage::new(Site::default())
        .thread(Site::call)
        .thread(Site::call)
        .end(Site::check)
}

/// Three threads: the end of the run meets one that queues while another does (`PENDING`).
///
/// Seen to fail: only the first waiter is woken; a message for the holder of the queue is ignored; who loses the race to begin does not
/// acquire.
#[must_use]
pub fn three_call() -> Scene {
    Stage::new(Site::default())
        .thread(Site::call)
        .thread(Site::call)
        .thread(Site::call)
        .end(Site::check)
}

/// A wait that ends for no reason is no end of a run.
///
/// Seen to fail: only the first waiter is woken; who loses the race to begin does not acquire; a waiter does not set `QUEUED`.
#[must_use]
pub fn three_call_and_wake_for_no_reason() -> Scene {
    Stage::new(Site::default())
        .spurious(1)
        .thread(Site::call)
        .thread(Site::call)
        .thread(Site::call)
        .end(Site::check)
}

/// Two wait, perhaps before a run has begun.
///
/// Seen to fail: a begin forgets who waits (`QUEUED`); only the first waiter is woken; a woken waiter returns without a look (O4).
#[must_use]
pub fn one_calls_and_two_wait() -> Scene {
    Stage::new(Site::default())
        .thread(Site::call)
        .thread(Site::wait)
        .thread(|site| {
            site.once.wait_force();
            site.look();
        })
        .end(Site::check)
}

/// An agent that spins waits beside one that sleeps.
///
/// Seen to fail: a begin forgets who waits (`QUEUED`); a woken waiter returns without a look (O4); who loses the race to begin
/// does not acquire.
#[must_use]
pub fn an_agent_that_must_not_block_waits() -> Scene {
    Stage::new(Site::default())
        .thread(Site::call)
        .thread(|site| urgent(|| site.call()))
        .thread(Site::wait)
        .end(Site::check)
}

/// A thread and two tasks in one queue.
///
/// Seen to fail: only the first waiter is woken; a waiter does not set `QUEUED`; the end does not look at the queue.
#[must_use]
pub fn a_thread_and_two_tasks_call() -> Scene {
    Stage::new(Site::default())
        .thread(Site::call)
        .task(Site::call_async)
        .task(Site::call_async)
        .end(Site::check)
}

/// Tasks wait for a thread, perhaps before its run has begun.
///
/// Seen to fail: a begin forgets who waits (`QUEUED`); a waiter queues without settling; a message for the holder of the queue is ignored.
#[must_use]
pub fn tasks_wait() -> Scene {
    Stage::new(Site::default())
        .thread(Site::call)
        .task(Site::wait_async)
        .task(|site| async move {
            site.once.wait_force_async().await;
            site.look();
        })
        .end(Site::check)
}

/// More tasks wait than one round of wakes has room for, and all but the last do nothing when they are woken: whoever locks the
/// queue would look after the others.
///
/// Seen to fail: the end stops after the first round of wakes; a begin forgets who waits (`QUEUED`); a waiter does not set `QUEUED`.
///
/// LOOM: two agents are enough: what is new is how many rounds the end of the run takes.
#[must_use]
pub fn many_tasks_wait() -> Scene {
    const TASKS: usize = 9;
    async fn wait_all(site: Arc<Site>) {
        let mut waiting: Vec<_> = (0..TASKS)
            .map(|_| Box::pin(Arc::clone(&site).wait_async()))
            .collect();
        let mut last = waiting.pop().expect("there are some");
        for wait in &mut waiting {
            let polled = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending(), "nobody has called");
        }
        assert!(poll_once(last.as_mut()).await.is_pending());
        site.begun.set();
        next_wake().await;
        last.await;
    }
    Stage::new(Site::default())
        .task(wait_all)
        .thread(|site| {
            site.begun.wait();
            site.call();
        })
        .end(Site::check)
}

/// A task that waits is dropped, whether it has been taken out of the queue or not.
///
/// Seen to fail: a dropped future stays in the queue; a woken waiter returns without a look (O4); a waiter queues without settling.
#[must_use]
pub fn a_waiting_task_is_dropped() -> Scene {
    Stage::new(Site::default())
        .thread(Site::call)
        .task(|site| async move {
            let mut wait = Box::pin(site.once.wait_async());
            let _ = poll_once(wait.as_mut()).await;
            bury(wait);
        })
        .thread(Site::wait)
        .end(Site::check)
}

/// One that wants to call is dropped when it has been woken, or before: nobody waits for it (O4).
///
/// Seen to fail: a dropped run is left running; a dropped run completes; a run begins without acquiring; a caller waits for the end,
/// not for a turn; a dropped future stays in the queue; the end does not look at the queue.
#[must_use]
pub fn a_waiting_task_is_dropped_when_woken() -> Scene {
    let site = Arc::<Site>::default();
    let (run, waits) = (site.run(), Begun::new(Arc::clone(&site).call_async()));
    Stage::new(site)
        .thread(move |_| run.bury())
        .thread(move |_| waits.bury())
        .thread(|site| site.call())
        .end(|site| site.check())
}

/// The future of a run is dropped in the middle: a thread that waits runs its own initialiser, and sees what the first one left.
///
/// Seen to fail: a dropped run is left running; a dropped run completes; a run begins without acquiring; a caller waits for the end,
/// not for a turn; a begin forgets who waits (`QUEUED`); the end does not look at the queue.
#[must_use]
pub fn a_dropped_run_leaves_the_once_to_a_thread() -> Scene {
    let site = Arc::<Site>::default();
    let run = site.run();
    Stage::new(site)
        .thread(move |_| run.bury())
        .thread(|site| site.call())
        .thread(|site| site.wait())
        .end(|site| site.check())
}

/// The same with a task that waits.
///
/// Seen to fail: a dropped run is left running; a dropped run completes; a run begins without acquiring; a caller waits for the end,
/// not for a turn; a begin forgets who waits (`QUEUED`); the end does not look at the queue.
#[must_use]
pub fn a_dropped_run_leaves_the_once_to_a_task() -> Scene {
    let site = Arc::<Site>::default();
    let run = site.run();
    Stage::new(site)
        .thread(move |_| run.bury())
        .task(|site| Arc::clone(&*site).call_async())
        .task(|site| Arc::clone(&*site).wait_async())
        .end(|site| site.check())
}

/// A run that was begun by one agent is ended by another. A call on the first one is no recursion then.
///
/// Seen to fail: a suspended run keeps its agent; the end does not release; a waiter does not set `QUEUED`.
#[must_use]
pub fn a_run_moves_to_another_agent() -> Scene {
    type Run = Pin<Box<dyn Future<Output = ()> + Send>>;
    struct Moving {
        site: Arc<Site>,
        run: std::sync::Mutex<Option<Run>>,
        sent: Event,
    }
    let moving = Moving {
        site: Arc::default(),
        run: std::sync::Mutex::default(),
        sent: Event::default(),
    };
    Stage::new(moving)
        .task(|moving| async move {
            let site = Arc::clone(&moving.site);
            let mut run: Run = Box::pin(async move {
                let call = site.once.call_once_async(async || {
                    site.step();
                    next_wake().await;
                    site.make();
                });
                call.await;
            });
            let pending = poll_once(run.as_mut()).await.is_pending();
            assert!(pending, "the initialiser is suspended, or the once is busy");
            *moving.run.lock().unwrap() = Some(run);
            moving.sent.set();
            moving.site.call();
        })
        .task(|moving| async move {
            moving.sent.wait();
            let run = moving.run.lock().unwrap().take();
            run.expect("it has been sent").await;
            moving.site.look();
        })
        .end(|moving| moving.site.check())
}

/// An initialiser panics: another one that does not mind runs, and sees what it left.
///
/// Seen to fail: a panicked run is left running; a waiter for the end leaves at a panic; only the first waiter is woken.
#[must_use]
pub fn a_panic_leaves_the_once_to_another() -> Scene {
    Stage::new(Site::default())
        .thread(|site| {
            let call = || {
                site.once.call_once_force(|_| {
                    site.step();
                    resume_unwind(Box::new(()));
                });
            };
            let _ = catch_unwind(AssertUnwindSafe(call));
        })
        .thread(|site| {
            site.once.call_once_force(|_| site.make());
            site.look();
        })
        .thread(|site| {
            site.once.wait_force();
            site.look();
        })
        .end(Site::check)
}
