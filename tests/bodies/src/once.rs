//! Bodies for `Once`.

use std::cell::UnsafeCell;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use web_sync::Once;
use web_sync_testkit::Pool;

use crate::{Dice, Pair, everywhere, join, on_workers, poll_once, yield_now};

/// One once for each round, so that agents meet again and again at one that is new.
struct Sites {
    sites: Vec<Site>,
    returned: AtomicU32,
}

#[derive(Default)]
struct Site {
    once: Once,
    made: UnsafeCell<Pair>,
}

// SAFETY: `make` is called by initialisers, which the once keeps apart; everybody else only reads, after them.
unsafe impl Sync for Site {}

impl Site {
    /// A step of an initialiser, long enough for others to come meanwhile.
    fn make(&self) {
        // SAFETY: nobody else is here, as above.
        let made = unsafe { &mut *self.made.get() };
        for _ in 0..if cfg!(miri) { 1 } else { 50 } {
            made.step();
        }
    }

    /// What was made is whole.
    fn look(&self) {
        // SAFETY: nobody writes any more, as above.
        let steps = unsafe { &*self.made.get() }.get();
        assert!(self.once.is_completed() && steps > 0, "it is not done");
    }
}

impl Sites {
    fn new(rounds: u32) -> Arc<Self> {
        Arc::new(Self {
            sites: (0..rounds).map(|_| Site::default()).collect(),
            returned: AtomicU32::new(0),
        })
    }

    /// Calls every once, or waits for it, as a thread.
    fn visit(&self, index: u32) {
        for (round, site) in (0..).zip(&self.sites) {
            // Whoever calls, at least one does.
            match (round + index) % 4 {
                0 => site.once.wait(),
                1 => site.once.call_once_force(|_| self.make(site)),
                _ => site.once.call_once(|| self.make(site)),
            }
            site.look();
        }
    }

    /// The same as a task.
    async fn visit_async(&self, index: u32) {
        for (round, site) in (0..).zip(&self.sites) {
            match (round + index) % 4 {
                0 => site.once.wait_async().await,
                1 => {
                    let call = site.once.call_once_force_async(async |_| {
                        yield_now().await;
                        self.make(site);
                    });
                    call.await;
                }
                _ => site.once.call_once_async(async || self.make(site)).await,
            }
            site.look();
        }
    }

    fn make(&self, site: &Site) {
        site.make();
        self.returned.fetch_add(1, Ordering::Relaxed);
    }

    /// One initialiser of each once has returned.
    fn check(&self) {
        let returned = self.returned.load(Ordering::Relaxed);
        assert_eq!(returned as usize, self.sites.len());
        self.sites.iter().for_each(Site::look);
    }
}

/// Every agent calls every once, or waits for it: one does it, all see it.
pub async fn done_once(pool: &Pool, rounds: u32) {
    let sites = Sites::new(rounds);
    everywhere(pool, &sites, Sites::visit).await;
    sites.check();
}

/// Blocking workers, workers with tasks and a task here.
pub async fn threads_and_tasks(pool: &Pool, rounds: u32) {
    let sites = Sites::new(rounds);
    let mut handles = Vec::new();
    for index in 0..pool.len() {
        let sites = sites.clone();
        let number = index as u32;
        handles.push(if index % 2 == 0 {
            pool.run(index, move || sites.visit(number))
        } else {
            pool.run_async(index, async move || sites.visit_async(number).await)
        });
    }
    sites.visit_async(pool.len() as u32).await;
    join(handles).await;
    sites.check();
}

/// Futures are dropped while they wait, and in the middle of their initialiser: workers that wait run their own.
pub async fn cancelled_tasks_lose_nothing(pool: &Pool, rounds: u32) {
    let sites = Sites::new(rounds);
    let handles = on_workers(pool, &sites, Sites::visit).await;
    let mut dice = Dice::new(rounds);
    for site in &sites.sites {
        let mut call = pin!(site.once.call_once_async(async || {
            site.make();
            yield_now().await;
            sites.make(site);
        }));
        for _ in 0..dice.roll(4) {
            if poll_once(call.as_mut()).await.is_ready() {
                break;
            }
            if dice.roll(2) == 0 {
                yield_now().await;
            }
        }
    }
    join(handles).await;
    sites.check();
}
