//! Bodies for the latest-value cell.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use web_sync::thread;
use web_sync::triple_buffer::{Input, Output, triple_buffer, triple_buffer_with};
use web_sync_testkit::Pool;

use crate::yield_now;

/// As many numbers as fill some cache lines: all the same, unless the value is torn.
type Value = [u32; 48];

fn publish(input: &mut Input<Value>, number: u32) {
    match number % 3 {
        0 => input.write([number; 48]),
        1 => input.input_buffer_publisher().fill(number),
        _ => {
            input.input_buffer_mut().fill(number);
            input.publish();
        }
    }
}

/// The newest number, which is not older than `last`.
fn look(output: &mut Output<Value>, last: u32) -> u32 {
    let value = output.read();
    let number = value[0];
    assert_eq!(value, &[number; 48], "torn");
    assert!(number >= last, "{number} after {last}");
    number
}

fn look_until(mut output: Output<Value>, last: u32) -> u32 {
    let (mut seen, mut looks) = (0, 0);
    while seen < last {
        seen = look(&mut output, seen);
        looks += 1;
        if looks % 8 == 0 {
            thread::yield_now();
        }
    }
    assert!(!output.update(), "more than there is");
    looks
}

/// From a worker to this agent, and from here to another worker: no value is torn or older than the one before, and the last one comes.
pub async fn never_torn_never_older(pool: &Pool, rounds: u32) {
    let (mut first, mut here) = triple_buffer(&[0; 48]);
    let (mut second, output) = triple_buffer(&[0; 48]);
    let from = pool.run(0, move || {
        for number in 1..=rounds {
            publish(&mut first, number);
        }
    });
    let to = pool.run(1, move || look_until(output, rounds));
    from.started().await.unwrap();
    to.started().await.unwrap();
    let mut seen = 0;
    while seen < rounds {
        let number = look(&mut here, seen);
        if number == seen {
            yield_now().await;
        } else {
            publish(&mut second, number);
        }
        seen = number;
    }
    from.join_async().await.unwrap();
    assert!(here.is_abandoned() && !here.updated());
    assert!(to.join_async().await.unwrap() > 0);
}

/// Either end goes first: each of the three values is dropped once.
pub async fn ends_go_at_any_moment(pool: &Pool, rounds: u32) {
    struct Counted(Arc<AtomicU32>);

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    let alive = Arc::new(AtomicU32::new(0));
    let counted = {
        let alive = alive.clone();
        move || {
            alive.fetch_add(1, Ordering::Relaxed);
            Counted(alive.clone())
        }
    };
    let cells = (0..rounds).map(|_| triple_buffer_with(&counted));
    let (inputs, outputs): (Vec<_>, Vec<_>) = cells.unzip();
    let worker = pool.run(0, move || {
        for (mut input, count) in inputs.into_iter().zip((0..4).cycle()) {
            for _ in 0..count {
                input.write(counted());
            }
        }
    });
    worker.started().await.unwrap();
    for (mut output, count) in outputs.into_iter().zip((0..3).cycle()) {
        for _ in 0..count {
            output.update();
        }
    }
    worker.join_async().await.unwrap();
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}
