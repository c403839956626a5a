//! The allocator natively, as the allocator of this program: what runs here, the test harness included, runs on it.
#![cfg(not(any(target_family = "wasm", miri)))]

use std::alloc::{GlobalAlloc, Layout};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

use proptest::prelude::*;
use web_sync::alloc::{Arenas, Stats};

#[global_allocator]
static ALLOC: Arenas = Arenas::new();

#[test]
fn it_is_shared_and_small() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Arenas>();
    shared::<Stats>();
    static NEW: Arenas = Arenas::new();
    assert!(format!("{NEW:?}").starts_with("Arenas { stats: Stats { held: 0"));
    // Bits for the pages, places for batches and for arenas.
    assert!(size_of::<Arenas>() < 24_000);
}

/// The system gives memory when it is touched: the most that this program has ever had is far less than what is reserved.
#[test]
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn what_is_reserved_is_not_written() {
    assert!(ALLOC.stats().held > 0);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|rest| rest.trim().strip_suffix(" kB"));
    assert!(peak.unwrap().parse::<u64>().unwrap() < 1 << 20);
}

/// What is done. Numbers choose one of the blocks in use.
#[derive(Clone, Copy, Debug)]
enum Step {
    Alloc {
        size: usize,
        align: u32,
        zeroed: bool,
    },
    Free(usize),
    Resize(usize, usize),
    Collect,
    Exit,
}

fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![
        8 => 0_usize..1_100,
        4 => 1_000_usize..20_000,
        2 => 200_000_usize..300_000,
        1 => 0_usize..2_000_000,
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let aligns = prop_oneof![6 => 0_u32..5, 2 => 0_u32..18];
    let step = prop_oneof![
        40 => (sizes(), aligns, any::<bool>())
            .prop_map(|(size, align, zeroed)| Step::Alloc { size, align, zeroed }),
        30 => any::<usize>().prop_map(Step::Free),
        20 => (any::<usize>(), sizes()).prop_map(|(at, size)| Step::Resize(at, size)),
        1 => Just(Step::Collect),
        1 => Just(Step::Exit),
    ];
    prop::collection::vec(step, 1..300)
}

/// The blocks in use, by address, each filled with a byte.
#[derive(Default)]
struct Model {
    used: BTreeMap<usize, (*mut u8, Layout, u8)>,
    fill: u8,
}

impl Model {
    fn add(&mut self, block: *mut u8, layout: Layout) {
        assert!(!block.is_null(), "no memory");
        let start = block.addr();
        assert!(start.is_multiple_of(layout.align()));
        let before = self.used.range(..start + layout.size().max(1)).next_back();
        if let Some((at, (_, other, _))) = before {
            assert!(
                at + other.size().max(1) <= start,
                "{layout:?} overlaps {other:?}"
            );
        }
        self.fill = self.fill.wrapping_add(1);
        // SAFETY: a block of that size.
        unsafe { block.write_bytes(self.fill, layout.size()) };
        self.used.insert(start, (block, layout, self.fill));
    }

    fn take(&mut self, at: usize) -> Option<(*mut u8, Layout, u8)> {
        let key = *self.used.keys().nth(at % self.used.len().max(1))?;
        self.used.remove(&key)
    }
}

// SAFETY: a block is used by who has taken it out of the model.
unsafe impl Send for Model {}

/// Whether the first bytes of a block are all `fill`.
fn is_filled(block: *mut u8, bytes: usize, fill: u8) -> bool {
    // SAFETY: a block of that size.
    let bytes = unsafe { std::slice::from_raw_parts(block, bytes) };
    // A slice is compared with itself, shifted.
    bytes.first().is_none_or(|first| *first == fill)
        && (bytes.is_empty() || bytes[1..] == bytes[..bytes.len() - 1])
}

