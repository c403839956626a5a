//! The same API on std threads.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Wake;
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use crate::{Error, TIMEOUT, slot::Slot, time};

type Job = Box<dyn FnOnce() + Send>;

/// Already started workers.
pub struct Pool {
    workers: Vec<Worker>,
}

struct Worker {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    busy: Arc<Mutex<bool>>,
}

impl Pool {
    /// Starts that many workers; resolves when every one of them has answered.
    pub async fn start(workers: usize) -> Result<Self, Error> {
        let workers = (0..workers).map(Worker::start).collect();
        Ok(Self { workers })
    }

    /// The number of workers.
    #[expect(clippy::len_without_is_empty, reason = "a pool is not a collection")]
    pub fn len(&self) -> usize {
        self.workers.len()
    }

    /// Runs a job on an idle worker.
    ///
    /// # Panics
    ///
    /// When every worker is busy: a queued job would wait for one that may be waiting for it.
    #[track_caller]
    pub fn spawn<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Handle<T> {
        self.run(self.idle(), job)
    }

    /// Runs a job on worker `index`, after those that it already has.
    pub fn run<T: Send + 'static>(
        &self,
        index: usize,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Handle<T> {
        let shared = Arc::new(Shared {
            slot: Slot::new(),
            waker: Mutex::new(None),
        });
        let (worker, done) = (&self.workers[index], shared.clone());
        *worker.busy.lock().unwrap() = true;
        let busy = worker.busy.clone();
        let job = move || {
            done.slot.begin();
            let result = catch_unwind(AssertUnwindSafe(job)).map_err(describe);
            *busy.lock().unwrap() = false;
            // SAFETY: this worker runs the job.
            unsafe { done.slot.finish(result) };
            let waker = done.waker.lock().unwrap().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        };
        let jobs = worker.jobs.as_ref();
        jobs.and_then(|jobs| jobs.send(Box::new(job)).ok())
            .expect("a worker lives as long as its pool");
        Handle { shared, index }
    }

    /// Runs an async job on an idle worker; see [`Self::run_async`].
    #[track_caller]
    pub fn spawn_async<T: Send + 'static, F: Future<Output = T> + 'static>(
        &self,
        job: impl FnOnce() -> F + Send + 'static,
    ) -> Handle<T> {
        self.run_async(self.idle(), job)
    }

    /// Runs an async job on the event loop of worker `index`; the future itself never leaves that worker.
    pub fn run_async<T: Send + 'static, F: Future<Output = T> + 'static>(
        &self,
        index: usize,
        job: impl FnOnce() -> F + Send + 'static,
    ) -> Handle<T> {
        self.run(index, move || block_on(job()))
    }

    /// Ends every worker when it has done its jobs.
    pub async fn end(self) -> Result<(), Error> {
        drop(self);
        Ok(())
    }

    #[track_caller]
    fn idle(&self) -> usize {
        let idle = |worker: &Worker| !*worker.busy.lock().unwrap();
        self.workers
            .iter()
            .position(idle)
            .expect("no worker of the pool is idle")
    }
}

impl Worker {
    fn start(index: usize) -> Self {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let thread = thread::Builder::new()
            .name(format!("worker {index}"))
            .spawn(move || inbox.into_iter().for_each(|job| job()))
            .expect("a thread starts");
        Self {
            jobs: Some(jobs),
            thread: Some(thread),
            busy: Arc::default(),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        // A busy worker may be stuck for ever; it is left behind.
        if !*self.busy.lock().unwrap() {
            let _ = self.thread.take().map(JoinHandle::join);
        }
    }
}

struct Shared<T> {
    slot: Slot<T>,
    waker: Mutex<Option<Waker>>,
}

/// A job under way.
pub struct Handle<T> {
    shared: Arc<Shared<T>>,
    index: usize,
}

impl<T: Send> Handle<T> {
    /// Whether the job has ended, well or not.
    pub fn is_finished(&self) -> bool {
        self.shared.slot.is_finished()
    }

    /// Resolves when the job has begun to run.
    pub async fn started(&self) -> Result<(), Error> {
        let deadline = time::now() + TIMEOUT;
        while !self.shared.slot.has_begun() {
            if time::now() > deadline {
                return Err(self.timed_out());
            }
            thread::yield_now();
        }
        Ok(())
    }

    /// The result of the job; an [`Error`] when it panicked or takes longer than [`TIMEOUT`].
    pub async fn join_async(self) -> Result<T, Error> {
        self.join_within(TIMEOUT).await
    }

    /// [`Self::join_async`] with another time-out.
    pub async fn join_within(self, timeout: Duration) -> Result<T, Error> {
        let deadline = Instant::now() + timeout;
        let mut timer = None;
        core::future::poll_fn(|cx| {
            *self.shared.waker.lock().unwrap() = Some(cx.waker().clone());
            // SAFETY: this is the one handle.
            if let Some(result) = unsafe { self.shared.slot.take() } {
                return Poll::Ready(result);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Poll::Ready(Err(self.timed_out()));
            }
            timer.get_or_insert_with(|| Timer::start(left, cx.waker().clone()));
            Poll::Pending
        })
        .await
    }

    fn timed_out(&self) -> Error {
        Error::new(format!("worker {} did not finish in time", self.index))
    }
}

/// Wakes a task when the time is over, unless it is dropped before.
struct Timer {
    alive: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Timer {
    fn start(after: Duration, waker: Waker) -> Self {
        let (alive, gone) = mpsc::channel();
        let thread = thread::spawn(move || {
            if gone.recv_timeout(after) == Err(mpsc::RecvTimeoutError::Timeout) {
                waker.wake();
            }
        });
        Self {
            alive: Some(alive),
            thread: Some(thread),
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.alive = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn describe(payload: Box<dyn Any + Send>) -> Error {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or(payload.downcast_ref::<String>().map(String::as_str));
    Error::new(text.unwrap_or("a panic without a message"))
}

/// Runs a future to its end on this thread.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_finish_or_say_why_not() {
        block_on(async {
            let pool = Pool::start(2).await.unwrap();
            let handles = [pool.spawn(|| 1), pool.spawn_async(async || 2)];
            let [one, two] = handles.map(|handle| block_on(handle.join_async()));
            assert_eq!((one, two), (Ok(1), Ok(2)));
            let error = pool.spawn(|| panic!("seven")).join_async().await;
            assert_eq!(error, Err(Error::new("seven")));
            let handle = pool.spawn(|| time::block(Duration::from_millis(200)));
            handle.started().await.unwrap();
            let late = handle.join_within(Duration::from_millis(1)).await;
            assert!(late.unwrap_err().text().contains("in time"));
        });
    }
}
