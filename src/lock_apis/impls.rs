//! The traits of `lock_api`, once for both versions.
//!
//! In version 0.5 an acquisition returns a guard that the release takes back; in 0.4 there is none. So a version brings four macros
//! that turn what is written here into methods of its form: `guards!` (the associated types), `take!` (waits until it has the lock),
//! `attempt!` (whether it has got it), `release!` (gives it back) and `turn!` (makes another kind of it).

/// Implements the traits of the `lock_api` that is in scope by that name, which is the argument.
macro_rules! raw_locks {
    ($api:ident) => {
        // SAFETY: the raw mutex excludes everybody else from `lock` or a successful attempt until `unlock`.
        unsafe impl $api::RawMutex for RawMutex {
            #[allow(clippy::declare_interior_mutable_const, reason = "the trait is made so")]
            const INIT: Self = Self(raw::RawMutex::new());

            guards!(Guard);
            take!(fn lock(&self) -> Guard { self.0.lock() });
            attempt!(fn try_lock(&self) -> Guard { self.0.try_lock() });
            release!(fn unlock(&self, Guard) { self.0.unlock() });

            #[inline]
            fn is_locked(&self) -> bool {
                self.0.is_locked()
            }
        }

        // SAFETY: as above.
        unsafe impl $api::RawMutexFair for RawMutex {
            release!(fn unlock_fair(&self, Guard) { self.0.unlock_fair() });
        }

        // SAFETY: as above.
        unsafe impl $api::RawMutexTimed for RawMutex {
            type Duration = Duration;
            type Instant = Instant;

            attempt!(fn try_lock_for(&self, timeout: Duration) -> Guard {
                self.0.lock_until(Deadline::after(timeout))
            });
            attempt!(fn try_lock_until(&self, deadline: Instant) -> Guard {
                self.0.lock_until(Deadline::at(deadline))
            });
        }

        // SAFETY: the raw lock lets in one writer or any number of readers until they release it.
        unsafe impl $api::RawRwLock for RawRwLock {
            #[allow(clippy::declare_interior_mutable_const, reason = "the trait is made so")]
            const INIT: Self = Self(raw::RawRwLock::new());

            guards!(SharedGuard ExclusiveGuard);
            take!(fn lock_shared(&self) -> SharedGuard { self.0.read() });
            attempt!(fn try_lock_shared(&self) -> SharedGuard { self.0.try_read() });
            release!(fn unlock_shared(&self, SharedGuard) { self.0.unlock_read() });
            take!(fn lock_exclusive(&self) -> ExclusiveGuard { self.0.write() });
            attempt!(fn try_lock_exclusive(&self) -> ExclusiveGuard { self.0.try_write() });
            release!(fn unlock_exclusive(&self, ExclusiveGuard) { self.0.unlock_write() });

            #[inline]
            fn is_locked(&self) -> bool {
                self.0.is_locked()
            }

            #[inline]
            fn is_locked_exclusive(&self) -> bool {
                self.0.is_locked_exclusive()
            }
        }

        // SAFETY: as above.
        unsafe impl $api::RawRwLockFair for RawRwLock {
            release!(fn unlock_shared_fair(&self, SharedGuard) { self.0.unlock_read_fair() });
            release!(fn unlock_exclusive_fair(&self, ExclusiveGuard) { self.0.unlock_write_fair() });
        }

        // SAFETY: the raw lock goes from writing to reading without letting a writer in between.
        unsafe impl $api::RawRwLockDowngrade for RawRwLock {
            turn!(fn downgrade(&self, ExclusiveGuard) -> SharedGuard { self.0.downgrade() });
        }

        // SAFETY: as for `RawRwLock`.
        unsafe impl $api::RawRwLockTimed for RawRwLock {
            type Duration = Duration;
            type Instant = Instant;

            attempt!(fn try_lock_shared_for(&self, timeout: Duration) -> SharedGuard {
                self.0.read_until(Deadline::after(timeout))
            });
            attempt!(fn try_lock_shared_until(&self, deadline: Instant) -> SharedGuard {
                self.0.read_until(Deadline::at(deadline))
            });
            attempt!(fn try_lock_exclusive_for(&self, timeout: Duration) -> ExclusiveGuard {
                self.0.write_until(Deadline::after(timeout))
            });
            attempt!(fn try_lock_exclusive_until(&self, deadline: Instant) -> ExclusiveGuard {
                self.0.write_until(Deadline::at(deadline))
            });
        }

        // SAFETY: the raw lock lets one upgradable reader in beside readers, and makes it a writer when it is alone.
        unsafe impl $api::RawRwLockUpgrade for RawRwLock {
            guards!(+ UpgradableGuard);
            take!(fn lock_upgradable(&self) -> UpgradableGuard { self.0.upgradable_read() });
            attempt!(fn try_lock_upgradable(&self) -> UpgradableGuard { self.0.try_upgradable_read() });
            release!(fn unlock_upgradable(&self, UpgradableGuard) { self.0.unlock_upgradable() });
            turn!(fn upgrade(&self, UpgradableGuard) -> ExclusiveGuard { self.0.upgrade() });
            turn!(fn try_upgrade(&self, UpgradableGuard) -> Option<ExclusiveGuard> { self.0.try_upgrade() });
        }

        // SAFETY: as above.
        unsafe impl $api::RawRwLockUpgradeFair for RawRwLock {
            release!(fn unlock_upgradable_fair(&self, UpgradableGuard) {
                self.0.unlock_upgradable_fair()
            });
        }

        // SAFETY: the raw lock changes between these modes without letting a writer in between.
        unsafe impl $api::RawRwLockUpgradeDowngrade for RawRwLock {
            turn!(fn downgrade_upgradable(&self, UpgradableGuard) -> SharedGuard {
                self.0.downgrade_upgradable()
            });
            turn!(fn downgrade_to_upgradable(&self, ExclusiveGuard) -> UpgradableGuard {
                self.0.downgrade_to_upgradable()
            });
        }

        // SAFETY: as for `RawRwLockUpgrade`.
        unsafe impl $api::RawRwLockUpgradeTimed for RawRwLock {
            attempt!(fn try_lock_upgradable_for(&self, timeout: Duration) -> UpgradableGuard {
                self.0.upgradable_read_until(Deadline::after(timeout))
            });
            attempt!(fn try_lock_upgradable_until(&self, deadline: Instant) -> UpgradableGuard {
                self.0.upgradable_read_until(Deadline::at(deadline))
            });
            turn!(fn try_upgrade_for(&self, UpgradableGuard, timeout: Duration) -> Option<ExclusiveGuard> {
                self.0.upgrade_until(Deadline::after(timeout))
            });
            turn!(fn try_upgrade_until(&self, UpgradableGuard, deadline: Instant) -> Option<ExclusiveGuard> {
                self.0.upgrade_until(Deadline::at(deadline))
            });
        }

        /// `lock_api`'s mutex over [`RawMutex`].
        pub type Mutex<T> = $api::Mutex<RawMutex, T>;
        /// Access to the data of a locked [`Mutex`].
        pub type MutexGuard<'a, T> = $api::MutexGuard<'a, RawMutex, T>;
        /// Access to a part of the data of a locked [`Mutex`].
        pub type MappedMutexGuard<'a, T> = $api::MappedMutexGuard<'a, RawMutex, T>;
        /// `lock_api`'s reader-writer lock over [`RawRwLock`].
        pub type RwLock<T> = $api::RwLock<RawRwLock, T>;
        /// Access for reading to the data of a [`RwLock`].
        pub type RwLockReadGuard<'a, T> = $api::RwLockReadGuard<'a, RawRwLock, T>;
        /// Access for reading, with the right to upgrade, to the data of a [`RwLock`].
        pub type RwLockUpgradableReadGuard<'a, T> = $api::RwLockUpgradableReadGuard<'a, RawRwLock, T>;
        /// Access for writing to the data of a [`RwLock`].
        pub type RwLockWriteGuard<'a, T> = $api::RwLockWriteGuard<'a, RawRwLock, T>;
        /// Access for reading to a part of the data of a [`RwLock`].
        pub type MappedRwLockReadGuard<'a, T> = $api::MappedRwLockReadGuard<'a, RawRwLock, T>;
        /// Access for writing to a part of the data of a [`RwLock`].
        pub type MappedRwLockWriteGuard<'a, T> = $api::MappedRwLockWriteGuard<'a, RawRwLock, T>;
    };
}
