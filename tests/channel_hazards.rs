//! What goes wrong in other crates' channels for the web, one test for each: named after what must not happen here.

mod common;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(not(target_arch = "wasm32"))]
use common::SHORT;
use common::allocations::{allocations, bytes_kept};
use common::{LONG, Spinning, Task, poll, timed};
use web_sync::mpmc::{self, RecvTimeoutError, SendTimeoutError};
#[cfg(any(not(target_family = "wasm"), panic = "unwind"))]
use web_sync::select::recv;
use web_sync::select::{Select, send};
use web_sync::{mpsc, oneshot};

/// The last sender goes without a word, or before the receiver has said that it waits.
#[test]
fn the_last_senders_drop_is_heard() {
    for (sender, receiver) in [
        mpmc::channel::<i32>(),
        mpmc::sync_channel(1),
        mpmc::sync_channel(0),
    ] {
        let tasks = [(); 10].map(|()| Task::waiting(receiver.recv_async()));
        drop(sender.clone());
        assert!(tasks.iter().all(|task| task.wakes() == 0));
        drop(sender);
        for task in tasks {
            assert_eq!(task.wakes(), 1);
            assert!(task.finish().is_err());
        }
    }
}

/// A time-out that does not look once more loses what came in time.
#[test]
fn a_receive_that_timed_out_has_looked() {
    let (sender, receiver) = mpsc::channel();
    sender.send(1).unwrap();
    assert_eq!(receiver.recv_timeout(Duration::ZERO), Ok(1));
    drop(sender);
    let disconnected = Err(RecvTimeoutError::Disconnected);
    assert_eq!(receiver.recv_timeout(Duration::ZERO), disconnected);
}

/// Entries of cancelled futures that stay in a queue swallow notifications, and grow.
#[test]
fn cancelled_futures_leave_nothing_behind() {
    const MANY: usize = if cfg!(miri) { 100 } else { 10_000 };
    let (sender, receiver) = mpmc::sync_channel(1);
    let (offers, nobody) = mpmc::sync_channel(0);
    let waits = Task::waiting(receiver.recv_async());
    let count = allocations(|| {
        for _ in 0..MANY {
            assert!(poll(pin!(receiver.recv_async())).is_pending());
            assert!(poll(pin!(nobody.recv_async())).is_pending());
            assert!(poll(pin!(offers.send_async(1))).is_pending());
        }
    });
    assert_eq!(count, 0);
    sender.send(1).unwrap();
    assert_eq!(waits.wakes(), 1);
    let count = allocations(|| {
        for _ in 0..MANY {
            assert!(poll(pin!(sender.send_async(2))).is_pending());
        }
    });
    assert_eq!(count, 0);
    assert_eq!(waits.finish(), Ok(1));
    assert_eq!(sender.try_send(3), Ok(()));
    assert!(nobody.try_recv().is_err() && offers.try_send(1).is_err());
}

/// A notification that has reached a future which is then dropped is for the next.
#[test]
fn a_future_that_is_dropped_when_woken_passes_that_on() {
    let (sender, receiver) = mpmc::channel();
    let first = Task::waiting(receiver.recv_async());
    let second = Task::waiting(receiver.recv_async());
    sender.send(1).unwrap();
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    drop(first);
    assert_eq!(second.wakes(), 1);
    assert_eq!(second.finish(), Ok(1));

    let (sender, receiver) = mpmc::sync_channel(1);
    sender.send(0).unwrap();
    let first = Task::waiting(sender.send_async(1));
    let second = Task::waiting(sender.send_async(2));
    assert_eq!(receiver.recv(), Ok(0));
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    drop(first);
    assert_eq!(second.wakes(), 1);
    assert_eq!(second.finish(), Ok(()));
    assert_eq!(receiver.recv(), Ok(2));
}

