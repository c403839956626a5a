//! The ring from one agent to one other. Two agents: there is one of each end.
//!
//! Nobody repeats a call until it succeeds: who finds the ring full, or empty, goes on, and the end of the scene takes what is left.

use std::sync::{Arc, Mutex};

use crate::Scene;
use crate::scene::Stage;
use crate::world::{Data, Tally, rounds};
use web_sync::spsc::{Consumer, Producer, RingBuffer};

models![spsc: one_by_one, positions_wrap, slices_wrap, chunks_wrap, a_failure_is_no_lie, the_producer_goes, the_consumer_goes,
    both_go;
    stale: the_producer_goes, both_go];

/// An item that races if the ring does not order it, and that counts how often it was dropped.
struct Item {
    number: u32,
    data: Data,
    dropped: Arc<Tally>,
}

impl Drop for Item {
    fn drop(&mut self) {
        self.data.add();
        self.dropped.add();
    }
}

/// A ring's ends, and what is known of its items.
struct Belt<T> {
    producer: Mutex<Option<Producer<T>>>,
    consumer: Mutex<Option<Consumer<T>>>,
    sent: Tally,
    received: Tally,
    dropped: Arc<Tally>,
}

impl<T> Belt<T> {
    /// `before` the positions wrap there are so many items.
    fn new(capacity: usize, before: u32) -> Self {
        let (producer, consumer) = RingBuffer::starting_at(capacity, 0_u32.wrapping_sub(before));
        Self {
            producer: Mutex::new(Some(producer)),
            consumer: Mutex::new(Some(consumer)),
            sent: Tally::default(),
            received: Tally::default(),
            dropped: Arc::default(),
        }
    }

    /// Works with the producer, and leaves it to the end of the scene.
    fn produce<R>(&self, act: impl FnOnce(&mut Producer<T>) -> R) -> R {
        act(self.producer.lock().unwrap().as_mut().expect("it is here"))
    }

    fn consume<R>(&self, act: impl FnOnce(&mut Consumer<T>) -> R) -> R {
        act(self.consumer.lock().unwrap().as_mut().expect("it is here"))
    }
}

impl Belt<Item> {
    fn push(&self, producer: &mut Producer<Item>, times: u32) {
        for _ in 0..times {
            let mut item = Item {
                number: self.sent.get(),
                data: Data::default(),
                dropped: Arc::clone(&self.dropped),
            };
            item.data.add();
            match producer.push(item) {
                Ok(()) => self.sent.add(),
                Err(web_sync::spsc::PushError::Full(item)) => {
                    // It never was in the ring.
                    std::mem::forget(item);
                }
            }
        }
    }

    fn take(&self, item: &Item) {
        assert_eq!(item.number, self.received.get(), "out of order");
        assert_eq!(item.data.get(), 1);
        self.received.add();
    }

    fn pop(&self, consumer: &mut Consumer<Item>, times: u32) {
        for _ in 0..times {
            if let Ok(item) = consumer.pop() {
                self.take(&item);
            }
        }
    }

    /// Takes what is left; each item was received, and dropped, once.
    fn check(&self) {
        self.consume(|consumer| self.pop(consumer, rounds(8)));
        assert_eq!(self.received.get(), self.sent.get());
        self.check_dropped();
    }

    /// The ends go; each item was dropped once.
    fn check_dropped(&self) {
        drop(self.producer.lock().unwrap().take());
        drop(self.consumer.lock().unwrap().take());
        assert_eq!(self.dropped.get(), self.sent.get());
    }
}

/// A slot is used again at once.
///
/// Seen to fail: the head or the tail is stored, or loaded, without an ordering.
#[must_use]
pub fn one_by_one() -> Scene {
    Stage::new(Belt::new(1, 0))
        .thread(|belt| belt.produce(|producer| belt.push(producer, rounds(3))))
        .thread(|belt| belt.consume(|consumer| belt.pop(consumer, rounds(3))))
        .end(Belt::check)
}

/// Positions wrap between two items, and the slots at another place.
///
/// Seen to fail: a slot is a position modulo the capacity; a difference of positions is taken with saturation.
#[must_use]
pub fn positions_wrap() -> Scene {
    Stage::new(Belt::new(3, 1))
        .thread(|belt| {
            belt.produce(|producer| {
                belt.push(producer, rounds(4));
                assert!(producer.slots() <= 3);
            });
        })
        .thread(|belt| {
            belt.consume(|consumer| {
                belt.pop(consumer, rounds(3));
                assert!(consumer.slots() <= 3);
            });
        })
        .end(Belt::check)
}

/// Slices go in and out across the end of the slots and the end of the positions.
///
/// Seen to fail: the second part is forgotten; a chunk's slots are touched after they were committed; the reader looks at its copy of the tail only; an ordering of the tail is missing.
#[must_use]
pub fn slices_wrap() -> Scene {
    let belt: Belt<u32> = Belt::new(2, 1);
    Stage::new(belt)
        .thread(|belt| {
            for round in 0..rounds(2) {
                let first = belt.sent.get();
                let items = [first, first + 1];
                let count = belt.produce(|producer| match round % 2 {
                    0 => put_in_place(producer, items),
                    _ => producer.push_slice(&items),
                });
                (0..count).for_each(|_| belt.sent.add());
            }
        })
        .thread(|belt| {
            for _ in 0..rounds(2) {
                take_slice(belt);
            }
        })
        .end(|belt| {
            for _ in 0..3 {
                take_slice(belt);
            }
            assert_eq!(belt.received.get(), belt.sent.get());
        })
}

