//! Select: one that waits at several channels.

use core::task::Poll;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use crate::Scene;
use crate::channel::{Message, Post};
use crate::scene::Stage;
use crate::world::{Begun, SOON, Tally, rounds, urgent};
use web_sync::mpmc::{Receiver, Sender, TrySendError, channel, sync_channel};
use web_sync::select::{RecvCase, Select, recv, send};

models![select: a_thread_selects, a_task_selects, one_that_must_not_block_selects, a_thread_passes_on, a_task_passes_on, a_dropped_select_passes_on,
    a_time_out_takes_a_last_look, trying_finds_what_was_sent, a_last_look_finds_what_was_sent, the_last_sender_goes, the_receiver_goes, a_channel_twice, one_waits_for_room, two_selects_meet, each_sends_and_receives,
    two_want_one_who_selects, trying_meets_one_who_selects, a_receiver_comes, the_table_becomes_free, a_message_is_gone, a_claimed_future_goes,
    a_claim_wakes_all;
    stale: a_thread_selects, a_task_selects, two_selects_meet];

/// Two channels, and what is sent over them.
#[derive(Default)]
struct Place {
    post: Post,
    sent: Tally,
    got: Tally,
}

impl Place {
    fn send(&self, sender: &Sender<Message>, id: u32, count: u32) {
        for number in 0..count {
            let sent = sender.send(self.post.message(id, number));
            sent.expect("a receiver");
        }
    }

    fn receive(&self, message: Message) {
        self.got.add();
        self.post.receive(message);
    }

    fn receive_one(&self, receiver: &Receiver<Message>) {
        self.receive(receiver.recv().expect("a message"));
    }

    /// One message, from whichever channel.
    fn select(&self, one: &Receiver<Message>, two: &Receiver<Message>) {
        let (mut one, mut two) = (recv(one), recv(two));
        let message = match Select::new((&mut one, &mut two)).select() {
            0 => one.take(),
            _ => two.take(),
        };
        self.receive(message.expect("chosen").expect("a message"));
    }

    async fn select_async(&self, one: &Receiver<Message>, two: &Receiver<Message>) {
        self.receive(select_one(one, two).await);
    }

    /// Sends from a select that waits for something else as well, which never comes. Whether it was taken.
    fn select_send(&self, sender: &Sender<Message>, silent: &Receiver<()>, id: u32) -> bool {
        let (mut one, mut two) = (send(sender, self.post.message(id, 0)), recv(silent));
        assert_eq!(Select::new((&mut one, &mut two)).select(), 0);
        let sent = one.take().expect("chosen").is_ok();
        if sent {
            self.sent.add();
        }
        sent
    }
}

async fn select_one(one: &Receiver<Message>, two: &Receiver<Message>) -> Message {
    let (mut one, mut two) = (recv(one), recv(two));
    let message = match Select::new((&mut one, &mut two)).select_async().await {
        0 => one.take(),
        _ => two.take(),
    };
    message.expect("chosen").expect("a message")
}

type Ends = (Sender<Message>, Receiver<Message>);

/// Two unbounded channels, and a scene in which somebody sends over each, and what comes is received but for the last message. Senders are
/// left, so that nobody is woken by their end.
fn two_send(
    receive: impl FnOnce(Stage<Place>, Receiver<Message>, Receiver<Message>) -> Stage<Place>,
) -> Scene {
    let [(one, from_one), (two, from_two)]: [Ends; 2] = [channel(), channel()];
    let kept = (one.clone(), two.clone());
    let stage = Stage::new(Place::default())
        .thread(move |place| place.send(&one, 0, rounds(1)))
        .thread(move |place| place.send(&two, 1, rounds(1)));
    let last = (from_one.clone(), from_two.clone());
    receive(stage, from_one, from_two).end(move |place| {
        place.select(&last.0, &last.1);
        drop(kept);
        place.post.check_received();
    })
}

/// Whichever comes first wakes it.
///
/// Seen to fail: a select does not check before it waits; a signal rings no bell; a thread goes on before its signal has come.
#[must_use]
pub fn a_thread_selects() -> Scene {
    two_send(|stage, one, two| {
        stage.thread(move |place| {
            for _ in 1..2 * rounds(1) {
                place.select(&one, &two);
            }
        })
    })
}

/// The same for a task.
///
/// Seen to fail: a select does not check before it waits.
#[must_use]
pub fn a_task_selects() -> Scene {
    two_send(|stage, one, two| {
        stage.task(move |place| async move {
            for _ in 1..2 * rounds(1) {
                place.select_async(&one, &two).await;
            }
        })
    })
}

