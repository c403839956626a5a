//! An engine of a program's own natively, as the allocator of this program: what runs here, the test harness included, runs on it.
#![cfg(not(any(target_family = "wasm", miri)))]

use std::alloc::{GlobalAlloc, Layout};
use std::collections::{BTreeMap, HashMap};
use std::ptr;
use std::sync::Mutex;
use std::thread;

use web_sync::alloc::{Arenas, Engine, Region, Tlsf};

// The engine of the documentation's example.
include!("../src/alloc/first_fit.rs");

#[global_allocator]
static ALLOC: Arenas<FirstFit> = Arenas::new();

#[test]
fn it_is_shared_and_as_small() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Arenas<FirstFit>>();
    assert_eq!(size_of::<Arenas<FirstFit>>(), size_of::<Arenas>());
    static NEW: Arenas<FirstFit> = Arenas::new();
    assert!(format!("{NEW:?}").starts_with("Arenas { stats: Stats { held: 0"));
    static TLSF: Arenas<Tlsf> = Arenas::new();
    let same: &Arenas = &TLSF;
    assert_eq!(same.stats().held, 0);
}

/// A block, and what it is filled with.
struct Used {
    address: usize,
    layout: Layout,
    fill: u8,
}

impl Used {
    fn check(&self, bytes: usize) {
        let start = ptr::with_exposed_provenance::<u8>(self.address);
        // SAFETY: the block is in use and has so many bytes.
        let bytes = unsafe { std::slice::from_raw_parts(start, bytes) };
        assert!(
            bytes.iter().all(|byte| *byte == self.fill),
            "{:?}",
            self.layout
        );
    }
}

/// Several agents allocate with all sizes and alignments, and resize and free each other's blocks. None overlap, and all keep their contents.
#[test]
fn blocks_of_several_agents_are_apart() {
    let shared = Mutex::new(BTreeMap::<usize, Used>::new());
    let add = |block: *mut u8, layout: Layout, fill: u8| {
        assert!(!block.is_null() && block.addr().is_multiple_of(layout.align()));
        // SAFETY: a block of that size.
        unsafe { block.write_bytes(fill, layout.size()) };
        let address = block.expose_provenance();
        let used = Used {
            address,
            layout,
            fill,
        };
        let mut shared = shared.lock().unwrap();
        let end = address + layout.size();
        if let Some((before, other)) = shared.range(..end).next_back() {
            assert!(before + other.layout.size() <= address);
        }
        assert!(shared.insert(address, used).is_none());
    };
    let take = |from: usize| {
        let mut shared = shared.lock().unwrap();
        let key = *shared.range(from..).next().or(shared.iter().next())?.0;
        shared.remove(&key)
    };
    thread::scope(|scope| {
        for agent in 1..=4_usize {
            let (add, take) = (&add, &take);
            scope.spawn(move || {
                let mut number = agent * 0x9E37_79B9;
                for round in 0..4_000_usize {
                    number ^= number << 13;
                    number ^= number >> 7;
                    number ^= number << 17;
                    let size = 1 + match number % 16 {
                        0 => number / 16 % 300_000,
                        1..4 => number / 16 % 8_000,
                        _ => number / 16 % 600,
                    };
                    let shifts = if number >> 32 & 3 == 0 { 14 } else { 4 };
                    let align = 1 << ((number >> 24) % shifts);
                    let layout = Layout::from_size_align(size, align).unwrap();
                    // SAFETY: blocks are resized and freed with the layouts that they have, by who has taken them out of the map.
                    unsafe {
                        add(ALLOC.alloc(layout), layout, round as u8);
                        // Anywhere: where the blocks of this round lie does not say whose they are.
                        if round > 100
                            && let Some(used) = take(number)
                        {
                            used.check(used.layout.size());
                            ALLOC.dealloc(
                                ptr::with_exposed_provenance_mut(used.address),
                                used.layout,
                            );
                        }
                        if round % 4 == 0
                            && let Some(used) = take(number / 2)
                        {
                            let old = ptr::with_exposed_provenance_mut(used.address);
                            let block = ALLOC.realloc(old, used.layout, size);
                            let moved = Used {
                                address: block.expose_provenance(),
                                ..used
                            };
                            moved.check(size.min(moved.layout.size()));
                            let layout =
                                Layout::from_size_align(size, moved.layout.align()).unwrap();
                            add(block, layout, round as u8);
                        }
                    }
                }
                ALLOC.thread_exit();
            });
        }
    });
    while let Some(used) = take(0) {
        used.check(used.layout.size());
        // SAFETY: in use until now.
        unsafe { ALLOC.dealloc(ptr::with_exposed_provenance_mut(used.address), used.layout) };
    }
}

/// Collections, strings and maps, made in one thread and dropped in another.
#[test]
fn ordinary_programs_run() {
    let makers = [1, 2, 3].map(|maker: u32| {
        thread::spawn(move || {
            let maps: Vec<HashMap<String, Vec<u32>>> = (0..200)
                .map(|round| {
                    (0..20)
                        .map(|n| (format!("{maker}-{round}-{n}"), vec![n; n as usize]))
                        .collect()
                })
                .collect();
            ALLOC.thread_exit();
            maps
        })
    });
    let maps = makers.into_iter().flat_map(|maker| maker.join().unwrap());
    let sum: u32 = maps.map(|map| map.values().flatten().sum::<u32>()).sum();
    assert_eq!(sum, 3 * 200 * (0..20).map(|n| n * n).sum::<u32>());
    assert!(ALLOC.stats().arenas > 0);
}

/// Memory that ends is null, and goes on when something has been freed.
#[test]
fn over_a_region_it_ends_and_goes_on() {
    static HEAP: Region<{ 1 << 20 }> = Region::new();
    static SMALL: Arenas<FirstFit> = Arenas::over(&HEAP);
    let layout = Layout::from_size_align(5_000, 8).unwrap();
    let fill = || {
        let mut blocks = Vec::new();
        loop {
            // SAFETY: any layout will do.
            let block = unsafe { SMALL.alloc(layout) };
            if block.is_null() {
                break blocks;
            }
            blocks.push(block);
        }
    };
    let first = fill();
    assert!(first.len() > 150, "{}", first.len());
    for block in &first {
        // SAFETY: it is in use.
        unsafe { SMALL.dealloc(*block, layout) };
    }
    assert!(fill().len() >= first.len());
}
