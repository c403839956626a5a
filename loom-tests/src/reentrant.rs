//! The lock that its holder may take again. What waits for it is the mutex's, see [`crate::mutex`].

use crate::Scene;
use crate::scene::Stage;
use crate::world::{Note, SOON, Tally, pause, rounds, urgent};
use web_sync::{ReentrantLock, ReentrantLockGuard};

models![reentrant: two_nest, two_nest_beside_one_that_must_not_block, one_tries_beside_a_holder, one_gives_up;
    stale: two_nest];

/// A number behind a lock, and what it should be.
#[derive(Default)]
struct Sum {
    lock: ReentrantLock<()>,
    number: Note,
    added: Tally,
}

impl Sum {
    fn add_under(&self, held: &ReentrantLockGuard<'_, ()>) {
        let () = **held;
        self.number.add();
        self.added.add();
    }

    /// Locks while it holds the lock, and goes on to hold it when it has unlocked.
    fn nest(&self, held: &ReentrantLockGuard<'_, ()>) {
        self.add_under(held);
        let again = self.lock.lock();
        self.add_under(&again);
        drop(again);
        self.add_under(held);
    }

    fn nest_often(&self, loom: u32) {
        for _ in 0..rounds(loom) {
            self.nest(&self.lock.lock());
        }
    }

    /// Nothing was lost, and the lock is free.
    fn check(&self) {
        let held = self.lock.try_lock().expect("nobody else holds it");
        assert_eq!(self.number.get(), self.added.get());
        drop(held);
    }
}

/// Two threads exclude each other, and no thread itself. Two agents: all others would only wait.
///
/// Seen to fail: an inner unlock unlocks; an inner lock is not counted; whoever holds the lock is taken for the caller; a release does
/// not release.
#[must_use]
pub fn two_nest() -> Scene {
    Stage::new(Sum::default())
        .spurious(1)
        .thread(|sum| sum.nest_often(1))
        .thread(|sum| sum.nest_often(1))
        .end(Sum::check)
}

/// Whom the lock is handed to holds it as if he had taken it.
///
/// Seen to fail: who is handed the lock does not write its id; whoever holds the lock is taken for the caller; an inner lock is not
/// counted.
#[must_use]
pub fn two_nest_beside_one_that_must_not_block() -> Scene {
    Stage::new(Sum::default())
        .thread(|sum| sum.nest_often(1))
        .thread(|sum| sum.nest_often(1))
        .thread(|sum| urgent(|| sum.nest_often(1)))
        .end(Sum::check)
}

/// Who tries gets the lock if it is free or his, and only then.
///
/// Seen to fail: whoever holds the lock is taken for the caller; nobody is known to hold it; the last unlock does not unlock.
#[must_use]
pub fn one_tries_beside_a_holder() -> Scene {
    fn try_to_nest(sum: &Sum) {
        for _ in 0..rounds(2) {
            if let Some(held) = sum.lock.try_lock() {
                sum.add_under(&held);
                let again = sum.lock.try_lock().expect("it is ours");
                drop(held);
                sum.add_under(&again);
            }
        }
    }
    Stage::new(Sum::default())
        .thread(|sum| sum.nest_often(1))
        .thread(try_to_nest)
        .end(Sum::check)
}

/// Who gives up waiting holds nothing.
///
/// Seen to fail: a wait that has timed out counts as a lock; an inner unlock unlocks; a release does not release.
#[must_use]
pub fn one_gives_up() -> Scene {
    Stage::new(Sum::default())
        .timeouts(1)
        .thread(|sum| sum.nest_often(1))
        .thread(|sum| match sum.lock.try_lock_for(SOON) {
            Some(held) => sum.nest(&held),
            None => pause(),
        })
        .thread(|sum| sum.nest_often(1))
        .end(Sum::check)
}
