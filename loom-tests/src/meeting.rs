//! Channels that hold nothing: sender and receiver meet.

use core::task::Poll;
use std::sync::{Arc, Mutex};

use crate::Scene;
use crate::channel::{Message, Post};
use crate::scene::Stage;
use crate::world::{Begun, Flag, SOON, bury, poll_once, rounds, urgent};
use web_sync::mpmc::{Receiver, SendTimeoutError, Sender, TrySendError, sync_channel};

models![meeting: a_thread_meets_a_thread, a_task_meets_a_task, two_send, one_that_must_not_block_sends, two_receive, one_receiver_is_not_run, a_send_times_out,
    trying_meets_one_who_waits, a_dropped_send_leaves_the_table, a_dropped_send_is_received_or_not, a_dropped_receive_sends_another,
    the_receiver_goes, the_receiver_goes_from_two;
    stale: a_thread_meets_a_thread];

/// What is sent, and which of it is known to have been received.
#[derive(Default)]
struct Place {
    post: Post,
    received: Flag,
    sent: Flag,
}

impl Place {
    fn receive(&self, message: Message) {
        self.post.receive(message);
        self.received.set();
    }

    fn receive_all(&self, receiver: &Receiver<Message>) {
        receiver.iter().for_each(|message| self.receive(message));
    }

    fn receive_some(&self, receiver: &Receiver<Message>, count: u32) {
        for _ in 0..count {
            self.receive(receiver.recv().expect("a message"));
        }
    }

    fn send(&self, sender: &Sender<Message>, id: u32, count: u32) {
        for number in 0..count {
            let sent = sender.send(self.post.message(id, number));
            sent.expect("a receiver");
        }
    }

    async fn receive_all_async(self: Arc<Self>, receiver: Receiver<Message>) {
        while let Ok(message) = receiver.recv_async().await {
            self.receive(message);
        }
    }

    async fn send_async(self: Arc<Self>, sender: Sender<Message>, id: u32, count: u32) {
        for number in 0..count {
            let sent = sender.send_async(self.post.message(id, number)).await;
            sent.expect("a receiver");
        }
    }
}

/// What has been sent has been taken.
///
/// Seen to fail: who offers a message tells nobody; a listener has no fence A; a notifier has no fence B.
#[must_use]
pub fn a_thread_meets_a_thread() -> Scene {
    let (sender, receiver) = sync_channel(0);
    Stage::new(Place::default())
        .thread(move |place| place.send(&sender, 0, rounds(2)))
        .thread(move |place| place.receive_all(&receiver))
        .end(|place| place.post.check_received())
}

/// The same for tasks.
///
/// Seen to fail: who offers a message tells nobody; a listener has no fence A; a notifier has no fence B.
#[must_use]
pub fn a_task_meets_a_task() -> Scene {
    let (sender, receiver) = sync_channel(0);
    Stage::new(Place::default())
        .task(move |place| place.send_async(sender, 0, rounds(2)))
        .task(move |place| place.receive_all_async(receiver))
        .end(|place| place.post.check_received())
}

async fn send_one(sender: Sender<Message>, message: Message) {
    sender.send_async(message).await.expect("a receiver");
}

/// Two want the table, and each waits for its own message to be taken.
///
/// Seen to fail: who takes a message tells nobody who waits for the table.
#[must_use]
pub fn two_send() -> Scene {
    let (sender, receiver) = sync_channel(0);
    let place = Place::default();
    let lies = Begun::new(send_one(sender.clone(), place.post.message(0, 0)));
    let waits = Begun::new(send_one(sender.clone(), place.post.message(1, 0)));
    Stage::new(place)
        .task(move |_| lies.go_on())
        .task(move |_| waits.go_on())
        .thread(move |place| place.receive_some(&receiver, 2))
        .end(|place| place.post.check_kept(sender))
}

