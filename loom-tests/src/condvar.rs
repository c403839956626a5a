//! The condition variable, with threads and tasks.

use core::pin::Pin;
use std::sync::Arc;

use crate::Scene;
use crate::scene::Stage;
use crate::tasks::next_wake;
use crate::world::{Data, Event, Flag, SOON, bury, pass_time, pause, poll_once, urgent};
use web_sync::agent::may_block;
use web_sync::nonpoison::{Condvar, Mutex, MutexGuard};

models![condvar: a_thread_waits, a_task_waits, notified_after_unlocking, two_threads_wait_for_all, both_kinds_wait_for_all,
    two_tasks_wait_for_all, many_tasks_wait_for_all, each_gets_one, each_kind_gets_one, two_notify_at_once, one_notifies_while_all_are,
    an_agent_that_must_not_block_goes_first, a_time_out_does_not_take_a_notification,
    a_task_that_times_out_does_not_take_a_notification, a_dropped_future_passes_its_notification_on,
    a_dropped_future_passes_its_notification_on_to_a_task, a_dropped_future_unlocks_once, waits_with_two_mutexes,
    a_mutex_may_end_with_its_waiter;
    stale: a_thread_waits, a_task_waits];

/// What the mutex guards.
#[derive(Default)]
struct Inside {
    /// Who waits, or has waited.
    waiting: u32,
    open: bool,
    tokens: u32,
    /// Who had the mutex, in which order, and whether it may block.
    order: Vec<(char, bool)>,
    /// Races if the mutex does not exclude.
    data: Data,
}

#[derive(Default)]
struct Room {
    mutex: Mutex<Inside>,
    /// The door has been opened.
    opened: Condvar,
    /// Somebody has begun to wait.
    came: Condvar,
    /// Somebody waits no more.
    left: Flag,
    all_came: Event,
    all_notified: Event,
}

impl Room {
    /// Waits until the door is open.
    fn wait(&self) {
        let mut guard = self.mutex.lock();
        self.opened.wait_while(&mut guard, |inside| !inside.open);
        guard.data.add();
    }

    async fn wait_async(self: Arc<Self>) {
        let guard = self.mutex.lock_async().await;
        let mut guard = self
            .opened
            .wait_while_async(guard, |inside| !inside.open)
            .await;
        guard.data.add();
    }

    /// Counts itself, waits for one notification, however it ends.
    fn come<'a>(&'a self, name: char) -> MutexGuard<'a, Inside> {
        let mut guard = self.mutex.lock();
        guard.waiting += 1;
        self.came.notify_all();
        self.opened.wait(&mut guard);
        guard.order.push((name, may_block()));
        guard.data.add();
        guard
    }

    /// Waits until so many have come, and are waiting.
    fn until_came(&self, count: u32) -> MutexGuard<'_, Inside> {
        let mut guard = self.mutex.lock();
        self.came
            .wait_while(&mut guard, |inside| inside.waiting < count);
        guard
    }

    fn open(&self) -> MutexGuard<'_, Inside> {
        let mut guard = self.mutex.lock();
        guard.open = true;
        guard.data.add();
        guard
    }

    fn open_for_all(&self) {
        let guard = self.open();
        self.opened.notify_all();
        drop(guard);
    }

    /// Everybody has been here.
    fn check(&self, count: u32) {
        let guard = self.mutex.try_lock().expect("nobody holds it");
        assert_eq!(guard.data.get(), count);
    }
}

/// A notification under the mutex finds who waits.
///
/// Seen to fail: a thread releases the mutex before it waits (C1); a signal is read without acquiring; a signal does not
/// release.
#[must_use]
pub fn a_thread_waits() -> Scene {
    Stage::new(Room::default())
        .thread(Room::wait)
        .thread(Room::open_for_all)
        .end(|room| room.check(2))
}

/// The same for a task.
///
/// Seen to fail: a task releases the mutex before it waits (C1); a task's claim does not acquire; a task queues without
/// settling.
#[must_use]
pub fn a_task_waits() -> Scene {
    Stage::new(Room::default())
        .task(Room::wait_async)
        .thread(Room::open_for_all)
        .end(|room| room.check(2))
}

/// A notification after the mutex was released goes to a thread that finds the mutex free, or taken by somebody else.
///
/// Seen to fail: a thread releases the mutex before it waits (C1); a signal is read without acquiring; a signal does not
/// release.
#[must_use]
pub fn notified_after_unlocking() -> Scene {
    Stage::new(Room::default())
        .thread(Room::wait)
        .thread(|room| {
            drop(room.open());
            room.opened.notify_one();
        })
        .thread(|room| room.mutex.lock().data.add())
        .end(|room| room.check(3))
}

