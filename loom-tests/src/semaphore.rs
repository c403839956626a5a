//! The semaphore.

use core::task::Poll;
use std::sync::Arc;

use crate::Scene;
use crate::scene::Stage;
use crate::world::{Flag, Note, SOON, Tally, bury, pause, poll_once, rounds, urgent};
use web_sync::{Semaphore, SemaphorePermit};

models![semaphore: three_exclude_each_other, many_wait_for_two_that_add, close_against_acquire,
    closed_while_all_kinds_wait, partly_served_and_dropped, dropped_when_served, time_out_against_release, many_do_not_starve,
    an_agent_that_must_not_block_goes_first;
    stale: many_wait_for_two_that_add, close_against_acquire, partly_served_and_dropped];

/// Permits, what is done under them, and before they are made.
struct Pool {
    permits: Semaphore,
    note: Note,
    /// What those who add permits, or close, do before: one each.
    before: [Note; 2],
    done: Tally,
    flag: Flag,
}

impl Pool {
    fn new(permits: usize) -> Self {
        Self {
            permits: Semaphore::new(permits),
            note: Note::default(),
            before: Default::default(),
            done: Tally::default(),
            flag: Flag::default(),
        }
    }

    fn work_under(&self, permit: SemaphorePermit<'_>) {
        self.note.add();
        self.done.add();
        drop(permit);
    }

    fn work(&self) {
        self.work_under(self.permits.acquire().unwrap());
    }

    async fn work_async(self: Arc<Self>) {
        self.work_under(self.permits.acquire_async().await.unwrap());
    }

    fn add(&self, side: usize) {
        self.before[side].add();
        self.permits.add_permits(1);
    }

    fn close(&self) {
        self.before[1].add();
        self.permits.close();
    }

    /// So many permits are there, nobody waits, and so much was done.
    fn left(&self, permits: u32, done: u32) {
        let all = self
            .permits
            .try_acquire_many(permits)
            .expect("so many are there");
        assert_eq!(self.permits.available_permits(), 0);
        assert_eq!((self.note.get(), self.done.get()), (done, done));
        drop(all);
    }
}

/// One permit is a mutex: for one that sleeps, one that must not, and a task.
///
/// Seen to fail: a release forgets who waits; a release does not release; taking permits does not acquire.
#[must_use]
pub fn three_exclude_each_other() -> Scene {
    Stage::new(Pool::new(1))
        .thread(Pool::work)
        .thread(|pool| urgent(|| pool.work()))
        .task(Pool::work_async)
        .end(|pool| pool.left(1, 3))
}

/// Who wants two permits gets them when the second is there, and sees what was done before either was made.
///
/// Seen to fail: a release does not release.
#[must_use]
pub fn many_wait_for_two_that_add() -> Scene {
    Stage::new(Pool::new(0))
        .spurious(1)
        .thread(|pool| {
            let permits = pool.permits.acquire_many(2).unwrap();
            assert_eq!(pool.before.each_ref().map(Note::get), [1; 2]);
            drop(permits);
        })
        .thread(|pool| pool.add(0))
        .thread(|pool| pool.add(1))
        .end(|pool| pool.left(2, 0))
}

/// One waits, one adds a permit, one closes: the one that waits gets the permit or an error, and either tells what came before.
///
/// Seen to fail: closing does not release; who finds it closed does not acquire; who looks at the queue does not acquire; a release does
/// not release.
#[must_use]
pub fn close_against_acquire() -> Scene {
    Stage::new(Pool::new(0))
        .thread(|pool| match pool.permits.acquire() {
            Ok(permit) => {
                assert_eq!(pool.before[0].get(), 1);
                permit.forget();
                pool.flag.set();
            }
            Err(_) => assert_eq!(pool.before[1].get(), 1),
        })
        .thread(|pool| pool.add(0))
        .thread(Pool::close)
        .end(|pool| {
            let taken = usize::from(pool.flag.get());
            assert_eq!(pool.permits.available_permits(), 1 - taken);
            assert!(pool.permits.is_closed() && pool.permits.acquire().is_err());
        })
}

