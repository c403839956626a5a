//! Waiting on a condition variable, for the guards of both kinds of mutex.
//!
//! Each function takes the guard's access and leaves it, or gives it back, with the mutex locked again. The result is an error if the
//! mutex is poisoned by then and the guard's hold minds that.

use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::task::Poll;

use super::WaitTimeoutResult;
use crate::guard::{Access, Away, Exclusive, Hold};
use crate::nonpoison::Mutex;
use crate::poison::{LockResult, checked};
use crate::raw::{CondvarFuture, RawCondvar, RawMutex};
use crate::sys::clock::Deadline;
use crate::sys::timer::Timer;

/// Waits for a notification, at most until `deadline` if there is one.
#[track_caller]
pub(crate) fn wait<'a, H, T>(
    condvar: &RawCondvar,
    access: &mut Access<'a, H, T>,
    deadline: Option<Deadline>,
) -> LockResult<WaitTimeoutResult>
where
    H: Hold<'a, Raw = RawMutex> + Exclusive,
    T: ?Sized,
{
    let mutex = access.hold().raw();
    let notified = match deadline {
        // SAFETY: `access` holds the mutex, which is locked again when this returns. Nobody else can use it meanwhile.
        Some(deadline) => unsafe { condvar.wait_until(mutex, deadline) },
        None => {
            // SAFETY: as above.
            unsafe { condvar.wait(mutex) };
            true
        }
    };
    checked(access.hold().sees_poison(), WaitTimeoutResult(!notified))
}

/// Waits while `condition` is true, at most until `deadline` if there is one.
#[track_caller]
pub(crate) fn wait_while<'a, H, T>(
    condvar: &RawCondvar,
    access: &mut Access<'a, H, T>,
    deadline: Option<Deadline>,
    mut condition: impl FnMut(&mut T) -> bool,
) -> LockResult<WaitTimeoutResult>
where
    H: Hold<'a, Raw = RawMutex> + Exclusive,
    T: ?Sized,
{
    while condition(access.get_mut()) {
        if deadline.is_some_and(Deadline::passed) {
            return Ok(WaitTimeoutResult(true));
        }
        wait(condvar, access, deadline)?;
    }
    Ok(WaitTimeoutResult(false))
}

/// A guard's access as it goes with a future.
pub(crate) type Left<'a, H, T> = (H, Away<'a, T, Mutex<T>>);

/// Takes a guard's access apart for a future that has not been polled yet, and may be polled elsewhere.
pub(crate) fn leave<'a, H, T>(access: Access<'a, H, T>) -> Left<'a, H, T>
where
    H: Hold<'a, Raw = RawMutex>,
    T: ?Sized,
{
    access.hold().raw().leave_to_future();
    access.leave()
}

/// The async twin of [`wait`] without a deadline. Until it is polled, the hold keeps the mutex locked.
///
/// Not [`wait_until_async`] without a deadline: dropping a future that might have a timer means freeing one.
pub(crate) async fn wait_async<'a, H, T>(
    condvar: &RawCondvar,
    (hold, away): Left<'a, H, T>,
) -> LockResult<Access<'a, H, T>>
where
    H: Hold<'a, Raw = RawMutex> + Exclusive,
    T: ?Sized,
{
    let mutex = hold.disarm();
    // SAFETY: the mutex is locked, and this future is its owner now. The first poll, which follows at once, unlocks it.
    unsafe { condvar.wait_async(mutex) }.await;
    // SAFETY: the mutex is locked again, this future is its owner, and it is the one that the data belongs to.
    let access = unsafe { away.back(H::adopt(mutex)) };
    checked(access.hold().sees_poison(), access)
}

/// The async twin of [`wait`] with a deadline. Until it is polled, the hold keeps the mutex locked.
pub(crate) async fn wait_until_async<'a, H, T>(
    condvar: &RawCondvar,
    (hold, away): Left<'a, H, T>,
    deadline: Deadline,
) -> LockResult<(Access<'a, H, T>, WaitTimeoutResult)>
where
    H: Hold<'a, Raw = RawMutex> + Exclusive,
    T: ?Sized,
{
    let mutex = hold.disarm();
    let notified = {
        // SAFETY: as in `wait_async`.
        let notified = pin!(unsafe { condvar.wait_async(mutex) });
        let timer = pin!(Some(Timer::new(deadline)));
        first(notified, timer).await
    };
    if !notified {
        mutex.lock_async().await;
    }
    // SAFETY: as in `wait_async`.
    let access = unsafe { away.back(H::adopt(mutex)) };
    let result = WaitTimeoutResult(!notified);
    checked(access.hold().sees_poison(), (access, result))
}

/// True: notified, and the mutex is locked. False: the timer was first, and the mutex is not.
async fn first(
    mut notified: Pin<&mut CondvarFuture<'_>>,
    mut timer: Pin<&mut Option<Timer>>,
) -> bool {
    poll_fn(|context| {
        if notified.as_mut().poll(context).is_ready() {
            return Poll::Ready(true);
        }
        let Some(running) = timer.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        if running.poll(context).is_ready() {
            // SAFETY: `cancel_wait` does not move what it is called on.
            if unsafe { notified.as_mut().get_unchecked_mut() }.cancel_wait() {
                return Poll::Ready(false);
            }
            // The notification was first: what is left is to wait for the mutex, which no time-out ends.
            timer.set(None);
        }
        Poll::Pending
    })
    .await
}

/// The async twin of [`wait_while`] without a deadline.
pub(crate) async fn wait_while_async<'a, H, T>(
    condvar: &RawCondvar,
    mut left: Left<'a, H, T>,
    mut condition: impl FnMut(&mut T) -> bool,
) -> LockResult<Access<'a, H, T>>
where
    H: Hold<'a, Raw = RawMutex> + Exclusive,
    T: ?Sized,
{
    left.0.raw().take_from_future();
    loop {
        left = match unless(&mut condition, left) {
            Ok(access) => return Ok(access),
            Err(left) => left,
        };
        left = wait_async(condvar, left).await?.leave();
    }
}

/// The async twin of [`wait_while`] with a deadline.
pub(crate) async fn wait_until_while_async<'a, H, T>(
    condvar: &RawCondvar,
    mut left: Left<'a, H, T>,
    deadline: Deadline,
    mut condition: impl FnMut(&mut T) -> bool,
) -> LockResult<(Access<'a, H, T>, WaitTimeoutResult)>
where
    H: Hold<'a, Raw = RawMutex> + Exclusive,
    T: ?Sized,
{
    left.0.raw().take_from_future();
    loop {
        left = match unless(&mut condition, left) {
            Ok(access) => return Ok((access, WaitTimeoutResult(false))),
            Err((hold, away)) if deadline.passed() => {
                // SAFETY: the hold is the one that the data came with.
                return Ok((unsafe { away.back(hold) }, WaitTimeoutResult(true)));
            }
            Err(left) => left,
        };
        left = wait_until_async(condvar, left, deadline).await?.0.leave();
    }
}

/// The access, if the condition is false. Not a part of the futures: an access in there would keep them from being `Send`.
fn unless<'a, H, T>(
    condition: &mut impl FnMut(&mut T) -> bool,
    (hold, away): Left<'a, H, T>,
) -> Result<Access<'a, H, T>, Left<'a, H, T>>
where
    H: Exclusive,
    T: ?Sized,
{
    // SAFETY: the hold is the one that the data came with.
    let mut access = unsafe { away.back(hold) };
    if condition(access.get_mut()) {
        Err(access.leave())
    } else {
        Ok(access)
    }
}
