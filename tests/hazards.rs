//! What goes wrong in other crates' locks for the web, one test for each: named after what must not happen here.
//!
//! Most tests need one agent only, so they run as they are in a window, in a worker, in Node and natively. Those with threads run
//! natively; browser workers run the like in `tests/browser`.

mod common;

use std::cell::Cell;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use common::allocations::allocations;
use common::{LONG, SHORT, Spinning, Task, poll, timed};
use web_sync::{
    Barrier, Condvar, Event, Mutex, Once, OnceLock, RwLock,
    RwLockUpgradableReadGuard as Upgradable, Semaphore, thread,
};

/// A lock whose `Sync` forgets that readers share the data lets two threads use one `Cell`.
#[test]
fn a_lock_of_a_cell_is_not_shared() {
    trait No {
        const SYNC: bool = false;
    }
    impl<T> No for T {}
    struct Probe<T>(PhantomData<T>);
    #[allow(dead_code)]
    impl<T: Sync> Probe<T> {
        const SYNC: bool = true;
    }
    const {
        assert!(!Probe::<RwLock<Cell<i32>>>::SYNC);
        assert!(!Probe::<web_sync::nonpoison::RwLock<Cell<i32>>>::SYNC);
        assert!(!Probe::<web_sync::RwLockReadGuard<'static, Cell<i32>>>::SYNC);
        assert!(!Probe::<web_sync::RwLockWriteGuard<'static, Cell<i32>>>::SYNC);
        assert!(Probe::<RwLock<i32>>::SYNC && Probe::<Mutex<Cell<i32>>>::SYNC);
    }
}

/// A wait that timed out and stays in the queue takes the next notification with it.
#[test]
fn a_timed_out_wait_swallows_no_notification() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    for timeout in [Duration::ZERO, Duration::from_millis(1)] {
        let waited = condvar.wait_timeout(mutex.lock().unwrap(), timeout);
        assert!(waited.unwrap().1.timed_out());
        let task = Task::waiting(condvar.wait_async(mutex.lock().unwrap()));
        condvar.notify_one();
        assert_eq!(task.wakes(), 1);
        drop(task.finish());
    }
}

/// A cancelled wait that stays in the queue takes the next notification with it.
#[test]
fn a_dropped_wait_swallows_no_notification() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let one = Task::waiting(condvar.wait_async(mutex.lock().unwrap()));
    let two = Task::waiting(condvar.wait_async(mutex.lock().unwrap()));
    drop(one);
    condvar.notify_one();
    assert_eq!(two.wakes(), 1);
    drop(two.finish());
}

/// A notification that has reached a wait which is then cancelled is for the next.
#[test]
fn a_wait_that_is_dropped_when_notified_passes_the_notification_on() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let one = Task::waiting(condvar.wait_async(mutex.lock().unwrap()));
    let two = Task::waiting(condvar.wait_async(mutex.lock().unwrap()));
    condvar.notify_one();
    assert_eq!((one.wakes(), two.wakes()), (1, 0));
    drop(one);
    assert_eq!(two.wakes(), 1);
    drop(two.finish());
    assert!(mutex.try_lock().is_ok());

    // The same when it has already been let through to the mutex, and waits there.
    let one = Task::waiting(condvar.wait_async(mutex.lock().unwrap()));
    let mut two = Task::waiting(condvar.wait_async(mutex.lock().unwrap()));
    let guard = mutex.lock().unwrap();
    condvar.notify_one();
    drop(one);
    assert!(two.poll().is_none());
    drop(guard);
    drop(two.finish());
    assert!(mutex.try_lock().is_ok());
}

/// A wake-up that has reached a lock future which is then dropped is for the next.
#[test]
fn a_lock_future_that_is_dropped_when_woken_passes_the_lock_on() {
    let mutex = Mutex::new(0);
    let guard = mutex.lock().unwrap();
    let one = Task::waiting(mutex.lock_async());
    let two = Task::waiting(mutex.lock_async());
    drop(guard);
    assert_eq!((one.wakes(), two.wakes()), (1, 0));
    drop(one);
    assert_eq!(two.wakes(), 1);
    drop(two.finish());
    assert!(mutex.try_lock().is_ok());
}