fn play(model: &mut Model, step: Step) {
    // SAFETY: blocks are resized and freed with the layouts that they have.
    unsafe {
        match step {
            Step::Alloc {
                size,
                align,
                zeroed,
            } => {
                let layout = Layout::from_size_align(size, 1 << align).unwrap();
                let block = if zeroed {
                    let block = ALLOC.alloc_zeroed(layout);
                    assert!(is_filled(block, size, 0));
                    block
                } else {
                    ALLOC.alloc(layout)
                };
                model.add(block, layout);
            }
            Step::Free(at) => {
                if let Some((block, layout, fill)) = model.take(at) {
                    assert!(is_filled(block, layout.size(), fill));
                    ALLOC.dealloc(block, layout);
                }
            }
            Step::Resize(at, size) => {
                if let Some((block, layout, fill)) = model.take(at) {
                    let moved = ALLOC.realloc(block, layout, size);
                    assert!(is_filled(moved, size.min(layout.size()), fill));
                    model.add(
                        moved,
                        Layout::from_size_align(size, layout.align()).unwrap(),
                    );
                }
            }
            Step::Collect => ALLOC.collect(),
            Step::Exit => ALLOC.thread_exit(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    /// In threads of their own, so that each case begins with a cache.
    #[test]
    fn blocks_are_apart_aligned_and_keep_their_contents(steps in steps()) {
        let played = thread::spawn(move || {
            let mut model = Model::default();
            for step in steps {
                play(&mut model, step);
            }
            for (block, layout, fill) in std::mem::take(&mut model.used).into_values() {
                assert!(is_filled(block, layout.size(), fill));
                // SAFETY: in use until now.
                unsafe { ALLOC.dealloc(block, layout) };
            }
            ALLOC.thread_exit();
        });
        prop_assert!(played.join().is_ok());
    }
}

/// The blocks in use of several agents. One is in here from after it was made until before it is freed, by whomever.
type Shared = Arc<Mutex<Model>>;

/// As [`play`], with any agent's block to free or to resize.
fn play_together(model: &Shared, step: Step) {
    let model = || model.lock().unwrap();
    // SAFETY: blocks are resized and freed with the layouts that they have, by who has taken them out of the model.
    unsafe {
        match step {
            Step::Alloc {
                size,
                align,
                zeroed,
            } => {
                let layout = Layout::from_size_align(size, 1 << align).unwrap();
                let block = if zeroed {
                    ALLOC.alloc_zeroed(layout)
                } else {
                    ALLOC.alloc(layout)
                };
                assert!(!zeroed || is_filled(block, size, 0));
                model().add(block, layout);
            }
            Step::Free(at) => {
                let taken = model().take(at);
                if let Some((block, layout, fill)) = taken {
                    assert!(is_filled(block, layout.size(), fill));
                    ALLOC.dealloc(block, layout);
                }
            }
            Step::Resize(at, size) => {
                let taken = model().take(at);
                if let Some((block, layout, fill)) = taken {
                    let moved = ALLOC.realloc(block, layout, size);
                    assert!(is_filled(moved, size.min(layout.size()), fill));
                    let layout = Layout::from_size_align(size, layout.align()).unwrap();
                    model().add(moved, layout);
                }
            }
            Step::Collect => ALLOC.collect(),
            Step::Exit => ALLOC.thread_exit(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    /// The same for agents at work at the same time, who free and resize each other's blocks.
    #[test]
    fn blocks_of_several_agents_are_apart(agents in prop::collection::vec(steps(), 2..=4)) {
        let model = Shared::default();
        let start = Arc::new(Barrier::new(agents.len()));
        let threads: Vec<_> = agents
            .into_iter()
            .map(|steps| {
                let (model, start) = (model.clone(), start.clone());
                thread::spawn(move || {
                    start.wait();
                    for step in steps {
                        play_together(&model, step);
                    }
                    ALLOC.thread_exit();
                })
            })
            .collect();
        for thread in threads {
            prop_assert!(thread.join().is_ok());
        }
        while !model.lock().unwrap().used.is_empty() {
            play_together(&model, Step::Free(0));
        }
    }
}

/// Collections, strings and maps, made in one thread and dropped in another.
#[test]
fn ordinary_programs_run() {
    let (sender, receiver) = mpsc::channel();
    let makers: Vec<_> = (0..3_u32)
        .map(|maker| {
            let sender = sender.clone();
            thread::spawn(move || {
                for round in 0..500 {
                    let map: HashMap<String, Vec<u32>> = (0..20)
                        .map(|n| (format!("{maker}-{round}-{n}"), vec![n; n as usize]))
                        .collect();
                    sender.send(map).unwrap();
                }
                ALLOC.thread_exit();
            })
        })
        .collect();
    drop(sender);
    let sum: u32 = receiver
        .iter()
        .map(|map| map.values().flatten().sum::<u32>())
        .sum();
    assert_eq!(sum, 3 * 500 * (0..20).map(|n| n * n).sum::<u32>());
    for maker in makers {
        maker.join().unwrap();
    }
}
