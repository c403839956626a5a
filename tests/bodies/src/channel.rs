//! Bodies for `mpsc`, `mpmc` and `oneshot`.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use web_sync::mpmc::{self, RecvTimeoutError, SendTimeoutError};
use web_sync::{mpsc, oneshot};
use web_sync_testkit::{Pool, TIMEOUT, time};

use crate::{Dice, join, poll_once, yield_now};

/// Counts what becomes of messages, without an ordering that could hide a missing one.
#[derive(Default)]
pub(crate) struct Post {
    made: AtomicU32,
    received: AtomicU32,
    dropped: AtomicU32,
}

/// Plain memory that a missing ordering tears, and that knows its end.
pub(crate) struct Message {
    pub(crate) sender: u32,
    pub(crate) number: u32,
    check: [u32; 4],
    post: Arc<Post>,
}

impl Drop for Message {
    fn drop(&mut self) {
        assert_eq!(
            self.check,
            [self.sender ^ self.number; 4],
            "torn, or dropped twice"
        );
        self.check = [!0; 4];
        self.post.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

impl Post {
    pub(crate) fn message(self: &Arc<Self>, sender: u32, number: u32) -> Message {
        self.made.fetch_add(1, Ordering::Relaxed);
        Message {
            sender,
            number,
            check: [sender ^ number; 4],
            post: Arc::clone(self),
        }
    }

    pub(crate) fn receive(&self, message: Message) {
        drop(message);
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    /// Each message has ended once, and so many were received.
    pub(crate) fn check(&self, received: Option<u32>) {
        let [made, got, dropped] =
            [&self.made, &self.received, &self.dropped].map(|count| count.load(Ordering::Relaxed));
        assert_eq!(made, dropped, "messages");
        if let Some(received) = received {
            assert_eq!(got, received, "received");
        }
    }
}

/// Workers send without a pause, and this agent receives by all means there are: everything comes once, and in order.
pub async fn many_send(pool: &Pool, rounds: u32) {
    let post = Arc::new(Post::default());
    let (sender, receiver) = mpsc::channel();
    let handles = (0..pool.len()).map(|index| {
        let (post, sender) = (Arc::clone(&post), sender.clone());
        pool.run(index, move || {
            for number in 0..rounds {
                let sent = sender.send(post.message(index as u32, number));
                sent.expect("the receiver is there");
            }
        })
    });
    let handles: Vec<_> = handles.collect();
    drop(sender);
    for handle in &handles {
        handle.started().await.unwrap();
    }
    let mut next = vec![0; pool.len()];
    for turn in 0.. {
        let message = match turn % 4 {
            0 => receiver.recv().ok(),
            1 => match receiver.recv_timeout(TIMEOUT) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Disconnected) => None,
                Err(RecvTimeoutError::Timeout) => panic!("nothing comes"),
            },
            2 => receiver.recv_async().await.ok(),
            _ => match receiver.try_recv() {
                Ok(message) => Some(message),
                Err(_) => continue,
            },
        };
        let Some(message) = message else { break };
        let next = &mut next[message.sender as usize];
        assert_eq!(message.number, *next, "out of order");
        *next += 1;
        post.receive(message);
    }
    join(handles).await;
    post.check(Some(rounds * pool.len() as u32));
}

/// This agent sends, and workers receive, threads and tasks: each message is for one of them, and none is left when it ends.
pub async fn many_receive(pool: &Pool, rounds: u32) {
    for capacity in [None, Some(2), Some(0)] {
        let post = Arc::new(Post::default());
        let (sender, receiver) = make(capacity);
        let handles = (0..pool.len()).map(|index| {
            let (post, receiver) = (Arc::clone(&post), receiver.clone());
            if index % 2 == 0 {
                pool.run(index, move || {
                    receiver.iter().for_each(|message| post.receive(message));
                })
            } else {
                pool.run_async(index, async move || {
                    while let Ok(message) = receiver.recv_async().await {
                        post.receive(message);
                    }
                })
            }
        });
        let handles: Vec<_> = handles.collect();
        for handle in &handles {
            handle.started().await.unwrap();
        }
        for number in 0..rounds {
            let message = post.message(9, number);
            let sent = if number % 2 == 0 {
                sender.send_async(message).await
            } else {
                sender.send(message)
            };
            sent.expect("a receiver is there");
        }
        drop(sender);
        join(handles).await;
        drop(receiver);
        post.check(Some(rounds));
    }
}

pub(crate) fn make(capacity: Option<usize>) -> (mpmc::Sender<Message>, mpmc::Receiver<Message>) {
    capacity.map_or_else(mpmc::channel, mpmc::sync_channel)
}

/// Messages go round: this agent waits for room, workers hand back what they get, and wait for room as well.
pub async fn round_trips(pool: &Pool, rounds: u32) {
    for capacity in [Some(1), Some(3), Some(0)] {
        let post = Arc::new(Post::default());
        let (there, inbox) = make(capacity);
        let (back, receiver) = make(capacity);
        let handles = (0..pool.len()).map(|index| {
            let (inbox, back) = (inbox.clone(), back.clone());
            pool.run(index, move || {
                for message in &inbox {
                    back.send(message).expect("this agent is there");
                }
            })
        });
        let handles: Vec<_> = handles.collect();
        drop((inbox, back));
        for handle in &handles {
            handle.started().await.unwrap();
        }
        let mut away = 0;
        for number in 0..rounds {
            let mut message = post.message(9, number);
            // As long as there is room it sends, and then waits for what comes back.
            while let Err(SendTimeoutError::Timeout(again)) =
                there.send_timeout(message, Duration::from_micros(50))
            {
                message = again;
                if away > 0 {
                    post.receive(receiver.recv().expect("it comes back"));
                    away -= 1;
                }
            }
            away += 1;
        }
        drop(there);
        receiver.iter().for_each(|message| post.receive(message));
        join(handles).await;
        drop(receiver);
        post.check(Some(rounds));
    }
}

/// Futures that receive are dropped before, while and after they are woken: no message is lost, and nobody is forgotten.
pub async fn cancelled_receives_lose_nothing(pool: &Pool, rounds: u32) {
    for capacity in [None, Some(1), Some(0)] {
        let post = Arc::new(Post::default());
        let (sender, receiver) = make(capacity);
        let handles = (0..pool.len()).map(|index| {
            let (post, sender, receiver) = (Arc::clone(&post), sender.clone(), receiver.clone());
            pool.run(index, move || {
                if index % 2 == 0 {
                    drop(receiver);
                    for number in 0..rounds {
                        let sent = sender.send(post.message(index as u32, number));
                        sent.expect("a receiver is there");
                    }
                } else {
                    drop(sender);
                    receiver.iter().for_each(|message| post.receive(message));
                }
            })
        });
        let handles: Vec<_> = handles.collect();
        drop(sender);
        for handle in &handles {
            handle.started().await.unwrap();
        }
        let mut dice = Dice::new(rounds);
        'all: loop {
            let mut future = pin!(receiver.recv_async());
            for _ in 0..=dice.roll(4) {
                match poll_once(future.as_mut()).await {
                    Poll::Ready(Ok(message)) => {
                        post.receive(message);
                        break;
                    }
                    Poll::Ready(Err(_)) => break 'all,
                    Poll::Pending if dice.roll(2) == 0 => yield_now().await,
                    Poll::Pending => {}
                }
            }
        }
        join(handles).await;
        drop(receiver);
        post.check(Some(rounds * pool.len().div_ceil(2) as u32));
    }
}