/// The same for one that spins.
///
/// Seen to fail: a select does not check before it waits; a signal rings no bell; a thread goes on before its signal has come.
#[must_use]
pub fn one_that_must_not_block_selects() -> Scene {
    two_send(|stage, one, two| {
        stage.thread(move |place| {
            urgent(|| {
                for _ in 1..2 * rounds(1) {
                    place.select(&one, &two);
                }
            });
        })
    })
}

/// A second receiver waits for what comes over the second channel. If the thread that selects takes that, it sees to another one.
fn beside_another(
    timeouts: u32,
    first_too: bool,
    select: impl FnOnce(&Receiver<Message>, &Receiver<Message>) -> Option<Message> + Send + 'static,
) -> Scene {
    let [(one, from_one), (two, from_two)]: [Ends; 2] = [channel(), channel()];
    let (other, again, kept) = (from_two.clone(), two.clone(), (one.clone(), two.clone()));
    let last = from_one.clone();
    Stage::new(Place::default())
        .timeouts(timeouts)
        .thread(move |place| {
            place.send(&two, 1, 1);
            if first_too {
                place.send(&one, 0, 1);
            }
        })
        .thread(move |place| {
            if let Some(message) = select(&from_one, &from_two) {
                if message.sender() == 1 {
                    place.send(&again, 1, 1);
                }
                place.receive(message);
            }
        })
        .thread(move |place| place.receive_one(&other))
        .end(move |place| {
            last.try_iter().for_each(|message| place.receive(message));
            drop(kept);
            place.post.check_received();
        })
}

/// A notification of the second channel, to a select that takes what is in the first one, is for the other receiver.
///
/// Seen to fail: a case that is not chosen keeps what it was told; a listener that goes passes nothing on; a thread goes on before its
/// signal has come.
#[must_use]
pub fn a_thread_passes_on() -> Scene {
    beside_another(0, true, |one, two| {
        let (mut one, mut two) = (recv(one), recv(two));
        let message = match Select::new((&mut one, &mut two)).select() {
            0 => one.take(),
            _ => two.take(),
        };
        Some(message.expect("chosen").expect("a message"))
    })
}

/// The same if the time is over: what came before that is taken, or another one is sent for it.
///
/// Seen to fail: a listener that goes passes nothing on.
#[must_use]
pub fn a_time_out_takes_a_last_look() -> Scene {
    beside_another(1, false, |one, two| {
        let (mut one, mut two) = (recv(one), recv(two));
        let chosen = Select::new((&mut one, &mut two)).select_timeout(SOON)?;
        assert_eq!(chosen, 1);
        two.take().expect("chosen").ok()
    })
}

/// The same for tasks.
///
/// Seen to fail: a case that is not chosen keeps what it was told; a listener that goes passes nothing on.
#[must_use]
pub fn a_task_passes_on() -> Scene {
    let [(one, from_one), (two, from_two)]: [Ends; 2] = [channel(), channel()];
    let from_both = (from_one.clone(), from_two.clone());
    let (again, kept) = (two.clone(), (one.clone(), two.clone()));
    let selects = Begun::new(async move { select_one(&from_both.0, &from_both.1).await });
    let other = Begun::new(wait_for_one(from_two));
    Stage::new(Place::default())
        .thread(move |place| {
            place.send(&two, 1, 1);
            place.send(&one, 0, 1);
        })
        .task(move |place| async move {
            let message = selects.go_on().await;
            if message.sender() == 1 {
                place.send(&again, 1, 1);
            }
            place.receive(message);
        })
        .end(move |place| {
            place.receive(other.finish());
            from_one
                .try_iter()
                .for_each(|message| place.receive(message));
            drop(kept);
            place.post.check_received();
        })
}

/// The same if the future goes.
///
/// Seen to fail: a listener that goes passes nothing on; a dropped listener stays linked.
#[must_use]
pub fn a_dropped_select_passes_on() -> Scene {
    let [(one, from_one), (two, from_two)]: [Ends; 2] = [channel(), channel()];
    let from_both = (from_one, from_two.clone());
    let kept = (one, two.clone());
    let selects = Begun::new(async move { select_one(&from_both.0, &from_both.1).await });
    let other = Begun::new(wait_for_one(from_two));
    Stage::new(Place::default())
        .thread(move |place| place.send(&two, 1, 1))
        .thread(move |_| selects.bury())
        .end(move |place| {
            place.receive(other.finish());
            drop(kept);
            place.post.check_received();
        })
}

