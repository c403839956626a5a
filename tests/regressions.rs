//! Bugs that the core once had, one test for each: the name says what must not happen again, the doc what used to.
//!
//! Most need one agent only and run wherever the library does; those with threads run natively. One is seen by Miri alone.

mod common;

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, RawWaker, RawWakerVTable, Wake, Waker};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use common::{Task, poll};
use web_sync::nonpoison::{Condvar, Mutex, MutexGuard, RwLock};
#[cfg(not(target_family = "wasm"))]
use web_sync::{Event, Semaphore, TryAcquireError};

/// Lets a task that waits for the mutex lose to `try_lock` until the mutex is kept for it. Returns how often it lost.
fn lose_until_reserved<T>(mutex: &Mutex<i32>, task: &mut Task<'_, T>) -> usize {
    let mut guard = mutex.try_lock().ok();
    assert!(task.poll().is_none());
    let mut lost = 0;
    loop {
        drop(guard);
        guard = mutex.try_lock().ok();
        if guard.is_none() {
            return lost;
        }
        assert!(task.poll().is_none(), "it waits while the mutex is locked");
        lost += 1;
        assert!(lost < 10_000, "the mutex is never kept for it");
    }
}

/// A notifier moved the waiter of a `wait_async` future to the mutex that it named. Where the future had been leaked, that mutex
/// could be gone, and whatever lay in its place got a waiter that never leaves.
#[test]
fn a_leaked_wait_leaves_nobody_in_a_later_mutex() {
    let condvar = Condvar::new();
    let mut mutex = Box::new(Mutex::new(1));
    std::mem::forget(Task::waiting(condvar.wait_async(mutex.lock())));
    *mutex = Mutex::new(2);

    let guard = mutex.lock();
    condvar.notify_one();
    let task = Task::waiting(mutex.lock_async());
    drop(guard);
    assert_eq!(task.wakes(), 1, "somebody else is the first to wait");
    assert_eq!(*task.finish(), 2);
}

/// A notification after the mutex of a leaked wait was freed: a use after free, for Miri.
#[test]
fn a_leaked_wait_is_notified_without_its_mutex() {
    let condvar = Condvar::new();
    let mutex = Box::new(Mutex::new(1));
    std::mem::forget(Task::waiting(condvar.wait_async(mutex.lock())));
    drop(mutex);
    condvar.notify_one();
}

/// A downgrade could add one reader to the most that fit: the count wrapped to none, and a writer came in beside sixteen million.
#[cfg(not(miri))]
#[test]
fn a_downgrade_does_not_wrap_the_number_of_readers() {
    let lock = RwLock::new(7);
    let upgradable = lock.upgradable_read();
    let mut readers = 0;
    while let Ok(reader) = lock.try_read() {
        std::mem::forget(reader);
        readers += 1;
    }
    assert!(readers > 1 << 23);
    let last = web_sync::nonpoison::RwLockUpgradableReadGuard::downgrade(upgradable);
    assert!(lock.try_write().is_err());
    assert!(lock.try_read().is_err() && lock.try_upgradable_read().is_err());
    assert_eq!(*last, 7);
}

/// A task behind one that the mutex was kept for was woken by its own poll, over and over: its agent ran nothing else.
#[test]
fn a_task_behind_a_reservation_does_not_wake_itself() {
    let mutex = Mutex::new(0);
    let mut first = Task::new(mutex.lock_async());
    lose_until_reserved(&mutex, &mut first);
    let mut second = Task::waiting(mutex.lock_async());
    let third = Task::waiting(mutex.lock_async());
    for _ in 0..10 {
        assert!(second.poll().is_none());
    }
    assert_eq!((second.wakes(), third.wakes()), (0, 0));
    // Nobody is forgotten for it.
    drop(first.finish());
    assert_eq!((second.wakes(), third.wakes()), (1, 0));
    drop(second);
    assert_eq!(third.wakes(), 1);
    drop(third.finish());
}