/// Both, in slots that have values before; or none.
fn put_in_place(producer: &mut Producer<u32>, items: [u32; 2]) -> usize {
    let Ok(mut chunk) = producer.write_chunk(2) else {
        return 0;
    };
    let (first, second) = chunk.as_mut_slices();
    for (slot, item) in first.iter_mut().chain(second).zip(items) {
        *slot = item;
    }
    chunk.commit(2);
    2
}

fn take_slice(belt: &Belt<u32>) {
    let mut items = [0; 3];
    let count = belt.consume(|consumer| consumer.pop_slice(&mut items));
    for item in &items[..count] {
        assert_eq!(*item, belt.received.get());
        belt.received.add();
    }
}

/// The same in place: one fills chunks, the other moves one item out of a chunk and drops the rest of it.
///
/// Seen to fail: the iterator, or `commit`, does not give slots back.
#[must_use]
pub fn chunks_wrap() -> Scene {
    Stage::new(Belt::new(2, 1))
        .thread(|belt| {
            for _ in 0..rounds(2) {
                belt.produce(|producer| {
                    let Ok(chunk) = producer.write_chunk_uninit(2) else {
                        return;
                    };
                    let first = belt.sent.get();
                    let count = chunk.fill_from_iter((first..first + 2).map(|number| {
                        let mut data = Data::default();
                        data.add();
                        let dropped = Arc::clone(&belt.dropped);
                        Item {
                            number,
                            data,
                            dropped,
                        }
                    }));
                    assert_eq!(count, 2);
                    belt.sent.add();
                    belt.sent.add();
                });
            }
        })
        .thread(|belt| {
            for _ in 0..rounds(2) {
                belt.consume(|consumer| {
                    let Ok(chunk) = consumer.read_chunk(2) else {
                        return;
                    };
                    let mut items = chunk.into_iter();
                    belt.take(&items.next().expect("one of two"));
                    let rest = consumer.read_chunk(1).expect("the other one");
                    belt.take(&rest.as_slices().0[0]);
                    rest.commit_all();
                });
            }
        })
        .end(Belt::check)
}

/// What an end says of the other one's work holds: as much room, and as many items, as it saw are there afterwards.
///
/// Seen to fail: the writer looks at its copy of the head only; a slot is a position modulo the capacity.
#[must_use]
pub fn a_failure_is_no_lie() -> Scene {
    Stage::new(Belt::new(2, 1))
        .thread(|belt| {
            belt.produce(|producer| {
                belt.push(producer, 2);
                for _ in 0..producer.slots() {
                    let before = belt.sent.get();
                    belt.push(producer, 1);
                    assert_eq!(belt.sent.get(), before + 1, "there was room");
                }
            });
        })
        .thread(|belt| {
            belt.consume(|consumer| {
                let seen = consumer.slots() as u32;
                if let Ok(item) = consumer.peek() {
                    assert_eq!((item.number, item.data.get()), (0, 1));
                }
                belt.pop(consumer, seen);
                assert_eq!(belt.received.get(), seen, "they were there");
            });
        })
        .end(Belt::check)
}

/// Whoever hears that the producer is gone finds all that it left.
///
/// Seen to fail: the end that goes does not release; who asks does not acquire.
#[must_use]
pub fn the_producer_goes() -> Scene {
    Stage::new(Belt::new(2, 1))
        .thread(|belt| {
            let mut producer = belt.producer.lock().unwrap().take().expect("it is here");
            belt.push(&mut producer, 2);
        })
        .thread(|belt| {
            belt.consume(|consumer| {
                let over = consumer.is_abandoned();
                belt.pop(consumer, 2);
                if over {
                    assert_eq!(belt.received.get(), 2);
                    assert!(consumer.is_empty());
                }
            });
        })
        .end(Belt::check)
}

/// The consumer goes with items in the ring, while there come more. The ring goes with the producer.
///
/// Seen to fail: the first end that goes frees the ring; the second one drops no items.
#[must_use]
pub fn the_consumer_goes() -> Scene {
    Stage::new(Belt::new(2, 1))
        .thread(|belt| {
            belt.produce(|producer| {
                belt.push(producer, 2);
                if producer.is_abandoned() {
                    assert!(producer.slots() <= 2);
                }
                belt.push(producer, 1);
            });
        })
        .thread(|belt| {
            let mut consumer = belt.consumer.lock().unwrap().take().expect("it is here");
            belt.pop(&mut consumer, 1);
        })
        .end(Belt::check_dropped)
}

/// Both go, in whichever order: one of them frees the ring and drops what is in it.
///
/// Seen to fail: the second end that goes does not acquire what the first one did.
#[must_use]
pub fn both_go() -> Scene {
    Stage::new(Belt::new(2, 1))
        .thread(|belt| {
            let mut producer = belt.producer.lock().unwrap().take().expect("it is here");
            belt.push(&mut producer, 2);
        })
        .thread(|belt| {
            let mut consumer = belt.consumer.lock().unwrap().take().expect("it is here");
            belt.pop(&mut consumer, 1);
        })
        .end(Belt::check_dropped)
}
