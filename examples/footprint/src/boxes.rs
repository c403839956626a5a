//! A few boxes and vectors, and the allocator that they are from.

use wasm_bindgen::prelude::wasm_bindgen;

/// This crate's, or else std's.
#[cfg(feature = "arenas")]
#[global_allocator]
static ALLOC: web_sync::alloc::Arenas = web_sync::alloc::Arenas::new();

/// Or this crate's over std's.
#[cfg(feature = "never-wait")]
#[global_allocator]
static ALLOC: web_sync::alloc::NeverWait<std::alloc::System> =
    web_sync::alloc::NeverWait::new(std::alloc::System);

/// A list, as short as programs have them.
struct Link {
    value: u32,
    next: Option<Box<Link>>,
}

/// Makes a list of boxes, a vector that grows and one that is cleared, and frees them.
#[wasm_bindgen]
pub fn footprint_boxes(count: u32) -> u32 {
    let mut list = None;
    for value in 0..count {
        list = Some(Box::new(Link { value, next: list }));
    }
    let mut values = Vec::new();
    while let Some(link) = list {
        values.push(link.value);
        list = link.next;
    }
    let mut sums = vec![0_u64; values.len()];
    for (sum, value) in sums.iter_mut().zip(&values) {
        *sum = u64::from(*value) * u64::from(count);
    }
    sums.iter().fold(0, |all, sum| all ^ *sum as u32)
}
