//! The web, and JS runtimes beside it: what an agent may do, its clock, its console and its timers.

use core::cell::Cell;
use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::AtomicU32;
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::Arc;

use wasm_bindgen::prelude::*;

use super::agent::{self, Ability, Ids};
use super::clock::Deadline;
use super::js::{self, Armed};
use super::signal::Signal;

/// Looks at a word before sleeping, see `spin.rs`.
pub(crate) const SPINS: u32 = 10;
/// How long a waiter looks that has been served soon before, in shortest pauses, see `spin.rs`.
pub(crate) const LONG_LOOK: u32 = 200;
/// Races that a woken thread may lose, see `spin.rs`.
pub(crate) const RACES: u32 = 8;
/// Looks at a locked list before something is left to its holder.
pub(crate) const LOOKS: u32 = 100;
/// Looks at a word between two looks at the clock, which is a call into JS of 0.1 to 0.2 microseconds.
pub(crate) const SPIN_ROUND: u32 = 1_024;
/// Executors leave a task on its agent: what it holds of JS cannot leave it.
pub(crate) const KEEPS_TASKS: bool = true;

/// Declares cells of which each agent has its own: `const`, without a destructor.
macro_rules! agent_local {
    ($($(#[$meta:meta])* static $name:ident: $ty:ty = $init:expr;)*) => {
        std::thread_local! { $($(#[$meta])* static $name: $ty = const { core::cell::Cell::new($init) };)* }
    };
}
pub(crate) use agent_local;

/// Where an agent's time comes from.
#[derive(Clone, Copy)]
enum Source {
    /// `performance.now()`, beside this origin in nanoseconds since the Unix epoch.
    Performance {
        origin: u64,
        performance: &'static js::Performance,
    },
    /// `Date.now()`.
    Date,
}

agent_local! {
    static SOURCE: Cell<Option<Source>> = None;
    static LAST: Cell<u64> = 0;
    static ON_TIMEOUT: Cell<Option<&'static JsValue>> = None;
}

/// Nanoseconds since the Unix epoch, monotonic on this agent.
pub(crate) fn now() -> u64 {
    let now = match source() {
        Source::Performance {
            origin,
            performance,
        } => origin.saturating_add(nanos(performance.now())),
        Source::Date => nanos(js::date_now()),
    };
    LAST.with(|last| {
        last.set(last.get().max(now));
        last.get()
    })
}

/// Of JS's milliseconds.
fn nanos(millis: f64) -> u64 {
    // `as` saturates, and makes zero of what is no number.
    (millis * 1e6) as u64
}

fn source() -> Source {
    SOURCE.with(Cell::get).unwrap_or_else(find_source)
}

#[cold]
fn find_source() -> Source {
    let source = match js::performance_of_agent() {
        Some(performance) => Source::Performance {
            origin: nanos(performance.time_origin()),
            // One object per agent, kept for its life: a cell with a destructor would need more at each look.
            performance: Box::leak(Box::new(performance)),
        },
        None => Source::Date,
    };
    SOURCE.with(|cell| cell.set(Some(source)));
    source
}

/// The time until `instant`, zero when it has passed.
pub(crate) fn until(instant: web_time::Instant) -> Duration {
    match source() {
        Source::Performance { .. } => {
            instant.saturating_duration_since(web_time::Instant::now())
        }
        // WASM: web-time's `now` panics where there is no `performance`, but an instant may come here from another agent. Its
        // origin is the Unix epoch, as that of `Date.now()`.
        Source::Date => Duration::from_nanos(since_origin(instant).saturating_sub(now())),
    }
}

/// Nanoseconds between web-time's origin and `instant`: the longest time that can be taken from it, by bisection.
fn since_origin(instant: web_time::Instant) -> u64 {
    let (mut fits, mut too_long) = (0, u64::MAX);
    while fits + 1 < too_long {
        let middle = fits + (too_long - fits) / 2;
        if instant.checked_sub(Duration::from_nanos(middle)).is_some() {
            fits = middle;
        } else {
            too_long = middle;
        }
    }
    fits
}

/// Asks JS, not the names of globals and not the wasm instruction.
///
/// WASM: a dedicated worker may wait, a window and a service worker may not, and engines differ on shared workers; Deno's main
/// agent is called `Window` and may wait. The instruction traps where it is forbidden (Chromium, WebKit) or blocks the window all the
/// same (Firefox 153). Firefox and WebKit would let an audio worklet wait, on a real-time thread: not through this crate.
pub(crate) fn ability() -> Ability {
    // A module without atomics, and one with atomics that was linked without `--shared-memory`, have a memory of their own.
    if !js::memory_is_shared() {
        Ability::Alone
    } else if js::is_worklet() || !js::may_wait() {
        Ability::Spins
    } else {
        Ability::Sleeps
    }
}

pub(crate) fn next_id() -> u32 {
    static IDS: Ids = Ids::new();
    IDS.next()
}

pub(crate) fn warn(text: &[u16]) {
    js::warn(text);
}

#[inline(always)]
pub(crate) fn pause_between_looks(doublings: u32) {
    // WASM: there is no pause instruction, so it is a loop.
    for step in 0..128_u32 << doublings {
        core::hint::black_box(step);
    }
}

/// Tells the processor that this is a spin loop.
pub(crate) fn pause() {
    // WASM: there is no pause instruction, this is nothing.
    core::hint::spin_loop();
}

/// Between two rounds of a spin loop: nothing.
///
/// WASM: `Atomics.pause` does not pay. What a worker gets done beside a window that spins: 760 units with loads alone, 737 with a pause
/// at each look, 744 with one every 32 looks in Chromium 156; 741, 722, 720 in Firefox 153; 1,390 beside an idle window (upper quartiles
/// of 60 interleaved rounds, 2 busy cores of one thread each). A call takes 30 to 70 ns, in which a look at the word would see the store.
pub(crate) fn relax(_deadline: Option<Deadline>) {}

/// The time that JS is asked to wait for, at most 24 days (an `i32` of milliseconds): rounded up, for a timer that fires early has
/// to be set again.
fn millis(left: Duration) -> i32 {
    let millis = left.as_nanos().div_ceil(1_000_000);
    i32::try_from(millis).unwrap_or(i32::MAX)
}

/// Completes the signal after `left`, give or take; true when JS can do that here.
///
/// The handle, if there is one, goes to `clear`.
fn complete_after(left: Duration, signal: &Arc<Signal>) -> Option<Handle> {
    if js::has_set_timeout() {
        let address = Arc::into_raw(Arc::clone(signal));
        if let Ok(number) = js::set_timeout(on_timeout(), millis(left), address.addr() as u32) {
            return Some(Handle::Timeout(number));
        }
        // SAFETY: from `into_raw` above; JS did not take it.
        drop(unsafe { Arc::from_raw(address) });
        return None;
    }
    // Nobody changes it, nobody wakes it.
    static NEVER: AtomicU32 = AtomicU32::new(0);
    let callback = {
        let signal = Arc::clone(signal);
        move || signal.complete()
    };
    match js::wait_async(&NEVER, 0, millis(left).into(), callback) {
        Armed::Waiting => Some(Handle::WaitAsync),
        Armed::Mismatch | Armed::Missing => None,
    }
}

/// What has been armed in JS.
#[derive(Clone, Copy, Debug)]
enum Handle {
    /// By `setTimeout`, with this number.
    Timeout(f64),
    /// By `Atomics.waitAsync`, which can not be withdrawn.
    WaitAsync,
}

/// The callback of all timers of this agent: completes the signal that it is given the address of.
fn on_timeout() -> &'static JsValue {
    if let Some(callback) = ON_TIMEOUT.with(Cell::get) {
        return callback;
    }
    let callback = Closure::<dyn Fn(u32)>::new(|address: u32| {
        let address = core::ptr::with_exposed_provenance::<Signal>(address as usize);
        // SAFETY: `complete_after` got the address from `into_raw` and gave it to this call alone; `Beat::drop`, which takes it back,
        // has cancelled the call before.
        unsafe { Arc::from_raw(address) }.complete();
    });
    // One per agent, kept for its life.
    let callback: &'static JsValue = Box::leak(Box::new(callback.into_js_value()));
    ON_TIMEOUT.with(|cell| cell.set(Some(callback)));
    callback
}

/// One call of JS in the future, withdrawn on drop where that is possible.
#[derive(Debug)]
struct Beat {
    signal: Arc<Signal>,
    handle: Handle,
    /// The agent that will be called; 0 when it has no id.
    agent: u32,
}

impl Drop for Beat {
    fn drop(&mut self) {
        let Handle::Timeout(number) = self.handle else {
            return;
        };
        // Another agent's timer can not be cleared from here: it fires, and nobody listens. On this one nothing runs in between.
        let mine = self.agent != 0 && self.agent == agent::id();
        if mine && !self.signal.is_done() && js::clear_timeout(number).is_ok() {
            // SAFETY: `complete_after` made this count for the callback, which has not run and will not.
            unsafe { Arc::decrement_strong_count(Arc::as_ptr(&self.signal)) };
        }
    }
}

/// Polls a condition from time to time: at the right time where JS has timers, and as often as the executor likes where it has none.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    beat: Option<Beat>,
}

impl Pulse {
    /// Arranges for the task to be polled again after `left`, give or take.
    pub(crate) fn poll_after(&mut self, left: Duration, context: &Context<'_>) {
        let agent = agent::id();
        if let Some(beat) = &self.beat
            && beat.agent == agent
            && beat.signal.poll(context).is_pending()
        {
            return;
        }
        let signal = Arc::new(Signal::new());
        // Cannot be done yet: JS runs nothing before this returns.
        let _ = signal.poll(context);
        self.beat = complete_after(left, &signal).map(|handle| Beat {
            signal,
            handle,
            agent,
        });
        if self.beat.is_none() {
            // WASM: a worklet without `Atomics.waitAsync` (Firefox before 145) has no means to be called later.
            context.waker().wake_by_ref();
        }
    }
}

/// Completes when its deadline has passed.
#[derive(Debug)]
pub(crate) struct Timer {
    deadline: Deadline,
    pulse: Pulse,
}

impl Timer {
    pub(crate) fn new(deadline: Deadline) -> Self {
        Self {
            deadline,
            pulse: Pulse::default(),
        }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(left) = self.deadline.remaining() else {
            return Poll::Ready(());
        };
        self.pulse.poll_after(left, context);
        Poll::Pending
    }
}

#[cfg(test)]
#[path = "web_tests.rs"]
mod tests;