/// The waker of a wait that queues for its mutex was dropped while that mutex's queue was locked. One that uses the mutex when it
/// is dropped hung.
#[test]
fn no_waker_is_dropped_with_a_queue_locked() {
    static MUTEX: Mutex<i32> = Mutex::new(0);
    static CONDVAR: Condvar = Condvar::new();
    static TABLE: RawWakerVTable = RawWakerVTable::new(clone, ignore, ignore, drop_and_queue);
    fn clone(_: *const ()) -> RawWaker {
        RawWaker::new(ptr::null(), &TABLE)
    }
    fn ignore(_: *const ()) {}
    fn drop_and_queue(_: *const ()) {
        let _ = poll(pin!(MUTEX.lock_async()));
    }

    // SAFETY: the functions of the table use no data, and may be called on any thread.
    let waker = unsafe { Waker::new(ptr::null(), &TABLE) };
    let mut context = Context::from_waker(&waker);
    let mut wait = pin!(CONDVAR.wait_async(MUTEX.lock()));
    assert!(wait.as_mut().poll(&mut context).is_pending());
    let guard = MUTEX.lock();
    CONDVAR.notify_one();
    for _ in 0..2 {
        assert!(wait.as_mut().poll(&mut context).is_pending());
    }
    drop(guard);
    assert!(wait.poll(&mut context).is_ready());
}

/// A mutex, and what waits with it.
struct Site(Mutex<i32>, Condvar);

/// A task that waits there.
type Waiting = Task<'static, MutexGuard<'static, i32>>;

impl Site {
    const fn new() -> Self {
        Self(Mutex::new(0), Condvar::new())
    }

    fn wait(&'static self) -> Waiting {
        Task::waiting(self.1.wait_async(self.0.lock()))
    }

    /// Notifies all of nine tasks, more than are woken in one go. The waker of the first does `meanwhile`, and the task that comes of that has
    /// to be notified as well.
    fn notify_all(&'static self, meanwhile: fn(&'static Self) -> Waiting) {
        thread_local! {
            static LATE: RefCell<Option<Waiting>> = const { RefCell::new(None) };
        }
        struct Meanwhile(&'static Site, fn(&'static Site) -> Waiting);
        impl Wake for Meanwhile {
            fn wake(self: Arc<Self>) {
                LATE.set(Some(self.1(self.0)));
            }
        }

        let mut first = pin!(self.1.wait_async(self.0.lock()));
        let waker = Waker::from(Arc::new(Meanwhile(self, meanwhile)));
        let polled = first.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        let tasks = [(); 8].map(|()| self.wait());
        self.1.notify_all();
        let late = LATE.take().expect("the first is woken");
        for task in tasks.into_iter().chain([late]) {
            assert_eq!(task.wakes(), 1);
            drop(task.finish());
        }
    }
}

/// A `notify_one` while `notify_all` runs, here out of a waker, could take one whom the other had counted already; who had begun to
/// wait in between was then notified by neither.
#[test]
fn a_notification_during_another_is_not_lost() {
    static SITE: Site = Site::new();
    SITE.notify_all(|site| {
        let late = site.wait();
        site.1.notify_one();
        late
    });
}

/// A `notify_one` while `notify_all` runs took a waiter that the other had counted, and left its own. That one withdrew, with the
/// notification, and who came after it was notified by neither.
#[test]
fn a_notification_during_another_is_not_lost_with_its_waiter() {
    static SITE: Site = Site::new();
    SITE.notify_all(|site| {
        let first = site.wait();
        let late = site.wait();
        site.1.notify_one();
        drop(first);
        late
    });
}

/// An agent that is alone panicked, as if it would wait for ever, where the mutex was free but kept for a task.
#[test]
fn the_only_agent_takes_a_mutex_that_is_kept_for_a_task() {
    let mutex = Mutex::new(0);
    let mut task = Task::new(mutex.lock_async());
    lose_until_reserved(&mutex, &mut task);
    *mutex.lock() += 1;
    assert_eq!(*task.finish(), 1);
}

/// The same where two tasks want to write: one has been woken, and readers let both go first.
#[test]
fn the_only_agent_reads_what_tasks_want_to_write() {
    let lock = RwLock::new(1);
    let writer = lock.write();
    let tasks = [(); 2].map(|()| Task::waiting(lock.write_async()));
    drop(writer);
    assert_eq!(*lock.read(), 1);
    for task in tasks {
        *task.finish() += 1;
    }
    assert_eq!(*lock.read(), 3);
}

#[cfg(not(target_family = "wasm"))]
mod threads {
    use std::pin::Pin;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;
    use std::time::Duration;

    use super::*;
    use common::{LONG, SHORT, Spinning};

