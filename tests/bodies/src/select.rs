//! Bodies for `select`.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use web_sync::mpmc::{self, Receiver, Sender};
use web_sync::select::{Select, recv, send};
use web_sync::{oneshot, select};
use web_sync_testkit::{Pool, TIMEOUT};

use crate::channel::{Message, Post, make};
use crate::{Dice, join, poll_once, yield_now};

/// What the channels of a body hold, by turns.
const CAPACITIES: [Option<usize>; 3] = [None, Some(2), Some(0)];

/// Each worker sends over a channel of its own, and this agent selects from all of them by all means there are: everything comes once, and in
/// order.
pub async fn many_channels(pool: &Pool, rounds: u32) {
    let post = Arc::new(Post::default());
    let mut receivers = Vec::new();
    let mut handles = Vec::new();
    for index in 0..pool.len() {
        let (sender, receiver) = make(CAPACITIES[index % CAPACITIES.len()]);
        let post = Arc::clone(&post);
        receivers.push((index as u32, receiver));
        handles.push(pool.run(index, move || {
            for number in 0..rounds {
                let sent = sender.send(post.message(index as u32, number));
                sent.expect("the receiver is there");
            }
        }));
    }
    for handle in &handles {
        handle.started().await.unwrap();
    }
    let mut next = vec![0; pool.len()];
    let mut dice = Dice::new(rounds);
    while !receivers.is_empty() {
        let mut cases: Vec<_> = receivers
            .iter()
            .map(|(_, receiver)| recv(receiver))
            .collect();
        let select = Select::new(&mut cases);
        let chosen = match dice.roll(4) {
            0 => Some(select.select()),
            1 => Some(select.select_timeout(TIMEOUT).expect("something comes")),
            2 => Some(select.select_async().await),
            _ => select.try_select(),
        };
        let Some(chosen) = chosen else { continue };
        match cases[chosen].take().expect("chosen") {
            Ok(message) => {
                assert_eq!(message.sender, receivers[chosen].0, "of another channel");
                let next = &mut next[message.sender as usize];
                assert_eq!(message.number, *next, "out of order");
                *next += 1;
                post.receive(message);
            }
            Err(_) => {
                receivers.swap_remove(chosen);
            }
        }
    }
    join(handles).await;
    post.check(Some(rounds * pool.len() as u32));
}

/// What has come of it to send and to receive at once.
enum Exchange {
    Sent,
    Received,
    Stopped,
}

/// Sends, or receives what another one sends, whatever comes first.
fn exchange(
    post: &Post,
    ends: &(Sender<Message>, Receiver<Message>),
    stop: &Receiver<()>,
    message: Message,
) -> Exchange {
    let own = (message.sender, message.number);
    select! {
        send(&ends.0, message) -> sent => {
            assert!(sent.is_ok(), "a receiver is there");
            Exchange::Sent
        }
        recv(&ends.1) -> message => {
            let message = message.expect("a sender is there");
            assert_ne!((message.sender, message.number), own, "it met itself");
            post.receive(message);
            Exchange::Received
        }
        recv(stop) -> _ => Exchange::Stopped,
    }
}

/// All agents send and receive at once over one channel that holds nothing: selects meet selects. Each message is received, or comes back.
pub async fn all_exchange(pool: &Pool, rounds: u32) {
    let post = Arc::new(Post::default());
    let ends = mpmc::sync_channel(0);
    let (stop, stopped) = mpmc::channel::<()>();
    let handles: Vec<_> = (0..pool.len())
        .map(|index| {
            let (post, ends, stopped) = (Arc::clone(&post), ends.clone(), stopped.clone());
            pool.run(index, move || {
                let mut sent = 0;
                for number in 0.. {
                    let message = post.message(index as u32, number);
                    match exchange(&post, &ends, &stopped, message) {
                        Exchange::Sent => sent += 1,
                        Exchange::Received => {}
                        Exchange::Stopped => break,
                    }
                }
                sent
            })
        })
        .collect();
    for handle in &handles {
        handle.started().await.unwrap();
    }
    let mut sent = 0;
    for number in 0..rounds {
        let message = post.message(pool.len() as u32, number);
        match exchange(&post, &ends, &stopped, message) {
            Exchange::Sent => sent += 1,
            Exchange::Received => {}
            Exchange::Stopped => panic!("nobody says so"),
        }
    }
    drop(stop);
    let sent = sent + join(handles).await.iter().sum::<u32>();
    // Who was claimed has taken what was handed over.
    let rest = ends.1.try_recv();
    assert!(rest.is_err(), "sent, and not received");
    post.check(Some(sent));
}