/// A second receiver was sent to look for each message that had to wait, and could find nothing yet. When that one was laid down, nobody sent
/// another.
#[test]
fn a_task_that_is_not_run_holds_up_no_others_later() {
    let (sender, receiver) = mpmc::sync_channel(0);
    let [mut first, mut idle, mut last] = [(); 3].map(|()| Task::waiting(receiver.recv_async()));
    let _one = Task::waiting(sender.send_async(1));
    let mut two = Task::waiting(sender.send_async(2));
    let _three = Task::waiting(sender.send_async(3));
    assert_eq!(first.poll(), Some(Ok(1)));
    assert!(idle.poll().is_none() && last.poll().is_none());
    let woken = last.wakes();
    // It lies there, and `idle` knows of it, but is not run.
    assert!(two.poll().is_none());
    assert_eq!(last.wakes(), woken + 1);
    assert_eq!(last.poll(), Some(Ok(2)));
}

/// A channel that holds nothing: the receiver that was notified of a message is not run, so a second sender waits for the first one, and an
/// idle receiver hears of neither.
#[test]
fn a_task_that_is_not_run_holds_up_no_others() {
    let by_async = |sender: &mpmc::Sender<u32>| {
        let sender = sender.clone();
        Task::waiting(async move { sender.send_async(2).await.is_ok() })
    };
    let by_select = |sender: &mpmc::Sender<u32>| {
        let sender = sender.clone();
        Task::waiting(async move {
            let mut case = send(&sender, 2);
            Select::new([&mut case]).select_async().await;
            case.take() == Some(Ok(()))
        })
    };
    for selects in [false, true] {
        let (sender, receiver) = mpmc::sync_channel(0);
        let mut stalled = Task::waiting(receiver.recv_async());
        let [idle, other] = [(); 2].map(|()| Task::waiting(receiver.recv_async()));
        let first = Task::waiting(sender.send_async(1));
        assert_eq!([stalled.wakes(), idle.wakes()], [1, 0]);
        let mut second = match selects {
            false => by_async(&sender),
            true => by_select(&sender),
        };
        assert_eq!([idle.wakes(), other.wakes()], [1, 0]);
        assert!(second.poll().is_none());
        assert_eq!(other.wakes(), 0, "one is enough");
        assert_eq!(idle.finish(), Ok(1));
        assert_eq!(first.finish(), Ok(()));
        assert!(second.wakes() > 0);
        let sent = second.poll();
        let received = stalled.poll().expect("it is its turn now");
        assert_eq!(received, Ok(2));
        assert!(sent.unwrap_or_else(|| second.finish()));
    }
    let (sender, receiver) = mpmc::sync_channel(0);
    let [stalled, idle, other] = [(); 3].map(|()| Task::waiting(receiver.recv_async()));
    let _first = Task::waiting(sender.send_async(1));
    assert_eq!(sender.try_send(2), Err(mpmc::TrySendError::Full(2)));
    assert_eq!([stalled.wakes(), idle.wakes(), other.wakes()], [1, 1, 0]);
    let sent = sender.send_timeout(2, Duration::ZERO);
    assert_eq!(sent, Err(SendTimeoutError::Timeout(2)));
    assert_eq!(other.wakes(), 1);
    assert_eq!(idle.finish(), Ok(1));
}

/// A message that was handed to a future is lost with it.
#[test]
fn a_dropped_receive_loses_no_message() {
    for (sender, receiver) in [
        mpmc::channel(),
        mpmc::sync_channel(1),
        mpmc::sync_channel(0),
    ] {
        let receive = Task::waiting(receiver.recv_async());
        sender.try_send(1).unwrap();
        drop(receive);
        assert_eq!(receiver.try_recv(), Ok(1));
    }
    let (sender, mut receiver) = oneshot::channel();
    let receive = Task::waiting(receiver.recv_async());
    sender.send(1).unwrap();
    drop(receive);
    assert_eq!(receiver.recv(), Ok(1));
}

