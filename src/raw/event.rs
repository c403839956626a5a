//! The event: threads and tasks that wait until something that lies elsewhere may have changed.
//!
//! A waiter *links itself, then looks, then waits*; a notifier *changes what they look at, then looks whether anybody waits*. To be
//! notified is a hint to look again, and no more: whoever comes first may take what a notification was sent for, and the waiter that
//! finds nothing joins again, in front.
//!
//! ```text
//! waiter                          notifier
//!   link                            change
//!   fence A                         fence B
//!   look at what may change         look whether anybody is linked
//! ```
//!
//! Of the two fences one comes first in the order of all of them. If A does, the notifier sees the waiter linked, and notifies it.
//! If B does, the waiter sees the change. So nobody sleeps beside a change that he has not seen.
//!
//! A notification never waits. Where another agent has the queue locked, the number is left in [`RawEvent::owed`], and that agent
//! acts on it before it unlocks (`PENDING`).
//!
//! # Invariants
//!
//! - **E1** Whoever locks the queue unlocks it by [`RawEvent::act`], which pays what is owed whenever it was told to.
//! - **E2** A notification takes the first waiter out of the queue. That it is in the queue no more *is* the notification, for tasks
//!   as well (Q4).
//! - **E3** A notified waiter looks before it waits again, or passes the notification on: when it is dropped, and also when it
//!   had found by itself what it waited for before it knew of the notification.
//! - **E4** A notification that goes to a task goes to the first thread as well. That thread might be what keeps the task's agent
//!   from running it, and then nobody would look.
//! - **E5** A notification for all marks who is linked when it is acted on, and takes out those that are marked, as many as fit at a
//!   time. (They go before other notifications are paid.) So it ends, and misses none of them, though some have looked in vain and
//!   are in front of the others again. Nobody who is linked later needs it, for he looks after the change.
//!
//! E3 makes notifications count: as many waiters are on their way to look as there have been notifications, unless the queue is empty.
//! A primitive that sends one for each thing there is to take needs to send no more. (One that lets things be taken in another order than
//! it announces them has to see to what that leaves open.)

use super::listener::Listener;
use super::served::let_go;
use crate::queue::{Class, Locked, WaitQueue, Waiter, Wakes};
use crate::sys::Call;
use crate::sys::clock::Deadline;
use crate::sys::futex;
use crate::sys::shim::{AtomicU32, Ordering, UnsafeCell, const_new, fence};
use crate::sys::spin::Spin;
use core::pin::pin;

/// As many as there are.
const ALL: u32 = u32::MAX;

/// In [`RawEvent::threads`]: some who are linked may be marked (E5).
const MARKED: u32 = 1 << 31;

/// Somewhere to wait for a change.
pub(crate) struct RawEvent {
    pub(super) queue: WaitQueue,
    /// Notifications that whoever has the queue locked, or locks it for that, is to deliver.
    owed: AtomicU32,
    /// How many threads are linked, and [`MARKED`]. The queue's lock guards it.
    threads: UnsafeCell<u32>,
}

// SAFETY: the queue and the number are atomics, and `threads` is touched with the queue locked.
unsafe impl Sync for RawEvent {}

impl RawEvent {
    const_new! {
        pub(crate) fn new() -> Self {
            Self { queue: WaitQueue::new(), owed: AtomicU32::new(0), threads: UnsafeCell::new(0) }
        }
    }

    /// Whether somebody waits. Who begins to do so after this has been asked looks afterwards.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Sends the first waiter to look, after a change that one can make use of.
    #[inline]
    pub(crate) fn notify_one(&self) {
        self.notify(1);
    }

    /// Sends all waiters to look.
    #[inline]
    pub(crate) fn notify_all(&self) {
        self.notify(ALL);
    }

