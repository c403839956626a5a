//! `mpsc`, `mpmc` and `oneshot`: what is received, by whom, and what happens when one side goes.

mod common;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use common::{LONG, SHORT, Spinning, Task, now, timed};
use web_sync::mpmc::{
    self, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
use web_sync::{Instant, mpsc, oneshot};

/// More than a block holds.
const MANY: u32 = 100;

const TIMEOUTS: [Duration; 3] = [Duration::ZERO, Duration::from_micros(300), SHORT];

/// Channels with room for a message at least.
fn roomy<T>() -> [(mpmc::Sender<T>, mpmc::Receiver<T>); 3] {
    [
        mpmc::channel(),
        mpmc::sync_channel(MANY as usize),
        mpmc::sync_channel(1),
    ]
}

/// Every kind of channel.
fn all<T>() -> impl Iterator<Item = (mpmc::Sender<T>, mpmc::Receiver<T>)> {
    roomy().into_iter().chain([mpmc::sync_channel(0)])
}

#[test]
fn messages_come_in_order() {
    for (sender, receiver) in roomy() {
        let room = sender.capacity().unwrap_or(MANY as usize) as u32;
        for round in 0..3 {
            for number in 0..room {
                sender.send(round * room + number).unwrap();
            }
            for number in 0..room {
                assert_eq!(receiver.recv(), Ok(round * room + number));
            }
        }
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    }
}

#[test]
fn the_length_is_what_was_sent_and_not_received() {
    for (sender, receiver) in roomy() {
        let room = sender.capacity();
        for number in 0..room.unwrap_or(MANY as usize) {
            assert_eq!((sender.len(), receiver.len()), (number, number));
            assert_eq!(
                (sender.is_empty(), receiver.is_empty()),
                (number == 0, number == 0)
            );
            assert!(!sender.is_full() && !receiver.is_full());
            sender.try_send(0).unwrap();
        }
        assert_eq!(sender.is_full(), room.is_some());
        assert_eq!(receiver.is_full(), room.is_some());
        assert_eq!((sender.capacity(), receiver.capacity()), (room, room));
    }
    let (sender, receiver) = mpmc::sync_channel::<i32>(0);
    assert!(sender.is_empty() && sender.is_full() && receiver.is_empty() && receiver.is_full());
    assert_eq!((sender.len(), sender.capacity()), (0, Some(0)));
}

#[test]
fn ends_know_their_channel() {
    let ((one, first), (other, second)) = (mpmc::channel::<i32>(), mpmc::channel());
    assert!(one.same_channel(&one.clone()) && first.same_channel(&first.clone()));
    assert!(!one.same_channel(&other) && !first.same_channel(&second));
}

#[test]
fn what_was_sent_is_received_after_the_senders_are_gone() {
    for (sender, receiver) in roomy() {
        let other = sender.clone();
        sender.send(1).unwrap();
        drop(sender);
        assert!(!receiver.is_disconnected());
        drop(other);
        assert!(receiver.is_disconnected());
        assert_eq!(receiver.recv_timeout(Duration::ZERO), Ok(1));
        assert_eq!(receiver.recv(), Err(RecvError));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
        let disconnected = Err(RecvTimeoutError::Disconnected);
        assert_eq!(receiver.recv_timeout(LONG), disconnected);
        assert_eq!(now(receiver.recv_async()), Err(RecvError));
    }
}

#[test]
fn senders_have_their_message_back_when_the_receivers_are_gone() {
    for (sender, receiver) in all() {
        let other = receiver.clone();
        drop(receiver);
        assert!(!sender.is_disconnected());
        drop(other);
        assert!(sender.is_disconnected());
        assert_eq!(sender.send(1), Err(SendError(1)));
        assert_eq!(sender.try_send(2), Err(TrySendError::Disconnected(2)));
        let disconnected = Err(SendTimeoutError::Disconnected(3));
        assert_eq!(sender.send_timeout(3, LONG), disconnected);
        assert_eq!(now(sender.send_async(4)), Err(SendError(4)));
        assert_eq!(sender.len(), 0);
    }
}

#[test]
fn a_message_that_is_not_received_is_dropped_once() {
    for (sender, receiver) in roomy() {
        let token = Arc::new(());
        let room = sender.capacity().unwrap_or(MANY as usize);
        for _ in 0..room {
            sender.send(Arc::clone(&token)).unwrap();
        }
        drop(receiver.recv());
        assert_eq!(Arc::strong_count(&token), room);
        drop(receiver);
        assert_eq!(Arc::strong_count(&token), 1);
        drop(sender);

        let (sender, receiver) = mpmc::channel();
        sender.send(Arc::clone(&token)).unwrap();
        drop(sender);
        drop(receiver);
        assert_eq!(Arc::strong_count(&token), 1);
    }
}

/// A message may hold an end of its own channel.
#[test]
fn a_channel_may_send_its_own_ends() {
    struct End {
        _sender: mpmc::Sender<End>,
    }
    for (sender, receiver) in roomy() {
        let message = End {
            _sender: sender.clone(),
        };
        sender.send(message).expect("a receiver");
        drop(receiver);
        assert!(sender.is_disconnected());
    }
}

#[test]
fn messages_of_any_size_are_sent() {
    for (sender, receiver) in roomy() {
        sender.send(()).unwrap();
        assert_eq!(receiver.recv(), Ok(()));
    }
    for (sender, receiver) in roomy() {
        let large = [7_u8; 5_000];
        sender.send(large).unwrap();
        assert!(receiver.recv() == Ok(large));
    }
    let (sender, receiver) = mpsc::channel();
    let local = Rc::new(1);
    sender.send(Rc::clone(&local)).unwrap();
    assert_eq!(*receiver.recv().unwrap(), 1);
}

#[test]
fn a_full_channel_gives_the_message_back() {
    let (sender, receiver) = mpsc::sync_channel(2);
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
    for timeout in TIMEOUTS {
        let (sent, took) = timed(|| sender.send_timeout(3, timeout));
        assert_eq!(sent, Err(SendTimeoutError::Timeout(3)));
        assert!(took >= timeout && took < LONG, "{took:?} for {timeout:?}");
    }
    assert_eq!(receiver.recv(), Ok(1));
    sender.try_send(3).unwrap();
    drop(sender);
    assert_eq!(receiver.iter().collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn a_time_out_is_not_early() {
    for (sender, receiver) in all::<i32>() {
        for timeout in TIMEOUTS {
            let (received, took) = timed(|| receiver.recv_timeout(timeout));
            assert_eq!(received, Err(RecvTimeoutError::Timeout));
            assert!(took >= timeout && took < LONG, "{took:?} for {timeout:?}");
            let _spinning = Spinning::new();
            let (received, took) = timed(|| receiver.recv_timeout(timeout));
            assert_eq!(received, Err(RecvTimeoutError::Timeout));
            assert!(took >= timeout && took < LONG, "{took:?} for {timeout:?}");
        }
        drop(sender);
    }
}

#[test]
fn nobody_meets_in_a_channel_that_holds_nothing() {
    let (sender, receiver) = mpsc::sync_channel(0);
    assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    let (sent, took) = timed(|| sender.send_timeout(1, SHORT));
    assert_eq!(sent, Err(SendTimeoutError::Timeout(1)));
    assert!(took >= SHORT);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_sender_waits_until_it_is_met() {
    let (sender, receiver) = mpmc::sync_channel(0);
    let mut send = Task::waiting(sender.send_async(1));
    let other = Task::waiting(sender.send_async(2));
    assert!(send.poll().is_none());
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!((send.wakes(), other.wakes()), (1, 1));
    assert_eq!(send.finish(), Ok(()));
    let mut other = other;
    assert!(other.poll().is_none(), "it lies there now");
    assert_eq!(now(receiver.recv_async()), Ok(2));
    assert_eq!(other.finish(), Ok(()));
}

#[test]
fn trying_to_send_meets_a_receiver_that_waits() {
    let (sender, receiver) = mpmc::sync_channel(0);
    let receive = Task::waiting(receiver.recv_async());
    sender.try_send(1).unwrap();
    assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    assert_eq!(receive.finish(), Ok(1));
    assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    // It goes with what was left for it: that is for the next one then.
    let receive = Task::waiting(receiver.recv_async());
    sender.try_send(2).unwrap();
    drop(receive);
    assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
    assert_eq!(receiver.try_recv(), Ok(2));
}

/// What was left for a receiver goes with the last of them, whoever still sends.
#[test]
fn what_nobody_will_receive_is_dropped_with_the_last_receiver() {
    let token = Arc::new(());
    let (sender, receiver) = mpmc::sync_channel(0);
    let receive = Task::waiting(receiver.recv_async());
    sender.try_send(Arc::clone(&token)).unwrap();
    drop(receive);
    drop(receiver);
    assert_eq!(Arc::strong_count(&token), 1);
    drop(sender);
}

#[test]
fn a_message_is_taken_back_when_its_sender_gives_up() {
    let token = Arc::new(());
    let (sender, receiver) = mpmc::sync_channel(0);
    let send = Task::waiting(sender.send_async(Arc::clone(&token)));
    let other = Task::waiting(sender.send_async(Arc::new(())));
    drop(send);
    assert_eq!((Arc::strong_count(&token), other.wakes()), (1, 1));
    let mut other = other;
    assert!(other.poll().is_none());
    assert!(receiver.try_recv().is_ok());
    assert!(other.finish().is_ok());
}

#[test]
fn a_sender_that_waits_has_its_message_back() {
    for (sender, receiver) in [mpmc::sync_channel(0), mpmc::sync_channel(1)] {
        let _ = sender.try_send(0);
        let tasks = [1, 2].map(|number| Task::waiting(sender.send_async(number)));
        drop(receiver);
        for (task, number) in tasks.into_iter().zip([1, 2]) {
            assert_eq!(task.wakes(), 1);
            assert_eq!(task.finish(), Err(SendError(number)));
        }
    }
}

#[test]
fn each_message_wakes_one_receiver() {
    for (sender, receiver) in roomy() {
        let tasks = [(); 4].map(|()| Task::waiting(receiver.recv_async()));
        for awake in 1..=2 {
            sender.try_send(awake).unwrap();
            assert_eq!(tasks.iter().map(Task::wakes).sum::<usize>(), awake);
            if sender.is_full() {
                break;
            }
        }
        let disconnected = tasks.iter().map(Task::wakes).collect::<Vec<_>>();
        drop(sender);
        let mut received = Vec::new();
        for (task, wakes) in tasks.into_iter().zip(disconnected) {
            assert!(task.wakes() == 1 || wakes == 1);
            received.push(task.finish().is_ok());
        }
        assert!(received.is_sorted_by(|a, b| a >= b), "{received:?}");
    }
}

#[test]
fn each_room_wakes_one_sender() {
    let (sender, receiver) = mpmc::sync_channel(2);
    sender.send(0).unwrap();
    sender.send(0).unwrap();
    let tasks = [1, 2, 3].map(|number| Task::waiting(sender.send_async(number)));
    assert_eq!(receiver.try_recv(), Ok(0));
    assert_eq!(tasks.each_ref().map(Task::wakes), [1, 0, 0]);
    assert_eq!(receiver.try_recv(), Ok(0));
    assert_eq!(tasks.each_ref().map(Task::wakes), [1, 1, 0]);
    let [first, second, mut third] = tasks;
    assert_eq!((first.finish(), second.finish()), (Ok(()), Ok(())));
    assert!(third.poll().is_none());
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(1), Ok(2)));
    assert_eq!(third.finish(), Ok(()));
    assert_eq!(receiver.try_recv(), Ok(3));
}

/// A receiver whose message somebody else has taken keeps its place.
#[test]
fn who_was_woken_in_vain_waits_in_front() {
    let (sender, receiver) = mpmc::channel();
    let mut first = Task::waiting(receiver.recv_async());
    let second = Task::waiting(receiver.recv_async());
    sender.send(1).unwrap();
    assert_eq!(receiver.try_recv(), Ok(1));
    assert!(first.poll().is_none());
    sender.send(2).unwrap();
    assert_eq!((first.wakes(), second.wakes()), (2, 0));
    assert_eq!(first.finish(), Ok(2));
}

#[test]
fn a_future_may_be_polled_for_no_reason() {
    let (sender, receiver) = mpmc::channel();
    let mut task = Task::waiting(receiver.recv_async());
    for _ in 0..3 {
        assert!(task.poll().is_none());
    }
    sender.send(1).unwrap();
    assert_eq!(task.wakes(), 1);
    assert_eq!(task.finish(), Ok(1));

    // Not the one that was woken: it may take the message, and the other one is not confused.
    let mut first = Task::waiting(receiver.recv_async());
    let mut second = Task::waiting(receiver.recv_async());
    sender.send(2).unwrap();
    assert_eq!(second.poll(), Some(Ok(2)));
    assert!(first.poll().is_none());
    sender.send(3).unwrap();
    assert_eq!(first.finish(), Ok(3));
}

#[test]
fn iterators_end_with_the_channel() {
    let (sender, receiver) = mpsc::channel();
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(receiver.try_iter().next(), None);
    sender.send(3).unwrap();
    let theirs = sender.clone();
    drop(sender);
    theirs.send(4).unwrap();
    drop(theirs);
    assert_eq!((&receiver).into_iter().collect::<Vec<_>>(), [3, 4]);
    assert_eq!(receiver.into_iter().next(), None);

    let (sender, receiver) = mpmc::sync_channel(2);
    sender.send(1).unwrap();
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1]);
    drop(sender);
    assert_eq!(receiver.into_iter().next(), None);
}

