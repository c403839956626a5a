use super::*;
use core::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::thread;

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Two tasks that wait: how often they were woken, after `act`.
fn wakes_of_two(act: impl FnOnce(&RawCondvar)) -> usize {
    let (mutex, condvar) = (RawMutex::new(), RawCondvar::new());
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let wait = || {
        assert!(mutex.try_lock());
        // SAFETY: just locked, and nobody else unlocks it.
        unsafe { condvar.wait_async(&mutex) }
    };
    let (mut first, mut second) = (pin!(wait()), pin!(None));
    let mut context = Context::from_waker(&waker);
    assert!(first.as_mut().poll(&mut context).is_pending());
    second.set(Some(wait()));
    let second = second.as_mut().as_pin_mut().unwrap();
    assert!(second.poll(&mut context).is_pending());
    act(&condvar);
    wakes.0.load(Ordering::SeqCst)
}

#[test]
fn a_notifier_leaves_it_to_who_works_on_the_queue() {
    let notify: [fn(&RawCondvar); 2] = [RawCondvar::notify_one, RawCondvar::notify_all];
    for notify in notify {
        let woken = wakes_of_two(|condvar| {
            let queue = condvar.queue.lock();
            // This returned only when the queue was unlocked: never, here.
            notify(condvar);
            let owed = unlock(queue);
            assert_eq!(owed, 2);
            condvar.notify_owed(owed);
        });
        assert_eq!(woken, 2);
    }
}

#[test]
fn one_notification_is_for_one() {
    assert_eq!(wakes_of_two(RawCondvar::notify_one), 1);
}

#[test]
fn a_notifier_wakes_a_thread_whose_mutex_somebody_works_on() {
    let (mutex, condvar) = (RawMutex::new(), RawCondvar::new());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            mutex.lock();
            // SAFETY: just locked, by this thread.
            unsafe {
                condvar.wait(&mutex);
                mutex.unlock();
            }
        });
        while condvar.queue.is_empty() {
            thread::yield_now();
        }
        mutex.lock();
        let queue = mutex.lock_ref().queue.lock();
        condvar.notify_one();
        assert!(condvar.queue.is_empty() && queue.first().is_null());
        mutex.lock_ref().settle(queue);
        assert!(!waiting.is_finished());
        // SAFETY: locked above, by this thread.
        unsafe { mutex.unlock() };
    });
}
