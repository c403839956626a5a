//! The garden twice. The line that names the locks is all that differs.

/// With the locks of this project.
#[path = "."]
pub mod ours {
    use web_sync::{Condvar, Mutex, RwLock};

    #[path = "garden.rs"]
    mod garden;
    pub use garden::GARDEN;
}

/// With the standard library's: natively as good, in a page a trap.
#[path = "."]
pub mod theirs {
    use std::sync::{Condvar, Mutex, RwLock};

    #[path = "garden.rs"]
    #[expect(clippy::duplicate_mod, reason = "that is what this file is for")]
    mod garden;
    pub use garden::GARDEN;
}