/// Nobody is forgotten.
///
/// Seen to fail: a thread releases the mutex before it waits (C1); a signal is read without acquiring; a signal does not
/// release.
#[must_use]
pub fn two_threads_wait_for_all() -> Scene {
    Stage::new(Room::default())
        .thread(Room::wait)
        .thread(Room::wait)
        .thread(Room::open_for_all)
        .end(|room| room.check(3))
}

/// A thread and a task.
///
/// Seen to fail: a notification of all stops at another mutex or another kind of waiter; a task releases the mutex before it
/// waits (C1); a thread releases the mutex before it waits (C1).
#[must_use]
pub fn both_kinds_wait_for_all() -> Scene {
    Stage::new(Room::default())
        .thread(Room::wait)
        .task(Room::wait_async)
        .thread(Room::open_for_all)
        .end(|room| room.check(3))
}

/// Two tasks.
///
/// Seen to fail: a task releases the mutex before it waits (C1); a task's claim does not acquire; a woken task that lost is
/// never woken again.
#[must_use]
pub fn two_tasks_wait_for_all() -> Scene {
    Stage::new(Room::default())
        .task(Room::wait_async)
        .task(Room::wait_async)
        .thread(Room::open_for_all)
        .end(|room| room.check(3))
}

/// More tasks on one agent than are woken in one go. Then they want the mutex one after the other.
///
/// Seen to fail: a notification of all stops after the first go.
#[must_use]
pub fn many_tasks_wait_for_all() -> Scene {
    const TASKS: u32 = 9;
    async fn wait_all(room: Arc<Room>) {
        let waits = (0..TASKS).map(|_| Box::pin(Arc::clone(&room).wait_async()));
        let all_wait = || {
            room.all_came.set();
            room.all_notified.wait();
        };
        run_all(waits.collect(), all_wait).await;
    }
    Stage::new(Room::default())
        .task(wait_all)
        .thread(|room| {
            room.all_came.wait();
            let guard = room.open();
            room.opened.notify_all();
            room.all_notified.set();
            drop(guard);
        })
        .end(|room| room.check(TASKS + 1))
}

impl Room {
    /// Waits for a token and takes it.
    fn take(&self) {
        let mut guard = self.mutex.lock();
        self.opened
            .wait_while(&mut guard, |inside| inside.tokens == 0);
        guard.tokens -= 1;
        guard.data.add();
    }

    async fn take_async(self: Arc<Self>) {
        let guard = self.mutex.lock_async().await;
        let waited = self
            .opened
            .wait_while_async(guard, |inside| inside.tokens == 0);
        let mut guard = waited.await;
        guard.tokens -= 1;
        guard.data.add();
    }

    /// Brings two tokens, with one notification for each.
    fn bring_two(&self) {
        let mut guard = self.mutex.lock();
        guard.tokens += 2;
        self.opened.notify_one();
        self.opened.notify_one();
    }
}

/// Two notifications are for two waiters.
///
/// Seen to fail: a thread releases the mutex before it waits (C1); a woken thread that takes the lock does not say that others
/// wait (L3); the fast path does not acquire.
#[must_use]
pub fn each_gets_one() -> Scene {
    Stage::new(Room::default())
        .thread(Room::bring_two)
        .thread(Room::take)
        .thread(Room::take)
        .end(|room| room.check(2))
}

/// The same for a thread and a task.
///
/// Seen to fail: a task releases the mutex before it waits (C1); a thread releases the mutex before it waits (C1); a task's
/// claim does not acquire.
#[must_use]
pub fn each_kind_gets_one() -> Scene {
    Stage::new(Room::default())
        .thread(Room::bring_two)
        .thread(Room::take)
        .task(Room::take_async)
        .end(|room| room.check(2))
}

impl Room {
    /// Waits for two tokens, as two tasks of one agent.
    async fn take_two_async(self: Arc<Self>) {
        let takes = [(); 2].map(|()| Box::pin(Arc::clone(&self).take_async()));
        run_all(takes.into(), || self.all_came.set()).await;
    }

    /// Waits, and notifies one as soon as it does.
    async fn wait_and_notify(self: Arc<Self>) {
        let wait = Box::pin(Arc::clone(&self).wait_async());
        run_all(vec![wait], || self.opened.notify_one()).await;
    }

