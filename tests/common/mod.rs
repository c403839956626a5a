//! What the tests of several files need: tasks that are polled by hand, agents, time.
#![allow(dead_code, reason = "not every file needs all of it")]

pub mod allocations;
pub mod fragile;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use web_sync_testkit::time;

/// A future that a test polls by hand, and that counts how often it was woken.
pub struct Task<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    wakes: Arc<Wakes>,
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl<'a, T> Task<'a, T> {
    pub fn new(future: impl Future<Output = T> + 'a) -> Self {
        Self {
            future: Box::pin(future),
            wakes: Arc::default(),
        }
    }

    /// A task that has been polled once and waits.
    #[track_caller]
    pub fn waiting(future: impl Future<Output = T> + 'a) -> Self {
        let mut task = Self::new(future);
        assert!(task.poll().is_none(), "it does not wait");
        task
    }

    /// Polls once; `None` is "pending".
    pub fn poll(&mut self) -> Option<T> {
        let waker = Waker::from(Arc::clone(&self.wakes));
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    /// Polls once, and it must be ready.
    #[track_caller]
    pub fn finish(mut self) -> T {
        self.poll().expect("the task is not ready")
    }

    /// How often it has been woken.
    pub fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::SeqCst)
    }
}

/// Polls once with a waker that does nothing.
pub fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a future that needs no waiting.
#[track_caller]
pub fn now<T>(future: impl Future<Output = T>) -> T {
    Task::new(future).finish()
}

/// Shut at first. Tasks that come to it wait until they are polled and it is open.
#[derive(Default)]
pub struct Gate(AtomicBool);

impl Gate {
    pub fn open(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub fn is_open(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Waits until it is open.
    pub async fn pass(&self) {
        let pass = |_: &mut Context<'_>| match self.is_open() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        };
        core::future::poll_fn(pass).await;
    }
}

/// How long `f` takes, rounded up: web-time adds the page's time origin, which leaves a double half a microsecond to be wrong by.
pub fn timed<T>(f: impl FnOnce() -> T) -> (T, Duration) {
    let start = time::now();
    let result = f();
    (result, time::now() - start + Duration::from_micros(1))
}

/// What a panic of `f` says.
#[cfg(panic = "unwind")]
#[track_caller]
pub fn panic_of<T>(f: impl FnOnce() -> T) -> String {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    let payload = catch_unwind(AssertUnwindSafe(|| drop(f()))).expect_err("it does not panic");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("a text")).to_owned(),
    }
}

/// How long the test waits for what must *not* happen, or for time to pass.
pub const SHORT: Duration = Duration::from_millis(30);

/// A time that ends in a test, but long enough for a slow machine to come to the first poll.
pub const LATER: Duration = Duration::from_millis(240);

/// A time that no test reaches.
pub const LONG: Duration = Duration::from_secs(60);

/// Makes this thread an agent that must not sleep until it is dropped, as a page's main thread is.
pub struct Spinning(());

impl Spinning {
    pub fn new() -> Self {
        web_sync::agent::set_policy(web_sync::agent::Policy::Spin);
        Self(())
    }
}

impl Drop for Spinning {
    fn drop(&mut self) {
        web_sync::agent::set_policy(web_sync::agent::Policy::Auto);
    }
}
