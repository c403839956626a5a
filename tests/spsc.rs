//! The ring: order, room, slices and chunks across its end, what is dropped and when.

#[path = "common/allocations.rs"]
mod allocations;

use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use allocations::{allocations, bytes_kept};
use web_sync::spsc::{ChunkError, Consumer, PeekError, PopError, Producer, PushError, RingBuffer};

/// Rings of several capacities, at several places: of their slots and of their positions.
fn rings<T>() -> impl Iterator<Item = (usize, Producer<T>, Consumer<T>)> {
    let places = (0..4_u32).chain(u32::MAX - 3..=u32::MAX);
    places.flat_map(|start| {
        (1..6).map(move |capacity| {
            let (producer, consumer) = RingBuffer::starting_at(capacity, start);
            (capacity, producer, consumer)
        })
    })
}

#[test]
fn items_come_in_order() {
    for (capacity, mut producer, mut consumer) in rings() {
        for round in 0..4 {
            for number in 0..capacity {
                assert_eq!(producer.slots(), capacity - number);
                assert_eq!(consumer.slots(), number);
                producer.push((round, number)).unwrap();
                assert_eq!(consumer.peek(), Ok(&(round, 0)));
            }
            assert!(producer.is_full() && !consumer.is_empty());
            assert_eq!(producer.push((9, 9)), Err(PushError::Full((9, 9))));
            for number in 0..capacity {
                assert_eq!(consumer.pop(), Ok((round, number)));
            }
            assert!(consumer.is_empty() && !producer.is_full());
            assert_eq!(consumer.pop(), Err(PopError::Empty));
            assert_eq!(consumer.peek(), Err(PeekError::Empty));
        }
    }
}

#[test]
fn slices_take_what_there_is() {
    for (capacity, mut producer, mut consumer) in rings() {
        let (mut put, mut got) = (0, 0);
        for _ in 0..6 {
            let numbers = [put, put + 1, put + 2, put + 3];
            let count = producer.push_slice(&numbers);
            assert_eq!(count, capacity.min(4));
            put += count;
            let mut numbers = [usize::MAX; 8];
            assert_eq!(consumer.pop_slice(&mut numbers), count);
            assert!(numbers[count..].iter().all(|number| *number == usize::MAX));
            for number in &numbers[..count] {
                assert_eq!(*number, got);
                got += 1;
            }
        }
        assert_eq!(producer.push_slice(&[]), 0);
        assert_eq!(consumer.pop_slice(&mut []), 0);
    }
}

#[test]
fn entire_slices_stay_whole() {
    for (capacity, mut producer, mut consumer) in rings() {
        for _ in 0..6 {
            let few = ChunkError::TooFewSlots(capacity);
            assert_eq!(producer.push_entire_slice(&[0; 9]), Err(few));
            let numbers = [1, 2, 3, 4, 5];
            assert_eq!(producer.push_entire_slice(&numbers[..capacity]), Ok(()));
            assert_eq!(
                producer.push_entire_slice(&[0]),
                Err(ChunkError::TooFewSlots(0))
            );
            let mut taken = [0; 9];
            assert_eq!(consumer.pop_entire_slice(&mut taken), Err(few));
            assert_eq!(taken, [0; 9]);
            let taken = &mut taken[..capacity];
            assert_eq!(consumer.pop_entire_slice(taken), Ok(()));
            assert_eq!(taken, &numbers[..capacity]);
        }
    }
}

#[test]
fn a_ring_without_room_is_full_and_empty() {
    let (mut producer, mut consumer) = RingBuffer::new(0);
    assert_eq!(producer.push(1), Err(PushError::Full(1)));
    assert_eq!(consumer.pop(), Err(PopError::Empty));
    assert!(producer.is_full() && consumer.is_empty());
    assert_eq!(producer.push_slice(&[1]), 0);
    assert!(producer.write_chunk(0).is_ok() && producer.write_chunk(1).is_err());
    assert!(consumer.read_chunk(0).is_ok() && consumer.read_chunk(1).is_err());
    assert_eq!((producer.capacity(), consumer.capacity()), (0, 0));
}

