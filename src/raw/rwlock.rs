//! The reader-writer lock: all modes of the lock.

use super::future::LockFuture;
use super::lock::Lock;
use super::state::{HOLDER, LOCKED, Mode, ONE_READER, UPGRADABLE};
use crate::sys::Call;
use crate::sys::clock::Deadline;
use crate::sys::shim::const_new;
use core::panic::Location;

/// A reader-writer lock without data.
pub(crate) struct RawRwLock(Lock);

impl RawRwLock {
    const_new! {
        pub(crate) fn new() -> Self {
            Self(Lock::new())
        }
    }

    #[inline]
    pub(crate) fn try_read(&self) -> bool {
        self.0.take_shared() || self.0.try_take(Mode::Shared, 0)
    }

    #[inline]
    #[track_caller]
    pub(crate) fn read(&self) {
        if !self.try_read() {
            wait(&self.0, Mode::Shared, None, Location::caller());
        }
    }

    /// False: the deadline passed first.
    #[inline]
    #[track_caller]
    pub(crate) fn read_until(&self, deadline: Deadline) -> bool {
        self.try_read() || wait(&self.0, Mode::Shared, Some(deadline), Location::caller())
    }

    pub(crate) fn read_async(&self) -> LockFuture<'_> {
        LockFuture::new(&self.0, Mode::Shared)
    }

    #[inline]
    pub(crate) fn try_write(&self) -> bool {
        self.0.take_free() || self.0.try_take(Mode::Exclusive, 0)
    }

    #[inline]
    #[track_caller]
    pub(crate) fn write(&self) {
        if !self.0.take_free() {
            wait(&self.0, Mode::Exclusive, None, Location::caller());
        }
    }

    /// False: the deadline passed first.
    #[inline]
    #[track_caller]
    pub(crate) fn write_until(&self, deadline: Deadline) -> bool {
        self.0.take_free() || wait(&self.0, Mode::Exclusive, Some(deadline), Location::caller())
    }

    pub(crate) fn write_async(&self) -> LockFuture<'_> {
        LockFuture::new(&self.0, Mode::Exclusive)
    }

    #[inline]
    pub(crate) fn try_upgradable_read(&self) -> bool {
        self.0.try_take(Mode::Upgradable, 0)
    }

    #[inline]
    #[track_caller]
    pub(crate) fn upgradable_read(&self) {
        if !self.try_upgradable_read() {
            wait(&self.0, Mode::Upgradable, None, Location::caller());
        }
    }

    /// False: the deadline passed first.
    #[inline]
    #[track_caller]
    pub(crate) fn upgradable_read_until(&self, deadline: Deadline) -> bool {
        self.try_upgradable_read()
            || wait(
                &self.0,
                Mode::Upgradable,
                Some(deadline),
                Location::caller(),
            )
    }

    pub(crate) fn upgradable_read_async(&self) -> LockFuture<'_> {
        LockFuture::new(&self.0, Mode::Upgradable)
    }

    /// # Safety
    ///
    /// The caller is a reader.
    #[inline]
    pub(crate) unsafe fn unlock_read(&self) {
        // SAFETY: by contract.
        unsafe { self.0.release_shared() };
    }

    /// # Safety
    ///
    /// The caller is a reader.
    pub(crate) unsafe fn unlock_read_fair(&self) {
        self.0.favour_first();
        // SAFETY: by contract.
        unsafe { self.0.release_shared() };
    }

    /// # Safety
    ///
    /// The caller is the writer.
    #[inline]
    pub(crate) unsafe fn unlock_write(&self) {
        // SAFETY: by contract.
        unsafe { self.0.release_exclusive() };
    }

    /// # Safety
    ///
    /// The caller is the writer.
    pub(crate) unsafe fn unlock_write_fair(&self) {
        self.0.favour_first();
        // SAFETY: by contract.
        unsafe { self.0.release_exclusive() };
    }

    /// # Safety
    ///
    /// The caller is the upgradable reader.
    pub(crate) unsafe fn unlock_upgradable(&self) {
        self.0.release(UPGRADABLE, 0);
    }

    /// # Safety
    ///
    /// The caller is the upgradable reader.
    pub(crate) unsafe fn unlock_upgradable_fair(&self) {
        self.0.favour_first();
        // SAFETY: by contract.
        unsafe { self.unlock_upgradable() };
    }

    /// From upgradable reader to writer, waiting until the other readers are gone.
    ///
    /// # Safety
    ///
    /// The caller is the upgradable reader.
    #[track_caller]
    pub(crate) unsafe fn upgrade(&self) {
        // SAFETY: by contract.
        if !unsafe { self.try_upgrade() } {
            wait(&self.0, Mode::Upgrade, None, Location::caller());
        }
    }

    /// False: other readers are there; the caller still is the upgradable reader.
    ///
    /// # Safety
    ///
    /// The caller is the upgradable reader.
    pub(crate) unsafe fn try_upgrade(&self) -> bool {
        self.0.try_take(Mode::Upgrade, 0)
    }

    /// False: the deadline passed first; the caller still is the upgradable reader.
    ///
    /// # Safety
    ///
    /// The caller is the upgradable reader.
    #[track_caller]
    pub(crate) unsafe fn upgrade_until(&self, deadline: Deadline) -> bool {
        // SAFETY: by contract.
        unsafe {
            self.try_upgrade() || wait(&self.0, Mode::Upgrade, Some(deadline), Location::caller())
        }
    }

    /// When the future is ready the caller is the writer; until then it still is the upgradable reader, also after dropping it.
    ///
    /// # Safety
    ///
    /// The caller is the upgradable reader for as long as the future lives.
    pub(crate) unsafe fn upgrade_async(&self) -> LockFuture<'_> {
        LockFuture::new(&self.0, Mode::Upgrade)
    }

    /// From writer to reader.
    ///
    /// # Safety
    ///
    /// The caller is the writer.
    pub(crate) unsafe fn downgrade(&self) {
        self.0.release(self.0.exclusive_bits(), ONE_READER);
    }

    /// From writer to upgradable reader.
    ///
    /// # Safety
    ///
    /// The caller is the writer.
    pub(crate) unsafe fn downgrade_to_upgradable(&self) {
        self.0.release(self.0.exclusive_bits(), UPGRADABLE);
    }

    /// From upgradable reader to reader.
    ///
    /// # Safety
    ///
    /// The caller is the upgradable reader.
    pub(crate) unsafe fn downgrade_upgradable(&self) {
        self.0.release(UPGRADABLE, ONE_READER);
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.0.state().has(LOCKED | UPGRADABLE | HOLDER)
    }

    pub(crate) fn is_locked_exclusive(&self) -> bool {
        self.0.state().has(LOCKED)
    }

    #[inline]
    pub(crate) fn is_poisoned(&self) -> bool {
        self.0.is_poisoned()
    }

    pub(crate) fn poison(&self) {
        self.0.poison();
    }

    pub(crate) fn clear_poison(&self) {
        self.0.clear_poison();
    }
}

#[cold]
fn wait(
    lock: &Lock,
    mode: Mode,
    deadline: Option<Deadline>,
    caller: &'static Location<'static>,
) -> bool {
    let (name, instead) = match mode {
        Mode::Exclusive => ("RwLock::write", "RwLock::write_async"),
        Mode::Shared => ("RwLock::read", "RwLock::read_async"),
        Mode::Upgradable => ("RwLock::upgradable_read", "RwLock::upgradable_read_async"),
        Mode::Upgrade => (
            "RwLockUpgradableReadGuard::upgrade",
            "RwLockUpgradableReadGuard::upgrade_async",
        ),
    };
    lock.take_slow(
        mode,
        deadline,
        &Call {
            name,
            instead,
            caller,
        },
    )
}

#[cfg(all(target_pointer_width = "32", not(web_sync_loom)))]
const _: () = assert!(size_of::<RawRwLock>() == 8);
