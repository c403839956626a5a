use std::sync::Arc;
use std::time::Duration;

use js_sys::Promise;

use super::{agent::within, time};
use crate::{Error, TIMEOUT, slot::Slot};

/// A job under way.
pub struct Handle<T> {
    slot: Arc<Slot<T>>,
    /// Resolves when the worker says so: with `undefined`, or with the text of an error.
    done: Promise,
    who: String,
}

impl<T> Handle<T> {
    pub(crate) fn new(slot: Arc<Slot<T>>, done: Promise, who: String) -> Self {
        Self { slot, done, who }
    }

    /// Whether the job has ended well, or panicked. (Of a trap without a panic only a message tells: see [`Self::join_async`].)
    pub fn is_finished(&self) -> bool {
        self.slot.is_finished()
    }

    /// Resolves when the job has begun to run.
    pub async fn started(&self) -> Result<(), Error> {
        let deadline = time::now() + TIMEOUT;
        while !self.slot.has_begun() {
            if time::now() > deadline {
                return Err(self.timed_out());
            }
            time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// The result of the job; an [`Error`] when it panicked, trapped or takes longer than [`TIMEOUT`].
    pub async fn join_async(self) -> Result<T, Error> {
        self.join_within(TIMEOUT).await
    }

    /// [`Self::join_async`] with another time-out.
    pub async fn join_within(self, timeout: Duration) -> Result<T, Error> {
        let answer = within(timeout, self.done.clone()).await;
        // SAFETY: this is the one handle.
        if let Some(result) = unsafe { self.slot.take() } {
            return result;
        }
        let answer = answer.ok_or_else(|| self.timed_out())?;
        let text = answer.as_string();
        Err(Error::new(text.unwrap_or_else(|| "no result".into())))
    }

    fn timed_out(&self) -> Error {
        Error::new(format!("{} did not finish in time", self.who))
    }
}
