//! The value that is made when it is first used. What waits and who has its turn is the once's, see [`crate::once`].

use std::sync::Arc;

use crate::Scene;
use crate::scene::Stage;
use crate::world::{Data, Tally, bury, poll_once};
use web_sync::LazyLock;

models![lazy_lock: three_force, two_force_and_one_looks, a_waiting_task_is_dropped; stale: two_force_and_one_looks];

/// A value that counts how often it was made.
struct Lazy {
    lock: LazyLock<Data, Box<dyn FnOnce() -> Data + Send>>,
    made: Arc<Tally>,
}

impl Lazy {
    fn new() -> Self {
        let made = Arc::new(Tally::default());
        let theirs = Arc::clone(&made);
        let make = move || {
            theirs.add();
            let mut data = Data::default();
            data.add();
            data
        };
        Self {
            lock: LazyLock::new(Box::new(make)),
            made,
        }
    }

    fn force(&self) {
        assert_eq!(self.lock.get(), 1);
    }

    async fn force_async(self: Arc<Self>) {
        assert_eq!(LazyLock::force_async(&self.lock).await.get(), 1);
    }

    fn check(&self) {
        assert!(LazyLock::get(&self.lock).is_some_and(|data| data.get() == 1));
        assert_eq!(self.made.get(), 1);
    }
}

/// Threads and a task use the value: one makes it, all see it.
///
/// Seen to fail:
#[must_use]
pub fn three_force() -> Scene {
    Stage::new(Lazy::new())
        .thread(Lazy::force)
        .thread(Lazy::force)
        .task(Lazy::force_async)
        .end(Lazy::check)
}

/// One looks whether the value is there.
///
/// Seen to fail:
#[must_use]
pub fn two_force_and_one_looks() -> Scene {
    Stage::new(Lazy::new())
        .thread(Lazy::force)
        .thread(Lazy::force)
        .thread(|lazy| {
            if let Some(data) = LazyLock::get(&lazy.lock) {
                assert_eq!(data.get(), 1);
            }
        })
        .end(Lazy::check)
}

/// A task that waits for the value is dropped; if it was the first, it has made the value.
///
/// Seen to fail:
#[must_use]
pub fn a_waiting_task_is_dropped() -> Scene {
    Stage::new(Lazy::new())
        .thread(Lazy::force)
        .task(async |lazy: Arc<Lazy>| {
            let mut force = Box::pin(LazyLock::force_async(&lazy.lock));
            let _ = poll_once(force.as_mut()).await;
            bury(force);
        })
        .task(Lazy::force_async)
        .end(Lazy::check)
}
