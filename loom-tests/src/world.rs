//! What the bodies use of the world: loom's under loom, the real one otherwise.

use core::cell::UnsafeCell;
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::Arc;
use std::task::Wake;

use web_sync::agent::{Policy, set_policy};

pub use imp::{Data, Event, Flag, allow, block_on, pass_time, pause, start};

/// How often a role repeats what it does: as told under loom, where each repetition multiplies the schedules, and more often on real
/// threads, where one operation would be over before the next thread starts.
#[must_use]
pub fn rounds(loom: u32) -> u32 {
    if cfg!(web_sync_loom) {
        loom
    } else {
        loom.max(30)
    }
}

/// Runs `act` as on an agent that must not block.
pub fn urgent<R>(act: impl FnOnce() -> R) -> R {
    set_policy(Policy::Spin);
    let result = act();
    set_policy(Policy::Auto);
    result
}

/// Counts what was done beside the locks, without an ordering that could hide a missing one.
#[derive(Debug, Default)]
pub struct Tally(AtomicU32);

impl Tally {
    /// Counts one more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there are.
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one agent leaves for others, beside the locks: it races if they look before they are told.
#[derive(Debug, Default)]
pub struct Note(UnsafeCell<Data>);

// SAFETY: whoever writes or reads too early is what the models look for; loom, Miri and ThreadSanitizer report it.
unsafe impl Sync for Note {}

impl Note {
    /// Adds one.
    pub fn add(&self) {
        // SAFETY: the data itself tells who was wrong, as above.
        unsafe { (*self.0.get()).add() };
    }

    /// The number.
    #[must_use]
    pub fn get(&self) -> u32 {
        // SAFETY: as above.
        unsafe { (*self.0.get()).get() }
    }
}

/// Polls once.
pub async fn poll_once<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

/// The output of a future that does not wait.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

/// A future that has been polled once, before the roles begin, and waits.
pub(crate) struct Begun<T> {
    future: Pin<Box<dyn Future<Output = T> + Send>>,
    wakes: Arc<Wakes>,
}

#[derive(Default)]
struct Wakes(Tally);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.add();
    }
}

impl<T> Begun<T> {
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self::or_ready(future).unwrap_or_else(|_| panic!("it does not wait"))
    }

    /// One that waits, or what it comes to at once.
    pub(crate) fn or_ready(future: impl Future<Output = T> + Send + 'static) -> Result<Self, T> {
        let mut begun = Self {
            future: Box::pin(future),
            wakes: Arc::default(),
        };
        match begun.poll() {
            Poll::Pending => Ok(begun),
            Poll::Ready(output) => Err(output),
        }
    }

    pub(crate) fn poll(&mut self) -> Poll<T> {
        let waker = Waker::from(Arc::clone(&self.wakes));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Whether it has been woken since it began to wait.
    pub(crate) fn woken(&self) -> bool {
        self.wakes.0.get() > 0
    }

    /// Ends as it is, and its place is used for something else.
    pub(crate) fn bury(self) {
        bury(self.future);
    }

    /// Goes on in a role.
    pub(crate) fn go_on(self) -> impl Future<Output = T> {
        self.future
    }

    /// When all roles have ended: it must have been woken, and now waits for something else.
    pub(crate) fn again(mut self) -> Self {
        assert!(self.woken(), "it was forgotten");
        self.wakes = Arc::default();
        assert!(self.poll().is_pending(), "it does not wait");
        self
    }

    /// What it comes to, when all roles have ended: it must have been woken, and be ready.
    pub(crate) fn finish(mut self) -> T {
        assert!(self.woken(), "it was forgotten");
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it was woken in vain"),
        }
    }
}

/// Ends a value, and makes sure that whoever uses it later is noticed: under loom its place is filled with nonsense, natively it is
/// freed, which Miri and AddressSanitizer see.
pub fn bury<T: ?Sized>(value: Pin<Box<T>>) {
    if cfg!(web_sync_loom) {
        // SAFETY: dropped in place, as a pinned value may be, and never used again: its memory is leaked.
        unsafe {
            let value = Box::into_raw(Pin::into_inner_unchecked(value));
            let size = size_of_val(&*value);
            ptr::drop_in_place(value);
            value.cast::<u8>().write_bytes(0xA5, size);
        }
    }
}

/// A time-out that passes soon on a real machine.
pub const SOON: Duration = Duration::from_micros(50);

#[cfg(not(web_sync_loom))]
mod imp {
    use super::*;
    use core::pin::pin;
    use core::sync::atomic::AtomicBool;
    use std::thread::{self, Thread};

    /// A number that races if the lock around it does not exclude.
    #[derive(Debug, Default)]
    pub struct Data(u32);

