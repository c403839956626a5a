//! The latest-value cell. Two agents: there is one of each end.

use std::sync::{Arc, Mutex};

use crate::Scene;
use crate::scene::Stage;
use crate::world::{Data, Tally, rounds};
use web_sync::triple_buffer::{Input, Output, triple_buffer_with};

models![triple_buffer: values_are_whole_and_never_older, each_end_changes_its_buffer, news_is_not_missed, the_writer_goes, both_go;
    stale: values_are_whole_and_never_older, each_end_changes_its_buffer, news_is_not_missed, the_writer_goes, both_go];

/// A value that races if the cell does not order it.
struct Value {
    left: u32,
    data: Data,
    right: u32,
    /// How many buffers have been dropped.
    dropped: Arc<Tally>,
}

impl Value {
    fn set(&mut self, number: u32) {
        self.left = number;
        self.data.add();
        self.right = number;
    }

    fn get(&self) -> u32 {
        let _ = self.data.get();
        assert_eq!(self.left, self.right, "torn");
        self.left
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.data.add();
        self.dropped.add();
    }
}

/// A cell's ends, and what is known of its values.
struct Board {
    input: Mutex<Option<Input<Value>>>,
    output: Mutex<Option<Output<Value>>>,
    /// The number of the last value.
    last: Tally,
    /// The number of the newest value that was seen.
    seen: Tally,
    dropped: Arc<Tally>,
}

impl Board {
    fn new() -> Self {
        let dropped = Arc::<Tally>::default();
        let (input, output) = triple_buffer_with(|| Value {
            left: 0,
            data: Data::default(),
            right: 0,
            dropped: Arc::clone(&dropped),
        });
        Self {
            input: Mutex::new(Some(input)),
            output: Mutex::new(Some(output)),
            last: Tally::default(),
            seen: Tally::default(),
            dropped,
        }
    }

    /// Works with the input, and leaves it to the end of the scene.
    fn write<R>(&self, act: impl FnOnce(&mut Input<Value>) -> R) -> R {
        act(self.input.lock().unwrap().as_mut().expect("it is here"))
    }

    fn read<R>(&self, act: impl FnOnce(&mut Output<Value>) -> R) -> R {
        act(self.output.lock().unwrap().as_mut().expect("it is here"))
    }

    fn publish(&self, input: &mut Input<Value>, times: u32) {
        for _ in 0..times {
            self.last.add();
            input.input_buffer_mut().set(self.last.get());
            input.publish();
        }
    }

    /// A look at a value, which must not be older than the last look's.
    fn look(&self, number: u32) {
        let before = self.seen.get();
        assert!(number >= before, "{number} after {before}");
        (before..number).for_each(|_| self.seen.add());
    }

    fn look_often(&self, output: &mut Output<Value>, times: u32) {
        for _ in 0..times {
            self.look(output.read().get());
        }
    }

    /// All rest: the last value is seen. Then the ends go, and each buffer is dropped once.
    fn check(&self) {
        self.read(|output| {
            self.look_often(output, 1);
            assert_eq!(self.seen.get(), self.last.get(), "the last value is missed");
            assert!(!output.updated());
        });
        self.check_dropped();
    }

    fn check_dropped(&self) {
        drop(self.output.lock().unwrap().take());
        drop(self.input.lock().unwrap().take());
        assert_eq!(self.dropped.get(), 3);
    }
}

/// One publishes, the other looks.
///
/// Seen to fail: `publish` does not acquire, or does not release; `update` does not acquire, or does not release; `update` exchanges
/// without a look whether there is news.
#[must_use]
pub fn values_are_whole_and_never_older() -> Scene {
    Stage::new(Board::new())
        .thread(|board| board.write(|input| board.publish(input, rounds(3))))
        .thread(|board| board.read(|output| board.look_often(output, rounds(3))))
        .end(Board::check)
}

/// The reader writes into what it has taken, as the writer does into what it will publish.
///
/// Seen to fail: as above.
#[must_use]
pub fn each_end_changes_its_buffer() -> Scene {
    Stage::new(Board::new())
        .thread(|board| board.write(|input| board.publish(input, rounds(3))))
        .thread(|board| {
            board.read(|output| {
                for _ in 0..rounds(2) {
                    output.update();
                    let value = output.output_buffer_mut();
                    let number = value.get();
                    value.set(number);
                    board.look(number);
                }
            });
        })
        .end(Board::check)
}

/// What either end says of the other holds: news is there until it is taken, and only taking it makes it old.
///
/// Seen to fail: `publish` sets no mark; `update` leaves it.
#[must_use]
pub fn news_is_not_missed() -> Scene {
    Stage::new(Board::new())
        .thread(|board| {
            board.write(|input| {
                board.publish(input, 1);
                let taken = input.consumed();
                board.last.add();
                input.input_buffer_mut().set(board.last.get());
                let skipped = input.publish();
                assert!(!(taken && skipped), "taken, and not seen");
            });
        })
        .thread(|board| {
            board.read(|output| {
                let news = output.updated();
                assert!(output.update() || !news, "there was news");
                let number = output.output_buffer().get();
                assert!(!news || number > 0, "news that is old");
                board.look(number);
            });
        })
        .end(Board::check)
}

/// Whoever hears that the writer is gone finds its last value.
///
/// Seen to fail, with old values: the end that goes does not release; who asks does not acquire.
#[must_use]
pub fn the_writer_goes() -> Scene {
    Stage::new(Board::new())
        .thread(|board| {
            let mut input = board.input.lock().unwrap().take().expect("it is here");
            board.publish(&mut input, 2);
        })
        .thread(|board| {
            board.read(|output| {
                let over = output.is_abandoned();
                board.look_often(output, 1);
                assert!(!over || board.seen.get() == 2);
            });
        })
        .end(Board::check)
}

/// Both go, in whichever order: one of them drops the buffers.
///
/// Seen to fail: the second end that goes does not acquire what the first one did.
#[must_use]
pub fn both_go() -> Scene {
    Stage::new(Board::new())
        .thread(|board| {
            let mut input = board.input.lock().unwrap().take().expect("it is here");
            board.publish(&mut input, 2);
        })
        .thread(|board| {
            let mut output = board.output.lock().unwrap().take().expect("it is here");
            board.look_often(&mut output, 1);
        })
        .end(Board::check_dropped)
}
