//! An audio worklet at work: it takes samples from a worker's ring, looks at the main thread's settings and reports by a ring of its own,
//! while workers allocate as fast as they can. Nothing is lost, nothing comes out of order, and `process()` never allocates.
//!
//! That nothing in there waits is not to be seen from inside: a wait instruction traps in Chromium's worklet, and `cargo xtask test
//! wasm-check` reads in the module that none can be reached.
#![cfg(target_arch = "wasm32")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use js_sys::{Date, Reflect, global};
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sync::spsc::{Consumer, Producer, RingBuffer};
use web_sync::thread;
use web_sync::triple_buffer::{Output, triple_buffer};
use web_sync_testkit::{AudioWorklet, Error, Handle, Pool, TIMEOUT, time};

wasm_bindgen_test_configure!(run_in_browser);

/// Counts what one agent allocates and frees. It knows the agent by its stack: a thread-local would be used before an agent has any, since
/// room for them is allocated.
struct Counting;

/// The agent's stack, from here downwards; 0 is none.
static WATCHED: AtomicUsize = AtomicUsize::new(0);

/// How far down. A stack is larger.
const DEPTH: usize = 64 << 10;

static COUNTED: AtomicUsize = AtomicUsize::new(0);

impl Counting {
    fn count(&self) {
        let here = 0_u8;
        let here = black_box(&raw const here).addr();
        if WATCHED.load(Ordering::Relaxed).wrapping_sub(here) < DEPTH {
            COUNTED.fetch_add(1, Ordering::Relaxed);
        }
    }
}

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count();
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        self.count();
        // SAFETY: the caller's promise is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often this agent allocates or frees in `f`. One agent at a time.
fn allocations(f: impl FnOnce()) -> usize {
    let here = 0_u8;
    let before = COUNTED.load(Ordering::Relaxed);
    WATCHED.store(black_box(&raw const here).addr(), Ordering::Relaxed);
    f();
    WATCHED.store(0, Ordering::Relaxed);
    COUNTED.load(Ordering::Relaxed) - before
}

/// Frames of one call of `process()`.
const QUANTUM: usize = 128;

/// Milliseconds that they last.
const LASTS: f64 = QUANTUM as f64 * 1e3 / 44_100.0;

/// How far, in milliseconds, `process()` may fall behind before what plays has nothing left. An audio device asks for as much at a time.
const BUFFERED: f64 = 25.0;

/// How many calls are watched.
const QUANTA: u32 = 1_000;

/// What a slider and its kin have set: all the same, unless the value is torn.
type Settings = [u32; 32];

/// What a worklet tells of its calls.
#[derive(Default, Debug)]
struct Seen {
    samples: u32,
    /// Calls that got less than a quantum of samples.
    short: u32,
    settings: u32,
    /// How often the settings changed.
    changes: u32,
    /// Reports for which there was no room.
    unsaid: u32,
    allocations: usize,
    /// Quanta that came so late that there was nothing left to play.
    missed: u32,
    /// The longest call, in whole milliseconds.
    longest: f64,
    /// The worst delay of a call, in whole milliseconds.
    latest: f64,
}

/// When calls of `process()` were due, by `Date.now()`: there is no other clock in a worklet.
#[derive(Default)]
struct Schedule {
    due: Option<f64>,
}

impl Schedule {
    /// Watches one call.
    fn watch(&mut self, seen: &mut Seen, call: impl FnOnce(&mut Seen)) {
        let begin = Date::now();
        let due = *self.due.get_or_insert(begin);
        let behind = begin - due;
        seen.latest = seen.latest.max(behind);
        let rebase = if behind > BUFFERED {
            seen.missed += (behind / LASTS) as u32;
            behind
        } else {
            // Who is early was late when the watch began.
            behind.min(0.0)
        };
        self.due = Some(due + rebase + LASTS);
        call(seen);
        seen.longest = seen.longest.max(Date::now() - begin);
    }
}

/// The worklet's ends.
struct Desk {
    samples: Consumer<u32>,
    settings: Output<Settings>,
    reports: Producer<[u32; 2]>,
}

impl Desk {
    /// One quantum.
    fn process(&mut self, seen: &mut Seen) {
        let mut quantum = [0; QUANTUM];
        let count = self.samples.pop_slice(&mut quantum);
        for sample in &quantum[..count] {
            assert_eq!(*sample, seen.samples, "a sample is lost or out of order");
            seen.samples += 1;
        }
        seen.short += u32::from(count < QUANTUM);
        let settings = self.settings.read();
        let number = settings[0];
        assert_eq!(settings, &[number; 32], "torn");
        assert!(number >= seen.settings, "{number} after {}", seen.settings);
        seen.changes += u32::from(number > seen.settings);
        seen.settings = number;
        let report = [seen.samples, number];
        seen.unsaid += u32::from(self.reports.push(report).is_err());
    }
}

/// What the agents around the worklet have in common.
#[derive(Default)]
struct Around {
    over: AtomicBool,
    blocks: AtomicU32,
}

