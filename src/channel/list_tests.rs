//! The list with claims made by hand: what a sender leaves that is interrupted between its claim and publishing.

use super::*;
use std::sync::Arc;

impl<T> List<T> {
    /// Claims a slot as `push` does, and does no more.
    fn claim(&self) -> (*mut Block<T>, u32, *mut Block<T>) {
        let tail = self.end.tail.load(Ordering::Relaxed);
        let last = offset_of(tail) + 1 == BLOCK;
        let fresh = if last {
            self.end.spares.take()
        } else {
            ptr::null_mut()
        };
        let next = if last {
            fresh
        } else {
            tail.map_addr(|addr| addr + 1)
        };
        self.end.tail.store(next, Ordering::Relaxed);
        (block_of(tail), offset_of(tail), fresh)
    }

    fn look(&self) -> Popped<T> {
        // SAFETY: it locks.
        unsafe { self.pop(Right::LOCKED) }
    }

    fn publish_claimed(
        &self,
        (block, offset, next): (*mut Block<T>, u32, *mut Block<T>),
        message: T,
    ) -> Result<(), SendError<T>> {
        // SAFETY: claimed by hand.
        unsafe { self.publish(block, offset, message, next) }
    }

    fn end(&self) {
        self.close();
        // SAFETY: closed just now, and the test receives no more.
        unsafe { self.clear() };
    }
}

/// The message and `more`.
fn take<T>(list: &List<T>) -> (T, bool) {
    match list.look() {
        Popped::Taken { message, more } => (message, more),
        Popped::Claimed => panic!("claimed"),
        Popped::Empty => panic!("empty"),
    }
}

#[test]
fn what_is_claimed_is_not_empty() {
    let list = List::new();
    assert!(matches!(list.look(), Popped::Empty) && list.is_empty());
    let claim = list.claim();
    assert!(matches!(list.look(), Popped::Claimed) && !list.is_empty());
    assert_eq!(list.len(), 1);
    list.publish_claimed(claim, 1).unwrap();
    assert_eq!(take(&list).0, 1);
    assert!(matches!(list.look(), Popped::Empty));
}

#[test]
fn many_are_known_from_afar() {
    let list = List::new();
    // SAFETY: it locks.
    let has_many = || unsafe { list.has_many(Right::LOCKED) };
    for sent in 0..BLOCK {
        assert_eq!(has_many(), sent >= MANY);
        list.push(sent).unwrap();
    }
    // In the next block are none yet, but nobody asks for more than that it is nearly so.
    assert!(has_many());
    for sent in 0..BLOCK {
        assert_eq!(take(&list).0, sent);
    }
    assert!(!has_many());
}

/// Whoever was notified of the second and third message found the first one claimed: those that take the first ones have to
/// notify in their place, until the list was empty.
#[test]
fn what_was_passed_over_is_announced() {
    let list = List::new();
    let first = list.claim();
    list.push(2).unwrap();
    let third = list.claim();
    list.push(4).unwrap();
    assert!(matches!(list.look(), Popped::Claimed));
    list.publish_claimed(first, 1).unwrap();
    assert_eq!(take(&list), (1, true));
    // The third one is announced by its sender, and the fourth one by who takes the third.
    assert_eq!(take(&list), (2, false));
    list.publish_claimed(third, 3).unwrap();
    assert_eq!(take(&list), (3, true));
    assert_eq!(take(&list), (4, false));
    // From here on each sender does so.
    list.push(5).unwrap();
    list.push(6).unwrap();
    assert_eq!(take(&list), (5, false));
    assert_eq!(take(&list), (6, false));
}

#[test]
fn the_length_counts_blocks() {
    let list = List::new();
    for number in 0..5 * BLOCK as usize / 2 {
        assert_eq!(list.len(), number);
        list.push(number).unwrap();
    }
    for number in 0..5 * BLOCK as usize / 2 {
        assert_eq!(list.len(), 5 * BLOCK as usize / 2 - number);
        assert_eq!(take(&list).0, number);
    }
    assert!(list.is_empty());
}