/// Selects that are dropped before, while and after they are woken, and time-outs: no message is lost, and nobody is forgotten.
pub async fn cancelled_selects_lose_nothing(pool: &Pool, rounds: u32) {
    for capacity in CAPACITIES {
        let post = Arc::new(Post::default());
        let (one, from_one) = make(capacity);
        let (two, from_two) = make(capacity);
        let handles = (0..pool.len()).map(|index| {
            let post = Arc::clone(&post);
            let (one, two, from_two) = (one.clone(), two.clone(), from_two.clone());
            pool.run(index, move || {
                if index % 2 == 0 {
                    drop(from_two);
                    for number in 0..rounds {
                        let to = if number % 2 == 0 { &one } else { &two };
                        let sent = to.send(post.message(index as u32, number));
                        sent.expect("a receiver is there");
                    }
                } else {
                    drop((one, two));
                    from_two.iter().for_each(|message| post.receive(message));
                }
            })
        });
        let handles: Vec<_> = handles.collect();
        drop((one, two));
        for handle in &handles {
            handle.started().await.unwrap();
        }
        let mut dice = Dice::new(rounds);
        'all: loop {
            let (mut first, mut second) = (recv(&from_one), recv(&from_two));
            let select = Select::new((&mut first, &mut second));
            let mut chosen = None;
            if dice.roll(2) == 0 {
                let timeout = Duration::from_micros(u64::from(dice.roll(100)));
                chosen = select.select_timeout(timeout);
            } else {
                let mut future = pin!(select.select_async());
                for _ in 0..=dice.roll(4) {
                    match poll_once(future.as_mut()).await {
                        Poll::Ready(index) => {
                            chosen = Some(index);
                            break;
                        }
                        Poll::Pending if dice.roll(2) == 0 => yield_now().await,
                        Poll::Pending => {}
                    }
                }
            }
            let received = match chosen {
                None => continue,
                Some(0) => first.take(),
                Some(_) => second.take(),
            };
            match received.expect("chosen") {
                Ok(message) => post.receive(message),
                // The senders go together. What is left is in the other channel.
                Err(_) => break 'all,
            }
        }
        for rest in from_one.iter().chain(from_two.iter()) {
            post.receive(rest);
        }
        join(handles).await;
        drop((from_one, from_two));
        post.check(Some(rounds * pool.len().div_ceil(2) as u32));
    }
}

/// Workers wait in a select for work or for the end: all work is done, and all of them end.
pub async fn work_until_told(pool: &Pool, rounds: u32) {
    let post = Arc::new(Post::default());
    let (work, inbox) = mpmc::sync_channel(0);
    let mut stops = Vec::new();
    let mut handles = Vec::new();
    for index in 0..pool.len() {
        let (stop, mut stopped) = oneshot::channel::<()>();
        stops.push(stop);
        let (post, inbox) = (Arc::clone(&post), inbox.clone());
        let turn = async move || {
            loop {
                let (mut one, mut two) = (recv(&inbox), recv(&mut stopped));
                let select = Select::new((&mut one, &mut two));
                let chosen = match index % 2 {
                    0 => select.select(),
                    _ => select.select_async().await,
                };
                if chosen == 1 {
                    break;
                }
                let message = one.take().expect("chosen");
                post.receive(message.expect("the sender is there"));
            }
        };
        handles.push(pool.run_async(index, turn));
    }
    drop(inbox);
    for handle in &handles {
        handle.started().await.unwrap();
    }
    for number in 0..rounds {
        let mut case = send(&work, post.message(9, number));
        let select = Select::new([&mut case]);
        match number % 2 {
            0 => select.select(),
            _ => select.select_async().await,
        };
        let sent = case.take().expect("chosen");
        assert!(sent.is_ok(), "a receiver is there");
    }
    for stop in stops {
        stop.send(()).expect("it waits");
    }
    join(handles).await;
    drop(work);
    post.check(None);
}