/// Dropping a condvar on which waits were cancelled is nothing special.
#[test]
fn a_condvar_may_go_after_cancelled_waits() {
    let mutex = Mutex::new(0);
    let condvar = Box::new(Condvar::new());
    drop(Task::waiting(condvar.wait_async(mutex.lock().unwrap())));
    drop(Task::waiting(
        condvar.wait_timeout_async(mutex.lock().unwrap(), LONG),
    ));
    drop(condvar);
    assert!(mutex.try_lock().is_ok());
}

/// Cancelled waiters leave nothing in the queue that grows, or that the next unlock has to clean up.
#[test]
fn cancelled_waiters_leave_nothing_behind() {
    const MANY: usize = if cfg!(miri) { 100 } else { 10_000 };
    let (mutex, condvar, lock) = (Mutex::new(0), Condvar::new(), RwLock::new(0));
    let (once, event) = (Once::new(), Event::new());
    let (barrier, semaphore) = (Barrier::new(2), Semaphore::new(1));
    let reader = lock.read().unwrap();
    let count = allocations(|| {
        for _ in 0..MANY {
            let wait = pin!(condvar.wait_async(mutex.lock().unwrap()));
            assert!(poll(wait).is_pending());
            let guard = mutex.lock().unwrap();
            assert!(poll(pin!(mutex.lock_async())).is_pending());
            drop(guard);
            assert!(poll(pin!(lock.write_async())).is_pending());
            let upgradable = lock.upgradable_read().unwrap();
            assert!(poll(pin!(Upgradable::upgrade_async(upgradable))).is_pending());
            assert!(poll(pin!(barrier.wait_async())).is_pending());
            assert!(poll(pin!(semaphore.acquire_many_async(2))).is_pending());
            assert!(poll(pin!(event.wait_async())).is_pending());
            assert!(poll(pin!(once.wait_async())).is_pending());
            assert!(poll(pin!(once.call_once_async(core::future::pending))).is_pending());
        }
        condvar.notify_all();
    });
    assert_eq!(count, 0);
    drop(reader);
    assert!(lock.try_write().is_ok() && mutex.try_lock().is_ok());
    once.call_once(|| ());
    assert!(poll(pin!(barrier.wait_async())).is_pending());
    assert!(semaphore.try_acquire().is_ok());
}

/// A future with a time limit has a timer. To give that up, dropping the future needs no memory.
#[test]
fn dropping_a_timed_wait_allocates_nothing() {
    let (mutex, condvar, lock) = (Mutex::new(0), Condvar::new(), RwLock::new(0));
    let (event, semaphore) = (Event::new(), Semaphore::new(0));
    let wait = Task::waiting(condvar.wait_timeout_async(mutex.lock().unwrap(), LONG));
    let guard = mutex.lock().unwrap();
    let locks = Task::waiting(mutex.try_lock_for_async(LONG));
    let reader = lock.read().unwrap();
    let upgradable = lock.upgradable_read().unwrap();
    let reads = Task::waiting(lock.try_upgradable_read_for_async(LONG));
    let upgrades = Task::waiting(Upgradable::try_upgrade_for_async(upgradable, LONG));
    let writes = Task::waiting(lock.try_write_for_async(LONG));
    let acquires = Task::waiting(semaphore.try_acquire_for_async(LONG));
    let event_waits = Task::waiting(event.wait_timeout_async(LONG));
    let futures = (wait, locks, reads, upgrades, writes, acquires, event_waits);
    assert_eq!(allocations(|| drop(futures)), 0);
    drop((guard, reader));
    assert!(lock.try_write().is_ok() && mutex.try_lock().is_ok());
}

