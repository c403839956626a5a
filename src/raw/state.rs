//! The state word of a lock.
//!
//! ```text
//! bit  0      LOCKED      an exclusive holder exists
//! bit  1      UPGRADABLE  an upgradable holder exists, beside readers
//! bit  2      QUEUED      somebody in the queue waits to be noticed: a release must look at the queue
//! bit  3      HANDOFF     only the queue hands out the lock: nobody may take it in passing (barge)
//! bit  4      POISONED    a holder panicked
//! bits 8..32  LOCKED: id of the holder's agent, 0 while unknown. Otherwise: number of readers.
//! ```
//!
//! | bit | set by | cleared by |
//! |---|---|---|
//! | `LOCKED` | who takes the lock, or who hands it over | the holder |
//! | `UPGRADABLE` | likewise | the holder, by releasing, upgrading or downgrading |
//! | `QUEUED`, `HANDOFF` | who has the queue locked; a woken waiter that takes the lock (`QUEUED`) | who has the queue locked |
//! | `POISONED` | an exclusive holder | anybody |

use core::fmt;

pub(super) const LOCKED: u32 = 0b0_0001;
pub(super) const UPGRADABLE: u32 = 0b0_0010;
pub(super) const QUEUED: u32 = 0b0_0100;
pub(super) const HANDOFF: u32 = 0b0_1000;
pub(super) const POISONED: u32 = 0b1_0000;
pub(super) const HOLDER_SHIFT: u32 = 8;
/// The holder's id, or the number of readers.
pub(super) const HOLDER: u32 = u32::MAX << HOLDER_SHIFT;
pub(super) const ONE_READER: u32 = 1 << HOLDER_SHIFT;
/// As many readers as are let in.
pub(super) const MOST_READERS: u32 = HOLDER - ONE_READER;

/// In which way a lock is held or wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mode {
    /// Alone.
    Exclusive,
    /// Beside other readers.
    Shared,
    /// Beside readers, but at most one, who alone may upgrade.
    Upgradable,
    /// From upgradable to exclusive.
    Upgrade,
}

impl Mode {
    pub(super) fn from_u8(mode: u8) -> Self {
        match mode {
            0 => Self::Exclusive,
            1 => Self::Shared,
            2 => Self::Upgradable,
            _ => Self::Upgrade,
        }
    }
}

/// A value of the state word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct State(pub(super) u32);

impl State {
    #[inline]
    pub(super) fn has(self, bits: u32) -> bool {
        self.0 & bits != 0
    }

    /// Whether the holders there are leave room for one more in this mode, whoever waits.
    #[inline]
    pub(super) fn admits(self, mode: Mode) -> bool {
        match mode {
            Mode::Exclusive => !self.has(LOCKED | UPGRADABLE | HOLDER),
            // One reader less than fits: an upgradable holder may become one more.
            Mode::Shared => !self.has(LOCKED) && self.0 & HOLDER < MOST_READERS,
            Mode::Upgradable => !self.has(LOCKED | UPGRADABLE) && self.0 & HOLDER <= MOST_READERS,
            Mode::Upgrade => !self.has(LOCKED | HOLDER),
        }
    }

    /// Whether somebody who has not queued may take the lock in passing.
    ///
    /// Readers let those go first who already wait, or a stream of them would keep a writer out for ever. An upgrade depends on
    /// nobody in the queue, but everybody there depends on it.
    #[inline]
    pub(super) fn barges(self, mode: Mode) -> bool {
        let queue = match mode {
            Mode::Exclusive => HANDOFF,
            Mode::Shared | Mode::Upgradable => HANDOFF | QUEUED,
            Mode::Upgrade => 0,
        };
        !self.has(queue) && self.admits(mode)
    }

    /// The state after taking the lock in this mode, on the agent `id` (0: not known yet).
    #[inline]
    pub(super) fn taken(self, mode: Mode, id: u32) -> Self {
        Self(match mode {
            Mode::Exclusive => self.0 | LOCKED | id << HOLDER_SHIFT,
            Mode::Shared => self.0 + ONE_READER,
            Mode::Upgradable => self.0 | UPGRADABLE,
            Mode::Upgrade => self.0 & !UPGRADABLE | LOCKED | id << HOLDER_SHIFT,
        })
    }