#[test]
fn items_without_a_size_are_counted() {
    let (mut producer, mut consumer) = RingBuffer::new(1 << 31);
    assert_eq!(producer.push_slice(&[(); 100]), 100);
    assert_eq!(producer.slots(), (1 << 31) - 100);
    assert_eq!(consumer.read_chunk(99).unwrap().into_iter().count(), 99);
    assert_eq!(
        (consumer.pop(), consumer.pop()),
        (Ok(()), Err(PopError::Empty))
    );
}

#[test]
fn large_items_keep_their_alignment() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[repr(align(256))]
    struct Aligned(u8);

    let (mut producer, consumer) = RingBuffer::new(3);
    producer.push_slice(&[Aligned(1), Aligned(2)]);
    let item = consumer.peek().unwrap();
    assert_eq!(core::ptr::from_ref(item).addr() % 256, 0);
    assert_eq!(*item, Aligned(1));
}

/// Its number leaves the set when it is dropped.
struct Listed(u32, Rc<std::cell::RefCell<HashSet<u32>>>);

impl Drop for Listed {
    fn drop(&mut self) {
        assert!(self.1.borrow_mut().remove(&self.0), "dropped twice");
    }
}

#[derive(Clone, Default)]
struct List(Rc<std::cell::RefCell<HashSet<u32>>>);

impl List {
    fn item(&self, number: u32) -> Listed {
        self.0.borrow_mut().insert(number);
        Listed(number, Rc::clone(&self.0))
    }

    #[track_caller]
    fn has(&self, numbers: impl IntoIterator<Item = u32>) {
        assert_eq!(*self.0.borrow(), numbers.into_iter().collect());
    }
}

#[test]
fn what_is_left_is_dropped_with_the_second_end() {
    for producer_first in [true, false] {
        for (_, mut producer, mut consumer) in rings() {
            let list = List::default();
            let put = (0..3).filter(|number| producer.push(list.item(*number)).is_ok());
            let put = put.count() as u32;
            drop(consumer.pop());
            list.has(1..put);
            if producer_first {
                drop(producer);
                assert!(consumer.is_abandoned());
                list.has(1..put);
                drop(consumer);
            } else {
                drop(consumer);
                assert!(producer.is_abandoned());
                list.has(1..put);
                // Nobody will see it.
                let more = producer.push(list.item(7)).map_err(drop).is_ok();
                list.has((1..put).chain(more.then_some(7)));
                drop(producer);
            }
            list.has([]);
        }
    }
}

#[test]
fn a_chunk_for_writing_that_is_dropped_puts_nothing_in() {
    for (capacity, mut producer, mut consumer) in rings() {
        let list = List::default();
        let mut chunk = producer.write_chunk(capacity).unwrap();
        let (first, second) = chunk.as_mut_slices();
        for (slot, number) in first.iter_mut().chain(second).zip(0..) {
            *slot = Some(list.item(number));
        }
        list.has(0..capacity as u32);
        drop(chunk);
        list.has([]);
        assert!(consumer.is_empty());
        // Half of it.
        let mut chunk = producer.write_chunk(capacity).unwrap();
        let (first, second) = chunk.as_mut_slices();
        for (slot, number) in first.iter_mut().chain(second).zip(0..) {
            *slot = Some(list.item(number));
        }
        assert_eq!((chunk.len(), chunk.is_empty()), (capacity, false));
        chunk.commit(capacity / 2);
        list.has(0..capacity as u32 / 2);
        assert_eq!(consumer.slots(), capacity / 2);
        for number in 0..capacity as u32 / 2 {
            assert_eq!(consumer.pop().unwrap().unwrap().0, number);
        }
        list.has([]);
    }
}

