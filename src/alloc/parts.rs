//! The parts that the models in `loom-tests` are made of. Not public: for this repository's own tests.

pub use super::block::Node;
pub use super::deferred::Deferred;
pub use super::exchange::{Exchange, PLACES};
pub use super::hands::Hands;
pub use super::never_wait::{Gate, Inside};
pub use super::pages::{Pages, Runs};
pub use super::roster::Roster;
pub use super::try_lock::{Held, TryLock};
