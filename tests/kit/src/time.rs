//! The clock and the timers that tests need, in every world.

use core::time::Duration;

#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
mod imp {
    use super::Duration;
    use std::{sync::LazyLock, time::Instant};

    static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

    pub fn now() -> Duration {
        ORIGIN.elapsed()
    }

    pub async fn sleep(duration: Duration) {
        std::thread::sleep(duration);
    }

    pub fn block(duration: Duration) {
        std::thread::sleep(duration);
    }
}

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use crate::web::time as imp;

/// Time since an origin that all agents of a page share closely enough to compare within some milliseconds.
pub fn now() -> Duration {
    imp::now()
}

/// Returns to the event loop for that long (natively: sleeps).
pub async fn sleep(duration: Duration) {
    imp::sleep(duration).await;
}

/// Blocks this agent; on an agent that must not block it spins.
pub fn block(duration: Duration) {
    imp::block(duration);
}

/// Spins for that long: what a critical section does.
pub fn spin(duration: Duration) {
    let until = now() + duration;
    while now() < until {
        core::hint::spin_loop();
    }
}
