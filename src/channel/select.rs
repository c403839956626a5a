//! Select: one thread or task that waits for the first of several things to be done, at most one of which is done then.
//!
//! Each *case* listens to the event of its channel, and all of them are looked at whenever one is notified. A look *acts*: it takes the
//! message, or sends. So nothing is left to be done, nor to be undone, when a case has been chosen.
//!
//! ```text
//! turn    hear    which cases have been notified? They are out of their queues then
//!         close   from here on nobody claims us (only if we sit at a table, see `seat`)
//!         act     each case, until one has something done: chosen
//!         open    from here on a sender may claim us
//!         listen  the cases that do not, as they have been notified
//!         check   can one be acted on, or have we been claimed? Then from `close` again
//! wait    until a case is notified
//! ```
//!
//! # Invariants
//!
//! - **Z1** When a case is chosen all others pass on the notifications that they have received, or will have before they have left their
//!   queues (E3). So do all if the select is dropped.
//! - **Z2** Before it waits, all cases listen and then all are checked, none of which can be acted on. So it is notified of what comes later,
//!   and of each it is by the event that is for it. A case that is over (its message was sent before) does not listen: it could do nothing
//!   with what it is told, and would keep it from who can.
//! - **Z3** It acts only while it is closed. So it is not claimed while it takes something elsewhere, and two that have messages for each other
//!   do not wait for each other: the one that opens last finds the other one open, if that one still waits. Both may find that, and close:
//!   so they stay open for a while that is left to chance, and longer each time, before they look again. (That a round ends it is likely,
//!   not certain.)
//! - **Z4** If it has been claimed, the case for which it was is acted on first. A message that was handed to it is for another receiver only
//!   if the select is dropped before it could take it, or another one has come first. All of them have been notified (M4).
//! - **Z5** Where it sits it rises before its memory ends.
//! - **Z6** The last look of one that waits no more finds what has been sent, as `try_recv` does: it waits for a message that is just being
//!   sent, which may be in front of that.
//!
//! # Fairness
//! Cases are looked at in a circle that begins anywhere, with the same chance for each. So of `n` cases one that can be acted on is chosen
//! with a chance of at least one in `n`, however often the others can be.

use super::case::{Act, Chance};
use super::seat::{Availability, Seat};
use crate::queue::{Class, Word};
use crate::raw::{Listener, RawEvent};
use crate::sys::Call;
use crate::sys::clock::Deadline;
use crate::sys::futex;
use crate::sys::lot;
use crate::sys::spin::Spin;
use crate::sys::timer::Timer;
use core::future::poll_fn;
use core::marker::PhantomPinned;
use core::pin::{Pin, pin};
use core::ptr;
use core::task::{Poll, Waker, ready};

/// How long a select stays open at most before it looks again: two to the power of that, in pauses.
const LONGEST: u32 = 7;