/// A send that gave up is counted, or its message is there twice.
#[test]
fn a_send_that_timed_out_has_not_sent() {
    for room in [0, 1] {
        let (sender, receiver) = mpmc::sync_channel(room);
        let _ = sender.try_send(0);
        for _ in 0..3 {
            let sent = sender.send_timeout(1, Duration::from_millis(1));
            assert_eq!(sent, Err(SendTimeoutError::Timeout(1)));
            drop(Task::waiting(sender.send_async(2)));
        }
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), vec![0; room]);
    }
}

/// A channel that is disconnected keeps what nobody can receive, for as long as there is a sender.
#[test]
fn a_channel_without_receivers_keeps_no_messages() {
    const MANY: usize = if cfg!(miri) { 300 } else { 100_000 };
    let (sender, receiver) = mpsc::channel();
    let (_, kept) = bytes_kept(|| {
        for number in 0..MANY {
            sender.send([number; 16]).unwrap();
        }
        drop(receiver);
    });
    // The last block.
    assert!(kept <= 10_000, "{kept} bytes");
    drop(sender);
}

/// A queue that is short for ever should not allocate for ever.
#[test]
fn a_short_queue_needs_no_allocator() {
    let (sender, receiver) = mpsc::channel();
    let turn = |count: u32| {
        for number in 0..count {
            sender.send(number).unwrap();
            assert_eq!(receiver.recv(), Ok(number));
        }
    };
    turn(100);
    assert_eq!(allocations(|| turn(1_000)), 0);

    let (sender, receiver) = mpsc::sync_channel(3);
    let count = allocations(|| {
        for number in 0..100 {
            sender.send(number).unwrap();
            assert!(sender.send_timeout(0, Duration::ZERO).is_ok());
            assert_eq!(receiver.recv(), Ok(number));
            assert_eq!(receiver.recv(), Ok(0));
        }
    });
    assert_eq!(count, 0);
}

/// To send never waits, also on an agent that may sleep: not for a receiver, nor for anybody who waits.
#[test]
fn sending_needs_nobody() {
    let (sender, receiver) = mpsc::channel();
    let _spinning = Spinning::new();
    let (_, took) = timed(|| {
        for number in 0..1_000 {
            sender.send(number).unwrap();
        }
    });
    assert!(took < LONG);
    assert_eq!(receiver.try_iter().count(), 1_000);
}

/// std's clock panics in a browser: nothing that takes a time may ask it.
#[test]
fn timed_calls_need_no_clock_of_stds() {
    let short = Duration::from_millis(1);
    let (sender, receiver) = mpmc::sync_channel(0);
    assert!(sender.send_timeout(1, short).is_err() && receiver.recv_timeout(short).is_err());
    let (sender, receiver) = oneshot::channel::<i32>();
    assert!(receiver.recv_timeout(short).is_err());
    drop(sender);
}

/// A time-out that is cut to whole milliseconds is none; one that is too long is for ever, and no panic.
#[test]
fn time_outs_are_as_long_as_asked() {
    let (sender, receiver) = mpsc::channel();
    for micros in [1, 50, 900, 1_900] {
        let timeout = Duration::from_micros(micros);
        let (received, took) = timed(|| receiver.recv_timeout(timeout));
        assert!(
            received.is_err() && took >= timeout,
            "{took:?} for {timeout:?}"
        );
    }
    sender.send(1).unwrap();
    assert_eq!(receiver.recv_timeout(Duration::MAX), Ok(1));
    drop(sender);
    let disconnected = Err(RecvTimeoutError::Disconnected);
    assert_eq!(receiver.recv_timeout(Duration::MAX), disconnected);
}