impl Around {
    fn is_over(&self) -> bool {
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

    /// Makes samples, each a number more than the one before.
    fn play(&self, mut samples: Producer<u32>) -> u32 {
        let mut next = 0;
        while !self.is_over() && !samples.is_abandoned() {
            let block: Vec<u32> = (next..next + 64).collect();
            next += samples.push_slice(&block) as u32;
            if samples.is_full() {
                thread::sleep(Duration::from_millis(1));
            }
        }
        next
    }
}

/// A worker that makes samples and others that allocate.
struct Noise {
    around: Arc<Around>,
    hammers: Vec<Handle<()>>,
}

impl Noise {
    async fn start(pool: &Pool) -> Self {
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

    async fn end(self) -> u32 {
        self.around.over.store(true, Ordering::Relaxed);
        for hammer in self.hammers {
            hammer.join_async().await.unwrap();
        }
        self.around.blocks.load(Ordering::Relaxed)
    }
}

/// The worklet works at its desk, the main thread publishes settings and reads reports. Returns what the worklet has seen.
async fn at_work(worklet: AudioWorklet) -> Seen {
    let pool = Pool::start(3).await.unwrap();
    let noise = Noise::start(&pool).await;
    let (producer, samples) = RingBuffer::new(4096);
    let (mut input, settings) = triple_buffer(&[0; 32]);
    let (reports, mut told) = RingBuffer::new(QUANTA as usize / 2);
    let theirs = noise.around.clone();
    let player = pool.run(0, move || theirs.play(producer));
    // Rendering as fast as it can is over in a few milliseconds, and the worker may be without a processor for as long.
    until(|| samples.slots() > 0, "the first sample").await;

    let mut desk = Desk {
        samples,
        settings,
        reports,
    };
    let (mut seen, mut schedule, mut calls) = (Seen::default(), Schedule::default(), 0);
    let run = worklet.process_each(move || {
        let count = allocations(|| schedule.watch(&mut seen, |seen| desk.process(seen)));
        seen.allocations += count;
        calls += 1;
        (calls == QUANTA).then(|| std::mem::take(&mut seen))
    });
    // However it ends.
    let finished = Cell::new(false);
    let run = async {
        let seen = run.await;
        finished.set(true);
        seen
    };

    let turn_knobs = async {
        let (mut number, mut last, mut reports) = (0, [0; 2], 0);
        while !finished.get() {
            number += 1;
            input.write([number; 32]);
            while let Ok(report) = told.pop() {
                assert!(report[0] >= last[0] && report[1] >= last[1]);
                assert!(report[1] <= number);
                (last, reports) = (report, reports + 1);
            }
            time::sleep(Duration::from_millis(2)).await;
        }
        reports += told.slots() as u32;
        (number, reports)
    };
    let (seen, (settings, reports)) = both(run, turn_knobs).await;
    let seen: Seen = seen.unwrap();
    let blocks = noise.end().await;
    let made = player.join_async().await.unwrap();
    console_log!("{seen:?}; {settings} settings published, {blocks} blocks allocated elsewhere");

    assert_eq!(seen.allocations, 0, "process() allocates");
    assert!(seen.samples > 0 && seen.samples <= made);
    assert!(made - seen.samples <= 4096, "samples are lost");
    assert!(seen.settings <= settings && seen.changes <= settings);
    assert_eq!(reports + seen.unsaid, QUANTA, "reports are lost");
    assert!(blocks > 0);
    seen
}

/// Awaits that it is so.
async fn until(mut is_so: impl FnMut() -> bool, what: &str) {
    let deadline = time::now() + TIMEOUT;
    while !is_so() {
        assert!(time::now() < deadline, "waited for {what} in vain");
        time::sleep(Duration::from_millis(1)).await;
    }
}

/// Awaits both, side by side.
async fn both<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b) = (std::pin::pin!(a), std::pin::pin!(b));
    let (mut left, mut right) = (None, None);
    std::future::poll_fn(|context| {
        use std::task::Poll;
        if left.is_none()
            && let Poll::Ready(output) = a.as_mut().poll(context)
        {
            left = Some(output);
        }
        if right.is_none()
            && let Poll::Ready(output) = b.as_mut().poll(context)
        {
            right = Some(output);
        }
        match (left.take(), right.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (left, right) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}

/// As fast as it can: the samples come at the pace at which they are made, and the settings as well.
#[wasm_bindgen_test]
async fn a_worklet_renders_while_workers_allocate() {
    at_work(AudioWorklet::start().await.unwrap()).await;
}

/// A worklet that plays. In Firefox, where there is no audio device, none does (`None`, and it is said); Chromium plays to nobody then, and
/// must.
async fn playing() -> Option<AudioWorklet> {
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

/// With a deadline for each call.
#[wasm_bindgen_test]
async fn a_worklet_plays_while_workers_allocate() {
    let Some(worklet) = playing().await else {
        return;
    };
    let seen = at_work(worklet).await;
    assert!(seen.changes > 1, "the settings did not come");
}

/// Calls of a worklet beside the same workers, with something else to do.
async fn beside_noise(
    worklet: AudioWorklet,
    mut call: impl FnMut() + Send + 'static,
) -> Result<Seen, Error> {
    let pool = Pool::start(3).await?;
    let noise = Noise::start(&pool).await;
    let (mut seen, mut schedule, mut calls) = (Seen::default(), Schedule::default(), 0);
    let seen = worklet.process_each(move || {
        seen.allocations += allocations(|| schedule.watch(&mut seen, |_| call()));
        calls += 1;
        (calls == QUANTA).then(|| std::mem::take(&mut seen))
    });
    let seen = seen.await;
    noise.end().await;
    seen
}

/// What the figures of the test before are to be compared with. It asserts no time: that is the machine's.
#[wasm_bindgen_test]
async fn what_else_calls_cost() {
    let Some(first) = playing().await else {
        return;
    };
    let second = playing().await.unwrap();
    let nothing = beside_noise(first, || ()).await.unwrap();
    console_log!("nothing to do: {nothing:?}");
    assert_eq!(nothing.allocations, 0);
    let allocates = beside_noise(second, || {
        for size in 1..32 {
            black_box(Vec::<u8>::with_capacity(24 * size));
        }
    });
    let allocates = allocates.await.unwrap();
    console_log!("31 blocks allocated and freed: {allocates:?}");
    // The count of the other tests is worth something.
    assert_eq!(allocates.allocations, 2 * 31 * QUANTA as usize);
}