    /// Brings a token to those who wait, and notifies one without the mutex.
    fn bring_one(&self) {
        self.all_came.wait();
        self.mutex.lock().tokens += 1;
        self.opened.notify_one();
    }
}

/// Runs futures on one agent until all are ready, and `all_wait` when each has been polled once.
async fn run_all<F: Future>(mut waiting: Vec<Pin<Box<F>>>, all_wait: impl FnOnce()) {
    let mut all_wait = Some(all_wait);
    loop {
        let mut still = Vec::new();
        for mut future in waiting {
            if poll_once(future.as_mut()).await.is_pending() {
                still.push(future);
            }
        }
        waiting = still;
        if let Some(all_wait) = all_wait.take() {
            all_wait();
        } else if !waiting.is_empty() {
            next_wake().await;
        }
        if waiting.is_empty() {
            return;
        }
    }
}

/// Two notifications at once are for two waiters, although one of them is left to who is at work on the other.
///
/// Seen to fail: who unlocks the condvar's queue does not look what it was left (C5).
#[must_use]
pub fn two_notify_at_once() -> Scene {
    Stage::new(Room::default())
        .task(Room::take_two_async)
        .thread(Room::bring_one)
        .thread(Room::bring_one)
        .end(|room| room.check(2))
}

/// A notification of all that has come to its second waiter leaves it to another notifier, who is for one only.
///
/// Seen to fail: who is left a notification counts those only whom it marks itself (C5).
#[must_use]
pub fn one_notifies_while_all_are() -> Scene {
    Stage::new(Room::default())
        .thread(Room::wait)
        .task(Room::wait_and_notify)
        .thread(Room::open_for_all)
        .end(|room| room.check(3))
}

/// An agent that must not block gets the mutex at the next unlock: before a thread that came first, and before the one that
/// unlocks and locks again at once.
///
/// Seen to fail: an agent that must not block is sent to compete; an agent that must not block has no rank; a thread releases
/// the mutex before it waits (C1).
#[must_use]
pub fn an_agent_that_must_not_block_goes_first() -> Scene {
    Stage::new(Room::default())
        .thread(|room| drop(room.come('a')))
        .thread(|room| {
            drop(room.until_came(1));
            urgent(|| drop(room.come('u')));
        })
        .thread(|room| {
            let guard = room.until_came(2);
            room.opened.notify_all();
            drop(guard);
            room.mutex.lock().order.push(('z', may_block()));
        })
        .end(|room| {
            let guard = room.mutex.try_lock().expect("nobody holds it");
            // 'u', unless a window, which must not block either, plays another role.
            assert!(!guard.order[0].1, "{:?}", guard.order);
            assert_eq!(guard.order.len(), 3);
        })
}

impl Room {
    /// Waits for the only notification, unless it has been sent to nobody.
    fn wait_patiently(&self) {
        let mut guard = self.mutex.lock();
        if !guard.open {
            guard.waiting += 1;
            self.opened.wait(&mut guard);
        }
        guard.data.add();
    }

    async fn wait_patiently_async(self: Arc<Self>) {
        let mut guard = self.mutex.lock_async().await;
        if !guard.open {
            guard.waiting += 1;
            guard = self.opened.wait_async(guard).await;
        }
        guard.data.add();
    }

    /// Sends the only notification there is if the patient one waits, beside another or alone. Otherwise says that there is none.
    fn notify_once(&self) {
        let mut guard = self.mutex.lock();
        guard.open = true;
        if guard.waiting > 0 {
            self.opened.notify_one();
        }
    }
}

/// One of two waiters gives up. The only notification reaches the other, or the one, who then passes it on.
///
/// Seen to fail: a thread's time-out throws away the notification that came first; a thread releases the mutex before it waits
/// (C1); a woken thread that takes the lock does not say that others wait (L3).
#[must_use]
pub fn a_time_out_does_not_take_a_notification() -> Scene {
    Stage::new(Room::default())
        .timeouts(1)
        .thread(|room| {
            let mut guard = room.mutex.lock();
            let timed_out = room.opened.wait_timeout(&mut guard, SOON).timed_out();
            guard.data.add();
            if !timed_out {
                room.opened.notify_one();
            }
        })
        .thread(Room::wait_patiently)
        .thread(Room::notify_once)
        .end(|room| room.check(2))
}