/// Futures that send are dropped likewise: each message is received or dropped once, and the senders that stay get through.
pub async fn cancelled_sends_end_once(pool: &Pool, rounds: u32) {
    for capacity in [Some(1), Some(0)] {
        let post = Arc::new(Post::default());
        let (sender, receiver) = make(capacity);
        let handles = (0..pool.len()).map(|index| {
            let (post, sender, receiver) = (Arc::clone(&post), sender.clone(), receiver.clone());
            pool.run(index, move || {
                if index % 2 == 0 {
                    drop(sender);
                    receiver.iter().for_each(|message| post.receive(message));
                } else {
                    drop(receiver);
                    for number in 0..rounds {
                        let sent = sender.send(post.message(index as u32, number));
                        sent.expect("a receiver is there");
                    }
                }
            })
        });
        let handles: Vec<_> = handles.collect();
        drop(receiver);
        for handle in &handles {
            handle.started().await.unwrap();
        }
        let mut dice = Dice::new(rounds);
        for number in 0..rounds {
            let mut future = pin!(sender.send_async(post.message(9, number)));
            for _ in 0..=dice.roll(4) {
                if poll_once(future.as_mut()).await.is_ready() {
                    break;
                }
                if dice.roll(2) == 0 {
                    yield_now().await;
                }
            }
        }
        drop(sender);
        join(handles).await;
        post.check(None);
    }
}