    /// A mutex was still the agent's whose guard had gone into a future for another: its next lock was called a deadlock.
    #[test]
    fn a_guard_that_went_into_a_future_is_nobodys() {
        let (mutex, condvar) = (Mutex::new(0), Condvar::new());
        let mut wait = Box::pin(condvar.wait_async(mutex.lock()));
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(SHORT);
                assert!(poll(wait.as_mut()).is_pending());
            });
            *mutex.lock() += 1;
        });
    }

    /// The same with one that another agent has polled already, and for whom the mutex is locked again.
    #[test]
    fn a_guard_that_came_back_from_a_future_is_another_agents() {
        let (mutex, condvar) = (Mutex::new(0), Condvar::new());
        let _spinning = Spinning::new();
        let mut wait = Box::pin(condvar.wait_while_async(mutex.lock(), |_| false));
        let (tell, told) = channel();
        thread::scope(|scope| {
            scope.spawn(move || {
                let guard = poll(wait.as_mut());
                assert!(guard.is_ready());
                tell.send(()).unwrap();
                thread::sleep(SHORT);
            });
            told.recv().unwrap();
            *mutex.lock() += 1;
        });
    }

    /// Behind two tasks that want a mutex a thread was not looked for: it slept while the mutex was free.
    #[test]
    fn two_tasks_do_not_hide_a_thread() {
        let mutex = Mutex::new(0);
        thread::scope(|scope| {
            let guard = mutex.lock();
            let _tasks = [(); 2].map(|()| Task::waiting(mutex.lock_async()));
            let thread = scope.spawn(|| mutex.try_lock_for(LONG).is_ok());
            thread::sleep(SHORT);
            drop(guard);
            wait_for("the thread sleeps", || thread.is_finished());
        });
    }

    /// The same with a mutex that is kept for the first of them: nobody watched whether that one came for it.
    #[test]
    fn two_tasks_do_not_hide_a_thread_behind_a_reservation() {
        let mutex = Mutex::new(0);
        let lost = lose_until_reserved(&mutex, &mut Task::new(mutex.lock_async()));
        thread::scope(|scope| {
            let mut guard = mutex.lock();
            let mut first = Task::waiting(mutex.lock_async());
            for _ in 0..lost {
                drop(guard);
                guard = mutex.try_lock().expect("not kept yet");
                assert!(first.poll().is_none());
            }
            let _second = Task::waiting(mutex.lock_async());
            let thread = scope.spawn(|| mutex.try_lock_for(LONG).is_ok());
            thread::sleep(SHORT);
            drop(guard);
            wait_for("the thread sleeps", || thread.is_finished());
        });
    }

    /// Does `act` while a thread waits by `wait`, behind as many tasks as are woken at one time, of which the first keeps `act` from coming
    /// to the thread: until the thread goes on. What that had to say.
    fn behind_a_slow_waker<F: Future, R: Send>(
        task: impl Fn() -> F,
        wait: impl FnOnce() -> R + Send,
        act: impl FnOnce(),
    ) -> R {
        struct Slow {
            gone_on: std::sync::Mutex<Receiver<()>>,
            in_vain: AtomicBool,
        }
        impl Wake for Slow {
            fn wake(self: Arc<Self>) {
                let gone_on = self.gone_on.lock().unwrap();
                let in_vain = gone_on.recv_timeout(Duration::from_secs(10)).is_err();
                self.in_vain.store(in_vain, Ordering::SeqCst);
            }
        }
        let (goes_on, gone_on) = channel();
        let slow = Arc::new(Slow {
            gone_on: std::sync::Mutex::new(gone_on),
            in_vain: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&slow));
        let mut tasks: Vec<_> = (0..8).map(|_| Box::pin(task())).collect();
        for (number, task) in tasks.iter_mut().enumerate() {
            let waker = if number == 0 { &waker } else { Waker::noop() };
            assert!(
                task.as_mut()
                    .poll(&mut Context::from_waker(waker))
                    .is_pending()
            );
        }
        thread::scope(|scope| {
            let thread = scope.spawn(move || {
                let said = wait();
                goes_on.send(()).unwrap();
                said
            });
            thread::sleep(SHORT);
            act();
            let said = thread.join().unwrap();
            assert!(!slow.in_vain.load(Ordering::SeqCst), "the thread waits");
            said
        })
    }

    /// A thread whose time was over said so, although the event had been set and the semaphore had permits, or was closed: who had done that
    /// had not come to the thread yet.
    #[test]
    fn a_time_out_takes_a_last_look_at_what_it_waited_for() {
        let event = Event::new();
        let waited = behind_a_slow_waker(
            || event.wait_async(),
            || event.wait_timeout(32 * SHORT),
            || event.set(),
        );
        assert!(!waited.timed_out());

        let semaphore = Semaphore::new(0);
        let acquired = behind_a_slow_waker(
            || semaphore.acquire_async(),
            || semaphore.try_acquire_for(32 * SHORT).map(drop),
            || semaphore.close(),
        );
        assert_eq!(acquired, Err(TryAcquireError::Closed));
    }

    /// The second of two who set an event relied on the first to let all go who wait.
    #[test]
    fn whoever_sets_an_event_lets_all_go() {
        let event = Event::new();
        behind_a_slow_waker(
            || event.wait_async(),
            || event.wait(),
            || {
                thread::scope(|scope| {
                    scope.spawn(|| event.set());
                    thread::sleep(SHORT);
                    event.set();
                });
            },
        );
    }

    /// A thread whose wait timed out panicked where a task of its own agent had the mutex by then, and its caller was left with a
    /// guard of a mutex that the task held.
    #[test]
    fn a_time_out_waits_for_a_task_of_the_same_agent() {
        type Boxed = Pin<Box<dyn Future<Output = ()>>>;
        thread_local! {
            static TASK: RefCell<Option<Boxed>> = const { RefCell::new(None) };
        }
        /// Runs the task where it is woken, as some executors do.
        struct Inline;
        impl Wake for Inline {
            fn wake(self: Arc<Self>) {
                let waker = Waker::from(self);
                TASK.with_borrow_mut(|task| {
                    let task = task.as_mut().unwrap().as_mut();
                    let _ = task.poll(&mut Context::from_waker(&waker));
                });
            }
        }
        struct Sent(MutexGuard<'static, i32>);
        // SAFETY: the mutex does not mind which thread unlocks it, and the number is `Send`.
        unsafe impl Send for Sent {}

        static MUTEX: Mutex<i32> = Mutex::new(0);
        let (sender, receiver): (Sender<Sent>, _) = channel();
        let mut guard = MUTEX.lock();
        TASK.set(Some(Box::pin(async move {
            let guard = MUTEX.lock_async().await;
            sender.send(Sent(guard)).unwrap();
        })));
        Arc::new(Inline).wake();
        let other = thread::spawn(move || {
            let mut theirs = receiver.recv().unwrap();
            thread::sleep(3 * SHORT);
            *theirs.0 = 1;
        });
        assert!(Condvar::new().wait_timeout(&mut guard, SHORT).timed_out());
        assert_eq!(*guard, 1, "we have the mutex after the task");
        drop(guard);
        other.join().unwrap();
    }

    /// `notify_all` took whoever was first, as many as had waited when it began. One that need not queue behind the others, since
    /// it must not sleep, could come meanwhile and take the place of one of them.
    #[test]
    fn notify_all_reaches_all_who_waited() {
        static BEGUN: AtomicBool = AtomicBool::new(false);
        /// Keeps the notifier for a while.
        struct Slow;
        impl Wake for Slow {
            fn wake(self: Arc<Self>) {
                BEGUN.store(true, Ordering::SeqCst);
                thread::sleep(3 * SHORT);
            }
        }

        let (mutex, condvar) = (Mutex::new(0), Condvar::new());
        thread::scope(|scope| {
            scope.spawn(|| {
                let _spinning = Spinning::new();
                wait_for("notify_all runs", || BEGUN.load(Ordering::SeqCst));
                condvar.wait_timeout(&mut mutex.lock(), 10 * SHORT);
            });
            let mut slow = pin!(condvar.wait_async(mutex.lock()));
            let waker = Waker::from(Arc::new(Slow));
            assert!(
                slow.as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
            let tasks = [(); 8].map(|()| Task::waiting(condvar.wait_async(mutex.lock())));
            condvar.notify_all();
            assert_eq!(tasks.each_ref().map(Task::wakes), [1; 8]);
        });
    }

    /// A queue was locked with the pointer to its first waiter that had been seen before, although another waiter could stand at the same
    /// address by then: for Miri.
    #[test]
    fn a_waiter_at_the_address_of_another_is_not_taken_for_it() {
        let mutex = Mutex::new(0);
        let guard = mutex.lock();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..if cfg!(miri) { 40 } else { 1000 } {
                        let mut lock = Box::pin(mutex.lock_async());
                        assert!(poll(lock.as_mut()).is_pending());
                    }
                });
            }
        });
        drop(guard);
        assert!(mutex.try_lock().is_ok());
    }

    /// Waits until it is true; fails after a few seconds.
    #[track_caller]
    fn wait_for(what: &str, is: impl Fn() -> bool) {
        for _ in 0..500 {
            if is() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("{what}");
    }
}
