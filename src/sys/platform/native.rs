//! Native threads: std's clock, stderr as the console, and one thread for all timers.

use core::time::Duration;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Instant;

use super::agent::{Ability, Ids};
use super::clock::Deadline;
use super::signal::Signal;

/// Looks at a word before sleeping, see `spin.rs`.
pub(crate) const SPINS: u32 = 100;
/// How long a waiter looks that has been served soon before, in shortest pauses, see `spin.rs`.
pub(crate) const LONG_LOOK: u32 = 200;
/// Races that a woken thread may lose, see `spin.rs`.
pub(crate) const RACES: u32 = 8;
/// Looks at a locked list before something is left to its holder.
pub(crate) const LOOKS: u32 = 100;
/// Looks at a word between two looks at the clock.
pub(crate) const SPIN_ROUND: u32 = 1_024;
/// Executors move tasks between threads.
pub(crate) const KEEPS_TASKS: bool = false;

/// Declares cells of which each agent has its own: `const`, without a destructor.
macro_rules! agent_local {
    ($($(#[$meta:meta])* static $name:ident: $ty:ty = $init:expr;)*) => {
        std::thread_local! { $($(#[$meta])* static $name: $ty = const { core::cell::Cell::new($init) };)* }
    };
}
pub(crate) use agent_local;

/// Nanoseconds since the first use of the clock in this process.
pub(crate) fn now() -> u64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    let elapsed = ORIGIN.get_or_init(Instant::now).elapsed();
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

/// The time until `instant`, zero when it has passed.
pub(crate) fn until(instant: web_time::Instant) -> Duration {
    instant.saturating_duration_since(Instant::now())
}

pub(crate) fn ability() -> Ability {
    Ability::Sleeps
}

pub(crate) fn next_id() -> u32 {
    static IDS: Ids = Ids::new();
    IDS.next()
}

pub(crate) fn warn(text: &[u16]) {
    // A report that cannot be written is lost; that must not end the wait.
    let _ = writeln!(io::stderr(), "{}", String::from_utf16_lossy(text));
}

#[inline(always)]
pub(crate) fn pause_between_looks(doublings: u32) {
    // In an interpreter another thread runs at each of them, and an exchange that may fail for no reason mostly does (Miri: four times of five).
    let pauses = if cfg!(miri) { 1 } else { 8_u32 << doublings };
    for _ in 0..pauses {
        core::hint::spin_loop();
    }
}

/// Tells the processor that this is a spin loop.
pub(crate) fn pause() {
    core::hint::spin_loop();
}

/// Between two rounds of a spin loop: lets another thread have the processor.
pub(crate) fn relax(_deadline: Option<Deadline>) {
    thread::yield_now();
}

/// How long the timer thread stays without timers. Miri wants it gone when a test ends.
const LINGER: Duration = Duration::from_secs(if cfg!(miri) { 0 } else { 1 });

/// What the timer thread shares with the timers.
struct Timers {
    state: Mutex<State>,
    /// The first deadline has changed, or the last timer has gone.
    changed: Condvar,
}

struct State {
    /// By deadline, then by number: two timers may have one deadline.
    pending: BTreeMap<(Deadline, u64), Arc<Signal>>,
    next_number: u64,
    thread_runs: bool,
}

static TIMERS: Timers = Timers {
    state: Mutex::new(State {
        pending: BTreeMap::new(),
        next_number: 0,
        thread_runs: false,
    }),
    changed: Condvar::new(),
};

impl Timers {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The timer thread: completes what is due, sleeps until the next deadline, ends when there has been nothing for a while.
    fn run(&self) {
        let mut state = self.lock();
        loop {
            let Some((&(deadline, number), _)) = state.pending.first_key_value() else {
                let (after, waited) = self
                    .changed
                    .wait_timeout(state, LINGER)
                    .unwrap_or_else(PoisonError::into_inner);
                state = after;
                if state.pending.is_empty() && waited.timed_out() {
                    state.thread_runs = false;
                    return;
                }
                continue;
            };
            if let Some(left) = deadline.remaining() {
                state = self
                    .changed
                    .wait_timeout(state, left.min(Duration::from_secs(1 << 30)))
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
                continue;
            }
            let signal = state.pending.remove(&(deadline, number));
            drop(state);
            if let Some(signal) = signal {
                signal.complete();
            }
            state = self.lock();
        }
    }
}

/// Completes when its deadline has passed.
#[derive(Debug)]
pub(crate) struct Timer {
    deadline: Deadline,
    /// Present while it is, or was, in the table.
    armed: Option<(u64, Arc<Signal>)>,
}

impl Timer {
    pub(crate) fn new(deadline: Deadline) -> Self {
        Self {
            deadline,
            armed: None,
        }
    }

    fn arm(&mut self) -> Arc<Signal> {
        let signal = Arc::new(Signal::new());
        let mut state = TIMERS.lock();
        if !state.thread_runs {
            // It waits for the lock that we hold. If it cannot be started, nothing says that it has been.
            thread::Builder::new()
                .name("web-sync timers".into())
                .spawn(|| TIMERS.run())
                .expect("the system has no thread left for web-sync's timers");
            state.thread_runs = true;
        }
        let number = state.next_number;
        state.next_number += 1;
        let key = (self.deadline, number);
        state.pending.insert(key, Arc::clone(&signal));
        let mut pending = state.pending.keys();
        if pending.next() == Some(&key) {
            TIMERS.changed.notify_one();
        }
        self.armed = Some((number, Arc::clone(&signal)));
        signal
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(
        mut self: core::pin::Pin<&mut Self>,
        context: &mut core::task::Context<'_>,
    ) -> core::task::Poll<()> {
        if self.deadline.passed() {
            return core::task::Poll::Ready(());
        }
        let signal = match &self.armed {
            Some((_, signal)) => Arc::clone(signal),
            None => self.arm(),
        };
        signal.poll(context)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let Some((number, _)) = self.armed.take() else {
            return;
        };
        let mut state = TIMERS.lock();
        let removed = state.pending.remove(&(self.deadline, number));
        if state.pending.is_empty() {
            TIMERS.changed.notify_one();
        }
        drop(state);
        // Its waker drops outside the lock.
        drop(removed);
    }
}
