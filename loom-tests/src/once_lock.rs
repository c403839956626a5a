//! The value that is made one time. What waits and who has its turn is the once's, see [`crate::once`].

use std::sync::Arc;

use crate::Scene;
use crate::scene::Stage;
use crate::world::{Begun, Data, Tally};
use web_sync::OnceLock;

models![once_lock: three_make, one_sets_and_two_look, a_failure_leaves_the_turn_to_another,
    a_dropped_future_leaves_the_turn_to_another;
    stale: one_sets_and_two_look];

#[derive(Default)]
struct Place {
    lock: OnceLock<Data>,
    made: Tally,
}

/// A value that is whole when it has been made in two steps.
fn make() -> Data {
    let mut data = Data::default();
    data.add();
    data.add();
    data
}

impl Place {
    fn make(&self) -> Data {
        self.made.add();
        make()
    }

    fn get_or_make(&self) {
        look(self.lock.get_or_init(|| self.make()));
    }

    async fn get_or_make_async(self: Arc<Self>) {
        let made = self.lock.get_or_init_async(async || self.make());
        look(made.await);
    }

    fn check(&self) {
        look(self.lock.get().expect("it is made"));
        assert_eq!(self.made.get(), 1);
    }
}

fn look(data: &Data) {
    assert_eq!(data.get(), 2);
}

/// Threads and a task make the value: one does, all see it.
///
/// Seen to fail: who loses the race to begin does not acquire; only the first waiter is woken; the fast path does not acquire.
#[must_use]
pub fn three_make() -> Scene {
    Stage::new(Place::default())
        .thread(Place::get_or_make)
        .thread(Place::get_or_make)
        .task(Place::get_or_make_async)
        .end(Place::check)
}

/// One puts the value in, one waits for it, one has a look.
///
/// Seen to fail: the end does not release; a begin forgets who waits (`QUEUED`); a message for the holder of the queue is ignored.
#[must_use]
pub fn one_sets_and_two_look() -> Scene {
    Stage::new(Place::default())
        .thread(|place| assert!(place.lock.set(place.make()).is_ok()))
        .thread(|place| {
            if let Some(data) = place.lock.get() {
                look(data);
            }
        })
        .thread(|place| look(place.lock.wait()))
        .end(Place::check)
}

/// One fails to make the value.
///
/// Seen to fail: a failure completes; a failure is forgotten; a caller waits for the end, not for a turn.
#[must_use]
pub fn a_failure_leaves_the_turn_to_another() -> Scene {
    Stage::new(Place::default())
        .thread(|place| {
            if let Ok(data) = place.lock.get_or_try_init(|| Err(())) {
                look(data);
            }
        })
        .thread(Place::get_or_make)
        .task(async |place: Arc<Place>| look(place.lock.wait_async().await))
        .end(Place::check)
}

/// One is dropped in the middle of making the value.
///
/// Seen to fail: a dropped run is left running; a dropped run completes; a run begins without acquiring; a begin forgets who waits (`QUEUED`).
#[must_use]
pub fn a_dropped_future_leaves_the_turn_to_another() -> Scene {
    let place = Arc::<Place>::default();
    let makes = Arc::clone(&place);
    let never = Begun::new(async move {
        makes.lock.get_or_init_async(core::future::pending).await;
    });
    Stage::new(place)
        .thread(move |_| never.bury())
        .thread(|place| place.get_or_make())
        .task(|place| Arc::clone(&*place).get_or_make_async())
        .end(|place| place.check())
}