/// An agent that must not block stands before a sender whose message has been taken, and lays its own message on the table before that one is
/// notified. The notification is not for the agent alone.
///
/// Seen to fail at bound 3: only one sender hears of a taken message (M3).
#[must_use]
pub fn one_that_must_not_block_sends() -> Scene {
    let (sender, receiver) = sync_channel(0);
    let (kept, last) = (sender.clone(), receiver.clone());
    let place = Place::default();
    let lies = Begun::new(send_one(sender.clone(), place.post.message(0, 0)));
    Stage::new(place)
        .thread(move |place| urgent(|| place.send(&sender, 1, 1)))
        .thread(move |place| place.receive_some(&receiver, 2))
        .end(|place| {
            lies.finish();
            drop(last);
            place.post.check_kept(kept);
        })
}

/// Each message is for one of them.
///
/// Seen to fail: who offers a message tells nobody.
#[must_use]
pub fn two_receive() -> Scene {
    let (sender, receiver) = sync_channel(0);
    let (other, kept) = (receiver.clone(), sender.clone());
    Stage::new(Place::default())
        .thread(move |place| place.send(&sender, 0, 2 * rounds(1)))
        .thread(move |place| place.receive_some(&receiver, rounds(1)))
        .task(move |place| async move {
            for _ in 0..rounds(1) {
                place.receive(other.recv_async().await.expect("a message"));
            }
        })
        .end(|place| place.post.check_kept(kept))
}

async fn receive_one(receiver: Receiver<Message>) -> Message {
    receiver.recv_async().await.expect("a message")
}

/// Two send, and the receiver that is notified first is not run before the end. The other one hears of the sender that finds the table taken.
///
/// Seen to fail: who finds the table taken tells nobody (M6).
#[must_use]
pub fn one_receiver_is_not_run() -> Scene {
    let (sender, receiver) = sync_channel(0);
    let stalled = Begun::new(receive_one(receiver.clone()));
    let idle = Begun::new(receive_one(receiver));
    let kept = sender.clone();
    let sends = Arc::new(Mutex::new(Vec::new()));
    let begin = |id| {
        let (sender, sends) = (sender.clone(), Arc::clone(&sends));
        move |place: &Place| {
            let send = Begun::or_ready(send_one(sender, place.post.message(id, 0)));
            sends.lock().unwrap().extend(send.ok());
        }
    };
    Stage::new(Place::default())
        .thread(begin(0))
        .thread(begin(1))
        .task(move |place| async move { place.receive(idle.go_on().await) })
        .end(move |place| {
            let mut sends = sends.lock().unwrap();
            sends.retain_mut(|send| send.poll().is_pending());
            place.receive(stalled.finish());
            sends.drain(..).for_each(Begun::finish);
            place.post.check_kept(kept);
        })
}

/// It comes back, or it has been taken; never both.
///
/// Seen to fail: a sender that takes its message back says that it is sent.
#[must_use]
pub fn a_send_times_out() -> Scene {
    let (sender, receiver) = sync_channel(0);
    let last = receiver.clone();
    Stage::new(Place::default())
        .timeouts(1)
        .thread(
            move |place| match sender.send_timeout(place.post.message(0, 0), SOON) {
                Ok(()) => place.sent.set(),
                Err(SendTimeoutError::Timeout(_)) => {}
                Err(SendTimeoutError::Disconnected(_)) => panic!("a receiver is there"),
            },
        )
        .thread(move |place| {
            if let Ok(message) = receiver.try_recv() {
                place.receive(message);
            }
        })
        .end(move |place| {
            assert_eq!(place.sent.get(), place.received.get());
            assert!(last.try_recv().is_err(), "it was left behind");
            place.post.check_dropped();
        })
}

/// A future goes with the message that lies on the table, or after that has been taken. One that waits for the table is not forgotten.
///
/// Seen to fail: who takes its message back tells nobody; who takes a message tells nobody who waits for the table.
#[must_use]
pub fn a_dropped_send_leaves_the_table() -> Scene {
    let (sender, receiver) = sync_channel(0);
    let place = Place::default();
    let lies = Begun::new(send_one(sender.clone(), place.post.message(0, 0)));
    let waits = Begun::new(send_one(sender, place.post.message(1, 0)));
    let last = receiver.clone();
    Stage::new(place)
        .thread(move |_| drop(lies))
        .thread(move |place| {
            if let Ok(message) = receiver.try_recv() {
                place.receive(message);
            }
        })
        .end(move |place| {
            let waits = waits.again();
            place.receive(last.try_recv().expect("it lies there now"));
            waits.finish();
            place.post.check_dropped();
        })
}