/// That there is nothing more to come over one of them is news as well.
///
/// Seen to fail: the last sender tells nobody; a select does not check before it waits.
#[must_use]
pub fn the_last_sender_goes() -> Scene {
    let (one, from_one) = channel::<Message>();
    let (kept, from_two) = sync_channel::<Message>(0);
    Stage::new(Place::default())
        .thread(move |_| drop(one))
        .thread(move |_| {
            let (mut one, mut two) = (recv(&from_one), recv(&from_two));
            assert_eq!(Select::new((&mut one, &mut two)).select(), 0);
            assert!(one.take().expect("chosen").is_err());
        })
        .end(move |place| place.post.check_kept(kept))
}

/// A select that sends over a channel that holds nothing gets its message back.
///
/// Seen to fail: the last receiver tells no select that sends.
#[must_use]
pub fn the_receiver_goes() -> Scene {
    let (sender, receiver) = sync_channel(0);
    let (kept, silent) = channel();
    Stage::new(Place::default())
        .thread(move |_| drop(receiver))
        .thread(move |place| assert!(!place.select_send(&sender, &silent, 0)))
        .end(move |place| {
            drop(kept);
            place.post.check_dropped();
        })
}

/// Two send over one channel, and one of them looks for the last time, by `look`: there is its own message at least.
fn a_last_look(look: fn(Select<[&mut RecvCase<'_, Message>; 1]>) -> Option<usize>) -> Scene {
    let (sender, receiver) = channel();
    let (other, kept) = (sender.clone(), sender.clone());
    let last = receiver.clone();
    Stage::new(Place::default())
        .thread(move |place| place.send(&sender, 0, 1))
        .thread(move |place| {
            place.send(&other, 1, 1);
            let mut case = recv(&receiver);
            let chosen = look(Select::new([&mut case]));
            assert_eq!(chosen, Some(0), "our own message is there");
            place.receive(case.take().expect("chosen").expect("a message"));
        })
        .end(move |place| {
            place.receive_one(&last);
            place.post.check_kept(kept);
        })
}

/// What one sender has sent is not hidden from a select that only tries by another one that is about to write.
///
/// Seen to fail: trying does not wait for a message that is being written.
#[must_use]
pub fn trying_finds_what_was_sent() -> Scene {
    a_last_look(|select| select.try_select())
}

/// Nor from one whose time is over.
///
/// Seen to fail: a last look does not wait for a message that is being written.
#[must_use]
pub fn a_last_look_finds_what_was_sent() -> Scene {
    a_last_look(|select| select.select_timeout(Duration::ZERO))
}

/// It waits twice for the same, and takes one message.
///
/// Seen to fail: a case that is not chosen keeps what it was told; a listener that goes passes nothing on.
#[must_use]
pub fn a_channel_twice() -> Scene {
    let (sender, receiver) = channel();
    let (kept, twice) = (sender.clone(), receiver.clone());
    let selects = Begun::new(async move { select_one(&twice, &twice).await });
    let other = Begun::new(wait_for_one(receiver));
    Stage::new(Place::default())
        .thread(move |place| place.send(&sender, 0, 2))
        .task(move |place| async move { place.receive(selects.go_on().await) })
        .end(move |place| {
            place.receive(other.finish());
            place.post.check_kept(kept);
        })
}

/// Full channels, one of which is emptied.
///
/// Seen to fail: who takes a message tells no sender; a select does not check before it waits.
#[must_use]
pub fn one_waits_for_room() -> Scene {
    let [(one, from_one), (two, from_two)]: [Ends; 2] = [sync_channel(1), sync_channel(1)];
    let place = Place::default();
    place.send(&one, 0, 1);
    place.send(&two, 1, 1);
    let last = (from_one, from_two.clone());
    Stage::new(place)
        .thread(move |place| {
            let (mut one, mut two) = (
                send(&one, place.post.message(0, 1)),
                send(&two, place.post.message(1, 1)),
            );
            assert_eq!(Select::new((&mut one, &mut two)).select(), 1);
            assert!(two.take().expect("chosen").is_ok());
            place.receive(one.into_message().expect("it was not chosen"));
        })
        .thread(move |place| place.receive_one(&from_two))
        .end(move |place| {
            for rest in last.0.try_iter().chain(last.1.try_iter()) {
                place.receive(rest);
            }
            place.post.check_received();
        })
}

/// One has a message for the other, and each waits for something else as well.
///
/// Seen to fail: a select that can be claimed says so to nobody; a select does not check before it waits.
#[must_use]
pub fn two_selects_meet() -> Scene {
    let (sender, receiver) = sync_channel(0);
    let (kept, silent) = channel();
    let (quiet, never) = channel();
    Stage::new(Place::default())
        .thread(move |place| {
            for _ in 0..rounds(1) {
                assert!(place.select_send(&sender, &silent, 0));
            }
        })
        .thread(move |place| {
            for _ in 0..rounds(1) {
                place.select(&never, &receiver);
            }
        })
        .end(move |place| {
            drop((kept, quiet));
            place.post.check_received();
        })
}

/// Two that would send as well as receive: one of them sends, and the other receives.
///
/// Seen to fail: a select counts its own seat; a select does not check before it waits.
#[must_use]
pub fn each_sends_and_receives() -> Scene {
    let (sender, receiver) = sync_channel(0);
    let ends = (sender.clone(), receiver.clone());
    let act = |place: &Place, (sender, receiver): &Ends, id| {
        let (mut one, mut two) = (send(sender, place.post.message(id, 0)), recv(receiver));
        match Select::new((&mut one, &mut two)).select() {
            0 => one.take().expect("chosen").expect("a receiver"),
            _ => {
                let message = two.take().expect("chosen").expect("a message");
                assert_ne!(message.sender(), id, "it met itself");
                place.receive(message);
            }
        }
    };
    Stage::new(Place::default())
        .thread(move |place| act(place, &ends, 0))
        .thread(move |place| act(place, &(sender, receiver), 1))
        .end(|place| {
            assert_eq!(place.got.get(), 1);
            place.post.check_dropped();
        })
}

/// Two have a message each, over a channel of its own, for one select, which is for one of them.
///
/// Seen to fail: a select is claimed twice; a select acts while it can be claimed; a claimed select begins anywhere.
#[must_use]
pub fn two_want_one_who_selects() -> Scene {
    let [(one, from_one), (two, from_two)]: [Ends; 2] = [sync_channel(0), sync_channel(0)];
    let waits = Begun::new(async move {
        let (mut one, mut two) = (recv(&from_one), recv(&from_two));
        match Select::new((&mut one, &mut two)).select_async().await {
            0 => one.take().expect("chosen").ok(),
            _ => two.take().expect("chosen").ok(),
        }
    });
    let attempt = |place: &Place, sender: Sender<Message>| {
        if sender.try_send(place.post.message(0, 0)).is_ok() {
            place.sent.add();
        }
    };
    Stage::new(Place::default())
        .thread(move |place| attempt(place, one))
        .thread(move |place| attempt(place, two))
        .task(move |place| async move {
            // None if one of them has found it looking around, and gone.
            if let Some(message) = waits.go_on().await {
                place.receive(message);
            }
        })
        .end(move |place| {
            assert_eq!(place.sent.get(), place.got.get());
            place.post.check_dropped();
        })
}

/// One that only tries meets a select that waits; if that one gives up, the message has been received or it has not been sent.
///
/// Seen to fail: a select acts while it can be claimed; a claimed select begins anywhere; no last look when the time is over.
#[must_use]
pub fn trying_meets_one_who_selects() -> Scene {
    let [(one, from_one), (two, from_two)]: [Ends; 2] = [sync_channel(0), sync_channel(0)];
    Stage::new(Place::default())
        .timeouts(1)
        .thread(move |place| {
            for sender in [one, two] {
                if sender.try_send(place.post.message(0, 0)).is_ok() {
                    place.sent.add();
                }
            }
        })
        .thread(move |place| {
            let (mut one, mut two) = (recv(&from_one), recv(&from_two));
            let message = match Select::new((&mut one, &mut two)).select_timeout(SOON) {
                Some(0) => one.take(),
                Some(_) => two.take(),
                None => return,
            };
            if let Ok(message) = message.expect("chosen") {
                place.receive(message);
            }
        })
        .end(|place| {
            assert_eq!(place.sent.get(), place.got.get());
            place.post.check_dropped();
        })
}

/// A select that sends hears of a receiver that comes without one.
///
/// Seen to fail: a receiver that comes tells no select that sends; a select does not check before it waits.
#[must_use]
pub fn a_receiver_comes() -> Scene {
    let (sender, receiver) = sync_channel(0);
    let (kept, silent) = channel();
    Stage::new(Place::default())
        .thread(move |place| assert!(place.select_send(&sender, &silent, 0)))
        .thread(move |place| place.receive_one(&receiver))
        .end(move |place| {
            drop(kept);
            place.post.check_received();
        })
}

async fn send_one(sender: Sender<Message>, message: Message) {
    sender.send_async(message).await.expect("a receiver");
}

async fn wait_for_one(receiver: Receiver<Message>) -> Message {
    receiver.recv_async().await.expect("a message")
}

/// Two receivers wait. One takes what lies on the table, and the other one is there still for the select.
///
/// Seen to fail: a taken message tells no select that sends.
#[must_use]
pub fn the_table_becomes_free() -> Scene {
    let (sender, receiver) = sync_channel(0);
    let (kept, silent) = channel();
    let place = Place::default();
    let waits = Begun::new(wait_for_one(receiver.clone()));
    let lies = Begun::new(send_one(sender.clone(), place.post.message(0, 0)));
    Stage::new(place)
        .thread(move |place| assert!(place.select_send(&sender, &silent, 1)))
        .thread(move |place| place.receive_one(&receiver))
        .end(move |place| {
            lies.finish();
            place.receive(waits.finish());
            drop(kept);
            place.post.check_received();
        })
}

/// A select that has been claimed finds that another receiver was faster, and can be claimed again, at its other table too.
///
/// Seen to fail: a select that can be claimed says so to nobody; a select does not check before it waits.
#[must_use]
pub fn a_message_is_gone() -> Scene {
    let [(one, from_one), (two, from_two)]: [Ends; 2] = [sync_channel(0), sync_channel(0)];
    let fast = from_one.clone();
    let (kept, silent) = channel();
    let waits = Begun::new(async move { select_one(&from_one, &from_two).await });
    let ends = (one.clone(), two.clone());
    Stage::new(Place::default())
        .thread(move |place| {
            // Unless it is just looking around it is claimed.
            let back = match one.try_send(place.post.message(0, 0)) {
                Ok(()) => fast.try_recv().ok(),
                Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => {
                    Some(message)
                }
            };
            if let Some(message) = back {
                place.receive(message);
                // The select is still there, then.
                assert!(place.select_send(&two, &silent, 1));
            }
        })
        .task(move |place| async move { place.receive(waits.go_on().await) })
        .end(move |place| {
            drop((kept, ends));
            place.post.check_received();
        })
}

/// A future that has been claimed goes: what was handed over is for the next receiver, who is notified.
///
/// Seen to fail: a dropped select keeps its seat.
#[must_use]
pub fn a_claimed_future_goes() -> Scene {
    let [(one, from_one), (two, from_two)]: [Ends; 2] = [sync_channel(0), sync_channel(0)];
    let other = from_one.clone();
    let again = one.clone();
    let waits = Begun::new(async move { select_one(&from_one, &from_two).await });
    Stage::new(Place::default())
        .thread(move |place| {
            if one.try_send(place.post.message(0, 0)).is_err() {
                // It had gone before.
                place.send(&again, 1, 1);
            }
        })
        .thread(move |_| waits.bury())
        .thread(move |place| place.receive_one(&other))
        .end(move |place| {
            drop(two);
            place.post.check_dropped();
        })
}

/// More select than are woken at one go, and all of them are, for one of them has been claimed: also if the first ones look in vain meanwhile,
/// and stand before the others again.
///
/// Seen to fail: a notification for all counts who is linked, and takes so many from the front.
#[must_use]
pub fn a_claim_wakes_all() -> Scene {
    let [(one, from_one), (two, from_two)]: [Ends; 2] = [sync_channel(0), sync_channel(0)];
    let mut selects: Vec<_> = (0..9)
        .map(|_| {
            let from_both = (from_one.clone(), from_two.clone());
            Begun::new(async move { select_one(&from_both.0, &from_both.1).await })
        })
        .collect();
    let kept = (one.clone(), two);
    // As they are when they have looked, for nothing may be passed on.
    let looked = Arc::new(Mutex::new(Vec::new()));
    let mut looks = || {
        let (mut select, looked) = (selects.remove(0), Arc::clone(&looked));
        move |place: &Place| {
            if let Poll::Ready(message) = select.poll() {
                place.receive(message);
            }
            looked.lock().unwrap().push(select);
        }
    };
    Stage::new(Place::default())
        .thread(looks())
        .thread(looks())
        .thread(move |place| {
            let sent = one.try_send(place.post.message(0, 0));
            assert!(sent.is_ok(), "they can be claimed");
        })
        .end(move |place| {
            assert!(selects.iter().all(Begun::woken), "one was forgotten");
            assert!(place.got.get() <= 1);
            looked.lock().unwrap().clear();
            drop((selects, from_one, from_two, kept));
            place.post.check_dropped();
        })
}
