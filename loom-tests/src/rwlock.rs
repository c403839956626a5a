//! The reader-writer lock.

use core::future::Future;
use core::pin::Pin;
use core::task::Poll;
use std::sync::Arc;

use crate::Scene;
use crate::scene::Stage;
use crate::tasks::next_wake;
use crate::world::{Data, Event, Flag, SOON, Tally, pause, poll_once, rounds};
use web_sync::nonpoison::{RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard};

models![rwlock: one_writes_and_one_reads, two_write_and_one_reads, two_read_and_one_writes, tasks_write_and_read, a_writer_lets_all_readers_in,
    a_writer_lets_many_tasks_in, a_writer_does_not_starve, a_reader_does_not_starve, a_writer_that_gives_up_lets_readers_in,
    a_dropped_write_future_lets_readers_in, time_outs_of_all_kinds, nobody_writes_before_an_upgrade, two_upgrade,
    an_upgrade_waits_for_readers, upgrades_time_out, tasks_upgrade, a_dropped_upgrade_lets_readers_in, a_downgrade_lets_readers_in,
    nobody_writes_after_a_downgrade, a_downgrade_keeps_the_right_to_upgrade, a_downgrade_lets_the_next_upgradable_reader_in;
    stale: one_writes_and_one_reads, a_downgrade_lets_readers_in];

/// A number behind a lock, and what it should be.
#[derive(Default)]
struct Sum {
    lock: RwLock<Data>,
    added: Tally,
    first: Event,
    second: Event,
    third: Event,
    served: Flag,
}

impl Sum {
    fn write(&self) {
        self.write_under(self.lock.write());
    }

    fn write_under(&self, mut guard: RwLockWriteGuard<'_, Data>) {
        guard.add();
        self.added.add();
    }

    fn read(&self) {
        self.read_under(&self.lock.read());
    }

    fn read_under(&self, guard: &RwLockReadGuard<'_, Data>) {
        // Counted after it was added, before the lock was released.
        assert_eq!(guard.get(), self.added.get());
    }

    /// Takes what it has read and adds one, with nobody in between.
    fn upgrade(&self) {
        let reader = self.lock.upgradable_read();
        let before = reader.get();
        let writer = RwLockUpgradableReadGuard::upgrade(reader);
        assert_eq!(writer.get(), before);
        self.write_under(writer);
    }

    fn check(&self) {
        let guard = self.lock.try_write().expect("nobody holds it");
        assert_eq!(guard.get(), self.added.get());
    }
}

