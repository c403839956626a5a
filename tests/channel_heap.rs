//! What channels take of the heap: the figures in the documentation of `mpsc`. `tests/browser` has the same for wasm32.

#[path = "common/allocations.rs"]
mod allocations;
#[path = "common/channel_heap.rs"]
mod bodies;

#[test]
fn empty_channels() {
    bodies::empty_channels();
}

#[test]
fn messages() {
    bodies::messages();
}
