//! Channels: sending, receiving, and each way to end.

use core::task::Poll;
use std::sync::Arc;

use crate::Scene;
use crate::scene::Stage;
use crate::tasks::next_wake;
use crate::world::{Begun, Data, Flag, SOON, Tally, bury, pause, poll_once, rounds, urgent};
use web_sync::mpmc::{self, SendTimeoutError, sync_channel};
use web_sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};

models![channel: a_thread_receives, a_task_receives, two_send, a_block_is_used_again, a_spare_block_is_as_new, the_last_sender_goes, the_last_of_two_senders_goes,
    the_receiver_goes, the_receiver_goes_while_two_send, the_receiver_goes_while_one_counts, a_time_out_takes_a_last_look, trying_finds_what_was_sent,
    a_dropped_future_loses_nothing, a_future_goes_to_another_agent, each_of_two_receives, each_kind_receives, two_send_to_two,
    a_dropped_future_sends_another, a_time_out_sends_another, a_task_does_not_hide_a_thread, one_waits_for_room, room_is_seen,
    two_wait_for_room, a_task_waits_for_room, a_dropped_send_sends_another, a_send_times_out,
    the_receiver_goes_from_a_full_channel, an_agent_that_must_not_block_receives;
    stale: a_thread_receives, a_task_receives, the_last_sender_goes, the_receiver_goes_while_two_send, one_waits_for_room, room_is_seen, each_of_two_receives];

/// A message that races if the channel does not order it, and that knows whether it was dropped.
pub(crate) struct Message {
    sender: u32,
    number: u32,
    data: Data,
    dropped: Arc<Tally>,
}

impl Message {
    /// Who has sent it.
    pub(crate) fn sender(&self) -> u32 {
        self.sender
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // Races if two have it.
        self.data.add();
        self.dropped.add();
    }
}

/// What all messages of a scene have in common.
#[derive(Default)]
pub(crate) struct Post {
    sent: Tally,
    received: Tally,
    dropped: Arc<Tally>,
}

impl Post {
    pub(crate) fn message(&self, sender: u32, number: u32) -> Message {
        let mut data = Data::default();
        data.add();
        self.sent.add();
        Message {
            sender,
            number,
            data,
            dropped: Arc::clone(&self.dropped),
        }
    }

    /// Sends so many messages.
    fn send(&self, sender: &Sender<Message>, id: u32, count: u32) {
        for number in 0..count {
            // That the receiver is gone is all right: the message comes back and is dropped.
            let _ = sender.send(self.message(id, number));
        }
    }

    pub(crate) fn receive(&self, message: Message) {
        assert_eq!(message.data.get(), 1);
        self.received.add();
    }

    /// Receives what comes.
    fn receive_each(&self, messages: impl IntoIterator<Item = Message>) {
        messages
            .into_iter()
            .for_each(|message| self.receive(message));
    }

    /// Each message was received.
    pub(crate) fn check_received(&self) {
        assert_eq!(self.received.get(), self.sent.get());
        self.check_dropped();
    }

    /// The same, where a sender had to be there to the end: that the last one goes tells everybody to look.
    pub(crate) fn check_kept(&self, kept: mpmc::Sender<Message>) {
        drop(kept);
        self.check_received();
    }

    /// Each message has ended once.
    pub(crate) fn check_dropped(&self) {
        assert_eq!(self.dropped.get(), self.sent.get());
    }
}

/// Receives until all senders are gone; what one of them sends comes in order.
fn receive_all(post: &Post, receiver: &Receiver<Message>) {
    let mut next = [0; 3];
    for message in receiver {
        let next = &mut next[message.sender as usize];
        assert_eq!(message.number, *next, "out of order");
        *next += 1;
        post.receive(message);
    }
}

async fn receive_all_async(post: Arc<Post>, receiver: Receiver<Message>) {
    while let Ok(message) = receiver.recv_async().await {
        post.receive(message);
    }
}