/// No path allocates: not the first lock, not a wait, not a wake. (But an agent's handle is made once.)
#[test]
fn nothing_allocates() {
    let here = thread::current();
    let count = allocations(|| {
        let (mutex, condvar, lock) = (Mutex::new(0), Condvar::new(), RwLock::new(0));
        let guard = mutex.lock().unwrap();
        assert!(mutex.try_lock_for(Duration::from_millis(1)).is_err());
        let mut future = pin!(mutex.lock_async());
        assert!(poll(future.as_mut()).is_pending());
        drop(guard);
        let Poll::Ready(guard) = poll(future) else {
            panic!("the mutex is free")
        };
        let (guard, _) = condvar
            .wait_timeout(guard.unwrap(), Duration::from_millis(1))
            .unwrap();
        let mut wait = pin!(condvar.wait_async(guard));
        assert!(poll(wait.as_mut()).is_pending());
        condvar.notify_one();
        assert!(poll(wait).is_ready());
        let writer = lock.write().unwrap();
        assert!(lock.try_read_for(Duration::from_millis(1)).is_err());
        let mut future = pin!(lock.read_async());
        assert!(poll(future.as_mut()).is_pending());
        drop(writer);
        assert!(poll(future).is_ready());
        let mut park = pin!(thread::park_async());
        assert!(poll(park.as_mut()).is_pending());
        here.clone().unpark();
        assert!(poll(park).is_ready());
        thread::current().unpark();
        thread::park();
        thread::park_timeout(Duration::from_millis(1));
        thread::sleep(Duration::from_millis(1));
        let barrier = Barrier::new(2);
        let mut wait = pin!(barrier.wait_async());
        assert!(poll(wait.as_mut()).is_pending());
        assert!(barrier.wait().is_leader());
        assert!(poll(wait).is_ready());
        let event = Event::new();
        assert!(event.wait_timeout(Duration::from_millis(1)).timed_out());
        let mut wait = pin!(event.wait_async());
        assert!(poll(wait.as_mut()).is_pending());
        event.set();
        event.reset();
        assert!(poll(wait).is_ready());
        let semaphore = Semaphore::new(0);
        assert!(semaphore.try_acquire_for(Duration::from_millis(1)).is_err());
        let mut one = pin!(semaphore.acquire_async());
        let mut two = pin!(semaphore.acquire_async());
        assert!(poll(one.as_mut()).is_pending() && poll(two.as_mut()).is_pending());
        semaphore.add_permits(1);
        assert!(poll(one).is_ready());
        semaphore.close();
        assert!(poll(two).is_ready());
        let place = OnceLock::new();
        let mut wait = pin!(place.wait_async());
        assert!(poll(wait.as_mut()).is_pending());
        assert_eq!(
            poll(pin!(place.get_or_init_async(async || 1))),
            Poll::Ready(&1)
        );
        assert!(poll(wait).is_ready());
        assert_eq!(place.get_or_init(|| 2), place.wait());
    });
    assert_eq!(count, 0);
}

/// Readers that are counted in few bits panic, or overflow into "free".
#[test]
fn a_lock_has_room_for_thousands_of_readers() {
    const MANY: usize = if cfg!(miri) { 300 } else { 70_000 };
    let lock = RwLock::new(1);
    let readers: Vec<_> = (0..MANY).map(|_| lock.read().unwrap()).collect();
    assert!(lock.try_write().is_err());
    let mut writer = Task::waiting(lock.write_async());
    assert!(lock.try_read().is_err());
    assert_eq!(readers.iter().map(|reader| **reader).sum::<usize>(), MANY);
    drop(readers);
    assert!(writer.poll().is_some());
}

/// An unlock that wakes everybody makes all but one wait again.
#[test]
fn an_unlock_wakes_one_waiter() {
    let mutex = Mutex::new(0);
    let guard = mutex.lock().unwrap();
    let tasks: Vec<_> = (0..4).map(|_| Task::waiting(mutex.lock_async())).collect();
    drop(guard);
    assert_eq!(tasks.iter().map(Task::wakes).sum::<usize>(), 1);
}

/// A reader that leaves others behind has nothing to tell to writers.
#[test]
fn only_the_last_reader_wakes_a_writer() {
    let lock = RwLock::new(0);
    let readers = [
        lock.read().unwrap(),
        lock.read().unwrap(),
        lock.read().unwrap(),
    ];
    let writer = Task::waiting(lock.write_async());
    for (left, reader) in readers.into_iter().enumerate() {
        assert_eq!(writer.wakes(), 0, "{left}");
        drop(reader);
    }
    assert_eq!(writer.wakes(), 1);
}

