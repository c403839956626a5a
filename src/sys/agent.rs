//! The agent that is running: may it sleep, and what is its id?
//!
//! An *agent* is what ECMAScript calls a thread: a window, a worker, a worklet; natively a thread. The platform is asked once
//! per agent and the answer kept in a `const` thread-local cell without a destructor, so that asking again is one load.
//!
//! The answer is a run-time policy, not a `cfg`: browsers discuss letting a window sleep one day (whatwg/html#12570), and tests
//! want to see a worker or a native thread behave as a window does.

use core::cell::Cell;
use core::sync::atomic::{AtomicU32, Ordering};

use super::platform;

/// What an agent can do when it has to wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ability {
    /// It sleeps, and needs a wake.
    Sleeps,
    /// It must not sleep: it spins, and sees the store itself.
    Spins,
    /// It must not sleep and nobody else can run: a wait without a deadline would never end.
    Alone,
}

/// How an agent waits: what [`set_policy`] sets for the agent that calls it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Policy {
    /// As the platform says: workers and native threads sleep; a window, a service worker and a worklet spin.
    #[default]
    Auto,
    /// This agent must not block, whatever the platform says: blocking calls spin.
    ///
    /// For tests that want to see on a worker, or natively, what happens on a page's main thread, and for threads with
    /// real-time duties.
    Spin,
}

platform::agent_local! {
    static ABILITY: Cell<Option<Ability>> = None;
    /// [`SLEEPS`] on an agent that is known to be able to sleep.
    static KNOWN: Cell<u32> = 0;
    static ID: Cell<u32> = NO_ID;
}

/// No word that is in thread-local memory by chance before that is initialised: see `alloc/slot.rs`.
const SLEEPS: u32 = 0x51EE_9A6E;

/// The value of an id that has not been asked for, or that could not be given.
const NO_ID: u32 = 0;
/// Ids fit into 24 bits, so that a lock word has room for state beside its owner.
pub(crate) const ID_MAX: u32 = (1 << 24) - 1;

/// Whether the running agent may sleep.
///
/// Constant for an agent, but for [`set_policy`].
#[inline]
pub(crate) fn may_block() -> bool {
    ability() == Ability::Sleeps
}

/// What the running agent can do when it has to wait.
#[inline]
pub(crate) fn ability() -> Ability {
    match ABILITY.with(Cell::get) {
        Some(ability) => ability,
        None => probe(),
    }
}

/// Whether the running agent is known to be able to sleep: whether that has been asked, or set, and the answer was yes.
///
/// One load, which asks nobody; false as long as there is no thread-local memory.
pub(crate) fn is_known_to_sleep() -> bool {
    KNOWN.with(Cell::get) == SLEEPS
}

/// Whether a task that this agent has polled stays here. Executors of the web leave a task on its agent, and so does everybody
/// who has one on an agent that must not block; natively another thread may poll it next.
pub(crate) fn keeps_tasks() -> bool {
    platform::KEEPS_TASKS || !may_block()
}

/// Asks the platform, once per agent.
#[cold]
fn probe() -> Ability {
    let ability = platform::ability();
    remember(ability);
    ability
}

fn remember(ability: Ability) {
    let known = if ability == Ability::Sleeps {
        SLEEPS
    } else {
        0
    };
    ABILITY.with(|cell| cell.set(Some(ability)));
    KNOWN.with(|cell| cell.set(known));
}

/// Sets how the running agent waits, from its next wait on.
///
/// A wait that has begun goes on as it began. Other agents are not affected.
///
/// # Blocking
///
/// Never blocks.
///
/// # Examples
///
/// ```
/// use web_sync::agent::{self, Policy};
///
/// assert!(agent::may_block()); // a native thread may
/// agent::set_policy(Policy::Spin);
/// assert!(!agent::may_block());
/// agent::set_policy(Policy::Auto);
/// assert!(agent::may_block());
/// ```
pub fn set_policy(policy: Policy) {
    let ability = match (policy, platform::ability()) {
        (Policy::Spin, Ability::Sleeps) => Ability::Spins,
        (_, ability) => ability,
    };
    remember(ability);
}

/// A small number that is this agent's alone for as long as it lives: 24 bits, never reused, 0 when none is left.
#[inline]
pub(crate) fn id() -> u32 {
    match ID.with(Cell::get) {
        NO_ID => assign_id(),
        id => id,
    }
}

#[cold]
fn assign_id() -> u32 {
    let id = platform::next_id();
    ID.with(|cell| cell.set(id));
    id
}

/// Hands out 1, 2, … up to [`ID_MAX`], then 0 for ever.
#[derive(Debug)]
pub(crate) struct Ids(AtomicU32);

impl Ids {
    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    pub(crate) fn next(&self) -> u32 {
        // Relaxed: an id publishes nothing; that each is given once follows from the counter's modification order alone.
        let last = self
            .0
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                (last < ID_MAX).then_some(last + 1)
            });
        last.map_or(NO_ID, |last| last + 1)
    }
}

#[cfg(all(test, not(web_sync_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_this_agents_alone() {
        set_policy(Policy::Spin);
        assert!(!may_block());
        assert!(std::thread::spawn(may_block).join().unwrap());
        set_policy(Policy::Auto);
        assert!(may_block());
    }

    #[test]
    fn that_it_sleeps_is_known_once_it_was_asked() {
        std::thread::spawn(|| {
            assert!(!is_known_to_sleep());
            assert!(may_block() && is_known_to_sleep());
            set_policy(Policy::Spin);
            assert!(!is_known_to_sleep());
            set_policy(Policy::Auto);
            assert!(is_known_to_sleep());
        })
        .join()
        .unwrap();
    }

    #[test]
    fn an_id_is_stable_small_and_unique() {
        let own = id();
        assert_eq!(own, id());
        let mut ids: Vec<u32> = (0..8)
            .map(|_| std::thread::spawn(id))
            .map(|thread| thread.join().unwrap())
            .collect();
        ids.push(own);
        assert!(ids.iter().all(|&id| (1..=ID_MAX).contains(&id)));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 9);
    }

    #[test]
    fn ids_run_out_into_zero() {
        let ids = Ids(AtomicU32::new(ID_MAX - 2));
        let given: Vec<u32> = (0..4).map(|_| ids.next()).collect();
        assert_eq!(given, [ID_MAX - 1, ID_MAX, 0, 0]);
    }
}
