//! Senders as sinks: order, room, and what happens when one side goes. Feature `futures`.
#![cfg(feature = "futures")]

mod common;

use std::cell::Cell;
use std::future::poll_fn;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::sync::Arc;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use common::{Task, now};
use web_sync::mpmc::{self, SendError, TryRecvError};
use web_sync::mpsc;
use web_sync::sink::{SendSink, Sink};

async fn ready<T>(sink: &mut SendSink<T>) -> Result<(), SendError<T>> {
    poll_fn(|context| Pin::new(&mut *sink).poll_ready(context)).await
}

async fn flush<T>(sink: &mut SendSink<T>) -> Result<(), SendError<T>> {
    poll_fn(|context| Pin::new(&mut *sink).poll_flush(context)).await
}

async fn close<T>(sink: &mut SendSink<T>) -> Result<(), SendError<T>> {
    poll_fn(|context| Pin::new(&mut *sink).poll_close(context)).await
}

fn start<T>(sink: &mut SendSink<T>, message: T) -> Result<(), SendError<T>> {
    Pin::new(sink).start_send(message)
}

async fn feed<T>(sink: &mut SendSink<T>, message: T) -> Result<(), SendError<T>> {
    ready(sink).await?;
    start(sink, message)
}

#[test]
fn an_unbounded_channel_is_always_ready() {
    let ((one, from_one), (two, from_two)) = (mpsc::channel(), mpmc::channel());
    for mut sink in [one.sink(), two.sink()] {
        for number in 0..100 {
            now(feed(&mut sink, number)).unwrap();
        }
        now(flush(&mut sink)).unwrap();
    }
    drop((one, two));
    assert!(from_one.iter().eq(0..100));
    assert!(from_two.iter().eq(0..100));
}

#[test]
fn a_full_channel_is_waited_for() {
    let (sender, receiver) = mpsc::sync_channel(2);
    let mut sink = sender.sink();
    for number in 0..2 {
        now(feed(&mut sink, number)).unwrap();
        now(flush(&mut sink)).unwrap();
    }
    // One more is in hand, and then it is not ready.
    now(feed(&mut sink, 2)).unwrap();
    let mut feeds = Task::waiting(feed(&mut sink, 3));
    assert!(feeds.poll().is_none());
    assert_eq!(receiver.recv(), Ok(0));
    assert_eq!(feeds.wakes(), 1);
    assert_eq!(feeds.finish(), Ok(()));
    // A future that waits for it goes, and what is in hand stays there.
    drop(Task::waiting(flush(&mut sink)));
    let flushes = Task::waiting(flush(&mut sink));
    assert_eq!(receiver.recv(), Ok(1));
    assert_eq!(flushes.wakes(), 1);
    assert_eq!(flushes.finish(), Ok(()));
    drop((sender, sink));
    assert!(receiver.iter().eq([2, 3]));
}

#[test]
fn a_channel_that_holds_nothing_is_flushed_when_all_is_received() {
    let (sender, receiver) = mpmc::sync_channel(0);
    let mut sink = sender.sink();
    for number in 0..3 {
        now(feed(&mut sink, number)).unwrap();
        let flushes = Task::waiting(flush(&mut sink));
        assert_eq!(receiver.try_recv(), Ok(number));
        assert_eq!(flushes.wakes(), 1);
        assert_eq!(flushes.finish(), Ok(()));
        // A receiver that waits is met at once.
        let receive = Task::waiting(receiver.recv_async());
        now(feed(&mut sink, 10)).unwrap();
        assert_eq!(receive.finish(), Ok(10));
        now(flush(&mut sink)).unwrap();
    }
    // Two sinks come one after the other.
    let mut other = sender.sink();
    now(feed(&mut sink, 1)).unwrap();
    now(feed(&mut other, 2)).unwrap();
    let (first, mut second) = (
        Task::waiting(flush(&mut sink)),
        Task::waiting(flush(&mut other)),
    );
    assert_eq!(receiver.try_recv(), Ok(1));
    assert!(second.poll().is_none(), "it lies there now");
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!([first.finish(), second.finish()], [Ok(()), Ok(())]);
}

#[test]
fn a_message_comes_back_when_the_receivers_are_gone() {
    for room in [0, 1] {
        let (sender, receiver) = mpmc::sync_channel(room);
        let mut sink = sender.sink();
        for number in 0..=room {
            now(feed(&mut sink, number)).unwrap();
        }
        let waits = Task::waiting(ready(&mut sink));
        drop(receiver);
        assert_eq!(waits.wakes(), 1);
        assert_eq!(waits.finish(), Err(SendError(room)));
        // It has none in hand any more, and each that is given to it comes back.
        assert_eq!(now(ready(&mut sink)), Ok(()));
        assert_eq!(start(&mut sink, 5), Err(SendError(5)));
        assert_eq!(now(flush(&mut sink)), Ok(()));
        assert_eq!(now(close(&mut sink)), Ok(()));
    }
    let (sender, receiver) = mpsc::channel();
    let mut sink = sender.sink();
    drop(receiver);
    assert_eq!(now(feed(&mut sink, 1)), Err(SendError(1)));
}

