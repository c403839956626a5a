//! Entry points for the check of the built wasm. `release_…` must reach neither the wait instruction nor the allocator; `waitless_…` may
//! allocate, or free, but must not reach the wait instruction either; `pure_…` must reach neither a wait instruction nor an import, a call
//! through a pointer or a panic; `sleeping_…` are the same, but that they wait in this crate's one function. `seeded_…` are releases with a fault, and `impure_…` the same for `pure_…`, so that a check that sees
//! nothing is found out.

use crate::entry;
use core::alloc::{GlobalAlloc, Layout};
use core::future::{Future, pending};
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use web_sync::alloc::{Arenas, NeverWait, Region};
use web_sync::mpmc;
use web_sync::mpsc::{self, Sender};
use web_sync::oneshot;
use web_sync::spsc::{Consumer, Producer};
use web_sync::thread::{self, Thread};
use web_sync::triple_buffer::{Input, Output};
use web_sync::{
    Barrier, Condvar, Event, Mutex, MutexGuard, Once, OwnedSemaphorePermit, ReentrantLock,
    ReentrantLockGuard, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard,
    Semaphore, SemaphorePermit,
};

static COUNT: Mutex<u32> = Mutex::new(0);
static TABLE: RwLock<u32> = RwLock::new(0);
static NESTED: ReentrantLock<u32> = ReentrantLock::new(0);
static PERMITS: Semaphore = Semaphore::new(1);
static READY: Event = Event::new();
static CHANGED: Condvar = Condvar::new();
static STARTED: Once = Once::new();
static MEETING: Barrier = Barrier::new(3);
/// A region takes more ways than none.
static HEAP: Region<{ 1 << 16 }> = Region::new();
/// Not the module's allocator, so that nothing else calls it.
static ALLOC: Arenas = Arenas::over(&HEAP);

/// An allocator that does nothing that the check would see, behind the lock of `NeverWait`.
static GUARDED: NeverWait<Nothing> = NeverWait::new(Nothing);

struct Nothing;

// SAFETY: it never has a block.
unsafe impl GlobalAlloc for Nothing {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

/// Where a guard or a future lies.
type Place = *mut u8;

/// Drops the `F` at `place`; the function that makes one names the type.
unsafe fn drop_at<F>(_make: impl Fn() -> F, place: Place) {
    // SAFETY: the exported functions' callers hand in what a function of the same `F` has put there.
    unsafe { place.cast::<F>().drop_in_place() }
}

/// Polls the `F` at `place`, making it first where `new`.
unsafe fn poll_at<F: Future>(
    make: impl Fn() -> F,
    place: Place,
    new: bool,
    context: &mut Context<'_>,
) -> bool {
    let place = place.cast::<F>();
    if new {
        // SAFETY: the exported functions' callers give room for the future.
        unsafe { place.write(make()) };
    }
    // SAFETY: the future at `place` does not move until `drop_at`.
    matches!(
        unsafe { Pin::new_unchecked(&mut *place) }.poll(context),
        Poll::Ready(_)
    )
}

fn lock() -> MutexGuard<'static, u32> {
    COUNT.lock().unwrap()
}

fn nest() -> ReentrantLockGuard<'static, u32> {
    NESTED.lock()
}

fn acquire() -> SemaphorePermit<'static> {
    PERMITS.acquire().unwrap()
}

fn read() -> RwLockReadGuard<'static, u32> {
    TABLE.read().unwrap()
}

fn write() -> RwLockWriteGuard<'static, u32> {
    TABLE.write().unwrap()
}

fn read_upgradably() -> RwLockUpgradableReadGuard<'static, u32> {
    TABLE.upgradable_read().unwrap()
}

fn lock_for_async() -> impl Future {
    COUNT.try_lock_for_async(Duration::from_millis(1))
}

fn lock_async() -> impl Future {
    COUNT.lock_async()
}

fn read_async() -> impl Future {
    TABLE.read_async()
}

fn write_async() -> impl Future {
    TABLE.write_async()
}

fn wait_async() -> impl Future {
    CHANGED.wait_async(lock())
}

fn call_once_async() -> impl Future {
    STARTED.call_once_async(async || pending().await)
}

fn wait_once_async() -> impl Future {
    STARTED.wait_async()
}

fn meet_async() -> impl Future {
    MEETING.wait_async()
}

fn acquire_async() -> impl Future {
    PERMITS.acquire_async()
}

fn wait_event_async() -> impl Future {
    READY.wait_async()
}

fn recv_async() -> impl Future {
    let (_, receiver) = mpsc::channel::<u32>();
    Box::leak(Box::new(receiver)).recv_async()
}

fn park_async() -> impl Future {
    thread::park_async()
}