/// Time-outs on both sides, some of which pass: each message comes back, or is received, and no time-out is early.
pub async fn time_outs_lose_nothing(pool: &Pool, rounds: u32) {
    for capacity in [Some(1), Some(0)] {
        let post = Arc::new(Post::default());
        let (sender, receiver) = make(capacity);
        let handles = (0..pool.len()).map(|index| {
            let (post, sender) = (Arc::clone(&post), sender.clone());
            pool.run(index, move || {
                let mut dice = Dice::new(index as u32);
                let mut sent = 0;
                for number in 0..rounds {
                    let timeout = Duration::from_micros(u64::from(dice.roll(300)));
                    let begin = time::now();
                    match sender.send_timeout(post.message(index as u32, number), timeout) {
                        Ok(()) => sent += 1,
                        Err(SendTimeoutError::Timeout(_)) => check_time(begin, timeout),
                        Err(SendTimeoutError::Disconnected(_)) => panic!("the receiver is there"),
                    }
                }
                sent
            })
        });
        let handles: Vec<_> = handles.collect();
        drop(sender);
        for handle in &handles {
            handle.started().await.unwrap();
        }
        let mut dice = Dice::new(rounds);
        loop {
            let timeout = Duration::from_micros(u64::from(dice.roll(200)));
            let begin = time::now();
            match receiver.recv_timeout(timeout) {
                Ok(message) => post.receive(message),
                Err(RecvTimeoutError::Timeout) => check_time(begin, timeout),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let sent = join(handles).await.iter().sum();
        post.check(Some(sent));
    }
}

#[track_caller]
fn check_time(begin: Duration, timeout: Duration) {
    // The clock of a browser is coarse, by as much as 0.1 ms where the page is isolated.
    let waited = time::now() - begin + Duration::from_micros(200);
    assert!(waited >= timeout, "{waited:?} of {timeout:?}");
}

/// Ends go at any moment: whoever waits hears of it, and each message ends once.
pub async fn ends_go_at_any_moment(pool: &Pool, rounds: u32) {
    type End = Box<dyn FnOnce() + Send>;
    let post = Arc::new(Post::default());
    let (helpers, handles): (Vec<_>, Vec<_>) = (0..pool.len())
        .map(|index| {
            let (helper, inbox) = mpsc::channel::<End>();
            let handle = pool.run(index, move || inbox.into_iter().for_each(|end| end()));
            (helper, handle)
        })
        .unzip();
    for handle in &handles {
        handle.started().await.unwrap();
    }
    let mut dice = Dice::new(rounds);
    for round in 0..rounds {
        let (sender, receiver) = make([None, Some(1), Some(0)][round as usize % 3]);
        // The senders go while this agent receives, or the receiver goes while the helpers send.
        let receives = dice.roll(2) == 0;
        for (index, helper) in (0..).zip(&helpers) {
            let (post, sender) = (Arc::clone(&post), sender.clone());
            let end: End = Box::new(move || {
                for number in 0..u32::from(!receives || round % 2 == 0) {
                    let _ = sender.send(post.message(index, number));
                }
            });
            helper.send(end).expect("the helper is there");
        }
        drop(sender);
        if receives {
            let by_task = dice.roll(2) == 0;
            loop {
                let received = match by_task {
                    true => receiver.recv_async().await,
                    false => receiver.recv(),
                };
                match received {
                    Ok(message) => post.receive(message),
                    Err(_) => break,
                }
            }
        } else {
            for _ in 0..dice.roll(200) {
                core::hint::spin_loop();
            }
        }
        drop(receiver);
    }
    drop(helpers);
    join(handles).await;
    post.check(None);
}

/// Workers answer questions, each by a channel of its own; this agent waits for the answers in each way.
pub async fn questions_and_answers(pool: &Pool, rounds: u32) {
    struct Question(u32, oneshot::Sender<u32>);
    let (sender, receiver) = mpmc::channel::<Question>();
    let handles = (0..pool.len()).map(|index| {
        let receiver = receiver.clone();
        pool.run(index, move || {
            for Question(number, answer) in &receiver {
                // Some are never answered, and some nobody waits for any more.
                if number % 5 != 0 {
                    let _ = answer.send(number + 1);
                }
            }
        })
    });
    let handles: Vec<_> = handles.collect();
    for handle in &handles {
        handle.started().await.unwrap();
    }
    for number in 0..rounds {
        let (answer, mut waits) = oneshot::channel();
        let sent = sender.send(Question(number, answer));
        sent.expect("a worker is there");
        let answered = match number % 4 {
            0 => waits.recv().ok(),
            1 => waits.await.ok(),
            2 => {
                let _ = poll_once(pin!(waits.recv_async())).await.is_ready();
                continue;
            }
            _ => waits.recv_timeout(TIMEOUT).ok(),
        };
        let expected = (number % 5 != 0).then_some(number + 1);
        assert_eq!(answered, expected);
    }
    drop(sender);
    join(handles).await;
}
