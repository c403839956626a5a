//! Select: which case is chosen, what is left of the others, and what they pass on.

mod common;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use common::allocations::allocations;
use common::{LONG, SHORT, Spinning, Task, now, timed};
use web_sync::mpmc::{self, RecvError, SendError, TrySendError};
use web_sync::nonpoison::Mutex;
use web_sync::select::{Select, recv, send};
use web_sync::{Instant, mpsc, oneshot, select, select_async};

/// Channels that hold any number of messages, one, and none.
fn all<T>() -> [(mpmc::Sender<T>, mpmc::Receiver<T>); 3] {
    [
        mpmc::channel(),
        mpmc::sync_channel(1),
        mpmc::sync_channel(0),
    ]
}

/// A select that waits with a case for each.
fn waiting<'a>(receivers: [&'a mpmc::Receiver<u32>; 2]) -> Task<'a, (usize, Option<u32>)> {
    Task::waiting(either(receivers))
}

async fn either([one, two]: [&mpmc::Receiver<u32>; 2]) -> (usize, Option<u32>) {
    let (mut one, mut two) = (recv(one), recv(two));
    let chosen = Select::new((&mut one, &mut two)).select_async().await;
    let case = if chosen == 0 { &mut one } else { &mut two };
    (chosen, case.take().expect("chosen").ok())
}

#[test]
fn what_is_ready_is_chosen() {
    let (numbers, receiver) = mpsc::channel();
    let (answer, mut answers) = oneshot::channel();
    let (room, taken) = mpmc::sync_channel(1);
    room.send("full").unwrap();
    let look = |answers: &mut oneshot::Receiver<char>, default: &str| -> String {
        select! {
            recv(&receiver) -> number => format!("{number:?}"),
            recv(answers) -> answer => format!("{answer:?}"),
            send(&room, "sent") -> sent => format!("{sent:?}"),
            default => default.to_owned(),
        }
    };
    assert_eq!(look(&mut answers, "nothing"), "nothing");
    numbers.send(1).unwrap();
    assert_eq!(look(&mut answers, "nothing"), "Ok(1)");
    answer.send('a').unwrap();
    assert_eq!(look(&mut answers, "nothing"), "Ok('a')");
    // The sender of a oneshot channel is gone now. With nothing else left the select finds that.
    assert_eq!(look(&mut answers, "nothing"), "Err(RecvError)");
    assert_eq!(taken.try_recv(), Ok("full"));
    let mut sent = 0;
    for _ in 0..200 {
        if look(&mut answers, "nothing") == "Ok(())" {
            sent += 1;
            assert_eq!(taken.try_recv(), Ok("sent"));
        }
    }
    assert!((20..=150).contains(&sent), "{sent}");
}

#[test]
fn the_macro_takes_bodies_of_each_kind() {
    let (sender, receiver) = mpsc::channel();
    let (other, silent) = mpsc::sync_channel::<()>(0);
    let mut seen = Vec::new();
    for number in 0..3 {
        sender.send(number).unwrap();
    }
    loop {
        select! {
            recv(&receiver) -> number => match number {
                Ok(2) => break,
                Ok(0) => continue,
                _ => { seen.push(number.unwrap()); }
            },
            recv(&silent) -> _ => unreachable!(),
            send(&other, ()) -> _ => { unreachable!() }
        }
    }
    assert_eq!(seen, [1]);
    let timeout = select! {
        recv(&receiver) -> _ => None,
        default(SHORT) => { Some(SHORT) }
    };
    assert_eq!(timeout, Some(SHORT));
    // What a case has borrowed is free again.
    select! {
        recv(&receiver) -> _ => {}
        default => drop(receiver),
    }
}

/// Sends when it goes.
struct SendsAtLast<'a>(&'a mpsc::Sender<u32>, Duration);

impl Drop for SendsAtLast<'_> {
    fn drop(&mut self) {
        self.0.send(1).unwrap();
    }
}