/// One that only tries leaves its message with a receiver that waits; if that one gives up, it takes the message with it.
///
/// Seen to fail: a receiver that leaves takes nothing (M2).
#[must_use]
pub fn trying_meets_one_who_waits() -> Scene {
    let (sender, receiver) = sync_channel(0);
    Stage::new(Place::default())
        .timeouts(1)
        .thread(move |place| {
            let sent = sender.try_send(place.post.message(0, 0));
            if let Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) = sent {
                // It does not count as sent.
                place.post.receive(message);
            }
        })
        .thread(move |place| {
            if let Ok(message) = receiver.recv_timeout(SOON) {
                place.receive(message);
            }
            assert!(receiver.try_recv().is_err(), "it was left behind");
        })
        .end(|place| place.post.check_received())
}

/// A future that goes takes its message with it, unless that has been taken.
///
/// Seen to fail: a dropped listener stays linked.
#[must_use]
pub fn a_dropped_send_is_received_or_not() -> Scene {
    let (sender, receiver) = sync_channel(0);
    Stage::new(Place::default())
        .task(move |place| async move {
            let mut future = Box::pin(sender.send_async(place.post.message(0, 0)));
            let _ = poll_once(future.as_mut()).await;
            bury(future);
        })
        .thread(move |place| place.receive_all(&receiver))
        .end(|place| place.post.check_dropped())
}

/// A future that was notified of a message goes, and another receiver comes for it.
///
/// Seen to fail: a dropped listener stays linked; who offers a message tells nobody.
#[must_use]
pub fn a_dropped_receive_sends_another() -> Scene {
    let (sender, receiver) = sync_channel(0);
    let other = receiver.clone();
    let (again, kept) = (sender.clone(), sender.clone());
    Stage::new(Place::default())
        .thread(move |place| place.send(&sender, 0, 1))
        .task(move |place| async move {
            let mut future = Box::pin(receiver.recv_async());
            if let Poll::Ready(message) = poll_once(future.as_mut()).await {
                place.receive(message.expect("a message"));
                // For the other one, then.
                place.send(&again, 1, 1);
            }
            bury(future);
        })
        .thread(move |place| place.receive_some(&other, 1))
        .end(|place| place.post.check_kept(kept))
}

/// A sender that waits gets its message back.
///
/// Seen to fail: the last receiver tells nobody whose message lies there; the last receiver drops what a sender waits for.
#[must_use]
pub fn the_receiver_goes() -> Scene {
    let (sender, receiver) = sync_channel(0);
    Stage::new(Place::default())
        .thread(move |place| {
            if sender.send(place.post.message(0, 0)).is_ok() {
                place.sent.set();
            }
        })
        .thread(move |place| {
            if let Ok(message) = receiver.try_recv() {
                place.receive(message);
            }
        })
        .end(|place| {
            assert_eq!(place.sent.get(), place.received.get());
            place.post.check_dropped();
        })
}

/// Both of them: the one whose message lies there, and the one that waits for room.
///
/// Seen to fail: the last receiver tells no sender; the last receiver tells nobody whose message lies there; the last receiver drops
/// what a sender waits for.
#[must_use]
pub fn the_receiver_goes_from_two() -> Scene {
    let (sender, receiver) = sync_channel(0);
    let other = sender.clone();
    Stage::new(Place::default())
        .thread(move |place| assert!(sender.send(place.post.message(0, 0)).is_err()))
        .task(move |place| async move {
            let sent = other.send_async(place.post.message(1, 0)).await;
            assert!(sent.is_err());
        })
        .thread(move |_| drop(receiver))
        .end(|place| place.post.check_dropped())
}
