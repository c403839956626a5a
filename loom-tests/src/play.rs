//! Plays scenes: under loom every schedule once, on real threads one scene many times.

use crate::world::{allow, block_on, start};
use crate::{Model, Role, Scene};
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

fn perform(role: Role) {
    match role {
        Role::Thread(act) => act(),
        Role::Task(act) => block_on(act()),
    }
}

/// Plays the model in every way there is, or often. Returns how many executions that were.
///
/// # Panics
///
/// As soon as one of them breaks what the model says.
#[must_use]
pub fn play(model: Model) -> usize {
    let executions = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&executions);
    imp::repeat(model.stale, move || {
        counted.fetch_add(1, Ordering::Relaxed);
        start(model.stale);
        once((model.scene)());
    });
    executions.load(Ordering::Relaxed)
}

/// The first role is played by the calling agent, the others by threads of their own.
fn once(scene: Scene) {
    allow(scene.spurious, scene.timeouts);
    let (roles, end) = scene.into_roles();
    let gate = imp::Gate::new(roles.len());
    let mut roles = roles.into_iter().map(|role| {
        let gate = gate.clone();
        move || {
            gate.pass();
            perform(role);
        }
    });
    let first = roles.next().expect("a scene has roles");
    let others: Vec<_> = roles.map(imp::spawn).collect();
    first();
    for other in others {
        other.join().expect("a role panicked");
    }
    end();
}

#[cfg(web_sync_loom)]
mod imp {
    pub(super) use loom::thread::spawn;

    /// Long enough for the models that loop until another agent has had its turn.
    const MAX_BRANCHES: usize = 3_000;
    pub(super) fn repeat(stale: bool, act: impl Fn() + Send + Sync + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.max_branches = MAX_BRANCHES;
        if stale {
            // Old values multiply the executions.
            builder.preemption_bound = builder.preemption_bound.map(|bound| bound - 1);
        }
        builder.check(act);
    }

    /// Who starts first is for loom to explore.
    #[derive(Clone)]
    pub(super) struct Gate;

    impl Gate {
        pub(super) fn new(_count: usize) -> Self {
            Self
        }

        pub(super) fn pass(&self) {}
    }
}

#[cfg(not(web_sync_loom))]
mod imp {
    use super::*;
    pub(super) use std::thread::spawn;
    use std::thread::yield_now;

    /// How often a scene is played, unless `WEB_SYNC_REPEAT` says otherwise.
    const REPEAT: u32 = 2_000;

    pub(super) fn repeat(_stale: bool, act: impl Fn()) {
        let times = std::env::var("WEB_SYNC_REPEAT")
            .map_or(REPEAT, |times| times.parse().expect("a number"));
        for _ in 0..times {
            act();
        }
    }

    /// Lets the roles start together, or the first would be done before the last exists.
    #[derive(Clone)]
    pub(super) struct Gate(Arc<AtomicUsize>);

    impl Gate {
        pub(super) fn new(count: usize) -> Self {
            Self(Arc::new(AtomicUsize::new(count)))
        }

        pub(super) fn pass(&self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
            while self.0.load(Ordering::Relaxed) > 0 {
                yield_now();
            }
        }
    }
}
