//! Bodies for the ring.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use web_sync::spsc::{Consumer, Producer, PushError, RingBuffer};
use web_sync::thread;
use web_sync_testkit::Pool;

use crate::{Dice, yield_now};

/// Positions wrap after so many items.
const BEFORE: u32 = 40;

/// Puts some of the numbers from `first` up to `end` in, by one call or another. Returns how many.
fn put(producer: &mut Producer<u32>, first: u32, end: u32, dice: &mut Dice) -> u32 {
    let numbers = [0, 1, 2, 3, 4].map(|more| first + more);
    let most = numbers.len().min((end - first) as usize);
    match dice.roll(4) {
        0 => u32::from(producer.push(first).is_ok()),
        1 => producer.push_slice(&numbers[..most]) as u32,
        2 => match producer.push_entire_slice(&numbers[..most]) {
            Ok(()) => most as u32,
            Err(_) => 0,
        },
        _ => {
            let count = producer.slots().min(most);
            let mut chunk = producer.write_chunk(count).expect("they were there");
            let (left, right) = chunk.as_mut_slices();
            for (slot, number) in left.iter_mut().chain(right).zip(numbers) {
                *slot = number;
            }
            chunk.commit_all();
            count as u32
        }
    }
}

/// Takes some numbers out, the first of which must be `next`. Returns how many.
fn get(consumer: &mut Consumer<u32>, next: u32, dice: &mut Dice) -> u32 {
    let mut numbers = [0; 5];
    let count = match dice.roll(4) {
        0 => {
            let peeked = consumer.peek().ok().copied();
            match consumer.pop() {
                Ok(number) => {
                    numbers[0] = number;
                    assert!(peeked.is_none_or(|peeked| peeked == number));
                    1
                }
                Err(_) => {
                    assert_eq!(peeked, None);
                    0
                }
            }
        }
        1 => consumer.pop_slice(&mut numbers),
        2 => consumer.pop_entire_slice(&mut numbers).map_or(0, |()| 5),
        _ => {
            let count = consumer.slots().min(numbers.len());
            let chunk = consumer.read_chunk(count).expect("they were there");
            let (left, right) = chunk.as_slices();
            for (place, number) in numbers.iter_mut().zip(left.iter().chain(right)) {
                *place = *number;
            }
            chunk.commit_all();
            count
        }
    };
    for (number, wanted) in numbers[..count].iter().zip(next..) {
        assert_eq!(*number, wanted, "out of order");
    }
    count as u32
}

/// Puts `rounds` numbers in.
fn produce(mut producer: Producer<u32>, rounds: u32) {
    let mut dice = Dice::new(rounds);
    let mut next = 0;
    while next < rounds {
        match put(&mut producer, next, rounds, &mut dice) {
            0 => thread::yield_now(),
            count => next += count,
        }
    }
}

/// Takes numbers out until the producer is gone. Returns how many.
fn consume(mut consumer: Consumer<u32>, seed: u32) -> u32 {
    let mut dice = Dice::new(seed);
    let mut next = 0;
    loop {
        let over = consumer.is_abandoned();
        match get(&mut consumer, next, &mut dice) {
            0 if over && consumer.is_empty() => return next,
            0 => thread::yield_now(),
            count => next += count,
        }
    }
}

/// From a worker to this agent, and from here to another worker: nothing is lost, all in order.
pub async fn a_pipeline(pool: &Pool, rounds: u32) {
    for capacity in [1, 6, 64] {
        let (producer, mut first) = RingBuffer::starting_at(capacity, 0_u32.wrapping_sub(BEFORE));
        let (mut second, consumer) = RingBuffer::starting_at(capacity, 0_u32.wrapping_sub(BEFORE));
        let from = pool.run(0, move || produce(producer, rounds));
        let to = pool.run(1, move || consume(consumer, 2));
        from.started().await.unwrap();
        to.started().await.unwrap();
        let (mut taken, mut given) = (0, 0);
        let mut dice = Dice::new(3);
        while given < rounds {
            let count = get(&mut first, taken, &mut dice);
            taken += count;
            let more = match taken - given {
                0 => 0,
                _ => put(&mut second, given, taken, &mut dice),
            };
            given += more;
            if count + more == 0 {
                yield_now().await;
            }
        }
        drop(second);
        from.join_async().await.unwrap();
        assert_eq!(to.join_async().await.unwrap(), rounds);
        assert!(first.is_empty() && first.is_abandoned());
    }
}

/// Boxes go to a worker, which frees nothing: they come back by a second ring, and are used again.
pub async fn boxes_come_back(pool: &Pool, rounds: u32) {
    let (mut there, mut from_here) = RingBuffer::new(3);
    let (mut back, mut returned) = RingBuffer::new(3);
    let echo = pool.run(0, move || {
        loop {
            let over = from_here.is_abandoned();
            match from_here.pop() {
                Ok(boxed) => {
                    let mut boxed: Box<u32> = boxed;
                    *boxed += 1;
                    // As many are under way as the ring holds.
                    back.push(boxed).expect("there is room");
                }
                Err(_) if over => return,
                Err(_) => thread::yield_now(),
            }
        }
    });
    echo.started().await.unwrap();
    for number in 0..3 {
        there.push(Box::new(number * rounds)).unwrap();
    }
    for round in 0..rounds {
        for number in 0..3 {
            let mut boxed = returned.pop();
            while boxed.is_err() {
                yield_now().await;
                boxed = returned.pop();
            }
            let boxed = boxed.unwrap();
            assert_eq!(*boxed, number * rounds + round + 1);
            there.push(boxed).expect("there is room");
        }
    }
    drop(there);
    echo.join_async().await.unwrap();
}

/// Counts how many are alive.
struct Counted(Arc<AtomicU32>);

impl Counted {
    fn new(count: &Arc<AtomicU32>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Either end goes first, with items in the ring: each is dropped once.
pub async fn ends_go_at_any_moment(pool: &Pool, rounds: u32) {
    let alive = Arc::new(AtomicU32::new(0));
    let mut rings: Vec<_> = (0..rounds).map(|_| RingBuffer::new(4)).collect();
    let (producers, consumers): (Vec<_>, Vec<_>) = rings.drain(..).unzip();
    let theirs = alive.clone();
    let worker = pool.run(0, move || {
        for (mut producer, count) in producers.into_iter().zip((0..6).cycle()) {
            for _ in 0..count {
                match producer.push(Counted::new(&theirs)) {
                    Err(PushError::Full(_)) if producer.is_abandoned() => break,
                    _ => {}
                }
            }
        }
    });
    worker.started().await.unwrap();
    for (mut consumer, count) in consumers.into_iter().zip((0..5).cycle()) {
        for _ in 0..count {
            drop(consumer.pop());
        }
    }
    worker.join_async().await.unwrap();
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}
