//! The ring against a queue: whatever is done, and in whichever order, the results are those of a queue.
#![cfg(not(any(target_family = "wasm", miri)))]

use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;

use web_sync::spsc::{ChunkError, Consumer, PeekError, PopError, Producer, PushError, RingBuffer};

#[derive(Clone, Copy, Debug)]
enum Step {
    Push,
    Pop,
    /// A chunk of so many slots, of which so many are filled.
    Fill(usize, usize),
    /// A chunk of so many items, of which so many are moved out.
    Take(usize, usize),
    /// A chunk of so many items, of which so many are dropped.
    Commit(usize, usize),
    NoMoreProducer,
    NoMoreConsumer,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        20 => Just(Step::Push),
        20 => Just(Step::Pop),
        10 => (0_usize..9, 0_usize..9).prop_map(|(size, count)| Step::Fill(size, count)),
        10 => (0_usize..9, 0_usize..9).prop_map(|(size, count)| Step::Take(size, count)),
        10 => (0_usize..9, 0_usize..9).prop_map(|(size, count)| Step::Commit(size, count)),
        1 => Just(Step::NoMoreProducer),
        1 => Just(Step::NoMoreConsumer),
    ];
    prop::collection::vec(step, 1..120)
}

/// An item that counts as long as it lives.
type Item = (u32, Arc<()>);

struct Model {
    producer: Option<Producer<Item>>,
    consumer: Option<Consumer<Item>>,
    queue: VecDeque<u32>,
    capacity: usize,
    next: u32,
    token: Arc<()>,
}

impl Model {
    fn new(capacity: usize, start: u32) -> Self {
        let (producer, consumer) = RingBuffer::starting_at(capacity, start);
        Self {
            producer: Some(producer),
            consumer: Some(consumer),
            queue: VecDeque::new(),
            capacity,
            next: 0,
            token: Arc::new(()),
        }
    }

    fn room(&self) -> usize {
        self.capacity - self.queue.len()
    }

    fn step(&mut self, step: Step) {
        let room = self.room();
        let here = self.queue.len();
        match (step, &mut self.producer, &mut self.consumer) {
            (Step::Push, Some(producer), _) => {
                self.next += 1;
                let pushed = producer.push((self.next, Arc::clone(&self.token)));
                match pushed {
                    Ok(()) if room > 0 => self.queue.push_back(self.next),
                    Err(PushError::Full((number, _))) if room == 0 => assert_eq!(number, self.next),
                    pushed => panic!("{pushed:?} with room for {room}"),
                }
            }
            (Step::Pop, _, Some(consumer)) => {
                let peeked = consumer.peek().map(|item| item.0);
                let first = self.queue.front().copied();
                assert_eq!(peeked, first.ok_or(PeekError::Empty));
                let popped = consumer.pop().map(|item| item.0);
                assert_eq!(popped, self.queue.pop_front().ok_or(PopError::Empty));
            }
            (Step::Fill(size, count), Some(producer), _) => {
                let chunk = match producer.write_chunk_uninit(size) {
                    Ok(chunk) => chunk,
                    Err(error) => {
                        assert!(size > room);
                        assert_eq!(error, ChunkError::TooFewSlots(room));
                        return;
                    }
                };
                assert!(size <= room);
                assert_eq!((chunk.len(), chunk.is_empty()), (size, size == 0));
                let first = self.next + 1;
                let token = &self.token;
                let items = (first..)
                    .take(count)
                    .map(|number| (number, Arc::clone(token)));
                let filled = chunk.fill_from_iter(items);
                assert_eq!(filled, size.min(count));
                self.next += filled as u32;
                self.queue.extend(first..=self.next);
            }
            (Step::Take(size, count) | Step::Commit(size, count), _, Some(consumer)) => {
                let chunk = match consumer.read_chunk(size) {
                    Ok(chunk) => chunk,
                    Err(error) => {
                        assert!(size > here);
                        assert_eq!(error, ChunkError::TooFewSlots(here));
                        return;
                    }
                };
                assert_eq!((chunk.len(), chunk.is_empty()), (size, size == 0));
                let (first, second) = chunk.as_slices();
                let items = first.iter().chain(second).map(|item| item.0);
                assert!(items.eq(self.queue.iter().copied().take(size)));
                let count = count.min(size);
                let gone = self.queue.drain(..count);
                if let Step::Take(..) = step {
                    assert!(chunk.into_iter().take(count).map(|item| item.0).eq(gone));
                } else {
                    drop(gone);
                    chunk.commit(count);
                }
            }
            (Step::NoMoreProducer, ..) => self.producer = None,
            (Step::NoMoreConsumer, ..) => self.consumer = None,
            _ => {}
        }
        if self.producer.is_none() && self.consumer.is_none() {
            self.queue.clear();
        }
    }

    fn check(&self) {
        let alive = Arc::strong_count(&self.token) - 1;
        assert_eq!(alive, self.queue.len());
        if let Some(producer) = &self.producer {
            assert_eq!(producer.slots(), self.room());
            assert_eq!(producer.is_full(), self.room() == 0);
            assert_eq!(producer.is_abandoned(), self.consumer.is_none());
        }
        if let Some(consumer) = &self.consumer {
            assert_eq!(consumer.slots(), self.queue.len());
            assert_eq!(consumer.is_empty(), self.queue.is_empty());
            assert_eq!(consumer.is_abandoned(), self.producer.is_none());
        }
    }
}

/// What is copied in and out, in pieces of these lengths.
fn copied(capacity: usize, start: u32, lengths: &[(usize, usize, bool)]) {
    let (mut producer, mut consumer) = RingBuffer::starting_at(capacity, start);
    let mut queue = VecDeque::<u32>::new();
    let mut next = 0_u32;
    for &(put, take, entire) in lengths {
        let items: Vec<u32> = (next..).take(put).collect();
        let room = capacity - queue.len();
        let count = if entire {
            let pushed = producer.push_entire_slice(&items);
            let few = ChunkError::TooFewSlots(room);
            assert_eq!(pushed, if put > room { Err(few) } else { Ok(()) });
            pushed.map_or(0, |()| put)
        } else {
            producer.push_slice(&items)
        };
        assert!(entire || count == put.min(room));
        queue.extend(&items[..count]);
        next += count as u32;

        let mut items = vec![u32::MAX; take];
        let here = queue.len();
        let count = if entire {
            let popped = consumer.pop_entire_slice(&mut items);
            let few = ChunkError::TooFewSlots(here);
            assert_eq!(popped, if take > here { Err(few) } else { Ok(()) });
            popped.map_or(0, |()| take)
        } else {
            consumer.pop_slice(&mut items)
        };
        assert!(entire || count == take.min(here));
        assert!(queue.drain(..count).eq(items[..count].iter().copied()));
        assert!(items[count..].iter().all(|item| *item == u32::MAX));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_ring_is_a_queue(steps in steps(), capacity in 0_usize..9, before in 0_u32..40) {
        let mut model = Model::new(capacity, 0_u32.wrapping_sub(before));
        for step in steps {
            model.step(step);
            model.check();
        }
    }

    #[test]
    fn slices_are_copied_as_by_a_queue(
        lengths in prop::collection::vec((0_usize..9, 0_usize..9, any::<bool>()), 1..60),
        capacity in 0_usize..9,
        before in 0_u32..40,
    ) {
        copied(capacity, 0_u32.wrapping_sub(before), &lengths);
    }
}