/// What the time of a `default` is read from is gone before the select waits.
#[test]
fn a_time_holds_nothing_while_it_is_waited_for() {
    let (sender, receiver) = mpsc::channel();
    let number = select! {
        recv(&receiver,) -> Ok(_) | Err(_) => 1,
        default(SendsAtLast(&sender, SHORT).1) => 0,
    };
    assert_eq!(number, 1);
    let number = async || {
        select_async! {
            recv(&receiver) -> number => number.unwrap(),
            default(SendsAtLast(&sender, LONG).1) => 0,
        }
    };
    assert_eq!(now(number()), 1);
}

#[test]
fn an_async_select_is_as_good() {
    let (sender, receiver) = mpsc::channel();
    let (room, taken) = mpsc::sync_channel(0);
    let task = async |limit: Option<Duration>| match limit {
        None => select_async! {
            recv(&receiver) -> number => number.ok(),
            send(&room, 7) -> sent => sent.ok().map(|()| 8),
        },
        Some(limit) => select_async! {
            recv(&receiver) -> number => number.ok(),
            default(limit) => Some(9),
        },
    };
    let waits = Task::waiting(task(None));
    sender.send(1).unwrap();
    assert_eq!(waits.wakes(), 1);
    assert_eq!(waits.finish(), Some(1));
    let waits = Task::waiting(task(None));
    let receives = Task::waiting(taken.recv_async());
    assert_eq!(waits.wakes(), 1);
    assert_eq!(waits.finish(), Some(8));
    assert_eq!(receives.finish(), Ok(7));
    assert_eq!(now(task(Some(Duration::ZERO))), Some(9));
    drop(sender);
    assert_eq!(now(task(None)), None);
}

/// Of two that are always ready each is chosen about as often; one beside others that are not gets its share.
#[test]
fn no_case_starves() {
    const ROUNDS: u32 = if cfg!(miri) { 200 } else { 4_000 };
    let channels: Vec<_> = (0..4).map(|_| mpmc::channel()).collect();
    for busy in [vec![0, 3], vec![0, 1], vec![0, 1, 2, 3]] {
        let mut chosen = [0_u32; 4];
        for _ in 0..ROUNDS {
            let mut cases: Vec<_> = channels
                .iter()
                .map(|(_, receiver)| recv(receiver))
                .collect();
            for &index in &busy {
                if channels[index].1.is_empty() {
                    channels[index].0.send(index).unwrap();
                }
            }
            let index = Select::new(&mut cases).select();
            assert_eq!(cases[index].take(), Some(Ok(index)));
            chosen[index] += 1;
        }
        for index in busy {
            // A quarter is what to expect at least.
            assert!(chosen[index] >= ROUNDS / 8, "{chosen:?}");
            let _ = channels[index].1.try_recv();
        }
    }
}

#[test]
fn a_case_that_has_a_result_is_chosen_again() {
    let (sender, receiver) = mpsc::channel();
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    let mut case = recv(&receiver);
    assert_eq!(Select::new([&mut case]).select(), 0);
    assert_eq!(Select::new([&mut case]).select(), 0);
    assert_eq!(case.take(), Some(Ok(1)));
    assert_eq!(receiver.try_recv(), Ok(2));
    // One that has sent is not, when its result has been taken.
    let mut case = send(&sender, 3);
    assert_eq!(Select::new([&mut case]).try_select(), Some(0));
    assert_eq!(Select::new([&mut case]).select(), 0);
    assert_eq!(case.take(), Some(Ok(())));
    assert_eq!(Select::new([&mut case]).select_timeout(SHORT), None);
    assert_eq!(receiver.try_iter().count(), 1);
    assert_eq!(case.into_message(), None);
}

/// A send case whose result has been taken waits for nothing: it would swallow what is for another one who sends.
#[test]
fn a_case_that_has_sent_takes_no_notification() {
    let (sender, receiver) = mpmc::sync_channel(1);
    let (_kept, silent) = mpmc::channel::<()>();
    let (mut one, mut two) = (send(&sender, 1), recv(&silent));
    assert_eq!(Select::new([&mut one]).select(), 0);
    assert_eq!(one.take(), Some(Ok(())));
    let mut selects = Task::waiting(Select::new((&mut one, &mut two)).select_async());
    let next = Task::waiting(sender.send_async(2));
    assert_eq!(receiver.recv(), Ok(1));
    assert_eq!((selects.wakes(), next.wakes()), (0, 1));
    assert_eq!(next.finish(), Ok(()));
    assert_eq!(selects.poll(), None);
}