    /// The id of the agent that holds the lock exclusively; 0 if there is none or it is not known.
    #[inline]
    pub(super) fn owner(self) -> u32 {
        if self.has(LOCKED) {
            self.0 >> HOLDER_SHIFT
        } else {
            0
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (LOCKED, "LOCKED"),
            (UPGRADABLE, "UPGRADABLE"),
            (QUEUED, "QUEUED"),
            (HANDOFF, "HANDOFF"),
            (POISONED, "POISONED"),
        ];
        for (bit, name) in names {
            if self.has(bit) {
                write!(f, "{name} | ")?;
            }
        }
        let what = if self.has(LOCKED) { "owner" } else { "readers" };
        write!(f, "{what} {}", self.0 >> HOLDER_SHIFT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODES: [Mode; 4] = [
        Mode::Exclusive,
        Mode::Shared,
        Mode::Upgradable,
        Mode::Upgrade,
    ];

    const MOST: u32 = MOST_READERS >> HOLDER_SHIFT;

    /// Every combination of flags with few holders and with the most.
    fn all_states() -> impl Iterator<Item = State> {
        (0..1 << 5).flat_map(|flags| {
            [0, 1, 2, MOST - 1, MOST, MOST + 1].map(|holder| State(flags | holder << HOLDER_SHIFT))
        })
    }

    #[test]
    fn modes_exclude_each_other_as_the_table_says() {
        for state in all_states() {
            let locked = state.has(LOCKED);
            let upgradable = state.has(UPGRADABLE);
            let readers = if locked { 0 } else { state.0 >> HOLDER_SHIFT };
            if locked {
                assert!(MODES.iter().all(|&mode| !state.admits(mode)), "{state:?}");
                continue;
            }
            assert_eq!(
                state.admits(Mode::Exclusive),
                !upgradable && readers == 0,
                "{state:?}"
            );
            assert_eq!(state.admits(Mode::Shared), readers < MOST, "{state:?}");
            assert_eq!(
                state.admits(Mode::Upgradable),
                !upgradable && readers <= MOST,
                "{state:?}"
            );
            if upgradable {
                assert_eq!(state.admits(Mode::Upgrade), readers == 0, "{state:?}");
            }
        }
    }

    #[test]
    fn barging_is_admission_without_a_reason_to_queue() {
        for state in all_states() {
            for mode in MODES {
                let (queued, handoff) = (state.has(QUEUED), state.has(HANDOFF));
                let yields = match mode {
                    Mode::Exclusive => handoff,
                    Mode::Shared | Mode::Upgradable => queued || handoff,
                    Mode::Upgrade => false,
                };
                assert_eq!(
                    state.barges(mode),
                    state.admits(mode) && !yields,
                    "{state:?} {mode:?}"
                );
            }
        }
    }

    #[test]
    fn taking_keeps_the_flags_and_excludes_the_next() {
        const FLAGS: u32 = QUEUED | HANDOFF | POISONED;
        for state in all_states() {
            for mode in MODES.into_iter().filter(|&mode| state.admits(mode)) {
                if mode == Mode::Upgrade && !state.has(UPGRADABLE) {
                    continue;
                }
                let taken = state.taken(mode, 7);
                assert_eq!(taken.0 & FLAGS, state.0 & FLAGS, "{state:?} {mode:?}");
                assert!(!taken.admits(Mode::Exclusive), "{taken:?}");
                assert_eq!(
                    taken.admits(Mode::Upgradable),
                    mode == Mode::Shared && !state.has(UPGRADABLE),
                    "{taken:?}"
                );
                assert_eq!(
                    taken.owner(),
                    if taken.has(LOCKED) { 7 } else { 0 },
                    "{taken:?}"
                );
            }
        }
    }
}
