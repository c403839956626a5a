//! Channels against a queue: whatever is done, and in whichever order, the results are those of a queue, and as many of those who wait are
//! woken as there is something for them.
#![cfg(not(any(target_family = "wasm", miri)))]

mod common;

use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;

use common::Task;
use web_sync::mpmc::{
    Receiver, RecvError, SendError, Sender, TryRecvError, TrySendError, channel, sync_channel,
};

/// What is done. Numbers choose one of those who wait.
#[derive(Clone, Copy, Debug)]
enum Step {
    TrySend,
    TryRecv,
    BeginSend,
    BeginRecv,
    PollSend(usize),
    PollRecv(usize),
    CancelSend(usize),
    CancelRecv(usize),
    NoMoreSenders,
    NoMoreReceivers,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::TrySend),
        6 => Just(Step::TryRecv),
        4 => Just(Step::BeginSend),
        4 => Just(Step::BeginRecv),
        4 => (0_usize..4).prop_map(Step::PollSend),
        4 => (0_usize..4).prop_map(Step::PollRecv),
        3 => (0_usize..4).prop_map(Step::CancelSend),
        3 => (0_usize..4).prop_map(Step::CancelRecv),
        1 => Just(Step::NoMoreSenders),
        1 => Just(Step::NoMoreReceivers),
    ];
    // Enough for more than one block.
    prop::collection::vec(step, 1..150)
}

/// A future that waits, and how often it had been woken when it was last polled.
struct Waits<T> {
    task: Task<'static, T>,
    seen: usize,
    /// What it sends.
    number: u32,
}

impl<T> Waits<T> {
    fn poll(&mut self) -> Option<T> {
        let output = self.task.poll();
        self.seen = self.task.wakes();
        output
    }
}

/// So many are on their way to look.
fn woken<T>(waits: &[Waits<T>]) -> usize {
    waits
        .iter()
        .filter(|waits| waits.task.wakes() > waits.seen)
        .count()
}

/// A message that counts as long as it lives.
type Message = (u32, Arc<()>);

/// A channel, the queue that it should be, and who waits. Each of those keeps an end of its own.
struct Model {
    sender: Option<Sender<Message>>,
    receiver: Option<Receiver<Message>>,
    room: usize,
    queue: VecDeque<u32>,
    sending: Vec<Waits<Result<(), SendError<Message>>>>,
    receiving: Vec<Waits<Result<Message, RecvError>>>,
    next: u32,
    token: Arc<()>,
}

impl Model {
    fn new(capacity: Option<usize>) -> Self {
        let (sender, receiver) = capacity.map_or_else(channel, sync_channel);
        Self {
            sender: Some(sender),
            receiver: Some(receiver),
            room: capacity.unwrap_or(usize::MAX),
            queue: VecDeque::new(),
            sending: Vec::new(),
            receiving: Vec::new(),
            next: 0,
            token: Arc::new(()),
        }
    }

    fn message(&mut self) -> Message {
        self.next += 1;
        (self.next, Arc::clone(&self.token))
    }

    fn has_senders(&self) -> bool {
        self.sender.is_some() || !self.sending.is_empty()
    }

    fn has_receivers(&self) -> bool {
        self.receiver.is_some() || !self.receiving.is_empty()
    }

    /// What a queue does with a message.
    fn push(&mut self, number: u32) -> Result<(), TrySendError<u32>> {
        if !self.has_receivers() {
            return Err(TrySendError::Disconnected(number));
        }
        if self.queue.len() == self.room {
            return Err(TrySendError::Full(number));
        }
        self.queue.push_back(number);
        Ok(())
    }