/// One sends, from one block into the next, and one receives.
///
/// Seen to fail: publishing does not release; who takes a message does not acquire; a block is published before the way to the next one
/// is.
#[must_use]
pub fn a_thread_receives() -> Scene {
    let (sender, receiver) = channel();
    Stage::new(Post::default())
        .thread(move |post| post.send(&sender, 0, rounds(3)))
        .thread(move |post| receive_all(post, &receiver))
        .end(Post::check_received)
}

/// The same for a task.
///
/// Seen to fail: publishing does not release; who takes a message does not acquire; a block is published before the way to the next one
/// is.
#[must_use]
pub fn a_task_receives() -> Scene {
    let (sender, receiver) = channel();
    Stage::new(Post::default())
        .thread(move |post| post.send(&sender, 0, rounds(3)))
        .task(move |post| receive_all_async(post, receiver))
        .end(Post::check_received)
}

/// Two compete for the slots, and for the last of a block.
///
/// Seen to fail: a claim does not acquire; a block is published before the way to the next one is.
#[must_use]
pub fn two_send() -> Scene {
    let (sender, receiver) = channel();
    let other = sender.clone();
    Stage::new(Post::default())
        .thread(move |post| post.send(&sender, 0, rounds(2)))
        .thread(move |post| post.send(&other, 1, rounds(2)))
        .end(move |post| {
            receive_all(post, &receiver);
            post.check_received();
        })
}

/// A sender has seen the address of a block that is emptied, and used again, before the sender claims a slot there.
///
/// Seen to fail: a spare block keeps its way to the next; a claim does not acquire; who takes a message does not acquire.
#[must_use]
pub fn a_block_is_used_again() -> Scene {
    let (sender, receiver) = channel();
    let other = sender.clone();
    Stage::new(Post::default())
        .thread(move |post| post.send(&sender, 0, 1))
        .thread(move |post| {
            for number in 0..4 {
                let _ = other.send(post.message(1, number));
                post.receive(receiver.try_recv().expect("our own, or the other's"));
            }
            drop(other);
            receiver.iter().for_each(|message| post.receive(message));
        })
        .end(Post::check_received)
}

/// A block that one has emptied another one fills.
///
/// Seen to fail: a spare block is not published; a spare block keeps its way to the next.
#[must_use]
pub fn a_spare_block_is_as_new() -> Scene {
    let (sender, receiver) = channel();
    let post = Post::default();
    post.send(&sender, 1, 2);
    Stage::new(post)
        .thread(move |post| post.receive_each(receiver.try_iter().take(2)))
        .thread(move |post| post.send(&sender, 0, 3))
        .end(Post::check_dropped)
}

/// A receiver that waits hears of it, whenever that is.
///
/// Seen to fail: the last sender tells nobody; a listener has no fence A; a notifier has no fence B.
#[must_use]
pub fn the_last_sender_goes() -> Scene {
    let (sender, receiver) = channel::<Message>();
    Stage::new(Post::default())
        .thread(move |_| drop(sender))
        .thread(move |_| assert!(receiver.recv().is_err()))
        .end(Post::check_received)
}

/// What the last one sent is received before the news that there is no more.
///
/// Seen to fail: no last look after the last sender (K2); the last sender tells nobody; publishing does not release.
#[must_use]
pub fn the_last_of_two_senders_goes() -> Scene {
    let (sender, receiver) = channel();
    let other = sender.clone();
    Stage::new(Post::default())
        .thread(move |post| post.send(&sender, 0, 1))
        .thread(move |post| post.send(&other, 1, 1))
        .task(move |post| receive_all_async(post, receiver))
        .end(Post::check_received)
}

/// What is queued is dropped, what comes later goes back: each message once.
///
/// Seen to fail: a drained slot is not marked.
#[must_use]
pub fn the_receiver_goes() -> Scene {
    let (sender, receiver) = channel();
    Stage::new(Post::default())
        .thread(move |post| post.send(&sender, 0, rounds(3)))
        .thread(move |post| post.receive_each(receiver.try_iter().take(1)))
        .end(Post::check_dropped)
}