    #[inline]
    fn notify(&self, count: u32) {
        // Fence B: the caller's change, before the look at the queue.
        // ORDERING: SeqCst, partner of fence A in `Listener::listen`, see the module.
        fence(Ordering::SeqCst);
        if !self.queue.is_empty() {
            self.notify_slow(count);
        }
    }

    #[cold]
    fn notify_slow(&self, count: u32) {
        self.owe(count);
        if let Some(queue) = self.queue.lock_or_pend() {
            self.act(queue, true);
        }
    }

    fn owe(&self, count: u32) {
        // ORDERING: Relaxed; `lock_or_pend`, which comes next, makes the number known to who acts on it.
        let mut owed = self.owed.load(Ordering::Relaxed);
        while let Err(now) = self.owed.compare_exchange_weak(
            owed,
            owed.saturating_add(count),
            Ordering::Relaxed,
            Ordering::Relaxed,
        ) {
            owed = now;
        }
    }

    /// Unlocks the queue and delivers the wakes; before that, pays what is owed, if it is `due` or somebody says so meanwhile (E1).
    pub(super) fn act<'a>(&'a self, mut queue: Locked<'a>, mut due: bool) {
        loop {
            let mut wakes = Wakes::new();
            loop {
                if due {
                    self.pay(&mut queue, &mut wakes);
                }
                match queue.unlock() {
                    Ok(()) => break,
                    Err(pending) => queue = pending,
                }
                due = true;
            }
            let full = wakes.is_full();
            wakes.deliver();
            if !full {
                return;
            }
            // What did not fit is owed still.
            let Some(again) = self.queue.lock_or_pend() else {
                return;
            };
            (queue, due) = (again, true);
        }
    }

    /// Takes out as many waiters as notifications are owed, as long as they fit.
    fn pay(&self, queue: &mut Locked<'_>, wakes: &mut Wakes) {
        // ORDERING: Acquire, partner of fence B in `notify`, which comes before the number was left: whoever is taken out for it sees
        // the change, also where the queue is not locked in between. (Who changes the number exchanges it, so none of them is missed.)
        let mut owed = self.owed.swap(0, Ordering::Acquire);
        if owed == ALL {
            owed = 0;
            queue.mark_notified();
            // SAFETY: the queue is locked.
            self.threads
                .with_mut(|threads| unsafe { *threads |= MARKED });
        }
        if !self.take_marked(queue, wakes) {
            self.owe(owed);
            return;
        }
        while owed > 0 && !queue.first().is_null() {
            if wakes.is_full() {
                self.owe(owed);
                return;
            }
            let first = queue.first();
            // SAFETY: linked in the locked queue (Q1, Q2).
            unsafe {
                self.take(queue, first, wakes);
                if (*first).class == Class::Task
                    && let Some(thread) = self.first_thread(queue)
                {
                    self.take(queue, thread, wakes);
                }
            }
            owed -= 1;
        }
    }

    /// Takes out those that are marked (E5). False: there may be more.
    fn take_marked(&self, queue: &mut Locked<'_>, wakes: &mut Wakes) -> bool {
        // SAFETY: the queue is locked.
        while self.threads.with(|threads| unsafe { *threads }) & MARKED != 0 {
            if wakes.is_full() {
                return false;
            }
            let marked = queue.first_notified();
            // SAFETY: as above; linked in the locked queue (Q1, Q2).
            unsafe {
                if marked.is_null() {
                    self.threads.with_mut(|threads| *threads &= !MARKED);
                } else {
                    self.take(queue, marked, wakes);
                }
            }
        }
        true
    }

    /// Takes a waiter out, notified.
    ///
    /// # Safety
    ///
    /// It is linked in this queue.
    unsafe fn take(&self, queue: &mut Locked<'_>, waiter: *const Waiter, wakes: &mut Wakes) {
        // SAFETY: by contract (Q1, Q2).
        unsafe {
            self.uncount(waiter);
            let_go(queue, waiter, wakes);
        }
    }

    /// The first thread that waits behind tasks.
    fn first_thread(&self, queue: &Locked<'_>) -> Option<*const Waiter> {
        // SAFETY: the queue is locked.
        if self.threads.with(|threads| unsafe { *threads }) & !MARKED == 0 {
            return None;
        }
        let mut waiter = queue.first();
        // SAFETY: linked in the locked queue (Q2).
        while !waiter.is_null() && unsafe { (*waiter).class } == Class::Task {
            waiter = queue.after(waiter);
        }
        (!waiter.is_null()).then_some(waiter)
    }

    /// Links a waiter: behind the others, or before them if it has waited already.
    ///
    /// # Safety
    ///
    /// `waiter` is in no queue, and its owner keeps Q2.
    pub(super) unsafe fn link(&self, waiter: &Waiter, again: bool) {
        let mut queue = self.queue.lock();
        // SAFETY: by contract; the queue is locked.
        unsafe {
            if again {
                queue.push_front(waiter);
            } else {
                queue.push_back(waiter);
            }
            if waiter.class == Class::Thread {
                self.threads.with_mut(|threads| *threads += 1);
            }
        }
        self.act(queue, false);
    }

    /// # Safety
    ///
    /// `waiter` is linked in this queue, which is locked, and about to be taken out.
    unsafe fn uncount(&self, waiter: *const Waiter) {
        // SAFETY: by contract.
        unsafe {
            if (*waiter).class == Class::Thread {
                self.threads.with_mut(|threads| *threads -= 1);
            }
        }
    }

    /// Takes a waiter out, for its owner. False: it has been notified (E2).
    pub(super) fn leave(&self, waiter: &Waiter) -> bool {
        let mut queue = self.queue.lock();
        let linked = queue.holds(waiter);
        if linked {
            // SAFETY: just seen to be linked here.
            unsafe {
                self.uncount(waiter);
                queue.remove(waiter);
            }
        }
        self.act(queue, false);
        linked
    }

    /// Waits until `look`, which has found nothing so far, finds something, or the deadline has passed (`None`). It looks once more
    /// when that has passed. Panics where it would wait for ever.
    #[cold]
    pub(crate) fn wait<R>(
        &self,
        deadline: Option<Deadline>,
        call: &Call,
        mut look: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        if Deadline::is_endless(deadline) {
            futex::refuse_endless(call);
        }
        let mut spin = Spin::new();
        while spin.spin() {
            if let Some(found) = look() {
                return Some(found);
            }
        }
        let mut listener = pin!(Listener::new(self, Class::Thread));
        loop {
            listener.as_mut().listen(None);
            if let Some(found) = look() {
                return Some(found);
            }
            // Who is notified again and again does not ask for the time otherwise.
            let late = deadline.is_some_and(Deadline::passed);
            let in_time = !late && listener.as_mut().wait(deadline, call);
            if let Some(found) = look() {
                return Some(found);
            }
            if !in_time {
                return None;
            }
        }
    }
}

#[cfg(all(target_pointer_width = "32", not(web_sync_loom)))]
const _: () = assert!(size_of::<RawEvent>() == 12);

#[cfg(test)]
mod tests {
    use super::*;
    use core::panic::Location;
    use core::time::Duration;

    /// Notifications that come again and again, each in vain, do not keep it from seeing that the time is over.
    #[test]
    fn a_storm_of_notifications_ends_with_the_time() {
        let event = RawEvent::new();
        let deadline = Deadline::after(Duration::from_millis(20));
        let longest = Deadline::after(Duration::from_secs(5));
        let call = Call {
            name: "test",
            instead: "",
            caller: Location::caller(),
        };
        let found = event.wait(Some(deadline), &call, || {
            event.notify_one();
            longest.passed().then_some(())
        });
        assert_eq!(found, None, "it went on for ever");
        assert!(deadline.passed());
        assert!(event.queue.is_empty());
    }
}