/// The last receiver waits for no sender: each message of its two blocks ends once, whenever it is published.
#[test]
fn closing_leaves_messages_to_their_senders() {
    for late in 0..BLOCK {
        let token = Arc::new(());
        let list = List::new();
        let mut claims = Vec::new();
        for number in 0..2 * BLOCK {
            if number % BLOCK == late {
                claims.push(list.claim());
            } else {
                list.push(Arc::clone(&token)).unwrap();
            }
        }
        list.end();
        let after_a_block = if late + 1 == BLOCK { BLOCK - 1 } else { 0 };
        assert_eq!(Arc::strong_count(&token) as u32, 1 + after_a_block);
        assert_eq!((list.len(), list.is_empty()), (0, true));
        for claim in claims {
            assert!(list.publish_claimed(claim, Arc::clone(&token)).is_err());
        }
        assert_eq!(Arc::strong_count(&token), 1);
        assert!(list.push(Arc::clone(&token)).is_err());
        assert_eq!(Arc::strong_count(&token), 1);
    }
}

/// A message that may panic when it is dropped.
#[cfg(panic = "unwind")]
struct Bomb {
    _token: Arc<()>,
    live: bool,
}

#[cfg(panic = "unwind")]
impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!self.live, "the bomb");
    }
}

/// Whether it panics.
#[cfg(panic = "unwind")]
fn panics<R>(act: impl FnOnce() -> R) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(act)).is_err()
}

/// A message that panics when it is dropped keeps none of the others from that.
#[cfg(panic = "unwind")]
#[test]
fn a_message_that_panics_is_dropped_once() {
    let token = Arc::new(());
    let list = List::new();
    for number in 0..3 * BLOCK {
        let bomb = Bomb {
            _token: Arc::clone(&token),
            live: number == BLOCK + 1,
        };
        list.push(bomb).ok().unwrap();
    }
    assert!(panics(|| list.end()));
    drop(list);
    assert_eq!(Arc::strong_count(&token), 1);
}

/// The same where a sender drops what the last receiver has left to it: its own message goes too.
#[cfg(panic = "unwind")]
#[test]
fn a_sender_that_drops_the_rest_may_panic() {
    let token = Arc::new(());
    let bomb = |live| Bomb {
        _token: Arc::clone(&token),
        live,
    };
    let list = List::new();
    for _ in 1..BLOCK {
        list.push(bomb(false)).ok().unwrap();
    }
    let claim = list.claim();
    for number in 0..3 {
        list.push(bomb(number == 1)).ok().unwrap();
    }
    list.end();
    assert_eq!(Arc::strong_count(&token), 1 + 3);
    assert!(panics(|| list.publish_claimed(claim, bomb(false))));
    assert_eq!(Arc::strong_count(&token), 1);
}

/// Who counts has the head locked. What is left is dropped all the same, and the blocks go with the list.
#[test]
fn the_last_receiver_does_not_wait_for_who_counts() {
    let list = List::new();
    let token = Arc::new(());
    for _ in 0..3 * BLOCK {
        list.push(Arc::clone(&token)).unwrap();
    }
    assert!(list.head.is_read_during(|| list.end()), "it waited");
    assert_eq!((Arc::strong_count(&token), list.len()), (1, 0));
}

/// A block is used again, so that a queue which stays short needs no more than two.
#[test]
fn blocks_are_used_again() {
    let list = List::new();
    let mut blocks = std::collections::HashSet::new();
    for number in 0..10 * BLOCK {
        blocks.insert(block_of(list.end.tail.load(Ordering::Relaxed)));
        list.push(number).unwrap();
        assert_eq!(take(&list).0, number);
    }
    assert_eq!(blocks.len(), 2);
}