/// One of them has claimed a slot and not published it: the receiver waits for neither.
///
/// Seen to fail: a drained slot is not marked.
#[must_use]
pub fn the_receiver_goes_while_two_send() -> Scene {
    let (sender, receiver) = channel();
    let other = sender.clone();
    Stage::new(Post::default())
        .thread(move |post| post.send(&sender, 0, rounds(2)))
        .thread(move |post| post.send(&other, 1, rounds(2)))
        .thread(move |_| drop(receiver))
        .end(Post::check_dropped)
}

/// A sender goes from block to block, while the last receiver drops what is there, and frees blocks.
///
/// Seen to fail: the last receiver frees a block without the lock.
#[must_use]
pub fn the_receiver_goes_while_one_counts() -> Scene {
    let (sender, receiver) = mpmc::channel();
    let post = Post::default();
    send_some(&post, &sender, 0, 5);
    Stage::new(post)
        .thread(move |_| assert!(matches!(sender.len(), 0 | 5)))
        .thread(move |_| drop(receiver))
        .end(Post::check_dropped)
}

/// Either it is received in time, or it is there afterwards.
///
/// Seen to fail: a time-out takes a message and forgets it; publishing does not release.
#[must_use]
pub fn a_time_out_takes_a_last_look() -> Scene {
    let (sender, receiver) = channel();
    let other = sender.clone();
    Stage::new(Post::default())
        .timeouts(2)
        .thread(move |post| post.send(&sender, 0, 1))
        .thread(move |post| {
            for _ in 0..2 {
                match receiver.recv_timeout(SOON) {
                    Ok(message) => post.receive(message),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => panic!("a sender is left"),
                }
            }
            drop(other);
            receive_all(post, &receiver);
        })
        .end(Post::check_received)
}

/// What one sender has sent is not hidden by another one that is about to write.
///
/// Seen to fail: trying does not wait for a message that is being written; publishing does not release.
#[must_use]
pub fn trying_finds_what_was_sent() -> Scene {
    let (sender, receiver) = channel();
    let other = sender.clone();
    Stage::new(Post::default())
        .thread(move |post| post.send(&sender, 0, 1))
        .thread(move |post| {
            post.send(&other, 1, 1);
            let mut own = false;
            while !own {
                match receiver.try_recv() {
                    Ok(message) => {
                        own = message.sender == 1;
                        post.receive(message);
                    }
                    Err(TryRecvError::Empty) => panic!("our own message is there"),
                    Err(TryRecvError::Disconnected) => panic!("we are a sender"),
                }
            }
            drop(other);
            receive_all(post, &receiver);
        })
        .end(Post::check_received)
}

/// A future that was notified goes, and what it was notified of is received later.
///
/// Seen to fail: publishing does not release.
#[must_use]
pub fn a_dropped_future_loses_nothing() -> Scene {
    let (sender, receiver) = channel();
    Stage::new(Post::default())
        .thread(move |post| post.send(&sender, 0, 2))
        .task(move |post| async move {
            let mut future = Box::pin(receiver.recv_async());
            match poll_once(future.as_mut()).await {
                Poll::Ready(message) => post.receive(message.expect("a message")),
                Poll::Pending => next_wake().await,
            }
            bury(future);
            receive_all_async(post, receiver).await;
        })
        .end(Post::check_received)
}

/// A receiver that its futures have borrowed, and that is freed at the end.
struct Lent(*mut Receiver<Message>);

// SAFETY: it can be sent as the receiver can, and who has it alone uses the receiver.
unsafe impl Send for Lent {}

impl Lent {
    fn new(receiver: Receiver<Message>) -> Self {
        Self(Box::into_raw(Box::new(receiver)))
    }

