//! An audio worklet at work: it takes samples from a worker's ring, looks at the main thread's settings and reports by a ring of its own,
//! while workers allocate as fast as they can. Nothing is lost, nothing comes out of order, and `process()` never allocates.
//!
//! That nothing in there waits is not to be seen from inside: a wait instruction traps in Chromium's worklet, and `cargo xtask test
//! wasm-check` reads in the module that none can be reached.
#![cfg(target_arch = "wasm32")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sync::spsc::{Consumer, Producer, RingBuffer};
use web_sync::thread;
use web_sync::triple_buffer::{Output, triple_buffer};
use web_sync_testkit::{AudioWorklet, Error, Pool, time};

#[path = "common/deadline.rs"]
mod deadline;
use deadline::{Around, Late, Noise, QUANTUM, Schedule, playing, until};

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
    late: Late,
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

/// Makes samples, each a number more than the one before.
fn play(around: &Around, mut samples: Producer<u32>) -> u32 {
    let mut next = 0;
    while !around.is_over() && !samples.is_abandoned() {
        let block: Vec<u32> = (next..next + 64).collect();
        next += samples.push_slice(&block) as u32;
        if samples.is_full() {
            thread::sleep(Duration::from_millis(1));
        }
    }
    next
}

/// The worklet works at its desk, the main thread publishes settings and reads reports. Returns what the worklet has seen.
async fn at_work(worklet: AudioWorklet) -> Seen {
    let pool = Pool::start(3).await.unwrap();
    let noise = Noise::start(&pool).await;
    let (producer, samples) = RingBuffer::new(4096);
    let (mut input, settings) = triple_buffer(&[0; 32]);
    let (reports, mut told) = RingBuffer::new(QUANTA as usize / 2);
    let theirs = noise.around.clone();
    let player = pool.run(0, move || play(&theirs, producer));
    // Rendering as fast as it can is over in a few milliseconds, and the worker may be without a processor for as long.
    until(|| samples.slots() > 0, "the first sample").await;

    let mut desk = Desk {
        samples,
        settings,
        reports,
    };
    let (mut seen, mut schedule, mut calls) = (Seen::default(), Schedule::default(), 0);
    let run = worklet.process_each(move || {
        let mut late = seen.late;
        let count = allocations(|| schedule.watch(&mut late, || desk.process(&mut seen)));
        (seen.late, seen.allocations) = (late, seen.allocations + count);
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
        seen.allocations += allocations(|| schedule.watch(&mut seen.late, &mut call));
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