fn often(act: impl Fn(&Sum) + Send + 'static) -> impl FnOnce(&Sum) + Send + 'static {
    move |sum| {
        for _ in 0..rounds(1) {
            act(sum);
        }
    }
}

/// A writer and a reader, twice each.
///
/// Seen to fail: a writer is admitted beside readers; the last reader does not look at the queue; a reader's release does not
/// release.
#[must_use]
pub fn one_writes_and_one_reads() -> Scene {
    fn twice(act: fn(&Sum)) -> impl FnOnce(&Sum) + Send {
        move |sum| (0..rounds(2)).for_each(|_| act(sum))
    }
    Stage::new(Sum::default())
        .thread(twice(Sum::write))
        .thread(twice(Sum::read))
        .end(Sum::check)
}

/// Writers exclude each other and a reader.
///
/// Seen to fail: a thread's lost races are not counted; a writer is admitted beside readers; the last reader does not look at
/// the queue.
#[must_use]
pub fn two_write_and_one_reads() -> Scene {
    Stage::new(Sum::default())
        .thread(often(Sum::write))
        .thread(often(Sum::write))
        .thread(often(Sum::read))
        .end(Sum::check)
}

/// A writer excludes readers, and the last reader wakes it.
///
/// Seen to fail: a thread's lost races are not counted; a writer is admitted beside readers; the last reader does not look at
/// the queue.
#[must_use]
pub fn two_read_and_one_writes() -> Scene {
    Stage::new(Sum::default())
        .thread(often(Sum::read))
        .thread(often(Sum::read))
        .thread(often(Sum::write))
        .end(Sum::check)
}

/// Tasks of both kinds beside a writing thread.
///
/// Seen to fail: a writer is admitted beside readers; the last reader does not look at the queue; a task's claim does not
/// acquire.
#[must_use]
pub fn tasks_write_and_read() -> Scene {
    Stage::new(Sum::default())
        .thread(often(Sum::write))
        .task(|sum| async move {
            for _ in 0..rounds(1) {
                sum.write_under(sum.lock.write_async().await);
            }
        })
        .task(|sum| async move {
            for _ in 0..rounds(1) {
                sum.read_under(&sum.lock.read_async().await);
            }
        })
        .end(Sum::check)
}

/// The end of a writer lets all readers in, not only the first: each stays until it has seen the other.
///
/// Seen to fail: a release serves one reader only; a reader is admitted beside a writer; a handoff does not acquire.
#[must_use]
pub fn a_writer_lets_all_readers_in() -> Scene {
    fn meet(sum: &Sum, own: &Event, other: &Event) {
        sum.first.wait();
        let guard = sum.lock.read();
        own.set();
        other.wait();
        sum.read_under(&guard);
    }
    Stage::new(Sum::default())
        .thread(|sum| {
            let guard = sum.lock.write();
            sum.first.set();
            sum.write_under(guard);
        })
        .thread(|sum| meet(sum, &sum.second, &sum.third))
        .thread(|sum| meet(sum, &sum.third, &sum.second))
        .end(Sum::check)
}

type Reading<'a> = Pin<Box<dyn Future<Output = RwLockReadGuard<'a, Data>> + 'a>>;

/// More tasks wait than are woken in one go, and each stays until it has seen all others.
///
/// Seen to fail: a reader is admitted beside a writer; a task queues without settling; `lock_or_pend` leaves no message.
#[must_use]
pub fn a_writer_lets_many_tasks_in() -> Scene {
    const READERS: usize = 10;
    Stage::new(Sum::default())
        .thread(|sum| {
            let guard = sum.lock.write();
            sum.first.set();
            pause();
            sum.write_under(guard);
        })
        .task(|sum| async move {
            sum.first.wait();
            let mut waiting: Vec<Reading<'_>> = (0..READERS)
                .map(|_| Box::pin(sum.lock.read_async()) as Reading<'_>)
                .collect();
            let mut reading = Vec::new();
            while reading.len() < READERS {
                let mut still = Vec::new();
                for mut future in waiting {
                    match poll_once(future.as_mut()).await {
                        Poll::Ready(guard) => reading.push(guard),
                        Poll::Pending => still.push(future),
                    }
                }
                waiting = still;
                if !waiting.is_empty() {
                    next_wake().await;
                }
            }
            reading.iter().for_each(|guard| sum.read_under(guard));
        })
        .end(Sum::check)
}

/// Readers who come again and again leave room for a writer.
///
/// Seen to fail: a thread's lost races are not counted; a writer is admitted beside readers; a reader's release does not
/// release.
#[must_use]
pub fn a_writer_does_not_starve() -> Scene {
    Stage::new(Sum::default())
        .thread(|sum| {
            while !sum.served.get() {
                let guard = sum.lock.read();
                pause();
                sum.read_under(&guard);
            }
        })
        .thread(|sum| {
            sum.write();
            sum.served.set();
        })
        .end(Sum::check)
}

/// A writer who comes again and again leaves room for a reader.
///
/// Seen to fail: a writer is admitted beside readers; the last reader does not look at the queue; a reader's release does not
/// release.
#[must_use]
pub fn a_reader_does_not_starve() -> Scene {
    Stage::new(Sum::default())
        .thread(|sum| {
            while !sum.served.get() {
                let guard = sum.lock.write();
                pause();
                sum.write_under(guard);
            }
        })
        .thread(|sum| {
            sum.read();
            sum.served.set();
        })
        .end(Sum::check)
}

/// A writer keeps the readers behind it out; when it gives up they go in, while another still reads.
///
/// Seen to fail: who leaves the queue does not settle; a writer is admitted beside readers; a reader's release does not
/// release.
#[must_use]
pub fn a_writer_that_gives_up_lets_readers_in() -> Scene {
    Stage::new(Sum::default())
        .timeouts(1)
        .thread(|sum| {
            let guard = sum.lock.read();
            sum.first.set();
            sum.second.wait();
            sum.read_under(&guard);
        })
        .thread(|sum| {
            sum.first.wait();
            if let Ok(guard) = sum.lock.try_write_for(SOON) {
                sum.write_under(guard);
            }
        })
        .thread(|sum| {
            sum.first.wait();
            let guard = sum.lock.read();
            sum.second.set();
            sum.read_under(&guard);
        })
        .end(Sum::check)
}

/// The same for a task that is dropped.
///
/// Seen to fail: a dropped future stays in the queue; who leaves the queue does not settle; a writer is admitted beside
/// readers.
#[must_use]
pub fn a_dropped_write_future_lets_readers_in() -> Scene {
    Stage::new(Sum::default())
        .thread(|sum| {
            let guard = sum.lock.read();
            sum.first.set();
            sum.second.wait();
            sum.read_under(&guard);
        })
        .task(|sum| async move {
            sum.first.wait();
            let mut writing = Box::pin(sum.lock.write_async());
            if let Poll::Ready(guard) = poll_once(writing.as_mut()).await {
                sum.write_under(guard);
            }
        })
        .thread(|sum| {
            sum.first.wait();
            let guard = sum.lock.read();
            sum.second.set();
            sum.read_under(&guard);
        })
        .end(Sum::check)
}

/// A reader and a writer give up or not while another writes.
///
/// Seen to fail: a time-out throws away the signal that came first; a thread's lost races are not counted; who leaves the queue
/// does not settle.
#[must_use]
pub fn time_outs_of_all_kinds() -> Scene {
    Stage::new(Sum::default())
        .timeouts(2)
        .thread(often(Sum::write))
        .thread(often(|sum| {
            if let Ok(guard) = sum.lock.try_read_for(SOON) {
                sum.read_under(&guard);
            }
        }))
        .thread(often(|sum| {
            if let Ok(guard) = sum.lock.try_write_for(SOON) {
                sum.write_under(guard);
            }
        }))
        .end(Sum::check)
}

/// What an upgradable reader has read is still true when it writes.
///
/// Seen to fail: an upgrade queues behind the others; an agent that must not block queues behind the others; an upgrade is
/// admitted beside readers.
#[must_use]
pub fn nobody_writes_before_an_upgrade() -> Scene {
    Stage::new(Sum::default())
        .thread(often(Sum::upgrade))
        .thread(often(Sum::write))
        .thread(often(Sum::read))
        .end(Sum::check)
}

/// Two of them do not wait for each other for ever.
///
/// Seen to fail: an upgrade queues behind the others; two upgradable readers are admitted; an agent that must not block queues
/// behind the others.
#[must_use]
pub fn two_upgrade() -> Scene {
    Stage::new(Sum::default())
        .thread(often(Sum::upgrade))
        .thread(often(Sum::upgrade))
        .thread(often(Sum::read))
        .end(Sum::check)
}

/// The last of two readers wakes the upgrade.
///
/// Seen to fail: an upgrade is admitted beside readers; the last reader does not look at the queue; a reader's release does not
/// release.
#[must_use]
pub fn an_upgrade_waits_for_readers() -> Scene {
    Stage::new(Sum::default())
        .thread(often(Sum::upgrade))
        .thread(often(Sum::read))
        .thread(often(Sum::read))
        .end(Sum::check)
}

/// An upgrade that gives up still reads, and keeps nobody out.
///
/// Seen to fail: an upgrade is admitted beside readers; a reader's release does not release; a reader is admitted beside a
/// writer.
#[must_use]
pub fn upgrades_time_out() -> Scene {
    Stage::new(Sum::default())
        .timeouts(1)
        .thread(often(|sum| {
            let reader = sum.lock.upgradable_read();
            let before = reader.get();
            match RwLockUpgradableReadGuard::try_upgrade_for(reader, SOON) {
                Ok(writer) => sum.write_under(writer),
                Err(reader) => assert_eq!(reader.get(), before),
            }
        }))
        .thread(often(Sum::read))
        .thread(often(Sum::read))
        .end(Sum::check)
}

async fn upgrade(sum: Arc<Sum>) {
    for _ in 0..rounds(1) {
        let reader = sum.lock.upgradable_read_async().await;
        let before = reader.get();
        let writer = RwLockUpgradableReadGuard::upgrade_async(reader).await;
        assert_eq!(writer.get(), before);
        sum.write_under(writer);
    }
}

/// Tasks upgrade as threads do.
///
/// Seen to fail: two upgradable readers are admitted; an agent that must not block queues behind the others; an upgrade is
/// admitted beside readers.
#[must_use]
pub fn tasks_upgrade() -> Scene {
    Stage::new(Sum::default())
        .task(upgrade)
        .task(upgrade)
        .thread(often(Sum::read))
        .end(Sum::check)
}

/// An upgrade that is dropped keeps nobody out: a reader goes in while another still reads.
///
/// Seen to fail: an upgrade is admitted beside readers; a dropped future stays in the queue; who leaves the queue does not
/// settle.
#[must_use]
pub fn a_dropped_upgrade_lets_readers_in() -> Scene {
    Stage::new(Sum::default())
        .thread(|sum| {
            let guard = sum.lock.read();
            sum.first.set();
            sum.second.wait();
            sum.read_under(&guard);
        })
        .task(|sum| async move {
            sum.first.wait();
            let reader = sum.lock.upgradable_read_async().await;
            let mut upgrading = Box::pin(RwLockUpgradableReadGuard::upgrade_async(reader));
            if let Poll::Ready(writer) = poll_once(upgrading.as_mut()).await {
                sum.write_under(writer);
            }
        })
        .thread(|sum| {
            sum.first.wait();
            let guard = sum.lock.read();
            sum.second.set();
            sum.read_under(&guard);
        })
        .end(Sum::check)
}

/// A writer who becomes a reader lets those in who wait, and stays until it has seen one.
///
/// Seen to fail: a downgrade does not look at the queue; a reader is admitted beside a writer; a handoff does not acquire.
#[must_use]
pub fn a_downgrade_lets_readers_in() -> Scene {
    Stage::new(Sum::default())
        .thread(|sum| {
            let mut writer = sum.lock.write();
            sum.first.set();
            pause();
            writer.add();
            sum.added.add();
            let reader = RwLockWriteGuard::downgrade(writer);
            sum.second.wait();
            sum.read_under(&reader);
        })
        .thread(|sum| {
            sum.first.wait();
            let reader = sum.lock.read();
            sum.second.set();
            sum.read_under(&reader);
        })
        .end(Sum::check)
}

/// Between a writer and the reader it becomes there is no other writer.
///
/// Seen to fail: a downgrade releases the lock in between; a thread's lost races are not counted; a writer is admitted beside
/// readers.
#[must_use]
pub fn nobody_writes_after_a_downgrade() -> Scene {
    Stage::new(Sum::default())
        .thread(often(|sum| {
            let mut writer = sum.lock.write();
            writer.add();
            sum.added.add();
            let written = writer.get();
            let reader = RwLockWriteGuard::downgrade(writer);
            assert_eq!(reader.get(), written);
        }))
        .thread(often(Sum::write))
        .thread(often(Sum::read))
        .end(Sum::check)
}

/// A writer may step back and write again, with nobody in between.
///
/// Seen to fail: a step back to upgradable releases the lock in between; an upgrade queues behind the others; two upgradable
/// readers are admitted.
#[must_use]
pub fn a_downgrade_keeps_the_right_to_upgrade() -> Scene {
    Stage::new(Sum::default())
        .thread(often(|sum| {
            let mut writer = sum.lock.write();
            writer.add();
            sum.added.add();
            let written = writer.get();
            let reader = RwLockWriteGuard::downgrade_to_upgradable(writer);
            let writer = RwLockUpgradableReadGuard::upgrade(reader);
            assert_eq!(writer.get(), written);
            sum.write_under(writer);
        }))
        .thread(often(Sum::read))
        .thread(often(Sum::upgrade))
        .end(Sum::check)
}

/// An upgradable reader who becomes a plain one lets the next upgradable one in, and stays until it has seen it.
///
/// Seen to fail: a downgrade does not look at the queue; two upgradable readers are admitted; a thread that falls asleep
/// overwrites its signal.
#[must_use]
pub fn a_downgrade_lets_the_next_upgradable_reader_in() -> Scene {
    Stage::new(Sum::default())
        .thread(|sum| {
            let upgradable = sum.lock.upgradable_read();
            sum.first.set();
            pause();
            let reader = RwLockUpgradableReadGuard::downgrade(upgradable);
            sum.second.wait();
            sum.read_under(&reader);
        })
        .thread(|sum| {
            sum.first.wait();
            let upgradable = sum.lock.upgradable_read();
            sum.second.set();
            drop(upgradable);
        })
        .thread(often(Sum::read))
        .end(Sum::check)
}
