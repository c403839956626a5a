//! Wakers that panic when they are cloned or dropped.

use std::cell::Cell;
use std::future::Future;
use std::panic::panic_any;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
use std::thread::LocalKey;

thread_local! {
    /// So many clones that this thread makes next panic.
    pub static CLONES: Cell<u32> = const { Cell::new(0) };
    /// So many that this thread drops next panic.
    pub static DROPS: Cell<u32> = const { Cell::new(0) };
}

static TABLE: RawWakerVTable = RawWakerVTable::new(clone, ignore, ignore, |_| explode(&DROPS));

fn clone(_: *const ()) -> RawWaker {
    explode(&CLONES);
    RawWaker::new(ptr::null(), &TABLE)
}

fn ignore(_: *const ()) {}

fn explode(left: &'static LocalKey<Cell<u32>>) {
    if left.get() > 0 {
        left.set(left.get() - 1);
        panic_any(());
    }
}

/// Polls with such a waker, which is not dropped itself: its clones are.
pub fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    // SAFETY: the functions of the table use no data, and may be called on any thread.
    let waker = unsafe { Waker::new(ptr::null(), &TABLE) };
    let polled = future.poll(&mut Context::from_waker(&waker));
    std::mem::forget(waker);
    polled
}