#[test]
fn one_message_is_received_once() {
    let (sender, receiver) = oneshot::channel();
    assert!(!sender.is_closed());
    sender.send(1).unwrap();
    assert_eq!(receiver.recv(), Ok(1));

    let (sender, receiver) = oneshot::channel();
    let mut task = Task::waiting(receiver.into_future());
    assert!(task.poll().is_none());
    sender.send(2).unwrap();
    assert_eq!(task.wakes(), 1);
    assert_eq!(task.finish(), Ok(2));

    let (sender, mut receiver) = oneshot::channel();
    drop(Task::waiting(receiver.recv_async()));
    sender.send(3).unwrap();
    assert_eq!(now(receiver.recv_async()), Ok(3));
    assert_eq!(now(receiver.recv_async()), Err(RecvError));
}

#[test]
fn one_message_may_never_come() {
    let (sender, receiver) = oneshot::channel::<i32>();
    let Err(oneshot::TryRecvError::Empty(receiver)) = receiver.try_recv() else {
        panic!("it was not sent");
    };
    let (received, took) = timed(|| receiver.recv_timeout(SHORT));
    let Err(oneshot::RecvTimeoutError::Timeout(mut receiver)) = received else {
        panic!("it was not sent");
    };
    assert!(took >= SHORT);
    let mut task = Task::waiting(receiver.recv_async());
    drop(sender);
    assert_eq!(task.wakes(), 1);
    assert_eq!(task.poll(), Some(Err(RecvError)));
    drop(task);
    assert!(matches!(
        receiver.try_recv(),
        Err(oneshot::TryRecvError::Disconnected)
    ));

    let (sender, receiver) = oneshot::channel();
    let task = Task::waiting(receiver.into_future());
    drop(task);
    assert!(sender.is_closed());
    assert_eq!(sender.send(1), Err(SendError(1)));
}

