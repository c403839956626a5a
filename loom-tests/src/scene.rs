//! What a model is made of.

use core::future::Future;
use core::pin::Pin;
use std::sync::Arc;

/// What one agent does.
pub enum Role {
    /// It may block.
    Thread(Box<dyn FnOnce() + Send>),
    /// It awaits: run by an executor. The future stays on the agent that makes it.
    Task(Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>),
}

/// A model, ready to be played once.
pub struct Scene {
    pub(crate) roles: Vec<Role>,
    pub(crate) end: Box<dyn FnOnce() + Send>,
    /// How many waits may end for no reason, where the runner decides that.
    pub(crate) spurious: u32,
    /// How many waits may time out, where the runner decides that.
    pub(crate) timeouts: u32,
}

impl Scene {
    /// The roles, and the check for when all of them have ended. Each role is for an agent of its own.
    pub fn into_roles(self) -> (Vec<Role>, Box<dyn FnOnce() + Send>) {
        (self.roles, self.end)
    }
}

/// A scene in the making, around what its agents share.
pub(crate) struct Stage<S> {
    shared: Arc<S>,
    roles: Vec<Role>,
    spurious: u32,
    timeouts: u32,
}

impl<S: Send + Sync + 'static> Stage<S> {
    pub(crate) fn new(shared: S) -> Self {
        Self {
            shared: Arc::new(shared),
            roles: Vec::new(),
            spurious: 0,
            timeouts: 0,
        }
    }

    /// Adds an agent that may block.
    pub(crate) fn thread(mut self, act: impl FnOnce(&S) + Send + 'static) -> Self {
        let shared = Arc::clone(&self.shared);
        self.roles
            .push(Role::Thread(Box::new(move || act(&shared))));
        self
    }

    /// Adds an agent that runs a future.
    pub(crate) fn task<F>(mut self, act: impl FnOnce(Arc<S>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + 'static,
    {
        let shared = Arc::clone(&self.shared);
        self.roles
            .push(Role::Task(Box::new(move || Box::pin(act(shared)))));
        self
    }

    /// Lets so many waits end for no reason.
    pub(crate) fn spurious(mut self, count: u32) -> Self {
        self.spurious = count;
        self
    }

    /// Lets so many waits time out.
    pub(crate) fn timeouts(mut self, count: u32) -> Self {
        self.timeouts = count;
        self
    }

    /// Ends the scene with a check.
    pub(crate) fn end(self, check: impl FnOnce(&S) + Send + 'static) -> Scene {
        let Self {
            shared,
            roles,
            spurious,
            timeouts,
        } = self;
        Scene {
            roles,
            end: Box::new(move || check(&shared)),
            spurious,
            timeouts,
        }
    }
}

/// A named model.
#[derive(Clone, Copy)]
pub struct Model {
    /// `module::function`.
    pub name: &'static str,
    /// Sets the scene anew.
    pub scene: fn() -> Scene,
    /// Under loom: explores what old values Relaxed loads may return as well, with fewer preemptions.
    pub stale: bool,
}

/// The models of a module: `MODELS`, with their names; and `STALE`, those small enough to be explored with old values.
macro_rules! models {
    ($module:ident: $($name:ident),* ; stale: $($small:ident),* $(,)?) => {
        /// The models of this module.
        pub(crate) const MODELS: &[$crate::Model] = &[$($crate::Model {
            name: concat!(stringify!($module), "::", stringify!($name)),
            scene: $name,
            stale: false,
        }),*];
        /// The models of this module that are explored with old values too.
        pub(crate) const STALE: &[$crate::Model] = &[$($crate::Model {
            name: concat!(stringify!($module), "::", stringify!($small), "::stale"),
            scene: $small,
            stale: true,
        }),*];
    };
}
