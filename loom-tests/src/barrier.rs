//! The barrier.

use core::future::Future;
use core::task::Poll;
use std::sync::{Arc, Mutex};

use crate::Scene;
use crate::scene::Stage;
use crate::world::{Begun, Flag, Note, Tally, bury, now, poll_once, rounds, urgent};
use web_sync::{Barrier, BarrierWaitResult};

models![barrier: three_meet, two_meet_again_and_again, all_kinds_meet, dropped_before_it_opens, dropped_while_it_opens,
    more_than_fit_are_let_through, one_comes_early_for_the_next_time;
    stale: two_meet_again_and_again, dropped_before_it_opens];

/// A barrier, and what each agent does before it arrives.
struct Meeting {
    barrier: Barrier,
    sides: [Note; 3],
    leaders: Tally,
}

impl Meeting {
    fn new(agents: usize) -> Self {
        Self {
            barrier: Barrier::new(agents),
            sides: Default::default(),
            leaders: Tally::default(),
        }
    }

    /// Has met the others, for so many times: sees what each has done before.
    fn met(&self, result: &BarrierWaitResult, times: u32) {
        if result.is_leader() {
            self.leaders.add();
        }
        let done: u32 = self.sides.iter().map(Note::get).sum();
        assert_eq!(done, times);
    }

    fn meet(&self, side: usize, times: u32) {
        self.sides[side].add();
        self.met(&self.barrier.wait(), times);
    }

    async fn meet_async(self: Arc<Self>, side: usize, times: u32) {
        self.sides[side].add();
        self.met(&self.barrier.wait_async().await, times);
    }

    fn led(&self, times: u32) {
        assert_eq!(self.leaders.get(), times);
    }
}

/// Three threads: nobody goes on before all are there, everybody sees what all have done, and one leads.
///
/// Seen to fail: it opens when one is missing; it opens when one more has come; all lead; a signal does not release.
#[must_use]
pub fn three_meet() -> Scene {
    Stage::new(Meeting::new(3))
        .thread(|meeting| meeting.meet(0, 3))
        .thread(|meeting| meeting.meet(1, 3))
        .thread(|meeting| meeting.meet(2, 3))
        .end(|meeting| meeting.led(1))
}

/// Two meet, and meet again while one of them may not have left yet. Each time they look between two meetings, or one would have
/// gone on. Two agents: they alternate between first and last.
///
/// Seen to fail: counting does not begin from zero again; all lead; a signal does not release.
#[must_use]
pub fn two_meet_again_and_again() -> Scene {
    fn meet(meeting: &Meeting, side: usize) {
        for time in 1..=rounds(2) {
            meeting.meet(side, 2 * time);
            meeting.barrier.wait();
        }
    }
    Stage::new(Meeting::new(2))
        .spurious(1)
        .thread(|meeting| meet(meeting, 0))
        .thread(|meeting| meet(meeting, 1))
        .end(|meeting| meeting.led(rounds(2)))
}

/// One sleeps, one must not, and one is a task.
///
/// Seen to fail: it opens when one is missing; it opens when one more has come; all lead; a signal does not release.
#[must_use]
pub fn all_kinds_meet() -> Scene {
    Stage::new(Meeting::new(3))
        .thread(|meeting| meeting.meet(0, 3))
        .thread(|meeting| urgent(|| meeting.meet(1, 3)))
        .task(|meeting| meeting.meet_async(2, 3))
        .end(|meeting| meeting.led(1))
}

/// A barrier at which some have arrived already.
struct Crowd {
    barrier: Arc<Barrier>,
    waiting: Mutex<Vec<Begun<BarrierWaitResult>>>,
    opened: Flag,
}

fn arrive(barrier: &Arc<Barrier>) -> impl Future<Output = BarrierWaitResult> + Send + 'static {
    let barrier = Arc::clone(barrier);
    async move { barrier.wait_async().await }
}

