//! Calls of a worklet that have a deadline, and the noise beside them.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use js_sys::{Date, Reflect, global};
use wasm_bindgen_test::console_log;
use web_sync_testkit::{AudioWorklet, Handle, Pool, TIMEOUT, time};

/// Frames of one call of `process()`.
pub const QUANTUM: usize = 128;

/// Milliseconds that they last.
const LASTS: f64 = QUANTUM as f64 * 1e3 / 44_100.0;

/// How far, in milliseconds, `process()` may fall behind before what plays has nothing left. An audio device asks for as much at a time.
const BUFFERED: f64 = 25.0;

/// How late calls were.
#[derive(Clone, Copy, Default, Debug)]
pub struct Late {
    /// Quanta that came so late that there was nothing left to play.
    pub missed: u32,
    /// The longest call, in whole milliseconds.
    pub longest: f64,
    /// The worst delay of a call, in whole milliseconds.
    pub latest: f64,
}

/// When calls of `process()` were due, by `Date.now()`: there is no other clock in a worklet.
#[derive(Default)]
pub struct Schedule {
    due: Option<f64>,
}

impl Schedule {
    /// Watches one call.
    pub fn watch(&mut self, late: &mut Late, call: impl FnOnce()) {
        let begin = Date::now();
        let due = *self.due.get_or_insert(begin);
        let behind = begin - due;
        late.latest = late.latest.max(behind);
        let rebase = if behind > BUFFERED {
            late.missed += (behind / LASTS) as u32;
            behind
        } else {
            // Who is early was late when the watch began.
            behind.min(0.0)
        };
        self.due = Some(due + rebase + LASTS);
        call();
        late.longest = late.longest.max(Date::now() - begin);
    }
}

/// What the agents around the worklet have in common.
#[derive(Default)]
pub struct Around {
    over: AtomicBool,
    blocks: AtomicU32,
}

impl Around {
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Allocates and frees as fast as it can: blocks of many sizes, some of which stay for a while.
    fn hammer(&self, seed: u32) {
        let mut kept: VecDeque<Vec<u8>> = VecDeque::new();
        let mut size = seed;
        while !self.is_over() {
            for _ in 0..64 {
                size = size.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                kept.push_back(black_box(Vec::with_capacity((size >> 20) as usize)));
                if kept.len() > 100 {
                    kept.pop_front();
                }
            }
            self.blocks.fetch_add(64, Ordering::Relaxed);
        }
    }
}

/// Workers that allocate: all of a pool but the first.
pub struct Noise {
    pub around: Arc<Around>,
    hammers: Vec<Handle<()>>,
}

impl Noise {
    pub async fn start(pool: &Pool) -> Self {
        let around = Arc::<Around>::default();
        let mut hammers = Vec::new();
        for index in 1..pool.len() {
            let theirs = around.clone();
            hammers.push(pool.run(index, move || theirs.hammer(index as u32)));
        }
        let begun = || around.blocks.load(Ordering::Relaxed) > 0;
        until(begun, "a worker to allocate").await;
        Self { around, hammers }
    }

    pub async fn end(self) -> u32 {
        self.around.over.store(true, Ordering::Relaxed);
        for hammer in self.hammers {
            hammer.join_async().await.unwrap();
        }
        self.around.blocks.load(Ordering::Relaxed)
    }
}

/// Awaits that it is so.
pub async fn until(mut is_so: impl FnMut() -> bool, what: &str) {
    let deadline = time::now() + TIMEOUT;
    while !is_so() {
        assert!(time::now() < deadline, "waited for {what} in vain");
        time::sleep(Duration::from_millis(1)).await;
    }
}

/// A worklet that plays. In Firefox, where there is no audio device, none does (`None`, and it is said); Chromium plays to nobody then, and
/// must.
pub async fn playing() -> Option<AudioWorklet> {
    let navigator = Reflect::get(&global(), &"navigator".into()).unwrap();
    let browser = Reflect::get(&navigator, &"userAgent".into()).unwrap();
    let firefox = browser.as_string().unwrap().contains("Firefox");
    match AudioWorklet::start_playing().await {
        Err(error) if firefox => {
            console_log!("not played, for want of an audio device: {error}");
            None
        }
        started => Some(started.unwrap()),
    }
}