/// A queue that keeps each waker it has seen grows with each poll, and wakes the wrong task.
#[test]
fn a_task_that_is_polled_again_replaces_its_waker() {
    #[derive(Default)]
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (sender, receiver) = mpmc::channel();
    let mut receive = pin!(receiver.recv_async());
    let wakers: Vec<Arc<Count>> = (0..3).map(|_| Arc::default()).collect();
    for waker in &wakers {
        let waker = Waker::from(Arc::clone(waker));
        let polled = receive.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    let held = wakers.iter().map(Arc::strong_count);
    assert_eq!(held.collect::<Vec<_>>(), [1, 1, 2]);
    sender.send(1).unwrap();
    let woken = wakers.iter().map(|waker| waker.0.load(Ordering::SeqCst));
    assert_eq!(woken.collect::<Vec<_>>(), [0, 0, 1]);
    assert_eq!(poll(receive), Poll::Ready(Ok(1)));
}

/// A waker is somebody else's code: if it runs or is dropped inside the channel's own locks, it hangs as soon as it uses the channel.
#[test]
fn wakers_may_use_what_wakes_them() {
    struct Uses {
        sender: mpmc::Sender<i32>,
        receiver: mpmc::Receiver<i32>,
        used: AtomicUsize,
    }
    struct OnDrop(Arc<Uses>);
    impl OnDrop {
        fn touch(&self) {
            let Uses {
                sender,
                receiver,
                used,
            } = &*self.0;
            if let Ok(number) = receiver.try_recv() {
                let _ = sender.try_send(number);
            }
            assert!(
                sender.len() <= 2
                    && poll(pin!(receiver.clone().recv_async())) != Poll::Ready(Ok(9))
            );
            used.fetch_add(1, Ordering::SeqCst);
        }
    }
    impl Wake for OnDrop {
        fn wake(self: Arc<Self>) {
            self.touch();
        }
    }
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.touch();
        }
    }
    for (sender, receiver) in [
        mpmc::channel(),
        mpmc::sync_channel(2),
        mpmc::sync_channel(0),
    ] {
        let uses = Arc::new(Uses {
            sender: sender.clone(),
            receiver: receiver.clone(),
            used: AtomicUsize::new(0),
        });
        let waker = || Waker::from(Arc::new(OnDrop(Arc::clone(&uses))));
        {
            let mut receive = pin!(receiver.recv_async());
            for _ in 0..2 {
                let _ = receive.as_mut().poll(&mut Context::from_waker(&waker()));
            }
            let _ = sender.try_send(1);
            let _ = receive.as_mut().poll(&mut Context::from_waker(&waker()));
        }
        {
            while sender.try_send(2).is_ok() && sender.capacity().is_some() {}
            let mut send = pin!(sender.send_async(3));
            for _ in 0..2 {
                if send
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker()))
                    .is_ready()
                {
                    break;
                }
            }
            let _ = receiver.try_recv();
        }
        assert!(uses.used.load(Ordering::SeqCst) >= 3);
    }
}

/// A leaked future keeps its place in the queue, and nothing else: what it was notified of goes on with the next message.
#[test]
fn a_leaked_future_harms_nobody() {
    let (sender, receiver) = mpmc::channel();
    std::mem::forget(Task::waiting(receiver.recv_async()));
    sender.send(1).unwrap();
    assert_eq!(receiver.recv_timeout(LONG), Ok(1));
    let task = Task::waiting(receiver.recv_async());
    sender.send(2).unwrap();
    assert_eq!(task.wakes(), 1);
    assert_eq!(task.finish(), Ok(2));
    std::mem::forget(Task::waiting(receiver.recv_async()));
    drop(receiver);
    assert!(sender.send(3).is_err());
}

#[cfg(not(target_family = "wasm"))]
mod threads {
    use super::*;
    use std::thread;

