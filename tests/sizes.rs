//! Pins what the public types take, and that they can be statics.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use web_sync::{
    Barrier, Condvar, Event, LazyLock, Mutex, MutexGuard, Once, OnceLock, ReentrantLock, RwLock,
    RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard, Semaphore, mpmc, mpsc, nonpoison,
    oneshot, spsc, thread, triple_buffer,
};

#[test]
fn the_ends_of_rings_and_cells_are_a_pointer_and_what_they_know() {
    let word = size_of::<usize>();
    assert_eq!(size_of::<spsc::Producer<[u64; 9]>>(), word + 8);
    assert_eq!(size_of::<Option<spsc::Consumer<[u64; 9]>>>(), word + 8);
    let cell = size_of::<triple_buffer::Input<[u64; 9]>>();
    assert!(cell <= 2 * word);
    assert_eq!(size_of::<triple_buffer::Output<[u64; 9]>>(), cell);
}

#[test]
fn the_ends_of_channels_are_pointers() {
    let word = size_of::<usize>();
    assert_eq!(size_of::<Option<mpsc::Sender<[u64; 9]>>>(), word);
    assert_eq!(size_of::<Option<mpsc::SyncSender<[u64; 9]>>>(), word);
    assert_eq!(size_of::<Option<mpsc::Receiver<[u64; 9]>>>(), word);
    assert_eq!(size_of::<Option<mpmc::Sender<[u64; 9]>>>(), word);
    assert_eq!(size_of::<Option<mpmc::Receiver<[u64; 9]>>>(), word);
    assert_eq!(size_of::<Option<oneshot::Sender<[u64; 9]>>>(), word);
    assert_eq!(size_of::<Option<oneshot::Receiver<[u64; 9]>>>(), word);
}

#[test]
fn new_is_const() {
    static MUTEX: Mutex<i32> = Mutex::new(1);
    static LOCK: RwLock<i32> = RwLock::new(1);
    static CONDVAR: Condvar = Condvar::new();
    static ONCE: Once = Once::new();
    static BARRIER: Barrier = Barrier::new(1);
    static EVENT: Event = Event::new();
    static PERMITS: Semaphore = Semaphore::new(1);
    static NESTED: ReentrantLock<i32> = ReentrantLock::new(1);
    static PLACE: OnceLock<i32> = OnceLock::new();
    static LAZY: LazyLock<i32> = LazyLock::new(|| 1);
    static FULL: OnceLock<i32> = OnceLock::new_init(1);
    static BARE_MUTEX: nonpoison::Mutex<i32> = nonpoison::Mutex::new(1);
    static BARE_LOCK: nonpoison::RwLock<i32> = nonpoison::RwLock::new(1);
    static BARE_CONDVAR: nonpoison::Condvar = nonpoison::Condvar::new();

    CONDVAR.notify_one();
    BARE_CONDVAR.notify_one();
    ONCE.call_once(|| ());
    assert!(BARRIER.wait().is_leader() && PERMITS.try_acquire().is_ok());
    assert!(!EVENT.is_set());
    let sum =
        *MUTEX.lock().unwrap() + *LOCK.read().unwrap() + *BARE_MUTEX.lock() + *BARE_LOCK.read();
    assert_eq!(sum + *NESTED.lock(), 5);
    assert_eq!(PLACE.get_or_init(|| *LAZY), FULL.wait());
}

/// The sizes of `[Mutex<()>, RwLock<()>, Condvar, Once]`.
#[test]
fn locks_are_small() {
    let sizes = [
        size_of::<Mutex<()>>(),
        size_of::<RwLock<()>>(),
        size_of::<Condvar>(),
        size_of::<Once>(),
    ];
    let most = if cfg!(target_pointer_width = "32") {
        [8, 8, 4, 8]
    } else {
        [16; 4]
    };
    for (size, most) in sizes.into_iter().zip(most) {
        assert!(size <= most, "{sizes:?}");
    }
    assert_eq!(size_of::<nonpoison::Mutex<()>>(), sizes[0]);
    assert_eq!(size_of::<nonpoison::RwLock<()>>(), sizes[1]);
    assert_eq!(size_of::<nonpoison::Condvar>(), sizes[2]);
    // What is there tells itself from what is not, or takes a word for it.
    assert_eq!(
        size_of::<OnceLock<Box<i32>>>(),
        sizes[3] + size_of::<usize>()
    );
    assert_eq!(size_of::<OnceLock<u32>>(), sizes[3] + 8);
    assert_eq!(
        size_of::<Mutex<u32>>(),
        sizes[0] + align_of::<Mutex<u32>>().max(4)
    );
}

#[test]
fn guards_are_two_or_three_words() {
    let word = size_of::<usize>();
    assert_eq!(size_of::<nonpoison::MutexGuard<'_, i32>>(), 2 * word);
    assert_eq!(size_of::<nonpoison::RwLockWriteGuard<'_, i32>>(), 2 * word);
    assert_eq!(size_of::<RwLockReadGuard<'_, i32>>(), 2 * word);
    assert_eq!(size_of::<RwLockUpgradableReadGuard<'_, i32>>(), 2 * word);
    assert!(size_of::<MutexGuard<'_, i32>>() <= 3 * word);
    assert!(size_of::<RwLockWriteGuard<'_, i32>>() <= 3 * word);
    assert_eq!(
        size_of::<Option<MutexGuard<'_, i32>>>(),
        size_of::<MutexGuard<'_, i32>>()
    );
}

#[test]
fn a_threads_handle_is_a_pointer() {
    assert_eq!(size_of::<thread::Thread>(), size_of::<usize>());
    assert_eq!(size_of::<Option<thread::Thread>>(), size_of::<usize>());
}

/// What a pending future takes in a task, in words: nothing else is allocated for it.
#[test]
fn futures_are_small() {
    let mutex = Mutex::new(1);
    let lock = RwLock::new(1);
    let condvar = Condvar::new();
    let (once, place) = (Once::new(), OnceLock::new());
    let words = |bytes: usize| bytes.div_ceil(size_of::<usize>());
    let sizes = [
        words(size_of_val(&mutex.lock_async())),
        words(size_of_val(&lock.write_async())),
        words(size_of_val(&condvar.wait_async(mutex.lock().unwrap()))),
        words(size_of_val(&once.wait_async())),
        words(size_of_val(&once.call_once_async(async || ()))),
        words(size_of_val(&place.get_or_init_async(async || 1))),
        words(size_of_val(&mpsc::channel::<usize>().1.recv_async())),
        words(size_of_val(&mpsc::sync_channel(1).0.send_async(1_usize))),
        words(size_of_val(&Barrier::new(2).wait_async())),
        words(size_of_val(&Semaphore::new(2).acquire_async())),
        words(size_of_val(&Event::new().wait_async())),
    ];
    let most = [24, 24, 48, 24, 48, 48, 24, 28, 36, 36, 24];
    for (size, most) in sizes.into_iter().zip(most) {
        assert!(size <= most, "{sizes:?} words");
    }
}