/// A case of a select, for those who cannot see what that is.
pub struct Acting<'c>(pub(crate) &'c mut (dyn Act + 'c));

/// The cases of a select.
pub trait Cases {
    /// Room for as many nodes as there are cases.
    type Nodes: AsMut<[Node]>;

    fn count(&self) -> usize;

    /// That many empty nodes.
    fn nodes(&self) -> Self::Nodes;

    fn case(&mut self, index: usize) -> Acting<'_>;
}

/// How a case waits.
pub struct Node {
    /// Never moved once it is there.
    listener: Option<Listener<'static>>,
    seat: Option<Seat>,
}

// SAFETY: a listener may be sent, and a seat is touched by who has its table locked.
unsafe impl core::marker::Send for Node {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl Sync for Node {}

impl Node {
    /// One that does not wait.
    pub(crate) const EMPTY: Self = Self {
        listener: None,
        seat: None,
    };

    fn listener(&mut self) -> Option<Pin<&mut Listener<'static>>> {
        // SAFETY: by the field's contract.
        self.listener
            .as_mut()
            .map(|listener| unsafe { Pin::new_unchecked(listener) })
    }
}

/// What a waiting select has beside its nodes.
struct Own {
    availability: Availability,
    /// It sits at a table.
    sits: bool,
    /// A thread sleeps on it.
    bell: Word,
    _pin: PhantomPinned,
}

/// A select, which waits once it has been pinned.
pub(crate) struct Select<C: Cases> {
    /// None before it has begun to wait. Before the cases, since they are dropped first: they borrow of the channels.
    nodes: Option<C::Nodes>,
    own: Own,
    cases: C,
    _pin: PhantomPinned,
}

impl<C: Cases> Select<C> {
    pub(crate) fn new(cases: C) -> Self {
        assert!(cases.count() > 0, "nothing to select from");
        Self {
            nodes: None,
            own: Own {
                availability: Availability::new(),
                sits: false,
                bell: Word::new(),
                _pin: PhantomPinned,
            },
            cases,
            _pin: PhantomPinned,
        }
    }

    /// Acts on a case if that is possible at once, and does not wait. Which it is.
    pub(crate) fn try_act(&mut self) -> Option<usize> {
        act(&mut self.cases, None, Chance::Last)
    }

    /// The same for one that goes on to wait.
    fn act(&mut self) -> Option<usize> {
        act(&mut self.cases, None, Chance::Another)
    }

    /// Waits until a case has been acted on, or until the deadline. Which it is.
    pub(crate) fn wait(
        mut self,
        deadline: impl FnOnce() -> Option<Deadline>,
        call: &Call,
    ) -> Option<usize> {
        if let Some(chosen) = self.act() {
            return Some(chosen);
        }
        let deadline = deadline();
        if Deadline::is_endless(deadline) {
            futex::refuse_endless(call);
        }
        let mut spin = Spin::new();
        while spin.spin() {
            if let Some(chosen) = self.act() {
                return Some(chosen);
            }
        }
        let mut this = pin!(self);
        loop {
            let mut turn = this.as_mut().begin(Class::Thread);
            if let Some(chosen) = turn.turn(None) {
                return Some(chosen);
            }
            // Who is notified again and again does not ask for the time otherwise.
            let late = deadline.is_some_and(Deadline::passed);
            let bell = &turn.own.bell;
            let in_time = !late && bell.wait(deadline, call).is_some();
            bell.silence();
            if !in_time {
                return turn.last_look();
            }
        }
    }

    /// Waits as a task does.
    pub(crate) fn poll(self: Pin<&mut Self>, waker: &Waker) -> Poll<usize> {
        match self.begin(Class::Task).turn(Some(waker)) {
            Some(chosen) => Poll::Ready(chosen),
            None => Poll::Pending,
        }
    }

    /// Waits as a future.
    pub(crate) async fn wait_async(self) -> usize {
        let mut this = pin!(self);
        poll_fn(|context| this.as_mut().poll(context.waker())).await
    }

    /// The same, until the deadline.
    pub(crate) async fn wait_until_async(self, deadline: Deadline) -> Option<usize> {
        let mut this = pin!(self);
        let mut timer = pin!(Timer::new(deadline));
        poll_fn(|context| {
            if let Poll::Ready(chosen) = this.as_mut().poll(context.waker()) {
                return Poll::Ready(Some(chosen));
            }
            ready!(timer.as_mut().poll(context));
            Poll::Ready(this.as_mut().begin(Class::Task).last_look())
        })
        .await
    }

    /// Begins to wait, if it has not.
    fn begin(self: Pin<&mut Self>, class: Class) -> Turn<'_, C> {
        // SAFETY: nothing is moved out that is linked.
        let this = unsafe { self.get_unchecked_mut() };
        let nodes = this.nodes.get_or_insert_with(|| this.cases.nodes());
        let nodes = nodes.as_mut();
        let own = &mut this.own;
        if nodes[0].listener.is_none() {
            for (index, node) in nodes.iter_mut().enumerate() {
                let Acting(case) = this.cases.case(index);
                let event: *const RawEvent = case.event();
                // SAFETY: the channel stays where it is as long as the cases live, and the nodes are dropped before that.
                let event = unsafe { &*event };
                node.listener = Some(match class {
                    Class::Thread => Listener::with_bell(event, &raw const own.bell),
                    Class::Task => Listener::new(event, class),
                });
                let seat = node
                    .seat
                    .insert(Seat::new(&raw const own.availability, index));
                // SAFETY: new; it and `own` are pinned, and it rises when this is dropped (Z5).
                own.sits |= unsafe { case.sit(seat) };
            }
        }
        Turn {
            cases: &mut this.cases,
            nodes,
            own,
        }
    }
}