/// A notification that came in time counts, even if nobody looked before the time was over.
#[test]
fn a_wait_that_was_notified_in_time_is_not_timed_out() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    // Long enough for a slow machine to come to the first poll, which begins the wait.
    let timeout = SHORT * 8;
    let task = Task::waiting(condvar.wait_timeout_async(mutex.lock().unwrap(), timeout));
    condvar.notify_one();
    web_sync_testkit::time::spin(timeout);
    assert!(!task.finish().unwrap().1.timed_out());

    // The time is over while it waits for the mutex.
    let mut task = Task::waiting(condvar.wait_timeout_async(mutex.lock().unwrap(), timeout));
    let guard = mutex.lock().unwrap();
    condvar.notify_one();
    web_sync_testkit::time::spin(timeout);
    assert!(task.poll().is_none());
    drop(guard);
    assert!(!task.finish().unwrap().1.timed_out());
}

/// A time-out that is cut to whole milliseconds is none.
#[test]
fn short_time_outs_are_not_cut() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    for micros in [1, 50, 900, 1_900] {
        let timeout = Duration::from_micros(micros);
        let guard = mutex.lock().unwrap();
        let (waited, took) = timed(|| condvar.wait_timeout(guard, timeout));
        let (guard, result) = waited.unwrap();
        assert!(
            result.timed_out() && took >= timeout,
            "{took:?} for {timeout:?}"
        );
        let (got, took) = timed(|| mutex.try_lock_for(timeout).is_ok());
        assert!(!got && took >= timeout, "{took:?} for {timeout:?}");
        drop(guard);
    }
}

/// std's clock panics in a browser: nothing that takes a time may ask it.
#[test]
fn timed_calls_need_no_clock_of_stds() {
    let (mutex, condvar, lock) = (Mutex::new(0), Condvar::new(), RwLock::new(0));
    let short = Duration::from_millis(1);
    let guard = mutex.lock().unwrap();
    assert!(mutex.try_lock_for(short).is_err());
    let (guard, _) = condvar.wait_timeout(guard, short).unwrap();
    let (guard, _) = condvar.wait_timeout_while(guard, short, |_| true).unwrap();
    drop(guard);
    let writer = lock.write().unwrap();
    assert!(lock.try_read_for(short).is_err() && lock.try_write_for(short).is_err());
    assert!(lock.try_upgradable_read_for(short).is_err());
    drop(writer);
    thread::park_timeout(short);
    thread::sleep(short);
}

/// On a main thread a timed wait that returns at once, or that does not look at the condition, makes its caller spin for nothing.
#[test]
fn an_agent_that_must_not_sleep_waits_for_the_whole_time() {
    let _spinning = Spinning::new();
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut looked = 0;
    let (waited, took) = timed(|| {
        condvar.wait_timeout_while(mutex.lock().unwrap(), SHORT, |_| {
            looked += 1;
            true
        })
    });
    assert!(waited.unwrap().1.timed_out() && took >= SHORT, "{took:?}");
    assert!(looked >= 2, "before and after");
    let (waited, took) = timed(|| condvar.wait_timeout(mutex.lock().unwrap(), SHORT));
    assert!(waited.unwrap().1.timed_out() && took >= SHORT, "{took:?}");
}

/// A guard that lives across an await, and a blocking lock on the same agent: the page would freeze without a word.
#[cfg(panic = "unwind")]
#[test]
fn a_lock_that_would_freeze_the_page_panics() {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    let _spinning = Spinning::new();
    let (mutex, lock) = (Mutex::new(0), RwLock::new(0));
    let mut task = Task::new(async {
        let _guards = (
            mutex.lock_async().await.unwrap(),
            lock.write_async().await.unwrap(),
        );
        core::future::pending::<()>().await;
    });
    assert!(task.poll().is_none());
    let panics = |f: &dyn Fn()| catch_unwind(AssertUnwindSafe(f)).is_err();
    assert!(panics(&|| drop(mutex.lock())));
    assert!(panics(&|| drop(lock.read())));
    assert!(panics(&|| drop(lock.write())));
    drop(task);
    assert!(mutex.lock().is_ok() && lock.write().is_ok());
}

/// A once that takes the states of another std for its own waits for ever where it is new, and makes the value again where it
/// has one.
#[test]
fn a_once_lock_makes_its_value_on_an_agent_that_must_not_sleep() {
    static PLACE: OnceLock<i32> = OnceLock::new();
    static ONCE: Once = Once::new();
    let _spinning = Spinning::new();
    assert_eq!(PLACE.get_or_init(|| 1), &1);
    assert_eq!(PLACE.get_or_init(|| unreachable!()), PLACE.wait());
    ONCE.call_once(|| ());
    ONCE.call_once(|| unreachable!());
    ONCE.wait();
}