#[test]
#[cfg(panic = "unwind")]
fn nothing_to_select_from_panics() {
    let none: &mut [web_sync::select::RecvCase<'_, u32>] = &mut [];
    let said = common::panic_of(|| Select::new(none));
    assert_eq!(said, "nothing to select from");
}

#[test]
fn the_end_of_either_side_is_chosen() {
    for ((sender, receiver), (kept, silent)) in all::<u32>().into_iter().zip(all()) {
        let waits = waiting([&silent, &receiver]);
        drop(sender);
        assert_eq!(waits.wakes(), 1);
        assert_eq!(waits.finish(), (1, None));
        drop(kept);
    }
    for (sender, receiver) in all().into_iter().skip(1) {
        let _ = sender.try_send(0);
        let mut case = send(&sender, 1);
        let waits = Task::waiting(Select::new([&mut case]).select_async());
        drop(receiver);
        assert_eq!(waits.wakes(), 1);
        assert_eq!(waits.finish(), 0);
        assert_eq!(case.take(), Some(Err(SendError(1))));
    }
}

/// A notification to a select that takes something else, or goes, is for the next who waits.
#[test]
fn a_notification_is_passed_on() {
    for take in [true, false] {
        for ((one, from_one), (two, from_two)) in all().into_iter().zip(all().into_iter().take(2)) {
            let selects = waiting([&from_one, &from_two]);
            let next = Task::waiting(from_two.recv_async());
            two.send(2).unwrap();
            assert_eq!((selects.wakes(), next.wakes()), (1, 0));
            if take {
                // Until it has been chosen, at whichever case the select begins.
                let _ = one.try_send(1);
                let mut selects = selects;
                match selects.poll().unwrap() {
                    (0, Some(1)) => {}
                    (1, Some(2)) => {
                        two.send(2).unwrap();
                    }
                    other => panic!("{other:?}"),
                }
                drop(selects);
            } else {
                drop(selects);
            }
            assert_eq!(next.wakes(), 1);
            assert_eq!(next.finish(), Ok(2));
        }
    }
}

#[test]
fn room_is_passed_on() {
    let (sender, receiver) = mpmc::sync_channel(1);
    let (_kept, silent) = mpmc::channel::<()>();
    sender.send(1).unwrap();
    let (mut one, mut two) = (send(&sender, 2), recv(&silent));
    let selects = Task::waiting(Select::new((&mut one, &mut two)).select_async());
    let next = Task::waiting(sender.send_async(3));
    assert_eq!(receiver.recv(), Ok(1));
    assert_eq!((selects.wakes(), next.wakes()), (1, 0));
    drop(selects);
    assert_eq!(next.wakes(), 1);
    next.finish().unwrap();
    assert_eq!(one.into_message(), Some(2));
}

/// What was handed to a future that goes is there for the next.
#[test]
fn a_select_that_goes_leaves_what_it_was_handed() {
    let ((one, from_one), (_two, from_two)) = (mpmc::sync_channel(0), mpmc::sync_channel(0));
    let selects = waiting([&from_one, &from_two]);
    one.try_send(1).unwrap();
    assert_eq!(selects.wakes(), 1);
    drop(selects);
    assert_eq!(from_one.try_recv(), Ok(1));
}

/// One that waits at two tables is there for one sender.
#[test]
fn a_select_is_handed_one_message() {
    let ((one, from_one), (two, from_two)) = (mpmc::sync_channel(0), mpmc::sync_channel(0));
    let selects = waiting([&from_one, &from_two]);
    one.try_send(1).unwrap();
    assert_eq!(two.try_send(2), Err(TrySendError::Full(2)));
    assert_eq!(selects.finish(), (0, Some(1)));
    // If another one takes it the select is there for both again.
    let mut selects = waiting([&from_one, &from_two]);
    one.try_send(1).unwrap();
    assert_eq!(from_one.try_recv(), Ok(1));
    assert_eq!(two.try_send(2), Err(TrySendError::Full(2)));
    assert_eq!(selects.poll(), None);
    two.try_send(2).unwrap();
    assert_eq!(selects.finish(), (1, Some(2)));
}

/// A claimed select whose message another one has taken hears of that, whoever stands before it.
#[test]
fn a_select_that_was_claimed_in_vain_can_be_claimed_again() {
    let [(one, from_one), (two, from_two), (three, from_three)] =
        [(); 3].map(|()| mpmc::sync_channel(0));
    let first = waiting([&from_one, &from_two]);
    let mut second = waiting([&from_one, &from_three]);
    two.try_send(1).unwrap();
    assert_eq!(from_two.try_recv(), Ok(1));
    one.try_send(2).unwrap();
    assert_eq!(three.try_send(3), Err(TrySendError::Full(3)));
    assert_eq!(first.finish(), (0, Some(2)));
    assert_eq!(second.wakes(), 1);
    assert_eq!(second.poll(), None);
    three.try_send(3).unwrap();
    assert_eq!(second.finish(), (1, Some(3)));
}

/// A select that is polled by its own waker, as some executors do.
struct PolledAtOnce {
    future: Mutex<Pin<Box<dyn Future<Output = ()> + Send>>>,
    wakes: AtomicUsize,
}

impl PolledAtOnce {
    fn poll(self: &Arc<Self>) {
        // Where it does not end at all, the test does.
        if self.wakes.load(Ordering::SeqCst) < 100 {
            let waker = Waker::from(Arc::clone(self));
            let mut future = self.future.try_lock().expect("polled inside of its poll");
            let _ = future.as_mut().poll(&mut Context::from_waker(&waker));
        }
    }
}

impl Wake for PolledAtOnce {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
        self.poll();
    }
}

