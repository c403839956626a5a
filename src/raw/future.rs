//! Waiting for a lock as a future.

use super::lock::{Lock, RESERVED_AFTER};
use super::state::Mode;
use crate::queue::{Class, Rank, Waiter};
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

/// Where a future stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Not polled yet.
    Start,
    /// The waiter is in a queue.
    Queued,
    /// Ready.
    Done,
}

/// Takes a lock; ready when it is held.
///
/// Dropping it at any moment leaves nothing behind: a wake-up that it has received goes to the next waiter.
pub(crate) struct LockFuture<'a> {
    lock: &'a Lock,
    mode: Mode,
    progress: Progress,
    waiter: Waiter,
}

// SAFETY: the lock is shared between agents anyway, and the waiter is touched as Q1 says, whichever agent polls or drops.
unsafe impl Send for LockFuture<'_> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl Sync for LockFuture<'_> {}

impl<'a> LockFuture<'a> {
    pub(super) fn new(lock: &'a Lock, mode: Mode) -> Self {
        let rank = if mode == Mode::Upgrade {
            Rank::Upgrade
        } else {
            Rank::Normal
        };
        let waiter = Waiter::new(Class::Task, rank, mode as u8, ptr::null());
        Self {
            lock,
            mode,
            progress: Progress::Start,
            waiter,
        }
    }
}

impl Future for LockFuture<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the waiter is not moved out, and neither is anything that `Drop` relies on.
        let this = unsafe { self.get_unchecked_mut() };
        let ready = match this.progress {
            Progress::Start if this.lock.try_take(this.mode, 0) => true,
            Progress::Start => {
                // SAFETY: in no queue yet; pinned, and taken out by `poll` or `drop` (Q2). It owns the links until then (Q1).
                unsafe {
                    if this.mode == Mode::Upgrade {
                        this.waiter.links_mut(|links| links.lost = RESERVED_AFTER);
                    }
                    this.lock.enqueue_task(&this.waiter, context);
                    this.progress = Progress::Queued;
                }
                false
            }
            Progress::Queued => this.lock.poll(&this.waiter, this.mode, context),
            Progress::Done => panic!("polled again after it was ready"),
        };
        if ready {
            this.progress = Progress::Done;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Drop for LockFuture<'_> {
    fn drop(&mut self) {
        if self.progress == Progress::Queued {
            self.lock.cancel(&self.waiter);
        }
    }
}
