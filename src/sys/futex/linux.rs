//! Linux's futex system call, by libc.
//!
//! Why not a crate that wraps it: rustix and wait_on_address take `&AtomicU32` to wake, but a wake may come after the word is gone
//! (contract, K2), and a dangling reference is undefined behaviour; atomic-wait takes a pointer but has no time-outs. libc's
//! `syscall` has what is needed, Miri understands it (with a `*mut u32`), and ThreadSanitizer sees no edge in it, so that
//! it judges whether the atomics alone synchronise.

use core::ptr;
use core::time::Duration;
use std::io;

use super::futex::Outcome;
use super::shim::AtomicU32;

/// The longest sleep that is asked for at once: all `timespec` have room for it.
pub(crate) const LONGEST: Duration = Duration::from_secs(1 << 30);

/// A system call needs no memory of the program's.
pub(crate) const ALLOCATES: bool = false;

pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) -> Outcome {
    let timeout = timeout.map(|timeout| libc::timespec {
        tv_sec: timeout.as_secs() as libc::time_t,
        tv_nsec: timeout.subsec_nanos() as _,
    });
    let timeout: *const libc::timespec = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: FUTEX_WAIT reads the word, which the reference keeps alive, and the time-out, which lives on this stack or is null.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            expected,
            timeout,
        )
    };
    if result == 0 {
        return Outcome::Woken;
    }
    match io::Error::last_os_error().raw_os_error() {
        Some(libc::EAGAIN) => Outcome::Mismatch,
        Some(libc::ETIMEDOUT) => Outcome::TimedOut,
        // With `EINTR` a signal handler ran; to callers a spurious wake-up.
        _ => Outcome::Woken,
    }
}

pub(crate) fn wake(word: *const AtomicU32) {
    // SAFETY: a private FUTEX_WAKE uses the address as a number and does not read it; it may dangle.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.cast::<u32>().cast_mut(),
            libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
            1_i32,
        );
    }
}