#[test]
fn a_closed_sink_has_sent_all_and_disconnects() {
    for room in [0, 1] {
        let (sender, receiver) = mpmc::sync_channel(room);
        let mut sink = sender.sink();
        drop(sender);
        for number in 0..=room {
            now(feed(&mut sink, number)).unwrap();
        }
        let mut closes = Task::waiting(close(&mut sink));
        assert!(closes.poll().is_none());
        for number in 0..=room {
            assert!(!receiver.is_disconnected() || room == 1);
            assert_eq!(receiver.try_recv(), Ok(number));
            if number == 0 {
                assert_eq!(closes.poll(), Some(Ok(())));
            }
        }
        drop(closes);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
        assert_eq!(now(ready(&mut sink)), Ok(()));
        assert_eq!(start(&mut sink, 9), Err(SendError(9)));
        assert_eq!(now(close(&mut sink)), Ok(()));
    }
}

/// What it has in hand goes with it; what it has sent does not, and whoever waits behind it is served.
#[test]
fn a_dropped_sink_drops_what_it_has_in_hand() {
    let token = Arc::new(());
    for (room, polled) in [(0, false), (0, true), (1, false), (1, true)] {
        let (sender, receiver) = mpmc::sync_channel(room);
        let mut sink = sender.sink();
        for _ in 0..=room {
            now(feed(&mut sink, Arc::clone(&token))).unwrap();
        }
        if polled {
            drop(Task::waiting(flush(&mut sink)));
        }
        assert_eq!(Arc::strong_count(&token), room + 2);
        drop(sink);
        assert_eq!(Arc::strong_count(&token), room + 1);
        assert_eq!(receiver.try_iter().count(), room);
        // The table is free again, or there is room.
        let mut send = Task::new(sender.send_async(Arc::clone(&token)));
        let sent = send.poll();
        assert!(receiver.try_recv().is_ok());
        assert_eq!(sent.unwrap_or_else(|| send.finish()), Ok(()));
    }
    let (sender, receiver) = mpmc::sync_channel(1);
    sender.send(0).unwrap();
    let mut sink = sender.sink();
    start(&mut sink, 1).unwrap();
    drop(Task::waiting(flush(&mut sink)));
    let next = Task::waiting(sender.send_async(2));
    assert_eq!(receiver.recv(), Ok(0));
    drop(sink);
    assert_eq!(next.wakes(), 1);
    assert_eq!(next.finish(), Ok(()));
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [2]);
}

/// A sink that has been met before waits for the place where it meets the next one, and not for somebody who has been there.
#[test]
fn a_sink_that_waits_for_its_turn_hears_of_it() {
    let (sender, receiver) = mpmc::sync_channel(0);
    let mut sink = sender.sink();
    start(&mut sink, 0).unwrap();
    let flushes = Task::waiting(flush(&mut sink));
    assert_eq!(receiver.try_recv(), Ok(0));
    assert_eq!(flushes.finish(), Ok(()));
    let lies = Task::waiting(sender.send_async(1));
    start(&mut sink, 2).unwrap();
    let flushes = Task::waiting(flush(&mut sink));
    drop(lies);
    assert_eq!(flushes.wakes(), 1);
    drop(flushes);
    drop(Task::waiting(flush(&mut sink)));
    assert_eq!(receiver.try_recv(), Ok(2));
}

#[test]
#[cfg(panic = "unwind")]
fn a_sink_that_is_not_ready_takes_nothing() {
    let (sender, receiver) = mpsc::sync_channel(1);
    let mut sink = sender.sink();
    start(&mut sink, 1).unwrap();
    start(&mut sink, 2).unwrap();
    let said = common::panic_of(|| start(&mut sink, 3));
    assert!(said.contains("not ready"), "{said}");
    // What it had in hand is there still.
    assert_eq!(receiver.recv(), Ok(1));
    assert_eq!(now(flush(&mut sink)), Ok(()));
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [2]);
}

/// Messages may borrow, as those of any channel.
#[test]
fn what_is_sent_may_be_borrowed() {
    let text = String::from("borrowed");
    let (sender, receiver) = mpsc::sync_channel(1);
    let mut sink = sender.sink();
    now(feed(&mut sink, &text[..])).unwrap();
    now(feed(&mut sink, &text[1..])).unwrap();
    assert_eq!(receiver.recv(), Ok("borrowed"));
    now(close(&mut sink)).unwrap();
    assert_eq!(receiver.recv(), Ok("orrowed"));
    assert_eq!(format!("{sink:?}"), "SendSink { .. }");
}

#[test]
fn a_sink_is_sent_as_its_messages_are() {
    fn check<T: Send + Unpin>() {}
    check::<SendSink<Cell<i32>>>();
    fn check_unpin<T: Unpin>() {}
    check_unpin::<SendSink<PhantomPinned>>();
}

#[cfg(not(target_family = "wasm"))]
#[test]
fn sinks_send_beside_each_other() {
    const COUNT: usize = if cfg!(miri) { 20 } else { 2_000 };
    for room in [0, 1, 3] {
        let (sender, receiver) = mpmc::sync_channel(room);
        std::thread::scope(|scope| {
            for id in 0..3 {
                let mut sink = sender.sink();
                scope.spawn(move || {
                    pollster::block_on(async {
                        for number in 0..COUNT {
                            feed(&mut sink, (id, number)).await.unwrap();
                        }
                        close(&mut sink).await.unwrap();
                    });
                });
            }
            drop(sender);
            let mut next = [0; 3];
            for (id, number) in receiver {
                assert_eq!(number, next[id]);
                next[id] += 1;
            }
            assert_eq!(next, [COUNT; 3]);
        });
    }
}
