//! One program, compiled against std and against this crate: what compiles there compiles here, and gives the same.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

macro_rules! shape {
    ($krate:ident: $($sync:tt)+) => {
        mod $krate {
            // The line that a program changes.
            use $($sync)+::{
                Arc, Barrier, Condvar, LazyLock, LockResult, Mutex, MutexGuard, Once, OnceLock, OnceState, PoisonError, RwLock,
                RwLockReadGuard, RwLockWriteGuard, TryLockError, TryLockResult, WaitTimeoutResult,
                Weak,
                atomic::{AtomicUsize, Ordering},
                mpsc,
            };
            use std::error::Error;
            use std::fmt::Debug;
            use std::time::Duration;

            static LOCK: RwLock<i32> = RwLock::new(1);
            #[cfg(panic = "unwind")]
            static CONDVAR: Condvar = Condvar::new();
            static ONCE: Once = Once::new();
            static BARRIER: Barrier = Barrier::new(0);
            static PLACE: OnceLock<&str> = OnceLock::new();
            static LAZY: LazyLock<Vec<u8>> = LazyLock::new(|| vec![1, 2]);
            static CALLS: AtomicUsize = AtomicUsize::new(0);

            /// Everything that Debug and Display show.
            pub fn texts() -> Vec<String> {
                let mutex = Mutex::new("text");
                let lock = RwLock::new(vec![1, 2]);
                let mut texts = vec![
                    format!("{mutex:?}"),
                    format!("{mutex:#?}"),
                    format!("{lock:?}"),
                    format!("{lock:#?}"),
                    format!("{:?} {:?}", Condvar::new(), Once::new()),
                    format!("{BARRIER:?} {:?}", BARRIER.wait()),
                ];
                Once::new().call_once_force(|state| texts.push(format!("{state:?}")));
                let place = OnceLock::new();
                texts.push(format!("{place:?} {place:#?}"));
                place.set(mutex).unwrap();
                texts.push(format!("{place:?} {place:#?}"));
                let mutex = place.get().unwrap();
                let lazy = LazyLock::new(|| "text");
                texts.push(format!("{lazy:?} {lazy:#?} {} {lazy:?} {lazy:#?}", *lazy));
                {
                    let guard = mutex.lock().unwrap();
                    texts.push(format!("{guard:?} {guard}"));
                    texts.push(format!("{:?}", mutex.try_lock()));
                    texts.push(mutex.try_lock().unwrap_err().to_string());
                }
                {
                    let writer = lock.write().unwrap();
                    texts.push(format!("{writer:?} {lock:?}"));
                }
                let reader = lock.read().unwrap();
                texts.push(format!("{reader:?} {lock:?} {:?}", lock.try_write()));
                texts
            }

            /// Each stable signature, by use.
            pub fn signatures() -> usize {
                fn from<L: From<u8> + Default>() -> L {
                    let _ = L::default();
                    L::from(7)
                }
                fn locked(mutex: &Mutex<u8>) -> LockResult<MutexGuard<'_, u8>> {
                    CALLS.fetch_add(1, Ordering::Relaxed);
                    mutex.lock()
                }
                fn tried(mutex: &Mutex<u8>) -> TryLockResult<MutexGuard<'_, u8>> {
                    mutex.try_lock()
                }
                fn question(mutex: &Mutex<u8>) -> Result<u8, PoisonError<MutexGuard<'_, u8>>> {
                    Ok(*mutex.lock()?)
                }
                fn either(mutex: &Mutex<u8>) -> Result<u8, TryLockError<MutexGuard<'_, u8>>> {
                    let guard = mutex.lock()?;
                    Ok(*guard)
                }
                fn boxed(lock: &'static RwLock<i32>) -> Result<i32, Box<dyn Error>> {
                    Ok(*lock.read()?)
                }

                let mut mutex: Mutex<u8> = from();
                *mutex.get_mut().unwrap() += 1;
                *locked(&mutex).unwrap() += 1;
                *tried(&mutex).unwrap() += 1;
                assert_eq!(question(&mutex).unwrap(), 10);
                assert_eq!(either(&mutex).unwrap(), 10);
                assert!(!mutex.is_poisoned());
                mutex.clear_poison();

                let mut lock: RwLock<u8> = from();
                *lock.get_mut().unwrap() += 1;
                let writer: RwLockWriteGuard<'_, u8> = lock.write().unwrap();
                let reader: RwLockReadGuard<'_, u8> = RwLockWriteGuard::downgrade(writer);
                assert!(lock.try_read().is_ok() && lock.try_write().is_err());
                drop(reader);
                assert!(!lock.is_poisoned());
                lock.clear_poison();
                assert_eq!(boxed(&LOCK).unwrap(), 1);

                let condvar = Condvar::default();
                condvar.notify_one();
                condvar.notify_all();
                let guard = condvar.wait_while(mutex.lock().unwrap(), |number| *number == 0).unwrap();
                let short = Duration::from_millis(1);
                let (guard, result) = condvar.wait_timeout_while(guard, short, |_| true).unwrap();
                let same: WaitTimeoutResult = result;
                assert!(same.timed_out() && same == result);
                assert_eq!(format!("{result:?}"), "WaitTimeoutResult(true)");
                #[allow(deprecated)]
                let (guard, in_time) = condvar.wait_timeout_ms(guard, 1).unwrap();
                assert!(!in_time);
                drop(guard);

                ONCE.call_once(|| {
                    CALLS.fetch_add(1, Ordering::Relaxed);
                });
                ONCE.call_once_force(|state: &OnceState| assert!(!state.is_poisoned()));
                ONCE.wait();
                ONCE.wait_force();
                assert!(ONCE.is_completed());

                assert_eq!(PLACE.get_or_init(|| "text"), PLACE.wait());
                let mut place: OnceLock<u8> = from();
                assert!(place == place.clone() && place != OnceLock::new());
                *place.get_mut().unwrap() += 1;
                assert_eq!((place.get(), place.set(1)), (Some(&8), Err(1)));
                assert_eq!((place.take(), place.into_inner()), (Some(8), None));

                assert_eq!(LazyLock::force(&LAZY), &LAZY[..]);
                let mut lazy: LazyLock<u8, Box<dyn FnOnce() -> u8>> = LazyLock::new(Box::new(|| 1));
                assert!(LazyLock::get(&lazy).is_none() && LazyLock::get_mut(&mut lazy).is_none());
                *lazy += 1;
                *LazyLock::force_mut(&mut lazy) += 1;
                assert_eq!((*lazy, *LazyLock::<u8>::default()), (3, 0));

                let shared: Arc<Mutex<dyn Debug>> = Arc::new(Mutex::new(5));
                let weak: Weak<_> = Arc::downgrade(&shared);
                assert_eq!(format!("{:?}", weak.upgrade().unwrap().lock().unwrap()), "5");
                let sum = mutex.into_inner().unwrap() + lock.into_inner().unwrap();
                usize::from(sum) + CALLS.load(Ordering::Relaxed)
            }

            /// What the errors say and hold.
            pub fn errors() -> Vec<String> {
                fn texts(error: &impl Error) -> String {
                    format!("{error} / {error:?} / {}", error.source().is_some())
                }
                let blocked = TryLockError::<u8>::WouldBlock;
                let mut list = vec![texts(&blocked)];
                // Where panics abort, std cannot make this error.
                if cfg!(panic = "unwind") {
                    let mut poisoned = PoisonError::new(5);
                    *poisoned.get_mut() += 1;
                    list.push(texts(&poisoned));
                    list.push(poisoned.get_ref().to_string());
                    list.push(texts(&TryLockError::from(poisoned)));
                }
                list
            }

            /// A panic while each guard is held, and what is seen then.
            #[cfg(panic = "unwind")]
            pub fn poisoned() -> Vec<String> {
                // `resume_unwind` panics without the hook's message.
                use std::panic::{catch_unwind, resume_unwind};
                let mutex = Mutex::new(1);
                let lock = RwLock::new(1);
                let mut list = Vec::new();
                let result = catch_unwind(|| {
                    let _reader = lock.read().unwrap();
                    resume_unwind(Box::new(()))
                });
                assert!(result.is_err());
                list.push(format!("{lock:?}"));
                let result = catch_unwind(|| {
                    let _guards = (mutex.lock().unwrap(), lock.write().unwrap());
                    resume_unwind(Box::new(()))
                });
                assert!(result.is_err());
                list.push(format!("{mutex:?} {lock:?} {:?}", CONDVAR));
                list.push(format!("{:?}", mutex.try_lock()));
                list.push(format!("{:?}", mutex.lock()));
                list.push(format!("{:?} {:?}", lock.read(), lock.try_read()));
                list.push(format!("{:?}", lock.try_write()));
                list.push(format!("{:?}", lock.write()));
                let guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
                let waited = CONDVAR.wait_timeout(guard, Duration::from_millis(1));
                list.push(format!("{waited:?}"));
                let (guard, result) = waited.unwrap_or_else(PoisonError::into_inner);
                list.push(format!("{result:?}"));
                // A condition that is false at once is never an error, for nothing was locked.
                let waited = CONDVAR.wait_while(guard, |_| false);
                list.push(format!("{waited:?}"));
                drop(waited);
                mutex.clear_poison();
                lock.clear_poison();
                list.push(format!("{mutex:?} {lock:?}"));
                list.push(format!("{:?} {:?}", mutex.into_inner(), lock.into_inner()));
                list.extend(poisoned_once());
                list
            }

            /// The same for what is done once.
            #[cfg(panic = "unwind")]
            fn poisoned_once() -> Vec<String> {
                use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
                let mut list = Vec::new();
                let mut panics = |f: &dyn Fn()| {
                    let ended = catch_unwind(AssertUnwindSafe(f));
                    list.push(format!("panics: {}", ended.is_err()));
                };
                let once = Once::new();
                panics(&|| once.call_once(|| resume_unwind(Box::new(()))));
                panics(&|| once.call_once(|| ()));
                panics(&|| once.wait());
                panics(&|| once.call_once_force(|_| resume_unwind(Box::new(()))));
                panics(&|| once.call_once_force(|state| assert!(state.is_poisoned())));
                panics(&|| once.call_once(|| resume_unwind(Box::new(()))));
                panics(&|| once.wait());
                let place = OnceLock::new();
                panics(&|| assert_eq!(place.get_or_init(|| resume_unwind(Box::new(()))), &1));
                panics(&|| assert_eq!(place.get_or_init(|| 1), &1));
                let lazy = LazyLock::<i32>::new(|| resume_unwind(Box::new(())));
                panics(&|| assert_eq!(*lazy, 1));
                panics(&|| assert_eq!(LazyLock::force(&lazy), &1));
                list.push(format!("{} {place:?} {lazy:?}", once.is_completed()));
                list
            }

            /// What is received, and what the ends and the errors say.
            pub fn channels() -> Vec<String> {
                use mpsc::{
                    IntoIter, Iter, Receiver, RecvError, RecvTimeoutError, SendError, Sender, SyncSender,
                    TryIter, TryRecvError, TrySendError, channel, sync_channel,
                };
                fn either(receiver: &Receiver<i32>) -> Result<i32, Box<dyn Error>> {
                    Ok(receiver.recv()? + receiver.try_recv()?)
                }
                let (sender, receiver): (Sender<i32>, Receiver<i32>) = channel();
                let mut list = vec![format!("{sender:?} {receiver:?}")];
                for number in 0..5 {
                    sender.clone().send(number).unwrap();
                }
                list.push(format!("{:?}", either(&receiver)));
                let iter: Iter<'_, i32> = receiver.iter();
                list.push(format!("{:?}", iter.take(1).collect::<Vec<_>>()));
                let iter: TryIter<'_, i32> = receiver.try_iter();
                list.push(format!("{:?}", iter.take(1).collect::<Vec<_>>()));
                list.push(format!("{:?}", receiver.recv_timeout(Duration::MAX)));
                list.push(format!("{:?}", receiver.try_recv()));
                drop(sender);
                list.push(format!("{:?} {:?}", receiver.try_recv(), receiver.recv()));
                list.push(format!("{:?}", receiver.recv_timeout(Duration::MAX)));
                list.push(format!("{:?}", (&receiver).into_iter().next()));

                let (sender, receiver): (SyncSender<i32>, _) = sync_channel(1);
                list.push(format!("{sender:?} {receiver:?}"));
                sender.send(1).unwrap();
                list.push(format!("{:?}", sender.try_send(2)));
                let mut iter: IntoIter<i32> = receiver.into_iter();
                list.push(format!("{:?}", iter.next()));
                drop(iter);
                list.push(format!("{:?} {:?}", sender.try_send(3), sender.clone().send(4)));

                let (sender, receiver) = sync_channel(0);
                list.push(format!("{:?} {:?}", sender.try_send(1), receiver.try_recv()));
                drop(receiver);
                list.push(format!("{:?} {:?}", sender.try_send(3), sender.send(4)));

                list.push(SendError(1).to_string());
                list.push(format!("{} {}", TrySendError::Full(1), TrySendError::from(SendError(1))));
                list.push(format!("{RecvError} {} {}", TryRecvError::Empty, TryRecvError::from(RecvError)));
                list.push(format!("{} {}", RecvTimeoutError::Timeout, RecvTimeoutError::from(RecvError)));
                list
            }

            /// Threads that lock, read, write, wait and notify.
            #[cfg(not(target_family = "wasm"))]
            pub fn threads() -> usize {
                fn led(result: &$($sync)+::BarrierWaitResult) -> usize {
                    usize::from(result.is_leader())
                }
                static START: Once = Once::new();
                static MEET: Barrier = Barrier::new(4);
                let leaders = Arc::new(AtomicUsize::new(0));
                let shared = Arc::new((Mutex::new(0), Condvar::new(), RwLock::new(0)));
                let threads: Vec<_> = (0..4)
                    .map(|_| {
                        let (shared, leaders) = (Arc::clone(&shared), Arc::clone(&leaders));
                        std::thread::spawn(move || {
                            leaders.fetch_add(led(&MEET.wait()), Ordering::Relaxed);
                            START.call_once(|| *shared.2.write().unwrap() += 1);
                            START.wait();
                            for _ in 0..10 {
                                *shared.2.write().unwrap() += 1;
                                *shared.0.lock().unwrap() += 1;
                                shared.1.notify_all();
                            }
                        })
                    })
                    .collect();
                let (mutex, condvar, lock) = &*shared;
                let count = condvar.wait_while(mutex.lock().unwrap(), |count| *count < 40).unwrap();
                let total = *count + *lock.read().unwrap();
                drop(count);
                for thread in threads {
                    thread.join().unwrap();
                }
                total + leaders.load(Ordering::Relaxed)
            }
        }
    };
}

shape!(with_std: std::sync);
shape!(with_ours: web_sync);

#[test]
fn shows_the_same() {
    assert_eq!(with_ours::texts(), with_std::texts());
}

#[test]
fn channels_do_the_same() {
    let ours = with_ours::channels();
    // std's asks for the time.
    if cfg!(not(target_family = "wasm")) {
        assert_eq!(ours, with_std::channels());
    }
}

#[test]
fn has_the_same_signatures() {
    let ours = with_ours::signatures();
    // In a browser std's waits panic, for want of a clock, or trap.
    if cfg!(not(target_family = "wasm")) {
        assert_eq!(ours, with_std::signatures());
    }
}

#[test]
fn has_the_same_errors() {
    assert_eq!(with_ours::errors(), with_std::errors());
}

#[cfg(panic = "unwind")]
#[test]
fn poisons_the_same() {
    assert_eq!(with_ours::poisoned(), with_std::poisoned());
}

#[cfg(not(target_family = "wasm"))]
#[test]
fn threads_end_the_same() {
    assert_eq!(with_ours::threads(), with_std::threads());
}