#[test]
fn errors_read_as_stds() {
    let texts = [
        SendTimeoutError::Timeout(1).to_string(),
        SendTimeoutError::Disconnected(1).to_string(),
        format!("{:?}", SendTimeoutError::Timeout(1)),
        format!("{:?}", oneshot::TryRecvError::<i32>::Disconnected),
        oneshot::TryRecvError::<i32>::Disconnected.to_string(),
        oneshot::RecvTimeoutError::Timeout(oneshot::channel::<i32>().1).to_string(),
    ];
    assert_eq!(
        texts,
        [
            "timed out waiting on send operation",
            "sending on a disconnected channel",
            "SendTimeoutError(..)",
            "TryRecvError(..)",
            "receiving on a closed oneshot channel",
            "timed out waiting on oneshot channel",
        ]
    );
    assert_eq!(
        SendTimeoutError::from(SendError(1)),
        SendTimeoutError::Disconnected(1)
    );
    let (sender, receiver) = mpsc::channel::<i32>();
    assert_eq!(
        format!("{sender:?} {receiver:?}"),
        "Sender { .. } Receiver { .. }"
    );
}

#[test]
fn a_task_may_have_a_deadline() {
    fn sent<F: Future + Send>(future: F) -> F {
        future
    }
    let (passed, later) = (Instant::now(), Instant::now() + LONG);
    for (sender, receiver) in all() {
        let received = now(sent(receiver.recv_deadline_async(passed)));
        assert_eq!(received, Err(RecvTimeoutError::Timeout));
        let receive = Task::waiting(receiver.recv_deadline_async(later));
        let mut send = Task::new(sent(sender.send_deadline_async(1, later)));
        let done = send.poll();
        assert_eq!(receive.finish(), Ok(1));
        assert_eq!(done.unwrap_or_else(|| send.finish()), Ok(()));
        drop(receiver);
        let disconnected = Err(SendTimeoutError::Disconnected(2));
        assert_eq!(now(sender.send_deadline_async(2, later)), disconnected);
    }
    let (sender, _receiver) = mpmc::sync_channel(0);
    let late = Err(SendTimeoutError::Timeout(1));
    assert_eq!(now(sender.send_deadline_async(1, passed)), late);

    let (sender, receiver) = mpsc::channel();
    let receive = Task::waiting(sent(receiver.recv_deadline_async(later)));
    sender.send(1).unwrap();
    assert_eq!(receive.finish(), Ok(1));
    let received = now(receiver.recv_deadline_async(passed));
    assert_eq!(received, Err(RecvTimeoutError::Timeout));

    let (sender, receiver) = oneshot::channel();
    let received = now(sent(receiver.recv_deadline_async(passed)));
    let Err(oneshot::RecvTimeoutError::Timeout(receiver)) = received else {
        panic!("nothing was sent");
    };
    let receive = Task::waiting(receiver.recv_deadline_async(later));
    sender.send(1).unwrap();
    assert_eq!(receive.finish().unwrap(), 1);
}