entry! {
    /// Makes a handle.
    fn make_thread(place: *mut Thread) {
        // SAFETY: the caller gives room for it.
        unsafe { place.write(thread::current()) }
    }

    /// Makes a guard.
    fn make_mutex_guard(place: *mut MutexGuard<'static, u32>) {
        // SAFETY: the caller gives room for it.
        unsafe { place.write(lock()) }
    }

    /// Makes a guard.
    fn make_reentrant_guard(place: *mut ReentrantLockGuard<'static, u32>) {
        // SAFETY: the caller gives room for it.
        unsafe { place.write(nest()) }
    }

    /// Makes a permit.
    fn make_permit(place: *mut SemaphorePermit<'static>) {
        // SAFETY: the caller gives room for it.
        unsafe { place.write(acquire()) }
    }

    /// Makes a guard.
    fn make_read_guard(place: *mut RwLockReadGuard<'static, u32>) {
        // SAFETY: the caller gives room for it.
        unsafe { place.write(read()) }
    }

    /// Makes a guard.
    fn make_write_guard(place: *mut RwLockWriteGuard<'static, u32>) {
        // SAFETY: the caller gives room for it.
        unsafe { place.write(write()) }
    }

    /// Polls a future.
    fn poll_lock(place: Place, new: bool, context: &mut Context<'_>) -> bool {
        // SAFETY: as `poll_at` says.
        unsafe { poll_at(lock_async, place, new, context) }
    }

    /// Polls a future.
    fn poll_read(place: Place, new: bool, context: &mut Context<'_>) -> bool {
        // SAFETY: as `poll_at` says.
        unsafe { poll_at(read_async, place, new, context) }
    }

    /// Polls a future.
    fn poll_write(place: Place, new: bool, context: &mut Context<'_>) -> bool {
        // SAFETY: as `poll_at` says.
        unsafe { poll_at(write_async, place, new, context) }
    }

    /// Polls a future.
    fn poll_wait(place: Place, new: bool, context: &mut Context<'_>) -> bool {
        // SAFETY: as `poll_at` says.
        unsafe { poll_at(wait_async, place, new, context) }
    }

    /// Polls a future.
    fn poll_call_once(place: Place, new: bool, context: &mut Context<'_>) -> bool {
        // SAFETY: as `poll_at` says.
        unsafe { poll_at(call_once_async, place, new, context) }
    }

    /// Polls a future.
    fn poll_wait_once(place: Place, new: bool, context: &mut Context<'_>) -> bool {
        // SAFETY: as `poll_at` says.
        unsafe { poll_at(wait_once_async, place, new, context) }
    }

    /// Polls a future.
    fn poll_park(place: Place, new: bool, context: &mut Context<'_>) -> bool {
        // SAFETY: as `poll_at` says.
        unsafe { poll_at(park_async, place, new, context) }
    }

    /// Polls a future. The last one to arrive lets the others through.
    fn release_meet(place: Place, new: bool, context: &mut Context<'_>) -> bool {
        // SAFETY: as `poll_at` says.
        unsafe { poll_at(meet_async, place, new, context) }
    }

    /// Polls a future.
    fn poll_acquire(place: Place, new: bool, context: &mut Context<'_>) -> bool {
        // SAFETY: as `poll_at` says.
        unsafe { poll_at(acquire_async, place, new, context) }
    }

    /// Polls a future.
    fn poll_wait_event(place: Place, new: bool, context: &mut Context<'_>) -> bool {
        // SAFETY: as `poll_at` says.
        unsafe { poll_at(wait_event_async, place, new, context) }
    }

    /// Polls a future.
    fn poll_recv(place: Place, new: bool, context: &mut Context<'_>) -> bool {
        // SAFETY: as `poll_at` says.
        unsafe { poll_at(recv_async, place, new, context) }
    }

    /// Drops a guard.
    fn release_mutex_guard(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(lock, place) }
    }

    /// Drops a guard.
    fn release_reentrant_guard(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(nest, place) }
    }

    /// Drops a permit.
    fn release_permit(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(acquire, place) }
    }

    /// Adds permits.
    fn release_add_permits(permits: usize) {
        PERMITS.add_permits(permits);
    }

    /// Closes.
    fn release_close() {
        PERMITS.close();
    }

    /// Sets an event.
    fn release_set() {
        READY.set();
    }

    /// Resets an event.
    fn release_reset() -> bool {
        READY.reset()
    }

    /// Drops a guard.
    fn release_read_guard(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(read, place) }
    }

    /// Drops a guard.
    fn release_write_guard(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(write, place) }
    }

    /// Drops a guard.
    fn release_upgradable_guard(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(read_upgradably, place) }
    }

    /// Drops a guard of a part.
    fn release_mapped_guard(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(|| MutexGuard::map(lock(), |data| data), place) }
    }

    /// Goes from writing to reading.
    fn release_downgrade(guard: &mut Option<RwLockWriteGuard<'static, u32>>, place: *mut RwLockReadGuard<'static, u32>) {
        if let Some(guard) = guard.take() {
            // SAFETY: the caller gives room for it.
            unsafe { place.write(RwLockWriteGuard::downgrade(guard)) }
        }
    }

    /// Drops a permit, and with the last one that goes the semaphore.
    fn waitless_owned_permit(permit: &mut Option<OwnedSemaphorePermit>) {
        *permit = None;
    }

    /// Drops a future, and its timer, at whatever point it has reached.
    fn waitless_timed_future(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(lock_for_async, place) }
    }

    /// Polls a future.
    fn poll_timed(place: Place, new: bool, context: &mut Context<'_>) -> bool {
        // SAFETY: as `poll_at` says.
        unsafe { poll_at(lock_for_async, place, new, context) }
    }

    /// Notifies.
    fn release_notify_one() {
        CHANGED.notify_one();
    }

    /// Notifies.
    fn release_notify_all() {
        CHANGED.notify_all();
    }

    /// Unparks.
    fn release_unpark(thread: &Thread) {
        thread.unpark();
    }

    /// Drops a future at whatever point it has reached.
    fn release_park_future(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(park_async, place) }
    }

    /// Drops a future at whatever point it has reached.
    fn release_lock_future(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(lock_async, place) }
    }

    /// Drops a future at whatever point it has reached.
    fn release_read_future(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(read_async, place) }
    }

    /// Drops a future at whatever point it has reached.
    fn release_write_future(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(write_async, place) }
    }

    /// Drops a future at whatever point it has reached.
    fn release_wait_future(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(wait_async, place) }
    }

    /// Drops a future at whatever point it has reached, as in the middle of its initialiser.
    fn release_call_once_future(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(call_once_async, place) }
    }

    /// Drops a future at whatever point it has reached.
    fn release_wait_once_future(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(wait_once_async, place) }
    }

    /// Completes a once. The initialiser runs as a task does: as a thread it might have to wait before it begins.
    fn release_once(place: Place, context: &mut Context<'_>) -> bool {
        // SAFETY: as `poll_at` says.
        unsafe { poll_at(|| STARTED.call_once_async(async || ()), place, true, context) }
    }

    /// Drops a future at whatever point it has reached.
    fn release_meet_future(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(meet_async, place) }
    }

    /// Drops a future at whatever point it has reached.
    fn release_acquire_future(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(acquire_async, place) }
    }

    /// Drops a future at whatever point it has reached.
    fn release_wait_event_future(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(wait_event_async, place) }
    }

    /// Drops a future at whatever point it has reached.
    fn release_recv_future(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(recv_async, place) }
    }

    /// Sends. Once in a while it needs a block.
    fn waitless_send(sender: &Sender<u32>, message: u32) -> bool {
        sender.send(message).is_ok()
    }

    /// Drops a sender, and with the last one what waits, or the channel.
    fn waitless_drop_sender(sender: &mut Option<Sender<u32>>) {
        *sender = None;
    }

    /// The same for many receivers.
    fn waitless_drop_sender_to_many(sender: &mut Option<mpmc::Sender<u32>>) {
        *sender = None;
    }

    /// Sends one message. The sender goes, and perhaps the channel.
    fn waitless_answer(sender: &mut Option<oneshot::Sender<u32>>, message: u32) -> bool {
        sender.take().is_some_and(|sender| sender.send(message).is_ok())
    }

    /// Puts an item into a ring.
    fn release_push(producer: &mut Producer<u32>, item: u32) -> bool {
        producer.push(item).is_ok()
    }

    /// Takes an item out of a ring.
    fn release_pop(consumer: &mut Consumer<u32>) -> u32 {
        consumer.pop().unwrap_or(0)
    }

    /// Copies items into a ring, as many as there is room for and then a frame.
    fn release_push_slice(producer: &mut Producer<f32>, items: &[f32; 128], frame: &[f32; 2]) -> usize {
        let count = producer.push_slice(items);
        count + usize::from(producer.push_entire_slice(frame).is_ok())
    }

    /// Copies items out of a ring, as many as there are and then a frame.
    fn release_pop_slice(consumer: &mut Consumer<f32>, items: &mut [f32; 128], frame: &mut [f32; 2]) -> usize {
        let count = consumer.pop_slice(items);
        count + usize::from(consumer.pop_entire_slice(frame).is_ok())
    }

    /// Fills slots of a ring in place, in each way that there is.
    fn release_write_chunk(producer: &mut Producer<f32>, count: usize) -> bool {
        if let Ok(mut chunk) = producer.write_chunk(count) {
            let (first, second) = chunk.as_mut_slices();
            first.fill(1.0);
            second.fill(1.0);
            chunk.commit_all();
        }
        producer.write_chunk_uninit(count).is_ok_and(|chunk| chunk.fill_from_iter([0.5; 9]) > 0)
    }

    /// Reads items of a ring in place, and takes one out.
    fn release_read_chunk(consumer: &mut Consumer<f32>, count: usize) -> f32 {
        let mut sum = consumer.peek().copied().unwrap_or(0.0);
        if let Ok(chunk) = consumer.read_chunk(count) {
            let (first, second) = chunk.as_slices();
            sum += first.iter().chain(second).sum::<f32>();
            chunk.commit_all();
        }
        sum + consumer.read_chunk(1).into_iter().flatten().sum::<f32>()
    }

    /// Looks at a ring.
    fn release_ring_looks(producer: &Producer<f32>, consumer: &Consumer<f32>) -> usize {
        let abandoned = producer.is_abandoned() || consumer.is_abandoned();
        producer.slots() + consumer.slots() + producer.capacity() + usize::from(abandoned)
    }

    /// Publishes a value.
    fn release_publish(input: &mut Input<[f32; 4]>, value: f32) -> bool {
        input.write([value; 4]);
        input.input_buffer_mut().fill(value);
        input.publish() && input.consumed() && input.is_abandoned()
    }

    /// Looks at the newest value.
    fn release_read_latest(output: &mut Output<[f32; 4]>) -> f32 {
        let over = output.is_abandoned() && output.updated();
        output.read()[0] + f32::from(u8::from(over))
    }

    /// Drops an end of a ring, and with the second one the ring.
    fn waitless_drop_producer(producer: &mut Option<Producer<u32>>) {
        *producer = None;
    }

    /// Drops an end of a ring, and with the second one the ring.
    fn waitless_drop_consumer(consumer: &mut Option<Consumer<u32>>) {
        *consumer = None;
    }

    /// Drops an end of a cell, and with the second one the cell.
    fn waitless_drop_output(output: &mut Option<Output<[f32; 4]>>) {
        *output = None;
    }

    /// A release that may sleep: the check must see the wait.
    fn seeded_wait(place: Place) {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(lock, place) }
        drop(lock());
    }

    /// A release that allocates: the check must see the allocator.
    fn seeded_allocation(place: Place) -> *mut u8 {
        // SAFETY: as `drop_at` says.
        unsafe { drop_at(lock, place) }
        Box::into_raw(Box::new([0_u8; 64])).cast()
    }
    /// Allocates.
    fn pure_alloc(size: usize, align: usize) -> *mut u8 {
        // SAFETY: the exported functions' callers hand in a layout.
        unsafe { ALLOC.alloc(Layout::from_size_align_unchecked(size, align)) }
    }

    /// Allocates zeros.
    fn pure_alloc_zeroed(size: usize, align: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { ALLOC.alloc_zeroed(Layout::from_size_align_unchecked(size, align)) }
    }

    /// Frees.
    fn pure_dealloc(block: *mut u8, size: usize, align: usize) {
        // SAFETY: as above, and a block of that layout.
        unsafe { ALLOC.dealloc(block, Layout::from_size_align_unchecked(size, align)) }
    }

    /// Resizes.
    fn pure_realloc(block: *mut u8, size: usize, align: usize, new: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { ALLOC.realloc(block, Layout::from_size_align_unchecked(size, align), new) }
    }

    /// Frees a block of the inner allocator, or of the reserve: on every agent without waiting.
    fn pure_never_wait_dealloc(block: *mut u8, size: usize, align: usize) {
        // SAFETY: as above.
        unsafe { GUARDED.dealloc(block, Layout::from_size_align_unchecked(size, align)) }
    }

    /// Allocates. It waits, in the one function of this crate that does, and does nothing else that it must not.
    fn sleeping_never_wait_alloc(size: usize, align: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { GUARDED.alloc(Layout::from_size_align_unchecked(size, align)) }
    }

    /// Resizes, and waits.
    fn sleeping_never_wait_realloc(block: *mut u8, size: usize, align: usize, new: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { GUARDED.realloc(block, Layout::from_size_align_unchecked(size, align), new) }
    }

    /// Waits.
    fn impure_wait() -> u32 {
        COUNT.lock().map_or(0, |count| *count)
    }

    /// Panics if the index is out of range.
    fn impure_panic(numbers: &[u32; 3], index: usize) -> u32 {
        numbers[index]
    }

    /// Calls what it is given.
    fn impure_pointer(call: extern "C" fn()) {
        call();
    }

    /// Asks JS.
    fn impure_import(number: f64) -> bool {
        wasm_bindgen::JsValue::from_f64(number).is_object()
    }
}
