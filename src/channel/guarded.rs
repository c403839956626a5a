//! Data behind the raw mutex, for the few instructions in which one agent at a time works on it.

use crate::raw::RawMutex;
use crate::sys::Call;
use crate::sys::shim::UnsafeCell;
use core::panic::Location;

/// Data that one agent at a time has access to.
///
/// What is done with it must not panic, must call nothing of the user's and must not allocate: then to wait for it is to wait for a few
/// instructions, which a poll may do as well.
pub(super) struct Guarded<D> {
    lock: RawMutex,
    data: UnsafeCell<D>,
}

// SAFETY: the lock gives the data to one agent at a time, which is as good as sending it from one to the next.
unsafe impl<D: Send> Sync for Guarded<D> {}

impl<D> Guarded<D> {
    pub(super) fn new(data: D) -> Self {
        Self {
            lock: RawMutex::new(),
            data: UnsafeCell::new(data),
        }
    }

    /// Works on the data.
    #[inline]
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut D) -> R) -> R {
        self.lock();
        // SAFETY: locked, by us.
        unsafe { self.work(act) }
    }

    /// Looks at the data, and keeps others from changing it meanwhile.
    pub(super) fn read<R>(&self, look: impl FnOnce(&D) -> R) -> R {
        self.lock();
        // SAFETY: locked, by us, so nobody changes it.
        let result = unsafe { self.read_unlocked(look) };
        // SAFETY: as above, and the data is not used any more.
        unsafe { self.lock.unlock() };
        result
    }

    /// The same without a lock. Waits for nobody.
    ///
    /// # Safety
    ///
    /// No other agent has access but by [`Guarded::read`] before this returns.
    pub(super) unsafe fn read_unlocked<R>(&self, look: impl FnOnce(&D) -> R) -> R {
        // SAFETY: by contract.
        self.data.with(|data| look(unsafe { &*data }))
    }

    #[inline]
    fn lock(&self) {
        self.lock.lock_for(&Call {
            name: "a channel's own lock",
            instead: "nothing: an agent has ended that held it",
            caller: Location::caller(),
        });
    }

    /// The same without a lock, if `alone`.
    ///
    /// # Safety
    ///
    /// If `alone`, no other agent has access before this returns.
    #[inline]
    pub(super) unsafe fn with_unless<R>(&self, alone: bool, act: impl FnOnce(&mut D) -> R) -> R {
        if alone {
            // SAFETY: by contract.
            return self.data.with_mut(|data| act(unsafe { &mut *data }));
        }
        self.with(act)
    }

    /// The same, unless another agent is at it.
    ///
    /// # Safety
    ///
    /// As for [`Guarded::with_unless`].
    #[inline]
    pub(super) unsafe fn try_with_unless<R>(
        &self,
        alone: bool,
        act: impl FnOnce(&mut D) -> R,
    ) -> Option<R> {
        if alone {
            // SAFETY: by contract.
            return Some(self.data.with_mut(|data| act(unsafe { &mut *data })));
        }
        // SAFETY: locked, by us.
        self.lock.try_lock().then(|| unsafe { self.work(act) })
    }

    /// # Safety
    ///
    /// The caller has the data locked, and has not after this.
    #[inline]
    unsafe fn work<R>(&self, act: impl FnOnce(&mut D) -> R) -> R {
        // SAFETY: locked, by contract.
        let result = self.data.with_mut(|data| act(unsafe { &mut *data }));
        // SAFETY: as above, and the data is not used any more.
        unsafe { self.lock.unlock() };
        result
    }

    /// Whether `act` ends while another agent reads, which does that for a while.
    #[cfg(test)]
    pub(super) fn is_read_during(&self, act: impl FnOnce()) -> bool
    where
        D: Send,
    {
        let (reads, act_now) = std::sync::mpsc::channel();
        let (ended, wait) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let reader = scope.spawn(move || {
                self.read(|_| {
                    reads.send(()).is_ok()
                        && wait
                            .recv_timeout(core::time::Duration::from_secs(1))
                            .is_ok()
                })
            });
            act_now.recv().expect("it reads");
            act();
            // It may have given up.
            let _ = ended.send(());
            reader.join().expect("it does not panic")
        })
    }

    /// The data, which nobody else can see.
    pub(super) fn get_mut(&mut self) -> &mut D {
        // SAFETY: `self` is exclusive, and the reference that is returned borrows it.
        self.data.with_mut(|data| unsafe { &mut *data })
    }
}
