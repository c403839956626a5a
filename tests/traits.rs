//! Every public type: auto traits against std's, variance, unsizing, and which futures are `Send`.

use std::alloc::System;
use std::cell::Cell;
use std::fmt::{Debug, Display};
use std::marker::{PhantomData, PhantomPinned};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use web_sync::alloc::{self, Arenas, NeverWait, Region, Tlsf};
use web_sync::select::{self, Select};
use web_sync::{
    AcquireError, Barrier, Condvar, Event, LazyLock, MappedMutexGuard, MappedRwLockReadGuard,
    MappedRwLockWriteGuard, Mutex, MutexGuard, Once, OnceLock, OnceState, OwnedSemaphorePermit,
    ReentrantLock, ReentrantLockGuard, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard,
    RwLockWriteGuard, Semaphore, SemaphorePermit, TryAcquireError, mpmc, mpsc, nonpoison, oneshot,
    select_async, spsc, thread, triple_buffer,
};

/// Whether a type implements a trait: the constant of the inherent impl hides the trait's where its bound holds.
macro_rules! implements {
    ($T:ty, $Trait:path) => {{
        #[allow(dead_code)]
        trait No {
            const YES: bool = false;
        }
        impl<T: ?Sized> No for T {}
        #[allow(dead_code)]
        struct Probe<T: ?Sized>(PhantomData<T>);
        #[allow(dead_code)]
        impl<T: ?Sized + $Trait> Probe<T> {
            const YES: bool = true;
        }
        <Probe<$T>>::YES
    }};
}

/// All traits of a type, by name.
macro_rules! all_traits {
    ($T:ty) => {
        [
            ("Send", implements!($T, Send)),
            ("Sync", implements!($T, Sync)),
            ("Unpin", implements!($T, Unpin)),
            ("UnwindSafe", implements!($T, UnwindSafe)),
            ("RefUnwindSafe", implements!($T, RefUnwindSafe)),
            ("Debug", implements!($T, Debug)),
            ("Display", implements!($T, Display)),
            ("Default", implements!($T, Default)),
            ("From<i32>", implements!($T, From<i32>)),
            ("Clone", implements!($T, Clone)),
            ("PartialEq", implements!($T, PartialEq)),
            ("Eq", implements!($T, Eq)),
        ]
    };
}