    /// What a queue gives.
    fn pop(&mut self) -> Result<u32, TryRecvError> {
        let empty = match self.has_senders() {
            true => TryRecvError::Empty,
            false => TryRecvError::Disconnected,
        };
        self.queue.pop_front().ok_or(empty)
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::TrySend => {
                let message = self.message();
                let Some(sender) = &self.sender else { return };
                let number = message.0;
                let sent = sender.try_send(message).map_err(|error| match error {
                    TrySendError::Full((number, _)) => TrySendError::Full(number),
                    TrySendError::Disconnected((number, _)) => TrySendError::Disconnected(number),
                });
                assert_eq!(sent, self.push(number));
            }
            Step::TryRecv => {
                let Some(receiver) = &self.receiver else {
                    return;
                };
                let received = receiver.try_recv().map(|(number, _)| number);
                assert_eq!(received, self.pop());
            }
            Step::BeginSend => {
                let message = self.message();
                let Some(sender) = self.sender.clone() else {
                    return;
                };
                self.sending.push(Waits {
                    number: message.0,
                    task: Task::new(async move { sender.send_async(message).await }),
                    seen: 0,
                });
                self.poll_send(self.sending.len() - 1);
            }
            Step::BeginRecv => {
                let Some(receiver) = self.receiver.clone() else {
                    return;
                };
                self.receiving.push(Waits {
                    number: 0,
                    task: Task::new(async move { receiver.recv_async().await }),
                    seen: 0,
                });
                self.poll_recv(self.receiving.len() - 1);
            }
            Step::PollSend(at) if at < self.sending.len() => self.poll_send(at),
            Step::PollRecv(at) if at < self.receiving.len() => self.poll_recv(at),
            Step::CancelSend(at) if at < self.sending.len() => drop(self.sending.remove(at)),
            Step::CancelRecv(at) if at < self.receiving.len() => drop(self.receiving.remove(at)),
            Step::NoMoreSenders => self.sender = None,
            Step::NoMoreReceivers => self.receiver = None,
            _ => {}
        }
        if !self.has_receivers() {
            self.queue.clear();
        }
    }

    fn poll_send(&mut self, at: usize) {
        let waits = &mut self.sending[at];
        let (number, sent) = (waits.number, waits.poll());
        match (sent, self.push(number)) {
            (None, Err(TrySendError::Full(_))) => return,
            (Some(Ok(())), Ok(())) => {}
            (Some(Err(SendError((back, _)))), Err(TrySendError::Disconnected(_))) => {
                assert_eq!(back, number);
            }
            (sent, expected) => panic!("{:?}, not {expected:?}", sent.map(|sent| sent.is_ok())),
        }
        drop(self.sending.remove(at));
    }

    fn poll_recv(&mut self, at: usize) {
        let received = self.receiving[at].poll();
        match (received, self.pop()) {
            (None, Err(TryRecvError::Empty)) => return,
            (Some(Ok((number, _))), Ok(expected)) => assert_eq!(number, expected),
            (Some(Err(RecvError)), Err(TryRecvError::Disconnected)) => {}
            (received, expected) => panic!("{received:?}, not {expected:?}"),
        }
        drop(self.receiving.remove(at));
    }

    fn check(&self) {
        let room = match self.has_receivers() {
            true => self.room - self.queue.len(),
            false => usize::MAX,
        };
        let here = match self.has_senders() {
            true => self.queue.len(),
            false => usize::MAX,
        };
        assert!(
            woken(&self.sending) >= room.min(self.sending.len()),
            "a sender sleeps"
        );
        assert!(
            woken(&self.receiving) >= here.min(self.receiving.len()),
            "a receiver sleeps"
        );
        // Each message lives in the queue or with its sender, or no more.
        let alive = Arc::strong_count(&self.token) - 1;
        assert_eq!(alive, self.queue.len() + self.sending.len());
        let length = match (&self.sender, &self.receiver) {
            (Some(sender), _) => sender.len(),
            (_, Some(receiver)) => receiver.len(),
            _ => return,
        };
        assert_eq!(length, self.queue.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_channel_is_a_queue(
        steps in steps(),
        capacity in prop_oneof![Just(None), (1_usize..4).prop_map(Some)],
    ) {
        let mut model = Model::new(capacity);
        for step in steps {
            model.step(step);
            model.check();
        }
    }
}
