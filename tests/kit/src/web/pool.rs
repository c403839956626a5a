use std::future::Future;
use std::sync::Arc;

use wasm_bindgen::JsValue;

use super::agent::{Agent, within};
use super::{glue, handle::Handle, job, js};
use crate::{Error, TIMEOUT, slot::Slot};

/// Already started workers.
pub struct Pool {
    workers: Vec<Agent>,
}

impl Pool {
    /// Starts that many workers; resolves when every one of them has answered.
    pub async fn start(workers: usize) -> Result<Self, Error> {
        Self::start_with_stacks(workers, glue::STACK).await
    }

    /// The same with stacks of so many bytes, a multiple of 64 KiB: a worker that is terminated loses its own.
    pub async fn start_with_stacks(workers: usize, bytes: u32) -> Result<Self, Error> {
        if !cfg!(target_feature = "atomics") && workers > 0 {
            return Err(Error::new("this module was built without threads"));
        }
        let agents = (0..workers).map(|_| Agent::start(worker()?, bytes));
        let pool = Self {
            workers: agents.collect::<Result<_, _>>()?,
        };
        for (index, worker) in pool.workers.iter().enumerate() {
            let answer = worker.ready(TIMEOUT).await;
            answer.map_err(|error| Error::new(format!("worker {index} {error}")))?;
        }
        Ok(pool)
    }

    /// The number of workers.
    #[expect(clippy::len_without_is_empty, reason = "a pool is not a collection")]
    pub fn len(&self) -> usize {
        self.workers.len()
    }

    /// Runs a job on an idle worker.
    ///
    /// # Panics
    ///
    /// When every worker is busy: a queued job would wait for one that may be waiting for it.
    #[track_caller]
    pub fn spawn<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Handle<T> {
        self.run(self.idle(), job)
    }

    /// Runs a job on worker `index`, after those that it already has.
    pub fn run<T: Send + 'static>(
        &self,
        index: usize,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Handle<T> {
        let slot = Arc::new(Slot::new());
        let address = job::boxed(&slot, job);
        self.send(index, slot, address)
    }

    /// Runs an async job on an idle worker; see [`Self::run_async`].
    #[track_caller]
    pub fn spawn_async<T: Send + 'static, F: Future<Output = T> + 'static>(
        &self,
        job: impl FnOnce() -> F + Send + 'static,
    ) -> Handle<T> {
        self.run_async(self.idle(), job)
    }

    /// Runs an async job on the event loop of worker `index`; the future itself never leaves that worker.
    pub fn run_async<T: Send + 'static, F: Future<Output = T> + 'static>(
        &self,
        index: usize,
        job: impl FnOnce() -> F + Send + 'static,
    ) -> Handle<T> {
        let slot = Arc::new(Slot::new());
        let address = job::boxed_async(&slot, job);
        self.send(index, slot, address)
    }

    /// Ends every worker, when it has done its jobs, in the way that frees its stack and its thread-local memory. To drop the pool
    /// terminates them, and frees neither.
    pub async fn end(self) -> Result<(), Error> {
        let ends: Vec<_> = self.workers.iter().map(Agent::end).collect();
        for (index, end) in ends.into_iter().enumerate() {
            let answer = within(TIMEOUT, end).await;
            match answer.map(|answer| answer.as_string()) {
                Some(None) => {}
                Some(Some(text)) => return Err(Error::new(format!("worker {index}: {text}"))),
                None => return Err(Error::new(format!("worker {index} did not end in time"))),
            }
        }
        Ok(())
    }

    fn send<T>(&self, index: usize, slot: Arc<Slot<T>>, address: u32) -> Handle<T> {
        let done = self.workers[index].send(address, &[]);
        Handle::new(slot, done, format!("worker {index}"))
    }

    #[track_caller]
    fn idle(&self) -> usize {
        let idle = self.workers.iter().position(Agent::is_idle);
        idle.expect("no worker of the pool is idle")
    }
}

/// A new worker: of the browser, or of Node.
fn worker() -> Result<JsValue, Error> {
    const TEXT: &str = include_str!("worker.js");
    let process = js::global("process");
    if js::get(&process, "getBuiltinModule").is_function() {
        let threads = js::call(
            &process,
            "getBuiltinModule",
            &["node:worker_threads".into()],
        )?;
        let options = js::object(&[("eval", true.into())]);
        return js::construct(&js::get(&threads, "Worker"), &[TEXT.into(), options]);
    }
    js::construct(&js::global("Worker"), &[js::blob_url(TEXT)?])
}
