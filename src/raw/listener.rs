//! One who may wait for an event, alone or as one of several of the same thread or task.

use super::event::RawEvent;
use crate::queue::{Class, Rank, Waiter, Word};
use crate::sys::Call;
use crate::sys::clock::Deadline;
use crate::sys::drop_waker;
use crate::sys::shim::{Ordering, fence};
use core::mem;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll, Waker};

/// One who may wait for an event: it listens, and can be told that it should look.
///
/// While it listens it is linked, so it is pinned. Dropping it at any moment leaves nothing behind (E3).
pub(crate) struct Listener<'a> {
    event: &'a RawEvent,
    /// It is linked, or a notification has taken it out that it does not know of yet.
    listening: bool,
    /// It knows of a notification for which it has yet to look.
    told: bool,
    /// It has waited before, in vain.
    again: bool,
    waiter: Waiter,
}

// SAFETY: the event is shared between agents anyway, and the waiter is touched as Q1 says, whichever agent polls or drops.
unsafe impl Send for Listener<'_> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl Sync for Listener<'_> {}

impl<'a> Listener<'a> {
    /// One that does not listen yet.
    pub(crate) fn new(event: &'a RawEvent, class: Class) -> Self {
        Self {
            event,
            listening: false,
            told: false,
            again: false,
            waiter: Waiter::new(class, Rank::Normal, 0, ptr::null()),
        }
    }

    /// One of several of a thread that sleeps on `bell`, which stays where it is as long as this.
    pub(crate) fn with_bell(event: &'a RawEvent, bell: *const Word) -> Self {
        let mut this = Self::new(event, Class::Thread);
        this.waiter.hang(bell);
        this
    }

    /// Begins to listen. Look afterwards, and only then wait.
    pub(crate) fn listen(self: Pin<&mut Self>, waker: Option<Waker>) {
        // SAFETY: the waiter is not moved out, and neither is anything that `Drop` relies on.
        let this = unsafe { self.get_unchecked_mut() };
        debug_assert!(!this.listening);
        let rank = match this.waiter.class {
            Class::Thread => Rank::of_this_thread(),
            Class::Task => Rank::Normal,
        };
        this.waiter.reset();
        // SAFETY: in no queue, so ours (Q1); pinned, and taken out by us or seen to be out before it ends (Q2).
        unsafe {
            let old = this.waiter.links_mut(|links| {
                links.rank = rank;
                links.lost += u32::from(this.again);
                links.notified = false;
                mem::replace(&mut links.waker, waker)
            });
            drop(old);
            this.listening = true;
            this.event.link(&this.waiter, this.again);
        }
        this.again = true;
        // Fence A: linked, before the caller looks.
        // ORDERING: SeqCst, partner of fence B in `RawEvent::notify`, see the module.
        fence(Ordering::SeqCst);
    }

    /// For a thread that listens: waits for a notification. False: the deadline has passed. Either way it listens no more, and has
    /// to look, for it may have been notified (E3).
    pub(super) fn wait(self: Pin<&mut Self>, deadline: Option<Deadline>, call: &Call) -> bool {
        // SAFETY: as above.
        let this = unsafe { self.get_unchecked_mut() };
        if this.waiter.wait(deadline, call).is_some() {
            this.listening = false;
            return true;
        }
        this.stop();
        false
    }

    /// For a task that listens: whether it has been notified. If so it listens no more, and has to look; if not, this is who will be
    /// woken. A waker that panics when it is dropped does not keep it from looking (E3).
    pub(crate) fn notified(self: Pin<&mut Self>, waker: Option<Waker>) -> bool {
        // SAFETY: as above.
        let this = unsafe { self.get_unchecked_mut() };
        debug_assert!(this.listening);
        let queue = this.event.queue.lock();
        this.listening = queue.holds(&this.waiter);
        let (next, unused) = match this.listening {
            true => (waker, None),
            false => (None, waker),
        };
        // SAFETY: linked here, or in no queue any more and ours (Q1). The old waker is dropped after the queue is unlocked.
        let old = unsafe {
            this.waiter
                .links_mut(|links| mem::replace(&mut links.waker, next))
        };
        this.event.act(queue, false);
        drop_waker(old);
        drop_waker(unused);
        !this.listening
    }

    /// For a task: polls for what `look` finds. When it is ready it can be used anew.
    pub(crate) fn poll<R>(
        mut self: Pin<&mut Self>,
        context: &Context<'_>,
        mut look: impl FnMut() -> Option<R>,
    ) -> Poll<R> {
        let listens = self.listening && !self.as_mut().notified(Some(context.waker().clone()));
        let mut found = look();
        if found.is_none() && !listens {
            self.as_mut().listen(Some(context.waker().clone()));
            found = look();
        }
        let Some(found) = found else {
            return Poll::Pending;
        };
        self.cancel();
        Poll::Ready(found)
    }

    /// For one of several: finds out whether it has been notified, and keeps that in mind. If it has not, this is who will be woken.
    pub(crate) fn hear(mut self: Pin<&mut Self>, waker: Option<&Waker>) {
        if !self.listening || !self.as_mut().notified(waker.cloned()) {
            return;
        }
        // SAFETY: as above.
        let this = unsafe { self.get_unchecked_mut() };
        this.told = true;
        if this.waiter.class == Class::Thread {
            // Its signal is the last that is done with the waiter (Q3).
            this.waiter.signal_soon();
        }
    }

    /// For one of several, when all of them have looked in vain: listens, if it does not.
    pub(crate) fn listen_on(mut self: Pin<&mut Self>, waker: Option<&Waker>) {
        if self.listening {
            return;
        }
        self.as_mut().spend();
        self.listen(waker.cloned());
    }

    /// It has looked for what it was notified of.
    pub(crate) fn spend(self: Pin<&mut Self>) {
        // SAFETY: as above.
        unsafe { self.get_unchecked_mut() }.told = false;
    }

    /// Listens no more, and next time to another event.
    pub(crate) fn turn_to(mut self: Pin<&mut Self>, event: &'a RawEvent) {
        self.as_mut().cancel();
        // SAFETY: as above; it is linked nowhere.
        unsafe { self.get_unchecked_mut() }.event = event;
    }

    /// Listens no more. A notification that it has received goes to the next.
    ///
    /// It keeps no waker: one that panics when it is dropped would do so with the listener, and take with it what the caller has found.
    pub(crate) fn cancel(self: Pin<&mut Self>) {
        // SAFETY: as above.
        let this = unsafe { self.get_unchecked_mut() };
        this.end();
        this.again = false;
    }

    /// Listens no more, and has no waker.
    fn end(&mut self) {
        self.pass_on();
        // SAFETY: in no queue any more, so ours (Q1).
        drop_waker(unsafe { self.waiter.links_mut(|links| links.waker.take()) });
    }

    /// Ends listening. Whether a notification had come before.
    fn stop(&mut self) -> bool {
        self.listening = false;
        if self.event.leave(&self.waiter) {
            return false;
        }
        if self.waiter.class == Class::Thread {
            // Its signal is the last that is done with the waiter (Q3).
            self.waiter.signal_soon();
        }
        true
    }

    fn pass_on(&mut self) {
        let told = mem::take(&mut self.told);
        if self.listening && self.stop() || told {
            self.event.notify_one();
        }
    }
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        self.end();
    }
}
