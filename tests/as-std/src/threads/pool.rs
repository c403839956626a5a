//! The workers. They start before the first test, for none can start while a main thread waits, and take closures from one queue.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use web_sync::{Condvar, Mutex};
use web_sync_testkit::{Pool, time};

/// How long a test may wait for a worker that is at the end of something.
const PATIENCE: Duration = match cfg!(test) {
    true => Duration::from_secs(1),
    false => Duration::from_secs(10),
};

/// How long the threads of one test may go on when the next wants to start.
const LEFTOVERS: Duration = Duration::from_secs(1);

type Work = Box<dyn FnOnce() + Send>;

/// What the workers share.
struct Queue {
    work: VecDeque<Work>,
    /// Workers that look into the queue.
    idle: usize,
}

impl Queue {
    /// Workers for whom there is no work yet.
    fn free(&self) -> usize {
        self.idle.saturating_sub(self.work.len())
    }
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue {
    work: VecDeque::new(),
    idle: 0,
});
static WORK: Condvar = Condvar::new();
static IDLE: Condvar = Condvar::new();

/// Gives work to a free worker.
///
/// # Panics
///
/// When there is none and none becomes free: work that waits in the queue may be what everybody else waits for.
#[track_caller]
pub(super) fn run(work: Work) {
    let queue = QUEUE.lock().unwrap();
    let waited = IDLE.wait_timeout_while(queue, PATIENCE, |queue| queue.free() == 0);
    let (mut queue, result) = waited.unwrap();
    if result.timed_out() {
        drop(queue);
        panic!("all threads of the pool are busy, and none has ended within {PATIENCE:?}");
    }
    queue.work.push_back(work);
    WORK.notify_one();
}

/// What each worker does, for ever.
fn take_work() {
    loop {
        let mut queue = QUEUE.lock().unwrap();
        queue.idle += 1;
        IDLE.notify_one();
        let mut queue = WORK
            .wait_while(queue, |queue| queue.work.is_empty())
            .unwrap();
        queue.idle -= 1;
        let work = queue.work.pop_front().expect("not empty");
        drop(queue);
        work();
    }
}

/// Resolves when so many threads wait for a test. Those that an earlier test has left behind, blocked for ever, are replaced.
///
/// # Panics
///
/// When workers do not start, or the build is one whose panics abort: a thread that panics would never end.
pub async fn ready(threads: usize) {
    thread_local! {
        static POOLS: RefCell<Vec<Pool>> = const { RefCell::new(Vec::new()) };
    }
    if cfg!(not(panic = "unwind")) {
        panic!("std's tests need panics that unwind");
    }
    // Whoever watches the page gets a turn between two tests.
    time::sleep(Duration::ZERO).await;
    if !POOLS.with_borrow(Vec::is_empty) {
        idle_within(threads, LEFTOVERS).await;
    }
    let missing = threads.saturating_sub(QUEUE.lock().unwrap().idle);
    if missing == 0 {
        return;
    }
    let pool = Pool::start(missing).await.expect("workers start");
    for index in 0..missing {
        // A worker reports to the queue; nobody waits for its end.
        let _ = pool.run(index, take_work);
    }
    POOLS.with_borrow_mut(|pools| pools.push(pool));
    assert!(
        idle_within(threads, PATIENCE).await,
        "not every worker has begun"
    );
}

/// Whether so many threads are idle in time.
async fn idle_within(threads: usize, limit: Duration) -> bool {
    let deadline = time::now() + limit;
    loop {
        if QUEUE.lock().unwrap().free() >= threads {
            return true;
        }
        if time::now() > deadline {
            return false;
        }
        time::sleep(Duration::from_millis(1)).await;
    }
}