/// Who claims one of many selects wakes each of them once, though those for which there is nothing wait again at once, in front of the
/// others.
#[test]
fn a_claim_ends_however_many_wait() {
    const MANY: usize = 20;
    let ((one, from_one), (_two, from_two)) = (mpmc::sync_channel(0), mpmc::sync_channel(0));
    let tasks = [(); MANY].map(|()| {
        let (from_one, from_two) = (from_one.clone(), from_two.clone());
        Arc::new(PolledAtOnce {
            future: Mutex::new(Box::pin(async move {
                assert_eq!(either([&from_one, &from_two]).await, (0, Some(1)));
            })),
            wakes: AtomicUsize::new(0),
        })
    });
    tasks.iter().for_each(PolledAtOnce::poll);
    one.try_send(1).unwrap();
    let wakes = tasks
        .each_ref()
        .map(|task| task.wakes.load(Ordering::SeqCst));
    assert_eq!(wakes, [1; MANY]);
    assert_eq!(from_one.try_recv().ok(), None);
    // They keep themselves alive, by their wakers.
    for task in &tasks {
        *task.future.lock() = Box::pin(async {});
    }
}

#[test]
fn two_selects_meet_on_an_empty_channel() {
    for sender_first in [true, false] {
        let (sender, receiver) = mpmc::sync_channel(0);
        let (_kept, silent) = mpmc::channel::<u32>();
        let (mut one, mut two) = (send(&sender, 1), recv(&silent));
        let sends = Select::new((&mut one, &mut two)).select_async();
        let receives = either([&receiver, &silent]);
        let (sends, receives) = match sender_first {
            true => {
                let sends = Task::waiting(sends);
                (sends, Task::waiting(receives))
            }
            false => {
                let receives = Task::waiting(receives);
                (Task::new(sends), receives)
            }
        };
        assert_eq!(sends.finish(), 0);
        assert_eq!(receives.wakes(), 1);
        assert_eq!(receives.finish(), (0, Some(1)));
    }
}