#[test]
fn a_chunk_is_filled_from_an_iterator() {
    for (capacity, mut producer, mut consumer) in rings() {
        let list = List::default();
        let chunk = producer.write_chunk_uninit(capacity).unwrap();
        // More items than slots: the iterator is not asked for them. (`zip` asks the slots first.)
        let mut given = 0;
        let items = core::iter::from_fn(|| {
            given += 1;
            Some(list.item(given))
        });
        assert_eq!(chunk.fill_from_iter(items), capacity);
        assert_eq!(given, capacity as u32);
        let chunk = consumer.read_chunk(capacity).unwrap();
        let numbers: Vec<u32> = chunk.into_iter().map(|item| item.0).collect();
        assert_eq!(numbers, (1..=given).collect::<Vec<_>>());
        list.has([]);
        // Fewer.
        let chunk = producer.write_chunk_uninit(capacity).unwrap();
        assert_eq!(chunk.fill_from_iter([]), 0);
        assert!(consumer.is_empty());
    }
}

#[test]
fn a_chunk_for_reading_keeps_what_is_not_taken() {
    for (capacity, mut producer, mut consumer) in rings() {
        let list = List::default();
        for number in 0..capacity as u32 {
            producer.push(list.item(number)).map_err(drop).unwrap();
        }
        let end = capacity as u32;
        let _ = consumer.read_chunk(capacity).unwrap();
        list.has(0..end);
        consumer.read_chunk(capacity).unwrap().commit(0);
        list.has(0..end);
        let mut items = consumer.read_chunk(capacity).unwrap().into_iter();
        assert_eq!(items.len(), capacity);
        assert_eq!(items.next().unwrap().0, 0);
        assert_eq!(items.len(), capacity - 1);
        list.has(1..end);
        let left = consumer.slots();
        assert_eq!(left, capacity - 1);
        consumer.read_chunk(left).unwrap().commit_all();
        list.has([]);
        assert_eq!(producer.slots(), capacity);
    }
}

#[test]
fn items_are_changed_in_place() {
    for (capacity, mut producer, mut consumer) in rings() {
        producer.push_slice(&[1_u32, 2, 3, 4, 5][..capacity]);
        let mut chunk = consumer.read_chunk(capacity).unwrap();
        let (first, second) = chunk.as_mut_slices();
        first.iter_mut().chain(second).for_each(|item| *item *= 10);
        for number in 1..=capacity as u32 {
            assert_eq!(consumer.pop(), Ok(10 * number));
        }
    }
}

#[test]
fn nothing_allocates_but_making_it() {
    for consumer_first in [true, false] {
        let (mut producer, mut consumer) = RingBuffer::starting_at(5, u32::MAX - 50);
        let ((), kept) = bytes_kept(|| {
            let count = allocations(|| {
                let mut items = [0; 4];
                for number in 0..100 {
                    producer.push(number).unwrap();
                    assert_eq!(producer.push_slice(&[1, 2]), 2);
                    assert_eq!(producer.push_entire_slice(&[3, 4]), Ok(()));
                    assert!(producer.is_full() && producer.push(5).is_err());
                    assert_eq!(consumer.peek(), Ok(&number));
                    assert_eq!(consumer.pop(), Ok(number));
                    assert_eq!(consumer.pop_slice(&mut items), 4);
                    producer.write_chunk(2).unwrap().commit_all();
                    let chunk = producer.write_chunk_uninit(2).unwrap();
                    assert_eq!(chunk.fill_from_iter([6, 7]), 2);
                    consumer.read_chunk(2).unwrap().commit_all();
                    assert_eq!(consumer.read_chunk(2).unwrap().into_iter().sum::<i32>(), 13);
                    assert!(!consumer.is_abandoned() && !producer.is_abandoned());
                }
            });
            assert_eq!(count, 0);
        });
        assert_eq!(kept, 0);
        // The first end that goes frees nothing either.
        let (kept, rest) = if consumer_first {
            (bytes_kept(|| drop(consumer)), bytes_kept(|| drop(producer)))
        } else {
            (bytes_kept(|| drop(producer)), bytes_kept(|| drop(consumer)))
        };
        assert_eq!(kept.1, 0);
        assert!(rest.1 <= -(5 * 4));
    }
}