/// Nobody is left waiting when it is closed.
///
/// Seen to fail: closing forgets who waits; closing does not release; who finds it closed does not acquire.
#[must_use]
pub fn closed_while_all_kinds_wait() -> Scene {
    fn refused(pool: &Pool, acquired: bool) {
        assert!(!acquired);
        assert_eq!(pool.before[1].get(), 1);
    }
    Stage::new(Pool::new(1))
        .thread(|pool| refused(pool, pool.permits.acquire_many(2).is_ok()))
        .task(async |pool: Arc<Pool>| {
            let acquired = pool.permits.acquire_many_async(2).await;
            refused(&pool, acquired.is_ok());
        })
        .thread(Pool::close)
        .end(|pool| assert_eq!(pool.permits.available_permits(), 1))
}

/// Who waits for two permits where there is one keeps another from it, until it gives up. Two agents: all others would only wait.
///
/// Seen to fail: who leaves the queue does not settle.
#[must_use]
pub fn partly_served_and_dropped() -> Scene {
    Stage::new(Pool::new(1))
        .task(async |pool: Arc<Pool>| {
            for _ in 0..rounds(2) {
                let mut two = Box::pin(pool.permits.acquire_many_async(2));
                assert!(poll_once(two.as_mut()).await.is_pending());
                bury(two);
            }
        })
        .thread(|pool| {
            pool.work();
            pool.work();
        })
        .end(|pool| pool.left(1, 2))
}

/// A future that is dropped after it was handed a permit gives it to the next.
///
/// Seen to fail: a dropped future keeps what it was handed; who leaves the queue does not settle; a release forgets who waits.
#[must_use]
pub fn dropped_when_served() -> Scene {
    Stage::new(Pool::new(0))
        .task(async |pool: Arc<Pool>| {
            let mut one = Box::pin(pool.permits.acquire_async());
            if let Poll::Ready(permit) = poll_once(one.as_mut()).await {
                drop(permit);
            }
            bury(one);
        })
        .thread(Pool::work)
        .thread(|pool| pool.permits.add_permits(1))
        .end(|pool| pool.left(1, 1))
}

/// Who gives up waiting leaves its permits, or its place, to the next. Two agents: the one that adds also waits.
///
/// Seen to fail: who times out ignores that it was handed its permits; a release does not release.
#[must_use]
pub fn time_out_against_release() -> Scene {
    Stage::new(Pool::new(0))
        .timeouts(1)
        .thread(|pool| match pool.permits.try_acquire_many_for(2, SOON) {
            Ok(permits) => pool.work_under(permits),
            Err(_) => pool.flag.set(),
        })
        .thread(|pool| {
            pool.permits.add_permits(2);
            pool.work();
        })
        .end(|pool| pool.left(2, 2 - u32::from(pool.flag.get())))
}

/// Who wants all permits gets them, although others take and give back single ones without a pause. (They stop when it has had
/// its turn: never, if it starves.)
///
/// Seen to fail: permits are taken in passing though others wait; a release forgets who waits.
#[must_use]
pub fn many_do_not_starve() -> Scene {
    fn hammer(pool: &Pool) {
        // The next one before the last one goes, where that needs no waiting: all are never there at one time by chance.
        let mut permit = pool.permits.acquire().unwrap();
        while !pool.flag.get() {
            pause();
            permit = match pool.permits.try_acquire() {
                Ok(next) => next,
                Err(_) => {
                    drop(permit);
                    pool.permits.acquire().unwrap()
                }
            };
        }
        drop(permit);
    }
    Stage::new(Pool::new(2))
        .thread(hammer)
        .thread(|pool| {
            for _ in 0..rounds(1) {
                let all = pool.permits.acquire_many(2).unwrap();
                pool.work_under(all);
            }
            pool.flag.set();
        })
        .end(|pool| pool.left(2, rounds(1)))
}

/// One that must not block comes last and is served first, so that it can make a permit for the one that came before.
///
/// Seen to fail: a release forgets who waits.
#[must_use]
pub fn an_agent_that_must_not_block_goes_first() -> Scene {
    Stage::new(Pool::new(1))
        .task(async |pool: Arc<Pool>| {
            let mut two = Box::pin(pool.permits.acquire_many_async(2));
            assert!(poll_once(two.as_mut()).await.is_pending());
            pool.flag.set();
            pool.work_under(two.await.unwrap());
        })
        .thread(|pool| {
            while !pool.flag.get() {
                pause();
            }
            urgent(|| pool.permits.acquire().unwrap().forget());
            pool.permits.add_permits(2);
        })
        .end(|pool| pool.left(2, 1))
}