/// An initialiser that needs what it makes: the page would freeze without a word, or the value would be made twice.
#[cfg(panic = "unwind")]
#[test]
fn an_initialiser_that_needs_what_it_makes_panics() {
    let _spinning = Spinning::new();
    let place = OnceLock::new();
    let text = common::panic_of(|| place.get_or_init(|| *place.get_or_init(|| 1) + 1));
    assert!(text.contains("OnceLock::get_or_init at tests"), "{text}");
    assert_eq!(place.get_or_init(|| 3), &3);

    // In a task of this agent, which cannot go on while the call waits for it.
    let place = OnceLock::<i32>::new();
    let task = Task::waiting(place.get_or_init_async(core::future::pending));
    let text = common::panic_of(|| place.get_or_init(|| 1));
    assert!(text.contains("OnceLock::get_or_init at tests"), "{text}");
    drop(task);
    assert_eq!(place.get_or_init(|| 2), &2);
}

/// A queue that keeps each waker it has seen grows with each poll, and wakes the wrong task.
#[test]
fn a_task_that_is_polled_again_replaces_its_waker() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let guard = mutex.lock().unwrap();
    let mut lock = pin!(mutex.lock_async());
    let wakers: Vec<Arc<Count>> = (0..3).map(|_| Arc::default()).collect();
    let poll_with = |future: core::pin::Pin<&mut dyn Future<Output = _>>, waker: &Arc<Count>| {
        future
            .poll(&mut Context::from_waker(&Waker::from(Arc::clone(waker))))
            .is_pending()
    };
    for waker in &wakers {
        assert!(poll_with(lock.as_mut(), waker));
    }
    assert_eq!(
        wakers.iter().map(Arc::strong_count).collect::<Vec<_>>(),
        [1, 1, 2]
    );
    drop(guard);
    assert_eq!(
        wakers.iter().map(|waker| waker.get()).collect::<Vec<_>>(),
        [0, 0, 1]
    );
    assert!(poll(lock).is_ready());

    let mut wait = pin!(condvar.wait_async(mutex.lock().unwrap()));
    let wakers: Vec<Arc<Count>> = (0..3).map(|_| Arc::default()).collect();
    for waker in &wakers {
        assert!(poll_with(wait.as_mut(), waker));
    }
    assert_eq!(
        wakers.iter().map(Arc::strong_count).collect::<Vec<_>>(),
        [1, 1, 2]
    );
    condvar.notify_all();
    assert_eq!(
        wakers.iter().map(|waker| waker.get()).collect::<Vec<_>>(),
        [0, 0, 1]
    );
    assert!(poll(wait).is_ready());
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A waker is somebody else's code: if it runs or is dropped inside the lock's own lock, it hangs as soon as it uses the lock.
#[test]
fn wakers_may_use_what_wakes_them() {
    #[derive(Default)]
    struct Uses {
        mutex: Mutex<i32>,
        condvar: Condvar,
        used: Count,
    }
    struct OnDrop(Arc<Uses>);
    impl OnDrop {
        fn touch(&self) {
            drop(self.0.mutex.try_lock());
            self.0.condvar.notify_one();
            self.0.used.0.fetch_add(1, Ordering::SeqCst);
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

    let uses = Arc::new(Uses::default());
    let waker = || Waker::from(Arc::new(OnDrop(Arc::clone(&uses))));
    // Woken, replaced and dropped, in the mutex's queue and in the condvar's.
    let guard = uses.mutex.lock().unwrap();
    let mut lock = pin!(uses.mutex.lock_async());
    for _ in 0..2 {
        assert!(
            lock.as_mut()
                .poll(&mut Context::from_waker(&waker()))
                .is_pending()
        );
    }
    drop(guard);
    let Poll::Ready(guard) = lock.poll(&mut Context::from_waker(&waker())) else {
        panic!("the mutex is free");
    };
    let mut wait = pin!(uses.condvar.wait_async(guard.unwrap()));
    for _ in 0..2 {
        assert!(
            wait.as_mut()
                .poll(&mut Context::from_waker(&waker()))
                .is_pending()
        );
    }
    uses.condvar.notify_one();
    assert!(wait.poll(&mut Context::from_waker(&waker())).is_ready());
    {
        let mut cancelled = pin!(uses.condvar.wait_async(uses.mutex.lock().unwrap()));
        assert!(
            cancelled
                .as_mut()
                .poll(&mut Context::from_waker(&waker()))
                .is_pending()
        );
    }
    assert!(uses.used.get() >= 7, "{}", uses.used.get());
    assert!(uses.mutex.try_lock().is_ok());
}

#[cfg(not(target_family = "wasm"))]
mod threads {
    use super::*;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    /// Tokens that others leave for `thread::park` are not ours: they end no wait.
    #[test]
    fn park_tokens_end_no_wait() {
        let (mutex, condvar) = (Mutex::new(0), Condvar::new());
        for _ in 0..3 {
            thread::current().unpark();
            let guard = mutex.lock().unwrap();
            let (waited, took) = timed(|| condvar.wait_timeout(guard, SHORT));
            assert!(waited.unwrap().1.timed_out() && took >= SHORT, "{took:?}");
        }
        thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                drop(
                    condvar
                        .wait_while(mutex.lock().unwrap(), |go| *go == 0)
                        .unwrap(),
                );
            });
            for _ in 0..10 {
                waiter.thread().unpark();
                thread::yield_now();
            }
            *mutex.lock().unwrap() = 1;
            condvar.notify_one();
        });
    }

    /// Readers that come and go without a gap leave none for a writer, unless they let it go first.
    #[test]
    fn readers_do_not_starve_a_writer() {
        let lock = RwLock::new(0);
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut reader = lock.read().unwrap();
                    while !done.load(Ordering::Relaxed) {
                        // The next one before the last one goes, where that needs no waiting.
                        reader = match lock.try_read() {
                            Ok(next) => next,
                            Err(_) => {
                                drop(reader);
                                lock.read().unwrap()
                            }
                        };
                    }
                    drop(reader);
                });
            }
            for _ in 0..20 {
                let got = lock.try_write_for(LONG);
                *got.expect("a writer waits for a minute") += 1;
            }
            done.store(true, Ordering::Relaxed);
        });
        assert_eq!(lock.into_inner().unwrap(), 20);
    }

    /// A waiter that is registered nowhere has to be lucky to see the change: this one is notified.
    #[test]
    fn a_wait_of_an_agent_that_must_not_sleep_is_registered() {
        let (mutex, condvar) = (Mutex::new(0), Condvar::new());
        thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let _spinning = Spinning::new();
                let mut guard = mutex.lock().unwrap();
                *guard = 1;
                drop(condvar.wait(guard).unwrap());
            });
            while *mutex.lock().unwrap() == 0 {
                thread::yield_now();
            }
            thread::sleep(SHORT);
            assert!(!waiter.is_finished(), "it does not wait");
            condvar.notify_one();
        });
    }

    /// A value that another thread makes: an agent that must not sleep sees it, and is not woken for something else.
    #[test]
    fn a_once_lock_that_another_thread_fills_does_not_hang() {
        let (place, begun) = (OnceLock::new(), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                place.get_or_init(|| {
                    begun.store(true, Ordering::SeqCst);
                    thread::sleep(SHORT);
                    1
                });
            });
            while !begun.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            let _spinning = Spinning::new();
            assert_eq!(place.get_or_init(|| unreachable!()), &1);
        });
    }

    /// Locking, waiting, unlocking and notifying under contention, by sleepers and spinners: no allocation on any side.
    #[test]
    fn contention_allocates_nothing() {
        const ROUNDS: u32 = if cfg!(miri) { 20 } else { 500 };
        let (mutex, condvar) = (Mutex::new(0), Condvar::new());
        thread::scope(|scope| {
            for side in 0..3 {
                let (mutex, condvar) = (&mutex, &condvar);
                scope.spawn(move || {
                    let _spinning = (side == 2).then(Spinning::new);
                    let count = allocations(|| {
                        for _ in 0..ROUNDS {
                            let guard = mutex.lock().unwrap();
                            let mut turn =
                                condvar.wait_while(guard, |turn| *turn % 3 != side).unwrap();
                            *turn += 1;
                            condvar.notify_all();
                        }
                    });
                    assert_eq!(count, 0);
                });
            }
        });
    }
}