impl<C: Cases> Drop for Select<C> {
    fn drop(&mut self) {
        let nodes = self.nodes.as_mut().filter(|_| self.own.sits);
        for (index, node) in nodes.into_iter().flat_map(AsMut::as_mut).enumerate() {
            if let Some(seat) = &node.seat {
                self.cases.case(index).0.rise(seat);
            }
        }
    }
}

/// Acts on the first case that it can, beginning with that one, or anywhere.
fn act<C: Cases + ?Sized>(cases: &mut C, first: Option<usize>, chance: Chance) -> Option<usize> {
    let count = cases.count();
    let first = first.unwrap_or_else(|| lot::draw(count));
    (first..count)
        .chain(0..first)
        .find(|&index| cases.case(index).0.act(chance))
}

/// A select that waits, pinned.
struct Turn<'t, C: ?Sized> {
    cases: &'t mut C,
    nodes: &'t mut [Node],
    own: &'t Own,
}

impl<C: Cases> Turn<'_, C> {
    /// Acts on a case, or waits: who has been notified will be told by the bell or the waker.
    fn turn(&mut self, waker: Option<&Waker>) -> Option<usize> {
        self.hear(waker);
        let mut round = 0;
        loop {
            let chosen = self.act(Chance::Another);
            if chosen.is_some() {
                return chosen;
            }
            self.open();
            for (index, node) in self.nodes.iter_mut().enumerate() {
                if !self.cases.case(index).0.is_over()
                    && let Some(listener) = node.listener()
                {
                    listener.listen_on(waker);
                }
            }
            if !self.check() {
                return None;
            }
            self.linger(round);
            round = LONGEST.min(round + 1);
        }
    }

    /// Stays open for a while, unless it is claimed (Z3).
    fn linger(&self, round: u32) {
        let mut pauses = lot::draw(1 << round);
        while pauses > 0 && self.own.availability.is_open() {
            Spin::pause();
            pauses -= 1;
        }
    }

    /// Acts if it can, and waits no more.
    fn last_look(&mut self) -> Option<usize> {
        self.hear(None);
        self.act(Chance::Last)
    }

    fn hear(&mut self, waker: Option<&Waker>) {
        for node in &mut *self.nodes {
            if let Some(listener) = node.listener() {
                listener.hear(waker);
            }
        }
    }

    fn act(&mut self, chance: Chance) -> Option<usize> {
        let claimed = match self.own.sits {
            true => self.own.availability.close(),
            false => None,
        };
        let chosen = act(self.cases, claimed, chance)?;
        for (index, node) in self.nodes.iter_mut().enumerate() {
            if let Some(mut listener) = node.listener() {
                if index == chosen {
                    listener.as_mut().spend();
                }
                // Passes on (Z1).
                listener.cancel();
            }
        }
        Some(chosen)
    }

    /// From here on it can be claimed, and says so at each table.
    fn open(&mut self) {
        if !self.own.sits {
            return;
        }
        self.own.availability.open();
        for index in 0..self.nodes.len() {
            let Some(hearers) = self.cases.case(index).0.hearers() else {
                continue;
            };
            let hearers: *const RawEvent = hearers;
            // Not to ourselves, where we send as well: those who could come would not hear of it.
            for (index, node) in self.nodes.iter_mut().enumerate() {
                if ptr::eq(self.cases.case(index).0.event(), hearers)
                    && let Some(listener) = node.listener()
                {
                    listener.cancel();
                }
            }
            // SAFETY: the case is still there, and with it its channel.
            unsafe { &*hearers }.notify_one();
        }
    }

    /// Whether there is something to be done.
    fn check(&mut self) -> bool {
        let own = &self.own.availability;
        if self.own.sits && !own.is_open() {
            // Claimed, perhaps before we listened.
            return true;
        }
        (0..self.nodes.len()).any(|index| self.cases.case(index).0.check(own))
    }
}