    /// A task waits, and its agent waits for the same channel: the message goes to the task, which cannot run.
    #[test]
    fn a_task_does_not_keep_a_message_from_its_own_agent() {
        for (sender, receiver) in [
            mpmc::channel(),
            mpmc::sync_channel(1),
            mpmc::sync_channel(0),
        ] {
            let mut task = Task::waiting(receiver.recv_async());
            thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(SHORT);
                    sender.send(1).unwrap();
                });
                assert_eq!(receiver.recv_timeout(LONG), Ok(1));
            });
            assert_eq!(task.wakes(), 1);
            assert!(task.poll().is_none());
        }
        // The same for room.
        let (sender, receiver) = mpmc::sync_channel(1);
        sender.send(0).unwrap();
        let task = Task::waiting(sender.send_async(1));
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(SHORT);
                assert_eq!(receiver.recv(), Ok(0));
            });
            assert_eq!(sender.send_timeout(2, LONG), Ok(()));
        });
        assert_eq!(task.wakes(), 1);
    }

    /// Between a look at the count of senders and the wait the last one goes. A peer hung after 22 to 5,470 such rounds.
    #[test]
    fn disconnecting_races_with_waiting() {
        const ROUNDS: u32 = if cfg!(miri) { 30 } else { 5_000 };
        let (helper, inbox) = mpsc::channel::<mpsc::Sender<i32>>();
        thread::scope(|scope| {
            scope.spawn(|| inbox.into_iter().for_each(drop));
            for _ in 0..ROUNDS {
                let (sender, receiver) = mpsc::channel();
                helper.send(sender).unwrap();
                let disconnected = Err(RecvTimeoutError::Disconnected);
                assert_eq!(receiver.recv_timeout(LONG), disconnected);
            }
            drop(helper);
        });
    }

    /// A receiver that tries while others are at work is told "empty" of a channel that never is.
    #[test]
    fn a_channel_that_is_busy_is_not_empty() {
        const ROUNDS: usize = if cfg!(miri) { 30 } else { 20_000 };
        let (sender, receiver) = mpmc::channel();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for number in 0..ROUNDS {
                        sender.send(number).unwrap();
                        // Each takes no more than it has sent, so one is left for it.
                        receiver
                            .try_recv()
                            .expect("what we have sent, or another's");
                    }
                });
            }
        });
        assert!(receiver.is_empty());
    }

    /// The same for a select, which only looks around, or whose time is over. The messages are large, so that each takes a while to be sent.
    #[test]
    fn a_busy_channel_is_not_empty_for_a_select() {
        const ROUNDS: usize = if cfg!(miri) { 10 } else { 1_000 };
        const SIZE: usize = if cfg!(miri) { 10 } else { 4_000 };
        for timeout in [None, Some(Duration::ZERO)] {
            for (sender, receiver) in [mpmc::channel(), mpmc::sync_channel(4)] {
                thread::scope(|scope| {
                    for _ in 0..4 {
                        scope.spawn(|| {
                            for number in 0..ROUNDS {
                                sender.send([number; SIZE]).unwrap();
                                let mut case = recv(&receiver);
                                let select = Select::new([&mut case]);
                                // As above.
                                let chosen = match timeout {
                                    None => select.try_select(),
                                    Some(timeout) => select.select_timeout(timeout),
                                };
                                assert_eq!(chosen, Some(0), "{timeout:?}, round {number}");
                                assert!(case.take().is_some_and(|received| received.is_ok()));
                            }
                        });
                    }
                });
                assert!(receiver.is_empty());
            }
        }
    }

    /// Sending and receiving under contention, over a bounded channel, by sleepers and spinners: no allocation on any side.
    #[test]
    fn contention_allocates_nothing() {
        const ROUNDS: usize = if cfg!(miri) { 20 } else { 500 };
        let (sender, receiver) = mpmc::sync_channel(1);
        thread::scope(|scope| {
            for side in 0..4 {
                let (sender, receiver) = (&sender, &receiver);
                scope.spawn(move || {
                    let _spinning = (side == 2).then(Spinning::new);
                    let count = allocations(|| {
                        for number in 0..ROUNDS {
                            match side % 2 {
                                0 => sender.send(number).unwrap(),
                                _ => drop(receiver.recv().unwrap()),
                            }
                        }
                    });
                    assert_eq!(count, 0);
                });
            }
        });
    }
}

/// Positions are numbers of 32 bits: what does not fit says so, before it allocates anything.
#[test]
#[cfg(panic = "unwind")]
fn too_large_a_bound_is_refused() {
    let message = common::panic_of(|| mpsc::sync_channel::<u64>(1 << 30));
    assert!(message.contains("1073741823 are the most"), "{message}");
}