impl Crowd {
    fn new(waiting: usize, more: usize) -> Self {
        let barrier = Arc::new(Barrier::new(waiting + more));
        let waiting = (0..waiting).map(|_| Begun::new(arrive(&barrier))).collect();
        Self {
            barrier,
            waiting: Mutex::new(waiting),
            opened: Flag::default(),
        }
    }

    /// Arrives, and is dropped: it has opened, or has not arrived, unless another one opened meanwhile.
    async fn try_to_arrive(self: Arc<Self>) {
        let mut arrival = Box::pin(self.barrier.wait_async());
        if let Poll::Ready(result) = poll_once(arrival.as_mut()).await {
            assert!(result.is_leader());
            self.opened.set();
        }
        bury(arrival);
    }

    /// All who wait have been let through.
    fn leave(&self) {
        for waiting in self.waiting.lock().unwrap().drain(..) {
            assert!(!waiting.finish().is_leader());
        }
    }
}

/// Two come and go twice, and would have to be three to open: who has gone does not count.
///
/// Seen to fail: a dropped future does not uncount itself; it opens when one is missing.
#[must_use]
pub fn dropped_before_it_opens() -> Scene {
    async fn come_and_go(crowd: Arc<Crowd>) {
        crowd.clone().try_to_arrive().await;
        crowd.try_to_arrive().await;
    }
    Stage::new(Crowd::new(1, 3))
        .task(come_and_go)
        .task(come_and_go)
        .end(|crowd| {
            assert!(!crowd.opened.get());
            let others = [(); 2].map(|()| Begun::new(arrive(&crowd.barrier)));
            assert!(now(arrive(&crowd.barrier)).is_leader());
            for other in others {
                assert!(!other.finish().is_leader());
            }
            crowd.leave();
        })
}

/// Two come and go, and are enough to open if both are there. Whoever goes when it has opened takes nothing back. Two agents: a third
/// would only find it open or not.
///
/// Seen to fail: counting does not begin from zero again; it opens when one is missing.
#[must_use]
pub fn dropped_while_it_opens() -> Scene {
    Stage::new(Crowd::new(1, 2))
        .task(Crowd::try_to_arrive)
        .task(Crowd::try_to_arrive)
        .end(|crowd| {
            if !crowd.opened.get() {
                let second = Begun::new(arrive(&crowd.barrier));
                assert!(now(arrive(&crowd.barrier)).is_leader());
                second.finish();
            }
            crowd.leave();
            // Nobody is counted any more.
            let first = Begun::new(arrive(&crowd.barrier));
            let second = Begun::new(arrive(&crowd.barrier));
            assert!(now(arrive(&crowd.barrier)).is_leader());
            for other in [first, second] {
                other.finish();
            }
        })
}

/// More wait than are woken at one go; the one that is left is woken as well, or sees for itself. Two agents: the others only wait.
///
/// Seen to fail: who opens delivers once only; a task that is marked waits on.
#[must_use]
pub fn more_than_fit_are_let_through() -> Scene {
    Stage::new(Crowd::new(9, 1))
        .task(Crowd::try_to_arrive)
        .task(async |crowd: Arc<Crowd>| {
            let last = crowd.waiting.lock().unwrap().pop();
            let last = last.expect("nine wait").go_on().await;
            assert!(!last.is_leader());
        })
        .end(|crowd| {
            assert!(crowd.opened.get());
            crowd.leave();
        })
}

/// An agent that must not block comes for the next time while not all have left: it stands before them, and is not let through.
/// Two agents: the others only wait.
///
/// Seen to fail: the first waiter is let through, not the first that is marked; counting does not begin from zero again.
#[must_use]
pub fn one_comes_early_for_the_next_time() -> Scene {
    Stage::new(Crowd::new(9, 1))
        .thread(|crowd| {
            // Enough for two times, with those who wait and the other agent.
            for _ in 0..10 {
                match Begun::or_ready(arrive(&crowd.barrier)) {
                    Ok(waits) => crowd.waiting.lock().unwrap().push(waits),
                    Err(result) => assert!(result.is_leader()),
                }
            }
        })
        .thread(|crowd| {
            urgent(|| crowd.barrier.wait());
        })
        .end(Crowd::leave)
}
