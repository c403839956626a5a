//! Who waits: the names that a report or a panic shows to the user.

use core::panic::Location;

/// What a blocking call tells the world while it waits: for the spin report and for panics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// The method, as the user wrote it: `"Mutex::lock"`.
    pub name: &'static str,
    /// What to use on an agent that must not block: `"Mutex::lock_async"`.
    pub instead: &'static str,
    /// The user's line, from `#[track_caller]`.
    pub caller: &'static Location<'static>,
}