type Trait = (&'static str, bool);

/// The traits without some of them.
fn besides<const N: usize>(names: &[&str], traits: [Trait; N]) -> Vec<Trait> {
    let others = traits.into_iter().filter(|(name, _)| !names.contains(name));
    others.collect()
}

type StdMutexGuard = std::sync::MutexGuard<'static, i32>;

/// Asserts that ours has the traits of std's, for data of every kind.
#[allow(unused_macros)]
macro_rules! as_std {
    ($Ours:ident $(<$a:lifetime>)?, $Std:path) => {{
        as_std!(sized $Ours $(<$a>)?, $Std);
        as_std!(@one $Ours $($a)?, $Std, str); // not Sized
    }};
    (sized $Ours:ident $(<$a:lifetime>)?, $Std:path) => {{
        as_std!(@one $Ours $($a)?, $Std, i32);
        as_std!(@one $Ours $($a)?, $Std, Cell<i32>); // Send, not Sync
        as_std!(@one $Ours $($a)?, $Std, StdMutexGuard); // Sync, not Send
        as_std!(@one $Ours $($a)?, $Std, Rc<i32>); // neither
        as_std!(@one $Ours $($a)?, $Std, PhantomPinned); // not Unpin
        as_std!(@one $Ours $($a)?, $Std, &'static mut i32); // not UnwindSafe
        as_std!(@one $Ours $($a)?, $Std, Box<dyn Fn()>); // no Debug
    }};
    (@one $Ours:ident, $Std:path, $T:ty) => {{
        use $Std as Std;
        assert_eq!(all_traits!($Ours<$T>), all_traits!(Std<$T>), "{}", stringify!($Ours<$T>));
    }};
    (@one $Ours:ident $a:lifetime, $Std:path, $T:ty) => {{
        use $Std as Std;
        assert_eq!(all_traits!($Ours<$a, $T>), all_traits!(Std<$a, $T>), "{}", stringify!($Ours<$T>));
    }};
}

// Without threads std's locks are made of cells, so that its guards are not `UnwindSafe`.
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
#[test]
fn the_types_have_the_traits_of_stds() {
    as_std!(Mutex, std::sync::Mutex);
    as_std!(RwLock, std::sync::RwLock);
    as_std!(sized OnceLock, std::sync::OnceLock);
    as_std!(MutexGuard<'static>, std::sync::MutexGuard);
    as_std!(RwLockReadGuard<'static>, std::sync::RwLockReadGuard);
    as_std!(RwLockWriteGuard<'static>, std::sync::RwLockWriteGuard);
    assert_eq!(all_traits!(Condvar), all_traits!(std::sync::Condvar));
    assert_eq!(all_traits!(Barrier), all_traits!(std::sync::Barrier));
    assert_eq!(
        all_traits!(web_sync::BarrierWaitResult),
        all_traits!(std::sync::BarrierWaitResult)
    );
    // `Default` is younger than the oldest compiler.
    assert_eq!(
        besides(&["Default"], all_traits!(Once)),
        besides(&["Default"], all_traits!(std::sync::Once))
    );
    assert!(implements!(Once, Default));
    assert_eq!(
        all_traits!(web_sync::WaitTimeoutResult),
        all_traits!(std::sync::WaitTimeoutResult)
    );
}

#[test]
fn a_lazy_lock_has_the_traits_of_stds() {
    // `From` is younger than the oldest compiler.
    macro_rules! same {
        ($(<$($T:ty),*>)*) => {$(
            assert_eq!(
                besides(&["From<i32>"], all_traits!(LazyLock<$($T),*>)),
                besides(&["From<i32>"], all_traits!(std::sync::LazyLock<$($T),*>)),
                "{}", stringify!($($T),*)
            );
        )*};
    }
    same!(<i32> <Cell<i32>> <StdMutexGuard> <Rc<i32>> <PhantomPinned> <&'static mut i32> <Box<dyn Fn()>>);
    // The same for what makes the value.
    same!(<i32, Cell<i32>> <i32, StdMutexGuard> <i32, Rc<i32>> <i32, PhantomPinned> <i32, &'static mut i32>);
    assert!(
        implements!(LazyLock<i32>, From<i32>) && implements!(LazyLock<i32, Rc<i32>>, From<i32>)
    );
}

/// std's has a cell in it, which would keep futures that borrow it from being `Send`.
#[test]
fn the_state_of_a_once_has_more_traits_than_stds() {
    let more = ["Sync", "RefUnwindSafe"];
    assert_eq!(
        besides(&more, all_traits!(OnceState)),
        besides(&more, all_traits!(std::sync::OnceState))
    );
    assert!(implements!(OnceState, Sync) && implements!(OnceState, RefUnwindSafe));
}

/// Stable std has none. Its unstable one lets through what its data says of unwinding, where a mutex poisons.
#[test]
fn a_reentrant_lock_is_shared_as_a_mutex_is() {
    macro_rules! same {
        ($($T:ty),*) => {$(
            let name = stringify!($T);
            let unwinding = ["UnwindSafe", "RefUnwindSafe"];
            assert_eq!(
                besides(&unwinding, all_traits!(ReentrantLock<$T>)),
                besides(&unwinding, all_traits!(Mutex<$T>)),
                "{name}"
            );
            assert_eq!(implements!(ReentrantLock<$T>, UnwindSafe), implements!($T, UnwindSafe), "{name}");
            assert_eq!(implements!(ReentrantLock<$T>, RefUnwindSafe), implements!($T, RefUnwindSafe), "{name}");
            assert!(!implements!(ReentrantLockGuard<'static, $T>, Send), "{name}");
            assert_eq!(implements!(ReentrantLockGuard<'static, $T>, Sync), implements!($T, Sync), "{name}");
            assert!(implements!(ReentrantLockGuard<'static, $T>, Unpin), "{name}");
        )*};
    }
    same!(
        i32,
        Cell<i32>,
        StdMutexGuard,
        Rc<i32>,
        PhantomPinned,
        &'static mut i32,
        Box<dyn Fn()>,
        str
    );
}

/// std has no event and no semaphore: as shared as a type can be.
#[test]
fn events_semaphores_and_permits_are_shared() {
    assert!(implements!(Event, Default));
    macro_rules! shared {
        ($($Type:ty),*) => {$(
            let name = stringify!($Type);
            assert!(implements!($Type, Send) && implements!($Type, Sync), "{name}");
            assert!(implements!($Type, Unpin) && implements!($Type, Debug), "{name}");
            assert!(implements!($Type, UnwindSafe) && implements!($Type, RefUnwindSafe), "{name}");
        )*};
    }
    shared!(
        Event,
        Semaphore,
        SemaphorePermit<'static>,
        OwnedSemaphorePermit,
        AcquireError,
        TryAcquireError
    );
    assert!(
        !implements!(SemaphorePermit<'static>, Clone) && !implements!(OwnedSemaphorePermit, Clone)
    );
    assert!(implements!(AcquireError, Display) && implements!(TryAcquireError, Display));
}

/// Allocators are statics.
#[test]
fn allocators_are_shared() {
    macro_rules! shared {
        ($($Type:ty),*) => {$(
            let name = stringify!($Type);
            assert!(implements!($Type, Send) && implements!($Type, Sync), "{name}");
            assert!(implements!($Type, Debug), "{name}");
        )*};
    }
    shared!(
        Arenas,
        Arenas<Tlsf>,
        Region<65_536>,
        NeverWait<System>,
        alloc::Stats
    );
    assert!(implements!(alloc::Stats, Clone) && implements!(alloc::Stats, Eq));
    // One agent at a time is in the inner allocator.
    assert!(implements!(NeverWait<Cell<i32>>, Sync) && !implements!(NeverWait<Rc<i32>>, Sync));
}

#[test]
fn a_threads_handle_has_the_traits_of_stds() {
    assert_eq!(
        all_traits!(thread::Thread),
        all_traits!(std::thread::Thread)
    );
}

#[test]
fn the_ends_of_channels_have_the_traits_of_stds() {
    macro_rules! as_std {
        ($($Type:ident $(<$a:lifetime>)?),*) => {$({
            as_std!(@one $Type $($a)?, i32);
            as_std!(@one $Type $($a)?, Cell<i32>);
            as_std!(@one $Type $($a)?, StdMutexGuard);
            as_std!(@one $Type $($a)?, Rc<i32>);
            as_std!(@one $Type $($a)?, PhantomPinned);
            as_std!(@one $Type $($a)?, &'static mut i32);
            as_std!(@one $Type $($a)?, Box<dyn Fn()>);
        })*};
        (@one $Type:ident $($a:lifetime)?, $T:ty) => {
            let name = stringify!($Type<$T>);
            assert_eq!(all_traits!(mpsc::$Type<$($a,)? $T>), all_traits!(std::sync::mpsc::$Type<$($a,)? $T>), "{name}");
        };
    }
    as_std!(
        Sender,
        SyncSender,
        Receiver,
        Iter<'static>,
        TryIter<'static>,
        IntoIter
    );
}

/// Stable std has none of these.
#[test]
fn the_ends_of_other_channels_are_shared_as_their_messages_are_sent() {
    macro_rules! check {
        ($($Type:ty, $local:ty: Sync $sync:literal, Clone $clone:literal;)*) => {$(
            let name = stringify!($Type);
            assert!(implements!($Type, Send) && implements!($Type, Sync), "{name}");
            assert!(!implements!($local, Send), "{name}");
            assert_eq!(implements!($local, Sync), $sync, "{name}");
            assert_eq!(implements!($Type, Clone), $clone, "{name}");
            assert!(implements!($Type, UnwindSafe) && implements!($Type, RefUnwindSafe), "{name}");
            assert!(implements!($Type, Unpin) && implements!($Type, Debug), "{name}");
        )*};
    }
    check! {
        mpmc::Sender<Cell<i32>>, mpmc::Sender<Rc<i32>>: Sync false, Clone true;
        mpmc::Receiver<Cell<i32>>, mpmc::Receiver<Rc<i32>>: Sync false, Clone true;
        mpmc::Iter<'static, Cell<i32>>, mpmc::Iter<'static, Rc<i32>>: Sync false, Clone false;
        mpmc::TryIter<'static, Cell<i32>>, mpmc::TryIter<'static, Rc<i32>>: Sync false, Clone false;
        mpmc::IntoIter<Cell<i32>>, mpmc::IntoIter<Rc<i32>>: Sync false, Clone false;
        oneshot::Sender<Cell<i32>>, oneshot::Sender<Rc<i32>>: Sync true, Clone false;
        oneshot::Receiver<Cell<i32>>, oneshot::Receiver<Rc<i32>>: Sync true, Clone false;
    }
    assert!(
        implements!(oneshot::Recv<Cell<i32>>, Send) && !implements!(oneshot::Recv<Rc<i32>>, Send)
    );
    #[cfg(feature = "futures")]
    {
        use web_sync::stream::{IntoStream, RecvStream};
        assert!(
            implements!(IntoStream<PhantomPinned>, Unpin)
                && implements!(IntoStream<Cell<i32>>, Send)
        );
        assert!(
            implements!(RecvStream<'static, Cell<i32>>, Send)
                && !implements!(IntoStream<Rc<i32>>, Send)
        );
    }
    assert_eq!(
        all_traits!(mpmc::SendTimeoutError<i32>),
        all_traits!(std::sync::mpsc::TrySendError<i32>)
    );
}

/// An end that shows an item is shared as the item is.
#[test]
fn the_ends_of_rings_and_cells_are_sent_as_their_items_are() {
    macro_rules! check {
        ($($Type:ident $(<$a:lifetime>)? in $module:ident: shows $shows:literal;)*) => {$({
            use $module::$Type;
            let name = stringify!($Type);
            assert!(implements!($Type<$($a,)? Cell<i32>>, Send), "{name}");
            assert_eq!(implements!($Type<$($a,)? Cell<i32>>, Sync), !$shows, "{name}");
            assert!(implements!($Type<$($a,)? i32>, Sync), "{name}");
            assert!(!implements!($Type<$($a,)? Rc<i32>>, Send) && !implements!($Type<$($a,)? Rc<i32>>, Sync), "{name}");
            assert!(!implements!($Type<$($a,)? StdMutexGuard>, Send), "{name}");
            assert!(!implements!($Type<$($a,)? StdMutexGuard>, Sync), "{name}");
            assert!(implements!($Type<$($a,)? PhantomPinned>, Unpin), "{name}");
            assert!(implements!($Type<$($a,)? i32>, Debug) && !implements!($Type<$($a,)? i32>, Clone), "{name}");
        })*};
    }
    check! {
        Producer in spsc: shows false;
        Consumer in spsc: shows true;
        WriteChunkUninit<'static> in spsc: shows false;
        WriteChunk<'static> in spsc: shows false;
        ReadChunk<'static> in spsc: shows true;
        ReadChunkIntoIter<'static> in spsc: shows true;
        Input in triple_buffer: shows true;
        Output in triple_buffer: shows true;
        InputPublishGuard<'static> in triple_buffer: shows true;
    }
    assert!(implements!(spsc::Producer<&'static mut i32>, UnwindSafe));
    assert!(implements!(spsc::Consumer<&'static mut i32>, UnwindSafe));
    assert_eq!(
        all_traits!(spsc::PushError<i32>),
        all_traits!(std::sync::mpsc::TrySendError<i32>)
            .map(|(name, yes)| (name, yes || name == "Clone"))
    );
    for error in [
        all_traits!(spsc::PopError),
        all_traits!(spsc::PeekError),
        all_traits!(spsc::ChunkError),
    ] {
        assert_eq!(error, all_traits!(std::sync::mpsc::TryRecvError));
    }
}

/// Never called: it compiles only if the futures are `Send`, although a receiver of `mpsc` is not `Sync`.
#[allow(dead_code)]
fn the_futures_of_channels_are_send(
    sender: mpsc::SyncSender<Cell<i32>>,
    receiver: mpsc::Receiver<Cell<i32>>,
    both: &'static (mpmc::Sender<Cell<i32>>, mpmc::Receiver<Cell<i32>>),
    mut one: oneshot::Receiver<Cell<i32>>,
    other: oneshot::Receiver<Cell<i32>>,
) {
    fn send<T>(_: impl Future<Output = T> + Send) {}

    let timeout = Duration::MAX;
    send(sender.send_async(Cell::new(1)));
    send(sender.send_timeout_async(Cell::new(1), timeout));
    send(receiver.recv_async());
    send(receiver.recv_timeout_async(timeout));
    send(both.0.send_async(Cell::new(1)));
    send(both.1.recv_async());
    send(one.recv_async());
    send(other.recv_timeout_async(timeout));
    let mut cases = (
        select::recv(&receiver),
        select::recv(&mut one),
        select::send(&sender, Cell::new(1)),
    );
    send(Select::new((&mut cases.0, &mut cases.1, &mut cases.2)).select_async());
    send(Select::new([&mut cases.0]).select_timeout_async(timeout));
    send(async {
        select_async! {
            recv(&both.1) -> _ => {}
            send(&both.0, Cell::new(1)) -> _ => {}
        }
    });
    // A task that owns its receiver.
    send(async move {
        while let Ok(number) = receiver.recv_async().await {
            sender.send_async(number).await.unwrap();
        }
        one.await
    });
}

#[test]
fn the_types_without_poisoning_have_the_same_traits() {
    macro_rules! same {
        ($($Type:ident $(<$a:lifetime>)?),*) => {$({
            same!(@one $Type $($a)?, i32);
            same!(@one $Type $($a)?, Cell<i32>);
            same!(@one $Type $($a)?, StdMutexGuard);
            same!(@one $Type $($a)?, Rc<i32>);
            same!(@one $Type $($a)?, PhantomPinned);
            same!(@one $Type $($a)?, &'static mut i32);
        })*};
        (@one $Type:ident $($a:lifetime)?, $T:ty) => {
            let name = stringify!($Type<$T>);
            assert_eq!(all_traits!($Type<$($a,)? $T>), all_traits!(nonpoison::$Type<$($a,)? $T>), "{name}");
        };
    }
    same!(
        Mutex,
        RwLock,
        MutexGuard<'static>,
        MappedMutexGuard<'static>,
        RwLockReadGuard<'static>,
        RwLockWriteGuard<'static>,
        RwLockUpgradableReadGuard<'static>,
        MappedRwLockReadGuard<'static>,
        MappedRwLockWriteGuard<'static>
    );
    assert_eq!(all_traits!(Condvar), all_traits!(nonpoison::Condvar));
}

#[test]
fn guards_that_stable_std_has_not_are_sync_as_the_data_is_and_never_send() {
    macro_rules! check {
        ($($Guard:ident),*) => {$(
            assert!(!implements!($Guard<'static, i32>, Send), stringify!($Guard));
            assert!(implements!($Guard<'static, i32>, Sync), stringify!($Guard));
            assert!(!implements!($Guard<'static, Cell<i32>>, Sync), stringify!($Guard));
            assert!(implements!($Guard<'static, PhantomPinned>, Unpin), stringify!($Guard));
            assert!(implements!($Guard<'static, str>, Display), stringify!($Guard));
            assert!(implements!($Guard<'static, [i32]>, Debug), stringify!($Guard));
        )*};
    }
    check!(
        MappedMutexGuard,
        MappedRwLockReadGuard,
        MappedRwLockWriteGuard,
        RwLockUpgradableReadGuard
    );
}

/// Compiles only if lifetimes may be shortened, and in readers the data's as well.
#[allow(dead_code)]
mod variance {
    use super::*;

    macro_rules! shortens_the_borrow {
        ($($name:ident: $Guard:ident),*) => {$(
            fn $name<'long: 'short, 'short, T>(guard: $Guard<'long, T>) -> $Guard<'short, T> {
                guard
            }
        )*};
    }
    shortens_the_borrow!(
        mutex: MutexGuard,
        mapped_mutex: MappedMutexGuard,
        reentrant: ReentrantLockGuard,
        read: RwLockReadGuard,
        mapped_read: MappedRwLockReadGuard,
        write: RwLockWriteGuard,
        mapped_write: MappedRwLockWriteGuard,
        upgradable: RwLockUpgradableReadGuard
    );

    fn permit<'long: 'short, 'short>(permit: SemaphorePermit<'long>) -> SemaphorePermit<'short> {
        permit
    }

    fn read_data<'a>(guard: RwLockReadGuard<'a, &'static str>) -> RwLockReadGuard<'a, &'a str> {
        guard
    }

    fn reentrant_data<'a>(
        guard: ReentrantLockGuard<'a, &'static str>,
    ) -> ReentrantLockGuard<'a, &'a str> {
        guard
    }

    fn mapped_read_data<'a>(
        guard: MappedRwLockReadGuard<'a, &'static str>,
    ) -> MappedRwLockReadGuard<'a, &'a str> {
        guard
    }
}

#[test]
fn the_data_may_be_unsized() {
    let mutex: Box<Mutex<[i32]>> = Box::new(Mutex::new([1, 2, 3]));
    assert_eq!(mutex.lock().unwrap().len(), 3);
    let lock: &RwLock<dyn Debug> = &RwLock::new(5);
    assert_eq!(format!("{:?}", lock.read().unwrap()), "5");
    let bare: &nonpoison::Mutex<dyn Debug> = &nonpoison::Mutex::new(5);
    assert_eq!(format!("{:?}", bare.lock()), "5");
    let bare: Box<nonpoison::RwLock<[i32]>> = Box::new(nonpoison::RwLock::new([1, 2]));
    assert_eq!(bare.read().len(), 2);
}

/// Never called: it compiles only if the futures are `Send`.
#[allow(dead_code, clippy::let_underscore_future)]
fn futures_are_send_where_the_data_allows_it(
    mutex: &'static Mutex<Cell<i32>>,
    lock: &'static RwLock<i32>,
    condvar: &'static Condvar,
    bare: &'static nonpoison::Mutex<Cell<i32>>,
    bare_lock: &'static nonpoison::RwLock<i32>,
    bare_condvar: &'static nonpoison::Condvar,
    (once, place, lazy): &'static (Once, OnceLock<i32>, LazyLock<i32>),
) {
    fn send<T>(_: impl Future<Output = T> + Send + 'static) {}

    let locked = || mutex.lock().unwrap();
    let timeout = Duration::MAX;
    send(mutex.lock_async());
    send(condvar.wait_async(locked()));
    send(condvar.wait_while_async(locked(), |_| true));
    send(condvar.wait_timeout_async(locked(), timeout));
    send(condvar.wait_timeout_while_async(locked(), timeout, |_| true));
    send(lock.read_async());
    send(lock.write_async());
    send(lock.upgradable_read_async());
    send(RwLockUpgradableReadGuard::upgrade_async(
        lock.upgradable_read().unwrap(),
    ));

    send(bare.lock_async());
    send(bare_condvar.wait_async(bare.lock()));
    send(bare_condvar.wait_while_async(bare.lock(), |_| true));
    send(bare_condvar.wait_timeout_async(bare.lock(), timeout));
    send(bare_condvar.wait_timeout_while_async(bare.lock(), timeout, |_| true));
    send(bare_lock.read_async());
    send(bare_lock.write_async());
    send(bare_lock.upgradable_read_async());
    send(nonpoison::RwLockUpgradableReadGuard::upgrade_async(
        bare_lock.upgradable_read(),
    ));

    send(once.call_once_async(async || lock.read_async().await.map(drop).unwrap()));
    send(once.call_once_force_async(async |state: &OnceState| {
        bare.lock_async().await.take();
        assert!(!state.is_poisoned());
    }));
    send(once.wait_async());
    send(once.wait_force_async());
    send(thread::park_async());
    send(thread::park_timeout_async(timeout));
    send(thread::sleep_async(timeout));
    send(thread::sleep_until_async(web_sync::Instant::now()));

    send(place.get_or_init_async(async || *lock.read_async().await.unwrap()));
    send(
        place.get_or_try_init_async(async || {
            lock.read_async().await.map(|data| *data).map_err(drop)
        }),
    );
    send(place.wait_async());
    send(place.set_async(1));
    send(place.try_insert_async(1));
    send(LazyLock::force_async(lazy));

    // A task that holds no guard across an await stays `Send`.
    send(async move {
        let guard = mutex.lock_async().await.unwrap();
        let guard = condvar.wait_async(guard).await.unwrap();
        drop(guard);
    });
}

/// The same with a time limit.
#[allow(dead_code, clippy::let_underscore_future)]
fn timed_futures_are_send_where_the_data_allows_it(
    mutex: &'static (Mutex<Cell<i32>>, nonpoison::Mutex<Cell<i32>>),
    locks: &'static (RwLock<i32>, nonpoison::RwLock<i32>),
    time: (Duration, web_sync::Instant),
) {
    fn send<T>(_: impl Future<Output = T> + Send + 'static) {}

    macro_rules! all_send {
        ($mutex:expr, $lock:expr, $reader:expr) => {{
            let upgradable = $reader;
            send($mutex.try_lock_for_async(time.0));
            send($mutex.try_lock_until_async(time.1));
            send($lock.try_read_for_async(time.0));
            send($lock.try_read_until_async(time.1));
            send($lock.try_write_for_async(time.0));
            send($lock.try_write_until_async(time.1));
            send($lock.try_upgradable_read_for_async(time.0));
            send($lock.try_upgradable_read_until_async(time.1));
            send(Guard::try_upgrade_for_async(upgradable(), time.0));
            send(Guard::try_upgrade_until_async(upgradable(), time.1));
        }};
    }
    {
        use RwLockUpgradableReadGuard as Guard;
        all_send!(mutex.0, locks.0, || locks.0.upgradable_read().unwrap());
    }
    use nonpoison::RwLockUpgradableReadGuard as Guard;
    all_send!(mutex.1, locks.1, || locks.1.upgradable_read());
}

/// The same for the types that have no data.
#[allow(dead_code, clippy::let_underscore_future)]
fn futures_without_data_are_send(
    barrier: &'static Barrier,
    event: &'static Event,
    semaphore: &'static web_sync::Arc<Semaphore>,
) {
    fn send<T>(_: impl Future<Output = T> + Send + 'static) {}

    send(barrier.wait_async());
    send(event.wait_async());
    send(event.wait_timeout_async(Duration::MAX));
    send(event.wait_deadline_async(web_sync::Instant::now()));
    send(semaphore.acquire_async());
    send(semaphore.acquire_many_async(2));
    send(semaphore.try_acquire_for_async(Duration::MAX));
    send(semaphore.try_acquire_until_async(web_sync::Instant::now()));
    send(semaphore.try_acquire_many_for_async(2, Duration::MAX));
    send(semaphore.try_acquire_many_until_async(2, web_sync::Instant::now()));
    send(semaphore.clone().acquire_owned_async());
    send(semaphore.clone().acquire_many_owned_async(2));
}

/// `Send` of a value, as [`implements`] is for types.
macro_rules! is_send {
    ($value:expr) => {{
        #[allow(dead_code)]
        trait No {
            fn is_send(&self) -> bool {
                false
            }
        }
        impl<T> No for T {}
        #[allow(dead_code)]
        struct Probe<T>(T);
        #[allow(dead_code)]
        impl<T: Send> Probe<T> {
            fn is_send(&self) -> bool {
                true
            }
        }
        Probe($value).is_send()
    }};
}

#[test]
fn futures_are_not_send_where_the_data_forbids_it() {
    let mutex = Mutex::new(Rc::new(1));
    let condvar = Condvar::new();
    assert!(!is_send!(mutex.lock_async()));
    assert!(!is_send!(mutex.try_lock_for_async(Duration::MAX)));
    assert!(!is_send!(condvar.wait_async(mutex.lock().unwrap())));
    // A reader's data is shared, so it has to be `Sync` as well.
    let lock = RwLock::new(Cell::new(1));
    assert!(!is_send!(lock.read_async()));
    assert!(!is_send!(lock.write_async()));
    assert!(!is_send!(lock.try_read_for_async(Duration::MAX)));
    let guard = lock.upgradable_read().unwrap();
    assert!(!is_send!(RwLockUpgradableReadGuard::upgrade_async(guard)));
    let lock = RwLock::new(1);
    assert!(is_send!(lock.read_async()));
    let (sender, receiver) = mpsc::sync_channel(1);
    assert!(!is_send!(sender.send_async(Rc::new(1))));
    assert!(!is_send!(receiver.recv_async()));
    // Functions, not closures of this one: what those capture is not known before this function's types are.
    struct Holds<T>(PhantomData<T>);
    impl<T> Future for Holds<T> {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Pending
        }
    }
    fn holds<T>() -> Holds<T> {
        Holds(PhantomData)
    }
    let once = Once::new();
    assert!(!is_send!(once.call_once_async(holds::<Rc<i32>>)));
    assert!(is_send!(once.call_once_async(holds::<i32>)));
    // The value is shared by all, so it has to be `Sync` as well.
    let place = OnceLock::<Cell<i32>>::new();
    assert!(!is_send!(place.wait_async()));
    assert!(!is_send!(place.set_async(Cell::new(1))));
    let lazy = LazyLock::<Cell<i32>>::new(Cell::default);
    assert!(!is_send!(LazyLock::force_async(&lazy)));
}
