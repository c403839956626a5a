//! What channels take of the heap on wasm32.
#![cfg(target_arch = "wasm32")]

#[path = "../../common/allocations.rs"]
mod allocations;
#[path = "../../common/channel_heap.rs"]
mod bodies;

use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn empty_channels() {
    bodies::empty_channels();
}

#[wasm_bindgen_test]
fn messages() {
    bodies::messages();
}