#[test]
fn ends_are_printed() {
    let (mut producer, mut consumer) = RingBuffer::new(4);
    producer.push(1).unwrap();
    assert_eq!(
        format!("{producer:?}"),
        "Producer { slots: 3, capacity: 4, .. }"
    );
    assert_eq!(
        format!("{consumer:?}"),
        "Consumer { slots: 1, capacity: 4, .. }"
    );
    let chunk = consumer.read_chunk(1).unwrap();
    assert_eq!(format!("{chunk:?}"), "ReadChunk { len: 1, .. }");
    let error = producer.write_chunk(4).unwrap_err();
    assert_eq!(error.to_string(), "only 3 slots are there");
    assert_eq!(
        PushError::Full(Cell::new(1)).to_string(),
        "pushing on a full ring"
    );
    assert_eq!(PopError::Empty.to_string(), "popping on an empty ring");
    assert_eq!(PeekError::Empty.to_string(), "peeking on an empty ring");
}

#[cfg(panic = "unwind")]
mod panics {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// Panics when it is dropped, if it is number 1.
    struct Panics(#[allow(dead_code, reason = "it counts")] Listed);

    impl Drop for Panics {
        fn drop(&mut self) {
            assert_ne!(self.0.0, 1, "one panics");
        }
    }

    fn panics(f: impl FnOnce()) {
        assert!(catch_unwind(AssertUnwindSafe(f)).is_err());
    }

    #[test]
    fn an_item_that_panics_does_not_keep_the_others() {
        for (capacity, mut producer, consumer) in rings() {
            let list = List::default();
            for number in 0..capacity as u32 {
                let item = Panics(list.item(number));
                producer.push(item).map_err(drop).unwrap();
            }
            drop(producer);
            if capacity > 1 {
                panics(|| drop(consumer));
            } else {
                drop(consumer);
            }
            list.has([]);
        }
    }

    #[test]
    fn nor_does_it_keep_a_chunk_from_being_released() {
        for (capacity, mut producer, mut consumer) in rings().filter(|ring| ring.0 > 2) {
            let list = List::default();
            for number in 0..3 {
                let item = Panics(list.item(number));
                producer.push(item).map_err(drop).unwrap();
            }
            panics(|| consumer.read_chunk(3).unwrap().commit(2));
            list.has([2]);
            assert_eq!((consumer.slots(), producer.slots()), (1, capacity - 1));
            assert_eq!(consumer.pop().map_err(drop).unwrap().0.0, 2);
        }
    }

    #[test]
    fn a_default_that_panics_drops_the_others() {
        thread_local! {
            static MADE: Cell<i32> = const { Cell::new(0) };
            static ALIVE: Cell<i32> = const { Cell::new(0) };
        }
        struct Third;
        impl Default for Third {
            fn default() -> Self {
                MADE.set(MADE.get() + 1);
                assert!(MADE.get() < 3);
                ALIVE.set(ALIVE.get() + 1);
                Self
            }
        }
        impl Drop for Third {
            fn drop(&mut self) {
                ALIVE.set(ALIVE.get() - 1);
            }
        }
        let (mut producer, consumer) = RingBuffer::<Third>::new(4);
        panics(|| drop(producer.write_chunk(4)));
        assert_eq!((MADE.get(), ALIVE.get()), (3, 0));
        assert!(consumer.is_empty());
        assert_eq!(producer.slots(), 4);
    }

    #[test]
    fn more_than_a_chunk_has_is_not_committed() {
        let (mut producer, mut consumer) = RingBuffer::new(4);
        panics(|| producer.write_chunk(2).unwrap().commit(3));
        assert!(consumer.is_empty());
        producer.push_slice(&[1, 2, 3]);
        panics(|| consumer.read_chunk(2).unwrap().commit(3));
        assert_eq!(consumer.slots(), 3);
    }

    #[test]
    fn a_capacity_that_positions_cannot_count_is_refused() {
        panics(|| drop(RingBuffer::<()>::new((1 << 31) + 1)));
    }
}