/// A waker that panics when it is dropped does so out of the `await` that has just received, or sent: the message is lost.
#[cfg(panic = "unwind")]
mod panicking_wakers {
    use super::*;
    use common::fragile::{self, DROPS};
    use std::pin::Pin;

    /// The next clone that is dropped panics.
    fn poll_armed<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        DROPS.set(1);
        let polled = fragile::poll(future);
        assert_eq!(DROPS.get(), 0, "no clone was dropped");
        polled
    }

    #[test]
    fn what_was_received_is_not_lost() {
        for (sender, receiver) in [
            mpmc::channel(),
            mpmc::sync_channel(1),
            mpmc::sync_channel(0),
        ] {
            // As in a task: the future is dropped inside of the poll that it is ready in.
            let mut receive = pin!(async { receiver.recv_async().await });
            assert!(poll(receive.as_mut()).is_pending());
            sender.try_send(1).unwrap();
            assert_eq!(poll_armed(receive), Poll::Ready(Ok(1)));
        }
    }

    #[test]
    fn what_was_not_sent_in_time_is_not_lost() {
        let (sender, _receiver) = mpmc::sync_channel(1);
        sender.send(1).unwrap();
        let passed = web_sync::Instant::now();
        let send = pin!(async { sender.send_deadline_async(2, passed).await });
        let late = Err(SendTimeoutError::Timeout(2));
        assert_eq!(poll_armed(send), Poll::Ready(late));
    }

    #[test]
    fn what_was_selected_is_not_lost() {
        let ((sender, receiver), (_kept, silent)) = (mpmc::channel(), mpmc::channel::<u32>());
        let mut receive = pin!(async {
            let (mut one, mut two) = (recv(&receiver), recv(&silent));
            assert_eq!(Select::new((&mut one, &mut two)).select_async().await, 0);
            one.take()
        });
        assert!(poll(receive.as_mut()).is_pending());
        sender.try_send(1).unwrap();
        assert_eq!(poll_armed(receive), Poll::Ready(Some(Ok(1))));
    }

    #[test]
    fn that_a_message_was_sent_is_known() {
        let (sender, receiver) = mpmc::sync_channel(1);
        sender.send(1).unwrap();
        let mut send = pin!(async { sender.send_async(2).await });
        assert!(poll(send.as_mut()).is_pending());
        assert_eq!(receiver.recv(), Ok(1));
        assert_eq!(poll_armed(send), Poll::Ready(Ok(())));
        assert_eq!(receiver.try_recv(), Ok(2));
    }
}

/// A message that panics when it is dropped keeps those behind it from being dropped.
#[test]
#[cfg(panic = "unwind")]
fn a_panic_of_a_message_spares_the_others() {
    /// Counts its drops, and panics if it is told to.
    struct Bomb(Arc<AtomicUsize>, bool);

    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
            assert!(!self.1, "dropped");
        }
    }

    // More than a block, and the bomb at its end too.
    const COUNT: usize = 70;
    for bomb in [0, 1, 30, 31, 32, 40, COUNT - 1] {
        for capacity in [None, Some(COUNT)] {
            for sender_stays in [true, false] {
                let dropped = Arc::new(AtomicUsize::new(0));
                let (sender, receiver) = capacity.map_or_else(mpmc::channel, mpmc::sync_channel);
                for index in 0..COUNT {
                    let sent = sender.send(Bomb(Arc::clone(&dropped), index == bomb));
                    assert!(sent.is_ok());
                }
                let kept = sender_stays.then_some(sender);
                assert_eq!(common::panic_of(|| drop(receiver)), "dropped");
                assert_eq!(dropped.load(Ordering::SeqCst), COUNT);
                drop(kept);
                assert_eq!(Arc::strong_count(&dropped), 1);
            }
        }
    }
}