    impl Data {
        /// The number.
        #[must_use]
        pub fn get(&self) -> u32 {
            // SAFETY: a reference. Volatile, so that each read and write is one.
            unsafe { ptr::read_volatile(&raw const self.0) }
        }

        /// Adds one.
        pub fn add(&mut self) {
            let next = self.get() + 1;
            // SAFETY: as above.
            unsafe { ptr::write_volatile(&raw mut self.0, next) };
        }
    }

    /// A fact that one agent tells the others, without an ordering that could hide a missing one.
    #[derive(Debug, Default)]
    pub struct Flag(AtomicBool);

    impl Flag {
        /// Makes it so.
        pub fn set(&self) {
            self.0.store(true, Ordering::Relaxed);
        }

        /// Whether it is so.
        pub fn get(&self) -> bool {
            self.0.load(Ordering::Relaxed)
        }
    }

    /// A fact that others wait for, likewise.
    #[derive(Debug, Default)]
    pub struct Event(Flag);

    impl Event {
        /// Makes it so.
        pub fn set(&self) {
            self.0.set();
        }

        /// Waits until it is so.
        pub fn wait(&self) {
            while !self.0.get() {
                pause();
            }
        }
    }

    /// Lets others run.
    pub fn pause() {
        thread::yield_now();
    }

    /// Time passes by itself.
    pub fn pass_time(_duration: Duration) {}

    /// Begins to set a scene.
    pub fn start(_stale: bool) {}

    /// What the world is free to do from here on.
    pub fn allow(_spurious: u32, _timeouts: u32) {}

    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    /// Runs a future on this thread.
    pub fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            thread::park();
        }
    }
}

#[cfg(web_sync_loom)]
mod imp {
    use super::*;
    use core::pin::pin;
    use loom::cell::UnsafeCell;
    use loom::sync::atomic::AtomicBool;
    use loom::sync::mpsc::{Receiver, Sender, channel};
    use loom::sync::{Condvar, Mutex};

    pub use web_sync::agent::model::{allow, pass_time};
    use web_sync::agent::model::{begin, read_stale};

    /// A number that races if the lock around it does not exclude.
    #[derive(Debug, Default)]
    pub struct Data(UnsafeCell<u32>);

    // SAFETY: loom reports every access that is not ordered.
    unsafe impl Sync for Data {}

    impl Data {
        /// The number.
        #[must_use]
        pub fn get(&self) -> u32 {
            // SAFETY: loom would report a writer.
            self.0.with(|data| unsafe { *data })
        }

        /// Adds one.
        pub fn add(&mut self) {
            // SAFETY: loom would report another access.
            self.0.with_mut(|data| unsafe { *data += 1 });
        }
    }

    /// A fact that one agent tells the others, without an ordering that could hide a missing one.
    #[derive(Debug, Default)]
    pub struct Flag(AtomicBool);

    impl Flag {
        /// Makes it so.
        pub fn set(&self) {
            self.0.store(true, Ordering::Relaxed);
        }

        /// Whether it is so.
        pub fn get(&self) -> bool {
            self.0.load(Ordering::Relaxed)
        }
    }

    /// A fact that others wait for.
    ///
    /// LOOM: unlike a [`Flag`] it synchronises. But of two agents that spin each lets the other go on for ever, in loom's eyes.
    #[derive(Debug, Default)]
    pub struct Event {
        happened: Mutex<bool>,
        changed: Condvar,
    }

    impl Event {
        /// Makes it so.
        pub fn set(&self) {
            *self.happened.lock().unwrap() = true;
            self.changed.notify_all();
        }

        /// Waits until it is so.
        pub fn wait(&self) {
            let mut happened = self.happened.lock().unwrap();
            while !*happened {
                happened = self.changed.wait(happened).unwrap();
            }
        }
    }

    /// Begins an execution, before its scene is set.
    pub fn start(stale: bool) {
        begin();
        read_stale(stale);
    }

    /// Lets others run.
    pub fn pause() {
        loom::thread::yield_now();
    }

    /// A wake-up is a message: one step for either side.
    struct Wakeup {
        wake: Sender<()>,
        woken: Receiver<()>,
    }

    // SAFETY: all of loom's threads run on one thread of the system.
    unsafe impl Sync for Wakeup {}

    impl Wake for Wakeup {
        fn wake(self: Arc<Self>) {
            self.wake.send(()).expect("the receiver is beside it");
        }
    }

    /// Runs a future on this thread: one poll for each wake-up.
    ///
    /// LOOM: the wake-up synchronises, which a `Waker` does as well.
    pub fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        let (wake, woken) = channel();
        // An `Arc` of std: to clone a waker is then no operation of loom's.
        let wakeup = Arc::new(Wakeup { wake, woken });
        let waker = Waker::from(Arc::clone(&wakeup));
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            wakeup.woken.recv().expect("the sender is beside it");
        }
    }
}