/// Sending and receiving over the same channel does not meet itself, and sleeps while nobody comes.
#[test]
fn a_select_does_not_meet_itself() {
    let (sender, receiver) = mpmc::sync_channel(0);
    let act = async |number| {
        let (mut one, mut two) = (send(&sender, number), recv(&receiver));
        match Select::new((&mut one, &mut two)).select_async().await {
            0 => None,
            _ => two.take().unwrap().ok(),
        }
    };
    let mut first = Task::waiting(act(1));
    for _ in 0..2 {
        assert_eq!(first.poll(), None);
        assert_eq!(first.wakes(), 0, "it woke itself");
    }
    let second = Task::new(act(2)).finish();
    assert_eq!(second, None);
    assert_eq!(first.wakes(), 1);
    assert_eq!(first.finish(), Some(2));
}

#[test]
fn a_channel_may_be_there_twice() {
    let (sender, receiver) = mpmc::channel();
    let selects = waiting([&receiver, &receiver]);
    let next = Task::waiting(receiver.recv_async());
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert_eq!(selects.finish().1, Some(1));
    assert_eq!(next.wakes(), 1);
    assert_eq!(next.finish(), Ok(2));
}

#[test]
fn time_is_over_in_time() {
    let (_one, from_one) = mpmc::channel::<u32>();
    let (_two, from_two) = mpmc::sync_channel::<u32>(0);
    for spins in [false, true] {
        let _policy = spins.then(Spinning::new);
        let (mut one, mut two) = (recv(&from_one), recv(&from_two));
        let (chosen, took) = timed(|| Select::new((&mut one, &mut two)).select_timeout(SHORT));
        assert_eq!(chosen, None);
        assert!((SHORT..LONG).contains(&took), "{took:?}");
        let deadline = Instant::now() + SHORT;
        assert_eq!(Select::new([&mut one]).select_deadline(deadline), None);
        assert!(Instant::now() >= deadline);
    }
    let mut one = recv(&from_one);
    let passed = Instant::now();
    let select = Select::new([&mut one]);
    assert_eq!(now(select.select_deadline_async(passed)), None);
    // What is there counts, whatever the time.
    let (three, from_three) = mpmc::channel();
    three.send(3).unwrap();
    let mut case = recv(&from_three);
    let select = Select::new([&mut case]);
    assert_eq!(now(select.select_deadline_async(passed)), Some(0));
    assert_eq!(case.take(), Some(Ok(3)));
    three.send(3).unwrap();
    assert_eq!(
        Select::new([&mut case]).select_timeout(Duration::ZERO),
        Some(0)
    );
    assert_eq!(case.take(), Some(Ok(3)));
    drop(three);
    assert_eq!(
        Select::new([&mut case]).select_timeout(Duration::MAX),
        Some(0)
    );
    assert_eq!(case.take(), Some(Err(RecvError)));
}

/// Futures that are dropped leave nothing in the queues, and a select of known length allocates nothing.
#[test]
fn a_select_leaves_nothing_behind() {
    const MANY: usize = if cfg!(miri) { 50 } else { 5_000 };
    let ((one, from_one), (_two, from_two)) = (mpmc::channel(), mpmc::sync_channel(0));
    let waits = waiting([&from_one, &from_two]);
    let count = allocations(|| {
        for _ in 0..MANY {
            let mut future = pin!(either([&from_one, &from_two]));
            let mut context = Context::from_waker(Waker::noop());
            assert!(future.as_mut().poll(&mut context).is_pending());
            assert!(future.as_mut().poll(&mut context).is_pending());
        }
        for _ in 0..3 {
            let mut cases = (recv(&from_one), recv(&from_two));
            let select = Select::new((&mut cases.0, &mut cases.1));
            assert_eq!(select.select_timeout(Duration::from_micros(50)), None);
        }
    });
    assert_eq!(count, 0);
    one.send(1).unwrap();
    assert_eq!(waits.wakes(), 1);
    assert_eq!(waits.finish(), (0, Some(1)));
}