#[cfg(not(target_family = "wasm"))]
mod threads {
    use super::*;
    use std::thread;

    #[test]
    fn a_thread_sleeps_until_it_is_sent_something() {
        for (sender, receiver) in all() {
            thread::scope(|scope| {
                let waiter = scope.spawn(|| receiver.recv());
                thread::sleep(SHORT);
                assert!(!waiter.is_finished());
                sender.send(1).unwrap();
                assert_eq!(waiter.join().unwrap(), Ok(1));
                let waiter = scope.spawn(|| receiver.recv_timeout(LONG));
                thread::sleep(SHORT);
                drop(sender);
                assert_eq!(waiter.join().unwrap(), Err(RecvTimeoutError::Disconnected));
            });
        }
    }

    #[test]
    fn a_thread_sleeps_until_there_is_room() {
        for (sender, receiver) in [mpmc::sync_channel(0), mpmc::sync_channel(1)] {
            let _ = sender.try_send(0);
            thread::scope(|scope| {
                let waiter = scope.spawn(|| sender.send(1));
                thread::sleep(SHORT);
                assert!(!waiter.is_finished());
                while receiver.recv() != Ok(1) {}
                assert_eq!(waiter.join().unwrap(), Ok(()));
                let _ = sender.try_send(0);
                let waiter = scope.spawn(|| sender.send_timeout(2, LONG));
                thread::sleep(SHORT);
                drop(receiver);
                let disconnected = Err(SendTimeoutError::Disconnected(2));
                assert_eq!(waiter.join().unwrap(), disconnected);
            });
        }
    }