    fn get(&self) -> &'static Receiver<Message> {
        // SAFETY: freed at the end of the scene, which the futures do not outlive.
        unsafe { &*self.0 }
    }

    fn free(&self) {
        // SAFETY: it came from a box, and nobody uses it any more.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

/// The receiver's future is polled on another agent, while the receiver itself receives (K6). Seen to fail with a receiver that goes on without
/// the lock.
#[must_use]
pub fn a_future_goes_to_another_agent() -> Scene {
    let (sender, receiver) = channel();
    let post = Post::default();
    post.send(&sender, 0, 2);
    let receiver = Lent::new(receiver);
    let (future, all) = (receiver.get().recv_async(), Lent(receiver.0));
    Stage::new(post)
        .thread(move |post| post.receive(receiver.get().recv().expect("a message")))
        .task(move |post| async move { post.receive(future.await.expect("a message")) })
        .end(move |post| {
            all.free();
            drop(sender);
            post.check_received();
        })
}

/// Receives as many as that.
fn receive_some(post: &Post, receiver: &mpmc::Receiver<Message>, count: u32) {
    for _ in 0..count {
        post.receive(receiver.recv().expect("a message"));
    }
}

async fn receive_some_async(post: Arc<Post>, receiver: mpmc::Receiver<Message>, count: u32) {
    for _ in 0..count {
        post.receive(receiver.recv_async().await.expect("a message"));
    }
}

/// Two messages are for two receivers.
///
/// Seen to fail: who sends tells nobody; a listener has no fence A; a notifier has no fence B.
#[must_use]
pub fn each_of_two_receives() -> Scene {
    let (sender, receiver) = mpmc::channel();
    let other = receiver.clone();
    let kept = sender.clone();
    Stage::new(Post::default())
        .thread(move |post| send_some(post, &sender, 0, 2 * rounds(1)))
        .thread(move |post| receive_some(post, &receiver, rounds(1)))
        .thread(move |post| receive_some(post, &other, rounds(1)))
        .end(move |post| post.check_kept(kept))
}

/// A thread and a task.
///
/// Seen to fail: a listener that goes passes nothing on; a listener has no fence A; a notifier has no fence B.
#[must_use]
pub fn each_kind_receives() -> Scene {
    let (sender, receiver) = mpmc::channel();
    let other = receiver.clone();
    let kept = sender.clone();
    Stage::new(Post::default())
        .thread(move |post| send_some(post, &sender, 0, 2 * rounds(1)))
        .thread(move |post| receive_some(post, &receiver, rounds(1)))
        .task(move |post| receive_some_async(post, other, rounds(1)))
        .end(move |post| post.check_kept(kept))
}

/// One that has claimed its slot first publishes it last: the receiver that was sent to look at the other's message finds none, and then
/// both are there, with one notification for two receivers (K5).
///
/// Seen to fail: nobody remembers that a message was being written (K5).
#[must_use]
pub fn two_send_to_two() -> Scene {
    let (sender, receiver) = mpmc::channel();
    let (other, kept) = (sender.clone(), sender.clone());
    let first = Begun::new(receive_one(receiver.clone()));
    let second = Begun::new(receive_one(receiver));
    Stage::new(Post::default())
        .thread(move |post| send_some(post, &sender, 0, 1))
        .thread(move |post| send_some(post, &other, 1, 1))
        .task(move |post| async move { post.receive(first.go_on().await) })
        .end(move |post| {
            post.receive(second.finish());
            post.check_kept(kept);
        })
}

async fn receive_one(receiver: mpmc::Receiver<Message>) -> Message {
    receiver.recv_async().await.expect("a message")
}

/// A future that was notified goes, and another receiver is notified in its place.
///
/// Seen to fail: a dropped listener stays linked.
#[must_use]
pub fn a_dropped_future_sends_another() -> Scene {
    let (sender, receiver) = mpmc::channel();
    let other = receiver.clone();
    let (again, kept) = (sender.clone(), sender.clone());
    Stage::new(Post::default())
        .thread(move |post| send_some(post, &sender, 0, 1))
        .task(move |post| async move {
            let mut future = Box::pin(receiver.recv_async());
            if let Poll::Ready(message) = poll_once(future.as_mut()).await {
                post.receive(message.expect("a message"));
                // For the other one, then.
                send_some(&post, &again, 1, 1);
            }
            bury(future);
        })
        .thread(move |post| receive_some(post, &other, 1))
        .end(move |post| post.check_kept(kept))
}

/// The same for one that gives up.
///
/// Seen to fail: no last look when the time is over.
#[must_use]
pub fn a_time_out_sends_another() -> Scene {
    let (sender, receiver) = mpmc::channel();
    let other = receiver.clone();
    let (again, kept) = (sender.clone(), sender.clone());
    Stage::new(Post::default())
        .timeouts(1)
        .thread(move |post| send_some(post, &sender, 0, 1))
        .thread(move |post| {
            if let Ok(message) = receiver.recv_timeout(SOON) {
                post.receive(message);
                // For the other one, then.
                send_some(post, &again, 1, 1);
            }
        })
        .thread(move |post| receive_some(post, &other, 1))
        .end(move |post| post.check_kept(kept))
}

/// What a scene with a task that is not run has.
#[derive(Default)]
struct Absent {
    post: Post,
    received: Flag,
}

/// A task that waits is notified, and its agent is busy until somebody else has received the message.
///
/// Seen to fail: a notification to a task is for that alone (E4).
#[must_use]
pub fn a_task_does_not_hide_a_thread() -> Scene {
    let (sender, receiver) = mpmc::channel();
    let other = receiver.clone();
    let (again, kept) = (sender.clone(), sender.clone());
    Stage::new(Absent::default())
        .thread(move |absent| send_some(&absent.post, &sender, 0, 1))
        .task(move |absent| async move {
            let mut future = Box::pin(receiver.recv_async());
            if let Poll::Ready(message) = poll_once(future.as_mut()).await {
                absent.post.receive(message.expect("a message"));
                // For the other one, then.
                send_some(&absent.post, &again, 1, 1);
            }
            while !absent.received.get() {
                pause();
            }
            bury(future);
        })
        .thread(move |absent| {
            receive_some(&absent.post, &other, 1);
            absent.received.set();
        })
        .end(move |absent| absent.post.check_kept(kept))
}

fn send_some(post: &Post, sender: &mpmc::Sender<Message>, id: u32, count: u32) {
    for number in 0..count {
        sender.send(post.message(id, number)).expect("a receiver");
    }
}

/// More than there is room for.
///
/// Seen to fail: who takes a message tells no sender; publishing does not release; a free slot is not released.
#[must_use]
pub fn one_waits_for_room() -> Scene {
    let (sender, receiver) = sync_channel(1);
    Stage::new(Post::default())
        .thread(move |post| send_some(post, &sender, 0, rounds(3)))
        .thread(move |post| post.receive_each(&receiver))
        .end(Post::check_received)
}

/// A channel with room for so many messages, which are there.
fn full_channel(count: u32) -> (Post, mpmc::Sender<Message>, mpmc::Receiver<Message>) {
    let (sender, receiver) = sync_channel(count as usize);
    let post = Post::default();
    send_some(&post, &sender, 2, count);
    (post, sender, receiver)
}

/// A channel that is never full is never found to be, however old a place is that a sender looks at.
///
/// Seen to fail with old values: a stamp is not acquired; a free slot is not released.
#[must_use]
pub fn room_is_seen() -> Scene {
    let (sender, receiver) = sync_channel(2);
    let (other, last) = (sender.clone(), receiver.clone());
    Stage::new(Post::default())
        .thread(move |post| {
            let sent = sender.try_send(post.message(0, 0));
            sent.expect("there is room");
        })
        .thread(move |post| {
            let sent = other.try_send(post.message(1, 0));
            sent.expect("there is room");
        })
        .thread(move |post| post.receive_each(receiver.try_iter().take(1)))
        .end(move |post| {
            post.receive_each(last.try_iter());
            post.check_received();
        })
}

/// Two that wait, and room comes one by one.
///
/// Seen to fail: who takes a message tells no sender; a listener has no fence A; a notifier has no fence B.
#[must_use]
pub fn two_wait_for_room() -> Scene {
    let (post, sender, receiver) = full_channel(2);
    let (other, last) = (sender.clone(), receiver.clone());
    Stage::new(post)
        .thread(move |post| send_some(post, &sender, 0, rounds(1)))
        .thread(move |post| send_some(post, &other, 1, rounds(1)))
        .thread(move |post| receive_some(post, &receiver, 2 * rounds(1)))
        .end(move |post| {
            post.receive_each(last.try_iter());
            post.check_received();
        })
}

/// A task that waits beside a thread.
///
/// Seen to fail: who takes a message tells no sender; a listener has no fence A.
#[must_use]
pub fn a_task_waits_for_room() -> Scene {
    let (post, sender, receiver) = full_channel(2);
    let (other, last) = (sender.clone(), receiver.clone());
    Stage::new(post)
        .thread(move |post| send_some(post, &sender, 0, rounds(1)))
        .task(move |post| async move {
            for number in 0..rounds(1) {
                let sent = other.send_async(post.message(1, number)).await;
                sent.expect("a receiver");
            }
        })
        .thread(move |post| receive_some(post, &receiver, 2 * rounds(1)))
        .end(move |post| {
            post.receive_each(last.try_iter());
            post.check_received();
        })
}

/// Room for one, for which two wait, and one of them gives up: if it had been notified, the other one is.
fn one_leaves(
    timeouts: u32,
    leave: impl AsyncFnOnce(&Post, &mpmc::Sender<Message>) -> bool + Send + 'static,
) -> Scene {
    let (post, sender, receiver) = full_channel(1);
    let (other, theirs, last) = (sender.clone(), receiver.clone(), receiver.clone());
    Stage::new(post)
        .timeouts(timeouts)
        .thread(move |post| send_some(post, &sender, 0, 1))
        .task(move |post| async move {
            if leave(&post, &other).await {
                // It has been sent: then there has to be room once more.
                receive_some(&post, &theirs, 1);
            }
        })
        .thread(move |post| receive_some(post, &receiver, 1))
        .end(move |post| {
            post.receive_each(last.try_iter());
            post.check_dropped();
        })
}

/// A future that was notified of room goes with its message, and another sender is notified in its place.
///
/// Seen to fail: who takes a message tells no sender.
#[must_use]
pub fn a_dropped_send_sends_another() -> Scene {
    one_leaves(0, async |post, sender| {
        let mut future = Box::pin(sender.send_async(post.message(1, 0)));
        let sent = poll_once(future.as_mut()).await.is_ready();
        bury(future);
        sent
    })
}

/// Either it is sent or it comes back, and the other one is not forgotten.
///
/// Seen to fail: no last look when the time is over; who takes a message tells no sender.
#[must_use]
pub fn a_send_times_out() -> Scene {
    one_leaves(1, async |post, sender| {
        match sender.send_timeout(post.message(1, 0), SOON) {
            Ok(()) => true,
            Err(SendTimeoutError::Timeout(_)) => false,
            Err(SendTimeoutError::Disconnected(_)) => panic!("a receiver is there"),
        }
    })
}

/// Who waits for room gets the message back, and what is queued is dropped.
///
/// Seen to fail: the last receiver tells no sender; the last receiver does not drain.
#[must_use]
pub fn the_receiver_goes_from_a_full_channel() -> Scene {
    let (sender, receiver) = sync_channel(1);
    let other = sender.clone();
    Stage::new(Post::default())
        .thread(move |post| {
            let _ = sender.send(post.message(0, 0));
            let _ = sender.send(post.message(0, 1));
        })
        .task(move |post| async move {
            let _ = other.send_async(post.message(1, 0)).await;
        })
        .thread(move |_| drop(receiver))
        .end(Post::check_dropped)
}

/// One that spins.
///
/// Seen to fail: a listener has no fence A; a notifier has no fence B; publishing does not release.
#[must_use]
pub fn an_agent_that_must_not_block_receives() -> Scene {
    let (sender, receiver) = mpmc::channel();
    Stage::new(Post::default())
        .thread(move |post| send_some(post, &sender, 0, rounds(2)))
        .thread(move |post| urgent(|| post.receive_each(&receiver)))
        .end(Post::check_received)
}