/// The same for a task.
///
/// Seen to fail: a task's time-out throws away the notification that came first; a thread releases the mutex before it waits
/// (C1); a task's claim does not acquire.
#[must_use]
pub fn a_task_that_times_out_does_not_take_a_notification() -> Scene {
    Stage::new(Room::default())
        .task(|room| async move {
            let guard = room.mutex.lock_async().await;
            let (mut guard, result) = room.opened.wait_timeout_async(guard, SOON).await;
            guard.data.add();
            if !result.timed_out() {
                room.opened.notify_one();
            }
            room.left.set();
        })
        .thread(Room::wait_patiently)
        .thread(|room| {
            room.notify_once();
            while !room.left.get() {
                pass_time(SOON);
                pause();
            }
        })
        .end(|room| room.check(2))
}

/// Begins to wait, and does not go on.
async fn wait_and_drop(room: Arc<Room>) {
    let guard = room.mutex.lock_async().await;
    let mut waiting = Box::pin(room.opened.wait_async(guard));
    assert!(poll_once(waiting.as_mut()).await.is_pending());
    bury(waiting);
}

/// A notification that reaches a future just before it is dropped goes to the next waiter.
///
/// Seen to fail: a dropped future keeps its notification; a thread releases the mutex before it waits (C1); a task queues
/// without settling.
#[must_use]
pub fn a_dropped_future_passes_its_notification_on() -> Scene {
    Stage::new(Room::default())
        .task(wait_and_drop)
        .thread(Room::wait_patiently)
        .thread(Room::notify_once)
        .end(|room| room.check(1))
}

/// The same for a task as the next one.
///
/// Seen to fail: a dropped future keeps its notification; a task releases the mutex before it waits (C1); a woken task that
/// lost is never woken again.
#[must_use]
pub fn a_dropped_future_passes_its_notification_on_to_a_task() -> Scene {
    Stage::new(Room::default())
        .task(wait_and_drop)
        .task(Room::wait_patiently_async)
        .thread(Room::notify_once)
        .end(|room| room.check(1))
}

/// Until it is first polled the future is a guard; afterwards it is none until it is ready.
///
/// Seen to fail: a task queues without settling; a woken thread that takes the lock does not say that others wait (L3); the
/// fast path does not acquire.
#[must_use]
pub fn a_dropped_future_unlocks_once() -> Scene {
    Stage::new(Room::default())
        .task(|room| async move {
            let mut guard = room.mutex.lock_async().await;
            guard.data.add();
            drop(room.opened.wait_async(guard));
            wait_and_drop(room).await;
        })
        .thread(|room| room.mutex.lock().data.add())
        .thread(|room| room.mutex.lock().data.add())
        .end(|room| room.check(3))
}

/// One condvar, two mutexes.
#[derive(Default)]
struct House {
    room: Room,
    other: Mutex<Inside>,
}

/// Waiters with different mutexes are all notified, each for its own: both are handed it, so that a wrong one would race.
///
/// Seen to fail: waiters are moved to the queue of whichever mutex comes first; a notification of all stops at another mutex or
/// another kind of waiter.
#[must_use]
pub fn waits_with_two_mutexes() -> Scene {
    Stage::new(House::default())
        .thread(|house| urgent(|| house.room.wait()))
        .thread(|house| {
            urgent(|| {
                let mut guard = house.other.lock();
                let opened = &house.room.opened;
                opened.wait_while(&mut guard, |inside| !inside.open);
                guard.data.add();
            });
        })
        .thread(|house| {
            drop(house.room.open());
            let mut guard = house.other.lock();
            guard.open = true;
            guard.data.add();
            house.room.opened.notify_all();
            drop(guard);
        })
        .end(|house| {
            house.room.check(2);
            assert_eq!(
                house.other.try_lock().expect("nobody holds it").data.get(),
                2
            );
        })
}

/// A mutex may be freed as soon as its waiter has been notified and is done with it, although the notifier is not.
///
/// Seen to fail: the notifier looks at the mutex after its wakes (Q7); a thread that falls asleep overwrites its signal;
/// `lock_or_pend` leaves no message.
#[must_use]
pub fn a_mutex_may_end_with_its_waiter() -> Scene {
    Stage::new(Room::default())
        .thread(|room| {
            let own = Box::new(Mutex::new(Data::default()));
            let mut guard = own.lock();
            room.opened.wait(&mut guard);
            guard.add();
            drop(guard);
            bury(Box::into_pin(own));
            room.left.set();
        })
        .thread(|room| {
            while !room.left.get() {
                room.opened.notify_one();
                pause();
            }
        })
        .end(|room| room.check(0))
}