    #[test]
    fn a_deadline_ends_a_tasks_wait() {
        let (sender, receiver) = mpmc::sync_channel(1);
        sender.send(0).unwrap();
        let deadline = Instant::now() + SHORT;
        let sent = pollster::block_on(sender.send_deadline_async(1, deadline));
        assert_eq!(sent, Err(SendTimeoutError::Timeout(1)));
        assert!((deadline..deadline + LONG).contains(&Instant::now()));
        assert_eq!(receiver.recv(), Ok(0));
        let deadline = Instant::now() + SHORT;
        let received = pollster::block_on(receiver.recv_deadline_async(deadline));
        assert_eq!(received, Err(RecvTimeoutError::Timeout));
        assert!((deadline..deadline + LONG).contains(&Instant::now()));
    }

    /// The report of a long spin names the line that asks an iterator for more. It goes to the standard error, so another process writes it.
    #[test]
    #[cfg(not(miri))]
    fn a_report_names_the_line_of_the_iterator() {
        const CHILD: &str = "WEB_SYNC_TEST_ITERATES";
        if std::env::var_os(CHILD).is_some() {
            return iterate();
        }
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["a_report_names_the_line_of_the_iterator", "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stderr);
        let report = concat!("`mpsc::Receiver::recv`, called at ", file!());
        let reports = said.matches(report).count();
        assert!(child.status.success() && reports == 2, "{said}");
    }

    #[cfg(not(miri))]
    fn iterate() {
        let _spinning = Spinning::new();
        web_sync::agent::report_spins_after(Duration::from_millis(1));
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || {
                for number in 0..2 {
                    thread::sleep(20 * SHORT);
                    sender.send(number).unwrap();
                }
            });
            assert_eq!(receiver.iter().next(), Some(0));
            assert_eq!(receiver.into_iter().next(), Some(1));
        });
    }

    /// An agent that must not sleep goes before those that came first.
    #[test]
    fn an_agent_that_must_not_sleep_goes_first() {
        // Both have to wait by then: that takes as long as the machine lets it.
        let first = [1, 10, 100].map(|times| {
            let (sender, receiver) = mpmc::channel();
            thread::scope(|scope| {
                let sleeper = scope.spawn(|| receiver.recv());
                // In an interpreter it looks for longer before it sleeps.
                thread::sleep(times * if cfg!(miri) { 20 * SHORT } else { SHORT });
                let spinner = scope.spawn(|| {
                    let _spinning = Spinning::new();
                    receiver.recv()
                });
                thread::sleep(times * SHORT);
                sender.send(1).unwrap();
                sender.send(2).unwrap();
                let both = (spinner.join().unwrap(), sleeper.join().unwrap());
                assert!(matches!(both, (Ok(1), Ok(2)) | (Ok(2), Ok(1))));
                both.0 == Ok(1)
            })
        });
        assert!(first.contains(&true));
    }
}
