//! Bodies for `LazyLock`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use web_sync::LazyLock;
use web_sync_testkit::Pool;

use crate::{Pair, everywhere, join};

type Lazy = LazyLock<Pair, Box<dyn FnOnce() -> Pair + Send>>;

/// One value for each round, so that agents meet again and again at one that has not been made.
struct Values {
    values: Vec<Lazy>,
    made: Arc<AtomicU32>,
}

impl Values {
    fn new(rounds: u32) -> Arc<Self> {
        let made = Arc::new(AtomicU32::new(0));
        let value = |_| -> Lazy {
            let made = made.clone();
            LazyLock::new(Box::new(move || {
                // Long enough for others to come meanwhile.
                let mut pair = Pair::default();
                for _ in 0..if cfg!(miri) { 1 } else { 50 } {
                    pair.step();
                }
                made.fetch_add(1, Ordering::Relaxed);
                pair
            }))
        };
        let values = (0..rounds).map(value).collect();
        Arc::new(Self { values, made })
    }

    fn visit(&self, _index: u32) {
        for value in &self.values {
            assert!(value.get() > 0);
        }
    }

    async fn visit_async(&self) {
        for value in &self.values {
            assert!(LazyLock::force_async(value).await.get() > 0);
        }
    }

    /// Each value was made one time.
    fn check(&self) {
        let made = self.made.load(Ordering::Relaxed) as usize;
        assert_eq!(made, self.values.len());
    }
}

/// Every agent uses every value: one makes it, all see it.
pub async fn made_once(pool: &Pool, rounds: u32) {
    let values = Values::new(rounds);
    everywhere(pool, &values, Values::visit).await;
    values.check();
}

/// Blocking workers, workers with tasks and a task here.
pub async fn threads_and_tasks(pool: &Pool, rounds: u32) {
    let values = Values::new(rounds);
    let mut handles = Vec::new();
    for index in 0..pool.len() {
        let values = values.clone();
        handles.push(if index % 2 == 0 {
            pool.run(index, move || values.visit(0))
        } else {
            pool.run_async(index, async move || values.visit_async().await)
        });
    }
    values.visit_async().await;
    join(handles).await;
    values.check();
}
